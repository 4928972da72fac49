//! Record, correct and show request counts. How counts are merged is decided elsewhere.

use std::str::FromStr;
use std::sync::Arc;

use lictor_api::answer::Shown;
use lictor_api::permits::{Corrections, Permit, Read, Usage, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::usage::{
    CorrectUsage, CorrectedUsage, RecordUsage, RecordedUsage, UsageEnd, UsageList,
};
use lictor_authority::{Corrected, Recorded};
use lictor_core::facts::usage::{UsageKey, UsageReport, UsageRow};

use super::error::Problem;
use super::frame::{Answered, Ask, Kept};
use super::paging::{Paging, ended};
use super::wire::usage;

pub(super) async fn list(
    ask: Ask<Permit<Usage, Read>, Page, NoBody, Shown<UsageList>>,
) -> Result<Answered<Shown<UsageList>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, None)?;
    let after = page.after::<Place>()?.map(|Place(key)| key);
    let authority = &ask.server.authority;
    let found = authority.usage(permit, after.as_ref(), page.rows()).await?;
    let (text, next_cursor) = page.fill(found.rows, place_of, |row| Ok(usage::count(row)))?;
    let end = UsageEnd {
        next_cursor,
        total_requests: found.total,
    };
    ended(text, &end)
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
    mut ask: Ask<Permit<Usage, Write>, NoQuery, RecordUsage, Shown<RecordedUsage>>,
) -> Result<Answered<Shown<RecordedUsage>>, Problem> {
    let now = ask.call.now.wall();
    let reports = usage::reports(std::mem::take(&mut ask.body), now);
    let reports: Arc<[UsageReport]> = reports.into();
    let told = ask.told;
    let render = move |parts: &[&Vec<Recorded>]| {
        Shown(usage::recorded(parts.iter().copied().flatten(), told))
    };
    ask.keep_of_parts_if(move |parts: &[&Vec<Recorded>]| {
        let mut recorded = parts.iter().copied().flatten();
        let all = recorded.all(|one| one.refused.is_none());
        all.then(|| Kept::Answer(render(parts)))
    });
    let authority = &ask.server.authority;
    let recorded = authority.record_usage(ask.permit()?, reports).await;
    let recorded = recorded.map_err(|error| told.problem(error))?;
    ask.answer(&render(&recorded.outcomes()?))
}

pub(super) async fn correct(
    mut ask: Ask<Permit<Corrections, Write>, NoQuery, CorrectUsage, Shown<CorrectedUsage>>,
) -> Result<Answered<Shown<CorrectedUsage>>, Problem> {
    let (told, named) = (ask.told, ask.body.source.is_some());
    let request = usage::correction(ask.body.clone());
    let answer = move |corrected: &Corrected| Shown(usage::corrected(corrected, named, told));
    ask.keep(move |corrected| Kept::Answer(answer(corrected)));
    let authority = &ask.server.authority;
    let corrected = authority.correct_usage(ask.permit()?, request).await;
    let corrected = corrected.map_err(|error| told.problem(error))?;
    ask.answer(&answer(&corrected))
}
