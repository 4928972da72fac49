//! One server for one test, and what stands in it first: licenses, accounts, seats, tokens.

use std::thread::ScopedJoinHandle;

use lictor_core::{Claims, Date, Plan, SigningKey};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, Request};
use crate::process::{Running, serve};

const OPERATOR: &str = "operator-token-of-the-tests-0123456789";

/// A running server that trusts one vendor.
pub(crate) struct Server {
    pub(crate) url: String,
    vendor: SigningKey,
    running: Running,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(options: &[&str]) -> Self {
        Self::on(TempDir::new().expect("a folder"), options)
    }

    /// Starts one on what the folder holds.
    fn on(folder: TempDir, options: &[&str]) -> Self {
        let vendor = SigningKey::from_seed([7; 32]);
        let key = folder.path().join("vendor.pub");
        std::fs::write(&key, vendor.public_key().to_pem()).expect("a key file");
        let mut command = serve(&folder.path().join("data"));
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        command.args(options).arg("--trust").arg(key);
        let running = Running::start(&mut command);
        Self {
            url: running.listening(),
            vendor,
            running,
            folder,
        }
    }

    /// Kills the server and starts another one on the same data.
    pub(crate) fn restart(self) -> Self {
        self.restart_with(&[])
    }

    /// The same with options.
    pub(crate) fn restart_with(self, options: &[&str]) -> Self {
        let Self {
            running, folder, ..
        } = self;
        drop(running);
        Self::on(folder, options)
    }

    /// Kills the server; all that it said, and all that its data folder holds.
    pub(crate) fn end(mut self) -> (String, Vec<u8>) {
        self.running.child.kill().expect("it runs");
        self.running.child.wait().expect("it ends");
        let data = std::fs::read_dir(self.folder.path().join("data")).expect("a folder");
        let mut stored = Vec::new();
        for file in data {
            stored.extend(std::fs::read(file.expect("a file").path()).expect("bytes"));
        }
        (self.running.log(), stored)
    }

    /// A request by nobody.
    pub(crate) fn anonymous(&self, method: &str, path: &str) -> Request {
        Request::new(&self.url, method, path)
    }

    /// A request by the operator.
    pub(crate) fn call(&self, method: &str, path: &str) -> Request {
        self.anonymous(method, path).token(OPERATOR)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path).expect(200).value()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", path).json(body).expect(201).value()
    }

    /// Installs a license for an application; none: any number of seats.
    pub(crate) fn license(&self, application: &str, seats: Option<u32>, plan: Plan) -> String {
        let claims = Claims {
            application: application.to_owned(),
            admin_seats: seats,
            plan,
            features: vec!["sso".to_owned(), "audit".to_owned()],
            ..Claims::new("Some Product", Date::parse("2199-01-01").expect("a date"))
        };
        let payload = self.vendor.sign(&claims.to_json());
        let license = self.post("/v1/licenses", &json!({ "payload": payload }));
        license["id"].as_str().expect("an id").to_owned()
    }

    /// Creates a person's account, and gives its id.
    pub(crate) fn account(&self, email: &str) -> String {
        self.account_of(&json!({ "email": email }))
    }

    pub(crate) fn account_of(&self, body: &Value) -> String {
        let account = self.post("/v1/accounts", body);
        account["id"].as_str().expect("an id").to_owned()
    }

    /// Creates so many accounts and gives each a seat.
    pub(crate) fn staff(&self, application: &str, prefix: &str, count: usize) {
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

    /// Gives a seat, whatever comes of it.
    pub(crate) fn assign(&self, application: &str, account: &str) -> Answer {
        let path = format!("/v1/applications/{application}/seats");
        let body = json!({ "account": account });
        self.call("POST", &path).json(&body).send()
    }

    /// A token of an account, narrowed to scopes.
    pub(crate) fn token(&self, account: &str, scopes: &[&str]) -> String {
        let body = json!({ "account": account, "scopes": scopes });
        let token = self.post("/v1/tokens", &body);
        token["secret"].as_str().expect("a secret").to_owned()
    }

    /// Creates an organization, and gives its id and its administrator's token.
    pub(crate) fn tenant(&self, key: &str) -> (String, String) {
        let id = self.post("/v1/organizations", &json!({ "key": key }))["id"].clone();
        let call = self.call("POST", "/v1/tokens");
        let call = call.header("Lictor-Organization", key);
        let token = call.json(&json!({ "role": "admin" })).expect(201).value();
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        (text(&id), text(&token["secret"]))
    }
}

impl Request {
    /// Sends, and asserts the status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    /// Sends it so many times at once.
    pub(crate) fn at_once(&self, times: usize) -> Vec<Answer> {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..times).map(|_| scope.spawn(|| self.send())).collect();
            let joined = threads.into_iter().map(ScopedJoinHandle::join);
            joined.map(|answer| answer.expect("an answer")).collect()
        })
    }
}

impl Answer {
    /// The body as JSON, whatever its media type.
    pub(crate) fn value(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Asserts a problem of this type.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, name: &str) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        let problem = self.json_as("application/problem+json");
        assert_eq!(
            problem["type"],
            format!("urn:lictor:problem:{name}").as_str()
        );
        problem
    }
}
