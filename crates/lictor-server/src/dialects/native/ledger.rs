//! The entries of a stream, shown and never changed.

use std::str::FromStr;

use lictor_api::answer::Shown;
use lictor_api::ledger::{Change, Entry};
use lictor_api::list::{List, Next};
use lictor_api::permits::{Ledger, Permit, Read};
use lictor_api::query::{Ledger as Which, MAX_POSITION, Stream};
use lictor_api::row::NoBody;
use lictor_api::values::Instant;
use lictor_authority::ListedEntry;
use lictor_core::Error;

use super::error::Problem;
use super::frame::{Answered, Ask};
use super::paging::{Paging, ended};

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
    ask: Ask<Permit<Ledger, Read>, Which, NoBody, Shown<List<Entry>>>,
) -> Result<Answered<Shown<List<Entry>>>, Problem> {
    let (permit, query) = (ask.permit()?, &ask.query);
    let filter = match query.stream {
        Stream::Organization => None,
        Stream::Installation => Some("installation"),
    };
    let page = Paging::of(&query.page, permit, filter)?;
    // A cursor goes on where the page before ended, wherever the first one began.
    let begin = query.after.unwrap_or(0);
    let after = page.after()?.map_or(begin, |Position(after)| after);
    let (authority, rows) = (&ask.server.authority, page.rows());
    let entries = match query.stream {
        Stream::Organization => authority.entries(permit, after, rows).await?,
        Stream::Installation => {
            let permit = ask.call.permit()?;
            authority
                .entries_of_installation(permit, after, rows)
                .await?
        }
    };
    let key = |entry: &ListedEntry| entry.position.to_string();
    let (text, next_cursor) = page.fill(entries, key, entry)?;
    ended(text, &Next { next_cursor })
}

fn entry(entry: ListedEntry) -> Result<Entry, Problem> {
    Ok(Entry {
        stream: entry.stream,
        position: entry.position,
        at: Instant(entry.at),
        actor: entry.actor,
        change: Change::of(&entry.change).map_err(Error::internal)?,
    })
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
