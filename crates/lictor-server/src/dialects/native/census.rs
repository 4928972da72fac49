//! How many distinct accounts count, how old that figure is, and a way to take it now.

use lictor_api::answer::Shown;
use lictor_api::census::{Census as Shows, TakenCensus, WrittenCensus};
use lictor_api::permits::{Census, Permit, Read, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::values::{Instant, Nothing, Written};
use lictor_authority::{Call, Census as Taken};

use super::error::Problem;
use super::frame::{Answered, Ask};
use super::paging::Paging;
use super::wire::counts;

pub(super) async fn show(
    ask: Ask<Permit<Census, Read>, Page, NoBody, Shown<Shows>>,
) -> Result<Answered<Shown<Shows>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, None)?;
    let census = ask.server.authority.census(permit).await?;
    ask.answer(&Shown(view(&census, &page, &ask.call)))
}

fn view(census: &Taken, page: &Paging, call: &Call) -> Shows {
    let after = page.after_text();
    let follows = |(key, _): &(&str, u64)| after.is_none_or(|after| *key > after);
    let rows = census.applications().filter(follows);
    let (rows, next_cursor) = page.rows_of(rows, |(key, _)| (*key).to_owned());
    Shows {
        accounts: census.accounts(),
        taken_at: Instant(call.now.shown(census.taken_at)),
        age_seconds: call.now.elapsed().since(census.taken_at),
        next_at: Instant(call.now.shown(census.next_at)),
        data: rows.into_iter().map(counts::census_row).collect(),
        next_cursor,
    }
}

pub(super) async fn take(
    ask: Ask<Permit<Census, Write>, NoQuery, Nothing, Shown<WrittenCensus>>,
) -> Result<Answered<Shown<WrittenCensus>>, Problem> {
    let permit = ask.permit()?;
    let census = ask.server.authority.take_census(permit).await?;
    let written = match ask.told.is_all() {
        true => Written::Whole(view(&census, &Paging::first(permit), &ask.call)),
        false => Written::Part(TakenCensus {
            taken_at: Instant(ask.call.now.shown(census.taken_at)),
        }),
    };
    ask.answer(&Shown(written))
}
