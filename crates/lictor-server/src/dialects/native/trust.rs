//! Which keys are trusted. What they signed is in `licenses.rs`.

use lictor_api::answer::{Created, Shown};
use lictor_api::permits::{InstallationPermit, Permit, Read, Trust, Write};
use lictor_api::query::NoQuery;
use lictor_api::row::NoBody;
use lictor_api::trust::{ChangedKey, Key, Trust as Trusted, TrustKey};
use lictor_api::values::{Nothing, Object, Told};
use lictor_core::error::Kind;
use lictor_core::{Error, KeyId, KeyStatus, PublicKey};

use super::error::{Problem, invalid, missing};
use super::frame::{Answered, Ask, Kept};
use super::wire::trust;

pub(super) async fn list(
    ask: Ask<Permit<Trust, Read>, NoQuery, NoBody, Shown<Trusted>>,
) -> Result<Answered<Shown<Trusted>>, Problem> {
    let trusted = ask.server.authority.trust(ask.permit()?);
    let keys = trusted.keys.iter().map(|(_, key)| trust::key(key));
    ask.answer(&Shown(Trusted {
        policy: trusted.policy.into(),
        data: keys.collect(),
    }))
}

pub(super) async fn show(
    ask: Ask<Permit<Trust, Read>, NoQuery, NoBody, Shown<Key>>,
) -> Result<Answered<Shown<Key>>, Problem> {
    let name = ask.name(0);
    let trusted = ask.server.authority.trust(ask.permit()?);
    let key = trusted.keys.get(key_id(name)?);
    let key = key.ok_or_else(|| missing(Kind::Key, name))?;
    ask.answer(&Shown(trust::key(key)))
}

pub(super) async fn add(
    mut ask: Ask<InstallationPermit<Trust, Write>, NoQuery, TrustKey, Created<ChangedKey>>,
) -> Result<Answered<Created<ChangedKey>>, Problem> {
    let public_key = PublicKey::from_pem(&ask.body.public_key)
        .map_err(|reason| invalid("public_key", reason))?;
    let rotation = ask
        .body
        .rotation
        .take()
        .map(|Object(made)| trust::rotation(made));
    if rotation.as_ref().is_some_and(|made| made.to != public_key) {
        return Err(invalid("rotation", "it is for another key"));
    }
    let answer = Created(ChangedKey {
        key_id: public_key.id(),
        public_key: Told::Told(public_key.to_pem()),
        status: KeyStatus::Active.into(),
    });
    let kept = answer.clone();
    ask.keep(move |(): &()| Kept::Answer(kept.clone()));
    let (authority, permit) = (&ask.server.authority, ask.permit()?);
    match rotation {
        Some(rotation) => authority.rotate_key(permit, rotation).await?,
        None => authority.add_key(permit, public_key).await?,
    };
    ask.answer(&answer)
}

/// A request to end the trust in a key.
type End = Ask<InstallationPermit<Trust, Write>, NoQuery, Nothing, Shown<ChangedKey>>;

pub(super) async fn retire(ask: End) -> Result<Answered<Shown<ChangedKey>>, Problem> {
    end(ask, KeyStatus::Retired).await
}

pub(super) async fn revoke(ask: End) -> Result<Answered<Shown<ChangedKey>>, Problem> {
    end(ask, KeyStatus::Revoked).await
}

async fn end(mut ask: End, status: KeyStatus) -> Result<Answered<Shown<ChangedKey>>, Problem> {
    let id = key_id(ask.name(0))?;
    let key = ask.server.authority.key_to_change(ask.permit()?, id)?;
    let answer = Shown(ChangedKey {
        key_id: id,
        public_key: Told::if_told(ask.told.is_all(), key.public_key.to_pem()),
        status: status.into(),
    });
    let kept = answer.clone();
    ask.keep(move |(): &()| Kept::Answer(kept.clone()));
    let (authority, permit) = (&ask.server.authority, ask.permit()?);
    match status {
        KeyStatus::Revoked => authority.revoke_key(permit, id).await?,
        KeyStatus::Active | KeyStatus::Retired => authority.retire_key(permit, id).await?,
    };
    ask.answer(&answer)
}

fn key_id(name: &str) -> Result<KeyId, Error> {
    KeyId::parse(name).ok_or_else(|| Error::NotFound {
        kind: Kind::Key,
        name: name.to_owned(),
    })
}
