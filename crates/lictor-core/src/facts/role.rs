//! Roles: the most that a token may do.

use serde::{Deserialize, Serialize};

use crate::words::words;

/// What a token may do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads one organization.
    Reader,
    /// Reads and changes one organization.
    Admin,
    /// Runs the installation, and may act in any organization.
    Operator,
}

words!(
    Role, "a role", {
        Operator => "operator",
        Admin => "admin",
        Reader => "reader",
    }
);
