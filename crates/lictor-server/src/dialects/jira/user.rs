//! `myself` and `mypermissions`: who the caller is, and whether it administers.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_core::facts::right::{Resource, Right};

use super::Ask;
use super::auth::account_id;
use super::error::Refusal;
use super::wire::{self, Permissions, User};

/// The one permission that is known here.
const ADMINISTER: &str = "ADMINISTER";

pub(super) fn myself(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let actor = &ask.call()?.actor;
    let user = User::of(actor, account_id(actor), &ask.server.settings.public_url);
    Ok(wire::json(StatusCode::OK, &user))
}

pub(super) fn permissions(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let asked = form_urlencoded::parse(ask.query.as_bytes())
        .find(|(name, _)| name == "permissions")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    let mut keys = asked.split(',').map(str::trim);
    if let Some(unknown) = keys.find(|key| *key != ADMINISTER) {
        return Err(Refusal::UnknownPermission(unknown.to_owned()));
    }
    let reads_census = Right::read(Resource::Census);
    let administers = ask.call.is_some_and(|call| call.has(reads_census));
    Ok(wire::json(StatusCode::OK, &Permissions::of(administers)))
}
