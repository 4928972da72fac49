//! What a database tells of itself, and what is done with all of it at once.

use std::fs::File;

use async_trait::async_trait;
use lictor_core::Error;
use tokio::sync::OwnedMutexGuard;

use crate::CheckReport;

/// How far group commit went since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Batches {
    /// Transactions that were committed.
    pub commits: u64,
    /// Writes that were stored in them; refused ones are not counted.
    pub writes: u64,
}

/// How large what is stored is, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    /// The database, as the file system has it.
    pub database: u64,
    /// The log beside it.
    pub log: u64,
    /// What is free within the database and is filled before it grows.
    pub free: u64,
    /// The entries of all ledgers.
    pub ledger: u64,
    /// The payloads of licenses.
    pub payloads: u64,
}

/// A copy of a whole database. It has no name, so that it is gone when this is dropped, and until then there is no
/// other.
#[derive(Debug)]
pub struct DatabaseCopy {
    /// It, open at its beginning.
    pub file: File,
    pub(crate) _alone: OwnedMutexGuard<()>,
}

/// What a database tells of itself, and what is done with all of it at once.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// The engine and its version, such as `sqlite 3.54.1`.
    fn engine(&self) -> String;

    /// How many commits and writes there were since the start.
    fn batches(&self) -> Batches;

    /// Notes the address on which the server listens, for whoever finds the database in use.
    ///
    /// # Errors
    /// What the operating system said; the database is held all the same.
    fn note_address(&self, address: &str) -> std::io::Result<()>;

    /// How large what is stored is. It costs by the number of organizations.
    async fn sizes(&self) -> Result<Sizes, Error>;

    /// A consistent copy of the whole database, made while reads and writes go on. One at a time:
    /// while there is another it is [`Error::Busy`]. Whoever waits for it no longer ends it.
    async fn backup(&self) -> Result<DatabaseCopy, Error>;

    /// Checks one consistent view of the database: the files are whole, every stream's chain is
    /// unbroken, and the rows are what its entries say. Changes nothing.
    async fn check(&self) -> Result<CheckReport, Error>;
}
