//! Tokens: sign in with one, create, list, revoke.

use std::sync::Arc;

use lictor_core::access::Actor;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Now;
use lictor_core::error::Kind;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use lictor_core::facts::token::{Origin, Token};
use lictor_core::names::clean_name;
use lictor_core::record::Record;
use lictor_core::rules::token::{self, NewToken};
use lictor_core::state::State;
use lictor_core::{Error, Timestamp};
use lictor_store::{Fact, Idempotent, Rule, Write};
use uuid::Uuid;

use super::permits::{InstallationPermit, Permit, needed};
use super::right::{Read, Tokens};
use super::{Authority, Call, right};
use crate::{answering, random};

/// A token to create.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    /// What it may do at most.
    pub role: Role,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Scope>,
    /// When it ends; none: never.
    pub expires_at: Option<Timestamp>,
    /// What people call it.
    pub name: Option<String>,
    /// The account that is to own it; none: nobody's.
    pub account: Option<Uuid>,
}

/// A token just created. The secret is shown this once; it has no `Debug`.
pub struct IssuedToken {
    /// The token.
    pub token: Token,
    /// What a client sends.
    pub secret: String,
}

/// What goes with a token that is to be stored.
pub(super) struct Issue {
    /// Its organization's stream, or the installation's.
    pub(super) stream: Uuid,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// What a client sends.
    pub(super) secret: String,
    /// The tokens that it replaces: they are revoked with it.
    pub(super) replaces: Vec<Uuid>,
    /// The idempotency record to store with it.
    pub(super) idempotent: Option<Idempotent>,
}

/// Who has signed in, and when.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// Who it is.
    pub actor: Actor,
    now: Now,
}

impl From<Call> for SignedIn {
    fn from(call: Call) -> Self {
        Self {
            actor: call.actor,
            now: call.now,
        }
    }
}

impl Authority {
    /// Who a caller is that shows this secret.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] for an unknown, revoked or expired one, [`Error::OwnerInactive`], or a
    /// fault of the store.
    pub async fn sign_in(&self, secret: &str) -> Result<SignedIn, Error> {
        self.cache.refresh_if_stale(self.store.as_ref()).await?;
        let sha256 = Digest::of(secret.as_bytes()).0;
        let now = self.clock.now();
        let (store, second) = (self.store.as_ref(), now.elapsed());
        let token = self.cache.token(store, sha256, second).await?;
        let token = token.ok_or(Error::Unauthenticated)?;
        let actor = token.actor(&now).ok_or_else(|| token.refusal(&now))?;
        answering::signed_in();
        Ok(SignedIn { actor, now })
    }

    /// A call of whoever has just signed in, about the organization named, else its own, else `default`.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown or foreign organization.
    pub fn call(&self, caller: SignedIn, organization: Option<&str>) -> Result<Call, Error> {
        let SignedIn { actor, now } = caller;
        let organization = self.organization_for(&actor, organization)?;
        answering::acts_in(organization.id);
        Ok(Call {
            actor,
            organization,
            now,
            idempotent: None,
        })
    }

    /// At most `limit` tokens of the organization in order of their ids, beginning after `after`.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn tokens(
        &self,
        permit: Permit<'_, Tokens, Read>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Token>, Error> {
        let stream = permit.call().organization.id;
        self.store.tokens(stream, after, limit).await
    }

    /// The same of the installation's operators.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn tokens_of_operators(
        &self,
        _: InstallationPermit<'_, Tokens, Read>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Token>, Error> {
        self.store.tokens(INSTALLATION, after, limit).await
    }

    /// One token of the organization or, for operators, of the installation.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn token(&self, permit: Permit<'_, Tokens, Read>, id: Uuid) -> Result<Token, Error> {
        let call = permit.call();
        let found = self.find_token(call, id).await?;
        found.ok_or_else(|| Error::NotFound {
            kind: Kind::Token,
            name: id.to_string(),
        })
    }

    /// Creates a token: for an operator in the installation, else in the call's organization. It
    /// can do no more than its creator.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for an operator's token without `of_operator`, [`Error::InvalidInput`], or a fault of
    /// the store.
    pub async fn create_token(
        &self,
        permit: Permit<'_, Tokens, right::Write>,
        of_operator: Option<InstallationPermit<'_, Tokens, right::Write>>,
        request: TokenRequest,
    ) -> Result<IssuedToken, Error> {
        let call = permit.call();
        let stream = match request.role {
            Role::Operator => {
                needed(call, of_operator)?;
                INSTALLATION
            }
            Role::Admin | Role::Reader => call.organization.id,
        };
        token::check_no_wider(&call.actor, request.role, &request.scopes)?;
        token::check_no_longer(&call.actor, request.expires_at)?;
        let new = Issue {
            stream,
            origin: Origin::Token(call.actor.token),
            secret: random::token()?,
            replaces: Vec::new(),
            idempotent: call.idempotent.clone(),
        };
        self.issue_token(new, request).await
    }

    /// Stores a token.
    pub(super) async fn issue_token(
        &self,
        issue: Issue,
        request: TokenRequest,
    ) -> Result<IssuedToken, Error> {
        let Issue {
            stream,
            origin,
            secret,
            replaces,
            idempotent,
        } = issue;
        let actor = match origin {
            Origin::Token(id) => Some(id),
            Origin::Environment | Origin::FirstStart => None,
        };
        let now = self.clock.now();
        let new = NewToken {
            id: random::id(&self.clock)?,
            secret_sha256: Digest::of(secret.as_bytes()).0,
            name: request.name,
            role: request.role,
            scopes: request.scopes,
            expires_at: request.expires_at,
            account: request.account,
        };
        let mut facts = vec![Fact::ExpiredTokens(now.wall())];
        facts.extend(request.account.map(Fact::Account));
        facts.extend(replaces.iter().copied().map(Fact::Token));
        self.run(Write {
            stream,
            actor,
            now,
            facts,
            rule: issuing(new.clone(), origin, replaces, now),
            idempotent,
        })
        .await?;
        let token = Token {
            id: new.id,
            organization: (stream != INSTALLATION).then_some(stream),
            name: new.name.as_deref().map(clean_name).transpose()?,
            role: new.role,
            scopes: new.scopes,
            created_at: now.wall(),
            expires_at: new.expires_at,
            ends: None,
            revoked_at: None,
            account: match new.account {
                Some(account) => self.store.account(stream, account).await?.map(Arc::new),
                None => None,
            },
            application: None,
            origin: Some(origin),
        };
        Ok(IssuedToken { token, secret })
    }

    /// Revokes a token. Repeating it changes nothing. The last operator's is revoked only by `force`.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastAdministrator`], or a fault of the store.
    pub async fn revoke_token(
        &self,
        permit: Permit<'_, Tokens, right::Write>,
        id: Uuid,
        force: bool,
    ) -> Result<(), Error> {
        let call = permit.call();
        let found = self.find_token(call, id).await?;
        let missing = || Error::NotFound {
            kind: Kind::Token,
            name: id.to_string(),
        };
        let stream = found
            .ok_or_else(missing)?
            .organization
            .unwrap_or(INSTALLATION);
        let now = call.now.wall();
        let rule = Rule::new(move |state: &State| {
            if !force {
                token::keep_an_operator(state, id, now)?;
            }
            token::revoke(state, id)
        });
        let mut facts = vec![Fact::Token(id)];
        // An organization has no operator's token: it would be looked for among all that it has.
        let other = Fact::OtherOperator { than: id, now };
        facts.extend((stream == INSTALLATION).then_some(other));
        self.write(call, stream, facts, rule).await?;
        Ok(())
    }

    pub(super) async fn find_token(&self, call: &Call, id: Uuid) -> Result<Option<Token>, Error> {
        let streams = [
            Some(call.organization.id),
            call.actor.organization.is_none().then_some(INSTALLATION),
        ];
        // Ids are ordered, so the page of one that begins just before `id` is `id` itself.
        let before = Uuid::from_u128(id.as_u128().wrapping_sub(1));
        for stream in streams.into_iter().flatten() {
            let page = self.store.tokens(stream, Some(before), 1).await?;
            if let Some(token) = page.into_iter().find(|token| token.id == id) {
                return Ok(Some(token));
            }
        }
        Ok(None)
    }
}

/// The rule that creates a token and revokes those that it replaces.
fn issuing(new: NewToken, origin: Origin, replaces: Vec<Uuid>, now: Now) -> Rule {
    Rule::new(move |state: &State| {
        let mut decision = token::create(state, &new, now.wall())?;
        let id = new.id;
        decision.records.push(Record::TokenOrigin { id, origin });
        for replaced in &replaces {
            decision
                .changes
                .extend(token::revoke(state, *replaced)?.changes);
        }
        Ok(decision.with(move |_| Ok(id)))
    })
}
