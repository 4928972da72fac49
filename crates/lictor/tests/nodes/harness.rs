//! One server for one test, the commands of its operator, and what stands in it first.

use std::path::PathBuf;
use std::process::Output;
use std::time::{Duration, Instant};

use lictor_core::feed::EnrollmentToken;
use lictor_core::{Claims, Date, SigningKey, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::{Answer, Request};
use crate::node::Node;
use crate::process::{Running, command, serve};

/// The operator's token.
pub(crate) const OPERATOR: &str = "operator-token-of-the-tests-0123456789";

/// A running server that trusts [`vendor`]`(1)`: a process of its own, unless said otherwise.
pub(crate) struct Server<R = Running> {
    pub(crate) url: String,
    pub(crate) running: R,
    pub(crate) folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::on(TempDir::new().expect("a folder"))
    }

    /// One with a license for the application `konnect`.
    pub(crate) fn licensed() -> Self {
        let server = Self::start();
        server.license(&claims("Konnect"));
        server
    }

    /// Starts one on what the folder holds under `data`.
    pub(crate) fn on(folder: TempDir) -> Self {
        let pem = vendor(1).public_key().to_pem();
        std::fs::write(folder.path().join("vendor.pub"), pem).expect("a file");
        let mut command = serve(&folder.path().join("data"));
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        command.arg("--trust").arg(folder.path().join("vendor.pub"));
        let running = Running::start(&mut command);
        Self {
            url: running.listening(),
            running,
            folder,
        }
    }

    /// Kills it.
    pub(crate) fn kill(self) -> TempDir {
        let Self {
            running, folder, ..
        } = self;
        drop(running);
        folder
    }

    /// Kills it and starts another one on the same data.
    pub(crate) fn restart(self) -> Self {
        Self::on(self.kill())
    }

    /// Kills it and starts another one on the same data, where its nodes look for it.
    pub(crate) fn restart_at_its_address(self) -> Self {
        let address = self.url.clone();
        Self::at(&address, self.kill())
    }

    /// Starts one at this address, on what the folder holds under `data`.
    pub(crate) fn at(address: &str, folder: TempDir) -> Self {
        let listen = address.strip_prefix("http://").expect("a URL");
        let mut command = serve(&folder.path().join("data"));
        command.env("LICTOR_LISTEN", listen);
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        let running = Running::start(&mut command);
        Self {
            url: running.listening(),
            running,
            folder,
        }
    }

    /// Every byte of the data folder but the control plane's key.
    pub(crate) fn stored(&self) -> Vec<u8> {
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

impl<R> Server<R> {
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file in the test's folder.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a command as the operator.
    pub(crate) fn lictor(&self, args: &[&str]) -> Output {
        let mut command = command();
        command
            .env("LICTOR_URL", &self.url)
            .env("LICTOR_TOKEN", OPERATOR);
        command.args(args).output().expect("lictor runs")
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

    /// Installs a license, and gives its id.
    pub(crate) fn license(&self, claims: &Claims) -> String {
        let payload = vendor(1).sign(&claims.to_json());
        text(&self.post("/v1/licenses", &json!({ "payload": payload }))["id"])
    }

    /// Sets the policy of the nodes.
    pub(crate) fn policy(&self, stale_after: i64, expires_after: i64, grace: i64) {
        let body = json!({
            "stale_after": stale_after, "expires_after": expires_after, "grace": grace,
        });
        self.call("PUT", "/v1/node-policy").json(&body).expect(200);
    }

    /// Enrolls a node for `konnect`, and gives its enrollment token.
    pub(crate) fn enroll(&self, name: &str) -> EnrollmentToken {
        self.enroll_for(name, "konnect")
    }

    pub(crate) fn enroll_for(&self, name: &str, application: &str) -> EnrollmentToken {
        let body = json!({ "name": name, "application": application });
        let enrolled = self.post("/v1/nodes", &body);
        let token = text(&enrolled["enrollment_token"]);
        token.parse().expect("an enrollment token")
    }

    /// Enrolls a node for `konnect` and lets it join.
    pub(crate) fn node(&self, name: &str) -> Node {
        Node::join(&self.url, &self.enroll(name))
    }

    pub(crate) fn node_for(&self, name: &str, application: &str) -> Node {
        Node::join(&self.url, &self.enroll_for(name, application))
    }

    /// The only node as the operator sees it.
    pub(crate) fn shown(&self, name: &str) -> Value {
        self.get(&format!("/v1/nodes/{name}"))
    }

    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        let at = self.get("/v1/report")["at"].clone();
        let at: jiff::Timestamp = text(&at).parse().expect("RFC 3339");
        at.as_second()
    }

    /// The month that the server counts in.
    pub(crate) fn month(&self) -> String {
        Date::of(self.now()).month()
    }
}

/// Whether these bytes hold this text.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

/// Runs something that must take less than a second.
#[track_caller]
pub(crate) fn within_a_second<T>(act: impl FnOnce() -> T) -> T {
    let begun = Instant::now();
    let done = act();
    assert!(begun.elapsed() < Duration::from_secs(1));
    done
}

pub(crate) fn text(value: &Value) -> String {
    let text = value.as_str();
    text.unwrap_or_else(|| panic!("no text: {value}"))
        .to_owned()
}

/// The vendor of this number.
pub(crate) fn vendor(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

/// Claims for `product` that end in 2199.
pub(crate) fn claims(product: &str) -> Claims {
    Claims::new(product, Date::parse("2199-01-01").expect("a date"))
}

/// What a command printed as its result, without the line end. It must have succeeded.
#[track_caller]
pub(crate) fn result(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    text.trim_end_matches('\n').to_owned()
}

impl Request {
    /// Sends, and asserts the status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Answer {
        let answer = self.send();
        assert_eq!(answer.status, status, "{answer:?}");
        answer
    }

    pub(crate) fn organization(self, key: &str) -> Self {
        self.header("Lictor-Organization", key)
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

    /// Asserts a refusal of the node dialect, and gives its message.
    #[track_caller]
    pub(crate) fn failure(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        let failure = self.json_as("application/json");
        assert_eq!(failure["code"], code, "{self:?}");
        text(&failure["message"])
    }
}
