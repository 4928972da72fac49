//! The expiry loop: once a day it says in the log which licenses in force end soon.

use std::sync::Arc;
use std::time::Duration;

use lictor_core::{Actor, Date, Error, Resource, Right, Role, Timestamp};
use uuid::Uuid;

use super::{Authority, Call};

/// From how many days before the end a license is warned of.
const WARN_DAYS: i64 = 90;

/// From how many days before the end the warning is an error.
const ERROR_DAYS: i64 = 30;

/// How often the loop looks whether a new day has begun.
const TICK: Duration = Duration::from_secs(60);

impl Authority {
    /// Logs at once, and then once each day (UTC), for as long as it is polled.
    pub async fn watch_expiry(self: Arc<Self>) {
        let mut logged = None;
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            let now = self.clock.now();
            let today = Date::of(now);
            if logged == Some(today) {
                continue;
            }
            match self.log_expiry(now).await {
                Ok(()) => logged = Some(today),
                Err(error) => tracing::error!(%error, "could not look for licenses that expire"),
            }
        }
    }

    async fn log_expiry(&self, now: Timestamp) -> Result<(), Error> {
        for organization in &self.cache.installation().organizations {
            let actor = itself();
            debug_assert!(actor.has(Right::read(Resource::Applications)));
            let call = Call {
                actor,
                organization: organization.clone(),
                now,
                idempotent: None,
            };
            for entitlement in self.entitlements(&call).await? {
                let Some(license) = &entitlement.license else {
                    tracing::error!(
                        organization = organization.key,
                        application = entitlement.application,
                        "no license is in force: expired, removed or its key revoked",
                    );
                    continue;
                };
                let days_left = (license.expires_at - now).div_euclid(86_400);
                let (organization, application) = (&organization.key, &entitlement.application);
                if days_left < ERROR_DAYS {
                    tracing::error!(
                        organization, application, license = %license.license, days_left,
                        "the license in force ends soon; store its successor",
                    );
                } else if days_left < WARN_DAYS {
                    tracing::warn!(
                        organization, application, license = %license.license, days_left,
                        "the license in force ends within {WARN_DAYS} days",
                    );
                }
            }
        }
        Ok(())
    }
}

/// The server itself, which may read everything.
fn itself() -> Actor {
    Actor {
        token: Uuid::nil(),
        name: Some("the server".to_owned()),
        role: Role::Operator,
        organization: None,
        scopes: Vec::new(),
    }
}
