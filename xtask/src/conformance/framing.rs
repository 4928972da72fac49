//! `cargo xtask conformance framing`: hostile bytes, sent directly and through proxies; all must agree on where each request ends.

mod bodies;
mod cases;
mod heads;
pub(super) mod proxy;
mod wire;

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, Server, Tally, Workspace};
use serde_json::{Value, json};

use super::{Subject, Suite};
use cases::{Case, Words};
use proxy::{FORBIDDEN, Proxy};
use wire::{Answer, Heard, Pace, exchange};

pub(super) const SUITE: Suite = Suite {
    name: "framing",
    faults: &["framing-unchecked"],
    run,
};

/// Other clients of a proxy that ask after each case. A request that was smuggled into one of the
/// proxy's connections to the server would give one of them another's answer.
const BYSTANDERS: usize = 2;

/// Longer than the proxies' own timeouts, so that a wait of theirs ends before ours.
const PATIENCE: Duration = Duration::from_secs(8);

/// As long, nothing comes where the server waits for more.
const HELD: Duration = Duration::from_secs(1);

/// One passed test per case and way.
fn run(workspace: &Workspace, subject: &Subject) -> Result<Tally> {
    let scratch = workspace.scratch("framing")?;
    let installation = Installation::create(&subject.binary, &scratch)?;
    let document = installation.issue("Customer", "2025-01-01", "2099-12-31")?;
    let server = installation.serve(&scratch.join("data"), &subject.environment())?;
    let scene = Scene::set(&server, document)?;
    let cases = cases::all(&scene.words);

    let mut tally = Tally::default();
    let way = |name: &str| -> Result<_> {
        let folder = scratch.join(name);
        fs::create_dir(&folder)?;
        Ok(folder)
    };
    scene.send_all("directly", &cases, &mut tally, |case| {
        scene.directly(&server.address, case)
    });
    let nginx = Proxy::nginx(&way("nginx")?, &server.address)?;
    let haproxy = Proxy::haproxy(&way("haproxy")?, &server.address)?;
    for (name, proxy) in [("behind nginx", &nginx), ("behind haproxy", &haproxy)] {
        scene.send_all(name, &cases, &mut tally, |case| {
            scene.behind(&proxy.address, case)
        });
    }
    drop((nginx, haproxy, server));
    scratch.end(tally)
}

/// What stands on the server before anything hostile comes.
struct Scene<'s> {
    server: &'s Server,
    document: String,
    words: Words,
}

impl<'s> Scene<'s> {
    fn set(server: &'s Server, document: String) -> Result<Self> {
        let mut connection = Connection::open(&server.address)?;
        let body = json!({ "payload": document }).to_string();
        let mut stored = || -> Result<String> {
            let answer = connection.post_json("/licenses", &body)?;
            let license: Value = serde_json::from_slice(&answer.body)?;
            Ok(license["id"].as_str().context("no id")?.to_owned())
        };
        let words = Words {
            first: stored()?,
            marked: stored()?,
            bystander: stored()?,
            canary: stored()?,
        };
        Ok(Self {
            server,
            document,
            words,
        })
    }

    fn send_all(
        &self,
        way: &str,
        cases: &[Case],
        tally: &mut Tally,
        judge: impl Fn(&Case) -> Result<()>,
    ) {
        let before = *tally;
        for case in cases {
            let verdict = judge(case);
            // Whatever was answered: the next case needs the canary too.
            let verdict = self.look_at_the_canary().and(verdict);
            if let Err(error) = &verdict {
                println!("FAIL {way}, {}: {error:#}", case.name);
            }
            tally.count(verdict.is_ok());
        }
        let (passed, failed) = (tally.passed - before.passed, tally.failed - before.failed);
        println!(
            "{way}: {} cases, {passed} passed, {failed} failed",
            cases.len()
        );
    }

    /// The smuggled requests delete it. It is put back for the next case.
    fn look_at_the_canary(&self) -> Result<()> {
        let path = format!("/licenses/{}", self.words.canary);
        let mut connection = Connection::open(&self.server.address)?;
        if connection.get(&path)?.status == 200 {
            return Ok(());
        }
        let body = json!({ "payload": self.document }).to_string();
        let put = connection.send("PUT", &path, &body)?;
        ensure!(put.status < 300, "putting the canary back: {}", put.status);
        anyhow::bail!("the smuggled request was carried out");
    }

    /// The case and a marked good request, straight to the server: exactly the answers expected.
    fn directly(&self, address: &str, case: &Case) -> Result<()> {
        if case.is_held() {
            let heard = self.send(address, case, HELD)?;
            let silent = heard.answers.is_empty() && !heard.closed;
            ensure!(silent, "answered {}, not waited", shown(&heard));
            return Ok(());
        }
        let heard = self.send(address, case, PATIENCE)?;
        let mut expected = case.statuses.clone();
        if case.open {
            expected.push(200);
        }
        ensure!(
            statuses(&heard) == expected,
            "answered {}, not {expected:?}",
            shown(&heard)
        );
        ensure!(heard.closed, "the connection was left open");
        if case.open {
            return self.is_marked(&heard.answers[expected.len() - 1]);
        }
        match heard.answers.last() {
            Some(refusal) if refusal.status >= 400 && !case.to_head => says_why(refusal),
            _ => Ok(()),
        }
    }

    /// The same behind a proxy. It may refuse more, or make a good request of a bad one; it and the
    /// server may not disagree on how many requests there were, nor on whose an answer is. A DELETE
    /// that the proxy took for a request of its own was refused by it, so the rest must fit without.
    fn behind(&self, address: &str, case: &Case) -> Result<()> {
        let mut heard = self.send(address, case, PATIENCE)?;
        heard.answers.retain(|answer| answer.status != FORBIDDEN);
        let requests = case.requests.unwrap_or(case.statuses.len().max(1));
        ensure!(
            heard.answers.len() <= requests + 1,
            "{} answers to {} requests: {}",
            heard.answers.len(),
            requests + 1,
            shown(&heard)
        );
        ensure!(heard.closed, "left open after {}", shown(&heard));
        let (own, marked) = heard.answers.split_at(requests.min(heard.answers.len()));
        for answer in own {
            let early = answer.body.contains(&self.words.marked);
            ensure!(
                !early,
                "the marked answer came too early: {}",
                shown(&heard)
            );
        }
        if let [marked] = marked {
            self.is_marked(marked)?;
        }
        for _ in 0..BYSTANDERS {
            let request = self.words.good(&self.words.bystander);
            let heard = exchange(address, request.as_bytes(), Pace::AtOnce, false, PATIENCE)?;
            let right = matches!(heard.answers.as_slice(), [one]
                if one.status == 200 && one.body.contains(&self.words.bystander));
            ensure!(right, "a bystander was answered {}", shown(&heard));
        }
        Ok(())
    }

    fn send(&self, address: &str, case: &Case, patience: Duration) -> Result<Heard> {
        let marked = self.words.good(&self.words.marked);
        let bytes = [&case.bytes, marked.as_bytes()].concat();
        exchange(address, &bytes, case.pace, case.to_head, patience)
    }

    fn is_marked(&self, answer: &Answer) -> Result<()> {
        ensure!(
            answer.status == 200 && answer.body.contains(&self.words.marked),
            "the marked request was answered {}: {}",
            answer.status,
            answer.body
        );
        Ok(())
    }
}

/// What is no request of HTTP/1.1 at all is refused without a body, by hyper.
fn says_why(refusal: &Answer) -> Result<()> {
    if refusal.body.is_empty() && [400, 414, 431].contains(&refusal.status) {
        return Ok(());
    }
    let body: Value = serde_json::from_str(&refusal.body)
        .with_context(|| format!("{} without a word in JSON", refusal.status))?;
    // The native API says it in a problem.
    let said = body["message"].is_string() || body["detail"].is_string();
    ensure!(said, "no message: {body}");
    Ok(())
}

fn statuses(heard: &Heard) -> Vec<u16> {
    heard.answers.iter().map(|answer| answer.status).collect()
}

/// Statuses with the beginnings of what was said.
fn shown(heard: &Heard) -> String {
    let each = heard.answers.iter().map(|answer| {
        let start: String = answer.body.chars().take(100).collect();
        format!("{} {}", answer.status, start.replace(['\r', '\n'], " "))
    });
    format!("[{}]", each.collect::<Vec<_>>().join(" | "))
}
