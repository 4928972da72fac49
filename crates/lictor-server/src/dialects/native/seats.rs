//! Seats: assign them, release them, list who has them.

use std::sync::Arc;

use lictor_api::answer::{CreatedOrThere, Done, Shown};
use lictor_api::list::List;
use lictor_api::permits::{Permit, Read, Seats, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::seats::{AssignSeat, AssignedSeat, ChangeSeats, ChangedSeats, Seat};
use lictor_authority::{Assigned, Row};

use super::error::Problem;
use super::frame::{Answered, Ask, Kept};
use super::paging::Paging;
use super::told::Told;
use super::wire::seats::{self, who};

pub(super) async fn list(
    ask: Ask<Permit<Seats, Read>, Page, NoBody, Shown<List<Seat>>>,
) -> Result<Answered<Shown<List<Seat>>>, Problem> {
    let key = ask.name(0);
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, Some(&format!("seats of {key}")))?;
    let (after, rows) = (page.after()?, page.rows());
    let found = ask.server.authority.seats(permit, key, after, rows).await?;
    page.cut(
        found,
        |(seat, _)| seat.account.id.to_string(),
        |seat| seats::seat(key, seat),
    )
}

pub(super) async fn assign(
    mut ask: Ask<Permit<Seats, Write>, NoQuery, AssignSeat, CreatedOrThere<AssignedSeat>>,
) -> Result<Answered<CreatedOrThere<AssignedSeat>>, Problem> {
    let told = ask.told;
    let render = move |seat: &Assigned| assigned(told, seat);
    ask.keep_unless_refused(render);
    let account = who(std::mem::take(&mut ask.body.account));
    let authority = &ask.server.authority;
    let assigned = authority
        .assign_seat(ask.permit()?, ask.name(0), account)
        .await;
    let assigned = assigned.map_err(|error| ask.told.problem(error))?;
    ask.answer(&render(&assigned))
}

fn assigned(told: Told, assigned: &Assigned) -> CreatedOrThere<AssignedSeat> {
    let seat = seats::assigned(told, assigned);
    match assigned.given {
        true => CreatedOrThere::Created(seat),
        false => CreatedOrThere::There(seat),
    }
}

pub(super) async fn change(
    mut ask: Ask<Permit<Seats, Write>, NoQuery, ChangeSeats, Shown<ChangedSeats>>,
) -> Result<Answered<Shown<ChangedSeats>>, Problem> {
    let (rows, mode) = seats::rows(std::mem::take(&mut ask.body))?;
    let rows = Arc::new(rows);
    let (kept, told) = (rows.clone(), ask.told);
    let view = move |outcomes: &Vec<Row<bool>>| seats::changed(&kept, outcomes, told);
    let unnamed = view.clone();
    ask.keep_of_parts_if(move |parts: &[&Vec<Row<bool>>]| {
        let [rows] = parts else { return None };
        let changed = rows.iter().any(|row| row.done == Some(true));
        let refused = rows.iter().any(|row| !row.refused.is_empty());
        (changed || !refused).then(|| Kept::Answer(Shown(seats::unnamed(unnamed(rows)))))
    });
    let authority = &ask.server.authority;
    let outcomes = authority.change_seats(ask.permit()?, ask.name(0), rows, mode);
    let outcomes = outcomes.await?;
    ask.answer(&Shown(view(&outcomes)))
}

/// The kept answer, with the accounts as the repeated request names them.
pub(super) fn named_again(body: ChangeSeats, kept: Shown<ChangedSeats>) -> Shown<ChangedSeats> {
    let Shown(changed) = kept;
    match seats::rows(body) {
        Ok((rows, _)) => Shown(seats::named_again(changed, &rows)),
        Err(_) => Shown(changed),
    }
}

pub(super) async fn release(
    ask: Ask<Permit<Seats, Write>, NoQuery, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let (key, account) = (ask.name(0), who(ask.name(1).to_owned()));
    let authority = &ask.server.authority;
    authority.release_seat(ask.permit()?, key, account).await?;
    ask.answer(&Done)
}
