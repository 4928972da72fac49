//! The kong dialect.
