//! `lictor count`: what was bought, what is used and what is left.

use clap::Args;

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::output::{self, limit_of, text_of};

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
    let reply = Client::new(&command.api)?
        .query(&["counts"], &filter)
        .await?;
    if json {
        return output::json(&reply.text);
    }
    let mut rows = output::Rows::new(&[
        "APPLICATION~",
        "PLAN",
        "LIMIT#",
        "USED#",
        "AVAILABLE#",
        "ACCOUNTS#",
    ]);
    let row = |name: String, plan: String, figures: &serde_json::Value| {
        [
            name,
            plan,
            limit_of(&figures["limit"]),
            text_of(&figures["used"]),
            limit_of(&figures["available"]),
            text_of(&figures["accounts"]),
        ]
    };
    let applications = reply.value["applications"].as_array();
    for figures in applications.into_iter().flatten() {
        let (name, plan) = (text_of(&figures["application"]), text_of(&figures["plan"]));
        rows.row(row(name, plan, figures));
    }
    rows.row(row(
        "total".to_owned(),
        String::new(),
        &reply.value["total"],
    ));
    rows.print()
}
