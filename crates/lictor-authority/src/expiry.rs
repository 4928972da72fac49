//! Which licenses in force end, and when; and the loop that says so in the log once a day.

use std::sync::Arc;
use std::time::Duration;

use lictor_core::access::Actor;
use lictor_core::facts::role::Role;
use lictor_core::time::days_left;
use lictor_core::{Date, Error, Timestamp};
use uuid::Uuid;

use super::{Authority, Call};

/// How many days before the end the log begins to warn.
const WARN_DAYS: i64 = 90;

/// How many days before the end the warning becomes an error.
const ERROR_DAYS: i64 = 30;

/// How often the loop looks whether a new day has begun.
const TICK: Duration = Duration::from_secs(60);

/// When an application's license ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenseEnd {
    /// The organization's key.
    pub organization: String,
    /// The application's key.
    pub application: String,
    /// Seconds until the license in force ends; 0: none is in force.
    pub seconds_left: i64,
    /// The same, renewals that are stored already and follow without a gap included.
    pub covered_seconds: i64,
}

impl Authority {
    /// When the license in force ends, of every application in the installation. For the server's
    /// own metrics and log: no caller's rights are asked.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn license_ends(&self) -> Result<Vec<LicenseEnd>, Error> {
        let mut ends = Vec::new();
        for organization in self.cache.installation().organizations.all() {
            let (organization, now) = (organization.clone(), self.clock.now());
            let call = Call {
                actor: itself(),
                organization,
                now,
                idempotent: None,
            };
            for (_, entitlement) in self.applications_now(&call).await?.after(None) {
                let left = |until: Option<Timestamp>| until.map_or(0, |until| until - now.wall());
                let license = entitlement.license.as_ref();
                ends.push(LicenseEnd {
                    organization: call.organization.key.clone(),
                    application: entitlement.application.clone(),
                    seconds_left: left(license.map(|license| license.expires_at)),
                    covered_seconds: left(license.map(|license| license.covered_until)),
                });
            }
        }
        Ok(ends)
    }

    /// Logs at once, and then once each day (UTC), for as long as it is polled.
    pub(crate) async fn watch_expiry(self: Arc<Self>) {
        let mut logged = None;
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            let today = Date::of(self.clock.now().wall());
            if logged == Some(today) {
                continue;
            }
            match self.license_ends().await {
                Ok(ends) => {
                    ends.iter().for_each(log);
                    logged = Some(today);
                }
                Err(error) => tracing::error!(%error, "could not look for licenses that expire"),
            }
        }
    }
}

fn log(end: &LicenseEnd) {
    let LicenseEnd {
        organization,
        application,
        ..
    } = end;
    let days_left = days_left(end.covered_seconds, 0);
    if days_left == 0 {
        tracing::error!(organization, application, "no license is in force");
    } else if days_left <= ERROR_DAYS {
        tracing::error!(
            organization,
            application,
            days_left,
            "the license ends soon; renew it"
        );
    } else if days_left <= WARN_DAYS {
        tracing::warn!(
            organization,
            application,
            days_left,
            "the license ends; renew it"
        );
    }
}

/// The server itself, which may read everything.
pub(super) fn itself() -> Actor {
    Actor {
        token: Uuid::nil(),
        name: Some("the server".to_owned()),
        role: Role::Operator,
        organization: None,
        scopes: Vec::new(),
        expires_at: None,
        account: None,
        application: None,
    }
}
