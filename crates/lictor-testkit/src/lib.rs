//! What tests of the binary, measurements and experiments share: Lictor's processes, a client, keys and
//! documents, folders, and what a run says of itself. It is in no build that is shipped.

#[cfg(feature = "tests")]
mod binary;

#[cfg(feature = "tests")]
mod folder;
mod http;
mod installation;
#[cfg(feature = "tests")]
mod library_messages;
pub mod limits;
pub mod marks;
mod node;
mod process;
pub mod programs;
mod report;
#[cfg(feature = "tests")]
mod running;
mod scratch;
mod server;
#[cfg(feature = "tests")]
mod test_server;
pub mod usage;
#[cfg(feature = "tests")]
mod vendor;
mod workspace;

#[cfg(feature = "tests")]
pub use binary::{binary, command, lictor, refusal, result, serve};
#[cfg(feature = "tests")]
pub use folder::Folder;
pub use http::{Answer, Connection, Request};
pub use installation::Installation;
#[cfg(feature = "tests")]
pub use library_messages::assert_none_of_a_library;
pub use node::Node;
pub use process::Process;
pub use report::{Report, RunOutcome, Tally};
#[cfg(feature = "tests")]
pub use running::Running;
pub use scratch::Scratch;
pub use server::Server;
#[cfg(feature = "tests")]
pub use test_server::{Tenant, TestServer, text};
#[cfg(feature = "tests")]
pub use vendor::{claims, document, sign, vendor};
pub use workspace::Workspace;

/// The operator's token of every server under test.
pub const OPERATOR: &str = "operator-token-of-the-tests-0123456789";
