//! The ledger, read: the entries of an organization or of the installation.

use lictor_core::Error;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::right::{Action, Resource};
use lictor_core::ledger::Entry;

use super::{Authority, Call};

/// Which stream of the ledger is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The call's organization.
    Organization,
    /// The installation; an operator's right.
    Installation,
}

impl Authority {
    /// At most `limit` entries after position `after`.
    ///
    /// # Errors
    /// [`Error::Forbidden`], or a fault of the store.
    pub async fn entries(
        &self,
        call: &Call,
        stream: Stream,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Entry>, Error> {
        let stream = match stream {
            Stream::Organization => {
                call.may_read(Resource::Ledger)?;
                call.organization.id
            }
            Stream::Installation => {
                call.may_in_installation(Resource::Ledger, Action::Read)?;
                INSTALLATION
            }
        };
        self.store.entries(stream, after, limit).await
    }
}
