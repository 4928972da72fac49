//! The start of a server: what must be there before the first request.

use std::io;
use std::sync::Arc;

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Now;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::role::Role;
use lictor_core::facts::token::{Origin, Token};
use lictor_core::record::Record;
use lictor_core::rules::{organization, token, trust};
use lictor_core::{Error, KeyId, PublicKey, SigningKey, TrustPolicy, facts};
use lictor_planted as planted;
use lictor_store::{Fact, Rule, Store, Write};
use uuid::Uuid;

use super::reactions::Reactions;
use super::tokens::{Issue, TokenRequest};
use super::{Authority, Feed, Opened, attempts, cache, census, ended};
use crate::clock::{Clock, Timeline};
use crate::random;

/// The shortest operator token that may be given from outside, in characters.
pub const MIN_SECRET_LENGTH: usize = 32;

/// How many tokens are read at once.
const PAGE: usize = 1_000;

/// What a server is started with.
#[derive(Default)]
pub struct Start {
    /// The trust policy asked for; none: the stored one, `verified` at first.
    pub policy: Option<TrustPolicy>,
    /// Keys to trust; those that are trusted already change nothing.
    pub keys: Vec<PublicKey>,
    /// An operator token that must be valid; none: one is made at the first start.
    pub operator_secret: Option<String>,
    /// How old a census may become, in seconds: 0 to [`census::MAX_AGE`].
    pub census_max_age: i64,
    /// How long ended leases are kept, in seconds, 0 to [`ended::MAX_KEPT`]; none:
    /// [`ended::DEFAULT_KEPT`].
    pub keep_holders: Option<i64>,
    /// The key that states for nodes are signed with; none: one that is gone with this server.
    pub control_plane_key: Option<SigningKey>,
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The stored policy is another one.
    #[error(
        "this data was started with trust policy `{stored}`, not `{asked}`; \
         start with --trust-policy {stored}"
    )]
    OtherPolicy {
        /// The policy that is stored.
        stored: TrustPolicy,
        /// The policy that was asked for.
        asked: TrustPolicy,
    },
    /// A key given at the start was revoked.
    #[error("key {0} was revoked and cannot be trusted again; remove its --trust")]
    KeyRevoked(KeyId),
    /// The operator token given is too short to be safe, or no header could carry it.
    #[error(
        "LICTOR_ADMIN_TOKEN must be {MIN_SECRET_LENGTH} or more visible ASCII characters, without \
         white space or a line end"
    )]
    UnfitSecret,
    /// The operator token given was revoked or has expired, or is no operator's.
    #[error(
        "LICTOR_ADMIN_TOKEN is a token that was revoked (a start with another value does that), \
         has expired or is not an operator's; choose a new one, or start without it"
    )]
    DeadSecret,
    /// The new operator token could not be handed over.
    #[error("could not hand over the operator token: {0}")]
    Announce(#[source] io::Error),
    /// A fault of the store.
    #[error(transparent)]
    Store(#[from] Error),
}

/// Refuses an operator token that is easy to guess or that no client could send.
///
/// # Errors
/// [`StartError::UnfitSecret`].
pub fn check_secret(secret: &str) -> Result<(), StartError> {
    let visible = secret.bytes().all(|byte| byte.is_ascii_graphic());
    if visible && secret.len() >= MIN_SECRET_LENGTH {
        Ok(())
    } else {
        Err(StartError::UnfitSecret)
    }
}

/// Lets what is in memory learn of each write, for as long as anybody has it.
fn observe(store: &dyn Store, cache: &Arc<cache::Cache>, feed: &Arc<Feed>) {
    let (cache, feed) = (Arc::downgrade(cache), Arc::downgrade(feed));
    store.observe(Box::new(move |write, written| {
        let reactions = Reactions::to(write.stream, written);
        if let Some(cache) = cache.upgrade() {
            cache.invalidate(&reactions);
        }
        if let Some(feed) = feed.upgrade() {
            feed.learn(&reactions, write.now.elapsed());
        }
    }));
}

fn say_replaced(tokens: &[Uuid]) {
    for token in tokens {
        tracing::warn!(
            %token,
            "LICTOR_ADMIN_TOKEN has another value: the token that it stood for before is revoked"
        );
    }
}

impl Authority {
    /// Opens an installation: sets the policy, creates the organization `default`, ensures an
    /// operator token and trusts the keys given. At the first start a token is made (unless one
    /// is given) and handed to `announce` before it is stored, so that it is never lost.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn open(
        store: Arc<dyn Store>,
        clock: Clock,
        start: Start,
        announce: impl FnOnce(&str) -> io::Result<()>,
    ) -> Result<Opened, StartError> {
        start
            .operator_secret
            .as_deref()
            .map_or(Ok(()), check_secret)?;
        let saved = store.clock().await?;
        let clock = Timeline::open(clock, saved);
        let control_plane_key = match start.control_plane_key {
            Some(key) => key,
            None => SigningKey::from_seed(random::bytes()?),
        };
        let feed = Arc::new(Feed::new(control_plane_key, random::id(&clock)?));
        let cache = Arc::new(cache::Cache::new(store.is_exclusive()));
        observe(store.as_ref(), &cache, &feed);
        cache.refresh_if_stale(store.as_ref()).await?;
        let authority = Self {
            feed,
            quota_refusals: Arc::default(),
            lines: super::lines::Lines::default(),
            jobs: Arc::default(),
            parts: super::long_work::Turns::new(1),
            joins: super::long_work::Turns::new(1),
            silence: tokio::sync::Mutex::default(),
            long_work: super::long_work::LongWork::default(),
            long_pages: super::long_work::Turns::of_half_the_processors(),
            store,
            clock,
            cache,
            census_max_age: start.census_max_age.clamp(0, census::MAX_AGE),
            keep_holders: start
                .keep_holders
                .unwrap_or(ended::DEFAULT_KEPT)
                .clamp(0, ended::MAX_KEPT),
            censuses: census::Censuses::default(),
            attempts: attempts::Attempts::default(),
        };
        authority.ensure_clock(saved).await;
        authority.ensure_policy(start.policy).await?;
        authority.ensure_default_organization().await?;
        authority
            .ensure_operator(start.operator_secret, announce)
            .await?;
        for key in start.keys {
            authority.ensure_key(key).await?;
        }
        Ok(Opened::new(authority))
    }

    /// Saves where elapsed time is, unless what is saved can be followed: of another boot it could
    /// only be by the wall clock, which may be set before the first write. Where it cannot be written
    /// now, the first write sees to it.
    async fn ensure_clock(&self, saved: Option<Now>) {
        let now = self.clock.now();
        if saved.is_some_and(|saved| saved.is_same_boot(now.reading)) {
            return;
        }
        let nothing = Rule::new(|_| Ok(Decision::nothing()));
        if let Err(error) = self.write_at_start(Vec::new(), nothing).await {
            tracing::warn!(%error, "elapsed time could not be saved at the start");
        }
    }

    async fn ensure_policy(&self, asked: Option<TrustPolicy>) -> Result<(), StartError> {
        match (self.store.policy().await?, asked) {
            (Some(stored), Some(asked)) if stored != asked => {
                Err(StartError::OtherPolicy { stored, asked })
            }
            (Some(_), _) => Ok(()),
            (None, asked) => {
                let policy = asked.unwrap_or_default();
                let rule = Rule::new(move |state| {
                    Ok(match state.policy {
                        Some(_) => Decision::nothing(),
                        None => Change::PolicySet { policy }.into(),
                    })
                });
                self.write_at_start(vec![Fact::Policy], rule).await
            }
        }
    }

    async fn ensure_default_organization(&self) -> Result<(), StartError> {
        let key = facts::organization::DEFAULT_KEY;
        if self
            .cache
            .installation()
            .organizations
            .by_key(key)
            .is_some()
        {
            return Ok(());
        }
        let (id, number) = (random::id(&self.clock)?, random::number()?);
        let now = self.clock.now().wall();
        let rule =
            Rule::new(move |state| organization::create(state, (id, number), key, None, now));
        self.write_at_start(vec![Fact::Organization(key.to_owned())], rule)
            .await
    }

    async fn ensure_operator(
        &self,
        secret: Option<String>,
        announce: impl FnOnce(&str) -> io::Result<()>,
    ) -> Result<(), StartError> {
        let first_start = self.store.tokens(INSTALLATION, None, 1).await?.is_empty();
        let (origin, secret) = match secret {
            Some(secret) => {
                let sha256 = Digest::of(secret.as_bytes()).0;
                match self.store.token_by_secret(sha256).await? {
                    Some(known)
                        if known.is_live(&self.clock.now()) && known.role == Role::Operator =>
                    {
                        return self.note_environment(&known).await;
                    }
                    Some(_) => return Err(StartError::DeadSecret),
                    None => (Origin::Environment, secret),
                }
            }
            None if first_start => {
                let secret = random::token()?;
                announce(&secret).map_err(StartError::Announce)?;
                planted::point("start.announced");
                (Origin::FirstStart, secret)
            }
            None => return Ok(()),
        };
        let request = TokenRequest {
            role: Role::Operator,
            scopes: Vec::new(),
            expires_at: None,
            name: Some("operator".to_owned()),
            account: None,
        };
        let replaces = match origin {
            Origin::Environment => self.tokens_of_environment().await?,
            Origin::FirstStart | Origin::Token(_) => Vec::new(),
        };
        let new = Issue {
            stream: INSTALLATION,
            origin,
            secret,
            replaces: replaces.clone(),
            idempotent: None,
        };
        self.issue_token(new, request).await?;
        say_replaced(&replaces);
        Ok(())
    }

    /// The live tokens that `LICTOR_ADMIN_TOKEN` stood for at earlier starts.
    async fn tokens_of_environment(&self) -> Result<Vec<Uuid>, Error> {
        let now = self.clock.now();
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.tokens(INSTALLATION, after, PAGE).await?;
            let own = |token: &&Token| token.origin == Some(Origin::Environment);
            let live = page.iter().filter(own).filter(|token| token.is_live(&now));
            found.extend(live.map(|token| token.id));
            match page.last() {
                Some(last) if page.len() == PAGE => after = Some(last.id),
                Some(_) | None => return Ok(found),
            }
        }
    }

    /// Notes that `LICTOR_ADMIN_TOKEN` stands for this token, and no more for another.
    async fn note_environment(&self, token: &Token) -> Result<(), StartError> {
        let id = token.id;
        // One that is narrowed or ends is no other way in.
        let is_whole = token.scopes.is_empty() && token.expires_at.is_none();
        let mut replaces = match is_whole {
            true => self.tokens_of_environment().await?,
            false => Vec::new(),
        };
        replaces.retain(|other| *other != id);
        if replaces.is_empty() && token.origin == Some(Origin::Environment) {
            return Ok(());
        }
        let (replaced, facts) = (
            replaces.clone(),
            replaces.iter().copied().map(Fact::Token).collect(),
        );
        let rule = Rule::new(move |state| {
            let mut decision = Decision::nothing();
            for id in &replaces {
                decision.changes.extend(token::revoke(state, *id)?.changes);
            }
            let origin = Origin::Environment;
            decision.records.push(Record::TokenOrigin { id, origin });
            Ok(decision)
        });
        self.write_at_start(facts, rule).await?;
        say_replaced(&replaced);
        Ok(())
    }

    async fn ensure_key(&self, key: PublicKey) -> Result<(), StartError> {
        let id = key.id();
        let rule = Rule::new(move |state| trust::ensure(state, &key));
        match self.write_at_start(vec![Fact::Key(id)], rule).await {
            Err(StartError::Store(Error::KeyRevoked(id))) => Err(StartError::KeyRevoked(id)),
            other => other,
        }
    }

    async fn write_at_start(&self, facts: Vec<Fact>, rule: Rule) -> Result<(), StartError> {
        let now = self.clock.now();
        let write = Write {
            stream: INSTALLATION,
            actor: None,
            now,
            facts,
            rule,
            idempotent: None,
        };
        self.run(write).await?;
        Ok(())
    }
}
