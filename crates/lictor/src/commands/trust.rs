//! `lictor trust`: the public keys whose signatures a server accepts.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use lictor_api::answer::{Created, Shown};
use lictor_api::operations::{RETIRE_KEY, REVOKE_KEY, SHOW_TRUST, TRUST_KEY};
use lictor_api::query::NoQuery;
use lictor_api::row::NoBody;
use lictor_api::trust::{Rotation, TrustKey};
use lictor_api::values::{Nothing, Object};
use lictor_core::parse_error;

use crate::args::Api;
use crate::client::Client;
use crate::exit::{Failure, Outcome};
use crate::output::{self, shown};
use crate::{document_files, files, server};

/// `lictor trust …`
#[derive(Subcommand, Debug)]
pub(crate) enum Trust {
    /// Trust a public key; prints its id
    #[command(after_help = "Examples:\n  lictor trust add vendor.pub\n  \
        lictor trust add new.pub --rotation rotation.json")]
    Add {
        /// The public key file; `-` reads standard input
        file: PathBuf,
        /// A rotation to this key, made with `lictor key rotate`, so that nodes trust it too
        #[arg(long, value_name = "FILE")]
        rotation: Option<PathBuf>,
        #[command(flatten)]
        api: Api,
    },
    /// List the keys, including revoked ones
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Accept no new licenses signed with a key; stored ones stay valid
    #[command(
        after_help = "For when a vendor has a new key: add that one first, with \
        --rotation if there are nodes.\n\nExample:\n  \
        lictor trust add new.pub && lictor trust retire 3f9c0d5e7a1b2c48"
    )]
    Retire {
        /// The key's id, as `lictor trust list` shows it
        key_id: String,
        #[command(flatten)]
        api: Api,
    },
    /// Stop trusting a key at once and forever, for stored licenses too
    #[command(
        after_help = "For when somebody else has the private key.\n\nExample:\n  \
        lictor trust revoke 3f9c0d5e7a1b2c48"
    )]
    Revoke {
        /// The key's id, as `lictor trust list` shows it
        key_id: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Trust, json: bool) -> Outcome {
    match command {
        Trust::Add {
            file,
            rotation,
            api,
        } => {
            let pem = server::read_public_key(&file)?.to_pem();
            let body = TrustKey {
                public_key: pem,
                rotation: rotation.as_deref().map(read_rotation).transpose()?,
            };
            let client = Client::new(&api)?;
            let said = client.call(&TRUST_KEY, &[], &NoQuery, &body).await?;
            if rotation.is_none() {
                warn_of_nodes(&client).await;
            }
            let Created(key) = &said.answer;
            output::result(&said.text, &key.key_id.to_string(), json)
        }
        Trust::List { api } => list(&api, json).await,
        Trust::Retire { key_id, api } => {
            let client = Client::new(&api)?;
            let said = client
                .call(&RETIRE_KEY, &[&key_id], &NoQuery, &Nothing {})
                .await?;
            ended(
                &said.text,
                &key_id,
                "is retired: new licenses signed with it are refused, and stored ones stay valid",
                json,
            )
        }
        Trust::Revoke { key_id, api } => {
            let client = Client::new(&api)?;
            let said = client
                .call(&REVOKE_KEY, &[&key_id], &NoQuery, &Nothing {})
                .await?;
            ended(
                &said.text,
                &key_id,
                "is revoked; what it signed counts for nothing now",
                json,
            )
        }
    }
}

/// Says what a key without a rotation is at nodes, if there are any. The key is trusted by now: that
/// nobody can say whether there are is no failure.
async fn warn_of_nodes(client: &Client) {
    let nodes = client.query(&["nodes"], &[("limit", "1")]).await;
    if nodes.is_ok_and(|nodes| !nodes.rows().is_empty()) {
        output::note(
            "nodes that joined before do not trust this key: hand the trust on with `lictor key \
             rotate` and `lictor trust add --rotation`, before a license signed by it is added",
        );
    }
}

/// Trusts a key.
pub(crate) async fn add(client: &Client, pem: &str) -> Outcome {
    let body = TrustKey {
        public_key: pem.to_owned(),
        rotation: None,
    };
    client
        .call(&TRUST_KEY, &[], &NoQuery, &body)
        .await
        .map(drop)
}

fn ended(answer: &str, key_id: &str, what: &str, json: bool) -> Outcome {
    if json {
        return output::json(answer);
    }
    output::note(&format!("key {key_id} {what}"));
    Ok(())
}

async fn list(api: &Api, json: bool) -> Outcome {
    let client = Client::new(api)?;
    let said = client.call(&SHOW_TRUST, &[], &NoQuery, &NoBody).await?;
    if json {
        return output::json(&said.text);
    }
    let Shown(trust) = said.answer;
    output::note(&format!("policy: {}", shown(trust.policy)));
    if trust.data.is_empty() {
        output::note("no trusted keys yet; add one with `lictor trust add NAME.pub`");
        return Ok(());
    }
    let mut rows = output::Rows::new(&["KEY ID", "STATUS"]);
    for key in trust.data {
        rows.row([shown(key.key_id), shown(key.status)]);
    }
    rows.print()
}

/// The rotation in a file.
fn read_rotation(file: &Path) -> Outcome<Object<Rotation>> {
    let text = document_files::read_public(file, "a rotation")?;
    serde_json::from_str(&text).map_err(|error| {
        let name = files::shown(file);
        let fault = || parse_error::of_json(&text, &error);
        let why = document_files::cause(&text).map_or_else(fault, str::to_owned);
        Failure::Usage(format!("{name} is not a rotation: {why}"))
    })
}
