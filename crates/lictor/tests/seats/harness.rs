//! What stands in a server first: licenses, accounts, seats, tokens.

use lictor_core::{Claims, Date, Plan};
pub(crate) use lictor_testkit::TestServer as Server;
use lictor_testkit::{Answer, text};
use serde_json::{Value, json};

/// What the operator of a server does for a test of seats.
pub(crate) trait Staff {
    /// Installs a license for an application; none: any number of seats.
    fn install(&self, application: &str, seats: Option<u32>, plan: Plan) -> String;

    /// Creates a person's account, and gives its id.
    fn account(&self, email: &str) -> String;

    fn account_of(&self, body: &Value) -> String;

    /// Creates so many accounts and gives each a seat.
    fn staff(&self, application: &str, prefix: &str, count: usize);

    /// Gives a seat, whatever comes of it.
    fn assign(&self, application: &str, account: &str) -> Answer;

    /// A token of an account, narrowed to scopes.
    fn token(&self, account: &str, scopes: &[&str]) -> String;

    /// Kills the server; all that it said, and all that its data folder holds.
    fn end(self) -> (String, Vec<u8>);
}

impl Staff for Server {
    fn install(&self, application: &str, seats: Option<u32>, plan: Plan) -> String {
        self.license(&Claims {
            application: application.to_owned(),
            admin_seats: seats,
            plan,
            features: vec!["sso".to_owned(), "audit".to_owned()],
            ..Claims::new("Some Product", Date::parse("2199-01-01").expect("a date"))
        })
    }

    fn account(&self, email: &str) -> String {
        self.account_of(&json!({ "email": email }))
    }

    fn account_of(&self, body: &Value) -> String {
        text(&self.post("/v1/accounts", body)["id"])
    }

    fn staff(&self, application: &str, prefix: &str, count: usize) {
        let rows: Vec<Value> = (0..count)
            .map(|number| {
                let email = format!("{prefix}{number}@example.com");
                json!({ "email": email, "seats": [application] })
            })
            .collect();
        let import = self.call("POST", "/v1/accounts/import");
        let done = import.json(&json!({ "rows": rows })).expect(200).value();
        assert_eq!(done["refused"], 0, "{done}");
    }

    fn assign(&self, application: &str, account: &str) -> Answer {
        let path = format!("/v1/applications/{application}/seats");
        let body = json!({ "account": account });
        self.call("POST", &path).json(&body).send()
    }

    fn token(&self, account: &str, scopes: &[&str]) -> String {
        let body = json!({ "account": account, "scopes": scopes });
        text(&self.post("/v1/tokens", &body)["secret"])
    }

    fn end(mut self) -> (String, Vec<u8>) {
        self.running.child.kill().expect("it runs");
        self.running.child.wait().expect("it ends");
        let mut stored = Vec::new();
        for file in std::fs::read_dir(self.data()).expect("a folder") {
            stored.extend(std::fs::read(file.expect("a file").path()).expect("bytes"));
        }
        (self.running.log(), stored)
    }
}
