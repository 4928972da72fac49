//! The ledger, read: the entries of an organization or of the installation.

use lictor_core::change::Change;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::ledger::Entry;
use lictor_core::{Error, Timestamp};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::Authority;
use super::permits::{InstallationPermit, Permit};
use super::right::{Ledger, Read};

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
    /// At most `limit` entries of the organization after position `after`.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn entries(
        &self,
        permit: Permit<'_, Ledger, Read>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ListedEntry>, Error> {
        let stream = permit.call().organization.id;
        self.listed_entries(stream, after, limit).await
    }

    /// The same of the installation.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn entries_of_installation(
        &self,
        _: InstallationPermit<'_, Ledger, Read>,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ListedEntry>, Error> {
        self.listed_entries(INSTALLATION, after, limit).await
    }

    async fn listed_entries(
        &self,
        stream: Uuid,
        after: u64,
        limit: usize,
    ) -> Result<Vec<ListedEntry>, Error> {
        let entries = self.store.entries(stream, after, limit).await?;
        Ok(entries.into_iter().map(ListedEntry::from).collect())
    }
}
