//! `lictor lease`: floating seats with an end.

use clap::Subcommand;
use lictor_api::answer::{Created, Shown};
use lictor_api::leases::{self, CheckOutLease, EndedLease, ReleaseLease, RenewLease};
use lictor_api::operations::{
    CHECK_OUT_LEASE, LIST_ENDED_LEASES, LIST_LEASES, RELEASE_LEASE, RENEW_LEASE,
};
use lictor_api::query::{EndedLeases, NoQuery, Page};
use lictor_api::values::Instant;
use lictor_authority::clock::Clock;

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, shown, shown_if};
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
fn at(when: &Moment) -> Instant {
    let time = when.before(Clock::System.now()).unwrap_or_default();
    Instant(time.max(0))
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
            let body = CheckOutLease {
                holder,
                ttl_seconds: ttl,
            };
            let client = Client::new(&api)?;
            let said = client
                .call(&CHECK_OUT_LEASE, &[&application], &NoQuery, &body)
                .await?;
            if json {
                return output::json(&said.text);
            }
            let Created(out) = said.answer;
            output::line(&format!("{} {}", out.lease.id, out.lease.fence))
        }
        Lease::Renew {
            id,
            fence,
            ttl,
            api,
        } => {
            let body = RenewLease {
                fence,
                ttl_seconds: ttl,
            };
            let client = Client::new(&api)?;
            let said = client.call(&RENEW_LEASE, &[&id], &NoQuery, &body).await?;
            let Shown(lease) = &said.answer;
            output::result(&said.text, &lease.expires_at.to_string(), json)
        }
        Lease::Release {
            id,
            fence,
            force,
            api,
        } => {
            let body = ReleaseLease {
                fence,
                force: force.then_some(true),
            };
            let client = Client::new(&api)?;
            client.call(&RELEASE_LEASE, &[&id], &NoQuery, &body).await?;
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
            let query = EndedLeases {
                holder,
                since: since.as_ref().map(at),
                until: until.as_ref().map(at),
                ..EndedLeases::default()
            };
            list_ended(&api, &application, &query, json).await
        }
        Lease::List {
            application, api, ..
        } => list(&api, &application, json).await,
    }
}

async fn list(api: &Api, application: &str, json: bool) -> Outcome {
    let listing = Listing::of(
        &LIST_LEASES,
        &[application],
        &Page::default(),
        &["ID", "FENCE#", "ENDS", "HOLDER~"],
        "no leases are checked out",
    );
    let add = |rows: &mut Rows, lease: &leases::Lease| {
        rows.row([
            shown(lease.id),
            shown(lease.fence),
            shown(lease.expires_at),
            shown(&lease.holder),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}

async fn list_ended(api: &Api, application: &str, query: &EndedLeases, json: bool) -> Outcome {
    let listing = Listing::of(
        &LIST_ENDED_LEASES,
        &[application],
        query,
        &["SINCE", "UNTIL", "WHY", "HOLDER~"],
        "no such lease has ended, or its record is no longer kept",
    );
    let add = |rows: &mut Rows, lease: &EndedLease| {
        rows.row([
            shown(lease.since),
            shown(lease.until),
            shown(&lease.reason),
            shown_if(lease.holder.as_ref()),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}
