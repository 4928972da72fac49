//! Facts: what each noun is: its data, its words and its limits. Nothing here decides, and nothing
//! here names changes, the state or a rule.

pub mod account;
pub mod application;
pub mod client;
pub mod email;
pub mod entitlement;
pub mod figures;
pub mod grant;
pub mod lease;
pub mod license;
pub mod node;
pub mod organization;
pub mod pool;
pub mod quota;
pub mod right;
pub mod role;
pub mod scope;
pub mod seats;
pub mod token;
pub mod usage;
