//! `lictor license`: licenses offline (issue, verify) and in a server.

use std::marker::PhantomData;
use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{issue, license_warnings, verify};
use crate::args::Api;
use crate::client::{Client, Reply};
use crate::document_files;
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, date_of, limit_of, text_of};

const LIST_EXAMPLES: &str = "\
ENDS is the end of the license itself, COVERED that of what is in force and
follows it without a gap, for its application: the day by which a renewal is
needed.

Example:
  lictor license list --application gateway";

/// `lictor license …`
#[derive(Subcommand, Debug)]
pub(crate) enum License {
    /// Sign a license document; offline
    #[command(after_help = issue::EXAMPLES)]
    Issue(Box<issue::Issue>),
    /// Check a license document against public keys; offline
    #[command(after_help = verify::EXAMPLES)]
    Verify(verify::Verify),
    /// Store a license document; prints the license's id
    #[command(after_help = "Example:\n  lictor license add acme.json")]
    Add {
        /// The document; `-` reads standard input
        file: PathBuf,
        #[command(flatten)]
        api: Api,
    },
    /// List the stored licenses
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// Only those of this application; without it, all
        #[arg(long, value_name = "KEY")]
        application: Option<String>,
        #[command(flatten)]
        api: Api,
    },
    /// Show one license
    #[command(after_help = "Example, the stored document byte for byte:\n  \
        lictor license show ID --payload > license.json")]
    Show {
        /// The license's id, as `lictor license list` shows it
        id: String,
        /// Print the stored document, byte for byte, and nothing else
        #[arg(long)]
        payload: bool,
        #[command(flatten)]
        api: Api,
    },
    /// Remove a license; it covers nothing any more
    #[command(after_help = "The ledger keeps what it was.\n\nExample:\n  \
        lictor license remove 01a2019d-a8f0-7bc8-b575-b74ced08cd9a")]
    Remove {
        /// The license's id, as `lictor license list` shows it
        id: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: License, json: bool) -> Outcome {
    match command {
        License::Issue(issue) => issue::run(*issue, json),
        License::Verify(verify) => verify::run(&verify, json),
        License::Add { file, api } => {
            let payload = document_files::read_license(&file)?;
            let reply = add(&Client::new(&api)?, &payload).await?;
            license_warnings::notes(&reply.value)
                .iter()
                .for_each(|note| output::note(note));
            output::result(&reply.text, reply.str("id"), json)
        }
        License::List { application, api } => list(&api, application.as_deref(), json).await,
        License::Show { id, payload, api } => {
            let reply = Client::new(&api)?.get(&["licenses", &id]).await?;
            if payload {
                output::raw(reply.str("payload").as_bytes())
            } else if json {
                output::json(&reply.text)
            } else {
                show(&reply.value)
            }
        }
        License::Remove { id, api } => {
            Client::new(&api)?.delete(&["licenses", &id]).await?;
            output::done("removed", &id, &format!("license {id} is removed"), json)
        }
    }
}

/// Stores a document.
pub(crate) async fn add(client: &Client, payload: &str) -> Outcome<Reply> {
    client
        .post(&["licenses"], &json!({ "payload": payload }))
        .await
}

async fn list(api: &Api, application: Option<&str>, json: bool) -> Outcome {
    let filter = application.map(|key| ("application", key.to_owned()));
    let filter = Vec::from_iter(filter);
    let listing = Listing {
        of: PhantomData,
        path: vec!["licenses"],
        // Ids are long, and are to be copied: whatever else there is to say stands below them.
        headings: &["ID", "STATE", "ENDS", "COVERED"],
        nothing: match filter.is_empty() {
            true => "no licenses yet; add one with `lictor license add FILE`",
            false => "no licenses of that application",
        },
        filter,
    };
    listing
        .print(&Client::new(api)?, json, |rows, license: &Value| {
            let claims = &license["claims"];
            rows.row([
                text_of(&license["id"]),
                text_of(&license["status"]).replace('-', " "),
                date_of(&claims["license_expiration_date"]),
                date_of(&license["covered_until"]),
            ]);
            rows.below(facts(license).join("; "));
        })
        .await
}

/// What a license is for, and how much of it there is.
fn facts(license: &Value) -> Vec<String> {
    let seats = limit_of(&license["claims"]["admin_seats"]);
    let days = text_of(&license["days_left"]);
    let mut facts = vec![
        text_of(&license["application"]),
        format!("seats: {seats}"),
        format!("days left: {days}"),
    ];
    if license["verified"] != true {
        facts.push("unverified".to_owned());
    }
    facts
}

fn state(license: &Value) -> String {
    let state = text_of(&license["status"]).replace('-', " ");
    if license["verified"] == true {
        state
    } else {
        format!("{state}, unverified")
    }
}

fn show(license: &Value) -> Outcome {
    let claims = &license["claims"];
    let signed_by = match text_of(&license["signed_by"]) {
        key if key.is_empty() => "unverified".to_owned(),
        key => key,
    };
    let mut state = state(license);
    if let Some(reason) = license["reason"].as_str() {
        state = format!("{state}: {reason}");
    }
    let features: Vec<String> = claims["features"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text_of)
        .collect();
    let mut pairs = vec![
        ("id", text_of(&license["id"])),
        ("application", text_of(&license["application"])),
        ("state", state),
        ("days left", text_of(&license["days_left"])),
        ("covered", date_of(&license["covered_until"])),
        ("signed by", signed_by),
        ("customer", text_of(&claims["customer"])),
        ("product", text_of(&claims["product_subscription"])),
        ("license key", text_of(&claims["license_key"])),
        ("plan", text_of(&claims["plan"])),
        ("seats", limit_of(&claims["admin_seats"])),
        ("data planes", limit_of(&claims["dataplanes"])),
        ("support plan", text_of(&claims["support_plan"])),
        ("features", features.join(", ")),
        ("organization", text_of(&claims["organization"])),
        ("valid from", text_of(&claims["license_creation_date"])),
        ("valid until", text_of(&claims["license_expiration_date"])),
        ("created at", text_of(&license["created_at"])),
        ("updated at", text_of(&license["updated_at"])),
        ("revision", text_of(&license["revision"])),
    ];
    for (name, value) in claims["unknown"].as_object().into_iter().flatten() {
        pairs.push((name, text_of(value)));
    }
    output::details(&pairs)
}
