//! `lictor seat`: who holds a named seat.

use clap::Subcommand;
use lictor_api::answer::CreatedOrThere;
use lictor_api::operations::{
    ASSIGN_SEAT, LIST_REFUSALS, LIST_REFUSALS_BY_HOUR, LIST_SEATS, RELEASE_SEAT,
};
use lictor_api::query::{NoQuery, Page};
use lictor_api::refusals::{HourOfRefusals, Refusal};
use lictor_api::row::NoBody;
use lictor_api::seats::{self, ActorName, AssignSeat};
use lictor_api::values::Instant;

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, limit, shown, shown_if};

/// `lictor seat …`
#[derive(Subcommand, Debug)]
pub(crate) enum Seat {
    /// Assign a seat to an account; one that has a seat keeps it
    #[command(after_help = "Example:\n  lictor seat assign editor ada@example.com")]
    Assign {
        /// The application's key
        application: String,
        /// The account's e-mail or id
        account: String,
        #[command(flatten)]
        api: Api,
    },
    /// Release an account's seat
    #[command(after_help = "Example:\n  lictor seat release editor ada@example.com")]
    Release {
        /// The application's key
        application: String,
        /// The account's e-mail or id
        account: String,
        #[command(flatten)]
        api: Api,
    },
    /// List who has a seat of an application, and since when
    #[command(after_help = "Example:\n  lictor seat list editor")]
    List {
        /// The application's key
        application: String,
        #[command(flatten)]
        api: Api,
    },
    /// List the seats that were refused, and why
    #[command(after_help = "Examples:\n  lictor seat refusals\n  \
        lictor seat refusals --by-hour")]
    Refusals {
        /// Count refusals by hour instead, without names; kept forever
        #[arg(long)]
        by_hour: bool,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Seat, json: bool) -> Outcome {
    match command {
        Seat::Assign {
            application,
            account,
            api,
        } => {
            let body = AssignSeat {
                account: account.clone(),
            };
            let client = Client::new(&api)?;
            let said = client
                .call(&ASSIGN_SEAT, &[&application], &NoQuery, &body)
                .await?;
            if json {
                return output::json(&said.text);
            }
            let (CreatedOrThere::Created(seat) | CreatedOrThere::There(seat)) = said.answer;
            // Whoever may not read seats is not told.
            let figures = match (seat.used.as_option(), seat.limit.as_option()) {
                (Some(used), Some(most)) => format!(": {used} in use, limit {}", limit(*most)),
                _ => String::new(),
            };
            output::note(&format!("{account} has a seat of {application}{figures}"));
            Ok(())
        }
        Seat::Release {
            application,
            account,
            api,
        } => {
            let names = [application.as_str(), account.as_str()];
            let client = Client::new(&api)?;
            client
                .call(&RELEASE_SEAT, &names, &NoQuery, &NoBody)
                .await?;
            let text = format!("the seat of {application} that {account} had is free");
            output::done("released", &account, &text, json)
        }
        Seat::List { application, api } => list(&api, &application, json).await,
        Seat::Refusals { by_hour: true, api } => refusals_by_hour(&api, json).await,
        Seat::Refusals { api, .. } => refusals(&api, json).await,
    }
}

async fn list(api: &Api, application: &str, json: bool) -> Outcome {
    let nothing =
        format!("nobody has a seat; assign one with `lictor seat assign {application} EMAIL`");
    let listing = Listing::of(
        &LIST_SEATS,
        &[application],
        &Page::default(),
        &["EMAIL~", "STATUS", "SINCE", "ASSIGNED BY~", "NAME~"],
        &nothing,
    );
    let add = |rows: &mut Rows, seat: &seats::Seat| {
        rows.row([
            shown_if(seat.email.as_ref()),
            shown(&seat.status),
            shown(seat.since),
            actor(seat.assigned_by.as_ref()),
            shown_if(seat.name.as_ref()),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}

/// The account whose token it was, else the token's name, else its id.
fn actor(by: Option<&ActorName>) -> String {
    let Some(by) = by else {
        return "the server".to_owned();
    };
    let name = by.email.as_ref().or(by.name.as_ref());
    name.map_or_else(|| by.token.to_string(), shown)
}

async fn refusals(api: &Api, json: bool) -> Outcome {
    let listing = Listing::of(
        &LIST_REFUSALS,
        &[],
        &Page::default(),
        &[
            "MINUTE",
            "APPLICATION~",
            "REASON",
            "TIMES#",
            "USED#",
            "LIMIT#",
            "WHO~",
        ],
        "no seat was refused in the last 90 days",
    );
    let add = |rows: &mut Rows, refusal: &Refusal| {
        let who = refusal.email.as_ref().or(refusal.holder.as_ref());
        let account = || shown_if(refusal.account);
        rows.row([
            minute(refusal.minute),
            shown(&refusal.application),
            shown(&refusal.reason),
            shown(refusal.count),
            shown(refusal.used),
            limit(refusal.limit),
            who.map_or_else(account, shown),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}

async fn refusals_by_hour(api: &Api, json: bool) -> Outcome {
    let listing = Listing::of(
        &LIST_REFUSALS_BY_HOUR,
        &[],
        &Page::default(),
        &["HOUR", "APPLICATION~", "REASON", "TIMES#"],
        "no seat was ever refused",
    );
    let add = |rows: &mut Rows, sum: &HourOfRefusals| {
        rows.row([
            minute(sum.hour),
            shown(&sum.application),
            shown(&sum.reason),
            shown(sum.count),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}

/// An instant to the minute.
fn minute(at: Instant) -> String {
    let text = at.to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}
