//! `cargo xtask prove NAME`: experiments that try to break a promise, one file each.

pub(crate) mod kill;
mod load;
mod random;
