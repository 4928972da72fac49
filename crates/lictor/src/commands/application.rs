//! `lictor application`: what licenses and seats are for.

use std::cell::RefCell;

use clap::Subcommand;
use lictor_core::facts::application::OverLimit;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::{Client, Page};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Exceeded, Rows, date_of, limit_of, text_of};
use crate::value_parsers::{self, changes};

const CREATE_EXAMPLES: &str = "\
A license for an unknown application creates it; create it yourself to name it,
or to allow more seats than were bought.

Examples:
  lictor application create editor --name 'The Editor'
  lictor application create viewer --over-limit allow";

const LIST_EXAMPLES: &str = "\
ENDS is the end of the license in force, COVERED that of what is stored and
follows it without a gap: the day by which a renewal is needed.

Example:
  lictor application list";

/// What happens when no seat is left, and what that means.
const OVER_LIMIT: [(OverLimit, &str); 2] = [
    (OverLimit::Refuse, "The request is refused"),
    (
        OverLimit::Allow,
        "It is granted, recorded and shown, while a license is in force",
    ),
];

/// `lictor application …`
#[derive(Subcommand, Debug)]
pub(crate) enum Application {
    /// Create an application
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// Its key in licenses and commands: lower-case letters, digits, hyphens
        key: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// What happens when no seat is left [default: refuse]
        #[arg(long, value_parser = value_parsers::word(OVER_LIMIT, OverLimit::as_str))]
        over_limit: Option<OverLimit>,
        #[command(flatten)]
        api: Api,
    },
    /// List the applications with their plans and seats
    #[command(after_help = LIST_EXAMPLES)]
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Change an application
    #[command(after_help = "Example:\n  lictor application set editor --over-limit allow")]
    Set {
        /// Its key
        key: String,
        /// What people call it; '' removes the name
        #[arg(long)]
        name: Option<String>,
        /// What happens when no seat is left
        #[arg(long, value_parser = value_parsers::word(OVER_LIMIT, OverLimit::as_str))]
        over_limit: Option<OverLimit>,
        #[command(flatten)]
        api: Api,
    },
    /// Remove an application that has no licenses and whose seats are all free
    #[command(after_help = "Example:\n  lictor application remove editor")]
    Remove {
        /// Its key
        key: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Application, json: bool) -> Outcome {
    match command {
        Application::Create {
            key,
            name,
            over_limit,
            api,
        } => {
            let body = json!({ "key": key, "name": name, "over_limit": over_limit });
            let reply = Client::new(&api)?.post(&["applications"], &body).await?;
            output::result(&reply.text, reply.str("key"), json)
        }
        Application::List { api } => list(&api, json).await,
        Application::Set {
            key,
            name,
            over_limit,
            api,
        } => {
            let body = changes(name, json!({ "over_limit": over_limit }));
            let reply = Client::new(&api)?
                .patch(&["applications", &key], &body)
                .await?;
            output::result(&reply.text, reply.str("key"), json)
        }
        Application::Remove { key, api } => {
            Client::new(&api)?.delete(&["applications", &key]).await?;
            let text = format!("application {key} is removed");
            output::done("removed", &key, &text, json)
        }
    }
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing {
        path: &["applications"],
        filter: &[],
        headings: &[
            "KEY~", "PLAN", "LIMIT#", "USED#", "ENDS", "COVERED", "NAME~",
        ],
        nothing: "no applications yet; the first license for one creates it",
    };
    let exceeded = RefCell::new(Exceeded::default());
    let add = |rows: &mut Rows, application: &Value| {
        rows.row([
            text_of(&application["key"]),
            text_of(&application["plan"]),
            limit_of(&application["seat_limit"]),
            text_of(&application["used"]),
            date_of(&application["expires_at"]),
            date_of(&application["covered_until"]),
            text_of(&application["name"]),
        ]);
        let key = &application["key"];
        exceeded.borrow_mut().see(key, application);
    };
    let end = |rows: &mut Rows, _: &Page| exceeded.borrow().tell(rows);
    let client = Client::new(api)?;
    listing.print_with(&client, json, add, end).await
}
