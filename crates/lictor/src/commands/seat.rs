//! `lictor seat`: who holds a named seat.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, text_of};

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
            let path = ["applications", &application, "seats"];
            let body = json!({ "account": account });
            let reply = Client::new(&api)?.post(&path, &body).await?;
            if json {
                return output::json(&reply.text);
            }
            let (used, limit) = (&reply.value["used"], &reply.value["limit"]);
            // Whoever may not read seats is not told.
            let figures = match used.is_null() {
                true => String::new(),
                false => format!(
                    ": {} in use, limit {}",
                    text_of(used),
                    output::limit_of(limit)
                ),
            };
            output::note(&format!("{account} has a seat of {application}{figures}"));
            Ok(())
        }
        Seat::Release {
            application,
            account,
            api,
        } => {
            let path = ["applications", &application, "seats", &account];
            Client::new(&api)?.delete(&path).await?;
            let text = format!("the seat of {application} that {account} held is free");
            output::done("released", &account, &text, json)
        }
        Seat::List { application, api } => list(&api, &application, json).await,
        Seat::Refusals { by_hour: true, api } => refusals_by_hour(&api, json).await,
        Seat::Refusals { api, .. } => refusals(&api, json).await,
    }
}

async fn list(api: &Api, application: &str, json: bool) -> Outcome {
    let listing = Listing {
        path: &["applications", application, "seats"],
        filter: &[],
        headings: &["EMAIL~", "STATUS", "SINCE", "GIVEN BY~", "NAME~"],
        nothing: &format!(
            "nobody has a seat; assign one with `lictor seat assign {application} EMAIL`"
        ),
    };
    listing
        .print(&Client::new(api)?, json, |rows, seat| {
            rows.row([
                text_of(&seat["email"]),
                text_of(&seat["status"]),
                text_of(&seat["since"]),
                giver(&seat["given_by"]),
                text_of(&seat["name"]),
            ]);
        })
        .await
}

/// The account whose token it was, else the token's name, else its id.
fn giver(by: &Value) -> String {
    let known = ["email", "name", "token"].map(|name| &by[name]);
    let known = known.into_iter().find(|value| value.is_string());
    known.map_or_else(|| "the server".to_owned(), text_of)
}

async fn refusals(api: &Api, json: bool) -> Outcome {
    let listing = Listing {
        path: &["refusals"],
        filter: &[],
        headings: &[
            "MINUTE",
            "APPLICATION~",
            "REASON",
            "TIMES#",
            "USED#",
            "LIMIT#",
            "WHO~",
        ],
        nothing: "no seat was refused in the last 90 days",
    };
    listing
        .print(&Client::new(api)?, json, |rows, refusal| {
            let who = ["email", "holder", "account"].map(|name| &refusal[name]);
            let who = who.into_iter().find(|value| value.is_string());
            let minute = text_of(&refusal["minute"]);
            rows.row([
                minute.get(..16).unwrap_or(&minute).replace('T', " "),
                text_of(&refusal["application"]),
                text_of(&refusal["reason"]),
                text_of(&refusal["count"]),
                text_of(&refusal["used"]),
                output::limit_of(&refusal["limit"]),
                who.map_or_else(String::new, text_of),
            ]);
        })
        .await
}

async fn refusals_by_hour(api: &Api, json: bool) -> Outcome {
    let listing = Listing {
        path: &["refusals"],
        filter: &[("by", "hour")],
        headings: &["HOUR", "APPLICATION~", "REASON", "TIMES#"],
        nothing: "no seat was ever refused",
    };
    let add = |rows: &mut Rows, sum: &Value| {
        let hour = text_of(&sum["hour"]);
        rows.row([
            hour.get(..16).unwrap_or(&hour).replace('T', " "),
            text_of(&sum["application"]),
            text_of(&sum["reason"]),
            text_of(&sum["count"]),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}
