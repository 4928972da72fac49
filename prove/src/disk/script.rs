//! The fixed script of requests, which states each license may have after it, and the comparison with what is stored.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Answer, Connection, Installation, Server};
use serde_json::{Value, json};

use crate::writers;

/// Ids of the licenses that the script writes.
const IDS: [&str; 4] = [
    "00000000-0000-4000-8000-000000000001",
    "00000000-0000-4000-8000-000000000002",
    "00000000-0000-4000-8000-000000000003",
    "00000000-0000-4000-8000-000000000004",
];

/// How many requests more each report of usage has. Reports are cumulative.
const COUNTED: u64 = 5;

/// What a license may be: a document, or not there. Several where the answer left it open.
type May = Vec<Option<String>>;

/// The script and what came of it.
pub(super) struct Script {
    documents: [String; 2],
    licenses: BTreeMap<&'static str, May>,
    /// The greatest count that was acknowledged, and the greatest that was reported.
    counted: u64,
    reported: u64,
    /// How each write was answered, in order. `None` if it was not.
    answers: Vec<Option<u16>>,
    readiness: Option<u16>,
}

impl Script {
    /// On an empty folder.
    pub(super) fn new(installation: &Installation) -> Result<Self> {
        let issue = |name| installation.issue(name, "2025-01-01", "2099-12-31");
        Ok(Self::with([issue("First GmbH")?, issue("Second GmbH")?]))
    }

    fn with(documents: [String; 2]) -> Self {
        Self {
            documents,
            licenses: IDS.map(|id| (id, vec![None])).into(),
            counted: 0,
            reported: 0,
            answers: Vec::new(),
            readiness: None,
        }
    }

    /// The same script on another empty folder.
    pub(super) fn afresh(&self) -> Self {
        Self::with(self.documents.clone())
    }

    /// On a folder that the script has run on already.
    pub(super) fn again(&self) -> Self {
        Self {
            documents: self.documents.clone(),
            licenses: self.licenses.clone(),
            answers: Vec::new(),
            ..*self
        }
    }

    /// Writes in every way there is.
    pub(super) fn run(&mut self, server: &Server) {
        let [first, second] = self.documents.clone();
        let payload = |text: &String| json!({ "payload": text }).to_string();
        let with_id = json!({ "id": IDS[1], "payload": first }).to_string();
        let path = |n: usize| format!("/licenses/{}", IDS[n]);
        self.write(server, 0, "PUT", &path(0), &payload(&first), Some(&first));
        self.write(server, 1, "POST", "/licenses", &with_id, Some(&first));
        self.write(
            server,
            1,
            "PATCH",
            &path(1),
            &payload(&second),
            Some(&second),
        );
        self.write(server, 2, "PUT", &path(2), &payload(&second), Some(&second));
        self.count(server);
        let organization = json!({ "key": "other" }).to_string();
        self.ask(server, "POST", "/v1/organizations", &organization);
        let token = json!({ "role": "admin", "name": "CI" }).to_string();
        self.ask(server, "POST", "/v1/tokens", &token);
        self.write(server, 2, "DELETE", &path(2), "", None);
        self.write(server, 3, "PUT", &path(3), &payload(&first), Some(&first));
        self.count(server);
        self.readiness = get(server, "/readyz").map(|answer| answer.status);
    }

    fn write(
        &mut self,
        server: &Server,
        n: usize,
        verb: &str,
        path: &str,
        body: &str,
        becomes: Option<&String>,
    ) {
        let status = self.ask(server, verb, path, body);
        let may = self.licenses.entry(IDS[n]).or_default();
        match status {
            Some(200..=299) => *may = vec![becomes.cloned()],
            // What is refused as wrong changes nothing.
            Some(400..=499) => {}
            Some(_) | None => may.push(becomes.cloned()),
        }
    }

    fn count(&mut self, server: &Server) {
        self.reported += COUNTED;
        let body = json!({ "counts": [{ "service": "s", "count": self.reported }] }).to_string();
        if matches!(
            self.ask(server, "POST", "/v1/usage", &body),
            Some(200..=299)
        ) {
            self.counted = self.reported;
        }
    }

    fn ask(&mut self, server: &Server, verb: &str, path: &str, body: &str) -> Option<u16> {
        let answer = Connection::open(&server.address)
            .and_then(|mut connection| connection.send(verb, path, body));
        let status = answer.ok().map(|answer| answer.status);
        self.answers.push(status);
        status
    }

    /// After the log could not be flushed, nothing more may be acknowledged, and `/readyz` says so:
    /// nobody knows what the disk has.
    pub(super) fn note_failed_flush(&self, calls: &str) -> Result<()> {
        let flush = calls
            .lines()
            .any(|line| line.starts_with("FAILED sync") && line.ends_with("lictor.db-wal"));
        let refused = |status: &Option<u16>| status.is_none_or(|status| status >= 500);
        let Some(first) = self.answers.iter().position(refused).filter(|_| flush) else {
            return Ok(());
        };
        let later = &self.answers[first..];
        let acknowledged = |status: &Option<u16>| matches!(status, Some(200..=299));
        ensure!(
            !later.iter().any(acknowledged),
            "after a failed flush writes were answered {later:?}"
        );
        ensure!(
            self.readiness == Some(503),
            "after a failed flush /readyz answered {:?}",
            self.readiness
        );
        Ok(())
    }

    /// Compares what there is with what it may be.
    pub(super) fn verify(&self, server: &Server) -> Result<()> {
        let found = writers::list(server)?;
        for (id, may) in &self.licenses {
            let found = found.get(*id).cloned();
            ensure!(
                may.contains(&found),
                "{id} is {found:?}, but may be {may:?}"
            );
        }
        let strangers = found.keys().filter(|id| !IDS.contains(&id.as_str()));
        ensure!(strangers.count() == 0, "there are licenses of nobody");

        let answer = get(server, "/v1/usage").context("no answer about usage")?;
        let usage: Value = serde_json::from_slice(&answer.body)?;
        let total = usage["total_requests"].as_u64();
        let total = total.with_context(|| format!("usage without a total: {usage}"))?;
        let (least, most) = (self.counted, self.reported);
        ensure!(
            (least..=most).contains(&total),
            "{total} counted, not {least} to {most}"
        );
        Ok(())
    }
}

fn get(server: &Server, path: &str) -> Option<Answer> {
    Connection::open(&server.address).ok()?.get(path).ok()
}
