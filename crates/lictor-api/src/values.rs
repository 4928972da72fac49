//! What members of bodies are made of: words, instants, objects, and what is not told to everybody.

mod instant;
mod object;
mod rows;
mod told;
mod words;

pub use instant::{Day, Instant, KeyIdText};
pub use object::{Nothing, Object};
pub use rows::{ROW_REASONS, RowError, RowMode, RowReason};
pub use told::{Told, Written};
pub use words::{KNOWN_WORDS, Meaning, Text, Words, only};
