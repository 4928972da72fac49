//! The usage report: figures of the organization, and of the machine that the server runs on.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::facts::license::License;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::usage;
use lictor_core::{Date, Document, Error, Timestamp};

use super::permits::Permit;
use super::{Authority, Call, right};

/// The figures of one organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// When it was made.
    pub at: Timestamp,
    /// Requests by month; the current month is always there.
    pub requests: BTreeMap<String, u64>,
    /// The current license: of the licenses in force the one written last; where none is, of all. None:
    /// nothing is stored.
    pub current_license: Option<CurrentLicense>,
    /// Distinct owners of live tokens; a token without an owner counts one. An operator's report
    /// counts the operators too.
    pub users: usize,
    /// Distinct services that reported usage.
    pub services: usize,
    /// Organizations that the caller may see.
    pub organizations: usize,
    /// Nodes that are connected to this server; none: no node is enrolled.
    pub connected_nodes: Option<usize>,
    /// The database's engine and version, such as `sqlite 3.54.1`.
    pub engine: String,
    /// The machine.
    pub system: System,
}

impl Report {
    /// The requests of all months.
    pub fn total_requests(&self) -> u64 {
        let sum = self.requests.values().copied();
        sum.fold(0, u64::saturating_add).min(usage::MAX_COUNT)
    }
}

/// What the report says of the current license.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrentLicense {
    /// The vendor's key; empty where the license has none.
    pub license_key: String,
    /// The date on which it ends.
    pub expiration_date: Date,
}

/// The machine that the server runs on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// Processor cores that the server may use.
    pub cores: usize,
    /// Its host name.
    pub hostname: String,
    /// Operating system and architecture, such as `Linux x86_64`.
    pub uname: String,
}

impl System {
    /// Asks the operating system.
    pub fn here() -> Self {
        let read = |name| {
            let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}"));
            text.map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        Self {
            cores: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            hostname: read("hostname"),
            uname: format!("{} {}", read("ostype"), std::env::consts::ARCH),
        }
    }
}

impl Authority {
    /// The report of the call's organization; it needs admin rights.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn report(
        self: &Arc<Self>,
        permit: Permit<'_, right::Report, right::Read>,
    ) -> Result<Report, Error> {
        let call = permit.call();
        let organization = call.organization.id;
        let usage = self.store.usage_figures(organization).await?;
        let mut requests = usage.months;
        let this_month = Date::of(call.now.wall()).month();
        requests.entry(this_month).or_default();
        let now = call.now.wall();
        let mut users = self.store.token_owners(organization, now).await?;
        if call.actor.organization.is_none() {
            users += self.store.token_owners(INSTALLATION, now).await?;
        }
        let bounds = self.store.bounds(organization, call.now).await?;
        let enrolled = bounds.is_some_and(|bounds| bounds.used.of(Quota::Nodes) > 0);
        Ok(Report {
            connected_nodes: enrolled
                .then(|| self.feed.connected_of(organization, call.now.elapsed())),
            at: call.now.wall(),
            requests,
            current_license: self.current_license(permit).await?,
            users,
            services: usage.services,
            organizations: call
                .permit()
                .map_or(1, |permit| self.count_organizations(permit)),
            engine: self.store.engine(),
            system: System::here(),
        })
    }

    /// What the report says of the current license; none: nothing is stored. It needs the right to
    /// the report.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn current_license(
        self: &Arc<Self>,
        permit: Permit<'_, right::Report, right::Read>,
    ) -> Result<Option<CurrentLicense>, Error> {
        let call = permit.call();
        let current = match self.newest_in_force(call).await? {
            Some(license) => Some(license),
            None => self.store.current_license(call.organization.id).await?,
        };
        let claims = current
            .map(|license| Document::parse(&license.payload)?.claims())
            .transpose()
            .map_err(Error::internal)?;
        Ok(claims.map(|claims| CurrentLicense {
            license_key: claims.license_key.unwrap_or_default(),
            expiration_date: claims.expiration_date,
        }))
    }

    /// Of the licenses in force in the organization the one written last.
    async fn newest_in_force(self: &Arc<Self>, call: &Call) -> Result<Option<License>, Error> {
        let Some(newest) = self.applications_soon(call).await?.newest() else {
            return Ok(None);
        };
        let (store, organization) = (self.store.as_ref(), call.organization.id);
        let found = self.cache.license(store, organization, newest).await?;
        Ok(found.map(|found| License::clone(&found)))
    }
}
