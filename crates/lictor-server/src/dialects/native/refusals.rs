//! `/v1/refusals`: who was refused a seat, when and why.

use std::str::FromStr;

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use lictor_core::{Holder, Resource};

use super::auth::Caller;
use super::error::Problem;
use super::page::{Page, Query};
use super::wire::List;
use super::wire::held::RefusalView;
use crate::authority::{Refused, RefusedKey};
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
    let (kind, holder) = match &refusal.holder {
        Holder::Account(id) => ("account", id.to_string()),
        Holder::Lease(holder) => ("lease", holder.clone()),
    };
    let minute = refused.minute.to_string();
    let (application, reason) = (refusal.application.as_str(), refusal.reason.as_str());
    [minute.as_str(), application, kind, &holder, reason].join(&BETWEEN.to_string())
}

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<List<RefusalView>>, Problem> {
    let query = Query::begin(&call, Resource::Seats, &uri)?;
    let page = Page::take(query, &call, Some("refusals"))?;
    let before = page.after::<Place>()?.map(|Place(key)| key);
    let refusals = server
        .authority
        .refusals(&call, before.as_ref(), page.rows())
        .await?;
    let page = page.cut(refusals, |(refused, _)| place_of(refused));
    Ok(Json(page.map(RefusalView::from_refused)))
}
