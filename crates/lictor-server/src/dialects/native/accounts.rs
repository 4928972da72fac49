//! Create, import, change, remove and show accounts.

use lictor_api::accounts::{
    Account, ChangeAccount, CreateAccount, ImportAccounts, ImportedAccounts, WrittenAccount,
};
use lictor_api::answer::{Created, Done, Shown, ShownIfChanged};
use lictor_api::list::List;
use lictor_api::permits::{Accounts, Permit, Read, Seats, Write};
use lictor_api::query::{Accounts as Which, Force, NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::seats::AccountSeat;
use lictor_api::values::Written;
use lictor_authority::permits::Permit as Given;
use lictor_authority::{Call, ImportRows, Imported, Preconditions};
use lictor_core::Error;
use lictor_core::facts::account::Account as Stored;
use lictor_core::facts::right::{Resource, Right};

use super::conditions::{self, Condition, Shown as AsShown};
use super::error::Problem;
use super::frame::{Answered, Ask, Kept};
use super::paging::Paging;
use super::told::Told;
use super::wire::accounts;
use super::wire::seats::of_account;

const READ: Right = Right::read(Resource::Accounts);

pub(super) async fn list(
    ask: Ask<Permit<Accounts, Read>, Which, NoBody, Shown<List<Account>>>,
) -> Result<Answered<Shown<List<Account>>>, Problem> {
    let (permit, email) = (ask.permit()?, ask.query.email.as_deref());
    let page = Paging::of(&ask.query.page, permit, email)?;
    let (after, rows) = (page.after()?, page.rows());
    let authority = &ask.server.authority;
    let found = match email {
        Some(email) => Vec::from_iter(authority.account_by_email(permit, email).await?),
        None => authority.accounts(permit, after, rows).await?,
    };
    let key = |account: &Stored| account.id.to_string();
    page.cut(found, key, accounts::account)
}

pub(super) async fn show(
    ask: Ask<Permit<Accounts, Read>, NoQuery, NoBody, ShownIfChanged<Account>>,
) -> Result<Answered<ShownIfChanged<Account>>, Problem> {
    let authority = &ask.server.authority;
    let account = authority.account_named(ask.permit()?, ask.name(0)).await?;
    let view = accounts::account(account);
    ask.if_changed(view.revision, &view)
}

pub(super) async fn create(
    mut ask: Ask<Permit<Accounts, Write>, NoQuery, CreateAccount, Created<Account>>,
) -> Result<Answered<Created<Account>>, Problem> {
    let request = accounts::request(std::mem::take(&mut ask.body))?;
    let new = ask.server.authority.new_account(request)?;
    let render = |account: &Stored| Created(accounts::account(account.clone()));
    ask.keep(move |account| Kept::Answer(render(account)));
    let authority = &ask.server.authority;
    let account = authority.create_account(ask.permit()?, new).await?;
    ask.answer(&render(&account))
}

/// A request to import accounts.
type Import = Ask<Permit<Accounts, Write>, NoQuery, ImportAccounts, Shown<ImportedAccounts>>;

pub(super) async fn import(mut ask: Import) -> Result<Answered<Shown<ImportedAccounts>>, Problem> {
    let mut body = std::mem::take(&mut ask.body);
    let tried = accounts::take_try(&mut body)?;
    let told = Told::about::<Seats>(&ask.call);
    let own = ask.server.authority.clone();
    let read = ask.long_work(move || {
        let (rows, mode) = accounts::rows(body)?;
        let rows = rows
            .into_iter()
            .map(|row| Ok((own.new_account(row.account)?, row.seats)));
        let rows: Result<Vec<_>, Problem> = rows.collect();
        Ok::<_, Problem>((rows?, mode))
    });
    let (rows, mode) = read.await??;
    let rows = ImportRows::new(rows)?;
    let authority = &ask.server.authority;
    if let Some(before) = tried {
        let (permit, seats) = (ask.permit()?, seats_permit(&ask.call, &rows)?);
        let tried = authority.try_import(permit, seats, rows, mode, before);
        let tried = tried.await?;
        return ask.answer(&Shown(accounts::imported(tried.iter(), told, true)));
    }
    let parts = authority.parts_of_import(&ask.call, &rows, mode);
    let render = move |parts: &[&Vec<Imported>]| {
        Shown(accounts::imported(
            parts.iter().copied().flatten(),
            told,
            false,
        ))
    };
    ask.keep_of_parts_if(move |parts: &[&Vec<Imported>]| {
        let mut rows = parts.iter().copied().flatten();
        let changed = rows.clone().any(|row| row.created || !row.given.is_empty());
        let refused = rows.any(|row| !row.refused.is_empty());
        (changed || !refused).then(|| Kept::Answer(render(parts)))
    });
    let (permit, seats) = (ask.permit()?, seats_permit(&ask.call, &rows)?);
    let authority = &ask.server.authority;
    let imported = authority.import_accounts(permit, seats, rows, mode, parts);
    let imported = imported.await?;
    let written = ask.long_work(move || {
        let answer = render(&imported.outcomes()?);
        Answered::of(&answer)
    });
    Ok(written.await??)
}

/// The permit that an import takes which asks for seats too.
fn seats_permit<'c>(
    call: &'c Call,
    rows: &ImportRows,
) -> Result<Option<Given<'c, Seats, Write>>, Error> {
    let asked = rows.ask_for_seats().then(|| call.permit());
    asked.transpose()
}

pub(super) async fn set(
    ask: Ask<Permit<Accounts, Write>, Force, ChangeAccount, Shown<WrittenAccount>>,
) -> Result<Answered<Shown<WrittenAccount>>, Problem> {
    let patch = accounts::patch(ask.body.clone())?;
    patch.check()?;
    let condition = Condition::of(ask.headers())?;
    let (authority, permit) = (&ask.server.authority, ask.permit()?);
    let found = authority.account_named(permit, ask.name(0)).await?;
    let may_read = ask.call.has(READ);
    let (id, expected) = (found.id, expected(condition, found, may_read)?);
    let force = ask.query.force;
    let only_if = Preconditions { expected, force };
    let account = authority.set_account(permit, id, patch, only_if).await;
    // What else it is, is for whoever may read it.
    let account = account.map_err(|error| conditions::told(error, may_read))?;
    ask.answer(&Shown(match may_read {
        true => Written::Whole(accounts::account(account)),
        false => Written::Part(ask.body.clone()),
    }))
}

pub(super) async fn remove(
    ask: Ask<Permit<Accounts, Write>, Force, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let condition = Condition::of(ask.headers())?;
    let (authority, permit) = (&ask.server.authority, ask.permit()?);
    let found = authority.account_named(permit, ask.name(0)).await?;
    let may_read = ask.call.has(READ);
    let (id, expected) = (found.id, expected(condition, found, may_read)?);
    let force = ask.query.force;
    let only_if = Preconditions { expected, force };
    let removed = authority.remove_account(permit, id, only_if).await;
    removed.map_err(|error| conditions::told(error, may_read))?;
    ask.answer(&Done)
}

/// Who has which seat is about seats, and about accounts.
type SeatsOfAccounts = (Permit<Seats, Read>, Permit<Accounts, Read>);

pub(super) async fn seats(
    ask: Ask<SeatsOfAccounts, Page, NoBody, Shown<List<AccountSeat>>>,
) -> Result<Answered<Shown<List<AccountSeat>>>, Problem> {
    let (permit, of_accounts) = ask.permit()?;
    let authority = &ask.server.authority;
    let id = authority.account_named(of_accounts, ask.name(0)).await?.id;
    let page = Paging::of(&ask.query, permit, Some(&format!("seats of account {id}")))?;
    let (after, rows) = (page.after_text(), page.rows());
    let found = authority.seats_of(permit, id, after, rows).await?;
    page.cut(found, |(seat, ..)| seat.application.clone(), of_account)
}

fn shown(account: Stored) -> Result<AsShown, Error> {
    let view = accounts::account(account);
    AsShown::of(view.revision, &view)
}

/// The revision that the write must find, where the condition holds for the account as it is found. What
/// that is, is for whoever may read it.
fn expected(
    condition: Option<Condition>,
    found: Stored,
    may_read: bool,
) -> Result<Option<u64>, Problem> {
    let shown = shown(found)?;
    condition
        .map(|condition| condition.expect_to_write(Some(&shown), may_read))
        .transpose()
}
