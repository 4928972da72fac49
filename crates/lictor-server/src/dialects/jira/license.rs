//! The license resources: plans, the total, and the count of one product.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_authority::permits::Permit;
use lictor_authority::right::{Applications, Read};

use super::Ask;
use super::error::Refusal;
use super::wire::{self, License, LicenseMetric};

/// The products that clients may ask for although no application has their key.
const PRODUCTS: [&str; 4] = [
    "jira-core",
    "jira-product-discovery",
    "jira-servicedesk",
    "jira-software",
];

pub(super) async fn plans(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let authority = &ask.server.authority;
    let permit: Permit<'_, Applications, Read> = ask.call()?.permit()?;
    let all = authority.figures(permit).await?;
    Ok(wire::json(StatusCode::OK, &License::of(&all.figures)))
}

pub(super) async fn total(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let census = ask.server.authority.census(ask.call()?.permit()?).await?;
    let metric = LicenseMetric::of("license.totalApproximateUserCount", census.accounts());
    Ok(wire::json(StatusCode::OK, &metric))
}

pub(super) async fn product(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let authority = &ask.server.authority;
    let count = authority.census_of(ask.call()?.permit()?, ask.key).await?;
    let count = match count {
        Some(count) => count,
        None if PRODUCTS.contains(&ask.key) => 0,
        None => return Err(Refusal::UnknownProduct(ask.key.to_owned())),
    };
    let key = format!("license.{}.approximateUserCount", ask.key);
    Ok(wire::json(StatusCode::OK, &LicenseMetric::of(&key, count)))
}
