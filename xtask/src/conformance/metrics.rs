//! `cargo xtask conformance metrics`: Debian's promtool reads what a server and its node say of themselves.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, Node, OPERATOR, Tally, Workspace};

use super::{Subject, Suite};

pub(super) const SUITE: Suite = Suite {
    name: "metrics",
    faults: &[],
    run,
};

/// What a scrape must hold, so that an empty one does not pass: of the server, and of its node.
const SERVER: [&str; 4] = [
    "lictor_requests_total{",
    "lictor_request_duration_seconds_bucket{",
    "lictor_license_covered_seconds{",
    "lictor_build_info{",
];
const NODE: [&str; 4] = [
    "lictor_node_mode{",
    "lictor_node_denied_total{",
    "lictor_node_license_covered_seconds ",
    "lictor_node_requests_total{service=\"a\\\"\\\\b\"}",
];

/// One passed test for each of the two.
fn run(workspace: &Workspace, subject: &Subject) -> Result<Tally> {
    let scratch = workspace.scratch("conformance")?;
    let installation = Installation::create(&subject.binary, &scratch)?;
    let server = installation.serve(&scratch.join("data"), &subject.environment())?;
    let base = server.base();
    let lictor = |arguments: &[&str]| {
        let server = ["--url", &base, "--token", OPERATOR];
        installation.lictor(&[arguments, &server].concat())
    };
    let document =
        installation.issue_seats("Gateway Pro", 5, "GW-1", "2025-01-01", "2099-12-31")?;
    let file = scratch.join("license.json");
    fs::write(&file, document)?;
    lictor(&["license", "add", file.to_str().context("a path of text")?])?;
    let token = lictor(&["node", "enroll", "--name", "edge-1"])?;
    let node = Node::join(
        &subject.binary,
        &base,
        token.trim(),
        &scratch.join("node"),
        &["--count-durability", "request"],
    )?;
    // A name that has to be escaped.
    let counted = Connection::open(&node.address)?.get("/check?service=a%22%5Cb")?;
    ensure!(counted.status == 204, "the node answers {}", counted.status);
    let mut tally = Tally::default();
    for (who, address, parts) in [
        ("server", &server.address, SERVER),
        ("node", &node.address, NODE),
    ] {
        tally.count(reads(who, address, &parts)?);
    }
    drop((node, server));
    scratch.end(tally)
}

/// Whether promtool takes the metrics at this address, and they hold these parts.
fn reads(who: &str, address: &str, parts: &[&str]) -> Result<bool> {
    let answer = Connection::open(address)?.get("/metrics")?;
    ensure!(answer.status == 200, "{who}: {}", answer.status);
    let text = String::from_utf8(answer.body)?;
    let missing: Vec<_> = parts.iter().filter(|part| !text.contains(**part)).collect();
    let complaint = promtool(&text)?;
    match (&complaint, missing.is_empty()) {
        (None, true) => println!("ok promtool reads the metrics of the {who}"),
        (Some(complaint), _) => println!("FAIL the metrics of the {who}: {complaint}"),
        (None, false) => println!("FAIL the metrics of the {who} lack {missing:?}"),
    }
    Ok(complaint.is_none() && missing.is_empty())
}

/// What promtool has to say against these metrics.
fn promtool(text: &str) -> Result<Option<String>> {
    let mut child = Command::new(Path::new("promtool"))
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("running promtool")?;
    let mut stdin = child.stdin.take().context("promtool's standard input")?;
    stdin.write_all(text.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    Ok((!output.status.success() || !said.is_empty()).then_some(said))
}
