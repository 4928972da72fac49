//! `lictor restore`: a data folder from a backup, offline.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use lictor_authority::clock::{Clock, Timeline};
use lictor_core::Error;
use lictor_core::decision::Decision;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::record::Record;
use lictor_core::rules::account;
use lictor_core::state::State;
use lictor_planted as planted;
use lictor_store::{Fact, Restored, Rule, Store, Watch, Write, checked_backup, removed_accounts};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::exit::{Failure, Outcome};
use crate::server::CONTROL_PLANE_KEY;
use crate::{files, output, progress, signals};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
The folder must be empty or not exist. The backup is checked before it is used;
a refused one leaves nothing behind.
Tokens and keys are as they were then: revoke again what was revoked since. The
e-mails and names of accounts that were removed since are back, too: name the
database that the backup replaces, or a newer backup, with --erased-in.

Nodes know the control plane by its key, which is not in the backup: give it, or
put DIR/control-plane.key in place before the first start. Nodes that hold a
newer state keep it until `lictor node adopt`.

Examples:
  lictor restore lictor-2026-11-22.db --data ./restored
  gunzip < lictor.db.gz | lictor restore - --data ./restored
  lictor restore lictor-2026-11-22.db --data ./restored \\
    --control-plane-key lictor-2026-11-22.db.key";

/// `lictor restore`
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The backup; `-` reads standard input
    file: PathBuf,
    /// The folder; created if it does not exist
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", hide_env_values = true, value_parser = PathBufValueParser::new().try_map(files::named))]
    data: PathBuf,
    /// A newer database file or backup: accounts removed there are removed again
    #[arg(long, value_name = "FILE", value_parser = PathBufValueParser::new().try_map(files::named))]
    erased_in: Option<PathBuf>,
    /// The control plane's key, as `lictor backup --include-keys` wrote it
    #[arg(long, value_name = "FILE")]
    control_plane_key: Option<PathBuf>,
}

/// The message of a restore that was stopped.
const LEFT: &str = "nothing was restored, and nothing is left of it: run the same command again";

/// Checks the backup and puts it in place.
pub(crate) async fn run(restore: &Restore, json: bool) -> Outcome {
    // Before anything is written: it may not be readable.
    let erased = restore.erased_in.as_deref().map(removed_accounts);
    let erased = erased.transpose()?.unwrap_or_default();
    let key = restore.control_plane_key.as_deref().map(files::read_secret);
    let key = key.transpose()?;
    let key_file = restore.data.join(CONTROL_PLANE_KEY);
    let mut known = Vec::new();
    let mut has_key = false;
    if let Some(pem) = &key {
        // A restore that was cut off has left it.
        if std::fs::read_to_string(&key_file).is_ok_and(|there| there == *pem) {
            known.push(CONTROL_PLANE_KEY);
            has_key = true;
        } else if key_file.symlink_metadata().is_ok() {
            return Err(files::taken(&key_file));
        }
    }
    let (source, data) = (files::open(&restore.file)?, restore.data.clone());
    let name = PathBuf::from(files::shown(&restore.file));
    let checking = move |watch: &Watch| checked_backup((source, &name), &data, &known, watch);
    let copy = progress::watched(LEFT, checking).await?;
    let told_to_stop = signals::to_stop()?;
    // Before anybody can take it for a server's folder: the names must not outlive the command, however
    // it ends.
    let removed = tokio::select! {
        removed = remove_again(&copy, erased) => removed?,
        () = told_to_stop => return Err(progress::stopped(LEFT)),
    };
    planted::point("restore.erased");
    let new_key = key.filter(|_| !has_key);
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
    report(restore, removed, json)
}

/// Says what was restored. `removed` is how many accounts were removed again.
fn report(restore: &Restore, removed: u64, json: bool) -> Outcome {
    let (file, data) = (
        files::shown(&restore.file),
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
            "{accounts} that were removed since, according to {}, are removed again",
            newer.display()
        ));
    }
    output::note(&format!(
        "{file} is checked and restored; start it with `lictor serve --data {data}`"
    ));
    Ok(())
}

/// How many accounts are removed at once: their writes share commits.
const REMOVED_AT_ONCE: usize = 512;

/// Removes these accounts, as far as they are there; gives how many that were.
async fn remove_again(copy: &Restored, erased: Vec<(Uuid, Uuid)>) -> Outcome<u64> {
    if erased.is_empty() {
        return Ok(0);
    }
    let failed = |error: Error| {
        Failure::Refused(format!(
            "nothing is restored: not all accounts that were removed since could be removed again: {error}"
        ))
    };
    let store = copy.store()?;
    let clock = Timeline::open(Clock::System, store.clock().await.map_err(failed)?);
    let mut removed = 0;
    for some in erased.chunks(REMOVED_AT_ONCE) {
        let mut writes = JoinSet::new();
        for (stream, account) in some.iter().copied() {
            let write = Write {
                stream,
                actor: None,
                now: clock.now(),
                facts: vec![Fact::Account(account), Fact::SeatsOf(account)],
                rule: Rule::new(move |state| account::remove(state, account, None)),
                idempotent: None,
            };
            let store = Arc::clone(&store);
            writes.spawn(async move { store.write(write).await });
        }
        for written in writes.join_all().await {
            match written {
                Ok(_) => removed += 1,
                // It is of later, or removed already, as its organization may be.
                Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }
    erase_removed(&*store, &clock).await.map_err(failed)?;
    Ok(removed)
}

/// Erases the names in organizations that the backup has as removed already: their accounts cannot be
/// removed one by one, and the server that it is of may not have come to them.
async fn erase_removed(store: &dyn Store, clock: &Timeline) -> Result<(), Error> {
    while let Some(organization) = store.removed_with_names(1).await?.pop() {
        let rule = move |_: &State| {
            let mut decision = Decision::nothing();
            let record = Record::NamesOfRemovedErased { organization };
            decision.records.push(record);
            Ok(decision)
        };
        let write = Write {
            stream: INSTALLATION,
            actor: None,
            now: clock.now(),
            facts: Vec::new(),
            rule: Rule::new(rule),
            idempotent: None,
        };
        store.write(write).await?;
    }
    Ok(())
}
