//! Exchanging codes and refresh tokens for access tokens, and revoking them (RFC 6749).

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::digest::Digest;
use crate::elapsed::Elapsed;
use crate::error::Error;
use crate::facts::account;
use crate::facts::client::ClientState;
use crate::facts::grant::{
    ACCESS_TTL, Access, Code, GrantRefusal, GrantState, MAX_GRANTS, MAX_IN_WINDOW, MAX_LIVE_ACCESS,
    WINDOW,
};
use crate::facts::quota::Quota;
use crate::facts::right::Right;
use crate::facts::scope::{Scope, rights};
use crate::record::Record;
use crate::state::State;

/// What is handed out, should it be: the SHA-256 of the secrets, made before the decision.
#[derive(Debug, Clone, Copy)]
pub struct Secrets {
    /// The client's id.
    pub client: Uuid,
    /// That of the access token.
    pub access: Digest,
    /// The id and the refresh token of a new grant; UUID v7.
    pub grant: (Uuid, Digest),
}

/// Trades a code for a grant and an access token. `state` contains the client with its account, the
/// code, and the client's grants. A code that was used before takes its grant along: one of its two
/// users was not meant to have it (RFC 6749, 4.1.2).
///
/// # Errors
/// [`Error::GrantRefused`].
pub fn exchange(
    state: &State,
    code: Digest,
    secrets: &Secrets,
    now: Elapsed,
) -> Result<Decision<Result<(), GrantRefusal>>, Error> {
    let client = usable(state, secrets.client)?;
    let invalid = Error::GrantRefused(GrantRefusal::InvalidCode);
    match state.codes.get(&code) {
        Some(Code::Unused { client, expires_at })
            if *client == secrets.client && now < *expires_at => {}
        Some(Code::Used(grant)) if own_grant(state, *grant, secrets.client) => {
            let refused = Err(GrantRefusal::InvalidCode);
            return Ok(revoke_grant(state, *grant).with(move |_| Ok(refused)));
        }
        Some(_) | None => return Err(invalid),
    }
    let grants = state.grants.iter();
    let mut own: Vec<_> = grants
        .filter(|(_, grant)| grant.client == secrets.client)
        .collect();
    let recent = |id: &Uuid, grant: &GrantState| {
        let given_at = state.grants_given.get(id);
        grant.by_code && given_at.is_some_and(|given_at| *given_at > now.minus(WINDOW))
    };
    let used = own.iter().filter(|(id, grant)| recent(id, grant)).count() as u64;
    if used >= state.quotas.limit(Quota::Codes) {
        return Err(Error::GrantRefused(GrantRefusal::TooManyCodes));
    }
    own.retain(|(_, grant)| grant.revoked_at.is_none());
    own.sort_by_key(|(_, grant)| grant.revision);
    let excess = (own.len() + 1).saturating_sub(MAX_GRANTS);
    let mut decision: Decision = own[..excess]
        .iter()
        .map(|(id, _)| Change::GrantRevoked { id: **id })
        .collect();
    let (grant, refresh_sha256) = secrets.grant;
    decision.changes.push(Change::GrantCreated {
        id: grant,
        client: secrets.client,
        by_code: true,
    });
    decision.records = vec![
        Record::GrantSecret {
            id: grant,
            refresh_sha256,
            code_sha256: Some(code),
            given_at: now,
        },
        access_record(secrets, Some(grant), client.scopes.clone(), 1, now),
    ];
    Ok(decision.with(|_| Ok(Ok(()))))
}

/// Trades a refresh token for an access token. `state` contains the client with its account, the grant
/// of the refresh token, and the access tokens that rest on it.
///
/// # Errors
/// [`Error::GrantRefused`].
pub fn refresh(
    state: &State,
    refresh: Digest,
    secrets: &Secrets,
    now: Elapsed,
) -> Result<Decision, Error> {
    let client = usable(state, secrets.client)?;
    let grant = state.refresh_tokens.get(&refresh).copied();
    let live = |id: &Uuid| {
        let grant = state.grants.get(id);
        grant.is_some_and(|grant| grant.client == secrets.client && grant.revoked_at.is_none())
    };
    let grant = grant
        .filter(live)
        .ok_or(Error::GrantRefused(GrantRefusal::InvalidCode))?;
    hand_out(state, secrets, Some(grant), client.scopes.clone(), now)
}

/// Hands out an access token for the client's own credentials. `state` contains the client with its
/// account, and the access tokens that rest on them. `scopes` narrows; empty: all of the client's.
///
/// # Errors
/// [`Error::GrantRefused`].
pub fn credentials(
    state: &State,
    scopes: &[Scope],
    secrets: &Secrets,
    now: Elapsed,
) -> Result<Decision, Error> {
    let client = usable(state, secrets.client)?;
    let granted = |right: Right| client.scopes.iter().any(|scope| scope.includes(right));
    if !rights(scopes).all(granted) {
        return Err(Error::GrantRefused(GrantRefusal::InvalidScope));
    }
    let scopes = if scopes.is_empty() {
        client.scopes.clone()
    } else {
        scopes.to_vec()
    };
    hand_out(state, secrets, None, scopes, now)
}

/// Revokes a refresh token with all that rests on it, or an access token alone, for the client that
/// has signed in or for whoever has the token. `state` contains whichever it is, with its client and the
/// grant that it rests on.
///
/// # Errors
/// [`Error::GrantRefused`] for one that is neither, that is dead already, or that another client was
/// handed.
pub fn revoke(
    state: &State,
    token: Digest,
    by: Option<Uuid>,
    now: Elapsed,
) -> Result<Decision, Error> {
    let there = |client: Uuid| {
        let found = state.clients.get(&client);
        let own = by.is_none_or(|by| by == client);
        own && found.is_some_and(|client| client.removed_at.is_none())
    };
    let live = |grant: Uuid| {
        let found = state.grants.get(&grant);
        found.is_some_and(|grant| grant.revoked_at.is_none() && there(grant.client))
    };
    let grant = state.refresh_tokens.get(&token).copied();
    if let Some(id) = grant.filter(|grant| live(*grant)) {
        return Ok(Change::GrantRevoked { id }.into());
    }
    let access = state.access_tokens.get(&token).filter(|access| {
        !access.ended
            && now < access.expires_at
            && there(access.client)
            && access.grant.is_none_or(live)
    });
    if access.is_some() {
        let mut decision = Decision::nothing();
        decision.records.push(Record::AccessEnded { sha256: token });
        return Ok(decision);
    }
    Err(Error::GrantRefused(GrantRefusal::InvalidCode))
}

/// The client, unless it was removed or its account is not in use.
fn usable(state: &State, id: Uuid) -> Result<&ClientState, Error> {
    let active = |client: &&ClientState| {
        let account = client.account.map(|account| state.accounts.get(&account));
        client.removed_at.is_none()
            && account.is_none_or(|account| account.is_some_and(account::AccountState::is_active))
    };
    let found = state.clients.get(&id).filter(active);
    found.ok_or(Error::GrantRefused(GrantRefusal::UnknownClient))
}

fn own_grant(state: &State, grant: Uuid, client: Uuid) -> bool {
    let found = state.grants.get(&grant);
    found.is_some_and(|grant| grant.client == client)
}

fn revoke_grant(state: &State, id: Uuid) -> Decision {
    let live = state
        .grants
        .get(&id)
        .is_some_and(|grant| grant.revoked_at.is_none());
    live.then_some(Change::GrantRevoked { id })
        .into_iter()
        .collect()
}

fn hand_out(
    state: &State,
    secrets: &Secrets,
    grant: Option<Uuid>,
    scopes: Vec<Scope>,
    now: Elapsed,
) -> Result<Decision, Error> {
    let others = state.access_tokens.iter().filter(|(_, access)| {
        access.client == secrets.client && access.grant == grant && now < access.expires_at
    });
    let mut others: Vec<_> = others.collect();
    others.sort_by_key(|(_, access)| access.ordinal);
    let recent = others
        .iter()
        .filter(|(_, access)| access.issued_at > now.minus(WINDOW));
    if recent.count() >= MAX_IN_WINDOW {
        return Err(Error::GrantRefused(GrantRefusal::TooManyTokens));
    }
    let ordinal = others.last().map_or(0, |(_, access)| access.ordinal) + 1;
    others.retain(|(_, access)| !access.ended);
    let excess = (others.len() + 1).saturating_sub(MAX_LIVE_ACCESS);
    let ended = others[..excess]
        .iter()
        .map(|(sha256, _)| Record::AccessEnded { sha256: **sha256 });
    let mut decision = Decision::nothing();
    decision.records.extend(ended);
    let access = access_record(secrets, grant, scopes, ordinal, now);
    decision.records.push(access);
    Ok(decision)
}

fn access_record(
    secrets: &Secrets,
    grant: Option<Uuid>,
    scopes: Vec<Scope>,
    ordinal: u64,
    now: Elapsed,
) -> Record {
    Record::Access {
        sha256: secrets.access,
        access: Access {
            client: secrets.client,
            grant,
            scopes,
            ordinal,
            issued_at: now,
            expires_at: now.plus(ACCESS_TTL),
            ended: false,
        },
    }
}
