//! `lictor license verify`: checks a license document against public keys, offline.

use std::path::PathBuf;

use clap::Args;
use clap::builder::{OsStringValueParser, TypedValueParser as _};
use lictor_authority::clock::Clock;
use lictor_core::{Claims, Date, Document, DocumentError, KeyId, TrustSet};
use serde_json::{Value, json};

use crate::exit::{Failure, Outcome};
use crate::value_parsers::listed_file;
use crate::{document_files, output, server};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
Exit code 0 if the signature matches and the license is valid today; otherwise 1
and the reason.

Example:
  lictor license verify --trust vendor.pub acme.json";

/// `lictor license verify`
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// Public key to trust; repeatable
    #[arg(
        long,
        value_name = "NAME.pub",
        env = "LICTOR_TRUST",
        hide_env_values = true,
        value_delimiter = ',',
        value_parser = OsStringValueParser::new().try_map(listed_file),
        required = true
    )]
    trust: Vec<PathBuf>,
    /// The document; `-` reads standard input
    file: PathBuf,
}

/// Prints a summary, or fails with the reason.
pub(crate) fn run(verify: &Verify, json: bool) -> Outcome {
    let mut pems = Vec::new();
    for file in &verify.trust {
        pems.push(server::read_public_key(file)?.to_pem());
    }
    let trust = TrustSet::from_pem(pems.iter().map(String::as_str)).map_err(refused)?;
    let text = document_files::read_license(&verify.file)?;
    let document = Document::parse(&text).map_err(refused)?;
    let key = document.verify(&trust).map_err(refused)?;
    let claims = document.claims().map_err(refused)?;
    let now = Clock::System.now();
    let validity = claims.validity();
    if validity.has_expired(now) {
        let date = claims.expiration_date;
        return Err(Failure::Refused(format!(
            "the signature is good, but the license expired on {date}"
        )));
    }
    if let Some(date) = claims.creation_date.filter(|_| !validity.has_begun(now)) {
        return Err(Failure::Refused(format!(
            "the signature is good, but the license is not valid before {date}"
        )));
    }
    let days_left = validity.days_left(now);
    if json {
        summary_json(&document, &claims, key, days_left)
    } else {
        summary(&claims, key, days_left)
    }
}

fn summary_json(document: &Document<'_>, claims: &Claims, key: KeyId, days_left: i64) -> Outcome {
    let date = |date: Option<Date>| date.map(String::from);
    let text = json!({
        "valid": true,
        "signed_by": key,
        "customer": claims.customer,
        "product_subscription": claims.product_subscription,
        "application": claims.application,
        "organization": claims.organization,
        "plan": claims.plan.as_str(),
        "admin_seats": claims.admin_seats,
        "dataplanes": claims.dataplanes,
        "features": claims.features,
        "license_creation_date": date(claims.creation_date),
        "license_expiration_date": date(Some(claims.expiration_date)),
        "days_left": days_left,
        "payload": serde_json::from_str::<Value>(document.payload()).ok(),
    });
    output::json(&text.to_string())
}

fn summary(claims: &Claims, key: KeyId, days_left: i64) -> Outcome {
    let count = |count: Option<u32>| {
        count.map_or_else(|| "unlimited".to_owned(), |n| output::figure(u64::from(n)))
    };
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let from = claims
        .creation_date
        .map_or_else(|| "ever".to_owned(), String::from);
    let until = format!("{} (00:00 UTC)", claims.expiration_date);
    let mut rows = vec![
        ("valid", "yes".to_owned()),
        ("customer", text(&claims.customer)),
        ("product", text(&claims.product_subscription)),
        ("application", claims.application.clone()),
        ("plan", claims.plan.as_str().to_owned()),
        ("seats", count(claims.admin_seats)),
        ("data planes", count(claims.dataplanes)),
        ("valid from", from),
        ("valid until", until),
        ("days left", days_left.to_string()),
        ("signed by", key.to_string()),
    ];
    let organization = claims.organization.map(|id| format!("{id} alone"));
    let features = (!claims.features.is_empty()).then(|| claims.features.join(", "));
    let optional = [
        ("organization", organization),
        ("features", features),
        ("license key", claims.license_key.clone()),
        ("support plan", claims.support_plan.clone()),
    ];
    rows.extend(
        optional
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    let others = claims.unknown.iter();
    rows.extend(others.map(|(name, value)| (name.as_str(), value.clone())));
    output::details(&rows)
}

fn refused(error: DocumentError) -> Failure {
    match error {
        DocumentError::UnknownKey(id) => Failure::Refused(format!(
            "it is signed with key {id}, which is not one of those given with --trust"
        )),
        error => Failure::Refused(error.to_string()),
    }
}
