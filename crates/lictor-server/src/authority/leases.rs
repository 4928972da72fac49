//! Leases: check out, renew, release, list; and the loop that ends those whose time is over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lictor_core::Error;
use lictor_core::elapsed::Now;
use lictor_core::error::Kind;
use lictor_core::facts::application::ApplicationState;
use lictor_core::facts::lease::Lease;
use lictor_core::facts::right::Resource;
use lictor_core::rules::lease::{self, CheckOut};
use lictor_core::state::State;
use lictor_planted as planted;
use lictor_store::{Fact, Write, Written};
use uuid::Uuid;

use super::{Authority, Call};
use crate::random;

/// How often the loop looks for leases whose time is over.
const TICK: Duration = Duration::from_millis(500);

/// A lease that was checked out, with the figures of its application after that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOut {
    /// The lease.
    pub lease: Lease,
    /// Whether the holder had it already.
    pub held: bool,
    /// Seats granted; none: unlimited.
    pub limit: Option<u32>,
    /// Seats in use.
    pub used: u64,
}

impl Authority {
    /// At most `limit` leases of an application in order of their holders, beginning after
    /// `after`.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], or a fault of the store.
    pub async fn leases(
        &self,
        call: &Call,
        application: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Lease>, Error> {
        call.may_read(Resource::Leases)?;
        self.known_application(call, application).await?;
        let organization = call.organization.id;
        self.store
            .leases(organization, application, after, limit)
            .await
    }

    /// One lease that has not ended.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], or a fault of the store.
    pub async fn lease(&self, call: &Call, id: Uuid) -> Result<Lease, Error> {
        call.may_read(Resource::Leases)?;
        let found = self.store.lease(call.organization.id, id).await?;
        found.ok_or_else(|| missing(id))
    }

    /// What a request for a lease becomes: it gets an id, should it lead to a new lease.
    ///
    /// # Errors
    /// The operating system has no randomness to give.
    pub fn ask_for_lease(
        &self,
        call: &Call,
        application: &str,
        holder: &str,
        ttl: i64,
    ) -> Result<AskedLease, Error> {
        Ok(AskedLease {
            now: call.now,
            request: CheckOut {
                id: random::id(&self.clock)?,
                application: application.to_owned(),
                holder: holder.to_owned(),
                ttl,
            },
            limit: Arc::default(),
        })
    }

    /// Checks a lease out. A holder with a live lease gets the same one with a greater fence.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::InvalidInput`],
    /// [`Error::SeatRefused`], or a fault of the store.
    pub async fn check_out(&self, call: &Call, asked: &AskedLease) -> Result<CheckedOut, Error> {
        call.may_write(Resource::Leases)?;
        let key = asked.request.application.clone();
        let facts = vec![
            Fact::Application(key.clone()),
            Fact::LeaseOf {
                application: key.clone(),
                holder: asked.request.holder.clone(),
            },
            Fact::Due(asked.now.elapsed()),
        ];
        let wanted = asked.clone();
        let written = self
            .write_by_terms(call, vec![key], facts, move |mut terms| {
                let asked = wanted.clone();
                let terms = terms.remove(&asked.request.application);
                asked.decided_by(terms.and_then(|terms| terms.limit));
                Arc::new(move |state| {
                    let terms = terms.as_ref().ok_or(Error::Outdated)?;
                    lease::check_out(state, &asked.request, terms, asked.now.elapsed())
                })
            })
            .await?
            .unless_refused()?;
        asked.checked_out(&written)
    }

    /// Moves a lease's end.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::FenceMismatch`],
    /// [`Error::InvalidInput`], or a fault of the store.
    pub async fn renew_lease(
        &self,
        call: &Call,
        id: Uuid,
        fence: u64,
        ttl: i64,
    ) -> Result<Lease, Error> {
        call.may_write(Resource::Leases)?;
        let now = call.now.elapsed();
        let rule = Arc::new(move |state: &State| lease::renew(state, id, fence, ttl, now));
        let facts = vec![Fact::Lease(id)];
        let mut written = self.write(call, call.organization.id, facts, rule).await?;
        let state = written.state.leases.remove(&id);
        let terms = written.state.lease_terms.remove(&id);
        let (state, terms) = state.zip(terms).ok_or_else(|| missing(id))?;
        Ok(Lease { id, state, terms })
    }

    /// Gives a lease back; without a fence it is taken away.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::NotFound`], [`Error::FenceMismatch`], or a fault of the store.
    pub async fn release_lease(
        &self,
        call: &Call,
        id: Uuid,
        fence: Option<u64>,
    ) -> Result<(), Error> {
        call.may_write(Resource::Leases)?;
        let rule = Arc::new(move |state: &State| lease::release(state, id, fence));
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
    pub async fn end_due_leases(&self) -> Result<(), Error> {
        let now = self.clock.now();
        for stream in self
            .store
            .organizations_with_due_leases(now.elapsed())
            .await?
        {
            loop {
                let rule = Arc::new(move |state: &State| Ok(lease::expire(state, now.elapsed())));
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
                match written {
                    Ok(written) if written.entries.is_empty() => break,
                    Ok(_) => {}
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
    pub async fn watch_leases(self: Arc<Self>) {
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

/// A lease that is asked for.
#[derive(Debug, Clone)]
pub struct AskedLease {
    now: Now,
    request: CheckOut,
    /// The limit of the terms that it was last decided by.
    limit: Arc<Mutex<Option<u32>>>,
}

impl AskedLease {
    fn decided_by(&self, limit: Option<u32>) {
        *self.limit.lock().unwrap_or_else(PoisonError::into_inner) = limit;
    }

    /// The lease that a write checked out, with the figures after it.
    ///
    /// # Errors
    /// [`Error::Internal`] if it left none.
    pub fn checked_out(&self, written: &Written) -> Result<CheckedOut, Error> {
        let (state, request) = (&written.state, &self.request);
        let found = lease::held_by(
            state,
            &request.application,
            &request.holder,
            self.now.elapsed(),
        );
        let lease = found.and_then(|(id, terms)| {
            Some(Lease {
                id,
                state: state.leases.get(&id)?.clone(),
                terms: terms.clone(),
            })
        });
        let lease = lease.ok_or_else(|| Error::internal("a check-out left no lease"))?;
        let used = state.applications.get(&request.application);
        Ok(CheckedOut {
            held: lease.id != request.id,
            lease,
            limit: *self.limit.lock().unwrap_or_else(PoisonError::into_inner),
            used: used.map_or(0, ApplicationState::used),
        })
    }
}
