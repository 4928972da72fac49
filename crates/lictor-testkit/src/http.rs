//! The one client: a request that sends what it is told, byte for byte, and an answer that hides nothing;
//! each on a connection of its own, or one after the other on one that is kept.

mod answer;
mod assertions;
mod connection;
mod request;

pub use answer::Answer;
pub use connection::Connection;
pub use request::Request;
