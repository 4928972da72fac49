//! The metrics of server and node, and the page that lists them.

use std::collections::BTreeSet;
use std::path::Path;

use lictor_testkit::{Request, Running, command, result};

use super::server::Server;
use super::{issue, vendor, write};

/// The names of the metrics in an answer.
fn scraped(request: &Request) -> BTreeSet<String> {
    let answer = request.send();
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let names = types.filter_map(|line| line.split(' ').next());
    names.map(str::to_owned).collect()
}

/// The names in the tables of the page: in the first column, between back quotes.
fn listed() -> BTreeSet<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    let text = std::fs::read_to_string(page).expect("a page");
    let rows = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `lictor_"));
    let mut names = BTreeSet::new();
    for row in rows {
        let first = row.split('|').next().expect("a column");
        let first = format!("`lictor_{first}");
        names.extend(first.split('`').skip(1).step_by(2).map(str::to_owned));
    }
    names
}

#[test]
fn every_metric_is_in_the_table_and_no_other_is() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    let file = server.file("license.json");
    write(&file, &issue(&key, &[]));
    result(&server.lictor(&["license", "add", &file]));
    let token = result(&server.lictor(&["node", "enroll", "--name", "edge-1"]));
    let mut node = command();
    node.args(["node", "run", "--listen", "127.0.0.1:0"])
        .args(["--control-plane", server.url(), "--data"])
        .arg(server.file("node"))
        .env("LICTOR_ENROLL", token);
    let running = Running::start(&mut node);
    let url = running.listening();
    let mut names = scraped(&server.get("/metrics").token(server.token()));
    assert!(names.len() > 5, "{names:?}");
    names.extend(scraped(&Request::new(&url, "GET", "/metrics")));
    let listed = listed();
    let missing: Vec<_> = names.difference(&listed).collect();
    assert!(
        missing.is_empty(),
        "add them to docs/operations.md: {missing:?}"
    );
    let gone: Vec<_> = listed.difference(&names).collect();
    assert!(
        gone.is_empty(),
        "take them out of docs/operations.md: {gone:?}"
    );
}
