//! A scratch database for what a check does not keep in memory. It is gone when it is closed.

use rusqlite::{Connection, OptionalExtension as _};

use crate::check::{Pair, Pairs, Scratch};
use crate::open_error::OpenError;

/// How much of it is kept in memory, in KiB.
const CACHE_KIB: i64 = 16_384;

/// A scratch database, which is made when something is put into it.
#[derive(Default)]
pub(super) struct ScratchFile(Option<Connection>);

impl ScratchFile {
    fn database(&mut self) -> rusqlite::Result<&Connection> {
        if self.0.is_none() {
            self.0 = Some(made()?);
        }
        self.0.as_ref().ok_or(rusqlite::Error::QueryReturnedNoRows)
    }
}

impl Scratch for ScratchFile {
    fn put(&mut self, kind: u8, pairs: &mut Pairs<'_>) -> Result<(), OpenError> {
        let put = "INSERT OR REPLACE INTO aside (kind, key, value) VALUES (?1, ?2, ?3)";
        let mut put = self.database()?.prepare_cached(put)?;
        for pair in pairs {
            let (key, value) = pair?;
            put.execute((kind, key, value))?;
        }
        Ok(())
    }

    fn take(&mut self, kind: u8, key: &[u8]) -> Result<Option<Vec<u8>>, OpenError> {
        let Some(database) = &self.0 else {
            return Ok(None);
        };
        let found = database
            .prepare_cached("DELETE FROM aside WHERE kind = ?1 AND key = ?2 RETURNING value")?
            .query_row((kind, key), |row| row.get(0))
            .optional()?;
        Ok(found)
    }

    fn read_all(
        &self,
        kind: u8,
        read: &mut dyn FnMut(&mut Pairs<'_>) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let Some(database) = &self.0 else {
            return read(&mut std::iter::empty());
        };
        let mut all =
            database.prepare("SELECT key, value FROM aside WHERE kind = ?1 ORDER BY key")?;
        let all = all.query_map([kind], |row| Ok::<Pair, _>((row.get(0)?, row.get(1)?)))?;
        read(&mut all.map(|pair| pair.map_err(OpenError::from)))
    }
}

fn made() -> rusqlite::Result<Connection> {
    // Without a name it is a file of SQLite's own, which has none any more as soon as it is open.
    let database = Connection::open("")?;
    database.pragma_update(None, "journal_mode", "off")?;
    database.pragma_update(None, "synchronous", "off")?;
    database.pragma_update(None, "cache_size", -CACHE_KIB)?;
    database.execute_batch(
        "CREATE TABLE aside (
             kind INTEGER NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (kind, key)
         ) STRICT, WITHOUT ROWID;
         BEGIN",
    )?;
    Ok(database)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(scratch: &mut ScratchFile, kind: u8, pairs: &[(&str, &str)]) {
        let pairs = pairs.iter();
        let mut pairs = pairs.map(|(key, value)| Ok(pair(key, value)));
        scratch.put(kind, &mut pairs).expect("there is room");
    }

    fn pair(key: &str, value: &str) -> Pair {
        (key.as_bytes().to_vec(), value.as_bytes().to_vec())
    }

    fn all(scratch: &ScratchFile, kind: u8) -> Vec<Pair> {
        let mut all = Vec::new();
        let read = scratch.read_all(kind, &mut |pairs| {
            for pair in pairs {
                all.push(pair?);
            }
            Ok(())
        });
        read.expect("reads");
        all
    }

    #[test]
    fn what_was_put_last_under_a_key_comes_back_once_in_the_order_of_keys() {
        let mut scratch = ScratchFile::default();
        assert_eq!(scratch.take(1, b"a").expect("nothing is there"), None);
        assert_eq!(all(&scratch, 1), []);
        put(&mut scratch, 1, &[("b", "late"), ("a\0", "before")]);
        put(&mut scratch, 2, &[("a", "of another kind")]);
        put(&mut scratch, 1, &[("a", "first"), ("a\0", "after")]);
        let (first, late) = (pair("a", "first"), pair("b", "late"));
        let three = [first.clone(), pair("a\0", "after"), late.clone()];
        assert_eq!(all(&scratch, 1), three);
        for found in [Some(b"after".to_vec()), None] {
            assert_eq!(scratch.take(1, b"a\0").expect("reads"), found);
        }
        assert_eq!(all(&scratch, 1), [first, late]);
        assert_eq!(all(&scratch, 2), [pair("a", "of another kind")]);
    }
}
