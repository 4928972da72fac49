//! The ledger, read: the entries of an organization or of the installation.

use lictor_core::change::Change;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::right::{Action, Resource};
use lictor_core::ledger::Entry;
use lictor_core::{Error, Timestamp};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::{Authority, Call};

/// Which stream of the ledger is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// The call's organization.
    Organization,
    /// The installation; an operator's right.
    Installation,
}

/// An entry as it is listed.
#[derive(Debug, Clone)]
pub struct ListedEntry {
    /// The stream it belongs to.
    pub stream: Uuid,
    /// Its place in the stream, from 1.
    pub position: u64,
    /// When it was written.
    pub at: Timestamp,
    /// The token, client or node that wrote it; none: the server itself.
    pub actor: Option<Uuid>,
    /// What changed.
    pub change: ListedChange,
}

/// A change that is shown and never looked into: it serializes as the ledger stores it.
#[derive(Debug, Clone)]
pub struct ListedChange(Change);

impl Serialize for ListedChange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl From<Entry> for ListedEntry {
    fn from(entry: Entry) -> Self {
        Self {
            stream: entry.stream,
            position: entry.position,
            at: entry.at,
            actor: entry.actor,
            change: ListedChange(entry.change),
        }
    }
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
    ) -> Result<Vec<ListedEntry>, Error> {
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
        let entries = self.store.entries(stream, after, limit).await?;
        Ok(entries.into_iter().map(ListedEntry::from).collect())
    }
}
