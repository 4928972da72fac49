//! `users`: the current user, and how many users there are of each type.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_authority::permits::Permit;
use lictor_authority::right::{Accounts, Read};
use lictor_core::facts::account::AccountCounts;

use super::Ask;
use super::error::Refusal;
use super::wire::{self, Count, Users};

pub(super) fn current(
    ask: &Ask<'_>,
    permit: Permit<'_, Accounts, Read>,
) -> Result<Response, Refusal> {
    if ask.parameter("type").as_deref() != Some("CurrentUser") {
        return Err(Refusal::InvalidData("type"));
    }
    // A token that nobody owns has no user.
    Ok(match ask.server.authority.own_account(permit) {
        Some(account) => wire::json(StatusCode::OK, &Users::of(account)),
        None => wire::nothing(),
    })
}

pub(super) async fn count(
    ask: &Ask<'_>,
    permit: Permit<'_, Accounts, Read>,
) -> Result<Response, Refusal> {
    let kind = ask
        .parameter("type")
        .unwrap_or_else(|| "AllUsers".to_owned());
    let counts = ask.server.authority.account_counts(permit).await?;
    let owned = ask.server.authority.own_account(permit).is_some();
    let count = of_type(&kind, &counts, owned).ok_or(Refusal::InvalidData("type"))?;
    Ok(wire::json(StatusCode::OK, &Count { count }))
}

fn of_type(kind: &str, counts: &AccountCounts, owned: bool) -> Option<u64> {
    Some(match kind {
        "AllUsers" => counts.persons(),
        "ActiveUsers" => counts.holders,
        "DeactiveUsers" => counts.deactivated,
        "ConfirmedUsers" => counts.active,
        "NotConfirmedUsers" => counts.invited,
        "DeletedUsers" => counts.removed,
        "ActiveConfirmedUsers" => counts.active_holders,
        "AdminUsers" => counts.administrators,
        "ActiveConfirmedAdmins" => counts.administrator_holders,
        "CurrentUser" => owned.into(),
        _ => return None,
    })
}
