//! `lictor license issue`: signs a license document, offline.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{NonEmptyStringValueParser, RangedI64ValueParser};
use lictor_core::claims::{MAX_COUNT, slug};
use lictor_core::license::MAX_PAYLOAD_BYTES;
use lictor_core::{Claims, Date, SigningKey};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::exit::{Failure, Outcome};
use crate::{files, output};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
It is valid from 00:00 UTC of --created (without it: from ever) until 00:00 UTC
of --expires. Claims with a meaning of their own: license_key, support_plan,
plan (PAID, FREE or TRIAL), features (a comma list), application. Others are
kept and shown.

Examples:
  lictor license issue --key vendor.key --customer 'Acme Ltd' \\
    --product 'Gateway' --seats 10 --expires 2030-01-01 > acme.json
  lictor license issue --key vendor.key --customer 'Acme Ltd' \\
    --product 'Gateway' --created 2027-01-01 --expires 2028-01-01 \\
    --claim license_key=ACME-1 --claim features=sso,audit > acme-2027.json";

/// Usage of the command, in lines that fit.
const USAGE: &str = "\
lictor license issue [OPTIONS] --key <NAME.key> --customer <NAME>
                            --product <NAME> --expires <YYYY-MM-DD>";

/// `lictor license issue`
#[derive(Args, Debug)]
#[command(override_usage = USAGE)]
pub(crate) struct Issue {
    /// Private key to sign with
    #[arg(
        long,
        value_name = "NAME.key",
        env = "LICTOR_KEY",
        hide_env_values = true
    )]
    key: PathBuf,
    /// Who bought it
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    customer: String,
    /// What was bought; it also names the application
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    product: String,
    /// Seats [default: unlimited]
    #[arg(long, value_name = "N", value_parser = count())]
    seats: Option<u32>,
    /// Data planes (nodes) [default: unlimited]
    #[arg(long, value_name = "N", value_parser = count())]
    dataplanes: Option<u32>,
    /// The first day on which it is no longer valid
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    expires: Date,
    /// The first day on which it is valid
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = date)]
    created: Option<Date>,
    /// The only organization that may use it, by its id
    #[arg(long = "for", value_name = "UUID")]
    organization: Option<Uuid>,
    /// Another claim; may be given again
    #[arg(long, value_name = "NAME=VALUE", value_parser = claim)]
    claim: Vec<(String, String)>,
}

fn count() -> RangedI64ValueParser<u32> {
    RangedI64ValueParser::new().range(0..=i64::from(MAX_COUNT))
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).ok_or_else(|| "not a date such as 2030-01-01".to_owned())
}

fn claim(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("not of the form NAME=VALUE".to_owned()),
    }
}

/// Prints the document.
pub(crate) fn run(issue: Issue) -> Outcome {
    let key = SigningKey::from_pem(&files::read_secret(&issue.key)?)
        .map_err(|error| Failure::Usage(format!("{}: {error}", issue.key.display())))?;
    output::line(&document(issue, &key)?)
}

fn document(issue: Issue, key: &SigningKey) -> Outcome<String> {
    if issue
        .created
        .is_some_and(|created| created >= issue.expires)
    {
        let text = "it would never be valid: --expires must be later than --created";
        return Err(Failure::Usage(text.to_owned()));
    }
    let mut payload = Map::new();
    let known = [
        ("customer", Some(issue.customer)),
        ("product_subscription", Some(issue.product)),
        ("admin_seats", issue.seats.map(|count| count.to_string())),
        (
            "dataplanes",
            issue.dataplanes.map(|count| count.to_string()),
        ),
        ("license_expiration_date", Some(issue.expires.into())),
        ("license_creation_date", issue.created.map(String::from)),
        ("organization", issue.organization.map(|id| id.to_string())),
    ];
    let known = known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    for (name, value) in known.chain(issue.claim) {
        if payload.contains_key(&name) {
            let text = format!("claim {name} is given twice, as --claim or by its own option");
            return Err(Failure::Usage(text));
        }
        payload.insert(name, Value::String(value));
    }
    let named = payload.contains_key("application");
    let payload = Value::Object(payload).to_string();
    // What no server would take is not signed.
    let claims = Claims::read(&payload).map_err(|error| Failure::Usage(error.to_string()))?;
    let document = key.sign(&payload);
    if document.len() > MAX_PAYLOAD_BYTES {
        let text = format!("the document would have more than {MAX_PAYLOAD_BYTES} bytes");
        return Err(Failure::Usage(text));
    }
    if !named && claims.application == slug("") {
        output::note(
            "the product has no ASCII letters or digits to name its application by, so it is \
             called `license`; name it with --claim application=KEY",
        );
    }
    Ok(document)
}
