//! `lictor report`: the usage report of an organization.

use clap::Args;
use lictor_api::answer::Shown;
use lictor_api::operations::SHOW_REPORT;
use lictor_api::query::NoQuery;
use lictor_api::row::NoBody;

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::output::{self, figure, shown, shown_if};

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
    let client = Client::new(&report.api)?;
    let said = client.call(&SHOW_REPORT, &[], &NoQuery, &NoBody).await?;
    if json {
        return output::json(&said.text);
    }
    let Shown(report) = said.answer;
    let license = match (
        shown_if(report.license_key),
        shown_if(report.license_expiration_date),
    ) {
        (_, until) if until.is_empty() => "none stored".to_owned(),
        (key, until) if key.is_empty() => format!("until {until}"),
        (key, until) => format!("{key}, until {until}"),
    };
    let system = report.system;
    output::details(&[
        ("at", shown(report.at)),
        ("current license", license),
        ("token owners", figure(report.token_owners)),
        ("services", figure(report.services)),
        ("organizations", figure(report.organizations)),
        ("version", shown(report.version)),
        ("database", shown(report.engine)),
        (
            "machine",
            format!(
                "{}, {} cores, {}",
                shown(system.hostname),
                system.cores,
                shown(system.uname)
            ),
        ),
    ])?;
    output::line("")?;
    let mut rows = output::Rows::new(&["MONTH", "REQUESTS#"]);
    for month in report.requests {
        rows.row([shown(month.month), figure(month.count)]);
    }
    rows.row(["total".to_owned(), figure(report.total_requests)]);
    rows.print()
}
