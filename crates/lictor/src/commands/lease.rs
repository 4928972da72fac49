//! `lictor lease`: floating seats with an end.

use clap::Subcommand;
use lictor_authority::clock::Clock;
use serde_json::json;

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, text_of};
use crate::time_parsers::{self, Moment, span};
use crate::value_parsers;

const CHECKOUT_EXAMPLES: &str = "\
Prints the lease's id and its fence. A holder with a live lease gets the same
one with a greater fence, so that an older self of it cannot renew it any more.

Examples:
  lictor lease checkout editor build-7
  lictor lease checkout editor build-7 --ttl 12h";

const LIST_EXAMPLES: &str = "\
Ended leases are kept for as long as `lictor serve --keep-holders` says.

Examples:
  lictor lease list editor
  lictor lease list editor --ended --since 7d
  lictor lease list editor --ended --since 2026-11-01 --until 2026-12-01
  lictor lease list editor --ended --holder build-7";

/// The time as the API has it. Before 1970 there are no leases.
fn at(when: &Moment) -> Option<String> {
    let time = when.before(Clock::System.now()).unwrap_or_default();
    time_parsers::instant(time.max(0))
}

/// `lictor lease …`
#[derive(Subcommand, Debug)]
pub(crate) enum Lease {
    /// Check out a floating seat for a limited time; prints its id and fence
    #[command(after_help = CHECKOUT_EXAMPLES)]
    Checkout {
        /// The application's key
        application: String,
        /// Who checks it out: a device, a job, a session
        holder: String,
        /// How long: a number and s, m, h or d [default: 60s]
        #[arg(long, value_parser = span)]
        ttl: Option<i64>,
        #[command(flatten)]
        api: Api,
    },
    /// Extend a lease
    Renew {
        /// The lease's id
        id: String,
        /// Its fence, as `checkout` printed it
        #[arg(long, value_name = "N", value_parser = value_parsers::count)]
        fence: u64,
        /// How long from now: a number and s, m, h or d [default: 60s]
        #[arg(long, value_parser = span)]
        ttl: Option<i64>,
        #[command(flatten)]
        api: Api,
    },
    /// Release a lease
    Release {
        /// The lease's id
        id: String,
        /// Its fence, as `checkout` printed it
        #[arg(long, value_name = "N", value_parser = value_parsers::count, required_unless_present = "force")]
        fence: Option<u64>,
        /// Release it without its fence
        #[arg(long, conflicts_with = "fence")]
        force: bool,
        #[command(flatten)]
        api: Api,
    },
    /// List the leases of an application, or those that ended
    #[command(after_help = LIST_EXAMPLES)]
    List {
        /// The application's key
        application: String,
        /// List ended leases instead, the latest first
        #[arg(long)]
        ended: bool,
        /// Only those of this holder
        #[arg(long, requires = "ended")]
        holder: Option<String>,
        /// Live at this time or later: a date, a time, or how long ago
        #[arg(long, value_name = "WHEN", requires = "ended", value_parser = time_parsers::moment)]
        since: Option<Moment>,
        /// Checked out before this time
        #[arg(long, value_name = "WHEN", requires = "ended", value_parser = time_parsers::moment)]
        until: Option<Moment>,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Lease, json: bool) -> Outcome {
    match command {
        Lease::Checkout {
            application,
            holder,
            ttl,
            api,
        } => {
            let path = ["applications", &application, "leases"];
            let body = json!({ "holder": holder, "ttl": ttl });
            let reply = Client::new(&api)?.post(&path, &body).await?;
            if json {
                return output::json(&reply.text);
            }
            output::line(&format!(
                "{} {}",
                output::printable(reply.str("id")),
                reply.value["fence"]
            ))
        }
        Lease::Renew {
            id,
            fence,
            ttl,
            api,
        } => {
            let body = json!({ "fence": fence, "ttl": ttl });
            let path = ["leases", &id, "renew"];
            let reply = Client::new(&api)?.post(&path, &body).await?;
            output::result(&reply.text, reply.str("expires_at"), json)
        }
        Lease::Release {
            id,
            fence,
            force,
            api,
        } => {
            let body = match fence {
                Some(fence) => json!({ "fence": fence }),
                None => json!({ "force": force }),
            };
            let path = ["leases", &id, "release"];
            Client::new(&api)?.act(&path, &body).await?;
            output::done("released", &id, &format!("lease {id} is released"), json)
        }
        Lease::List {
            application,
            ended: true,
            holder,
            since,
            until,
            api,
        } => {
            let filter = [
                ("holder", holder),
                ("since", since.as_ref().and_then(at)),
                ("until", until.as_ref().and_then(at)),
            ];
            list_ended(&api, &application, &filter, json).await
        }
        Lease::List {
            application, api, ..
        } => list(&api, &application, json).await,
    }
}

async fn list(api: &Api, application: &str, json: bool) -> Outcome {
    let listing = Listing {
        path: &["applications", application, "leases"],
        filter: &[],
        headings: &["ID", "FENCE#", "ENDS", "HOLDER~"],
        nothing: "no leases are checked out",
    };
    listing
        .print(&Client::new(api)?, json, |rows, lease| {
            rows.row([
                text_of(&lease["id"]),
                text_of(&lease["fence"]),
                text_of(&lease["expires_at"]),
                text_of(&lease["holder"]),
            ]);
        })
        .await
}

async fn list_ended(
    api: &Api,
    application: &str,
    filter: &[(&str, Option<String>)],
    json: bool,
) -> Outcome {
    let given = filter.iter();
    let given = given.filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let query: Vec<_> = [("ended", "true")].into_iter().chain(given).collect();
    let listing = Listing {
        path: &["applications", application, "leases"],
        filter: &query,
        headings: &["SINCE", "UNTIL", "WHY", "HOLDER~"],
        nothing: "no such lease has ended, or its record is no longer kept",
    };
    let names = ["since", "until", "reason", "holder"];
    listing
        .print(&Client::new(api)?, json, |rows, lease| {
            rows.row(names.map(|name| text_of(&lease[name])));
        })
        .await
}
