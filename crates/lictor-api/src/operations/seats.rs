//! The rows of seats, leases, holders, refusals, counts and the census.

use lictor_core::facts::right::{Resource, Right};

use super::variables::{ACCOUNT, APPLICATION, HOLDER, LEASE};
use crate::answer::{Created, CreatedOrThere, Done, Shown};
use crate::census::{Census as Taken, WrittenCensus};
use crate::counts::CountList;
use crate::leases::{
    CheckOutLease, CheckedOutLease, EndedLease, ForgottenHolder, Lease, ReleaseLease, RenewLease,
};
use crate::list::List;
use crate::permits::{Accounts, Census, Leases, Permit, Read, Seats, Write};
use crate::query::{EndedLeases, NoQuery, OfApplication, Page};
use crate::refusals::{HourOfRefusals, Refusal};
use crate::row::{Example, Facts, Header, Met, Method, NoBody, Operation};
use crate::seats::{AccountSeat, AssignSeat, AssignedSeat, ChangeSeats, ChangedSeats, Seat};
use crate::values::Nothing;

/// Lists the seats of an application.
pub const LIST_SEATS: Operation<Permit<Seats, Read>, Page, NoBody, Shown<List<Seat>>> =
    Operation::new(Facts {
        id: "listSeats",
        path: "/applications/{application}/seats",
        variables: &[APPLICATION],
        summary: "Lists who has a seat of an application, since when, and who assigned it.",
        example: Example::answer(
            r#"{"data": [{"application": "konnect", "account": "019dd0a8-5c00-7000-8000-000000000003",
 "email": "ada@example.com", "name": "Ada Lovelace", "status": "active", "since": "2026-11-22T04:00:00Z",
 "position": 12, "assigned_by": {"token": "019dd0a8-5c00-7000-8000-000000000005", "name": "CI", "account": null,
 "email": null}}], "next_cursor": null}"#,
        ),
        command: Met::At(&["seat list"]),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// Assigns a seat.
pub const ASSIGN_SEAT: Operation<
    Permit<Seats, Write>,
    NoQuery,
    AssignSeat,
    CreatedOrThere<AssignedSeat>,
> = Operation::new(Facts {
    id: "assignSeat",
    method: Method::Post,
    path: "/applications/{application}/seats",
    variables: &[APPLICATION],
    summary: "Assigns a seat to an account; one that has a seat keeps it.",
    headers: &[Header::IdempotencyKey],
    problems: &["seat-refused", "outdated"],
    example: Example {
        status: Some(201),
        ..Example::sent(
            r#"{"account": "ada@example.com"}"#,
            r#"{"application": "konnect", "account": "019dd0a8-5c00-7000-8000-000000000003", "limit": 10, "used": 7}"#,
        )
    },
    command: Met::At(&["seat assign"]),
    page: Met::At(&["Application"]),
    ..Facts::EMPTY
});

/// Releases and assigns many seats.
pub const CHANGE_SEATS: Operation<Permit<Seats, Write>, NoQuery, ChangeSeats, Shown<ChangedSeats>> =
    Operation::new(Facts {
        id: "changeSeats",
        method: Method::Post,
        path: "/applications/{application}/seats/bulk",
        variables: &[APPLICATION],
        summary: "Releases and assigns many seats of an application.",
        headers: &[Header::IdempotencyKey],
        problems: &["outdated"],
        example: Example::sent(
            r#"{"release": ["ada@example.com"], "assign": ["ci@example.com"], "mode": "each"}"#,
            r#"{"refused": 1, "rows": [{"account": "ada@example.com", "result": "released"},
 {"account": "ci@example.com", "result": "refused", "error": {"reason": "service",
  "detail": "a service account cannot have seats; assign the seat to a person"}}]}"#,
        ),
        command: Met::Nowhere("`lictor account import --seat` assigns many, from a file"),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// Releases a seat.
pub const RELEASE_SEAT: Operation<Permit<Seats, Write>, NoQuery, NoBody, Done> =
    Operation::new(Facts {
        id: "releaseSeat",
        method: Method::Delete,
        path: "/applications/{application}/seats/{account}",
        variables: &[APPLICATION, ACCOUNT],
        summary: "Releases an account's seat.",
        command: Met::At(&["seat release"]),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// Who has which seat is about seats, and about accounts.
type SeatsOfAccounts = (Permit<Seats, Read>, Permit<Accounts, Read>);

/// Lists the seats of an account.
pub const LIST_SEATS_OF_ACCOUNT: Operation<
    SeatsOfAccounts,
    Page,
    NoBody,
    Shown<List<AccountSeat>>,
> = Operation::new(Facts {
    id: "listSeatsOfAccount",
    path: "/accounts/{account}/seats",
    variables: &[ACCOUNT],
    summary: "Lists the seats that an account has, which is why it counts.",
    example: Example::answer(
        r#"{"data": [{"application": "konnect", "since": "2026-11-22T04:00:00Z", "position": 12,
 "assigned_by": null}], "next_cursor": null}"#,
    ),
    command: Met::At(&["account seats"]),
    page: Met::At(&["Accounts"]),
    ..Facts::EMPTY
});

/// Lists leases.
pub const LIST_LEASES: Operation<Permit<Leases, Read>, Page, NoBody, Shown<List<Lease>>> =
    Operation::new(Facts {
        id: "listLeases",
        path: "/applications/{application}/leases",
        variables: &[APPLICATION],
        summary: "Lists the live leases of an application.",
        example: Example::answer(
            r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-000000000004", "application": "konnect", "holder": "build-7",
 "fence": 1, "since": "2026-11-22T04:00:00Z", "expires_at": "2026-11-22T04:01:00Z", "position": 31}],
 "next_cursor": null}"#,
        ),
        command: Met::At(&["lease list"]),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// Checks out a lease.
pub const CHECK_OUT_LEASE: Operation<
    Permit<Leases, Write>,
    NoQuery,
    CheckOutLease,
    Created<CheckedOutLease>,
> = Operation::new(Facts {
    id: "checkOutLease",
    method: Method::Post,
    path: "/applications/{application}/leases",
    variables: &[APPLICATION],
    summary: "Checks out a seat for a limited time.",
    details: "A holder with a live lease gets the same one with its fence raised, and takes no second seat.",
    headers: &[
        Header::IdempotencyKey,
        Header::Location {
            path: "/leases/{lease}",
            member: "id",
        },
    ],
    problems: &["seat-refused", "outdated"],
    example: Example::sent(
        r#"{"holder": "build-7", "ttl_seconds": 60}"#,
        r#"{"id": "019dd0a8-5c00-7000-8000-000000000004", "application": "konnect", "holder": "build-7", "fence": 1,
 "since": "2026-11-22T04:00:00Z", "expires_at": "2026-11-22T04:01:00Z", "position": 31, "limit": 10, "used": 8}"#,
    ),
    command: Met::At(&["lease checkout"]),
    page: Met::Nowhere("devices and jobs check out leases, people do not"),
    ..Facts::EMPTY
});

/// Lists leases that ended.
pub const LIST_ENDED_LEASES: Operation<
    Permit<Leases, Read>,
    EndedLeases,
    NoBody,
    Shown<List<EndedLease>>,
> = Operation::new(Facts {
    id: "listEndedLeases",
    path: "/applications/{application}/leases/ended",
    variables: &[APPLICATION],
    summary: "Lists the leases of an application that ended, the latest first.",
    details: "They are kept for as long as `lictor serve --keep-holders` says, also of an application that was removed.",
    example: Example {
        query: Some("holder=build-7&since=2026-11-01T00:00:00Z"),
        ..Example::answer(
            r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-000000000004", "application": "konnect", "holder": "build-7",
 "since": "2026-11-22T04:00:00Z", "until": "2026-11-22T04:00:42Z", "reason": "released", "position": 32}],
 "next_cursor": null}"#,
        )
    },
    command: Met::At(&["lease list --ended"]),
    page: Met::At(&["Application"]),
    ..Facts::EMPTY
});

/// Shows a lease.
pub const SHOW_LEASE: Operation<Permit<Leases, Read>, NoQuery, NoBody, Shown<Lease>> =
    Operation::new(Facts {
        id: "showLease",
        path: "/leases/{lease}",
        variables: &[LEASE],
        summary: "Shows a live lease.",
        example: Example::answer(LEASE_EXAMPLE),
        command: Met::Nowhere("`lictor lease list` shows the same of each"),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// A lease, as examples show it.
const LEASE_EXAMPLE: &str = r#"{"id": "019dd0a8-5c00-7000-8000-000000000004", "application": "konnect",
 "holder": "build-7", "fence": 1, "since": "2026-11-22T04:00:00Z", "expires_at": "2026-11-22T04:10:00Z",
 "position": 31}"#;

/// Renews a lease.
pub const RENEW_LEASE: Operation<Permit<Leases, Write>, NoQuery, RenewLease, Shown<Lease>> =
    Operation::new(Facts {
        id: "renewLease",
        method: Method::Post,
        path: "/leases/{lease}/renew",
        variables: &[LEASE],
        summary: "Moves the end of a lease, also after its license has ended.",
        problems: &["fence-mismatch"],
        example: Example::sent(r#"{"fence": 1, "ttl_seconds": 600}"#, LEASE_EXAMPLE),
        command: Met::At(&["lease renew"]),
        page: Met::Nowhere("devices and jobs renew leases, people do not"),
        ..Facts::EMPTY
    });

/// Releases a lease.
pub const RELEASE_LEASE: Operation<Permit<Leases, Write>, NoQuery, ReleaseLease, Done> =
    Operation::new(Facts {
        id: "releaseLease",
        method: Method::Post,
        path: "/leases/{lease}/release",
        variables: &[LEASE],
        summary: "Releases a lease.",
        problems: &["fence-mismatch"],
        example: Example {
            body: Some(r#"{"fence": 1}"#),
            ..Example::NONE
        },
        command: Met::At(&["lease release"]),
        page: Met::At(&["Application"]),
        ..Facts::EMPTY
    });

/// Forgets a holder.
pub const FORGET_HOLDER: Operation<
    Permit<Accounts, Write>,
    NoQuery,
    NoBody,
    Shown<ForgottenHolder>,
> = Operation::new(Facts {
    id: "forgetHolder",
    method: Method::Delete,
    path: "/holders/{holder}",
    variables: &[HOLDER],
    summary: "Takes a holder's name from all records of ended leases and refusals.",
    details: "The records stay without the name, so that figures stay true.",
    problems: &["holder-has-leases"],
    example: Example::answer(r#"{"ended_leases": 12, "refusals": 3}"#),
    command: Met::At(&["forget"]),
    page: Met::At(&["Accounts"]),
    ..Facts::EMPTY
});

/// Shows counts.
pub const SHOW_COUNTS: Operation<Permit<Seats, Read>, OfApplication, NoBody, Shown<CountList>> =
    Operation::new(Facts {
        id: "showCounts",
        path: "/counts",
        summary: "Shows what was bought, what is used and what is left.",
        details: "These are the figures that every dialect shows.",
        example: Example {
            query: Some("application=konnect"),
            ..Example::answer(
                r#"{"data": [{"application": "konnect", "plan": "PAID", "limit": 10, "used": 7, "available": 3,
 "overage": 0, "seats": 6, "leases": 1}], "next_cursor": null,
 "total": {"limit": 10, "used": 7, "available": 3, "accounts": 6}}"#,
            )
        },
        command: Met::At(&["count"]),
        page: Met::At(&["Overview"]),
        ..Facts::EMPTY
    });

/// Lists refusals.
pub const LIST_REFUSALS: Operation<Permit<Seats, Read>, Page, NoBody, Shown<List<Refusal>>> =
    Operation::new(Facts {
        id: "listRefusals",
        path: "/refusals",
        summary: "Lists who was refused a seat in the last 90 days, the latest first.",
        example: Example::answer(
            r#"{"data": [{"minute": "2026-11-22T04:00:00Z", "application": "konnect", "account": null, "email": null,
 "holder": "build-8", "reason": "exhausted", "count": 3, "limit": 10, "used": 10, "first_position": 40,
 "last_position": 41}], "next_cursor": null}"#,
        ),
        command: Met::At(&["seat refusals"]),
        page: Met::At(&["Overview"]),
        ..Facts::EMPTY
    });

/// Lists refusals by hour.
pub const LIST_REFUSALS_BY_HOUR: Operation<
    Permit<Seats, Read>,
    Page,
    NoBody,
    Shown<List<HourOfRefusals>>,
> = Operation::new(Facts {
    id: "listRefusalsByHour",
    path: "/refusals/by-hour",
    summary: "Lists how many seats were refused in each hour, the latest first.",
    example: Example::answer(
        r#"{"data": [{"hour": "2026-11-22T04:00:00Z", "application": "konnect", "reason": "exhausted", "count": 3}],
 "next_cursor": null}"#,
    ),
    command: Met::At(&["seat refusals --by-hour"]),
    page: Met::At(&["Overview"]),
    ..Facts::EMPTY
});

/// Shows the census.
pub const SHOW_CENSUS: Operation<Permit<Census, Read>, Page, NoBody, Shown<Taken>> = Operation::new(
    Facts {
        id: "showCensus",
        path: "/census",
        summary: "Shows how many distinct accounts count, and how old that figure is.",
        example: Example::answer(
            r#"{"accounts": 6, "taken_at": "2026-11-22T04:00:00Z", "age_seconds": 12,
 "next_at": "2026-11-22T05:00:00Z", "data": [{"application": "konnect", "seats": 6}], "next_cursor": null}"#,
        ),
        command: Met::Nowhere("`lictor count` shows figures that are never old"),
        page: Met::At(&["Report"]),
        ..Facts::EMPTY
    },
);

/// Takes the census.
pub const TAKE_CENSUS: Operation<Permit<Census, Write>, NoQuery, Nothing, Shown<WrittenCensus>> =
    Operation::new(Facts {
        id: "takeCensus",
        method: Method::Post,
        path: "/census",
        summary: "Takes the census now.",
        headers: &[Header::IdempotencyKey],
        example: Example::sent(
            "{}",
            r#"{"accounts": 6, "taken_at": "2026-11-22T04:00:00Z", "age_seconds": 0,
 "next_at": "2026-11-22T05:00:00Z", "data": [{"application": "konnect", "seats": 6}], "next_cursor": null}"#,
        ),
        command: Met::Nowhere("`lictor count` shows figures that are never old"),
        page: Met::At(&["Report"]),
        ..Facts::EMPTY
    });

/// The permit for seats that an import needs whose rows have some.
pub(super) const SEATS: Right = Right::write(Resource::Seats);
