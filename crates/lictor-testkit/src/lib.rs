//! What tests of the binary, measurements and experiments share: Lictor's processes, a client, keys and
//! documents, folders, and what a run says of itself. It is in no build that is shipped.

#[cfg(feature = "tests")]
mod binary;

#[cfg(feature = "tests")]
mod folder;
#[cfg(feature = "tests")]
mod foreign;
mod http;
mod installation;
pub mod limits;
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
#[cfg(feature = "tests")]
pub use foreign::assert_none_of_a_library;
pub use http::{Answer, Connection, Request};
pub use installation::Installation;
pub use node::Node;
pub use process::Process;
pub use report::{Report, Tally, Verdict};
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
