//! `/v1/trust`: which keys are trusted. What they signed is in `licenses.rs`.

use axum::Json;
use axum::RequestExt;
use axum::extract::{Request, State};
use axum::http::Uri;
use axum::response::Response;
use lictor_authority::right::Trust;
use lictor_core::error::Kind;
use lictor_core::{Error, KeyId, KeyStatus, PublicKey, TrustedKey};

use super::auth::Caller;
use super::error::{Problem, invalid, missing};
use super::idempotency::{Begun, Post};
use super::page::Query;
use super::path::{PathKey, Segment};
use super::wire::{self, KeyView, TrustView};
use crate::settings::Server;

/// What a write of a key tells of it: which it is, and what became of it.
const MADE: [&str; 2] = ["key_id", "status"];

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Json<TrustView>, Problem> {
    let (permit, query) = Query::begin(&call, &uri)?;
    query.finish()?;
    let trust = server.authority.trust(permit);
    let keys = trust.keys.iter().map(|(_, key)| KeyView::from_key(key));
    Ok(Json(TrustView {
        policy: trust.policy,
        data: keys.collect(),
    }))
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<KeyView>, Problem> {
    let (permit, name) = segment.name(&call)?;
    let trust = server.authority.trust(permit);
    let key = trust.keys.get(key_id(&name)?);
    let key = key.ok_or_else(|| missing(Kind::Key, name))?;
    Ok(Json(KeyView::from_key(key)))
}

pub(super) async fn add(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<wire::NewKey, Trust>::begin(&server, "key_id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let public_key = PublicKey::from_pem(&post.request.public_key)
        .map_err(|reason| invalid("public_key", reason))?;
    let rotation = post.request.rotation.take();
    if rotation.as_ref().is_some_and(|made| made.to != public_key) {
        return Err(invalid("rotation", "it is for another key"));
    }
    let trusted = TrustedKey {
        public_key: public_key.clone(),
        status: KeyStatus::Active,
    };
    let answer = post.told.answer(201, &KeyView::from_key(&trusted), &MADE);
    let kept = answer.clone();
    post.keep(move |(): &()| kept.clone());
    let authority = &server.authority;
    let permit = post.call.permit()?;
    match rotation {
        Some(rotation) => authority.rotate_key(permit, rotation).await?,
        None => authority.add_key(permit, public_key).await?,
    };
    Ok(post.respond(answer))
}

pub(super) async fn retire(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    end(server, request, KeyStatus::Retired).await
}

pub(super) async fn revoke(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    end(server, request, KeyStatus::Revoked).await
}

async fn end(server: Server, mut request: Request, status: KeyStatus) -> Result<Response, Problem> {
    let PathKey(name) = request.extract_parts_with_state(&server).await?;
    let mut post = match Post::<wire::Nothing, Trust>::begin(&server, "key_id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let id = key_id(&name)?;
    let authority = &server.authority;
    let key = authority.key_to_change(post.call.permit()?, id)?;
    let view = KeyView::from_key(&TrustedKey { status, ..key });
    let answer = post.told.answer(200, &view, &MADE);
    let kept = answer.clone();
    post.keep(move |(): &()| kept.clone());
    let permit = post.call.permit()?;
    match status {
        KeyStatus::Revoked => authority.revoke_key(permit, id).await?,
        KeyStatus::Active | KeyStatus::Retired => authority.retire_key(permit, id).await?,
    };
    Ok(post.respond(answer))
}

fn key_id(name: &str) -> Result<KeyId, Error> {
    KeyId::parse(name).ok_or_else(|| Error::NotFound {
        kind: Kind::Key,
        name: name.to_owned(),
    })
}
