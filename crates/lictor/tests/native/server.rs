//! One server for one test, and what tests put into it first. How the server is started stands
//! here alone.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use lictor_core::{Claims, Date, SigningKey, Timestamp};
use serde_json::{Value, json};

use crate::client::Call;

/// The operator's token.
const OPERATOR: &str = "operator-token-of-the-tests-0123456789";

/// A running server that trusts [`vendor`]`(1)`.
pub(crate) struct Server {
    address: SocketAddr,
    folder: tempfile::TempDir,
    process: Child,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let pem = vendor(1).public_key().to_pem();
        std::fs::write(folder.path().join("vendor.pub"), pem).expect("a file");
        let (process, address) = spawn(folder.path());
        Self {
            address,
            folder,
            process,
        }
    }

    /// Kills the server and starts another one on the same data.
    pub(crate) fn restart(&mut self) {
        self.kill();
        (self.process, self.address) = spawn(self.folder.path());
    }

    /// The data folder.
    pub(crate) fn data(&self) -> std::path::PathBuf {
        self.folder.path().join("data")
    }

    fn kill(&mut self) {
        self.process.kill().expect("a running server");
        self.process.wait().expect("its end");
    }

    /// A request by the operator.
    pub(crate) fn call(&self, method: &str, path: &str) -> Call {
        Call::new(self.address, method, path).token(OPERATOR)
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

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Starts a server and waits until it says where it listens.
fn spawn(folder: &Path) -> (Child, SocketAddr) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lictor"));
    command.arg("serve").arg("--data").arg(folder.join("data"));
    command.args(["--listen", "127.0.0.1:0", "--trust"]);
    command.arg(folder.join("vendor.pub"));
    command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
    command.stderr(Stdio::piped()).stdout(Stdio::null());
    let mut process = command.spawn().expect("the binary starts");
    let mut lines = BufReader::new(process.stderr.take().expect("its errors")).lines();
    let said = |line: &String| Some(line.split_once("listening on http://")?.1.to_owned());
    let mut before = Vec::new();
    let address = lines.by_ref().map_while(Result::ok).find_map(|line| {
        let address = said(&line);
        before.push(line);
        address
    });
    let address = address.unwrap_or_else(|| panic!("it did not start: {before:#?}"));
    // What it says later must be read, or it would wait for a reader.
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
    (process, address.trim().parse().expect("an address"))
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
