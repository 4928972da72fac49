//! The options of a node.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lictor_core::PublicKey;
use lictor_core::exposition::Section;
use lictor_core::feed::{EnrollmentToken, REPORT_SECONDS};

use crate::clock::Clock;

/// The options of a node. It has no `Debug`, because it contains secrets.
#[derive(Clone)]
pub struct Options {
    /// The address of the control plane, such as `https://lictor.example.com`.
    pub control_plane: String,
    /// The token to join with; a node that has joined needs none, but that of its pool, to take a place
    /// again after it gave one back.
    pub enroll: Option<EnrollmentToken>,
    /// Whether the node gives its place in its pool back when it stops.
    pub leave_on_stop: bool,
    /// The node's own folder.
    pub folder: PathBuf,
    /// The vendor keys to trust. At joining they are trusted instead of those that the control plane
    /// names; later they are added.
    pub trust: Vec<PublicKey>,
    /// Certificates, as PEM, that the control plane's may be signed by beside the system's.
    pub ca: Option<String>,
    /// A certificate and its key, as PEM, to show to the control plane.
    pub identity: Option<String>,
    /// Whether plain HTTP may be spoken to an address that is not this machine.
    pub insecure_http: bool,
    /// Whether the control plane is asked straight, whatever `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY`
    /// say. Addresses of this machine always are, and those that `NO_PROXY` names.
    pub no_proxy: bool,
    /// When a count is acknowledged.
    pub durability: CountDurability,
    /// The application that the node must serve. `None` for the one that it was enrolled for.
    pub application: Option<String>,
    /// The name of the machine, as it is reported.
    pub host: String,
    /// The version of the program, as it is reported.
    pub version: String,
    /// What the process adds to the metrics of the node.
    pub more_metrics: Option<Arc<Section>>,
    /// How often things are done.
    pub pace: Pace,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Options {
    /// The options of a node in this folder, all else at its defaults.
    pub fn new(control_plane: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        Self {
            control_plane: control_plane.into(),
            enroll: None,
            leave_on_stop: false,
            folder: folder.into(),
            trust: Vec::new(),
            ca: None,
            identity: None,
            insecure_http: false,
            no_proxy: false,
            durability: CountDurability::default(),
            application: None,
            host: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            more_metrics: None,
            pace: Pace::default(),
            clock: Clock::default(),
        }
    }
}

/// When a count is acknowledged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum CountDurability {
    /// At once; what was counted since the last flush is lost if the process is killed.
    #[default]
    Interval,
    /// Once it is on disk.
    Request,
}

/// How often things are done; tests shorten it.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often the clocks are looked at; 250 ms.
    pub tick: Duration,
    /// How often counts are written; 1 s.
    pub flush: Duration,
    /// How often trusted time is written, and what could not be written is tried again; 60 s.
    pub save: Duration,
    /// The shortest and the longest wait before the feed is asked for again; 0.2 to 2 s.
    pub reconnect: (Duration, Duration),
    /// How long the feed may take to begin, and to bring its first state; 5 s.
    pub begin: Duration,
    /// How long the feed may say nothing; 45 s.
    pub silence: Duration,
    /// How long a node waits between two long polls, where the control plane does not hold its answers
    /// back; 3 s.
    pub between_polls: Duration,
    /// The longest time between two requests for the newest state; 2 min.
    pub poll: Duration,
    /// How long the feed may take to bring a state that the control plane is known to have; 500 ms.
    pub missed: Duration,
    /// How long the control plane may be unreachable before that is a problem; 15 s.
    pub unreachable: Duration,
    /// How long a node waits after it was refused; 60 s.
    pub refused: Duration,
    /// How long a change waits for others before it is reported; 200 ms.
    pub debounce: Duration,
    /// How often counts are reported; 1 s.
    pub report_counts: Duration,
    /// How often a node without news reports; a minute.
    pub report: Duration,
    /// How long a rejected count waits before it is reported again; a minute.
    pub rejected: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            tick: Duration::from_millis(250),
            flush: Duration::from_secs(1),
            save: Duration::from_secs(60),
            reconnect: (Duration::from_millis(200), Duration::from_secs(2)),
            begin: Duration::from_secs(5),
            silence: Duration::from_secs(45),
            between_polls: Duration::from_secs(3),
            poll: Duration::from_secs(120),
            missed: Duration::from_millis(500),
            unreachable: Duration::from_secs(15),
            refused: Duration::from_secs(60),
            debounce: Duration::from_millis(200),
            report_counts: Duration::from_secs(1),
            report: Duration::from_secs(REPORT_SECONDS),
            rejected: Duration::from_secs(60),
        }
    }
}
