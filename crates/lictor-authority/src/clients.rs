//! OAuth clients: create, list, remove, and make grant codes for them. What they are handed for
//! those is in `grants`.

use lictor_core::digest::Digest;
use lictor_core::elapsed::Now;
use lictor_core::error::Kind;
use lictor_core::facts::client::{Client, ClientState};
use lictor_core::facts::grant::WINDOW;
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use lictor_core::names::clean_name;
use lictor_core::patch_field::PatchField;
use lictor_core::rules::client::{self, NewClient};
use lictor_core::rules::token;
use lictor_core::state::State;
use lictor_core::{Error, Timestamp, facts};
use lictor_store::{Fact, Rule};
use uuid::Uuid;

use super::permits::Permit;
use super::right::{Clients, Read, Write};
use super::{Authority, Call};
use crate::random;

/// A client to create.
#[derive(Debug, Clone)]
pub struct ClientRequest {
    /// What people call it.
    pub name: Option<String>,
    /// What its access tokens may do at most.
    pub scopes: Vec<Scope>,
    /// The account it is to act for.
    pub account: Option<Uuid>,
    /// The one application whose figures it is to see; none: all.
    pub application: Option<String>,
}

/// A client just created, with the secrets that are shown this once; it has no `Debug`.
pub struct IssuedClient {
    /// The client.
    pub client: Client,
    /// What it signs in with.
    pub secret: String,
    /// What it trades for access tokens.
    pub refresh_token: String,
    /// What it can trade for another refresh token.
    pub code: IssuedCode,
}

/// A grant code just made; it has no `Debug`.
pub struct IssuedCode {
    /// What a client sends, once.
    pub code: String,
    /// From when on it cannot be used.
    pub expires_at: Timestamp,
}

impl Authority {
    /// At most `limit` clients that are not removed in order of their ids, beginning after
    /// `after`.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn clients(
        &self,
        permit: Permit<'_, Clients, Read>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<Client>, Error> {
        let call = permit.call();
        self.store.clients(call.organization.id, after, limit).await
    }

    /// The client with this id, or that calls itself so.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn client(
        &self,
        permit: Permit<'_, Clients, Read>,
        name: &str,
    ) -> Result<Client, Error> {
        let call = permit.call();
        self.find_client(call, name).await
    }

    async fn find_client(&self, call: &Call, name: &str) -> Result<Client, Error> {
        let found = match Uuid::try_parse(name) {
            Ok(id) => self.store.client(call.organization.id, id).await?,
            Err(_) => {
                let found = self.store.client_by_client_id(name).await?;
                found.map(|(client, _)| client)
            }
        };
        let own = |client: &Client| {
            client.organization == call.organization.id && client.state.removed_at.is_none()
        };
        found.filter(own).ok_or_else(|| Error::NotFound {
            kind: Kind::Client,
            name: name.to_owned(),
        })
    }

    /// Creates a client, which can do no more than its creator, with a refresh token and a code.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`], or a fault of the store.
    pub async fn create_client(
        &self,
        permit: Permit<'_, Clients, Write>,
        request: ClientRequest,
    ) -> Result<IssuedClient, Error> {
        let call = permit.call();
        token::check_no_wider(&call.actor, Role::Admin, &request.scopes)?;
        token::check_no_longer(&call.actor, None)?;
        let (secret, refresh_token) = (random::client_secret()?, random::credential()?);
        let code = random::credential()?;
        let new = NewClient {
            id: random::id(&self.clock)?,
            client_id: random::client_id()?,
            secret: sha256(&secret),
            name: request.name,
            scopes: request.scopes,
            account: request.account,
            application: request.application,
            grant: random::id(&self.clock)?,
            refresh: sha256(&refresh_token),
            code: sha256(&code),
        };
        let account = new.account.map(Fact::Account);
        let application = new.application.clone().map(Fact::Application);
        let facts = account.into_iter().chain(application).collect();
        let (rule_client, now) = (new.clone(), call.now);
        let rule =
            Rule::new(move |state: &State| client::create(state, &rule_client, now.elapsed()));
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(IssuedClient {
            client: Client {
                id: new.id,
                organization: call.organization.id,
                client_id: new.client_id,
                name: new.name.as_deref().map(clean_name).transpose()?,
                state: ClientState {
                    account: new.account,
                    application: new.application,
                    scopes: new.scopes,
                    created_at: now.wall(),
                    removed_at: None,
                },
            },
            secret,
            refresh_token,
            code: IssuedCode::new(code, &now),
        })
    }

    /// Names a client, or takes its name away.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::InvalidInput`], or a fault of the store.
    pub async fn rename_client(
        &self,
        permit: Permit<'_, Clients, Write>,
        name: &str,
        new: PatchField<String>,
    ) -> Result<Client, Error> {
        let call = permit.call();
        let id = self.find_client(call, name).await?.id;
        let rule = Rule::new(move |state: &State| {
            let new = new.as_ref().try_map(|new| Ok::<_, Error>(new.as_str()))?;
            client::rename(state, id, new)
        });
        let facts = vec![Fact::Client(id)];
        self.write(call, call.organization.id, facts, rule).await?;
        self.find_client(call, &id.to_string()).await
    }

    /// Makes a code that the client can trade for a refresh token.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn create_code(
        &self,
        permit: Permit<'_, Clients, Write>,
        name: &str,
    ) -> Result<IssuedCode, Error> {
        let call = permit.call();
        let client = self.find_client(call, name).await?;
        // Else a caller could give itself more than it has.
        token::check_no_wider(&call.actor, Role::Admin, &client.state.scopes)?;
        let code = random::credential()?;
        let (id, code_sha256, now) = (client.id, sha256(&code), call.now);
        let rule =
            Rule::new(move |state: &State| client::add_code(state, id, code_sha256, now.elapsed()));
        let facts = vec![
            Fact::Client(id),
            Fact::CodesOf {
                client: id,
                since: now.elapsed().minus(WINDOW),
            },
        ];
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(IssuedCode::new(code, &now))
    }

    /// Removes a client; what it was handed is dead at once.
    ///
    /// # Errors
    /// [`Error::NotFound`], or a fault of the store.
    pub async fn remove_client(
        &self,
        permit: Permit<'_, Clients, Write>,
        name: &str,
    ) -> Result<(), Error> {
        let call = permit.call();
        let id = self.find_client(call, name).await?.id;
        let rule = Rule::new(move |state: &State| client::remove(state, id));
        let facts = vec![Fact::Client(id)];
        self.write(call, call.organization.id, facts, rule).await?;
        Ok(())
    }
}

impl IssuedCode {
    fn new(code: String, now: &Now) -> Self {
        Self {
            code,
            expires_at: now.shown(now.elapsed().plus(facts::client::CODE_TTL)),
        }
    }
}

/// The form in which secrets are stored.
pub(super) fn sha256(secret: &str) -> Digest {
    Digest::of(secret.as_bytes())
}
