//! `lictor serve`: runs the server until it is stopped.

use std::io::Write as _;
use std::path::{Path, absolute};

use lictor_authority::start::check_secret;

use crate::config::{Configured, ServeOptions};
use crate::exit::{Failure, Outcome};
use crate::token_file::TokenFile;
use crate::{files, log, output, server, signals};

/// The environment variable with the operator token that must be valid.
const ADMIN_TOKEN: &str = "LICTOR_ADMIN_TOKEN";

/// The file of a node's folder that says which node it is.
const NODE_FILE: &str = "node.json";

/// Serves until it is stopped.
pub(crate) async fn run(given: &Configured<ServeOptions>, json: bool) -> Outcome {
    let mut options = given.with_file()?;
    options.admin_token_file = options
        .admin_token_file
        .filter(|file| !files::is_standard(file));
    log::begin(options.log.as_deref(), options.log_format)?;
    allow_many_files();
    let shutdown = signals::to_stop()?;
    let secret = admin_token()?;
    refuse_folder_of_node(&options)?;
    if secret.is_none() {
        try_token_file(&options)?;
    }
    let token_file = token_file(&options);
    let announce = |token: &str| announce(token_file.as_ref(), token, json);
    let prepared = server::prepare(options, None, secret, announce).await?;
    if let Some(file) = token_file {
        file.forget();
        if !file.path().exists() {
            output::note(&format!(
                "there is an operator token already, so none was written to {}; if it is lost, \
                 start with a new one in {ADMIN_TOKEN}",
                file.path().display()
            ));
        }
    }
    if let Some(url) = &prepared.public_url {
        output::note(&format!("clients reach it at {url}"));
    }
    output::note(&format!("listening on {}", prepared.url));
    prepared.serve(shutdown).await?;
    tracing::info!("stopped");
    Ok(())
}

/// The operator token of the environment, without blanks and line ends around it. A client has to be
/// able to send it in a header.
fn admin_token() -> Outcome<Option<String>> {
    let Some(value) = std::env::var_os(ADMIN_TOKEN).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let wrong = |why: &str| Failure::Usage(format!("{ADMIN_TOKEN} {why}"));
    let secret = value
        .into_string()
        .map_err(|_| wrong("is not text; use only visible ASCII characters"))?;
    let secret = secret.trim();
    check_secret(secret)?;
    Ok(Some(secret.to_owned()))
}

/// `LICTOR_DATA` names the folder of either process. A folder with a database was a server's before.
fn refuse_folder_of_node(options: &ServeOptions) -> Outcome {
    match &options.data {
        Some(data) if data.join(NODE_FILE).exists() && !lictor_store::is_in(data) => {
            Err(Failure::Usage(format!(
                "{} is a node's folder; give the server one of its own",
                data.display()
            )))
        }
        Some(_) | None => Ok(()),
    }
}

/// Before a first start, which is to write a token: once there is a database, it is too late to
/// refuse.
fn try_token_file(options: &ServeOptions) -> Outcome {
    let (Some(data), Some(file)) = (&options.data, &options.admin_token_file) else {
        return Ok(());
    };
    let within = |file: &Path| match (absolute(file), absolute(data)) {
        (Ok(file), Ok(data)) => file.starts_with(data),
        (Err(_), _) | (_, Err(_)) => false,
    };
    // A folder that is still to be made can be written to, and one with a database was started
    // before.
    if lictor_store::is_in(data) || (!data.exists() && within(file)) {
        return Ok(());
    }
    TokenFile::new(file, data)
        .check()
        .map_err(|error| Failure::Usage(format!("--admin-token-file {}: {error}", file.display())))
}

/// The file that a first token goes to, if it is to be one.
fn token_file(options: &ServeOptions) -> Option<TokenFile> {
    let (file, data) = (options.admin_token_file.as_ref()?, options.data.as_ref()?);
    Some(TokenFile::new(file, data))
}

/// Lets the process have as many files open as it may: each connection is one, and the usual limit
/// is meant for programs that could not handle more.
pub(super) fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    let most = Rlimit {
        current: maximum,
        maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::warn!(%error, "the limit of open files stays as it is");
    }
}

fn announce(file: Option<&TokenFile>, token: &str, json: bool) -> std::io::Result<()> {
    if let Some(file) = file {
        return file.write(token);
    }
    if output::goes_nowhere() {
        let nowhere =
            "it was closed, or is /dev/null, and nobody would ever see the operator token";
        return Err(std::io::Error::other(Unprinted(std::io::Error::other(
            nowhere,
        ))));
    }
    output::note("This operator token is shown once; keep it, and set LICTOR_TOKEN to it:");
    let mut out = std::io::stdout().lock();
    let printed = if json {
        writeln!(out, "{{\"operator_token\": \"{token}\"}}")
    } else {
        writeln!(out, "{token}")
    };
    // Nobody would ever know it.
    let printed = printed.and_then(|()| out.flush());
    printed.map_err(|error| std::io::Error::other(Unprinted(error)))
}

/// The first token could not be printed.
#[derive(Debug)]
pub(crate) struct Unprinted(std::io::Error);

impl std::fmt::Display for Unprinted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(error) = self;
        write!(
            f,
            "standard output: {error}; have it written to a file with --admin-token-file FILE"
        )
    }
}

impl std::error::Error for Unprinted {}
