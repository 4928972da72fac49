//! `lictor check`: whether a database is what its ledger says.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use lictor_store::sqlite;
use serde_json::json;

use crate::exit::{Failure, Outcome};
use crate::files;
use crate::output::{self, figure};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
It reads only, and can run beside a server. Exit code 1 with what differs;
notes are about what is well but wants a decision, such as two accounts from
before two spellings of one e-mail were the same.
Licenses, tokens, keys, organizations and applications are compared with the
ledger; usage counts, names and kept answers are no part of it.

Example:
  lictor check --data ./data";

/// `lictor check`
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The data folder
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", hide_env_values = true, value_parser = PathBufValueParser::new().try_map(files::named))]
    data: PathBuf,
}

/// Checks, and prints what was checked or what differs.
pub(crate) fn run(check: &Check, json: bool) -> Outcome {
    let report = sqlite::check_folder(&check.data)?;
    let differences = &report.differences;
    if json {
        let text = json!({
            "streams": report.streams,
            "entries": report.entries,
            "licenses": report.licenses,
            "differences": differences,
            "notes": report.notes,
        });
        output::json(&text.to_string())?;
    } else {
        output::details(&[
            ("streams", figure(report.streams)),
            ("ledger entries", figure(report.entries)),
            ("licenses", figure(report.licenses)),
            ("differences", figure(differences.len() as u64)),
        ])?;
        for difference in differences {
            output::line(&output::printable(difference))?;
        }
        for note in &report.notes {
            output::line(&output::printable(&format!("note: {note}")))?;
        }
    }
    if differences.is_empty() {
        return Ok(());
    }
    Err(Failure::Refused(format!(
        "the database is not what its ledger says (differences: {}); restore a backup",
        differences.len()
    )))
}
