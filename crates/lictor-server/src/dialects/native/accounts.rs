//! `/v1/accounts`: create, import, change, remove and show accounts.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use lictor_authority::permits::Permit;
use lictor_authority::right::{Accounts, Read, Seats, Write};
use lictor_authority::{Authority, Call, ImportRows, Imported, Preconditions};
use lictor_core::Error;
use lictor_core::facts::account::Account;
use lictor_core::facts::right::{Resource, Right};

use super::auth::Caller;
use super::conditions::{self, Condition, Shown};
use super::error::Problem;
use super::idempotency::{Begun, Post};
use super::json;
use super::page::{Page, Query};
use super::path::{Forceable, PathKey, Segment};
use super::told::Told;
use super::wire::accounts::{AccountView, Import, ImportView, NewAccount, PatchAccount};
use super::wire::seats::of_account;
use super::wire::{self, List};
use crate::settings::Server;

const READ: Right = Right::read(Resource::Accounts);
pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, mut query) = Query::begin(&call, &uri)?;
    let email = query.take("email")?;
    let page = Page::take(query, &call, email.as_deref())?;
    let (after, rows) = (page.after()?, page.rows());
    let authority = &server.authority;
    let accounts = match &email {
        Some(email) => Vec::from_iter(authority.account_by_email(permit, email).await?),
        None => authority.accounts(permit, after, rows).await?,
    };
    let key = |account: &Account| account.id.to_string();
    page.cut(accounts, key, AccountView::from_account)
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (permit, text) = segment.name(&call)?;
    let account = find(&server.authority, permit, &text).await?;
    shown(account)?.read(&headers)
}

pub(super) async fn create(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let post = Post::<NewAccount, _>::begin(&server, "id", request).await?;
    let (mut post, body) = match post {
        Begun::First(post) => post.split(),
        Begun::Answered(response) => return Ok(response),
    };
    let new = server.authority.new_account(body.into_request()?)?;
    let render = |account: &Account| wire::answer(201, &AccountView::from_account(account.clone()));
    post.keep(render);
    let account = server.authority.create_account(post.permit(), new).await?;
    Ok(post.respond(render(&account)))
}

pub(super) async fn import(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut post, mut body) = match Post::<Import, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post.split(),
        Begun::Answered(response) => return Ok(response),
    };
    let taken = body.take_try()?;
    let told = Told::about::<Seats>(&post.call);
    let own = server.authority.clone();
    let read = post.long_work(&server, move || {
        let (rows, mode) = body.into_rows()?;
        let rows = rows
            .into_iter()
            .map(|row| Ok((own.new_account(row.account)?, row.seats)));
        let rows: Result<Vec<_>, Problem> = rows.collect();
        Ok::<_, Problem>((rows?, mode))
    });
    let (rows, mode) = read.await??;
    let rows = ImportRows::new(rows)?;
    let authority = &server.authority;
    if let Some(taken) = taken {
        let seats = seats_permit(&post.call, &rows)?;
        let permit = post.permit();
        let tried = authority.try_import(permit, seats, rows, mode, taken);
        let tried = tried.await?;
        let view = ImportView::of(tried.iter(), &told).tried();
        return Ok(post.respond(wire::answer(200, &view)));
    }
    let parts = authority.parts_of_import(&post.call, &rows, mode);
    let render = move |parts: &[&Vec<Imported>]| {
        wire::answer(200, &ImportView::of(parts.iter().copied().flatten(), &told))
    };
    let kept = render.clone();
    post.keep_of_parts_if(move |parts: &[&Vec<Imported>]| {
        let mut rows = parts.iter().copied().flatten();
        let changed = rows.clone().any(|row| row.created || !row.given.is_empty());
        let refused = rows.any(|row| !row.refused.is_empty());
        (changed || !refused).then(|| kept(parts))
    });
    let seats = seats_permit(&post.call, &rows)?;
    let imported = authority.import_accounts(post.permit(), seats, rows, mode, parts);
    let imported = imported.await?;
    let rendered = post.long_work(&server, move || {
        Ok::<_, Error>(render(&imported.outcomes()?))
    });
    Ok(post.respond(rendered.await??))
}

/// The permit that an import takes which asks for seats too.
fn seats_permit<'c>(
    call: &'c Call,
    rows: &ImportRows,
) -> Result<Option<Permit<'c, Seats, Write>>, Error> {
    let asked = rows.ask_for_seats().then(|| call.permit());
    asked.transpose()
}

pub(super) async fn set(
    State(server): State<Server>,
    Caller(call): Caller,
    forceable: Forceable,
    request: Request,
) -> Result<Response, Problem> {
    let (permit, name, force) = forceable.name(&call)?;
    let (parts, body) = request.into_parts();
    let (patch, _held) = json::object::<PatchAccount>(&server, &call, &parts, body).await?;
    let said = Json(&patch).into_response();
    let patch = patch.into_patch()?;
    patch.check()?;
    let condition = condition(&parts.headers)?;
    let authority = &server.authority;
    let found = authority.account_named(permit, &name).await?;
    let may_read = call.has(READ);
    let (id, expected) = (found.id, expected(condition, found, may_read)?);
    let only_if = Preconditions { expected, force };
    let account = authority.set_account(permit, id, patch, only_if).await;
    // What else it is, is for whoever may read it.
    match account.map_err(|error| conditions::told(error, may_read))? {
        account if may_read => shown(account)?.answer(),
        _ => Ok(said),
    }
}

pub(super) async fn remove(
    State(server): State<Server>,
    Caller(call): Caller,
    forceable: Forceable,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (permit, name, force) = forceable.name(&call)?;
    let condition = condition(&headers)?;
    let authority = &server.authority;
    let found = authority.account_named(permit, &name).await?;
    let may_read = call.has(READ);
    let (id, expected) = (found.id, expected(condition, found, may_read)?);
    let only_if = Preconditions { expected, force };
    let removed = authority.remove_account(permit, id, only_if).await;
    removed.map_err(|error| conditions::told(error, may_read))?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn seats(
    State(server): State<Server>,
    Caller(call): Caller,
    PathKey(text): PathKey,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    let id = find(&server.authority, call.permit()?, &text).await?.id;
    let page = Page::take(query, &call, Some(&format!("seats of account {id}")))?;
    let (after, rows) = (page.after.as_deref(), page.rows());
    let held = server.authority.seats_of(permit, id, after, rows).await?;
    page.cut(held, |(seat, ..)| seat.application.clone(), of_account)
}

/// The account that a path names by id or e-mail.
async fn find(
    authority: &Authority,
    permit: Permit<'_, Accounts, Read>,
    text: &str,
) -> Result<Account, Problem> {
    Ok(authority.account_named(permit, text).await?)
}

fn shown(account: Account) -> Result<Shown, Error> {
    let view = AccountView::from_account(account);
    Shown::of(view.revision, &view)
}

/// What a write of an account expects.
fn condition(headers: &HeaderMap) -> Result<Option<Condition>, Problem> {
    conditions::refuse_none_match(headers)?;
    Condition::of(headers)
}

/// The revision that the write must find, where the condition holds for the account as it is found. What
/// that is, is for whoever may read it.
fn expected(
    condition: Option<Condition>,
    found: Account,
    may_read: bool,
) -> Result<Option<u64>, Problem> {
    let shown = shown(found)?;
    condition
        .map(|condition| condition.expect_to_write(Some(&shown), may_read))
        .transpose()
}
