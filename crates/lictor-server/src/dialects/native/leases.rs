//! Check out, renew, release and show leases, and what is kept of those that ended.

use std::str::FromStr;

use lictor_api::answer::{Created, Done, Shown};
use lictor_api::leases::{
    CheckOutLease, CheckedOutLease, EndedLease, ForgottenHolder, Lease, ReleaseLease, RenewLease,
};
use lictor_api::list::List;
use lictor_api::permits::{Accounts, Leases, Permit, Read, Write};
use lictor_api::query::{EndedLeases, NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_authority::{CheckedOut, EndedFilter, EndedKey};
use lictor_core::error::Kind;
use lictor_core::facts::lease::{DEFAULT_TTL, EndedLease as Ended, Lease as Stored};

use super::error::Problem;
use super::frame::{Answered, Ask};
use super::paging::Paging;
use super::wire::leases;

pub(super) async fn list(
    ask: Ask<Permit<Leases, Read>, Page, NoBody, Shown<List<Lease>>>,
) -> Result<Answered<Shown<List<Lease>>>, Problem> {
    let (permit, key) = (ask.permit()?, ask.name(0));
    let page = Paging::of(&ask.query, permit, Some(key))?;
    let (after, rows) = (page.after_text(), page.rows());
    let found = ask
        .server
        .authority
        .leases(permit, key, after, rows)
        .await?;
    let now = &ask.call.now;
    page.cut(
        found,
        |lease: &Stored| lease.terms.holder.clone(),
        |lease| leases::lease(lease, now),
    )
}

/// The leases that ended. What narrows them is a part of what their cursors are bound to.
pub(super) async fn list_ended(
    ask: Ask<Permit<Leases, Read>, EndedLeases, NoBody, Shown<List<EndedLease>>>,
) -> Result<Answered<Shown<List<EndedLease>>>, Problem> {
    let (permit, query) = (ask.permit()?, &ask.query);
    let filter = EndedFilter {
        application: ask.name(0).to_owned(),
        holder: query.holder.clone(),
        since: query.since.map(|at| at.0),
        until: query.until.map(|at| at.0),
    };
    let page = Paging::of(&query.page, permit, Some(&format!("ended {filter:?}")))?;
    let before = page.after::<EndedPlace>()?.map(|EndedPlace(key)| key);
    let authority = &ask.server.authority;
    let ended = authority
        .ended_leases(permit, &filter, before, page.rows())
        .await?;
    page.cut(
        ended,
        |ended: &Ended| format!("{} {}", ended.until, ended.position),
        leases::ended,
    )
}

/// Where the list of ended leases goes on.
struct EndedPlace(EndedKey);

impl FromStr for EndedPlace {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (until, position) = text.split_once(' ').ok_or(())?;
        Ok(Self(EndedKey {
            until: until.parse().map_err(|_| ())?,
            position: position.parse().map_err(|_| ())?,
        }))
    }
}

/// Takes the holder's name from what is kept.
pub(super) async fn forget(
    ask: Ask<Permit<Accounts, Write>, NoQuery, NoBody, Shown<ForgottenHolder>>,
) -> Result<Answered<Shown<ForgottenHolder>>, Problem> {
    let authority = &ask.server.authority;
    let forgotten = authority.forget_holder(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Shown(ForgottenHolder {
        ended_leases: forgotten.leases,
        refusals: forgotten.refusals,
    }))
}

pub(super) async fn show(
    ask: Ask<Permit<Leases, Read>, NoQuery, NoBody, Shown<Lease>>,
) -> Result<Answered<Shown<Lease>>, Problem> {
    let id = ask.id(Kind::Lease)?;
    let lease = ask.server.authority.lease(ask.permit()?, id).await?;
    ask.answer(&Shown(leases::lease(lease, &ask.call.now)))
}

pub(super) async fn check_out(
    mut ask: Ask<Permit<Leases, Write>, NoQuery, CheckOutLease, Created<CheckedOutLease>>,
) -> Result<Answered<Created<CheckedOutLease>>, Problem> {
    let (now, all) = (ask.call.now, ask.told.is_all());
    let render = move |out: &CheckedOut| Created(leases::checked_out(out, &now, all));
    ask.keep_unless_refused(render);
    let (holder, ttl) = (
        &ask.body.holder,
        ask.body.ttl_seconds.unwrap_or(DEFAULT_TTL),
    );
    let authority = &ask.server.authority;
    let out = authority
        .check_out(ask.permit()?, ask.name(0), holder, ttl)
        .await;
    let out = out.map_err(|error| ask.told.problem(error))?;
    ask.answer(&render(&out))
}

/// Its fence makes it safe to repeat, so that it needs no idempotency key.
pub(super) async fn renew(
    ask: Ask<Permit<Leases, Write>, NoQuery, RenewLease, Shown<Lease>>,
) -> Result<Answered<Shown<Lease>>, Problem> {
    let (id, fence) = (ask.id(Kind::Lease)?, ask.body.fence);
    let ttl = ask.body.ttl_seconds.unwrap_or(DEFAULT_TTL);
    let authority = &ask.server.authority;
    let lease = authority.renew_lease(ask.permit()?, id, fence, ttl).await?;
    ask.answer(&Shown(leases::lease(lease, &ask.call.now)))
}

/// Its fence makes it safe to repeat too.
pub(super) async fn release(
    ask: Ask<Permit<Leases, Write>, NoQuery, ReleaseLease, Done>,
) -> Result<Answered<Done>, Problem> {
    let (id, fence) = (ask.id(Kind::Lease)?, leases::fence(&ask.body)?);
    let authority = &ask.server.authority;
    authority.release_lease(ask.permit()?, id, fence).await?;
    ask.answer(&Done)
}
