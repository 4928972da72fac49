//! Creating and removing OAuth clients, and making codes for them.

use uuid::Uuid;

use crate::change::Change;
use crate::decision::Decision;
use crate::digest::Digest;
use crate::elapsed::Elapsed;
use crate::error::{Error, Kind};
use crate::facts::client::CODE_TTL;
use crate::facts::grant::WINDOW;
use crate::facts::quota::Quota;
use crate::facts::right::{Resource, Right};
use crate::facts::scope::{Scope, check_scopes, rights};
use crate::names::clean_name;
use crate::patch_field::PatchField;
use crate::record::Record;
use crate::rules::{account, application};
use crate::state::State;

/// What a client that is made for one application may do at most: nothing else is cut down to one.
const WITHIN_ONE_APPLICATION: [Right; 3] = [
    Right::read(Resource::Seats),
    Right::read(Resource::Accounts),
    Right::read(Resource::Organizations),
];

/// A client to create, with its first grant and a grant code.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// UUID v7.
    pub id: Uuid,
    /// What it will call itself.
    pub client_id: String,
    /// The SHA-256 of its secret.
    pub secret: Digest,
    /// Its display name.
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

/// Creates a client. `state` contains its account and its application.
///
/// # Errors
/// [`Error::NotFound`] for the account or the application, [`Error::InvalidInput`].
pub fn create(state: &State, new: &NewClient, now: Elapsed) -> Result<Decision<Uuid>, Error> {
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
            given_at: now,
        },
        code_record(client, new.code, now),
    ];
    Ok(decision.with(move |_| Ok(client)))
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

/// Names a client, or takes its name away.
///
/// # Errors
/// [`Error::NotFound`] for a client that is not there or was removed, [`Error::InvalidInput`].
pub fn rename(state: &State, id: Uuid, name: PatchField<&str>) -> Result<Decision, Error> {
    let name = name.try_map(clean_name)?.into_change();
    let stored = state.clients.get(&id);
    if stored.is_none_or(|client| client.removed_at.is_some()) {
        return Err(missing(id));
    }
    let mut decision = Decision::nothing();
    let named = name.map(|name| Record::ClientName { id, name });
    decision.records.extend(named);
    Ok(decision)
}

/// Removes a client. It is idempotent.
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

/// Makes a code for a client. `state` contains those that were made of late.
///
/// # Errors
/// [`Error::NotFound`] for a client that is not there or was removed, [`Error::QuotaReached`] with the
/// time until the oldest of them counts no more.
pub fn add_code(
    state: &State,
    client: Uuid,
    code: Digest,
    now: Elapsed,
) -> Result<Decision, Error> {
    let stored = state.clients.get(&client);
    if stored.is_none_or(|client| client.removed_at.is_some()) {
        return Err(missing(client));
    }
    let made = state.codes_made.get(&client).copied().unwrap_or_default();
    let (quota, limit) = (Quota::Codes, state.quotas.limit(Quota::Codes));
    if made.count >= limit {
        let left = made.oldest.map(|oldest| oldest.plus(WINDOW).since(now));
        return Err(Error::QuotaReached {
            quota,
            limit,
            of: None,
            // Where none may be made, none will be later.
            retry_after: left
                .filter(|_| limit > 0)
                .map(|left| left.max(1).unsigned_abs()),
        });
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

fn code_record(client: Uuid, sha256: Digest, now: Elapsed) -> Record {
    Record::Code {
        sha256,
        client,
        expires_at: now.plus(CODE_TTL),
    }
}
