//! A few read-only connections and the threads they run on, and no statement. Each read begins its
//! own transaction, so it sees every write acknowledged before.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use lictor_core::Error;
use rusqlite::Connection;
use uuid::Uuid;

use super::connection;
use crate::open_error::OpenError;
use crate::places::Places;

/// How many reads run at once: SQLite's are short and bound by the processor. No stream has the last
/// of them for itself.
const READERS: usize = 5;

/// A small pool of read-only connections.
pub(super) struct Readers {
    path: PathBuf,
    places: Places,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Opens the connections.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let idle = (0..READERS)
            .map(|_| connection::reader(path))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            path: path.to_owned(),
            places: Places::new(READERS),
            idle: Arc::new(Mutex::new(idle)),
        })
    }

    /// Runs a read of `stream` on one of the connections, in turn with those of others, away from the runtime's own threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        stream: Uuid,
        read: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let place = self.places.take(stream).await?;
        let (idle, path) = (self.idle.clone(), self.path.clone());
        let task = move || {
            let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            // One is missing only after a read that panicked.
            let connection = match kept {
                Some(connection) => connection,
                None => connection::reader(&path).map_err(Error::internal)?,
            };
            let result = read(&connection);
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            drop(place);
            result
        };
        tokio::task::spawn_blocking(task)
            .await
            .map_err(Error::internal)?
    }
}

/// Long work, on a connection of its own so that the readers stay free.
pub(super) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, OpenError> + Send + 'static,
) -> Result<T, Error> {
    let result = tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)?;
    result.map_err(|error| {
        if error.is_full_disk() {
            Error::StorageFull
        } else {
            Error::internal(error)
        }
    })
}
