//! `/v1/ledger`: the entries of a stream, shown and never changed.

use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use lictor_core::Resource;

use super::auth::Caller;
use super::error::{Problem, invalid};
use super::page::{Page, Query};
use super::wire::{EntryView, List};
use crate::authority::Stream;
use crate::settings::Server;

/// The greatest position that can be asked for: 2^53 - 1.
const MAX_POSITION: u64 = (1 << 53) - 1;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<List<EntryView>>, Problem> {
    let mut query = Query::begin(&call, Resource::Ledger, &uri)?;
    let stream = match query.take("stream")?.as_deref() {
        None | Some("organization") => Stream::Organization,
        Some("installation") => Stream::Installation,
        Some(_) => return Err(invalid("stream", "use organization or installation")),
    };
    let begin = query.take_number("after", 0..=MAX_POSITION)?.unwrap_or(0);
    let filter = (stream == Stream::Installation).then_some("installation");
    let page = Page::take(query, &call, filter)?;
    // A cursor goes on where the page before ended, wherever the first one began.
    let after = page.after()?.unwrap_or(begin);
    let entries = server
        .authority
        .entries(&call, stream, after, page.rows())
        .await?;
    let page = page.cut(entries, |entry| entry.position.to_string());
    Ok(Json(page.map(EntryView::from_entry)))
}
