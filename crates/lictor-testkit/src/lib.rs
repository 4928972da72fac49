//! What tests of the binary, measurements and experiments share: Lictor's processes, a client, keys and
//! documents, folders, and what a run says of itself. It is in no build that is shipped.

pub mod command;
mod http;
mod installation;
pub mod limits;
mod node;
mod process;
mod report;
mod scratch;
mod server;
pub mod usage;
mod workspace;

pub use http::{Answer, Connection, Request};
pub use installation::Installation;
pub use node::Node;
pub use process::Process;
pub use report::{Report, Tally, Verdict};
pub use scratch::Scratch;
pub use server::Server;
pub use workspace::Workspace;

/// The operator's token of every server under test.
pub const OPERATOR: &str = "operator-token-of-the-tests-0123456789";
