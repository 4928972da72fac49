//! `/v1/refusals`: who was refused a seat, when and why.

use std::str::FromStr;

use axum::extract::State;
use axum::http::Uri;
use lictor_authority::permits::Permit;
use lictor_authority::right::{Read, Seats};
use lictor_authority::{RefusalSum, Refused, RefusedKey, SumKey};

use super::auth::Caller;
use super::error::{Problem, invalid};
use super::page::{Page, Query};
use super::wire::List;
use super::wire::kept::{RefusalSumView, RefusalView};
use crate::settings::Server;

/// What stands between the parts of a place; no part can hold it, as none holds control characters.
const BETWEEN: char = '\u{1f}';

/// Where the list goes on.
struct Place(RefusedKey);

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split(BETWEEN).collect();
        let [minute, application, kind, holder, reason] = parts.as_slice() else {
            return Err(());
        };
        Ok(Self(RefusedKey {
            minute: minute.parse().map_err(|_| ())?,
            application: (*application).to_owned(),
            kind: (*kind).to_owned(),
            holder: (*holder).to_owned(),
            reason: (*reason).to_owned(),
        }))
    }
}

fn place_of(refused: &Refused) -> String {
    let refusal = &refused.refusal;
    let (kind, holder) = (refusal.holder.kind(), refusal.holder.text());
    let minute = refused.minute.to_string();
    let (application, reason) = (refusal.application.as_str(), refusal.reason.as_str());
    [minute.as_str(), application, kind, &holder, reason].join(&BETWEEN.to_string())
}

/// Where the list of sums goes on.
struct SumPlace(SumKey);

impl FromStr for SumPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<&str> = text.split(BETWEEN).collect();
        let [hour, application, reason] = parts.as_slice() else {
            return Err(());
        };
        Ok(Self(SumKey {
            hour: hour.parse().map_err(|_| ())?,
            application: (*application).to_owned(),
            reason: (*reason).to_owned(),
        }))
    }
}

fn place_of_sum(sum: &RefusalSum) -> String {
    let hour = sum.hour.to_string();
    [hour.as_str(), &sum.application, sum.reason.as_str()].join(&BETWEEN.to_string())
}

async fn sums(
    server: &Server,
    permit: Permit<'_, Seats, Read>,
    query: Query,
) -> Result<List, Problem> {
    let page = Page::take(query, permit.call(), Some("refusals by hour"))?;
    let before = page.after::<SumPlace>()?.map(|SumPlace(key)| key);
    let sums = server
        .authority
        .refusal_sums(permit, before.as_ref(), page.rows())
        .await?;
    page.cut(sums, place_of_sum, RefusalSumView::from_sum)
}

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, mut query) = Query::begin(&call, &uri)?;
    match query.take("by")?.as_deref() {
        None => {}
        Some("hour") => return sums(&server, permit, query).await,
        Some(_) => return Err(invalid("by", "use hour")),
    }
    let page = Page::take(query, &call, Some("refusals"))?;
    let before = page.after::<Place>()?.map(|Place(key)| key);
    let refusals = server
        .authority
        .refusals(permit, before.as_ref(), page.rows())
        .await?;
    let key = |(refused, _): &(Refused, _)| place_of(refused);
    page.cut(refusals, key, RefusalView::from_refused)
}
