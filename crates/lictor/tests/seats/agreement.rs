//! One set of figures: after any sequence of operations every dialect says what a recount of the
//! ledger says.

use std::collections::BTreeSet;

use lictor_core::Plan;
use proptest::prelude::{ProptestConfig, any, prop};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::harness::{Server, Staff as _};

const APPLICATIONS: [&str; 3] = ["jira-core", "jira-software", "other"];

/// Does one random thing; what is refused is as good.
fn step(server: &Server, (kind, number, other): (u8, u8, u8)) {
    let application = APPLICATIONS[usize::from(other % 3)];
    let email = format!("user{}@example.com", number % 8);
    let seats = format!("/v1/applications/{application}/seats");
    let patch = |body: Value| {
        let call = server.call("PATCH", &format!("/v1/accounts/{email}"));
        call.json(&body).send();
    };
    match kind % 12 {
        0 => {
            server.install(application, Some(u32::from(other % 5)), Plan::Paid);
        }
        1 | 2 => {
            let body = json!({ "email": email, "administrator": other.is_multiple_of(2) });
            server.call("POST", "/v1/accounts").json(&body).send();
        }
        3..=5 => {
            server.assign(application, &email);
        }
        6 => {
            server.call("DELETE", &format!("{seats}/{email}")).send();
        }
        7 => patch(json!({ "status": "deactivated" })),
        8 => patch(json!({ "status": "active" })),
        9 => {
            server
                .call("DELETE", &format!("/v1/accounts/{email}"))
                .send();
        }
        10 => {
            let path = format!("/v1/applications/{application}/leases");
            let body = json!({ "holder": format!("h{}", number % 3) });
            server.call("POST", &path).json(&body).send();
        }
        _ => {
            let path = format!("/v1/applications/{application}/leases");
            let leases = server.call("GET", &path).send();
            if let Some(id) = leases.value()["data"][0]["id"].as_str() {
                let call = server.call("POST", &format!("/v1/leases/{id}/release"));
                call.json(&json!({ "force": true })).expect(204);
            }
        }
    }
}

/// What the ledger says: seats by application and account, leases by application.
struct Recount {
    seats: BTreeSet<(String, String)>,
    leases: Vec<(String, String)>,
}

fn recount(server: &Server) -> Recount {
    let (mut seats, mut leases) = (BTreeSet::new(), Vec::new());
    let ledger = server.get("/v1/ledger?limit=1000");
    assert_eq!(ledger["next_cursor"], Value::Null);
    for entry in ledger["data"].as_array().expect("entries") {
        let change = &entry["change"];
        let text = |name: &str| change[name].as_str().unwrap_or_default().to_owned();
        let (application, account, id) = (text("application"), text("account"), text("id"));
        match change["type"].as_str().expect("a type") {
            "seat_assigned" => assert!(seats.insert((application, account))),
            "seat_released" => assert!(seats.remove(&(application, account))),
            "lease_checked_out" => leases.push((application, id)),
            "lease_ended" => leases.retain(|(_, lease)| *lease != id),
            _ => {}
        }
    }
    Recount { seats, leases }
}

fn check(server: &Server) {
    let Recount { seats, leases } = recount(server);
    let holders: BTreeSet<&String> = seats.iter().map(|(_, account)| account).collect();
    let counts = server.get("/v1/counts");
    let total = &counts["total"];
    assert_eq!(total["accounts"], holders.len());
    assert_eq!(total["used"], seats.len() + leases.len());
    let zoho = server.get("/crm/v7/__features/user_licenses");
    let details = &zoho["__features"][0]["details"];
    assert_eq!(details["used_count"]["total"], total["used"]);
    assert_eq!(details["limits"]["total"], total["limit"]);
    assert_eq!(details["available_count"]["total"], total["available"]);
    let active = server.get("/crm/v7/users/actions/count?type=ActiveUsers");
    assert_eq!(active["count"], holders.len());
    let org = server.get("/crm/v7/org");
    let purchased = &org["org"][0]["license_details"]["users_license_purchased"];
    assert_eq!(*purchased, total["limit"]);
    let metric = |path: &str| {
        let metric = server.get(&format!(
            "/rest/api/3/license/approximateLicenseCount{path}"
        ));
        metric["value"].as_str().expect("text").to_owned()
    };
    assert_eq!(metric(""), holders.len().to_string());
    for row in counts["data"].as_array().expect("rows") {
        let key = row["application"].as_str().expect("a key");
        let named = seats
            .iter()
            .filter(|(application, _)| application == key)
            .count();
        let leased = leases
            .iter()
            .filter(|(application, _)| application == key)
            .count();
        assert_eq!(row["used"], named + leased, "{key}");
        assert_eq!(metric(&format!("/product/{key}")), named.to_string());
        let limit = row["limit"].as_u64().expect("a limit");
        let left = limit.saturating_sub((named + leased) as u64);
        assert_eq!(row["available"], left);
        let shown = server.get(&format!("/v1/applications/{key}"));
        assert_eq!(
            (&shown["used"], &shown["limit"]),
            (&row["used"], &row["limit"])
        );
    }
    // Kong's report counts who can sign in, which seats do not change.
    assert_eq!(server.get("/license/report")["rbac_users"], 1);
}

#[test]
fn all_dialects_agree_with_a_recount() {
    let cases = ProptestConfig {
        cases: 12,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let steps = prop::collection::vec(any::<(u8, u8, u8)>(), 1..80);
    let run = |steps: Vec<(u8, u8, u8)>| {
        let server = Server::start();
        for (number, one) in steps.into_iter().enumerate() {
            step(&server, one);
            if number % 16 == 15 {
                check(&server);
            }
        }
        check(&server);
        Ok(())
    };
    TestRunner::new(cases).run(&steps, run).expect("they agree");
}
