//! What the tests share: who is who, contents, fast options, and how they wait.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use lictor_core::feed::{Content, DeliveredKey, DeliveredLicense, NodePolicy};
use lictor_core::{KeyStatus, SigningKey, Timestamp, TrustPolicy};
use lictor_node::{Clock, ManualClock, Node, Options, Pace};
use uuid::Uuid;

use crate::control_plane::ControlPlane;

/// 2027-01-15T08:00:00Z.
pub(crate) const NOW: Timestamp = 1_800_000_000;

pub(crate) const ORGANIZATION: Uuid = Uuid::from_u128(0x0a);
pub(crate) const NODE: Uuid = Uuid::from_u128(0x0b);
pub(crate) const LICENSE: Uuid = Uuid::from_u128(0x0c);

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// One license until 2027-03-01.
pub(crate) fn content() -> Content {
    let payload = r#"{"license_expiration_date":"2027-03-01","application":"editor",
        "customer":"Acme","features":"sso"}"#;
    Content {
        application: "editor".to_owned(),
        policy: TrustPolicy::Verified,
        keys: vec![DeliveredKey {
            public_key: key(1).public_key(),
            status: KeyStatus::Active,
            rotation: None,
        }],
        licenses: vec![DeliveredLicense {
            id: LICENSE,
            payload: key(1).sign(payload),
            created_at: NOW,
            updated_at: NOW,
            revision: 7,
        }],
        node_policy: NodePolicy::default(),
    }
}

/// No license at all.
pub(crate) fn unlicensed() -> Content {
    Content {
        licenses: Vec::new(),
        ..content()
    }
}

/// A clock that stands at [`NOW`].
pub(crate) fn clock() -> Arc<ManualClock> {
    let clock = Arc::new(ManualClock::default());
    clock.wall.store(NOW * 1_000, Ordering::SeqCst);
    clock
}

/// Options of a node that is in a hurry.
pub(crate) fn options(
    control_plane: &ControlPlane,
    folder: &Path,
    clock: &Arc<ManualClock>,
) -> Options {
    let mut options = Options::new(control_plane.url(), folder.join("node"));
    options.enroll = Some(control_plane.token());
    options.clock = Clock::Manual(Arc::clone(clock));
    options.host = "machine".to_owned();
    let soon = Duration::from_millis(10);
    options.pace = Pace {
        tick: soon,
        flush: soon,
        save: soon * 10,
        reconnect: (soon, soon * 3),
        begin: Duration::from_secs(5),
        silence: Duration::from_secs(45),
        between_polls: soon,
        poll: Duration::from_secs(60),
        missed: soon,
        unreachable: soon * 20,
        refused: soon * 10,
        debounce: soon,
        report_counts: soon * 2,
        report: Duration::from_secs(15),
        rejected: soon * 10,
    };
    options
}

/// A control plane, a folder, and a node that joined.
pub(crate) struct Setting {
    pub(crate) control_plane: ControlPlane,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) node: Arc<Node>,
}

impl Setting {
    pub(crate) async fn start() -> Self {
        Self::of(None).await
    }

    /// The same where the node joins this pool.
    pub(crate) async fn of(pool: Option<&str>) -> Self {
        let control_plane = ControlPlane::start().await;
        control_plane.inside().pool = pool.map(str::to_owned);
        let folder = tempfile::tempdir().expect("a folder");
        let clock = clock();
        let node = Node::start(options(&control_plane, folder.path(), &clock)).await;
        let new = Self {
            control_plane,
            folder,
            clock,
            node: node.expect("it joins"),
        };
        new.connected().await;
        new
    }

    pub(crate) fn options(&self) -> Options {
        options(&self.control_plane, self.folder.path(), &self.clock)
    }

    pub(crate) async fn connected(&self) {
        until("it is connected", || self.node.status().connected).await;
    }

    /// Stops the node and starts it again.
    pub(crate) async fn restart(&mut self) {
        self.node.stop().await;
        let mut options = self.options();
        options.enroll = None;
        self.node = Node::start(options).await.expect("it starts");
    }

    pub(crate) fn revision(&self) -> Option<u64> {
        self.node.status().state.map(|state| state.revision)
    }
}

/// Waits until something holds.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "not in time: {what}"
        );
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}
