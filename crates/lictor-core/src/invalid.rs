//! An input that is outside what is allowed, as the facts say it; rules turn it into the one error.

/// An input that is outside what is allowed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct InvalidInput {
    /// The input's name.
    pub field: &'static str,
    /// What is wrong with it, what is allowed, and what to do.
    pub reason: String,
}
