//! `lictor client`: OAuth clients, which trade an id and a secret for access tokens.

use clap::Subcommand;
use lictor_api::answer::{Created, Shown as Answer};
use lictor_api::clients::{ChangeClient, Client as Shows, CreateClient, CreatedClient};
use lictor_api::operations::{
    CHANGE_CLIENT, CREATE_CLIENT, CREATE_CODE, LIST_CLIENTS, REMOVE_CLIENT,
};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::values::Nothing;
use lictor_core::facts::scope::Scope;

use crate::args::Api;
use crate::client::{Client as Server, Said};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, shown, shown_if};
use crate::value_parsers::{listed, new_name};

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
            let body = CreateClient {
                scopes: scope.iter().map(Into::into).collect(),
                name,
                account,
                application,
            };
            let said = create(&Server::new(&api)?, &body).await?;
            let Created(created) = said.answer;
            let id = created.client.client_id;
            let unseen = format!("remove client {id} with `lictor client remove {id}`");
            output::shown_once(&unseen, || match json {
                true => output::json(&said.text),
                false => output::details(&[
                    ("client id", id.clone()),
                    ("client secret", created.client_secret),
                    ("refresh token", created.refresh_token),
                    ("grant code", created.code.code),
                ]),
            })
        }
        Client::List { api } => list(&api, json).await,
        Client::Code { client, api } => {
            let server = Server::new(&api)?;
            let said = server
                .call(&CREATE_CODE, &[&client], &NoQuery, &Nothing {})
                .await?;
            let Created(made) = &said.answer;
            let unseen = "it ends by itself within 3 minutes; make another then";
            output::secret(&said.text, &made.code, json, unseen)
        }
        Client::Set { client, name, api } => {
            let body = ChangeClient {
                name: new_name(Some(name)),
            };
            let server = Server::new(&api)?;
            let said = server
                .call(&CHANGE_CLIENT, &[&client], &NoQuery, &body)
                .await?;
            let Answer(written) = &said.answer;
            let id = written.whole().map_or(&client, |client| &client.client_id);
            output::result(&said.text, id, json)
        }
        Client::Remove { client, api } => {
            let server = Server::new(&api)?;
            server
                .call(&REMOVE_CLIENT, &[&client], &NoQuery, &NoBody)
                .await?;
            let text = format!("client {client} is removed");
            output::done("removed", &client, &text, json)
        }
    }
}

/// Creates a client.
pub(crate) async fn create(
    server: &Server,
    body: &CreateClient,
) -> Outcome<Said<Created<CreatedClient>>> {
    server.call(&CREATE_CLIENT, &[], &NoQuery, body).await
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing::of(
        &LIST_CLIENTS,
        &[],
        &Page::default(),
        &["CLIENT ID", "APPLICATION~", "NAME (SCOPES)~"],
        "no clients yet; create one with `lictor client create`",
    );
    let add = |rows: &mut Rows, client: &Shows| {
        let scopes: Vec<String> = client.scopes.iter().map(shown).collect();
        let (name, scopes) = (shown_if(client.name.as_ref()), scopes.join(", "));
        rows.row([
            shown(&client.client_id),
            shown_if(client.application.as_ref()),
            format!("{name} ({scopes})").trim().to_owned(),
        ]);
    };
    listing.print(&Server::new(api)?, json, add).await
}
