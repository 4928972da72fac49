//! The cache of tokens, by the secret that signs in. A change drops the tokens that it touches, and what was read
//! before it is never cached.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lictor_core::Error;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::token::Token;
use quick_cache::sync::Cache as Bounded;
use uuid::Uuid;

use super::reactions::{Reactions, StaleTokens};

/// How many tokens are kept in memory.
const TOKENS: usize = 16_384;

/// The SHA-256 of a secret.
type Secret = [u8; 32];

/// The tokens of one installation, as far as they were asked for.
pub(super) struct TokenCache {
    /// With the second that each was read in.
    tokens: Bounded<Secret, (Arc<Token>, Elapsed)>,
    noted: Mutex<Noted>,
}

/// What says which tokens a change touches.
#[derive(Default)]
struct Noted {
    /// How many changes there were. What was read before the last may be untrue.
    changes: u64,
    /// By the ids of tokens, their accounts and their organizations.
    by_subject: HashMap<Uuid, HashSet<Secret>>,
    /// How many are noted, those included that are in memory no more.
    count: usize,
}

impl TokenCache {
    pub(super) fn new() -> Self {
        Self {
            tokens: Bounded::new(TOKENS),
            noted: Mutex::default(),
        }
    }

    /// The token of a secret, if it is in memory and may be taken from there: `is_fresh` says so by the
    /// second that it was read in.
    pub(super) fn get(
        &self,
        secret: &Secret,
        is_fresh: impl Fn(Elapsed) -> bool,
    ) -> Option<Arc<Token>> {
        let (token, read_at) = self.tokens.get(secret)?;
        if is_fresh(read_at) {
            return Some(token);
        }
        self.tokens.remove(secret);
        None
    }

    /// The token of a secret that [`get`](Self::get) did not find. Of many who ask at once one reads.
    pub(super) async fn read(
        &self,
        secret: Secret,
        now: Elapsed,
        read: impl Future<Output = Result<Option<Token>, Error>>,
    ) -> Result<Option<Arc<Token>>, Error> {
        let place = match self.tokens.get_value_or_guard_async(&secret).await {
            Ok((token, _)) => return Ok(Some(token)),
            Err(place) => place,
        };
        let changes = self.noted().changes;
        let Some(token) = read.await?.map(Arc::new) else {
            return Ok(None);
        };
        // No change comes between the look and the token's place.
        let mut noted = self.noted();
        if noted.changes == changes {
            if noted.count >= 2 * TOKENS {
                noted.forget_all(&self.tokens);
            }
            noted.note(secret, &token);
            let _ = place.insert((token.clone(), now));
        }
        Ok(Some(token))
    }

    /// Forgets the tokens that a write has made untrue.
    pub(super) fn invalidate(&self, reactions: &Reactions<'_>) {
        let mut stale = reactions.each().filter_map(|one| one.tokens).peekable();
        if stale.peek().is_none() {
            return;
        }
        let mut noted = self.noted();
        noted.changes += 1;
        for stale in stale {
            match stale {
                StaleTokens::Of(subject) => noted.forget(subject, &self.tokens),
                StaleTokens::WithSecret(secret) => drop(self.tokens.remove(&secret)),
            }
        }
    }

    fn noted(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn note(&mut self, secret: Secret, token: &Token) {
        self.count += 1;
        let account = token.account.as_ref().map(|account| account.id);
        let organization = token.organization.unwrap_or(INSTALLATION);
        let subjects = [Some(token.id), account, Some(organization)];
        for subject in subjects.into_iter().flatten() {
            self.by_subject.entry(subject).or_default().insert(secret);
        }
    }

    fn forget(&mut self, subject: Uuid, tokens: &Bounded<Secret, (Arc<Token>, Elapsed)>) {
        for secret in self.by_subject.remove(&subject).unwrap_or_default() {
            tokens.remove(&secret);
        }
    }

    fn forget_all(&mut self, tokens: &Bounded<Secret, (Arc<Token>, Elapsed)>) {
        tokens.clear();
        self.by_subject.clear();
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use lictor_core::Timestamp;
    use lictor_core::change::Change;
    use lictor_core::facts::role::Role;
    use tokio::sync::oneshot;

    use super::super::reactions::tests::written;
    use super::*;

    const SECRET: Secret = [1; 32];
    const OTHER: Secret = [2; 32];

    fn token(number: u128) -> Token {
        Token {
            id: Uuid::from_u128(number),
            organization: Some(Uuid::from_u128(100)),
            name: None,
            role: Role::Admin,
            scopes: Vec::new(),
            created_at: Timestamp::default(),
            expires_at: None,
            ends: None,
            revoked_at: None,
            account: None,
            application: None,
            origin: None,
        }
    }

    fn changed(tokens: &TokenCache, change: Change) {
        let stream = Uuid::from_u128(100);
        tokens.invalidate(&Reactions::to(stream, &written(stream, change)));
    }

    /// Asks for a token; whether it was read.
    async fn is_read(tokens: &TokenCache, secret: Secret, number: u128) -> bool {
        if tokens.get(&secret, |_| true).is_some() {
            return false;
        }
        let read = Cell::new(false);
        let reading = async {
            read.set(true);
            Ok(Some(token(number)))
        };
        let found = tokens.read(secret, Elapsed::from_seconds(0), reading);
        assert!(found.await.expect("read").is_some());
        read.get()
    }

    #[tokio::test]
    async fn a_token_that_is_not_fresh_is_read_again() {
        let tokens = TokenCache::new();
        assert!(is_read(&tokens, SECRET, 1).await);
        assert!(!is_read(&tokens, SECRET, 1).await);
        assert!(
            tokens
                .get(&SECRET, |read_at| read_at != Elapsed::from_seconds(0))
                .is_none()
        );
        assert!(is_read(&tokens, SECRET, 1).await);
    }

    #[tokio::test]
    async fn a_change_forgets_what_it_touches_and_nothing_else() {
        let tokens = TokenCache::new();
        let (id, organization) = (Uuid::from_u128(1), Uuid::from_u128(100));
        for (change, forgets) in [
            (Change::TokenRevoked { id }, [true, false]),
            (Change::AccountRemoved { id: organization }, [true, true]),
            (Change::OrganizationRemoved, [true, true]),
            (Change::TokenRevoked { id: Uuid::nil() }, [false, false]),
        ] {
            is_read(&tokens, SECRET, 1).await;
            is_read(&tokens, OTHER, 2).await;
            changed(&tokens, change.clone());
            let read = [
                is_read(&tokens, SECRET, 1).await,
                is_read(&tokens, OTHER, 2).await,
            ];
            assert_eq!(read, forgets, "{change:?}");
        }
    }

    #[tokio::test]
    async fn what_was_read_before_a_revoke_is_not_kept_after_it() {
        let tokens = TokenCache::new();
        let (revoked, wait) = oneshot::channel::<()>();
        let reading = async {
            let stale = Some(token(1));
            wait.await.expect("revoked");
            Ok(stale)
        };
        let reading = tokens.read(SECRET, Elapsed::from_seconds(0), reading);
        // Another one waits for the same token.
        let waiting = async { is_read(&tokens, SECRET, 1).await };
        let revoke = async {
            let id = Uuid::from_u128(1);
            changed(&tokens, Change::TokenRevoked { id });
            revoked.send(()).expect("heard");
        };
        let (stale, read, ()) = tokio::join!(reading, waiting, revoke);
        assert!(stale.expect("read").is_some(), "it was asked for before");
        assert!(read, "whoever waited was given what is stale");
    }

    #[tokio::test]
    async fn what_is_noted_of_tokens_has_an_end() {
        let tokens = TokenCache::new();
        for number in 0..5 * u64::try_from(TOKENS).expect("a number") {
            let mut secret = [0; 32];
            secret[..8].copy_from_slice(&number.to_be_bytes());
            is_read(&tokens, secret, number.into()).await;
        }
        let noted = tokens.noted();
        let secrets: usize = noted.by_subject.values().map(HashSet::len).sum();
        assert!(secrets <= 2 * 2 * TOKENS, "{secrets} are noted");
    }
}
