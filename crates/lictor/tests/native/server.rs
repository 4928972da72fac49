//! One server for one test, and what tests put into it first. How the server is started stands
//! here alone.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use lictor_core::{Claims, Date, SigningKey, Timestamp};
use lictor_server::authority::{Authority, Start};
use lictor_server::clock::Clock;
use lictor_server::dialects::native;
use lictor_server::settings::{Server as State, Settings};
use lictor_store::sqlite::SqliteStore;
use serde_json::{Value, json};

use crate::client::Call;

/// The operator's token.
const OPERATOR: &str = "operator-token-of-the-tests-0123456789";

/// A running server that trusts [`vendor`]`(1)`.
pub(crate) struct Server {
    address: SocketAddr,
    folder: tempfile::TempDir,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self::start_in(folder)
    }

    fn start_in(folder: tempfile::TempDir) -> Self {
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let (tell, told) = mpsc::channel();
        let path = folder.path().to_owned();
        let thread = std::thread::spawn(move || run(&path, &tell, stopped));
        Self {
            address: told.recv().expect("an address"),
            folder,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Stops the server and starts another one on the same data.
    pub(crate) fn restart(mut self) -> Self {
        self.stop();
        let empty = tempfile::tempdir().expect("a folder");
        let folder = std::mem::replace(&mut self.folder, empty);
        Self::start_in(folder)
    }

    /// The data folder.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    fn stop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server ends well");
        }
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
        self.stop();
    }
}

fn run(
    folder: &Path,
    tell: &mpsc::Sender<SocketAddr>,
    stopped: tokio::sync::oneshot::Receiver<()>,
) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = SqliteStore::open(folder).expect("a store");
        let start = Start {
            keys: vec![vendor(1).public_key()],
            operator_secret: Some(OPERATOR.to_owned()),
            ..Start::default()
        };
        let authority = Authority::open(Arc::new(store), Clock::System, start, |_| Ok(()))
            .await
            .expect("an authority");
        let settings = Settings {
            public_url: String::new(),
            kong_version: String::new(),
            kong_origins: Vec::new(),
            hash_hostname: false,
            data_folder: folder.to_owned(),
        };
        let state = State {
            authority,
            settings: Arc::new(settings),
        };
        let routes = axum::Router::new()
            .nest("/v1", native::routes())
            .with_state(state);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        tell.send(address).expect("somebody who waits");
        let stop = async { drop(stopped.await) };
        let serve = axum::serve(listener, routes).with_graceful_shutdown(stop);
        serve.await.expect("to serve");
    });
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
