//! What was bought, what is used and what is left.

use lictor_api::answer::Shown;
use lictor_api::counts::{CountEnd, CountList};
use lictor_api::permits::{Permit, Read, Seats};
use lictor_api::query::OfApplication;
use lictor_api::row::NoBody;
use lictor_core::Error;
use lictor_core::error::Kind;
use lictor_core::facts::figures::OrganizationFigures;

use super::error::Problem;
use super::frame::{Answered, Ask};
use super::paging::{Paging, ended};
use super::wire::counts;

pub(super) async fn show(
    ask: Ask<Permit<Seats, Read>, OfApplication, NoBody, Shown<CountList>>,
) -> Result<Answered<Shown<CountList>>, Problem> {
    let permit = ask.permit()?;
    let application = ask.query.application.as_deref();
    let page = Paging::of(&ask.query.page, permit, application)?;
    let all = ask.server.authority.figures(permit).await?;
    let Some(key) = application else {
        let rows = all.after(page.after_text()).map(|(row, _)| row);
        let key = |row: &&_| counts::key(row);
        let (text, next_cursor) = page.fill(rows, key, |row| Ok(counts::count(row)))?;
        let total = counts::total(&all.figures);
        return ended(text, &CountEnd { next_cursor, total });
    };
    let Some((row, _)) = all.one(key) else {
        let (kind, name) = (Kind::Application, key.to_owned());
        return Err(Error::NotFound { kind, name }.into());
    };
    let mut figures = OrganizationFigures {
        applications: vec![row.clone()],
        counts: all.figures.counts,
    };
    figures.counts.holders = row.application.state.seats;
    ask.answer(&Shown(CountList {
        data: vec![counts::count(row)],
        next_cursor: None,
        total: counts::total(&figures),
    }))
}
