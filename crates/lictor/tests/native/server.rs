//! One server for one test of the native API, and what tests put into it first.

use std::path::PathBuf;

use lictor_core::{Claims, Date, SigningKey, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::http::Request;
use crate::process::{Running, serve};

/// The operator's token.
const OPERATOR: &str = "operator-token-of-the-tests-0123456789";

/// A running server that trusts [`vendor`]`(1)`.
pub(crate) struct Server {
    url: String,
    running: Running,
    folder: TempDir,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = TempDir::new().expect("a folder");
        let pem = vendor(1).public_key().to_pem();
        std::fs::write(folder.path().join("vendor.pub"), pem).expect("a file");
        Self::on(folder)
    }

    /// Kills the server and starts another one on the same data.
    pub(crate) fn restart(self) -> Self {
        let Self {
            running, folder, ..
        } = self;
        drop(running);
        Self::on(folder)
    }

    /// Starts one on what the folder holds.
    fn on(folder: TempDir) -> Self {
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

    /// The data folder.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A request by the operator.
    pub(crate) fn call(&self, method: &str, path: &str) -> Request {
        Request::new(&self.url, method, path).token(OPERATOR)
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.call("GET", path).expect(200).json()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.call("POST", path).json(body).expect(201).json()
    }

    /// Adds a license to `default`, and gives the answer.
    pub(crate) fn add(&self, payload: &str) -> Value {
        self.post("/v1/licenses", &json!({ "payload": payload }))
    }

    /// Creates an organization with an admin and a reader.
    pub(crate) fn tenant(&self, key: &str) -> Tenant {
        let id = self.post("/v1/organizations", &json!({ "key": key }))["id"].clone();
        let token = |role: &str| {
            let call = self.call("POST", "/v1/tokens").organization(key);
            let made = call.json(&json!({ "role": role })).expect(201).json();
            made["secret"].as_str().expect("a secret").to_owned()
        };
        Tenant {
            id: id.as_str().expect("an id").to_owned(),
            key: key.to_owned(),
            admin: token("admin"),
            reader: token("reader"),
        }
    }

    /// The server's time.
    pub(crate) fn now(&self) -> Timestamp {
        let at = self.get("/v1/report")["at"].clone();
        let at: jiff::Timestamp = at.as_str().expect("a time").parse().expect("RFC 3339");
        at.as_second()
    }

    /// The date so many days from now, as the server's clock has it.
    pub(crate) fn date_in(&self, days: i64) -> Date {
        Date::of(self.now() + days * 86_400)
    }
}

/// An organization and its tokens.
pub(crate) struct Tenant {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) admin: String,
    pub(crate) reader: String,
}

/// The vendor of this number.
pub(crate) fn vendor(number: u8) -> SigningKey {
    SigningKey::from_seed([number; 32])
}

/// Claims for `product` that end in 2199.
pub(crate) fn claims(product: &str) -> Claims {
    Claims::new(product, Date::parse("2199-01-01").expect("a date"))
}

/// A document of vendor 1.
pub(crate) fn sign(claims: &Claims) -> String {
    vendor(1).sign(&claims.to_json())
}

/// A document of vendor 1 for `product`.
pub(crate) fn document(product: &str) -> String {
    sign(&claims(product))
}
