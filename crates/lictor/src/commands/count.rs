//! `lictor count`: what was bought, what is used and what is left.

use clap::Args;
use lictor_api::counts::{Count as Figures, CountEnd};
use lictor_api::operations::SHOW_COUNTS;
use lictor_api::query::OfApplication;

use crate::args::Api;
use crate::client::{Client, Page};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{Rows, limit, shown};

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
    let query = OfApplication {
        application: command.application.clone(),
        ..OfApplication::default()
    };
    let headings = [
        "APPLICATION~",
        "PLAN",
        "LIMIT#",
        "USED#",
        "AVAILABLE#",
        "ACCOUNTS#",
    ];
    // The total is always there.
    let listing = Listing::of(&SHOW_COUNTS, &[], &query, &headings, "");
    let add = |rows: &mut Rows, count: &Figures| {
        rows.row([
            shown(&count.application),
            shown(&count.plan),
            limit(count.limit),
            count.used.to_string(),
            limit(count.available),
            count.seats.to_string(),
        ]);
    };
    let end = |rows: &mut Rows, last: &Page| {
        let CountEnd { total, .. } = last.end()?;
        rows.row([
            "total".to_owned(),
            String::new(),
            limit(total.limit),
            total.used.to_string(),
            limit(total.available),
            total.accounts.to_string(),
        ]);
        Ok(())
    };
    let client = Client::new(&command.api)?;
    listing.print_with(&client, json, add, end).await
}
