//! The rows of usage.

use crate::answer::Shown;
use crate::permits::{Corrections, Permit, Read, Usage, Write};
use crate::query::{NoQuery, Page};
use crate::row::{Example, Facts, Header, Met, Method, NoBody, Operation};
use crate::usage::{CorrectUsage, CorrectedUsage, RecordUsage, RecordedUsage, UsageList};

/// Lists counts.
pub const LIST_USAGE: Operation<Permit<Usage, Read>, Page, NoBody, Shown<UsageList>> =
    Operation::new(Facts {
        id: "listUsage",
        path: "/usage",
        summary: "Lists the counted requests by month, service and source.",
        example: Example::answer(
            r#"{"data": [{"source": "gateway-1", "service": "orders", "month": "2026-11", "count": 12000,
 "reported": 12345, "correction": -345}], "next_cursor": null, "total_requests": 12000}"#,
        ),
        command: Met::At(&["usage list"]),
        page: Met::At(&["Usage"]),
        ..Facts::EMPTY
    });

/// Records counts.
pub const RECORD_USAGE: Operation<
    Permit<Usage, Write>,
    NoQuery,
    RecordUsage,
    Shown<RecordedUsage>,
> = Operation::new(Facts {
    id: "recordUsage",
    method: Method::Post,
    path: "/usage",
    summary: "Reports counts, or running totals.",
    details: "Repeating a report changes nothing. If all are refused, the answer is the problem of the first.",
    headers: &[Header::IdempotencyKey],
    example: Example::sent(
        r#"{"counts": [{"source": "gateway-1", "service": "orders", "month": "2026-11", "count": 12345},
 {"service": "orders", "total": 7, "epoch": "2026-11-29T04:00:00Z"}]}"#,
        r#"{"accepted": 1, "kept": 0, "refused": 1, "counts": [
 {"source": "gateway-1", "service": "orders", "month": "2026-11", "result": "accepted", "stored": 12345},
 {"source": "default", "service": "orders", "epoch": "2026-11-29T04:00:00Z", "result": "refused", "stored": 0,
  "error": {"reason": "quota-reached", "detail": "quota usage-series: …"}}]}"#,
    ),
    command: Met::At(&["usage add"]),
    page: Met::Nowhere("programs report usage, people do not"),
    ..Facts::EMPTY
});

/// Corrects a count.
pub const CORRECT_USAGE: Operation<
    Permit<Corrections, Write>,
    NoQuery,
    CorrectUsage,
    Shown<CorrectedUsage>,
> = Operation::new(Facts {
    id: "correctUsage",
    method: Method::Post,
    path: "/usage/corrections",
    summary: "Corrects a count by a difference, which stands beside what is reported.",
    headers: &[Header::IdempotencyKey],
    example: Example::sent(
        r#"{"source": "gateway-1", "service": "orders", "month": "2026-11", "by": -345, "reason": "test traffic"}"#,
        r#"{"position": 44, "by": -345, "reason": "test traffic", "source": "gateway-1", "service": "orders",
 "month": "2026-11", "count": 12000, "reported": 12345, "correction": -345}"#,
    ),
    command: Met::At(&["usage correct"]),
    page: Met::At(&["Usage"]),
    ..Facts::EMPTY
});
