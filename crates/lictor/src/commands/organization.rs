//! `lictor organization`: the tenants of a server.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::{Client, Reply};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, date_of, text_of};
use crate::quota_options::Limits;
use crate::value_parsers::changes;

const SHOW_EXAMPLES: &str = "\
Of what is counted for each application alone, USED is not one figure.

Example:
  lictor organization show acme";

const SET_EXAMPLES: &str = "\
Only an operator may. What there is stays, whatever the limit; what is beyond
it is refused with 409, and the answer names the option.

Examples:
  lictor organization set acme --name 'Acme Ltd'
  lictor organization set acme --max-accounts 5000000
  lictor organization set acme --max-tokens 100 --max-nodes default";

/// `lictor organization …`
#[derive(Subcommand, Debug)]
pub(crate) enum Organization {
    /// Create an organization; prints its id
    #[command(after_help = "Example:\n  lictor organization create acme --name 'Acme Ltd'")]
    Create {
        /// Its key in paths and commands: lower-case letters, digits and hyphens
        key: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        api: Api,
    },
    /// List the organizations that the token may see
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Show an organization, its usage and its quotas
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// Its key
        key: String,
        #[command(flatten)]
        api: Api,
    },
    /// Name an organization, and set its quotas
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// Its key
        key: String,
        /// What people call it; '' removes the name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        api: Api,
    },
    /// Remove an organization that has no licenses
    #[command(after_help = "Example:\n  lictor organization remove acme")]
    Remove {
        /// Its key
        key: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Organization, json: bool) -> Outcome {
    match command {
        Organization::Create { key, name, api } => {
            let reply = create(&Client::new(&api)?, &key, name.as_deref()).await?;
            output::result(&reply.text, reply.str("id"), json)
        }
        Organization::List { api } => list(&api, json).await,
        Organization::Show { key, api } => show(&api, &key, json).await,
        Organization::Set {
            key,
            name,
            limits,
            api,
        } => {
            let quotas = limits.into_json(name.is_some())?;
            let body = changes(name, json!({ "quotas": quotas }));
            let reply = Client::new(&api)?
                .patch(&["organizations", &key], &body)
                .await?;
            output::result(&reply.text, reply.str("key"), json)
        }
        Organization::Remove { key, api } => {
            Client::new(&api)?.delete(&["organizations", &key]).await?;
            output::done(
                "removed",
                &key,
                &format!("organization {key} is removed"),
                json,
            )
        }
    }
}

/// Creates an organization.
pub(crate) async fn create(client: &Client, key: &str, name: Option<&str>) -> Outcome<Reply> {
    let mut body = json!({ "key": key });
    if let Some(name) = name {
        body["name"] = name.into();
    }
    client.post(&["organizations"], &body).await
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing {
        path: &["organizations"],
        filter: &[],
        headings: &["ID", "KEY~", "NAME~"],
        nothing: "no organizations that this token may see",
    };
    let add = |rows: &mut Rows, organization: &Value| {
        rows.row([
            text_of(&organization["id"]),
            text_of(&organization["key"]),
            text_of(&organization["name"]),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}

async fn show(api: &Api, key: &str, json: bool) -> Outcome {
    let reply = Client::new(api)?.get(&["organizations", key]).await?;
    if json {
        return output::json(&reply.text);
    }
    let organization = &reply.value;
    let grown = |member: &str| {
        let figure = organization["ledger"][member].as_u64();
        figure.map(output::figure).unwrap_or_default()
    };
    output::details(&[
        ("key", text_of(&organization["key"])),
        ("name", text_of(&organization["name"])),
        ("id", text_of(&organization["id"])),
        ("number", text_of(&organization["number"])),
        ("created", date_of(&organization["created_at"])),
        ("ledger entries", grown("entries")),
        ("ledger bytes", grown("entry_bytes")),
        ("payload bytes", grown("payload_bytes")),
        ("ended leases dropped", grown("ended_leases_dropped")),
    ])?;
    output::line("")?;
    let mut rows = Rows::new(&["QUOTA", "USED#", "LIMIT#", "DEFAULT#"]);
    for quota in organization["quotas"].as_array().into_iter().flatten() {
        let figure = |member: &str| quota[member].as_u64().map(output::figure);
        rows.row([
            text_of(&quota["name"]),
            figure("used").unwrap_or_default(),
            figure("limit").unwrap_or_default(),
            figure("default").unwrap_or_default(),
        ]);
    }
    rows.print()
}
