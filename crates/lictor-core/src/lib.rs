//! The rules of Lictor: what a signed license is, which one is in force, who may do what, and how
//! a change alters the state. No I/O, no clock, no randomness, no async: time and ids are arguments.
//!
//! A product that wants to check a license offline needs nothing else:
//!
//! ```
//! use lictor_core::{Claims, Date, Document, SigningKey, TrustSet};
//!
//! # let vendor = SigningKey::from_seed([7; 32]);
//! # let public_key_pem = vendor.public_key().to_pem();
//! # let file = vendor.sign(&Claims::new("Konnect", Date::parse("2027-01-01").unwrap()).to_json());
//! let trust = TrustSet::from_pem([public_key_pem.as_str()])?;
//! let document = Document::parse(&file)?;
//! let signer = document.verify(&trust)?;
//! let claims = document.claims()?;
//! assert!(claims.validity().contains(1_790_000_000), "expired, or not begun");
//! println!("{} seats, signed by {signer}", claims.admin_seats.unwrap_or(u32::MAX));
//! # Ok::<(), lictor_core::DocumentError>(())
//! ```

pub mod access;
pub mod account;
pub mod application;
pub mod change;
pub mod claims;
pub mod client;
mod digest;
pub mod document;
pub mod elapsed;
pub mod error;
pub mod exposition;
pub mod fault;
pub mod feed;
pub mod figures;
pub mod given;
pub mod grant;
pub mod keys;
pub mod lease;
pub mod ledger;
pub mod license;
pub mod names;
pub mod node;
pub mod organization;
pub mod quota;
pub mod seats;
pub mod secret;
pub mod slashes;
pub mod state;
pub mod time;
pub mod token;
pub mod trust;
pub mod usage;
pub mod whole;

mod json;

pub use access::{Action, Actor, Resource, Right, Role, Scope};
pub use account::{Account, AccountCounts, AccountKind, AccountState, AccountStatus, Email};
pub use application::{Application, ApplicationState, OverLimit};
pub use change::{Change, Decision, Record};
pub use claims::{Claims, Plan};
pub use client::{Client, ClientState};
pub use document::{Document, Signer};
pub use elapsed::{Elapsed, Now};
pub use error::{Class, DocumentError, Error, Kind, LastWay};
pub use given::Given;
pub use grant::{Access, Code, GrantRefusal, GrantState};
pub use keys::{KeyId, PublicKey, SigningKey};
pub use lease::{EndedLease, Lease, LeaseEnd, LeaseState, LeaseTerms};
pub use ledger::{Entry, Head};
pub use license::{Entitlement, License};
pub use node::{Node, NodeSettings, NodeState};
pub use organization::{INSTALLATION, Organization};
pub use quota::{Quota, Quotas, Used};
pub use seats::{
    ApplicationBasis, Basis, Holder, Seat, SeatId, SeatReason, SeatRefusal, SeatState, SeatTerms,
};
pub use state::{LicenseState, State};
pub use time::{Date, Timestamp, Validity};
pub use token::Token;
pub use trust::{KeyStatus, TrustPolicy, TrustSet, TrustedKey};
