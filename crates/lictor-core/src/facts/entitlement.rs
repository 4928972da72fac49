//! What the license in force grants an application, and what that was derived from.

use uuid::Uuid;

use crate::document::Signer;
use crate::document::claims::Plan;
use crate::time::Timestamp;

/// What the license in force grants an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entitlement {
    /// The application's key.
    pub application: String,
    /// The license in force. `None` if unlicensed.
    pub license: Option<InForce>,
}

/// The license in force and what it grants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InForce {
    /// The license's id.
    pub license: Uuid,
    /// When it was written: its `updated_at` and revision.
    pub written: (Timestamp, u64),
    /// Who signed it.
    pub signer: Signer,
    /// Its plan.
    pub plan: Plan,
    /// Seats. `None` if unlimited.
    pub seat_limit: Option<u32>,
    /// Nodes. `None` if unlimited.
    pub node_limit: Option<u32>,
    /// Features.
    pub features: Vec<String>,
    /// When it ends.
    pub expires_at: Timestamp,
    /// The first instant at which none is in force: its own end, or that of the stored licenses that
    /// follow it without a gap.
    pub covered_until: Timestamp,
}

impl Entitlement {
    /// Seats: none for unlimited, 0 without a license in force.
    pub fn seat_limit(&self) -> Option<u32> {
        self.license
            .as_ref()
            .map_or(Some(0), |license| license.seat_limit)
    }

    /// Nodes: none for unlimited, 0 without a license in force.
    pub fn node_limit(&self) -> Option<u32> {
        self.license
            .as_ref()
            .map_or(Some(0), |license| license.node_limit)
    }

    /// How many nodes may take a place: none for without a limit, and without a license in force, as
    /// such nodes decide nothing.
    pub fn granted_nodes(&self) -> Option<u32> {
        self.license.as_ref()?.node_limit
    }
}

/// Which licenses of an application and which trusted keys an entitlement was derived from. A rule
/// compares it with what is stored, so that no seat is given by a license that was just removed or a
/// key just revoked; licenses of other applications leave it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ApplicationBasis {
    /// How many licenses of the application are stored.
    pub licenses: u64,
    /// The sum of their revisions.
    pub revisions: u64,
    /// The position of the installation's last change to a key or to the policy.
    pub trust: u64,
}

/// Which licenses and trusted keys the state of an organization's nodes rests on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Basis {
    /// The position of the organization's last change to a license.
    pub licenses: u64,
    /// The position of the installation's last change to a key or to the policy.
    pub trust: u64,
}

/// What the license in force grants, as read before the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SeatTerms {
    /// Whether a license is in force.
    pub licensed: bool,
    /// Seats. `None` if unlimited.
    pub limit: Option<u32>,
    /// What it was derived from.
    pub basis: ApplicationBasis,
}

impl SeatTerms {
    /// The terms of an entitlement that was derived from `basis`.
    pub fn of(entitlement: &Entitlement, basis: ApplicationBasis) -> Self {
        Self {
            licensed: entitlement.license.is_some(),
            limit: entitlement.seat_limit(),
            basis,
        }
    }
}

/// What the license in force grants, as read before the transaction.
#[derive(Debug, Clone, Copy)]
pub struct NodeTerms {
    /// As [`Entitlement::granted_nodes`] says.
    pub limit: Option<u32>,
    /// What it was derived from.
    pub basis: ApplicationBasis,
}

impl NodeTerms {
    /// The terms of an entitlement that was derived from `basis`.
    pub fn of(entitlement: &Entitlement, basis: ApplicationBasis) -> Self {
        Self {
            limit: entitlement.granted_nodes(),
            basis,
        }
    }
}
