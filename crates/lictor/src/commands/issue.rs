//! `lictor license issue`: signs a license document, offline.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use lictor_authority::random;
use lictor_core::document::claims::MAX_COUNT;
use lictor_core::facts::license::MAX_PAYLOAD_BYTES;
use lictor_core::{Claims, Date, SigningKey};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::issue_names::{check_claim, check_key};
use crate::exit::{self, Failure, Outcome};
use crate::time_parsers::{self, Day};
use crate::{files, output, value_parsers};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
The license is valid from 00:00 UTC of --created (without it, it has always
begun) until 00:00 UTC of --expires. Both take a date, or a time from now: a
number and d (days), w (weeks), mo (months) or y (years). If --created is given,
--expires counts from it. Claims with a meaning of their own: support_plan, plan
(PAID, FREE or TRIAL), features (a comma list). Others are kept and shown, but
one that resembles a known one, such as `seats` or `expires`, is refused.

Examples:
  lictor license issue --key vendor.key --customer 'Acme Ltd' \\
    --product 'Gateway' --seats 10 --expires 1y --out acme.json
  lictor license issue --key vendor.key --customer 'Acme Ltd' \\
    --product 'Gateway' --created 2027-01-01 --expires 2028-01-01 \\
    --license-key ACME-1 --claim features=sso,audit > acme-2027.json";

/// Usage of the command, in lines that fit.
const USAGE: &str = "\
lictor license issue [OPTIONS] --key <NAME.key> --customer <NAME>
                            --product <NAME> --expires <YYYY-MM-DD>";

/// `lictor license issue`
#[derive(Args, Debug)]
#[command(override_usage = USAGE)]
pub(crate) struct Issue {
    /// Private key to sign with; `-` reads standard input
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
    /// The application's key [default: the product's lower-case letters and digits]
    #[arg(long, value_name = "KEY")]
    application: Option<String>,
    /// What to call the license [default: a random id]
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    license_key: Option<String>,
    /// Seats [default: unlimited]
    #[arg(long, value_name = "N", value_parser = count)]
    seats: Option<u64>,
    /// Data planes (nodes) [default: unlimited]
    #[arg(long, value_name = "N", value_parser = count)]
    dataplanes: Option<u64>,
    /// The first day on which the license is no longer valid: a date, or a time such as 30d, 6mo or 1y
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = time_parsers::day)]
    expires: Day,
    /// The first day on which the license is valid
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = time_parsers::day)]
    created: Option<Day>,
    /// The only organization that may use it, by its id
    #[arg(long = "for", value_name = "UUID", value_parser = organization)]
    organization: Option<Uuid>,
    /// Another claim; repeatable
    #[arg(long, value_name = "NAME=VALUE", value_parser = claim)]
    claim: Vec<(String, String)>,
    /// Write the document to this new file; `-` prints it, as without this option
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn count(text: &str) -> Result<u64, String> {
    value_parsers::number(text, u64::from(MAX_COUNT))
}

fn organization(text: &str) -> Result<Uuid, String> {
    let id = Uuid::parse_str(text.trim());
    id.map_err(|_| "not the id of an organization; `lictor organization list` shows it".to_owned())
}

fn claim(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            check_claim(name)?;
            Ok((name.to_owned(), value.to_owned()))
        }
        _ => Err("write NAME=VALUE, such as features=sso,audit".to_owned()),
    }
}

/// Prints the document, or writes it to a new file.
pub(crate) fn run(issue: Issue, json: bool) -> Outcome {
    let key = SigningKey::from_pem(&files::read_secret(&issue.key)?)
        .map_err(|error| Failure::Usage(format!("{}: {error}", files::shown(&issue.key))))?;
    let out = issue.out.clone();
    let (document, claims) = document(issue, &key)?;
    let Some(out) = out.filter(|out| !files::is_standard(out)) else {
        return output::line(&document);
    };
    files::create(&out, &format!("{document}\n"), 0o644)?;
    let file = out.display().to_string();
    if json {
        let made = json!({
            "file": file, "application": claims.application, "license_key": claims.license_key,
            "license_expiration_date": claims.expiration_date.to_string(),
        });
        return output::json(&made.to_string());
    }
    output::note(&format!(
        "{file}: a license for {}, until {} (00:00 UTC)",
        claims.application, claims.expiration_date
    ));
    Ok(())
}

fn document(issue: Issue, key: &SigningKey) -> Outcome<(String, Claims)> {
    let (created, expires) = dates(&issue)?;
    let named = issue.application.is_some();
    let named = named || issue.claim.iter().any(|(name, _)| name == "application");
    let key_note = check_key(&issue.product, named).map_err(Failure::Usage)?;
    let own_key = issue.claim.iter().any(|(name, _)| name == "license_key");
    let license_key = match issue.license_key {
        None if !own_key => Some(random_id()?),
        given => given,
    };
    let mut payload = Map::new();
    let known = [
        ("customer", Some(issue.customer)),
        ("product_subscription", Some(issue.product)),
        ("application", issue.application),
        ("license_key", license_key),
        ("admin_seats", issue.seats.map(|count| count.to_string())),
        (
            "dataplanes",
            issue.dataplanes.map(|count| count.to_string()),
        ),
        ("license_expiration_date", Some(expires.into())),
        ("license_creation_date", created.map(String::from)),
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
    let payload = Value::Object(payload).to_string();
    // What no server would take is not signed.
    let claims = Claims::read(&payload).map_err(|error| Failure::Usage(error.to_string()))?;
    let document = key.sign(&payload);
    if document.len() > MAX_PAYLOAD_BYTES {
        let text = format!("the document would have more than {MAX_PAYLOAD_BYTES} bytes");
        return Err(Failure::Usage(text));
    }
    key_note.iter().for_each(|note| output::note(note));
    notes(&claims);
    Ok((document, claims))
}

/// When it begins and ends.
fn dates(issue: &Issue) -> Outcome<(Option<Date>, Date)> {
    let too_far = || Failure::Usage("the last date there can be is 9999-12-31".to_owned());
    let today = time_parsers::today();
    let created = issue
        .created
        .as_ref()
        .map(|day| day.from(today).ok_or_else(too_far));
    let created = created.transpose()?;
    let expires = issue
        .expires
        .from(created.unwrap_or(today))
        .ok_or_else(too_far)?;
    if created.is_some_and(|created| created >= expires) {
        let text = "it would never be valid: --expires must be later than --created";
        return Err(Failure::Usage(text.to_owned()));
    }
    Ok((created, expires))
}

/// Says what may not have been meant.
fn notes(claims: &Claims) {
    if claims.expiration_date <= time_parsers::today() {
        output::note(&format!(
            "warning: it has ended already: --expires {} is not in the future",
            claims.expiration_date
        ));
    }
    if claims.admin_seats.is_none() {
        output::note("seats are unlimited: no --seats is given");
    }
}

fn random_id() -> Outcome<String> {
    let bytes = random::bytes().map_err(exit::no_randomness)?;
    Ok(uuid::Builder::from_random_bytes(bytes)
        .into_uuid()
        .to_string())
}
