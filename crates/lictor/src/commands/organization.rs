//! `lictor organization`: the tenants of a server.

use clap::Subcommand;
use serde_json::json;

use crate::args::Api;
use crate::client::{Client, Reply};
use crate::exit::Outcome;
use crate::output::{self, text_of};

/// `lictor organization …`
#[derive(Subcommand, Debug)]
pub(crate) enum Organization {
    /// Create an organization; prints its id
    #[command(after_help = "Example:\n  lictor organization create acme --name 'Acme Ltd'")]
    Create {
        /// Its word in paths and commands: lower-case letters, digits and hyphens
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
    /// Remove an organization that holds no licenses
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
    let reply = Client::new(api)?.list(&["organizations"], &[]).await?;
    if json {
        return output::json(&reply.text);
    }
    let mut rows = output::Rows::new(&["ID", "KEY~", "NAME~"]);
    for organization in reply.rows() {
        rows.row([
            text_of(&organization["id"]),
            text_of(&organization["key"]),
            text_of(&organization["name"]),
        ]);
    }
    rows.print()
}
