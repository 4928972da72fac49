//! Who was refused a seat, when and why.

use std::str::FromStr;

use lictor_api::answer::Shown;
use lictor_api::list::List;
use lictor_api::permits::{Permit, Read, Seats};
use lictor_api::query::Page;
use lictor_api::refusals::{HourOfRefusals, Refusal};
use lictor_api::row::NoBody;
use lictor_authority::{RefusalSum, Refused, RefusedKey, SumKey};

use super::error::Problem;
use super::frame::{Answered, Ask};
use super::paging::Paging;
use super::wire::refusals;

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

pub(super) async fn list_by_hour(
    ask: Ask<Permit<Seats, Read>, Page, NoBody, Shown<List<HourOfRefusals>>>,
) -> Result<Answered<Shown<List<HourOfRefusals>>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, Some("refusals by hour"))?;
    let before = page.after::<SumPlace>()?.map(|SumPlace(key)| key);
    let authority = &ask.server.authority;
    let sums = authority
        .refusal_sums(permit, before.as_ref(), page.rows())
        .await?;
    page.cut(sums, place_of_sum, refusals::hour)
}

pub(super) async fn list(
    ask: Ask<Permit<Seats, Read>, Page, NoBody, Shown<List<Refusal>>>,
) -> Result<Answered<Shown<List<Refusal>>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, Some("refusals"))?;
    let before = page.after::<Place>()?.map(|Place(key)| key);
    let authority = &ask.server.authority;
    let found = authority
        .refusals(permit, before.as_ref(), page.rows())
        .await?;
    let key = |(refused, _): &(Refused, _)| place_of(refused);
    page.cut(found, key, refusals::refusal)
}
