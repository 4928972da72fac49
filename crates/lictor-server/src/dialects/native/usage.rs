//! `/v1/usage`: record, correct and show request counts. How counts are merged is decided elsewhere.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use lictor_authority::{Corrected, Recorded};
use lictor_core::facts::usage::{UsageKey, UsageReport, UsageRow};

use super::auth::Caller;
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::page::{Page, Query};
use super::wire::usage::{CorrectedView, CountView, NewCorrection, NewUsage, RecordedView};
use super::wire::{self, List};
use crate::settings::Server;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let page = Page::take(query, &call, None)?;
    let after = page.after::<Place>()?.map(|Place(key)| key);
    let authority = &server.authority;
    let usage = authority.usage(permit, after.as_ref(), page.rows()).await?;
    let mut list = page.cut(usage.rows, place_of, CountView::of)?;
    list.total = Some(usage.total);
    Ok(list)
}

/// What stands between the parts of a place; no part can hold it, as none holds control characters.
const BETWEEN: char = '\u{1f}';

/// Where the list goes on.
struct Place(UsageKey);

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split(BETWEEN).collect();
        let [month, service, source] = parts.as_slice() else {
            return Err(());
        };
        Ok(Self(UsageKey {
            month: (*month).to_owned(),
            service: (*service).to_owned(),
            source: (*source).to_owned(),
        }))
    }
}

fn place_of(row: &UsageRow) -> String {
    let UsageKey {
        month,
        service,
        source,
    } = &row.key;
    [month.as_str(), service, source].join(&BETWEEN.to_string())
}

pub(super) async fn record(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<NewUsage, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let now = post.call.now.wall();
    let reports = std::mem::take(&mut post.request).into_reports(now);
    let reports: Arc<[UsageReport]> = reports.into();
    let told = post.told.clone();
    let render = move |parts: &[&Vec<Recorded>]| {
        wire::answer(
            200,
            &RecordedView::of(parts.iter().copied().flatten(), &told),
        )
    };
    let kept = render.clone();
    post.keep_of_parts_if(move |parts: &[&Vec<Recorded>]| {
        let mut recorded = parts.iter().copied().flatten();
        recorded
            .all(|one| one.refused.is_none())
            .then(|| kept(parts))
    });
    let recorded = server.authority.record_usage(post.permit(), reports).await;
    let recorded = recorded.map_err(|error| post.told.problem(error))?;
    Ok(post.respond(render(&recorded.outcomes()?)))
}

pub(super) async fn correct(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let post = match Post::<NewCorrection, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let (mut post, request) = post.split();
    let request = request.into_request();
    let told = post.told.clone();
    let answer =
        move |corrected: &Corrected| told.answer(200, &CorrectedView::of(corrected), &["position"]);
    post.keep(answer.clone());
    let corrected = server.authority.correct_usage(post.permit(), request).await;
    let corrected = corrected.map_err(|error| post.told.problem(error))?;
    Ok(post.respond(answer(&corrected)))
}
