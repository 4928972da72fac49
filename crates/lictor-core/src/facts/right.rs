//! Rights: an action on a resource, and which roles have it.

pub mod typed;

use std::fmt;

use crate::facts::role::Role;
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

impl Resource {
    /// What readers, and what admins, may do with it in their organization. Operators may do everything, everywhere.
    const fn open_to(self) -> [&'static [Action]; 2] {
        const NOTHING: &[Action] = &[];
        const LOOK: &[Action] = &[Action::Read];
        const ALL: &[Action] = &Action::ALL;
        match self {
            Self::Licenses
            | Self::Applications
            | Self::Usage
            | Self::Corrections
            | Self::Accounts
            | Self::Seats
            | Self::Leases
            | Self::Nodes => [LOOK, ALL],
            Self::Organizations | Self::Trust => [LOOK, LOOK],
            Self::Tokens | Self::Ledger | Self::Report | Self::Census | Self::Clients => {
                [NOTHING, ALL]
            }
            Self::Backup | Self::Metrics => [NOTHING, NOTHING],
        }
    }
}

impl Role {
    /// Whether the role includes the right, within the organization or installation of the role.
    pub fn includes(self, right: Right) -> bool {
        let [readers, admins] = right.resource.open_to();
        match self {
            Self::Operator => true,
            Self::Admin => admins.contains(&right.action),
            Self::Reader => readers.contains(&right.action),
        }
    }
}

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
        match self.action {
            Action::Read => write!(f, "{} {}", self.action, self.resource),
            Action::Write => write!(f, "change {}", self.resource),
        }
    }
}
