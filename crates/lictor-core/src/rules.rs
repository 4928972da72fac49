//! Rules: what may happen. Each is a pure function of the state and its arguments, and returns a
//! decision or an error; it may run twice.

pub mod account;
pub mod application;
pub mod batch;
pub mod client;
pub mod grant;
pub mod import;
pub mod in_force;
pub mod lease;
pub mod license;
pub mod node;
pub mod organization;
pub mod outlook;
pub mod quota;
pub mod seats;
pub mod token;
pub mod trust;
pub mod usage;
