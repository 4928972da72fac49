//! `lictor usage`: counted requests.

use std::cell::Cell;
use std::marker::PhantomData;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::{Client, Page, Reply};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, figure, text_of};
use crate::value_parsers;

const ADD_EXAMPLES: &str = "\
Counts are cumulative: what is kept is the greatest ever reported for a source,
service and month, so that a repeat changes nothing. With --epoch the count is a
running total since the source was started: what it rose by is counted in the
month in which it arrives, and another epoch begins anew.

Examples:
  lictor usage add orders 12345
  lictor usage add orders 200000 --month 2026-10 --source gateway-1
  lictor usage add orders 731 --source gateway-1 --epoch 2026-11-29T04:00:00Z";

const CORRECT_EXAMPLES: &str = "\
The difference stands beside what is reported, so that the next report does not
undo it. It is an entry of the ledger, with the reason, for ever: name nobody.

Examples:
  lictor usage correct gateway-1 orders 2026-11 -500 --reason 'test traffic'
  lictor usage correct default orders 2026-10 1200 --reason 'an hour was lost'";

/// `lictor usage …`
#[derive(Subcommand, Debug)]
pub(crate) enum Usage {
    /// Report how many requests a service has had so far in a month
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// The service
        service: String,
        /// How many requests so far
        #[arg(value_parser = value_parsers::count)]
        count: u64,
        /// YYYY-MM, or UNKNOWN [default: the current month]
        #[arg(long, value_name = "MONTH")]
        month: Option<String>,
        /// Who counted [default: default]
        #[arg(long)]
        source: Option<String>,
        /// Tells this start of the source from others; COUNT is then its running total
        #[arg(long, conflicts_with = "month")]
        epoch: Option<String>,
        #[command(flatten)]
        api: Api,
    },
    /// Correct a count by a difference, which no later report undoes
    #[command(after_help = CORRECT_EXAMPLES)]
    Correct {
        /// Who counted
        source: String,
        /// The service
        service: String,
        /// YYYY-MM, or UNKNOWN
        month: String,
        /// By how much: a whole number, less than 0 to subtract
        #[arg(allow_hyphen_values = true, value_parser = value_parsers::difference)]
        by: i64,
        /// Why; recorded in the ledger
        #[arg(long, value_name = "TEXT")]
        reason: String,
        #[command(flatten)]
        api: Api,
    },
    /// List all counts of an organization
    #[command(after_help = "Example:\n  lictor usage list --organization acme")]
    List {
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Usage, json: bool) -> Outcome {
    match command {
        Usage::Add {
            service,
            count,
            month,
            source,
            epoch,
            api,
        } => {
            let mut one = match epoch {
                Some(epoch) => json!({ "service": service, "total": count, "epoch": epoch }),
                None => json!({ "service": service, "count": count }),
            };
            if let Some(month) = month {
                one["month"] = month.into();
            }
            if let Some(source) = source {
                one["source"] = source.into();
            }
            let reply = add(&Client::new(&api)?, vec![one]).await?;
            if json {
                return output::json(&reply.text);
            }
            let stored = reply.value["counts"][0]["stored"].as_u64().map(figure);
            let service = output::printable(&service);
            output::note(&match (reply.value["kept"].as_u64(), stored) {
                (Some(1), Some(stored)) => format!(
                    "{service}: nothing was changed, because {stored} were reported before and {} \
                     are fewer; report a source that was restarted with --epoch",
                    figure(count)
                ),
                (_, Some(stored)) => format!("{service}: {stored} are stored"),
                // What is stored is for who may read usage.
                (_, None) => format!(
                    "{service}: reported; it changes nothing if more was reported before, which is told \
                     to tokens that may read usage; a source that was started anew says so with --epoch"
                ),
            });
            Ok(())
        }
        Usage::Correct {
            source,
            service,
            month,
            by,
            reason,
            api,
        } => {
            let body = json!({
                "source": source, "service": service, "month": month, "by": by, "reason": reason,
            });
            let reply = Client::new(&api)?
                .post(&["usage", "corrections"], &body)
                .await?;
            if json {
                return output::json(&reply.text);
            }
            let service = output::printable(&service);
            // Whoever may not read usage is not told.
            let said = match reply.value["count"].as_u64() {
                Some(count) => format!("is {} now", figure(count)),
                None => "is corrected".to_owned(),
            };
            output::note(&format!("{service}: the count of {month} {said}"));
            Ok(())
        }
        Usage::List { api } => list(&api, json).await,
    }
}

/// Reports counts.
pub(crate) async fn add(client: &Client, counts: Vec<Value>) -> Outcome<Reply> {
    client.post(&["usage"], &json!({ "counts": counts })).await
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing {
        of: PhantomData,
        path: vec!["usage"],
        filter: vec![],
        headings: &["MONTH", "SERVICE~", "SOURCE~", "COUNT#"],
        nothing: "no usage yet; report some with `lictor usage add SERVICE COUNT`",
    };
    let any = Cell::new(false);
    let add = |rows: &mut Rows, count: &Value| {
        any.set(true);
        rows.row([
            text_of(&count["month"]),
            text_of(&count["service"]),
            text_of(&count["source"]),
            counted(count),
        ]);
    };
    let total = |rows: &mut Rows, last: &Page| {
        if !any.get() {
            return Ok(());
        }
        let total = last.beside("total_requests");
        let blank = || " ".to_owned();
        let total = total.as_u64().map(figure).unwrap_or_default();
        rows.row(["total".to_owned(), blank(), blank(), total]);
        Ok(())
    };
    listing
        .print_with(&Client::new(api)?, json, add, total)
        .await
}

/// A count. If it was corrected, the difference comes before it.
fn counted(count: &Value) -> String {
    let stands = count["count"].as_u64().map(figure).unwrap_or_default();
    match signed(&count["correction"]) {
        by if by.is_empty() => stands,
        by => format!("{by}  {stands}"),
    }
}

/// A difference with its sign. Empty if there is none.
fn signed(value: &Value) -> String {
    let Some(by) = value.as_i64() else {
        return String::new();
    };
    let sign = if by < 0 { '-' } else { '+' };
    format!("{sign}{}", figure(by.unsigned_abs()))
}
