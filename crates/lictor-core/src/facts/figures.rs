//! The figures: what was bought, what is used, what is left. Every dialect shows these and no others.

use std::sync::Arc;

use crate::document::claims::Plan;
use crate::facts::account::AccountCounts;
use crate::facts::application::Application;
use crate::facts::entitlement::Entitlement;
use crate::time::Timestamp;

/// The figures of one application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationFigures {
    /// The application itself.
    pub application: Application,
    /// The plan of the license in force. `None` if unlicensed.
    pub plan: Option<Plan>,
    /// When the license in force ends.
    pub expires_at: Option<Timestamp>,
    /// Seats granted. `None` if unlimited. Without a license in force 0.
    pub limit: Option<u32>,
}

impl ApplicationFigures {
    /// The figures of an application with this entitlement.
    pub fn of(application: &Application, entitlement: &Entitlement) -> Self {
        let license = entitlement.license.as_ref();
        Self {
            application: application.clone(),
            plan: license.map(|license| license.plan),
            expires_at: license.map(|license| license.expires_at),
            limit: entitlement.seat_limit(),
        }
    }

    /// Seats in use: named ones and live leases.
    pub fn used(&self) -> u64 {
        self.application.state.used()
    }

    /// Seats left, never less than none. `None` if unlimited.
    pub fn available(&self) -> Option<u64> {
        self.limit
            .map(|limit| u64::from(limit).saturating_sub(self.used()))
    }

    /// How many seats are in use beyond the limit.
    pub fn overage(&self) -> u64 {
        self.limit
            .map_or(0, |limit| self.used().saturating_sub(limit.into()))
    }
}

/// The figures of an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrganizationFigures {
    /// Those of its applications, by key.
    pub applications: Vec<Arc<ApplicationFigures>>,
    /// Its accounts.
    pub counts: AccountCounts,
}

impl OrganizationFigures {
    /// The sum of the limits. `None` if one of them is unlimited.
    pub fn limit(&self) -> Option<u64> {
        let limits = self.applications.iter().map(|row| row.limit.map(u64::from));
        limits.sum()
    }

    /// The sum of the seats in use.
    pub fn used(&self) -> u64 {
        self.applications.iter().map(|row| row.used()).sum()
    }

    /// The sum of the seats left. `None` if one application has no limit.
    pub fn available(&self) -> Option<u64> {
        self.applications.iter().map(|row| row.available()).sum()
    }

    /// Distinct accounts that hold a seat.
    pub fn accounts(&self) -> u64 {
        self.counts.holders
    }

    /// The figures of one application.
    pub fn application(&self, key: &str) -> Option<&ApplicationFigures> {
        let found = self
            .applications
            .iter()
            .find(|row| row.application.key == key);
        found.map(Arc::as_ref)
    }
}
