//! `cargo xtask conformance nodes`: Debian's nginx in front of a site, a node behind it, and the control
//! plane that the node belongs to.

mod buffering_proxy;
mod site;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, Node, OPERATOR, Server, Tally, Workspace};
use serde_json::Value;

use super::{Subject, Suite};
use site::Site;

/// How long a license may take from the control plane to the site's visitors.
const APPLIED: Duration = Duration::from_secs(5);

/// How long counts may take from the node to the report.
const COUNTED: Duration = Duration::from_secs(20);

/// Visitors at once, and requests of each.
const VISITORS: usize = 8;
const REQUESTS: usize = 250;

pub(super) const SUITE: Suite = Suite {
    name: "nodes",
    faults: &[],
    run,
};

/// One passed test per case.
fn run(workspace: &Workspace, subject: &Subject) -> Result<Tally> {
    let scratch = workspace.scratch("conformance")?;
    let page = fs::read_to_string(workspace.root.join("docs").join("nodes.md"))?;
    let installation = Installation::create(&subject.binary, &scratch)?;
    let server = installation.serve(&scratch.join("data"), &[])?;
    let lictor = Commands {
        installation: &installation,
        url: server.base(),
    };
    lictor.run(&["application", "create", "gateway-pro"])?;
    let token = lictor.run(&["node", "enroll", "--name", "edge-1"])?;
    let node = Node::join(
        &subject.binary,
        &server.base(),
        token.trim(),
        &scratch.join("node"),
        &[],
    )?;
    let site = Site::start(&scratch, &page, 0, &node.address)?;
    let mut cases = Cases::default();
    tell(&lictor, &site, &mut cases)?;
    let server = go_on_alone(&scratch, server, &lictor, &site, &mut cases)?;
    hang(&node, || site.status("/"), 500, &mut cases)?;
    drop(node);
    cases.equal("the site once the node is stopped", 500, site.status("/")?);
    drop(site);
    stay_open(&scratch, &page, &lictor, &subject.binary, &mut cases)?;
    buffering_proxy::measure(&scratch, &lictor, &subject.binary, &mut cases)?;
    server.kill()?;
    scratch.end(cases.0)
}

/// How long a visitor may wait for a node that hangs.
const HUNG: Duration = Duration::from_secs(4);

/// A node that hangs holds no visitor for long.
fn hang(
    node: &Node,
    ask: impl Fn() -> Result<u16>,
    expected: u16,
    cases: &mut Cases,
) -> Result<()> {
    signal(node, "STOP")?;
    let begun = Instant::now();
    let status = ask();
    let took = begun.elapsed();
    signal(node, "CONT")?;
    cases.equal("a visitor while the node hangs", expected, status?);
    cases.hold("who is answered soon", took < HUNG);
    Ok(())
}

fn signal(node: &Node, signal: &str) -> Result<()> {
    let mut asking = Command::new("sh");
    let line = format!("kill -{signal} {}", node.id());
    ensure!(asking.args(["-c", &line]).status()?.success(), "{line}");
    Ok(())
}

/// The site of the second block: over a socket, by part, and open while there is no node.
fn stay_open(
    scratch: &Path,
    page: &str,
    lictor: &Commands<'_>,
    binary: &Path,
    cases: &mut Cases,
) -> Result<()> {
    let token = lictor.run(&["node", "enroll", "--name", "edge-2"])?;
    let socket = scratch.join("node.sock");
    let listen = format!("unix:{}", socket.display());
    let (folder, options) = (scratch.join("node-2"), ["--listen", listen.as_str()]);
    let node = Node::join(binary, &lictor.url, token.trim(), &folder, &options)?;
    let site = Site::start(scratch, page, 1, &listen)?;
    // What is served from here on is counted, but reported later.
    let before = services(&lictor.url)?;
    cases.hold("over a socket", site.wait_for(200, APPLIED)?);
    for path in [
        "/api",
        "/api/",
        "/%61pi/",
        "//api/?service=x",
        "/x/../api/index.html",
        "/?service=x",
    ] {
        cases.equal(path, 200, site.status_of_meddler(path)?);
    }
    let expected = BTreeMap::from([("api".to_owned(), 5), ("site".to_owned(), 2)]);
    let counted = || {
        let mut now = services(&lictor.url)?;
        for (service, count) in &before {
            *now.entry(service.clone()).or_default() -= count;
        }
        now.retain(|_, count| *count > 0);
        Ok::<_, anyhow::Error>(now)
    };
    let begun = Instant::now();
    while counted()? != expected && begun.elapsed() < COUNTED {
        std::thread::sleep(Duration::from_millis(100));
    }
    cases.equal(
        "counts by part, whatever visitors name",
        expected,
        counted()?,
    );
    hang(&node, || site.status("/"), 200, cases)?;
    drop(node);
    cases.equal("the open site without a node", 200, site.status("/")?);
    Ok(())
}

/// The requests of all months by service.
fn services(url: &str) -> Result<BTreeMap<String, u64>> {
    let usage = get(url, "/v1/usage?limit=1000")?;
    let mut sums = BTreeMap::new();
    for row in usage["data"].as_array().context("no rows")? {
        let service = row["service"].as_str().context("no service")?;
        *sums.entry(service.to_owned()).or_default() +=
            row["count"].as_u64().context("no count")?;
    }
    Ok(sums)
}

/// The license comes and goes, and visitors with it.
fn tell(lictor: &Commands<'_>, site: &Site, cases: &mut Cases) -> Result<()> {
    cases.equal("the site without a license", 403, site.status("/")?);
    let reason = site.header("/", "lictor-reason")?;
    cases.equal("why not", Some("unlicensed".to_owned()), reason);
    let expired = lictor.license("GW-OLD", "2020-01-01", "2021-01-01")?;
    let came = site.wait_for_header("lictor-reason", "expired", APPLIED)?;
    cases.hold("an expired license is told apart", came);
    lictor.run(&["license", "remove", &expired])?;
    let id = lictor.license("GW-1", "2025-01-01", "2099-12-31")?;
    cases.hold("a license opens the site", site.wait_for(200, APPLIED)?);
    cases.equal("a page that is not there", 404, site.status("/missing")?);
    let served = site.visit(VISITORS, REQUESTS)?;
    cases.equal("visitors that were served", VISITORS * REQUESTS, served);
    lictor.run(&["license", "remove", &id])?;
    cases.hold("without it the site closes", site.wait_for(403, APPLIED)?);
    lictor.license("GW-2", "2025-01-01", "2099-12-31")?;
    cases.hold("and opens with the next", site.wait_for(200, APPLIED)?);
    agree(&lictor.url, site, cases)
}

/// Every request that nginx served is in the report, and no other.
fn agree(url: &str, site: &Site, cases: &mut Cases) -> Result<()> {
    let begun = Instant::now();
    // nginx logs a request after it has answered.
    let (mut logged, mut counted) = (site.logged()?, report(url)?);
    while counted != logged && begun.elapsed() < COUNTED {
        std::thread::sleep(Duration::from_millis(100));
        (logged, counted) = (site.logged()?, report(url)?);
    }
    cases.equal("the report's counter is what nginx logged", logged, counted);
    Ok(())
}

/// With the control plane gone the site goes on, and what was served meanwhile is counted later.
fn go_on_alone(
    scratch: &Path,
    server: Server,
    lictor: &Commands<'_>,
    site: &Site,
    cases: &mut Cases,
) -> Result<Server> {
    let port = server.address.clone();
    server.kill()?;
    let served = site.visit(VISITORS, REQUESTS)?;
    cases.equal(
        "visitors without the control plane",
        VISITORS * REQUESTS,
        served,
    );
    let listen = [("LICTOR_LISTEN", port.as_str())];
    let server = lictor.installation.serve(&scratch.join("data"), &listen)?;
    cases.equal("the control plane is where it was", &port, &server.address);
    agree(&lictor.url, site, cases)?;
    let report = get(&lictor.url, "/license/report?format=3.4")?;
    let kind = report["deployment_info"]["type"].clone();
    cases.equal("the kind of deployment", Value::from("hybrid"), kind);
    let services = report["services_count"].clone();
    cases.equal("services", Value::from(1), services);
    Ok(server)
}

/// The requests of all months.
fn report(url: &str) -> Result<u64> {
    let report = get(url, "/license/report?format=3.4")?;
    report["counters"]["total_requests"]
        .as_u64()
        .context("no total in the report")
}

fn get(url: &str, path: &str) -> Result<Value> {
    let address = url.strip_prefix("http://").context("a URL")?;
    let answer = Connection::open(address)?.get(path)?;
    ensure!(answer.status == 200, "{path}: {}", answer.status);
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Commands to one control plane.
struct Commands<'a> {
    installation: &'a Installation,
    url: String,
}

impl Commands<'_> {
    fn run(&self, arguments: &[&str]) -> Result<String> {
        let server = ["--url", &self.url, "--token", OPERATOR];
        let printed = self.installation.lictor(&[arguments, &server].concat())?;
        Ok(printed.trim().to_owned())
    }

    /// Stores a license for the site's application, and gives its id.
    fn license(&self, key: &str, created: &str, expires: &str) -> Result<String> {
        let document = self
            .installation
            .issue_seats("Gateway Pro", 5, key, created, expires)?;
        let file = self.installation.folder.join(format!("{key}.json"));
        fs::write(&file, document)?;
        self.run(&["license", "add", file.to_str().context("a path of text")?])
    }
}

/// What was found, a line each.
#[derive(Default)]
struct Cases(Tally);

impl Cases {
    fn hold(&mut self, what: &str, held: bool) {
        println!("{} {what}", if held { "ok" } else { "FAIL" });
        self.0.count(held);
    }

    fn equal<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: T, found: T) {
        let same = expected == found;
        match same {
            true => println!("ok {what}: {found:?}"),
            false => println!("FAIL {what}: {found:?}, not {expected:?}"),
        }
        self.0.count(same);
    }
}
