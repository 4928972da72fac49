//! `lictor check`: whether a database is what its ledger says.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use lictor_store::Watch;
use serde_json::json;

use crate::exit::{Failure, Outcome};
use crate::output::{self, figure};
use crate::{files, progress};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
It only reads, and can run beside a server. It prints what differs and exits
with code 1. Notes are not differences, but need a decision, such as two accounts
from before two spellings of one e-mail were the same.
Everything that the ledger describes is compared with it: licenses, tokens,
keys, organizations, applications, accounts, seats, leases, clients and nodes.
Reported usage, names and kept answers are not part of it. It takes little
memory: of a large database it puts some of the ledger into a file in the
system's temporary folder (TMPDIR), which is removed at the end.

Example:
  lictor check --data ./data";

/// `lictor check`
#[derive(Args, Debug)]
pub(crate) struct Check {
    /// The data folder
    #[arg(long, value_name = "DIR", env = "LICTOR_DATA", hide_env_values = true, value_parser = PathBufValueParser::new().try_map(files::named))]
    data: PathBuf,
}

/// The message of a check that was stopped.
const LEFT: &str = "there is no result, and nothing was changed";

/// Checks, and prints what was checked or what differs.
pub(crate) async fn run(check: &Check, json: bool) -> Outcome {
    let data = check.data.clone();
    let checking = move |watch: &Watch| lictor_store::watched_check(&data, watch);
    let report = progress::watched(LEFT, checking).await?;
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
