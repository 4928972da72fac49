//! `lictor restore`: a data folder from a backup, offline.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use lictor_core::{Error, account};
use lictor_server::clock::{Clock, Timeline};
use lictor_store::sqlite::{self, SqliteStore};
use lictor_store::{Fact, Store as _, Write};
use serde_json::json;
use uuid::Uuid;

use crate::exit::{Failure, Outcome};
use crate::server::CONTROL_PLANE_KEY;
use crate::{files, output};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
The folder must be empty, or not be there. The backup is checked before it is
used; what is refused leaves nothing behind.
Tokens and keys are as they were then: revoke again what was revoked since. So
are the e-mails and names of accounts that were removed since: --erased-in names
what knows of that, the database that the backup replaces or a newer backup.

Nodes know the control plane by its key, which is not in the backup: give it, or
put DIR/control-plane.key in place before the first start. Those that know a
newer state keep it until `lictor node adopt`.

Examples:
  lictor restore lictor-2026-11-22.db --data ./restored
  lictor restore lictor-2026-11-22.db --data ./restored \\
    --control-plane-key lictor-2026-11-22.db.key";

/// `lictor restore`
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The backup
    #[arg(value_parser = PathBufValueParser::new().try_map(files::named))]
    file: PathBuf,
    /// The folder; it is created if it is not there
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", hide_env_values = true, value_parser = PathBufValueParser::new().try_map(files::named))]
    data: PathBuf,
    /// A newer database file or backup: the accounts that were removed there are removed again
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(files::named))]
    erased_in: Option<PathBuf>,
    /// The control plane's key, as `lictor backup --include-keys` wrote it
    #[arg(long, value_name = "FILE")]
    control_plane_key: Option<PathBuf>,
}

/// Checks the backup and puts it in place.
pub(crate) async fn run(restore: &Restore, json: bool) -> Outcome {
    // Before anything is written: it may not be readable.
    let erased = restore.erased_in.as_deref().map(sqlite::removed_accounts);
    let erased = erased.transpose()?.unwrap_or_default();
    let key = restore.control_plane_key.as_deref().map(files::read_secret);
    let key = key.transpose()?;
    let key_file = restore.data.join(CONTROL_PLANE_KEY);
    let mut known = Vec::new();
    if let Some(pem) = &key {
        // A restore that was cut off has left it.
        if std::fs::read_to_string(&key_file).is_ok_and(|there| there == *pem) {
            known.push(CONTROL_PLANE_KEY);
        } else if key_file.symlink_metadata().is_ok() {
            return Err(files::taken(&key_file));
        }
    }
    let copy = sqlite::checked(&restore.file, &restore.data, &known)?;
    let new_key = key.filter(|_| known.is_empty());
    if let Some(pem) = &new_key {
        // Before the database has its name: whoever finds that has both.
        files::create(&key_file, pem, 0o600)?;
    }
    if let Err(error) = copy.install() {
        if new_key.is_some() {
            let _ = std::fs::remove_file(&key_file);
        }
        return Err(error.into());
    }
    let removed = remove_again(&restore.data, erased).await?;
    let (file, data) = (
        restore.file.display().to_string(),
        restore.data.display().to_string(),
    );
    if json {
        return output::json(
            &json!({ "file": file, "data": data, "removed_again": removed }).to_string(),
        );
    }
    if let Some(newer) = &restore.erased_in {
        let accounts = output::counted(removed, "account");
        output::note(&format!(
            "{accounts} that were removed since, as {} has it, are removed again",
            newer.display()
        ));
    }
    output::note(&format!(
        "{file} is checked and restored; start it with `lictor serve --data {data}`"
    ));
    Ok(())
}

/// Removes these accounts, as far as they are there; gives how many that were.
async fn remove_again(data: &Path, erased: Vec<(Uuid, Uuid)>) -> Outcome<u64> {
    if erased.is_empty() {
        return Ok(0);
    }
    let failed = |error: Error| {
        Failure::Refused(format!(
            "{} is restored, but not all accounts that were removed since are removed again: {error}",
            data.display()
        ))
    };
    let store = SqliteStore::open(data)?;
    let clock = Timeline::open(Clock::System, store.clock().await.map_err(failed)?);
    let mut removed = 0;
    for (stream, account) in erased {
        let write = Write {
            stream,
            actor: None,
            now: clock.now(),
            facts: vec![Fact::Account(account), Fact::SeatsOf(account)],
            rule: Arc::new(move |state| account::remove(state, account, None)),
            idempotent: None,
        };
        match store.write(write).await {
            Ok(_) => removed += 1,
            // It is of later, or removed already, as its organization may be.
            Err(Error::NotFound { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Ok(removed)
}
