//! `__features`: the license count, the list of features, and single ones.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use axum::response::Response;
use lictor_authority::Applications;
use lictor_authority::permits::Permit;
use lictor_authority::right::{Read, Seats};
use lictor_core::whole_number;

use super::Ask;
use super::error::Refusal;
use super::labels::label;
use super::wire::{self, Feature, Features, Info};

/// The feature whose details are the license count.
const USER_LICENSES: &str = "user_licenses";

/// The longest name of a module, in characters.
const MAX_MODULE: usize = 25;

/// How many rows a page has at most, and how many rows pages reach.
const MAX_PER_PAGE: usize = 200;
const REACH: usize = 2_000;

pub(super) async fn user_licenses(
    ask: &Ask<'_>,
    permit: Permit<'_, Seats, Read>,
) -> Result<Response, Refusal> {
    let all = ask.server.authority.figures(permit).await?;
    let feature = count(ask, &all);
    Ok(wire::json(StatusCode::OK, &Features::only(feature)))
}

fn count<'a>(ask: &'a Ask<'_>, all: &Applications) -> Feature<'a> {
    let label = label(ask.language());
    Feature::of_count(USER_LICENSES, &all.figures, label)
}

pub(super) async fn one(
    ask: &Ask<'_>,
    permit: Permit<'_, Seats, Read>,
) -> Result<Response, Refusal> {
    let by_module = module(ask)?;
    let all = ask.server.authority.figures(permit).await?;
    if by_module || !all.features().contains(ask.name) {
        return Ok(wire::nothing());
    }
    let feature = Feature::plain(ask.name);
    Ok(wire::json(StatusCode::OK, &Features::only(feature)))
}

pub(super) async fn list(
    ask: &Ask<'_>,
    permit: Permit<'_, Seats, Read>,
) -> Result<Response, Refusal> {
    let by_module = module(ask)?;
    let per_page = number(ask, "per_page", MAX_PER_PAGE)?.unwrap_or(MAX_PER_PAGE);
    let page = number(ask, "page", REACH)?.unwrap_or(1);
    if ask.parameter("page_token").is_some() {
        // None was ever given: no list is longer than what pages reach.
        return Err(Refusal::InvalidData("page_token"));
    }
    if (page - 1) * per_page >= REACH {
        return Err(Refusal::InvalidData("page"));
    }
    let names = ask.parameter("api_names");
    let names: Option<BTreeSet<&str>> = names.as_deref().map(|names| names.split(',').collect());
    let wanted = |name: &str| names.as_ref().is_none_or(|names| names.contains(name));
    let all = ask.server.authority.figures(permit).await?;
    let mut rows = Vec::new();
    if wanted(USER_LICENSES) {
        rows.push(count(ask, &all));
    }
    let others = all.features().iter().filter(|name| *name != USER_LICENSES);
    let others = others.filter(|name| wanted(name));
    let from = (page - 1) * per_page;
    rows.extend(
        others
            .take(from + per_page + 1)
            .map(|name| Feature::plain(name)),
    );
    let more_records = rows.len() > from + per_page;
    let rows: Vec<_> = rows.into_iter().skip(from).take(per_page).collect();
    // No feature belongs to a module.
    if by_module || rows.is_empty() {
        return Ok(wire::nothing());
    }
    let info = Info {
        per_page,
        count: rows.len(),
        page,
        more_records,
    };
    Ok(wire::json(StatusCode::OK, &Features::page(rows, info)))
}

/// Whether a module is asked for.
fn module(ask: &Ask<'_>) -> Result<bool, Refusal> {
    let Some(module) = ask.parameter("module") else {
        return Ok(false);
    };
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if (1..=MAX_MODULE).contains(&module.len()) && module.bytes().all(allowed) {
        return Ok(true);
    }
    Err(Refusal::InvalidModule)
}

fn number(ask: &Ask<'_>, name: &'static str, most: usize) -> Result<Option<usize>, Refusal> {
    let Some(text) = ask.parameter(name) else {
        return Ok(None);
    };
    let number = whole_number::of_text(&text).and_then(|number| usize::try_from(number).ok());
    let number = number.filter(|number| (1..=most).contains(number));
    number.map(Some).ok_or(Refusal::InvalidData(name))
}
