//! `lictor count`: what was bought, what is used and what is left.

use clap::Args;
use serde_json::Value;

use crate::args::Api;
use crate::client::{Client, Page};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{Rows, limit_of, text_of};

/// What the help shows.
pub(crate) const EXAMPLES: &str = "\
USED counts named seats and live leases, ACCOUNTS the distinct accounts that
hold a seat. An application over its limit has nothing left, and shows by how
much in --json.

Examples:
  lictor count
  lictor count editor";

/// `lictor count`
#[derive(Args, Debug)]
pub(crate) struct Count {
    /// One application's key [default: all]
    application: Option<String>,
    #[command(flatten)]
    api: Api,
}

/// Runs it.
pub(crate) async fn run(command: &Count, json: bool) -> Outcome {
    let filter = command
        .application
        .as_deref()
        .map(|key| ("application", key));
    let filter = Vec::from_iter(filter);
    let listing = Listing {
        path: &["counts"],
        filter: &filter,
        headings: &[
            "APPLICATION~",
            "PLAN",
            "LIMIT#",
            "USED#",
            "AVAILABLE#",
            "ACCOUNTS#",
        ],
        // The total is always there.
        nothing: "",
    };
    let add = |rows: &mut Rows, figures: &Value| {
        let (name, plan) = (text_of(&figures["application"]), text_of(&figures["plan"]));
        rows.row(row(name, plan, figures));
    };
    let total = |rows: &mut Rows, last: &Page| {
        let total = last.beside("total");
        rows.row(row("total".to_owned(), String::new(), &total));
    };
    let client = Client::new(&command.api)?;
    listing.print_with(&client, json, add, total).await
}

fn row(name: String, plan: String, figures: &Value) -> [String; 6] {
    [
        name,
        plan,
        limit_of(&figures["limit"]),
        text_of(&figures["used"]),
        limit_of(&figures["available"]),
        text_of(&figures["accounts"]),
    ]
}
