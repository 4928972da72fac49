//! The server of one test, in a folder of its own, and what its operator does.

#![expect(
    clippy::expect_used,
    reason = "what a test cannot go on without ends it"
)]

use std::path::PathBuf;
use std::process::Output;

use lictor_core::feed::EnrollmentToken;
use lictor_core::{Claims, Date, Timestamp};
use serde_json::{Value, json};

use crate::OPERATOR;
use crate::binary::{command, serve};
use crate::folder::Folder;
use crate::http::Request;
use crate::running::Running;
use crate::vendor::{claims, sign, vendor};

/// A running server that trusts [`vendor`]`(1)`: a process of its own, unless said otherwise.
pub struct TestServer<R = Running> {
    /// Where it listens.
    pub url: String,
    /// What runs it.
    pub running: R,
    /// The test's folder, in which `data` is the server's.
    pub folder: Folder,
}

/// An organization and its tokens.
pub struct Tenant {
    /// What it is known by for ever.
    pub id: String,
    /// What it is called by.
    pub key: String,
    /// Of an administrator.
    pub admin: String,
    /// Of a reader.
    pub reader: String,
}

impl TestServer {
    /// Starts one on new data.
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// The same with options.
    pub fn with(options: &[&str]) -> Self {
        Self::on(Folder::new(), options)
    }

    /// One with a license for the application `konnect`.
    pub fn licensed() -> Self {
        let server = Self::start();
        server.license(&claims("Konnect"));
        server
    }

    /// Starts one on the content of the folder.
    ///
    /// # Panics
    /// It does not start.
    pub fn on(folder: Folder, options: &[&str]) -> Self {
        let key = folder.path().join("vendor.pub");
        std::fs::write(&key, vendor(1).public_key().to_pem()).expect("a key file");
        let mut command = serve(&folder.path().join("data"));
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        command.args(options).arg("--trust").arg(key);
        Self::started(Running::start(&mut command), folder)
    }

    /// Starts one at this address, on the content of the folder.
    ///
    /// # Panics
    /// It does not start.
    pub fn at(url: &str, folder: Folder) -> Self {
        let listen = url.strip_prefix("http://").expect("a URL");
        let mut command = serve(&folder.path().join("data"));
        command.env("LICTOR_LISTEN", listen);
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        Self::started(Running::start(&mut command), folder)
    }

    fn started(running: Running, folder: Folder) -> Self {
        Self {
            url: running.listening(),
            running,
            folder,
        }
    }

    /// Kills it.
    pub fn kill(self) -> Folder {
        let Self {
            running, folder, ..
        } = self;
        drop(running);
        folder
    }

    /// Kills it and starts another one on the same data.
    pub fn restart(self) -> Self {
        self.restart_with(&[])
    }

    /// The same with options.
    pub fn restart_with(self, options: &[&str]) -> Self {
        Self::on(self.kill(), options)
    }

    /// Kills it and starts another one on the same data, where its nodes look for it.
    pub fn restart_at_its_address(self) -> Self {
        let url = self.url.clone();
        Self::at(&url, self.kill())
    }

    /// Every byte of the data folder but the control plane's key.
    ///
    /// # Panics
    /// A file cannot be read.
    pub fn stored(&self) -> Vec<u8> {
        let mut stored = Vec::new();
        for file in std::fs::read_dir(self.data()).expect("a folder") {
            let path = file.expect("a file").path();
            if path.extension().is_none_or(|extension| extension != "key") {
                stored.extend(std::fs::read(path).expect("bytes"));
            }
        }
        stored
    }
}

impl<R> TestServer<R> {
    /// Its data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file in the test's folder.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a command as the operator.
    ///
    /// # Panics
    /// It cannot be started.
    pub fn lictor(&self, args: &[&str]) -> Output {
        let mut command = command();
        command
            .env("LICTOR_URL", &self.url)
            .env("LICTOR_TOKEN", OPERATOR);
        command.args(args).output().expect("lictor runs")
    }

    /// A request by nobody.
    pub fn anonymous(&self, method: &str, path: &str) -> Request {
        Request::new(&self.url, method, path)
    }

    /// A request by the operator.
    pub fn call(&self, method: &str, path: &str) -> Request {
        self.anonymous(method, path).token(OPERATOR)
    }

    /// What the operator reads there; of the native API it must be of its type.
    ///
    /// # Panics
    /// The answer is not 200, or no JSON.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path).expect(200);
        match path.starts_with("/v1/") {
            true => answer.json(),
            false => answer.value(),
        }
    }

    /// Creates something, and gives what is said of it.
    ///
    /// # Panics
    /// The answer is not 201, or no JSON.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", path).json(body).expect(201).json()
    }

    /// Adds a document to `default`, and gives the answer.
    #[track_caller]
    pub fn add(&self, payload: &str) -> Value {
        self.post("/v1/licenses", &json!({ "payload": payload }))
    }

    /// Installs a license of vendor 1 in `default`, and gives its id.
    #[track_caller]
    pub fn license(&self, claims: &Claims) -> String {
        text(&self.add(&sign(claims))["id"])
    }

    /// Creates an organization with an administrator and a reader.
    #[track_caller]
    pub fn tenant(&self, key: &str) -> Tenant {
        let id = text(&self.post("/v1/organizations", &json!({ "key": key }))["id"]);
        let token = |role: &str| {
            let call = self.call("POST", "/v1/tokens").organization(key);
            text(&call.json(&json!({ "role": role })).expect(201).json()["secret"])
        };
        Tenant {
            id,
            key: key.to_owned(),
            admin: token("admin"),
            reader: token("reader"),
        }
    }

    /// Sets the policy of the nodes, in seconds.
    pub fn policy(&self, stale_after: i64, expires_after: i64, grace: i64) {
        let body = json!({
            "stale_after_seconds": stale_after, "expires_after_seconds": expires_after,
            "grace_seconds": grace,
        });
        self.call("PUT", "/v1/node-policy").json(&body).expect(200);
    }

    /// Enrolls a node for `konnect`, and gives its enrollment token.
    pub fn enroll(&self, name: &str) -> EnrollmentToken {
        self.enroll_for(name, "konnect")
    }

    /// The same for any application.
    ///
    /// # Panics
    /// The server gives none.
    pub fn enroll_for(&self, name: &str, application: &str) -> EnrollmentToken {
        let body = json!({ "name": name, "application": application });
        let enrolled = self.post("/v1/nodes", &body);
        let token = text(&enrolled["enrollment_token"]);
        token.parse().expect("an enrollment token")
    }

    /// A node as the operator sees it.
    pub fn shown(&self, name: &str) -> Value {
        self.get(&format!("/v1/nodes/{name}"))
    }

    /// The server's time.
    ///
    /// # Panics
    /// It does not tell.
    pub fn now(&self) -> Timestamp {
        let at = text(&self.get("/v1/report")["at"]);
        let at: jiff::Timestamp = at.parse().expect("RFC 3339");
        at.as_second()
    }

    /// The date so many days from now, as the server's clock has it.
    pub fn date_in(&self, days: i64) -> Date {
        Date::of(self.now() + days * 86_400)
    }

    /// The month that the server counts in.
    pub fn month(&self) -> String {
        Date::of(self.now()).month()
    }
}

/// A value that is text.
///
/// # Panics
/// It is none.
#[track_caller]
pub fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}
