//! The data plane of Lictor as a library: a node joins a control plane, takes its signed states,
//! decides by them and counts on its own, and reports.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use lictor_node::{Node, Options};
//!
//! let mut options = Options::new("https://lictor.example.com", "/var/lib/editor/node");
//! options.enroll = Some(std::env::var("LICTOR_ENROLL")?.parse()?);
//! let node = Node::start(options).await?;
//! let meter = node.meter(None);
//! match meter.check() {
//!     Ok(()) => println!("allowed, and counted"),
//!     Err(denial) => println!("{denial}"),
//! }
//! node.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! A program without a Tokio runtime calls [`Node::start_blocking`], as `examples/blocking.rs` does.

mod blocking;
mod checksum;
mod client;
mod clock;
pub mod connection_errors;
mod counters;
mod decision;
mod error;
mod evaluator;
mod feed;
mod folder;
#[cfg(fuzzing)]
pub mod fuzzing;
mod identity;
mod join;
mod link;
mod local;
mod meter;
mod node;
mod options;
mod persistence;
mod planted;
mod problems;
mod random;
mod rejoin;
mod report;
mod resolver;
mod shared;
mod sse;
mod state_store;
mod status;
#[cfg(test)]
mod testing;
mod trusted_time;
mod verified_state;

pub use blocking::BlockingNode;
pub use clock::{Clock, ManualClock};
pub use error::{Denial, NotCounted, Reason, StartError};
pub use local::{Listen, Local, LocalError, LocalSocket, serve_local, serve_waiting};
pub use meter::Meter;
pub use node::Node;
pub use options::{CountDurability, Options, Pace};
#[cfg(feature = "planted-faults")]
pub use planted::plant;
pub use rejoin::back_off;
pub use status::{LicenseStatus, StateStatus, Status};
