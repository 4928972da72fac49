//! A line of writes that is full, and a day's entries that are used up: every dialect says in its own
//! shape when the client may come again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use lictor_core::Error;
use lictor_core::decision::Decision;
use lictor_core::elapsed::Now;
use lictor_core::facts::usage::{Reading, UsageReport};
use lictor_core::feed::EnrollmentToken;
use lictor_store::{Rule, Write};
use lictor_testkit::{Answer, OPERATOR, claims, text, vendor};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::clocked::{Clocked, clocked};
use crate::harness::Server;
use crate::node::{Node, join, new_credential};

/// How many writes of one organization are in hand at most.
const PLACES: usize = 4_096;

/// Some more than that.
const WRITES: usize = PLACES + 100;

/// How long it may take until the next of those that find no place is told so.
const PATIENCE: Duration = Duration::from_secs(60);

/// Lets writes of the organization `default` wait, as many as there are places, while `act` runs.
fn while_full(server: &Server<Clocked>, act: impl FnOnce()) {
    let Clocked {
        store,
        authority,
        runtime,
        ..
    } = &server.running;
    let gate = Arc::new(Mutex::new(()));
    let closed = gate.lock().expect("nobody panicked");
    let organization = server.get("/v1/organizations/default")["id"].clone();
    let (opened, store) = (Arc::clone(&gate), Arc::clone(store));
    let write = Write {
        stream: text(&organization).parse().expect("an id"),
        actor: None,
        now: Now::at(server.now()),
        facts: Vec::new(),
        rule: Rule::new(move |_| {
            drop(opened.lock());
            Ok(Decision::nothing())
        }),
        idempotent: None,
    };
    runtime.spawn(async move { store.write(write).await });
    let mut writes = JoinSet::new();
    for number in 0..WRITES {
        let authority = Arc::clone(authority);
        let write = async move {
            let actor = authority.sign_in(OPERATOR).await.expect("an operator");
            let call = authority.call(actor, None).expect("a call");
            let report = UsageReport {
                source: "default".to_owned(),
                service: "orders".to_owned(),
                reading: Reading::Count {
                    month: "2027-01".to_owned(),
                    count: number as u64,
                },
            };
            authority
                .record_usage(call.permit().expect("the right"), Arc::new([report]))
                .await
                .map(drop)
        };
        writes.spawn_on(write, runtime.handle());
    }
    runtime.block_on(async {
        for _ in PLACES..WRITES {
            let refused = timeout(PATIENCE, writes.join_next()).await;
            let refused = refused.expect("it is refused at once");
            let refused = refused.expect("one").expect("no panic");
            assert!(matches!(refused, Err(Error::Busy(_))), "{refused:?}");
        }
    });
    act();
    drop(closed);
    let done = runtime.block_on(writes.join_all());
    assert_eq!(done.len(), PLACES);
    assert!(done.iter().all(Result::is_ok), "what waited was written");
}

/// One write of each dialect that has writes, none of which can be done now.
struct Writes {
    native: Answer,
    kong: Answer,
    zoho: Answer,
    join: Answer,
}

/// What these writes are asked of.
struct Asked {
    license: Value,
    form: String,
    token: EnrollmentToken,
}

impl Asked {
    fn of<R>(server: &Server<R>) -> Self {
        let client = server.post("/v1/clients", &json!({ "scopes": ["seats:read"] }));
        let [id, secret, code] =
            ["client_id", "client_secret", "code"].map(|name| text(&client[name]));
        Self {
            license: json!({ "payload": vendor(1).sign(&claims("Konnect").to_json()) }),
            form: format!(
                "grant_type=authorization_code&client_id={id}&client_secret={secret}&code={code}"
            ),
            token: server.enroll("edge-2"),
        }
    }

    /// Asks, and asserts the status.
    #[track_caller]
    fn ask<R>(&self, server: &Server<R>, status: u16) -> Writes {
        let zoho = server.anonymous("POST", "/oauth/v2/token");
        let zoho = zoho.body("application/x-www-form-urlencoded", self.form.clone());
        let call = |path| server.call("POST", path).json(&self.license).expect(status);
        Writes {
            native: call("/v1/licenses"),
            kong: call("/licenses"),
            zoho: zoho.expect(status),
            join: join(&server.url, self.token.as_str(), &new_credential()).expect(status),
        }
    }
}

/// In how many seconds to come again.
#[track_caller]
fn seconds(answer: &Answer) -> u64 {
    let again = answer
        .header("retry-after")
        .and_then(|text| text.parse().ok());
    again.unwrap_or_else(|| panic!("it does not say when: {answer:?}"))
}

#[track_caller]
fn says(said: &Value, word: &str) {
    let said = text(said);
    assert!(said.contains(word), "{said}");
}

#[test]
fn a_full_line_of_writes_is_told_by_each_dialect_in_its_own_shape() {
    let server = clocked();
    let node = Node::join(&server.url, &server.enroll("edge-1"));
    let asked = Asked::of(&server);
    let mut report = node.report_of(&node.first);
    report["counts"] = json!([{
        "epoch": "0123456789abcdef", "service": "orders", "month": "2027-01", "count": 1,
    }]);
    while_full(&server, || {
        let Writes {
            native,
            kong,
            zoho,
            join,
        } = asked.ask(&server, 503);
        let report = node.report(&report);
        for answer in [&native, &kong, &zoho, &join, &report] {
            assert_eq!(seconds(answer), 1);
        }
        says(&native.problem(503, "busy")["detail"], "again");
        let kong = kong.value();
        assert_eq!(
            kong.as_object().map(serde_json::Map::len),
            Some(1),
            "{kong}"
        );
        says(&kong["message"], "again");
        let zoho = zoho.value();
        assert_eq!(zoho["error"], "temporarily_unavailable", "{zoho}");
        says(&zoho["error_description"], "again");
        for answer in [join, report] {
            says(&answer.failure(503, "unavailable").into(), "again");
        }
        // Jira's dialect writes nothing, and reads wait for nobody.
        let count = "/rest/api/3/license/approximateLicenseCount";
        server.call("GET", count).expect(200);
    });
}

#[test]
fn a_days_entries_that_are_used_up_are_told_by_each_dialect_with_the_time_to_come_again() {
    let server = Server::licensed();
    let asked = Asked::of(&server);
    let quotas = json!({ "limits": { "entries-per-day": 1 } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    let Writes {
        native,
        kong,
        zoho,
        join,
    } = asked.ask(&server, 429);
    for answer in [&native, &kong, &zoho, &join] {
        assert!((1..=86_400).contains(&seconds(answer)), "{answer:?}");
    }
    let named = "--max-entries-per-day";
    says(&native.problem(429, "quota-reached")["detail"], named);
    says(&kong.value()["message"], named);
    assert_eq!(zoho.value()["error"], "Access Denied", "{zoho:?}");
    says(&join.failure(429, "unavailable").into(), named);
}

#[test]
fn a_quota_that_time_does_not_help_is_a_conflict_in_kongs_words() {
    let server = Server::licensed();
    let asked = Asked::of(&server);
    let quotas = json!({ "limits": { "licenses": 1 } });
    let call = server.call("PATCH", "/v1/organizations/default");
    call.json(&quotas).expect(200);
    let kong = server
        .call("POST", "/licenses")
        .json(&asked.license)
        .expect(409);
    says(&kong.value()["message"], "--max-licenses");
    assert_eq!(kong.header("retry-after"), None);
}
