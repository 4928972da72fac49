//! `/v1/ledger`: the entries of a stream, shown and never changed.

use std::str::FromStr;

use axum::extract::State;
use axum::http::Uri;
use lictor_authority::ListedEntry;

use super::auth::Caller;
use super::error::{Problem, invalid};
use super::page::{Page, Query};
use super::wire::{EntryView, List};
use crate::settings::Server;

/// The greatest position that can be asked for: 2^53 - 1.
const MAX_POSITION: u64 = (1 << 53) - 1;

/// Where a cursor goes on.
struct Position(u64);

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let position = text.parse().ok();
        let position = position.filter(|position| *position <= MAX_POSITION);
        position.map(Self).ok_or(())
    }
}

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, mut query) = Query::begin(&call, &uri)?;
    let of_installation = match query.take("stream")?.as_deref() {
        None | Some("organization") => false,
        Some("installation") => true,
        Some(_) => return Err(invalid("stream", "use organization or installation")),
    };
    let begin = query.take_number("after", 0..=MAX_POSITION)?.unwrap_or(0);
    let filter = of_installation.then_some("installation");
    let page = Page::take(query, &call, filter)?;
    // A cursor goes on where the page before ended, wherever the first one began.
    let after = page.after()?.map_or(begin, |Position(after)| after);
    let (authority, rows) = (&server.authority, page.rows());
    let entries = match of_installation {
        false => authority.entries(permit, after, rows).await?,
        true => {
            let permit = call.permit()?;
            authority
                .entries_of_installation(permit, after, rows)
                .await?
        }
    };
    let key = |entry: &ListedEntry| entry.position.to_string();
    page.cut(entries, key, EntryView::from_entry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_goes_on_at_a_position_that_a_stream_can_have() {
        for (text, taken) in [
            ("0", true),
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("9223372036854775808", false),
            ("18446744073709551615", false),
            ("-1", false),
            ("x", false),
        ] {
            assert_eq!(text.parse::<Position>().is_ok(), taken, "{text}");
        }
    }
}
