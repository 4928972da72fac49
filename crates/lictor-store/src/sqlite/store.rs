//! The SQLite backend as a [`Store`]: its writes, and what it tells of itself.

use async_trait::async_trait;
use lictor_core::Error;
use lictor_core::facts::organization::INSTALLATION;

use super::pool::off_the_runtime;
use super::{SqliteStore, backup, check, connection, sizes};
use crate::{
    Batches, CheckReport, DatabaseCopy, LedgerReads as _, Maintenance, Observer, Sizes, Store,
    Watch, Write, Written,
};

#[async_trait]
impl Store for SqliteStore {
    async fn write(&self, write: Write) -> Result<Written, Error> {
        self.writer.write(write).await
    }

    fn observe(&self, observer: Observer) {
        self.writer.observe(observer);
    }

    async fn ready(&self) -> Result<(), Error> {
        self.writer.ready()?;
        if self.writer.found_full() {
            self.writer.look_for_room(&self.folder).await?;
        }
        self.head(INSTALLATION).await.map(drop)
    }

    /// The kernel's lock on the folder excludes other processes.
    fn is_exclusive(&self) -> bool {
        true
    }
}

#[async_trait]
impl Maintenance for SqliteStore {
    fn engine(&self) -> String {
        format!("sqlite {}", rusqlite::version())
    }

    fn batches(&self) -> Batches {
        self.writer.batches()
    }

    /// It is written into the lock file.
    fn note_address(&self, address: &str) -> std::io::Result<()> {
        let lock = self.lock.as_ref();
        lock.map_or(Ok(()), |lock| lock.note_address(address))
    }

    async fn sizes(&self) -> Result<Sizes, Error> {
        let path = self.path.clone();
        self.read(INSTALLATION, move |database| sizes::of(database, &path))
            .await
    }

    async fn backup(&self) -> Result<DatabaseCopy, Error> {
        backup::alone(self).await
    }

    async fn check(&self) -> Result<CheckReport, Error> {
        let path = self.path.clone();
        off_the_runtime(move || check::check(&mut connection::inspector(&path)?, &Watch::default()))
            .await
    }
}
