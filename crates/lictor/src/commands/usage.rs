//! `lictor usage`: counted requests.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::output::{self, figure, text_of};

const ADD_EXAMPLES: &str = "\
Counts are cumulative: what is kept is the greatest ever reported for a source,
service and month, so that a repeat changes nothing.

Examples:
  lictor usage add orders 12345
  lictor usage add orders 200000 --month 2026-10 --source gateway-1";

/// `lictor usage …`
#[derive(Subcommand, Debug)]
pub(crate) enum Usage {
    /// Report the requests that a service has had so far in a month
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// The service
        service: String,
        /// How many requests so far
        count: u64,
        /// YYYY-MM, or UNKNOWN [default: the current month]
        #[arg(long, value_name = "MONTH")]
        month: Option<String>,
        /// Who counted [default: default]
        #[arg(long)]
        source: Option<String>,
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
            api,
        } => {
            let mut one = json!({ "service": service, "count": count });
            if let Some(month) = month {
                one["month"] = month.into();
            }
            if let Some(source) = source {
                one["source"] = source.into();
            }
            let text = add(&Client::new(&api)?, vec![one]).await?;
            if json {
                return output::json(&text);
            }
            output::note(&format!(
                "{service}: {} reported; the greatest count ever reported is kept",
                figure(count)
            ));
            Ok(())
        }
        Usage::List { api } => list(&api, json).await,
    }
}

/// Reports counts.
pub(crate) async fn add(client: &Client, counts: Vec<Value>) -> Outcome<String> {
    let reply = client
        .post(&["usage"], &json!({ "counts": counts }))
        .await?;
    Ok(reply.text)
}

async fn list(api: &Api, json: bool) -> Outcome {
    let reply = Client::new(api)?.get(&["usage"]).await?;
    if json {
        return output::json(&reply.text);
    }
    if reply.rows().is_empty() {
        output::note("no usage yet; report some with `lictor usage add SERVICE COUNT`");
        return Ok(());
    }
    let mut rows = output::Rows::new(&["MONTH", "SERVICE~", "SOURCE~", "COUNT#"]);
    for count in reply.rows() {
        rows.row([
            text_of(&count["month"]),
            text_of(&count["service"]),
            text_of(&count["source"]),
            count["count"].as_u64().map(figure).unwrap_or_default(),
        ]);
    }
    let total = reply.value["total"]
        .as_u64()
        .map(figure)
        .unwrap_or_default();
    rows.row(["total".to_owned(), " ".to_owned(), " ".to_owned(), total]);
    rows.print()
}
