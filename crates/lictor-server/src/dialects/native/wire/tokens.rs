//! Tokens, between the authority and the contract.

use lictor_api::tokens::{CreateToken, Token, TokenOrigin};
use lictor_api::values::Instant;
use lictor_authority::TokenRequest;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::Account;
use lictor_core::facts::role::Role;
use lictor_core::facts::token::{Origin, Token as Stored};

use crate::dialects::native::error::{Problem, invalid};
use crate::dialects::native::frame::read;

/// The request; a token of an account may do what the account may unless it says less.
pub(in crate::dialects::native) fn request(
    body: CreateToken,
    owner: Option<&Account>,
) -> Result<TokenRequest, Problem> {
    let default = owner.map_or(Role::Reader, Role::of);
    let role = body.role.map_or(Ok(default), |text| text.as_str().parse());
    let scopes = body.scopes.unwrap_or_default();
    let scopes = scopes.iter().map(|text| read("scopes", text));
    let expires_at = body.expires_at.as_ref();
    let expires_at = expires_at.map(|text| read("expires_at", text));
    Ok(TokenRequest {
        role: role.map_err(|reason| invalid("role", reason))?,
        scopes: scopes.collect::<Result<_, _>>()?,
        expires_at: expires_at.transpose()?.map(|Instant(at)| at),
        name: body.name,
        account: owner.map(|account| account.id),
    })
}

pub(in crate::dialects::native) fn token(stored: Stored, now: &Now) -> Token {
    let (origin, created_by) = match stored.origin {
        Some(Origin::Token(id)) => (Some(TokenOrigin::Token), Some(id)),
        Some(Origin::Environment) => (Some(TokenOrigin::Environment), None),
        Some(Origin::FirstStart) => (Some(TokenOrigin::FirstStart), None),
        None => (None, None),
    };
    Token {
        origin: origin.map(Into::into),
        created_by,
        live: stored.is_live(now),
        account: stored.account.map(|account| account.id),
        id: stored.id,
        organization: stored.organization,
        name: stored.name,
        role: stored.role.into(),
        scopes: stored.scopes.iter().map(Into::into).collect(),
        created_at: Instant(stored.created_at),
        expires_at: stored.expires_at.map(Instant),
        revoked_at: stored.revoked_at.map(Instant),
    }
}
