//! `lictor backup`: a consistent copy of a running server's database.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use crate::args::Api;
use crate::client::Client;
use crate::exit::{Failure, Outcome, with_causes};
use crate::{files, output};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
It needs an operator's token. The file is readable to its owner alone, and an
existing one is never overwritten.

Example:
  lictor backup lictor-$(date +%F).db";

/// `lictor backup`
#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// The file to write
    file: PathBuf,
    #[command(flatten)]
    api: Api,
}

/// Writes the copy under another name, and gives it its name when it is whole and durable.
pub(crate) async fn run(backup: &Backup, json: bool) -> Outcome {
    let file = backup.file.as_path();
    refuse_existing(file)?;
    let part = file.with_added_extension("part");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let client = Client::new(&backup.api)?;
    let response = client.download(&["backup"]).await?;
    let mut out = options
        .open(&part)
        .map_err(|error| files::cannot("write", &part, &error))?;
    let written = match receive(response, &mut out, &part).await {
        Ok(bytes) => install(&out, &part, file).map(|()| bytes),
        Err(failure) => Err(failure),
    };
    if written.is_err() {
        // Nobody must take the beginning of a copy for a copy.
        let _ = std::fs::remove_file(&part);
    }
    let bytes = written?;
    let name = file.display().to_string();
    if json {
        return output::json(&json!({ "file": name, "bytes": bytes }).to_string());
    }
    output::note(&format!(
        "{name}: {} bytes; restore it with `lictor restore {name} --data DIR`",
        output::figure(bytes)
    ));
    Ok(())
}

async fn receive(mut response: reqwest::Response, out: &mut File, part: &Path) -> Outcome<u64> {
    let mut bytes = 0;
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            let why = with_causes(&error.without_url());
            Failure::Unreachable(format!("the copy broke off, nothing is kept of it: {why}"))
        })?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        out.write_all(&chunk)
            .map_err(|error| files::cannot("write", part, &error))?;
        bytes += chunk.len() as u64;
    }
}

fn install(out: &File, part: &Path, file: &Path) -> Outcome {
    out.sync_all()
        .map_err(|error| files::cannot("write", part, &error))?;
    refuse_existing(file)?;
    std::fs::rename(part, file)
        .and_then(|()| files::sync_folder_of(file))
        .map_err(|error| files::cannot("write", file, &error))
}

fn refuse_existing(file: &Path) -> Outcome {
    // A link that leads nowhere is there, too.
    if file.symlink_metadata().is_err() {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "{} exists already and is never overwritten; choose another name",
        file.display()
    )))
}
