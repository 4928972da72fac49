//! OAuth clients: programs that trade an id and a secret for access tokens. Of every secret only
//! the SHA-256 comes here.

use std::fmt;

use uuid::Uuid;

use crate::access::{Action, Resource, Right, Scope, check_scopes};
use crate::account;
use crate::application;
use crate::change::{Change, Decision, Digest, Record};
use crate::error::{Error, Kind};
use crate::organization::clean_name;
use crate::state::State;
use crate::time::Timestamp;

/// How long a grant code can be used, in seconds.
pub const CODE_TTL: i64 = 180;

/// How long an access token lives, in seconds.
pub const ACCESS_TTL: i64 = 3_600;

/// The most live access tokens of one grant; the next one ends the oldest.
pub const MAX_LIVE_ACCESS: usize = 15;

/// The most live grants of one client; the next one revokes the oldest.
pub const MAX_GRANTS: usize = 20;

/// The most access tokens of one grant, and the most codes of one client, that are given within
/// [`WINDOW`].
pub const MAX_IN_WINDOW: usize = 10;

/// Ten minutes, in seconds.
pub const WINDOW: i64 = 600;

/// What a client that is made for one application may do at most: nothing else is cut down to one.
const WITHIN_ONE_APPLICATION: [Right; 3] = [
    Right::read(Resource::Seats),
    Right::read(Resource::Accounts),
    Right::read(Resource::Organizations),
];

/// What the ledger knows of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientState {
    /// The account it acts for.
    pub account: Option<Uuid>,
    /// The one application whose figures it sees; none: all.
    pub application: Option<String>,
    /// What its access tokens may do at most.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was removed.
    pub removed_at: Option<Timestamp>,
}

/// A stored client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// UUID v7.
    pub id: Uuid,
    /// The organization it belongs to.
    pub organization: Uuid,
    /// What it calls itself when it signs in.
    pub client_id: String,
    /// What people call it.
    pub name: Option<String>,
    /// What the ledger knows of it.
    pub state: ClientState,
}

/// What the ledger knows of a grant: that a client may have access tokens until it is revoked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantState {
    /// The client's id.
    pub client: Uuid,
    /// Whether it was given for a grant code; else it came with the client.
    pub by_code: bool,
    /// When it was given.
    pub created_at: Timestamp,
    /// The ledger position at which it was given.
    pub revision: u64,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A grant code, as far as it is still remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Nobody has used it.
    Unused {
        /// The client's id.
        client: Uuid,
        /// From when on it cannot be used.
        expires_at: Timestamp,
    },
    /// It became this grant.
    Used(Uuid),
}

/// An access token. It is no part of the ledger: it is gone an hour later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The client's id.
    pub client: Uuid,
    /// The grant it rests on; none: on the client's own credentials.
    pub grant: Option<Uuid>,
    /// What it may do at most.
    pub scopes: Vec<Scope>,
    /// Its place among those that rest on the same.
    pub ordinal: u64,
    /// When it was handed out.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether it ended before its time.
    pub ended: bool,
}

/// Why a client is handed nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GrantRefusal {
    /// Too many attempts with a wrong secret.
    TooManyFailures,
    /// No such client, or one that was removed.
    UnknownClient,
    /// Not the client's secret.
    WrongSecret,
    /// A code or a refresh token that is unknown, used, expired or revoked.
    InvalidCode,
    /// Something the client may not do, or that is no scope.
    InvalidScope,
    /// The organization was not named, or is another one.
    MissingOrganization,
    /// The client was given [`MAX_IN_WINDOW`] grants for codes within [`WINDOW`].
    TooManyCodes,
    /// [`MAX_IN_WINDOW`] access tokens were handed out within [`WINDOW`].
    TooManyTokens,
}

impl fmt::Display for GrantRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooManyFailures => "too many attempts with a wrong secret; wait a minute",
            Self::UnknownClient => "there is no such client",
            Self::WrongSecret => "this is not the client's secret",
            Self::InvalidCode => "the code or refresh token is unknown, used, expired or revoked",
            Self::InvalidScope => "the client does not have this scope",
            Self::MissingOrganization => "name the client's own organization",
            Self::TooManyCodes => "10 codes were used within 10 minutes; wait",
            Self::TooManyTokens => "10 access tokens were given within 10 minutes; wait",
        })
    }
}

/// A client to create, with its first grant and a grant code.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// UUID v7.
    pub id: Uuid,
    /// What it will call itself.
    pub client_id: String,
    /// The SHA-256 of its secret.
    pub secret: Digest,
    /// What people call it.
    pub name: Option<String>,
    /// What its access tokens may do at most; at least one.
    pub scopes: Vec<Scope>,
    /// The account it acts for.
    pub account: Option<Uuid>,
    /// The one application whose figures it sees.
    pub application: Option<String>,
    /// The first grant's id; UUID v7.
    pub grant: Uuid,
    /// The SHA-256 of that grant's refresh token.
    pub refresh: Digest,
    /// The SHA-256 of the code.
    pub code: Digest,
}

/// Creates a client. `state` holds its account and its application.
///
/// # Errors
/// [`Error::NotFound`] for the account or the application, [`Error::InvalidInput`].
pub fn create(state: &State, new: &NewClient, now: Timestamp) -> Result<Decision, Error> {
    if let Some(account) = new.account {
        account::find(state, account)?;
    }
    if let Some(application) = &new.application {
        application::find(state, application)?;
    }
    let name = new.name.as_deref().map(clean_name).transpose()?;
    check_scopes(&new.scopes)?;
    check_client_scopes(new)?;
    let (client, grant) = (new.id, new.grant);
    let mut decision: Decision = [
        Change::ClientCreated {
            id: client,
            scopes: new.scopes.clone(),
            account: new.account,
            application: new.application.clone(),
        },
        Change::GrantCreated {
            id: grant,
            client,
            by_code: false,
        },
    ]
    .into_iter()
    .collect();
    decision.records = vec![
        Record::ClientSecret {
            id: client,
            client_id: new.client_id.clone(),
            sha256: new.secret,
            name,
        },
        Record::GrantSecret {
            id: grant,
            refresh_sha256: new.refresh,
            code_sha256: None,
        },
        code_record(client, new.code, now),
    ];
    Ok(decision)
}

fn check_client_scopes(new: &NewClient) -> Result<(), Error> {
    let refused = |reason: &str| {
        Err(Error::InvalidInput {
            field: "scopes",
            reason: reason.to_owned(),
        })
    };
    if new.scopes.is_empty() {
        return refused("give at least one");
    }
    let outside = |right: Right| !WITHIN_ONE_APPLICATION.contains(&right);
    if new.application.is_some() && rights(&new.scopes).any(outside) {
        return refused(
            "a client for one application has seats:read, accounts:read and organizations:read at \
             most",
        );
    }
    Ok(())
}

/// Everything that the scopes include.
fn rights(scopes: &[Scope]) -> impl Iterator<Item = Right> {
    let all = Resource::ALL.into_iter().flat_map(|resource| {
        [Action::Read, Action::Write].map(|action| Right { resource, action })
    });
    all.filter(move |right| scopes.iter().any(|scope| scope.includes(*right)))
}

/// Removes a client. Repeating it changes nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub fn remove(state: &State, id: Uuid) -> Result<Decision, Error> {
    match state.clients.get(&id) {
        Some(client) if client.removed_at.is_some() => Ok(Decision::nothing()),
        Some(_) => Ok(Change::ClientRemoved { id }.into()),
        None => Err(missing(id)),
    }
}

/// Makes a code for a client.
///
/// # Errors
/// [`Error::NotFound`] for a client that is not there or was removed.
pub fn add_code(
    state: &State,
    client: Uuid,
    code: Digest,
    now: Timestamp,
) -> Result<Decision, Error> {
    let stored = state.clients.get(&client);
    if stored.is_none_or(|client| client.removed_at.is_some()) {
        return Err(missing(client));
    }
    let mut decision = Decision::nothing();
    decision.records.push(code_record(client, code, now));
    Ok(decision)
}

fn missing(id: Uuid) -> Error {
    Error::NotFound {
        kind: Kind::Client,
        name: id.to_string(),
    }
}

fn code_record(client: Uuid, sha256: Digest, now: Timestamp) -> Record {
    Record::Code {
        sha256,
        client,
        expires_at: now.saturating_add(CODE_TTL),
    }
}

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

/// Trades a code for a grant and an access token. `state` holds the client with its account, the
/// code, and the client's grants. A code that was used before takes its grant along: one of its two
/// users was not meant to have it (RFC 6749, 4.1.2).
///
/// # Errors
/// [`Error::GrantRefused`].
pub fn exchange(
    state: &State,
    code: Digest,
    secrets: &Secrets,
    now: Timestamp,
) -> Result<Decision, Error> {
    let client = usable(state, secrets.client)?;
    let invalid = Error::GrantRefused(GrantRefusal::InvalidCode);
    match state.codes.get(&code) {
        Some(Code::Unused { client, expires_at })
            if *client == secrets.client && now < *expires_at => {}
        Some(Code::Used(grant)) if own_grant(state, *grant, secrets.client) => {
            let mut decision = revoke_grant(state, *grant);
            decision.refused.push((0, invalid));
            return Ok(decision);
        }
        Some(_) | None => return Err(invalid),
    }
    let grants = state.grants.iter();
    let mut own: Vec<_> = grants
        .filter(|(_, grant)| grant.client == secrets.client)
        .collect();
    let recent = |grant: &GrantState| grant.by_code && grant.created_at > now - WINDOW;
    if own.iter().filter(|(_, grant)| recent(grant)).count() >= MAX_IN_WINDOW {
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
        },
        access_record(secrets, Some(grant), client.scopes.clone(), 1, now),
    ];
    Ok(decision)
}

/// Trades a refresh token for an access token. `state` holds the client with its account, the grant
/// of the refresh token, and the access tokens that rest on it.
///
/// # Errors
/// [`Error::GrantRefused`].
pub fn refresh(
    state: &State,
    refresh: Digest,
    secrets: &Secrets,
    now: Timestamp,
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

/// Hands out an access token for the client's own credentials. `state` holds the client with its
/// account, and the access tokens that rest on them. `scopes` narrows; empty: all of the client's.
///
/// # Errors
/// [`Error::GrantRefused`].
pub fn credentials(
    state: &State,
    scopes: &[Scope],
    secrets: &Secrets,
    now: Timestamp,
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

/// Revokes a refresh token with all that rests on it, or an access token alone. `state` holds
/// whichever it is, with its client and the grant that it rests on.
///
/// # Errors
/// [`Error::GrantRefused`] for one that is neither, or dead already.
pub fn revoke(state: &State, token: Digest, now: Timestamp) -> Result<Decision, Error> {
    let there = |client: Uuid| {
        let found = state.clients.get(&client);
        found.is_some_and(|client| client.removed_at.is_none())
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
    now: Timestamp,
) -> Result<Decision, Error> {
    let others = state.access_tokens.iter().filter(|(_, access)| {
        access.client == secrets.client && access.grant == grant && now < access.expires_at
    });
    let mut others: Vec<_> = others.collect();
    others.sort_by_key(|(_, access)| access.ordinal);
    let recent = others
        .iter()
        .filter(|(_, access)| access.issued_at > now - WINDOW);
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
    now: Timestamp,
) -> Record {
    Record::Access {
        sha256: secrets.access,
        access: Access {
            client: secrets.client,
            grant,
            scopes,
            ordinal,
            issued_at: now,
            expires_at: now.saturating_add(ACCESS_TTL),
            ended: false,
        },
    }
}

impl State {
    /// Applies a change of clients and their grants.
    pub(crate) fn apply_to_clients(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::ClientCreated {
                id,
                scopes,
                account,
                application,
            } => {
                let client = ClientState {
                    account: *account,
                    application: application.clone(),
                    scopes: scopes.clone(),
                    created_at: at,
                    removed_at: None,
                };
                self.clients.insert(*id, client);
            }
            Change::ClientRemoved { id } => {
                if let Some(client) = self.clients.get_mut(id) {
                    client.removed_at = Some(at);
                }
            }
            Change::GrantCreated {
                id,
                client,
                by_code,
            } => {
                let grant = GrantState {
                    client: *client,
                    by_code: *by_code,
                    created_at: at,
                    revision: position,
                    revoked_at: None,
                };
                self.grants.insert(*id, grant);
            }
            Change::GrantRevoked { id } => {
                if let Some(grant) = self.grants.get_mut(id) {
                    grant.revoked_at = Some(at);
                }
            }
            _ => {}
        }
    }
}
