//! A server within the test, whose clock is moved by hand.

use std::sync::Arc;

use lictor_authority::clock::{Clock as ServerClock, ManualClock};
use lictor_authority::{Authority, Start};
use lictor_core::SigningKey;
use lictor_server::http::budget::Budgets;
use lictor_server::http::limits::ConnectionLimits;
use lictor_server::http::{accept, router};
use lictor_server::settings::{Server as Serving, ServerParts, Settings};
use lictor_store::{New, Store};
use lictor_testkit::{Folder, OPERATOR, claims, vendor};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use crate::harness::Server;

/// 2027-01-15T08:00:00Z.
const START: i64 = 1_800_000_000;

/// What keeps such a server running.
pub(crate) struct Clocked {
    clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) authority: Arc<Authority>,
    pub(crate) runtime: Runtime,
}

/// One with a license for the application `konnect`.
pub(crate) fn clocked() -> Server<Clocked> {
    let folder = Folder::new();
    let manual = ManualClock::at(START);
    let runtime = Runtime::new().expect("a runtime");
    let clock = ServerClock::Manual(Arc::clone(&manual));
    let data = folder.path().join("data");
    let (url, store, authority) = runtime.block_on(async {
        let store = lictor_store::open(&data, New::Beside(&[])).expect("a store");
        let start = Start {
            keys: vec![vendor(1).public_key()],
            operator_secret: Some(OPERATOR.to_owned()),
            control_plane_key: Some(SigningKey::from_seed([2; 32])),
            ..Start::default()
        };
        let opened = Authority::open(store.clone(), clock, start, |_| Ok(())).await;
        let authority = opened.expect("an installation").authority();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let server = Serving::new(ServerParts {
            authority: Arc::clone(&authority),
            settings: Arc::new(Settings {
                public_url: url.clone(),
                kong_version: "3.4.3.5".to_owned(),
                kong_origins: Vec::new(),
                hash_hostname: false,
                node_certificates: false,
                rate_limit: None,
            }),
            budgets: Budgets::default(),
            metrics: router::counters(Box::new(|| (0, 0)), Box::new(|_| ())),
        });
        let app = router::router(server);
        let limits = ConnectionLimits::default();
        let forever = std::future::pending();
        tokio::spawn(accept::serve(listener, None, app, limits, forever));
        (url, store, authority)
    });
    let server = Server {
        url,
        running: Clocked {
            clock: manual,
            store,
            authority,
            runtime,
        },
        folder,
    };
    server.license(&claims("Konnect"));
    server
}

/// A clock that a test moves.
pub(crate) trait Clock {
    /// Lets so many seconds pass for the server.
    fn pass(&self, seconds: i64);

    /// Sets the wall clock of the server ahead or back.
    fn step(&self, seconds: i64);
}

impl Clock for Server<Clocked> {
    fn pass(&self, seconds: i64) {
        self.running.clock.pass(seconds);
    }

    fn step(&self, seconds: i64) {
        self.running.clock.step(seconds);
    }
}
