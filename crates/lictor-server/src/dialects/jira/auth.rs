//! Who asks: Basic with an e-mail and a token, or a bearer token; and which organization is meant.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use lictor_authority::{Call, SignedIn};
use lictor_core::Error;
use lictor_core::access::Actor;
use lictor_core::facts::account::AccountStatus;
use lictor_core::facts::email::Email;
use uuid::Uuid;

use super::error::Refusal;
use crate::http::call::basic;
use crate::settings::Server;

/// Who asks.
#[derive(Default)]
pub(super) enum Caller {
    /// Nobody: the request has no credential, or none that can be read.
    #[default]
    Nobody,
    /// Nobody: the request has a credential, and it opens nothing, or nothing any more.
    Rejected(Option<AccountStatus>),
    /// Whoever the credential is of.
    Known(Box<Call>),
}

/// Whom the request's one `Authorization` names, about the organization of the path, else the
/// caller's own.
pub(super) async fn caller(
    server: &Server,
    headers: &HeaderMap,
    cloud: Option<&str>,
) -> Result<Caller, Refusal> {
    let Some(credential) = Credential::of(headers) else {
        return Ok(Caller::Nobody);
    };
    let signed_in = sign_in(server, credential).await;
    let own = match signed_in.and_then(|caller| server.authority.call(caller, None)) {
        // A token is gone with its own organization.
        Err(Error::Unauthenticated | Error::NotFound { .. }) => return Ok(Caller::Rejected(None)),
        Err(Error::OwnerInactive(status)) => return Ok(Caller::Rejected(Some(status))),
        other => other?,
    };
    let call = match cloud {
        None => own,
        Some(cloud) => {
            let id = Uuid::try_parse(cloud).map_err(|_| Refusal::NoEndpoint)?;
            let found = server.authority.call_about(own.actor, id);
            found.map_err(|_| Refusal::NoEndpoint)?
        }
    };
    Ok(Caller::Known(Box::new(call)))
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

/// What a request signs in with.
enum Credential {
    /// A token alone.
    Bearer(String),
    /// An e-mail and a token.
    Basic(String, String),
}

impl Credential {
    fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return None;
        };
        let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer(credential.trim().to_owned()));
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let (email, token) = basic(credential)?;
        (!email.is_empty()).then_some(Self::Basic(email, token))
    }
}

async fn sign_in(server: &Server, credential: Credential) -> Result<SignedIn, Error> {
    let (email, token) = match credential {
        Credential::Bearer(token) => return server.authority.sign_in(&token).await,
        Credential::Basic(email, token) => (email, token),
    };
    let caller = server.authority.sign_in(&token).await?;
    let owner = caller.actor.account.as_ref();
    let owners = owner.and_then(|owner| owner.email.as_deref());
    if owners.is_some_and(|owners| is_same(owners, &email)) {
        Ok(caller)
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

/// What a caller is known by: its account, or its token where nobody owns that.
pub(super) fn account_id(actor: &Actor) -> Uuid {
    actor
        .account
        .as_ref()
        .map_or(actor.token, |account| account.id)
}
