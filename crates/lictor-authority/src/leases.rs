//! Leases: check out, renew, release, list; and the loop that ends those whose time is over.

use std::sync::Arc;
use std::time::Duration;

use lictor_core::Error;
use lictor_core::error::Kind;
use lictor_core::facts::lease::Lease;
use lictor_core::rules::lease::{self, CheckOut, CheckedOut};
use lictor_core::state::State;
use lictor_planted as planted;
use lictor_store::{Fact, Rule, Write};
use uuid::Uuid;

use super::permits::Permit;
use super::right::{Leases, Read};
use super::{Authority, right};
use crate::random;

/// How often the loop looks for leases whose time is over.
const TICK: Duration = Duration::from_millis(500);

impl Authority {
    /// At most `limit` leases of an application in order of their holders, beginning after
    /// `after`.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn leases(
        &self,
        permit: Permit<'_, Leases, Read>,
        application: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Lease>, Error> {
        let call = permit.call();
        self.known_application(call, application).await?;
        let organization = call.organization.id;
        self.store
            .leases(organization, application, after, limit)
            .await
    }

    /// One lease that has not ended.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn lease(&self, permit: Permit<'_, Leases, Read>, id: Uuid) -> Result<Lease, Error> {
        let call = permit.call();
        let found = self.store.lease(call.organization.id, id).await?;
        found.ok_or_else(|| missing(id))
    }

    /// Checks a lease out, for so many seconds. A holder with a live lease gets the same one with a greater
    /// fence.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`],
    /// [`Error::SeatRefused`], or a fault of the store.
    pub async fn check_out(
        &self,
        permit: Permit<'_, Leases, right::Write>,
        application: &str,
        holder: &str,
        ttl: i64,
    ) -> Result<CheckedOut, Error> {
        let call = permit.call();
        let now = call.now.elapsed();
        let request = CheckOut {
            id: random::id(&self.clock)?,
            application: application.to_owned(),
            holder: holder.to_owned(),
            ttl,
        };
        let facts = vec![
            Fact::Application(request.application.clone()),
            Fact::LeaseOf {
                application: request.application.clone(),
                holder: request.holder.clone(),
            },
            Fact::Due(now),
        ];
        let applications = vec![request.application.clone()];
        let out = self.decide_by_terms(call, applications, facts, move |state, terms| {
            let terms = terms.get(&request.application).ok_or(Error::Outdated)?;
            lease::check_out(state, &request, terms, now)
        });
        out.await?.map_err(Error::SeatRefused)
    }

    /// Moves a lease's end.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::FenceMismatch`],
    /// [`Error::InvalidInput`], or a fault of the store.
    pub async fn renew_lease(
        &self,
        permit: Permit<'_, Leases, right::Write>,
        id: Uuid,
        fence: u64,
        ttl: i64,
    ) -> Result<Lease, Error> {
        let call = permit.call();
        let now = call.now.elapsed();
        self.decide(call, vec![Fact::Lease(id)], move |state| {
            lease::renew(state, id, fence, ttl, now)
        })
        .await
    }

    /// Gives a lease back; without a fence it is taken away.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::FenceMismatch`], or a fault of the store.
    pub async fn release_lease(
        &self,
        permit: Permit<'_, Leases, right::Write>,
        id: Uuid,
        fence: Option<u64>,
    ) -> Result<(), Error> {
        let call = permit.call();
        let rule = Rule::new(move |state: &State| lease::release(state, id, fence));
        let facts = vec![Fact::Lease(id)];
        if planted::is("early-release") {
            return self.release_early(call, id, fence, facts, rule).await;
        }
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(())
    }

    /// Ends the leases whose time is over, in every organization.
    ///
    /// # Errors
    /// A fault of the store.
    pub(crate) async fn end_due_leases(&self) -> Result<(), Error> {
        let now = self.clock.now();
        for stream in self
            .store
            .organizations_with_due_leases(now.elapsed())
            .await?
        {
            loop {
                let rule = Rule::new(move |state: &State| {
                    let ended = lease::expire(state, now.elapsed());
                    let more = !ended.is_nothing();
                    Ok(ended.with(move |_| Ok(more)))
                });
                let written = self
                    .run(Write {
                        stream,
                        actor: None,
                        now,
                        facts: vec![Fact::Due(now.elapsed())],
                        rule,
                        idempotent: None,
                    })
                    .await;
                match written.and_then(|written| written.outcome.take()) {
                    Ok(true) => {}
                    Ok(false) => break,
                    // Its organization was removed, and the leases with it.
                    Err(Error::NotFound { .. }) => break,
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Says so where the wall clock was set.
    fn log_step(&self) {
        if let Some(step) = self.clock.look_for_step() {
            tracing::warn!(
                seconds = step.by,
                "the wall clock was set: dates of licenses and tokens go by it; leases and \
                 access tokens are not affected"
            );
        }
    }

    /// Ends leases twice a second, for as long as it is polled.
    pub(crate) async fn watch_leases(self: Arc<Self>) {
        let mut tick = tokio::time::interval(TICK);
        loop {
            tick.tick().await;
            self.log_step();
            if let Err(error) = self.end_due_leases().await {
                tracing::error!(%error, "could not end the leases whose time is over");
            }
        }
    }
}

pub(super) fn missing(id: Uuid) -> Error {
    Error::NotFound {
        kind: Kind::Lease,
        name: id.to_string(),
    }
}
