//! `lictor report`: the usage report of an organization.

use clap::Args;
use serde_json::Value;

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::output::{self, figure, text_of};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
Examples:
  lictor report
  lictor report --organization acme --json";

/// `lictor report`
#[derive(Args, Debug)]
pub(crate) struct Report {
    #[command(flatten)]
    api: Api,
}

/// Prints it.
pub(crate) async fn run(report: &Report, json: bool) -> Outcome {
    let reply = Client::new(&report.api)?.get(&["report"]).await?;
    if json {
        return output::json(&reply.text);
    }
    let report = &reply.value;
    let count = |value: &Value| value.as_u64().map(figure).unwrap_or_default();
    let system = &report["system"];
    let license = match (
        text_of(&report["license_key"]),
        text_of(&report["license_expiration_date"]),
    ) {
        (_, until) if until.is_empty() => "none stored".to_owned(),
        (key, until) if key.is_empty() => format!("until {until}"),
        (key, until) => format!("{key}, until {until}"),
    };
    output::details(&[
        ("at", text_of(&report["at"])),
        ("current license", license),
        ("users", count(&report["users"])),
        ("services", count(&report["services"])),
        ("organizations", count(&report["organizations"])),
        ("version", text_of(&report["version"])),
        ("database", text_of(&report["engine"])),
        (
            "machine",
            format!(
                "{}, {} cores, {}",
                text_of(&system["hostname"]),
                text_of(&system["cores"]),
                text_of(&system["uname"])
            ),
        ),
    ])?;
    output::line("")?;
    let mut rows = output::Rows::new(&["MONTH", "REQUESTS#"]);
    for month in report["requests"].as_array().into_iter().flatten() {
        rows.row([text_of(&month["month"]), count(&month["count"])]);
    }
    rows.row(["total".to_owned(), count(&report["total_requests"])]);
    rows.print()
}
