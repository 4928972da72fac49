//! `lictor trust`: the public keys whose signatures a server accepts.

use std::path::PathBuf;

use clap::Subcommand;
use lictor_core::parse_error;
use serde_json::json;

use crate::args::Api;
use crate::client::{Client, Reply};
use crate::exit::{Failure, Outcome};
use crate::output::{self, text_of};
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
            let mut body = json!({ "public_key": pem });
            if let Some(file) = &rotation {
                let text = document_files::read_public(file, "a rotation")?;
                body["rotation"] = serde_json::from_str(&text).map_err(|error| {
                    let name = files::shown(file);
                    let fault = || parse_error::of_json(&text, &error);
                    let why = document_files::cause(&text).map_or_else(fault, str::to_owned);
                    Failure::Usage(format!("{name} is not a rotation: {why}"))
                })?;
            }
            let client = Client::new(&api)?;
            let reply = client.post(&["trust"], &body).await?;
            if rotation.is_none() {
                warn_of_nodes(&client).await;
            }
            output::result(&reply.text, reply.str("key_id"), json)
        }
        Trust::List { api } => list(&api, json).await,
        Trust::Retire { key_id, api } => {
            let path = ["trust", &key_id, "retire"];
            let reply = Client::new(&api)?.post(&path, &json!({})).await?;
            ended(
                &reply,
                &key_id,
                "is retired: new licenses signed with it are refused, and stored ones stay valid",
                json,
            )
        }
        Trust::Revoke { key_id, api } => {
            let path = ["trust", &key_id, "revoke"];
            let reply = Client::new(&api)?.post(&path, &json!({})).await?;
            ended(
                &reply,
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
pub(crate) async fn add(client: &Client, pem: &str) -> Outcome<Reply> {
    client.post(&["trust"], &json!({ "public_key": pem })).await
}

fn ended(reply: &Reply, key_id: &str, what: &str, json: bool) -> Outcome {
    if json {
        return output::json(&reply.text);
    }
    output::note(&format!("key {key_id} {what}"));
    Ok(())
}

async fn list(api: &Api, json: bool) -> Outcome {
    let reply = Client::new(api)?.get(&["trust"]).await?;
    if json {
        return output::json(&reply.text);
    }
    output::note(&format!("policy: {}", text_of(&reply.value["policy"])));
    if reply.rows().is_empty() {
        output::note("no trusted keys yet; add one with `lictor trust add NAME.pub`");
        return Ok(());
    }
    let mut rows = output::Rows::new(&["KEY ID", "STATUS"]);
    for key in reply.rows() {
        rows.row([text_of(&key["key_id"]), text_of(&key["status"])]);
    }
    rows.print()
}
