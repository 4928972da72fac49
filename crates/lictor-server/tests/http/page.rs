//! What docs/operations.md says of limits is what they are.

use std::path::Path;
use std::time::Duration;

use lictor_authority::JOBS;
use lictor_server::http::budget;
use lictor_server::http::limits::{BODY_READ_TIMEOUT, CREDENTIAL_READ_TIMEOUT, ConnectionLimits};

/// A figure with commas between its thousands.
fn shown(figure: usize) -> String {
    let digits = figure.to_string();
    let threes: Vec<_> = digits.as_bytes().rchunks(3).rev().collect();
    let threes = threes.iter().map(|three| String::from_utf8_lossy(three));
    threes.collect::<Vec<_>>().join(",")
}

#[test]
fn the_page_says_each_limit_as_it_is() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let page = std::fs::read_to_string(page).unwrap();
    let section = page.split("\n## Limits\n").nth(1).unwrap();
    let limits = ConnectionLimits::default();
    let memory = budget::Limits::default();
    let share = limits.max_connections_per_address.unwrap();
    let megabytes = |bytes: usize| format!("{} MB", bytes / 1_000_000);
    let kibibytes = |bytes: usize| format!("{} KiB", bytes / 1024);
    let seconds = |span: Duration| format!("{} s", span.as_secs());
    let idle = limits.idle_timeout;
    let span = format!("{} to {} s", idle.as_secs(), (idle * 5 / 4).as_secs());
    let head = format!(
        "{}, {}, {}",
        kibibytes(limits.max_header_bytes),
        limits.max_headers,
        kibibytes(limits.max_uri_bytes)
    );
    for (what, figure) in [
        ("memory for the bodies of all", megabytes(memory.all)),
        (
            "of that, for unauthenticated requests",
            megabytes(memory.anonymous),
        ),
        ("of that, for each", megabytes(memory.organization)),
        ("connections", shown(limits.max_connections)),
        ("of them, from one address", shown(share)),
        ("streams on one", shown(limits.max_http2_streams as usize)),
        (
            "of those, on all unauthenticated",
            shown(limits.max_anonymous_streams),
        ),
        (
            "streams in work on all",
            shown(limits.max_signed_in_streams),
        ),
        ("from a connection to", seconds(limits.first_byte_timeout)),
        ("from the first byte of a", seconds(limits.header_timeout)),
        ("the head, its fields", head),
        ("a body from the first time", seconds(BODY_READ_TIMEOUT)),
        (
            "the body of a request to `/oauth`",
            seconds(CREDENTIAL_READ_TIMEOUT),
        ),
        ("an answer of which nothing", span.clone()),
        ("a connection without", span),
        ("requests of one token in work", JOBS.to_string()),
        ("a request of HTTP/1 whose", seconds(limits.left_timeout)),
        (
            "bodies sent over one",
            kibibytes(limits.http2_window as usize),
        ),
    ] {
        let mut rows = section.lines();
        let row = rows.find(|row| row.starts_with(&format!("| {what}")));
        let row = row.unwrap_or_else(|| panic!("no row: {what}"));
        let default = row.split(" | ").nth(1).unwrap_or_default();
        let words = default.split([':', ' ', ',']).collect::<Vec<_>>();
        let wanted: Vec<_> = figure.split([' ', ',']).collect();
        let says = words.windows(wanted.len()).any(|some| some == wanted);
        assert!(says, "{what}: {figure}, not {default}");
    }
}
