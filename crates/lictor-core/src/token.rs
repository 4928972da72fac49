//! Tokens: what may be created by whom. The secret itself never comes near the core.

use uuid::Uuid;

use crate::access::{Action, Actor, Resource, Right, Role, Scope};
use crate::change::{Change, Decision, Record};
use crate::error::{Error, Kind};
use crate::organization::check_name;
use crate::state::State;
use crate::time::Timestamp;

/// A stored token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// UUID v7.
    pub id: Uuid,
    /// The organization it belongs to; none for operators.
    pub organization: Option<Uuid>,
    /// What people call it; not part of the ledger.
    pub name: Option<String>,
    /// What it may do at most.
    pub role: Role,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Scope>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it ends; none: never.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

impl Token {
    /// Whether the token can be used.
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Who a caller is that shows this token; none once it is revoked or has expired.
    pub fn actor(&self, now: Timestamp) -> Option<Actor> {
        self.is_live(now).then(|| Actor {
            token: self.id,
            name: self.name.clone(),
            role: self.role,
            organization: self.organization,
            scopes: self.scopes.clone(),
        })
    }
}

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// UUID v7.
    pub id: Uuid,
    /// The SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
    /// What people call it.
    pub name: Option<String>,
    /// What it may do at most.
    pub role: Role,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Scope>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
}

/// Creates a token in the stream of its organization, or of the installation for an operator.
///
/// # Errors
/// [`Error::InvalidInput`] for a name out of bounds or an end that has passed.
pub fn create(new: &NewToken, now: Timestamp) -> Result<Decision, Error> {
    check_name("name", new.name.as_deref())?;
    if new.expires_at.is_some_and(|end| end <= now) {
        let reason = "it has passed already".to_owned();
        return Err(Error::InvalidInput {
            field: "expires_at",
            reason,
        });
    }
    let change = Change::TokenCreated {
        id: new.id,
        role: new.role,
        scopes: new.scopes.clone(),
        expires_at: new.expires_at,
    };
    let mut decision: Decision = change.into();
    decision.records.push(Record::TokenSecret {
        id: new.id,
        sha256: new.secret_sha256,
        name: new.name.clone(),
    });
    Ok(decision)
}

/// Refuses a token that could do more than its creator.
///
/// # Errors
/// [`Error::Forbidden`] with the first right that the creator lacks.
pub fn check_no_wider(creator: &Actor, role: Role, scopes: &[Scope]) -> Result<(), Error> {
    let wanted = Actor {
        role,
        scopes: scopes.to_vec(),
        ..creator.clone()
    };
    for resource in Resource::ALL {
        for action in [Action::Read, Action::Write] {
            let right = Right { resource, action };
            if wanted.has(right) && !creator.has(right) {
                return Err(Error::Forbidden(right));
            }
        }
    }
    if role > creator.role {
        return Err(Error::Forbidden(Right::write(Resource::Organizations)));
    }
    Ok(())
}

/// Revokes a token. Repeating it changes nothing.
///
/// # Errors
/// [`Error::NotFound`].
pub fn revoke(state: &State, id: Uuid) -> Result<Decision, Error> {
    match state.tokens.get(&id) {
        Some(token) if token.revoked_at.is_some() => Ok(Decision::nothing()),
        Some(_) => Ok(Change::TokenRevoked { id }.into()),
        None => Err(Error::NotFound {
            kind: Kind::Token,
            name: id.to_string(),
        }),
    }
}
