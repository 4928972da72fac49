//! `lictor restore`: a data folder from a backup, offline.

use std::path::PathBuf;

use clap::Args;
use lictor_store::sqlite;
use serde_json::json;

use crate::exit::Outcome;
use crate::output;

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
The folder must hold no database yet. The backup is checked before it is used.
Tokens and keys are as they were then: revoke again what was revoked since.

Example:
  lictor restore lictor-2026-11-22.db --data ./restored";

/// `lictor restore`
#[derive(Args, Debug)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    /// The folder; it is created if it is not there
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", hide_env_values = true)]
    data: PathBuf,
}

/// Checks the backup and puts it in place.
pub(crate) fn run(restore: &Restore, json: bool) -> Outcome {
    sqlite::restore(&restore.file, &restore.data)?;
    let (file, data) = (
        restore.file.display().to_string(),
        restore.data.display().to_string(),
    );
    if json {
        return output::json(&json!({ "file": file, "data": data }).to_string());
    }
    output::note(&format!(
        "{file} is checked and restored; start it with `lictor serve --data {data}`"
    ));
    Ok(())
}
