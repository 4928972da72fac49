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
pub mod change;
pub mod decision;
pub mod digest;
pub mod document;
pub mod elapsed;
pub mod error;
pub mod exposition;
pub mod facts;
pub mod feed;
pub mod invalid;
pub mod ledger;
pub mod names;
pub mod parse_error;
pub mod patch_field;
pub mod record;
pub mod rules;
pub mod secret;
pub mod state;
pub mod time;
pub mod url_path;
pub mod whole_number;
pub mod words;

pub use document::claims::{Claims, Plan};
pub use document::error::DocumentError;
pub use document::keys::{KeyId, PublicKey, SigningKey};
pub use document::trust::{KeyStatus, TrustPolicy, TrustSet, TrustedKey};
pub use document::{Document, Signer};
pub use error::Error;
pub use time::{Date, Timestamp, Validity};
