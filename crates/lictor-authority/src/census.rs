//! The census: how many distinct accounts count, and how old that figure may be.

use std::sync::{Arc, Mutex, PoisonError};

use lictor_core::Error;
use lictor_core::elapsed::Elapsed;
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

use super::known::Known;
use super::permits::Permit;
use super::{Authority, Call, right};

/// The oldest that a census may be allowed to become: 7 days, in seconds.
pub const MAX_AGE: i64 = 7 * 86_400;

/// How many organizations' censuses are kept in memory.
const ORGANIZATIONS: usize = 16_384;

/// The count of accounts as it was found at one instant.
pub struct Census {
    /// What it was read from.
    known: Arc<Known>,
    /// When it was taken.
    pub taken_at: Elapsed,
    /// From when on the next question takes it anew.
    pub next_at: Elapsed,
}

impl Census {
    /// Distinct accounts that hold a seat.
    pub fn accounts(&self) -> u64 {
        self.known.counts.holders
    }

    /// Accounts that hold a seat, by application.
    pub fn applications(&self) -> impl Iterator<Item = (&str, u64)> {
        let rows = self.known.rows().iter();
        rows.map(|row| (row.application.key.as_str(), row.application.state.seats))
    }
}

/// The last census of each organization.
pub(super) struct Censuses {
    last: Bounded<Uuid, Arc<Census>>,
    keeping: Mutex<()>,
}

impl Default for Censuses {
    fn default() -> Self {
        Self {
            last: Bounded::new(ORGANIZATIONS),
            keeping: Mutex::default(),
        }
    }
}

impl Censuses {
    /// Keeps a census, unless one is kept that came from a later read.
    fn keep(&self, organization: Uuid, census: &Arc<Census>) {
        let _one_at_a_time = self.keeping.lock().unwrap_or_else(PoisonError::into_inner);
        let order = |census: &Census| (census.known.position, census.taken_at);
        let kept = self.last.peek(&organization);
        if kept.is_none_or(|kept| order(&kept) <= order(census)) {
            self.last.insert(organization, Arc::clone(census));
        }
    }
}

impl Authority {
    /// The census, taken anew if it is older than it may be.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn census(
        &self,
        permit: Permit<'_, right::Census, right::Read>,
    ) -> Result<Arc<Census>, Error> {
        let call = permit.call();
        let id = call.organization.id;
        if let Some(kept) = self.censuses.last.get(&id)
            && call.now.elapsed() < kept.next_at
        {
            return Ok(kept);
        }
        self.take_census_now(call).await
    }

    /// How many accounts hold a seat of an application, by the census; none for one that is not
    /// known. One that came after the census had nobody then.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn census_of(
        &self,
        permit: Permit<'_, right::Census, right::Read>,
        application: &str,
    ) -> Result<Option<u64>, Error> {
        let (call, census) = (permit.call(), self.census(permit).await?);
        if let Some(row) = census.known.row(application) {
            return Ok(Some(row.application.state.seats));
        }
        match self.known_application(call, application).await {
            Ok(()) => Ok(Some(0)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes the census now, whatever its age.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn take_census(
        &self,
        permit: Permit<'_, right::Census, right::Write>,
    ) -> Result<Arc<Census>, Error> {
        let call = permit.call();
        self.take_census_now(call).await
    }

    async fn take_census_now(&self, call: &Call) -> Result<Arc<Census>, Error> {
        let id = call.organization.id;
        let census = Arc::new(Census {
            known: self.known(call).await?,
            taken_at: call.now.elapsed(),
            next_at: call.now.elapsed().plus(self.census_max_age),
        });
        if self.census_max_age > 0 {
            self.censuses.keep(id, &census);
        }
        Ok(census)
    }
}

#[cfg(test)]
mod tests {
    use lictor_core::facts::account::AccountCounts;

    use super::*;

    #[test]
    fn a_census_of_an_earlier_read_replaces_no_later_one() {
        let (censuses, organization) = (Censuses::default(), Uuid::from_u128(1));
        let census = |position, second| {
            let counts = AccountCounts::default();
            let taken_at = Elapsed::from_seconds(second);
            Arc::new(Census {
                known: Known::new(Vec::new(), counts, position, &Arc::default()),
                taken_at,
                next_at: taken_at.plus(MAX_AGE),
            })
        };
        let kept = |census: &Arc<Census>| {
            censuses.keep(organization, census);
            let last = censuses.last.get(&organization).expect("one is kept");
            Arc::ptr_eq(&last, census)
        };
        // Whoever came later had read before, and was slow.
        let later = census(8, 1);
        assert!(kept(&later));
        assert!(!kept(&census(7, 2)) && !kept(&census(8, 0)));
        assert!(kept(&census(8, 2)) && kept(&census(9, 2)));
    }
}
