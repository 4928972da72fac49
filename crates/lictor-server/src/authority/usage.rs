//! Usage: record cumulative counts, and read them.

use std::sync::Arc;

use lictor_core::usage::{self, UsageCount};
use lictor_core::{Error, Resource};

use super::{Authority, Call};

impl Authority {
    /// Records cumulative counts. A repeated or late report changes nothing.
    ///
    /// # Errors
    /// [`Error::Forbidden`], [`Error::InvalidInput`], or a fault of the store; then no count of
    /// the report is recorded.
    pub async fn record_usage(&self, call: &Call, counts: Vec<UsageCount>) -> Result<(), Error> {
        call.may_write(Resource::Usage)?;
        let now = call.now.wall();
        let rule = Arc::new(move |_: &_| usage::record(&counts, now));
        self.write(call, call.organization.id, Vec::new(), rule)
            .await?;
        Ok(())
    }

    /// All counts of the organization, ordered by month, service and source.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn usage(&self, call: &Call) -> Result<Vec<UsageCount>, Error> {
        call.may_read(Resource::Usage)?;
        self.store.usage(call.organization.id).await
    }
}
