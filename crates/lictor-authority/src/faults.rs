//! The faults of seats and leases that can be planted, so that an experiment can show that it would
//! find the real thing. No build without the feature `planted-faults` comes here.

use std::collections::BTreeMap;
use std::time::Duration;

use lictor_core::Error;
use lictor_store::{Fact, Rule, Write};
use uuid::Uuid;

use super::leases::missing;
use super::{Authority, Call};

/// How much later the fault `early-release` stores a release.
const LATE: Duration = Duration::from_millis(5);

impl Authority {
    /// The fault `seats-checked-early`: looks for room before the lock, and once there is some lets
    /// nothing after it look again.
    pub(super) async fn checked_early(
        &self,
        call: &Call,
        applications: &[String],
    ) -> Result<BTreeMap<String, u64>, Error> {
        let known = self.known(call).await?;
        let used = |key: &String| {
            let stored = known.row(key);
            let used = stored.map_or(0, |row| row.application.state.used());
            (key.clone(), used)
        };
        Ok(applications.iter().map(used).collect())
    }

    /// The fault `early-release`: answers by what is stored now, and stores the release a little
    /// later.
    pub(super) async fn release_early(
        &self,
        call: &Call,
        id: Uuid,
        fence: Option<u64>,
        facts: Vec<Fact>,
        rule: Rule,
    ) -> Result<(), Error> {
        let stream = call.organization.id;
        let held = self.store.lease(stream, id).await?;
        let current = held.ok_or_else(|| missing(id))?.terms.fence;
        if fence.is_some_and(|fence| fence != current) {
            return Err(Error::FenceMismatch { current });
        }
        let store = self.store.clone();
        let write = Write {
            stream,
            actor: Some(call.actor.token),
            now: call.now,
            facts,
            rule,
            idempotent: None,
        };
        tokio::spawn(async move {
            tokio::time::sleep(LATE).await;
            store.write(write).await.ok();
        });
        Ok(())
    }
}
