//! Counts what each change adds to a quota or takes from it.

use crate::change::Change;
use crate::facts::quota::{Quota, Used};

pub(crate) enum Step {
    More,
    Less,
}

/// What a change adds or takes away. Rules decide only on changes that do so.
pub(crate) fn step(change: &Change) -> Option<(Quota, Step)> {
    match change {
        Change::TokenCreated { .. } => Some((Quota::Tokens, Step::More)),
        Change::TokenRevoked { .. } => Some((Quota::Tokens, Step::Less)),
        Change::ApplicationCreated { .. } => Some((Quota::Applications, Step::More)),
        Change::ApplicationRemoved { .. } => Some((Quota::Applications, Step::Less)),
        Change::LicenseWritten { replaces: None, .. } => Some((Quota::Licenses, Step::More)),
        Change::LicenseRemoved { .. } => Some((Quota::Licenses, Step::Less)),
        Change::AccountCreated { .. } => Some((Quota::Accounts, Step::More)),
        Change::AccountRemoved { .. } => Some((Quota::Accounts, Step::Less)),
        Change::SeatAssigned { .. } => Some((Quota::Seats, Step::More)),
        Change::SeatReleased { .. } => Some((Quota::Seats, Step::Less)),
        Change::LeaseCheckedOut { .. } => Some((Quota::Leases, Step::More)),
        Change::LeaseEnded { .. } => Some((Quota::Leases, Step::Less)),
        Change::ClientCreated { .. } => Some((Quota::Clients, Step::More)),
        Change::ClientRemoved { .. } => Some((Quota::Clients, Step::Less)),
        Change::NodeEnrolled { .. } => Some((Quota::Nodes, Step::More)),
        Change::NodeReturned { .. } => Some((Quota::Nodes, Step::More)),
        Change::NodeRevoked { .. } | Change::NodeLeft { .. } => Some((Quota::Nodes, Step::Less)),
        Change::NodePoolCreated { .. } => Some((Quota::NodePools, Step::More)),
        Change::NodePoolRevoked { .. } => Some((Quota::NodePools, Step::Less)),
        // What only alters what is there, belongs to the installation, or is bounded by what it is of.
        Change::LicenseWritten {
            replaces: Some(_), ..
        }
        | Change::PolicySet { .. }
        | Change::OrganizationCreated { .. }
        | Change::OrganizationRemoved
        | Change::KeyTrusted { .. }
        | Change::KeyRetired { .. }
        | Change::KeyRevoked { .. }
        | Change::ApplicationSet { .. }
        | Change::AccountSet { .. }
        | Change::GrantCreated { .. }
        | Change::GrantRevoked { .. }
        | Change::NodeJoined { .. }
        | Change::NodeBarred { .. }
        | Change::NodeRemoved { .. }
        | Change::NodePolicySet { .. }
        | Change::NodesAdopted { .. }
        | Change::UsageCorrected { .. }
        | Change::QuotaSet { .. } => None,
    }
}

impl Used {
    /// Counts what a change adds or takes away.
    pub fn count(&mut self, change: &Change) {
        match step(change) {
            Some((quota, Step::More)) => self.more(quota),
            Some((quota, Step::Less)) => self.less(quota),
            None => {}
        }
    }
}
