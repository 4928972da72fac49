//! A node with failing file operations: it joins or restarts, decides, counts, and accepts a new state. Afterwards it starts without help, and what it acknowledged is counted once.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use lictor_testkit::{Connection, Installation, Node, Server};
use serde_json::{Value, json};

use super::programs::{ended, says_why};

/// The license, which is one document or the other.
const LICENSE: &str = "/licenses/00000000-0000-4000-8000-000000000009";

/// Requests before and behind each new state.
const REQUESTS: u64 = 5;

/// How long a node may take to do what it does at once.
const PATIENCE: Duration = Duration::from_secs(15);

/// A control plane, which nodes join.
pub(super) struct Site {
    control_plane: Server,
    binary: PathBuf,
    documents: [String; 2],
    runs: Cell<usize>,
}

/// What a service's requests came to.
#[derive(Default)]
struct Counted {
    asked: u64,
    acknowledged: u64,
}

impl Site {
    /// Starts the control plane.
    pub(super) fn create(installation: &Installation) -> Result<Self> {
        let within = |name: &str| installation.folder.join(name);
        let issue = |name| installation.issue(name, "2025-01-01", "2099-12-31");
        let site = Self {
            control_plane: installation.serve(&within("control-plane"), &[])?,
            binary: installation.binary.clone(),
            documents: [issue("Third GmbH")?, issue("Fourth GmbH")?],
            runs: Cell::new(0),
        };
        site.renew()?;
        Ok(site)
    }

    /// A node under the script, in `folder`.
    pub(super) fn run(
        &self,
        folder: &Path,
        environment: &[(&str, &str)],
        joins: bool,
        faulty: bool,
    ) -> Result<()> {
        self.runs.set(self.runs.get() + 1);
        let (data, name) = (folder.join("node"), format!("node-{}", self.runs.get()));
        let mut token = Some(self.enroll(&name)?);
        if !joins {
            let node = self.start(&[], &data, token.take().as_deref())?;
            self.make_use_of(&node, "prepared", &mut Counted::default())?;
            ended(node.stop()?)?;
        }
        let mut counted = Counted::default();
        match self.start(environment, &data, token.as_deref()) {
            Ok(node) => {
                self.make_use_of(&node, &name, &mut counted)?;
                self.end(node)?;
            }
            Err(error) if faulty => says_why(&format!("{error:#}"))?,
            Err(error) => return Err(error),
        }
        let node = self.start(&[], &data, token.as_deref())?;
        self.make_use_of(&node, &name, &mut counted)?;
        self.has_all(&name, &counted)?;
        let problems = status(&node)?["problems"].clone();
        ensure!(
            problems == json!([]),
            "after a start without a fault it still says {problems}"
        );
        ended(node.stop()?)
    }

    /// Every second node is asked to stop, and the others are killed before they have reported.
    fn end(&self, node: Node) -> Result<()> {
        match self.runs.get() % 2 {
            0 => node.kill(),
            _ => ended(node.stop()?),
        }
    }

    /// Asks, renews the license, and asks again, until the node allows what it is asked for.
    fn make_use_of(&self, node: &Node, service: &str, counted: &mut Counted) -> Result<()> {
        let mut connection = Connection::open(&node.address)?;
        let mut ask = |counted: &mut Counted| -> Result<u16> {
            let answer = connection.get(&format!("/check?service={service}"))?;
            counted.asked += 1;
            counted.acknowledged += u64::from(answer.status == 204);
            Ok(answer.status)
        };
        for _ in 0..REQUESTS {
            ask(counted)?;
        }
        let before = revision(node)?;
        self.renew()?;
        until("the new state is in force", || Ok(revision(node)? > before))?;
        until("it allows requests", || Ok(ask(counted)? == 204))?;
        for _ in 0..REQUESTS {
            ask(counted)?;
        }
        Ok(())
    }

    /// Waits until the control plane knows all requests of a service.
    fn has_all(&self, service: &str, counted: &Counted) -> Result<()> {
        let (least, most) = (counted.acknowledged, counted.asked);
        let mut known = 0;
        let all = until("all counts are reported", || {
            known = self.known(service)?;
            Ok(known >= least)
        });
        all.with_context(|| format!("{known} of {least} requests are known"))?;
        // A second report would come by now.
        std::thread::sleep(Duration::from_millis(20));
        ensure!(
            self.known(service)? <= most,
            "{known} requests are known, of {most}"
        );
        Ok(())
    }

    fn known(&self, service: &str) -> Result<u64> {
        let usage = Connection::open(&self.control_plane.address)?.get("/v1/usage?limit=1000")?;
        let usage: Value = serde_json::from_slice(&usage.body)?;
        let rows = usage["data"].as_array().context("no rows")?;
        let own = rows.iter().filter(|row| row["service"] == service);
        Ok(own.filter_map(|row| row["count"].as_u64()).sum())
    }

    /// Stores the other document.
    fn renew(&self) -> Result<()> {
        let mut connection = Connection::open(&self.control_plane.address)?;
        let stored = connection.get(LICENSE)?;
        let stored: Value = serde_json::from_slice(&stored.body)?;
        let [one, other] = &self.documents;
        let next = if stored["payload"] == **one {
            other
        } else {
            one
        };
        let body = json!({ "payload": next }).to_string();
        let answer = connection.send("PUT", LICENSE, &body)?;
        ensure!(
            (200..300).contains(&answer.status),
            "the license could not be stored: {}",
            answer.status
        );
        Ok(())
    }

    fn enroll(&self, name: &str) -> Result<String> {
        let body = json!({ "name": name }).to_string();
        let mut connection = Connection::open(&self.control_plane.address)?;
        let answer = connection.post_json("/v1/nodes", &body)?;
        let answer: Value = serde_json::from_slice(&answer.body)?;
        let token = answer["enrollment_token"].as_str();
        Ok(token.with_context(|| answer.to_string())?.to_owned())
    }

    fn start(
        &self,
        environment: &[(&str, &str)],
        data: &Path,
        token: Option<&str>,
    ) -> Result<Node> {
        let mut options = vec!["--count-durability", "request"];
        options.extend(token.iter().flat_map(|token| ["--enroll", *token]));
        let control_plane = self.control_plane.base();
        Node::start_in(environment, &self.binary, &control_plane, data, &options)
    }
}

fn status(node: &Node) -> Result<Value> {
    let answer = Connection::open(&node.address)?.get("/status")?;
    Ok(serde_json::from_slice(&answer.body)?)
}

/// The revision of the state in force; 0 without one.
fn revision(node: &Node) -> Result<u64> {
    let status = status(node)?;
    Ok(status["state"]["revision"].as_u64().unwrap_or_default())
}

fn until(what: &str, mut holds: impl FnMut() -> Result<bool>) -> Result<()> {
    let began = Instant::now();
    while !holds()? {
        if began.elapsed() > PATIENCE {
            bail!("not within {} s: {what}", PATIENCE.as_secs());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}
