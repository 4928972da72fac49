//! `lictor client`: OAuth clients, which trade an id and a secret for access tokens.

use clap::Subcommand;
use lictor_core::facts::scope::Scope;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::{Client as Server, Reply};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, text_of};
use crate::value_parsers::{changes, listed};

const CREATE_EXAMPLES: &str = "\
Prints the client id, the client secret, a refresh token and a grant code, once:
they are stored nowhere. The code is for clients that want to trade one for a
refresh token of their own, within 3 minutes.

Clients of Zoho CRM need the scopes seats:read, accounts:read and
organizations:read: there they are ZohoCRM.features.READ, ZohoCRM.users.READ and
ZohoCRM.org.READ, and can be given by these names as well.

Examples:
  lictor client create --scope seats:read,accounts:read,organizations:read \\
    --account ada@example.com
  lictor client create --scope seats:read --application editor --name meter";

/// `lictor client …`
#[derive(Subcommand, Debug)]
pub(crate) enum Client {
    /// Create a client; prints its secrets, only this once
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// What its access tokens may do at most; several separated by commas
        #[arg(long, value_name = "SCOPE", value_delimiter = ',', required = true, value_parser = listed::<Scope>)]
        scope: Vec<Scope>,
        /// The account it acts for, by e-mail or id: it may do no more than the account
        #[arg(long, value_name = "EMAIL")]
        account: Option<String>,
        /// The one application whose figures it sees [default: all]
        #[arg(long, value_name = "KEY")]
        application: Option<String>,
        /// What to call it
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        api: Api,
    },
    /// List the clients of an organization
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Name a client
    #[command(after_help = "Example:\n  \
        lictor client set 1000.K7W2Q5ZJ8RX4TB9MN3VHC6PYDA2EFG --name meter")]
    Set {
        /// Its client id
        client: String,
        /// What to call it; '' removes the name
        #[arg(long)]
        name: String,
        #[command(flatten)]
        api: Api,
    },
    /// Make another grant code for a client; prints only the code
    #[command(after_help = "Example:\n  \
        lictor client code 1000.K7W2Q5ZJ8RX4TB9MN3VHC6PYDA2EFG")]
    Code {
        /// Its client id
        client: String,
        #[command(flatten)]
        api: Api,
    },
    /// Remove a client; all its tokens and codes end at once
    Remove {
        /// Its client id
        client: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Client, json: bool) -> Outcome {
    match command {
        Client::Create {
            scope,
            account,
            application,
            name,
            api,
        } => {
            let scopes: Value = scope.iter().map(ToString::to_string).collect();
            let body = json!({
                "scopes": scopes, "account": account, "application": application, "name": name,
            });
            let created = create(&Server::new(&api)?, &body).await?;
            let id = created.str("client_id");
            let unseen = format!("remove client {id} with `lictor client remove {id}`");
            output::shown_once(&unseen, || match json {
                true => output::json(&created.text),
                false => output::details(&[
                    ("client id", id.to_owned()),
                    ("client secret", created.str("client_secret").to_owned()),
                    ("refresh token", created.str("refresh_token").to_owned()),
                    ("grant code", created.str("code").to_owned()),
                ]),
            })
        }
        Client::List { api } => list(&api, json).await,
        Client::Code { client, api } => {
            let path = ["clients", &client, "codes"];
            let made = Server::new(&api)?.post(&path, &json!({})).await?;
            let unseen = "it ends by itself within 3 minutes; make another then";
            output::secret(&made.text, made.str("code"), json, unseen)
        }
        Client::Set { client, name, api } => {
            let body = changes(Some(name), json!({}));
            let reply = Server::new(&api)?
                .patch(&["clients", &client], &body)
                .await?;
            output::result(&reply.text, reply.str("client_id"), json)
        }
        Client::Remove { client, api } => {
            Server::new(&api)?.delete(&["clients", &client]).await?;
            let text = format!("client {client} is removed");
            output::done("removed", &client, &text, json)
        }
    }
}

/// Creates a client.
pub(crate) async fn create(server: &Server, body: &Value) -> Outcome<Reply> {
    server.post(&["clients"], body).await
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing {
        path: &["clients"],
        filter: &[],
        headings: &["CLIENT ID", "APPLICATION~", "NAME (SCOPES)~"],
        nothing: "no clients yet; create one with `lictor client create`",
    };
    let add = |rows: &mut Rows, client: &Value| {
        let scopes = client["scopes"].as_array().into_iter().flatten();
        let scopes: Vec<String> = scopes.map(text_of).collect();
        let (name, scopes) = (text_of(&client["name"]), scopes.join(", "));
        rows.row([
            text_of(&client["client_id"]),
            text_of(&client["application"]),
            format!("{name} ({scopes})").trim().to_owned(),
        ]);
    };
    listing.print(&Server::new(api)?, json, add).await
}
