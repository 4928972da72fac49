//! Rights: an action on a resource.

use std::fmt;

use crate::words::words;

/// What rights are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Stored licenses.
    Licenses,
    /// Applications and their entitlements.
    Applications,
    /// Organizations.
    Organizations,
    /// The trusted keys.
    Trust,
    /// Tokens.
    Tokens,
    /// Usage counters.
    Usage,
    /// Corrections of usage counters; a source that only reports does not need this right.
    Corrections,
    /// The ledger.
    Ledger,
    /// The usage report.
    Report,
    /// Copies of the whole store.
    Backup,
    /// Metrics of the server itself.
    Metrics,
    /// Accounts.
    Accounts,
    /// Named seats, the figures of applications, and refusals.
    Seats,
    /// Leases.
    Leases,
    /// How many distinct accounts count.
    Census,
    /// OAuth clients.
    Clients,
    /// Nodes.
    Nodes,
}

words!(
    Resource, "a resource", {
        Licenses => "licenses",
        Applications => "applications",
        Organizations => "organizations",
        Trust => "trust",
        Tokens => "tokens",
        Usage => "usage",
        Corrections => "corrections",
        Ledger => "ledger",
        Report => "report",
        Backup => "backup",
        Metrics => "metrics",
        Accounts => "accounts",
        Seats => "seats",
        Leases => "leases",
        Census => "census",
        Clients => "clients",
        Nodes => "nodes",
    }
);

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Looking at it.
    Read,
    /// Changing it.
    Write,
}

words!(
    Action, "an action", {
        Read => "read",
        Write => "write",
    }
);

/// One right: an action on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// What it is about.
    pub resource: Resource,
    /// What is done.
    pub action: Action,
}

impl Right {
    /// The right to look at `resource`.
    pub const fn read(resource: Resource) -> Self {
        Self {
            resource,
            action: Action::Read,
        }
    }

    /// The right to change `resource`.
    pub const fn write(resource: Resource) -> Self {
        Self {
            resource,
            action: Action::Write,
        }
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.action {
            Action::Read => "read",
            Action::Write => "change",
        };
        write!(f, "{verb} {}", self.resource.as_str())
    }
}
