//! What is kept of leases that ended: list it, forget a holder; and the loop that drops what was kept
//! long enough, of leases and of all else, and erases the names in organizations that were removed.

use std::sync::Arc;
use std::time::Duration;

use lictor_core::Error;
use lictor_core::decision::Decision;
use lictor_core::elapsed::Now;
use lictor_core::facts::lease::{EndedLease, holder_key};
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::record::Record;
use lictor_core::rules::lease;
use lictor_core::state::State;
use lictor_store::{EndedFilter, EndedKey, FORGOTTEN_ENDED_LEASES, Fact, Rule, Write};

use super::permits::{Permit, forbidden};
use super::right::{Accounts, Leases, Read};
use super::{Authority, right};

/// How long ended leases are kept if nothing else is said, in seconds: 400 days.
pub const DEFAULT_KEPT: i64 = 400 * 86_400;

/// The longest that ended leases may be kept, in seconds: ten years of 365 days.
pub const MAX_KEPT: i64 = 3_650 * 86_400;

/// How often the loop looks for what was kept long enough. With the time for which the log is left alone
/// it is less than a minute.
const TICK: Duration = Duration::from_secs(30);

/// How many applications the loop takes at once, or organizations.
const APPLICATIONS: usize = 256;

/// From how much a holder's name was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForgottenHolder {
    /// Leases that ended.
    pub leases: u64,
    /// Refusals, those of one minute as one.
    pub refusals: u64,
}

impl Authority {
    /// At most `limit` leases of an application that ended, the last one first, beginning after
    /// `before`. The filter's holder may be spelled in any way.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn ended_leases(
        &self,
        permit: Permit<'_, Leases, Read>,
        filter: &EndedFilter,
        before: Option<EndedKey>,
        limit: usize,
    ) -> Result<Vec<EndedLease>, Error> {
        let call = permit.call();
        let filter = EndedFilter {
            holder: filter.holder.as_deref().map(holder_key),
            ..filter.clone()
        };
        let organization = call.organization.id;
        let ended = self
            .store
            .ended_leases(organization, &filter, before, limit);
        let ended = ended.await?;
        // An application that was removed has ended leases all the same.
        if ended.is_empty() || !call.actor.sees(&filter.application) {
            self.known_application(call, &filter.application).await?;
        }
        Ok(ended)
    }

    /// Takes a holder's name from all that is kept of ended leases and refusals, and drops the kept
    /// answers with it; says from how many leases and refusals.
    /// Of a holder that was forgotten before, or never known, it is nothing.
    ///
    /// # Errors
    /// [`Error::HolderHasLeases`], or a fault of the store.
    pub async fn forget_holder(
        &self,
        permit: Permit<'_, Accounts, right::Write>,
        holder: &str,
    ) -> Result<ForgottenHolder, Error> {
        let call = permit.call();
        if call.actor.application.is_some() {
            // The name is forgotten in all applications.
            return Err(forbidden::<Permit<'_, Accounts, right::Write>>());
        }
        let (organization, key) = (call.organization.id, holder_key(holder));
        let (mut forgotten, mut ended) = (ForgottenHolder::default(), Vec::new());
        // In parts, so that no other write waits long; and each time first that there is no lease,
        // whose end could come between.
        loop {
            forgotten.leases += ended.len() as u64;
            let (facts, named) = (vec![Fact::Holder(key.clone())], key.clone());
            let part = self.decide(call, facts, move |state| {
                lease::forget(state, &named, &ended)
            });
            let lease::Forgotten { refusals, answers } = part.await?;
            forgotten.refusals += refusals;
            ended = self
                .store
                .ended_leases_of(organization, &key, FORGOTTEN_ENDED_LEASES)
                .await?;
            if ended.is_empty() && refusals == 0 && answers == 0 {
                return Ok(forgotten);
            }
        }
    }

    /// Drops the ended leases that were kept long enough, and those of removed organizations.
    ///
    /// # Errors
    /// A fault of the store.
    pub(crate) async fn drop_ended_leases(&self) -> Result<(), Error> {
        let now = self.clock.now();
        // By the clock that shows less: one that was set ahead must not make all of it old.
        let before = now.earlier().saturating_sub(self.keep_holders - 1);
        loop {
            let due = self.store.ended_leases_due(before, APPLICATIONS).await?;
            if due.is_empty() {
                return Ok(());
            }
            for (organization, application, before) in due {
                let dropped = Record::EndedLeasesDropped {
                    organization,
                    application,
                    before,
                };
                self.run(dropping(now, dropped)).await?;
            }
        }
    }

    /// Erases what names somebody in organizations that were removed.
    ///
    /// # Errors
    /// A fault of the store.
    pub(crate) async fn erase_removed(&self) -> Result<(), Error> {
        loop {
            let removed = self.store.removed_with_names(APPLICATIONS).await?;
            if removed.is_empty() {
                return Ok(());
            }
            for organization in removed {
                let erased = Record::NamesOfRemovedErased { organization };
                self.run(dropping(self.clock.now(), erased)).await?;
            }
        }
    }

    /// Drops what is kept for a span, and whose span is over: answers, codes, access tokens, refusals.
    ///
    /// # Errors
    /// A fault of the store.
    pub(crate) async fn drop_expired(&self) -> Result<(), Error> {
        let now = self.clock.now();
        while self.store.has_expired(now).await? {
            self.run(dropping(now, Record::ExpiredDropped)).await?;
        }
        Ok(())
    }

    /// Drops what was kept long enough, and names of what was removed, for as long as it is polled.
    pub(crate) async fn watch_kept(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            if let Err(error) = self.erase_removed().await {
                tracing::error!(%error, "could not erase the names in organizations that were removed");
            }
            if let Err(error) = self.drop_ended_leases().await {
                tracing::error!(%error, "could not drop the ended leases that were kept long enough");
            }
            if let Err(error) = self.remove_left_nodes().await {
                tracing::error!(%error, "could not remove the nodes that left long ago");
            }
            if let Err(error) = self.drop_expired().await {
                tracing::error!(%error, "could not drop the answers and refusals that were kept long enough");
            }
        }
    }
}

/// A write that drops something, through the installation's stream.
fn dropping(now: Now, dropped: Record) -> Write {
    let rule = move |_: &State| {
        let mut decision = Decision::nothing();
        decision.records.push(dropped.clone());
        Ok(decision)
    };
    Write {
        stream: INSTALLATION,
        actor: None,
        now,
        facts: Vec::new(),
        rule: Rule::new(rule),
        idempotent: None,
    }
}
