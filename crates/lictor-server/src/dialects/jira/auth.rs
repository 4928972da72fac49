//! Who asks: Basic with an e-mail and a token, or a bearer token; and which organization is meant.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use lictor_core::{Actor, Email, Error};
use uuid::Uuid;

use super::error::Refusal;
use crate::authority::Call;
use crate::settings::Server;

/// A call by whoever the request's one `Authorization` names, about the organization of the path,
/// else the caller's own.
pub(super) async fn call(
    server: &Server,
    headers: &HeaderMap,
    cloud: Option<&str>,
) -> Result<Call, Refusal> {
    let actor = sign_in(server, headers).await?;
    let own = match server.authority.call(actor, None) {
        // Its own organization is gone, and the token with it.
        Err(Error::NotFound { .. }) => return Err(Error::Unauthenticated.into()),
        other => other?,
    };
    match cloud {
        None => Ok(own),
        Some(cloud) => {
            let id = Uuid::try_parse(cloud).map_err(|_| Refusal::NoEndpoint)?;
            let found = server.authority.call_about(own.actor, id);
            found.map_err(|_| Refusal::NoEndpoint)
        }
    }
}

/// Refuses an organization that is not there, for whoever has not signed in.
pub(super) fn check_cloud(server: &Server, cloud: Option<&str>) -> Result<(), Refusal> {
    let Some(cloud) = cloud else {
        return Ok(());
    };
    let id = Uuid::try_parse(cloud).map_err(|_| Refusal::NoEndpoint)?;
    match server.authority.is_organization(id) {
        true => Ok(()),
        false => Err(Refusal::NoEndpoint),
    }
}

async fn sign_in(server: &Server, headers: &HeaderMap) -> Result<Actor, Error> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(Error::Unauthenticated);
    };
    let text = value.to_str().map_err(|_| Error::Unauthenticated)?;
    let (scheme, credential) = text.split_once(' ').ok_or(Error::Unauthenticated)?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return server.authority.sign_in(credential.trim()).await;
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Error::Unauthenticated);
    }
    let (email, token) = decode(credential.trim()).ok_or(Error::Unauthenticated)?;
    let actor = server.authority.sign_in(&token).await?;
    let owner = actor.account.as_ref();
    let owners = owner.and_then(|owner| owner.email.as_deref());
    if owners.is_some_and(|owners| is_same(owners, &email)) {
        Ok(actor)
    } else {
        Err(Error::Unauthenticated)
    }
}

/// Whether two texts are spellings of one e-mail.
fn is_same(owners: &str, given: &str) -> bool {
    // Most clients spell it as it is stored.
    owners == given
        || Email::parse(owners)
            .ok()
            .zip(Email::parse(given).ok())
            .is_some_and(|(owners, given)| owners.key == given.key)
}

/// The e-mail and the token of a Basic credential.
fn decode(credential: &str) -> Option<(String, String)> {
    let bytes = BASE64_STANDARD.decode(credential).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (email, token) = text.split_once(':')?;
    Some((email.to_owned(), token.to_owned()))
}

/// What a caller is known by: its account, or its token where nobody owns that.
pub(super) fn account_id(actor: &Actor) -> Uuid {
    actor
        .account
        .as_ref()
        .map_or(actor.token, |account| account.id)
}
