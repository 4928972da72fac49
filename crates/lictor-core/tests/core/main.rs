//! The rules of the core as a whole: what only shows where several of them meet, and properties
//! that hold for all inputs.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod changes;
mod clients;
mod document;
mod feed;
mod fixtures;
mod in_force;
mod license;
mod names;
mod nodes;
mod pools;
mod properties;
