//! What OAuth clients are handed: refresh tokens for codes, access tokens for refresh tokens or for
//! their own credentials (RFC 6749). Clients sign in here; everywhere else access tokens do.

use std::net::IpAddr;

use lictor_core::elapsed::Now;
use lictor_core::facts::client::Client;
use lictor_core::facts::grant::GrantRefusal;
use lictor_core::facts::scope::Scope;
use lictor_core::rules::grant::{self, Secrets};
use lictor_core::{Error, facts};
use lictor_store::{Fact, Rule, Write};
use uuid::Uuid;

use super::Authority;
use super::attempts::Attempt;
use super::clients::sha256;
use crate::{answering, random};

/// How a client signs in; it has no `Debug`.
pub struct Credentials {
    /// What it calls itself.
    pub client_id: String,
    /// Its secret.
    pub secret: String,
    /// Where it asks from.
    pub from: IpAddr,
}

/// What a client asks for; it has no `Debug`.
pub enum Grant {
    /// A refresh token and an access token for a code.
    Code(String),
    /// An access token for a refresh token.
    RefreshToken(String),
    /// An access token for the client's own credentials, narrowed to scopes, in the organization
    /// with this number.
    Credentials(Vec<Scope>, Option<u64>),
}

/// What a client is handed; it has no `Debug`.
pub struct HandedOut {
    /// An access token of [`facts::grant::ACCESS_TTL`].
    pub access_token: String,
    /// A refresh token, where a code was traded.
    pub refresh_token: Option<String>,
    /// What the access token may do at most.
    pub scopes: Vec<Scope>,
}

/// Whether a grant was refused although something was stored.
type Granted = Result<(), GrantRefusal>;

fn granted((): ()) -> Granted {
    Ok(())
}

impl Authority {
    /// Hands a client what it asks for, if it signs in and may have it.
    ///
    /// # Errors
    /// [`Error::GrantRefused`], or a fault of the store.
    pub async fn hand_out(
        &self,
        credentials: &Credentials,
        grant: Grant,
    ) -> Result<HandedOut, Error> {
        let client = self.sign_in_client(credentials).await?;
        let (access_token, refresh_token) = (random::credential()?, random::credential()?);
        let secrets = Secrets {
            client: client.id,
            access: sha256(&access_token),
            grant: (random::id(&self.clock)?, sha256(&refresh_token)),
        };
        let now = self.clock.now();
        let (mut scopes, id) = (client.state.scopes.clone(), client.id);
        let mut facts = vec![Fact::Client(id)];
        let mut handed_refresh = None;
        let rule = match grant {
            Grant::Code(code) => {
                let code = sha256(&code);
                let since = now.elapsed().minus(facts::grant::WINDOW);
                facts.extend([Fact::Code(code), Fact::GrantsOf { client: id, since }]);
                handed_refresh = Some(refresh_token);
                Rule::new(move |state| grant::exchange(state, code, &secrets, now.elapsed()))
            }
            Grant::RefreshToken(token) => {
                let token = sha256(&token);
                facts.push(Fact::ClientSecret(token));
                Rule::new(move |state| {
                    let refreshed = grant::refresh(state, token, &secrets, now.elapsed())?;
                    Ok(refreshed.map(granted))
                })
            }
            Grant::Credentials(wanted, organization) => {
                self.check_organization(&client, organization)?;
                if !wanted.is_empty() {
                    scopes.clone_from(&wanted);
                }
                facts.push(Fact::AccessOf(id));
                Rule::new(move |state| {
                    let given = grant::credentials(state, &wanted, &secrets, now.elapsed())?;
                    Ok(given.map(granted))
                })
            }
        };
        self.write_for_client(&client, facts, rule, now).await?;
        Ok(HandedOut {
            access_token,
            refresh_token: handed_refresh,
            scopes,
        })
    }

    /// Revokes a refresh token with all that rests on it, or an access token alone. Whoever has it
    /// may; a client that signs in may revoke what it was handed (RFC 7009).
    ///
    /// # Errors
    /// [`Error::GrantRefused`] for one that is unknown, dead or another client's, and for a client
    /// that is not what it says; or a fault of the store.
    pub async fn revoke_handed_out(
        &self,
        token: &str,
        credentials: Option<&Credentials>,
    ) -> Result<(), Error> {
        let by = match credentials {
            Some(credentials) => Some(self.sign_in_client(credentials).await?.id),
            None => None,
        };
        let (token, now) = (sha256(token), self.clock.now());
        let found = self.store.organization_of_secret(token).await?;
        let stream = found.ok_or(Error::GrantRefused(GrantRefusal::InvalidCode))?;
        let rule =
            Rule::new(
                move |state| Ok(grant::revoke(state, token, by, now.elapsed())?.map(granted)),
            );
        let facts = vec![Fact::ClientSecret(token)];
        match self.write_grant(stream, by, facts, rule, now).await {
            // Its organization is gone, and the token with it.
            Err(Error::NotFound { .. }) => Err(Error::GrantRefused(GrantRefusal::InvalidCode)),
            other => other,
        }
    }

    async fn write_for_client(
        &self,
        client: &Client,
        facts: Vec<Fact>,
        rule: Rule,
        now: Now,
    ) -> Result<(), Error> {
        let actor = Some(client.id);
        let written = self.write_grant(client.organization, actor, facts, rule, now);
        match written.await {
            // Its organization is gone, and the client with it.
            Err(Error::NotFound { .. }) => Err(Error::GrantRefused(GrantRefusal::UnknownClient)),
            other => other,
        }
    }

    async fn write_grant(
        &self,
        stream: Uuid,
        actor: Option<Uuid>,
        facts: Vec<Fact>,
        rule: Rule,
        now: Now,
    ) -> Result<(), Error> {
        let write = Write {
            stream,
            actor,
            now,
            facts,
            rule,
            idempotent: None,
        };
        let outcome = self.run(write).await?.outcome.take::<Granted>()?;
        outcome.map_err(Error::GrantRefused)
    }

    /// The client that these credentials belong to. Who fails too often from one address has to
    /// wait, whatever comes next; others are not held up by that.
    async fn sign_in_client(&self, credentials: &Credentials) -> Result<Client, Error> {
        let now = self.clock.now().elapsed();
        let attempt = Attempt {
            client: Some(&credentials.client_id),
            from: credentials.from,
        };
        if self.attempts.are_too_many(&attempt, now) {
            return Err(Error::GrantRefused(GrantRefusal::TooManyFailures));
        }
        let found = self
            .store
            .client_by_client_id(&credentials.client_id)
            .await?
            .filter(|(client, _)| client.state.removed_at.is_none());
        let refusal = match found {
            Some((client, secret)) if secret == sha256(&credentials.secret) => {
                answering::signed_in();
                return Ok(client);
            }
            Some(_) => GrantRefusal::WrongSecret,
            None => GrantRefusal::UnknownClient,
        };
        self.attempts.failed(&attempt, now);
        Err(Error::GrantRefused(refusal))
    }

    fn check_organization(&self, client: &Client, number: Option<u64>) -> Result<(), Error> {
        let installation = self.cache.installation();
        let own = installation.organizations.by_id(client.organization);
        match (own, number) {
            (Some(own), Some(number)) if own.number == number => Ok(()),
            _ => Err(Error::GrantRefused(GrantRefusal::MissingOrganization)),
        }
    }
}
