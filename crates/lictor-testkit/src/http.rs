//! The one client: a request that is sent byte for byte as it is given, and an answer with all headers;
//! each on a connection of its own, or one after the other on one that is kept.

mod answer;
mod assertions;
mod connection;
mod request;

pub use answer::Answer;
pub use connection::Connection;
pub use request::Request;
