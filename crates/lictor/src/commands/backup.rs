//! `lictor backup`: a consistent copy of a running server's database.

use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use lictor_node::connection_errors;
use lictor_planted as planted;
use lictor_store::of_file_system;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::args::Api;
use crate::client::Client;
use crate::exit::{Failure, Outcome};
use crate::{files, output, signals};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
It needs an operator's token. The file is readable to its owner alone, and an
existing one is never overwritten.

The key that nodes know the control plane by is not in it. Without that key a
restored server cannot reach the nodes that joined before. --include-keys puts
it beside the copy, as FILE.key: keep that one secret.

A copy to standard output that breaks off ends with an exit code that is not 0.

Examples:
  lictor backup lictor-$(date +%F).db
  lictor backup - | gzip > lictor.db.gz
  lictor backup --include-keys lictor-$(date +%F).db";

/// `lictor backup`
#[derive(Args, Debug)]
pub(crate) struct Backup {
    /// The file to write; `-` is standard output
    file: PathBuf,
    /// Write the control plane's key too, to FILE.key
    #[arg(long)]
    include_keys: bool,
    #[command(flatten)]
    api: Api,
}

/// Makes the copy, unless it is stopped.
pub(crate) async fn run(backup: &Backup, json: bool) -> Outcome {
    if files::is_standard(&backup.file) {
        return pipe(backup, json).await;
    }
    let told_to_stop = signals::to_stop()?;
    let bytes = tokio::select! {
        copied = copy(backup) => copied?,
        () = told_to_stop => {
            let text = "told to stop; the unfinished copy was removed";
            return Err(Failure::Refused(text.to_owned()));
        }
    };
    let name = backup.file.display().to_string();
    let key = backup.include_keys.then(|| key_file(&backup.file));
    let key = key.map(|key| key.display().to_string());
    if json {
        let made = json!({ "file": name, "bytes": bytes, "control_plane_key": key });
        return output::json(&made.to_string());
    }
    let with_key = key.map(|key| format!(" --control-plane-key {key}"));
    output::note(&format!(
        "{name}: {} bytes; restore it with `lictor restore {name}{} --data DIR`",
        output::figure(bytes),
        with_key.unwrap_or_default()
    ));
    Ok(())
}

/// Writes the copy to standard output. Who reads it finds out by how it ends whether it is whole.
async fn pipe(backup: &Backup, json: bool) -> Outcome {
    let wrong = |why: &str| Err(Failure::Usage(format!("`-` is standard output: {why}")));
    if backup.include_keys {
        return wrong("name a file for the copy, so that the key can be written beside it");
    }
    if json {
        return wrong("--json cannot be printed there too; name a file for the copy");
    }
    if io::stdout().is_terminal() {
        return wrong("a database cannot go to a terminal; redirect it, or name a file");
    }
    let response = ask(backup).await?;
    let cannot = |error| output::unwritten(&error);
    let mut out = io::stdout();
    let bytes = receive(response, &mut out, cannot).await?;
    out.flush().map_err(cannot)?;
    output::note(&format!("{} bytes", output::figure(bytes)));
    Ok(())
}

async fn ask(backup: &Backup) -> Outcome<reqwest::Response> {
    let client = Client::patient(&backup.api)?;
    client
        .download(&["backup"], "application/octet-stream")
        .await
}

/// Where the control plane's key goes that belongs to a copy.
fn key_file(file: &Path) -> PathBuf {
    file.with_added_extension("key")
}

/// Asks for the control plane's key, unless its file is there already.
async fn ask_for_key(backup: &Backup) -> Outcome<String> {
    let file = key_file(&backup.file);
    if file.symlink_metadata().is_ok() {
        return Err(files::taken(&file));
    }
    let path = ["backup", "control-plane-key"];
    let client = Client::new(&backup.api)?;
    let response = client.download(&path, "application/x-pem-file").await?;
    response.text().await.map_err(|error| {
        let why = connection_errors::of_request(&error);
        Failure::Unreachable(format!("the key did not arrive: {why}"))
    })
}

/// Writes the copy under another name, and gives it its name when it is whole and durable. Dropped
/// before, it leaves nothing: nobody must take the beginning of a copy for a copy.
async fn copy(backup: &Backup) -> Outcome<u64> {
    let file = backup.file.as_path();
    // A link that leads nowhere is there, too.
    if file.symlink_metadata().is_ok() {
        return Err(files::taken(file));
    }
    let key = match backup.include_keys {
        true => Some(ask_for_key(backup).await?),
        false => None,
    };
    let response = ask(backup).await?;
    let mut part = draft(file).map_err(|error| files::cannot("write", file, &error))?;
    let cannot = |error| files::cannot("write", file, &error);
    let bytes = receive(response, &mut part, cannot).await?;
    planted::point("copy.received");
    // Only now, so that a copy that broke off leaves no key, and before the copy has its name:
    // whoever finds that has both.
    if let Some(pem) = key {
        files::create(&key_file(file), &pem, 0o600)?;
    }
    install(part, file)?;
    Ok(bytes)
}

/// A new file beside `file` that nobody else could have put there, for its owner alone.
fn draft(file: &Path) -> io::Result<NamedTempFile> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".");
    tempfile::Builder::new()
        .prefix(&name)
        .suffix(".part")
        .tempfile_in(files::folder_of(file))
}

async fn receive(
    mut response: reqwest::Response,
    part: &mut impl Write,
    cannot: impl Fn(io::Error) -> Failure,
) -> Outcome<u64> {
    let mut bytes = 0;
    loop {
        let chunk = response.chunk().await.map_err(|error| {
            let why = connection_errors::of_request(&error);
            Failure::Unreachable(format!("the copy was cut off and is incomplete: {why}"))
        })?;
        let Some(chunk) = chunk else { return Ok(bytes) };
        part.write_all(&chunk).map_err(&cannot)?;
        bytes += chunk.len() as u64;
    }
}

fn install(part: NamedTempFile, file: &Path) -> Outcome {
    let cannot = |error| files::cannot("write", file, &error);
    let synced = part.as_file().sync_all().map_err(of_file_system);
    synced.map_err(cannot)?;
    planted::point("copy.synced");
    match part.persist_noclobber(file) {
        Ok(_) => files::sync_folder_of(file).map_err(cannot),
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => Err(files::taken(file)),
        Err(refused) => Err(cannot(refused.error)),
    }
}
