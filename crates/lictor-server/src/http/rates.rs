//! How many requests a second a token may make, and an address that shows none; off unless the operator sets it.

use std::borrow::Cow;
use std::convert::Infallible;
use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use lictor_authority::counted_as;
use lictor_core::digest::Digest;
use quick_cache::sync::Cache;

use super::call::basic;

/// How many tokens, and how many addresses, are remembered. Who is forgotten begins anew.
const REMEMBERED: usize = 65_536;

/// What a second has may come at once, in nanoseconds.
const BURST: u64 = 1_000_000_000;

/// The requests of tokens and addresses, as far as they still count.
pub(super) struct Rates {
    /// The time that one request takes up, in nanoseconds.
    gap: u64,
    since: Instant,
    tokens: Cache<Digest, Arc<AtomicU64>>,
    addresses: Cache<IpAddr, Arc<AtomicU64>>,
}

impl Rates {
    /// So many a second, of each.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        Self {
            gap: (BURST / u64::from(per_second.get())).max(1),
            since: Instant::now(),
            tokens: Cache::new(REMEMBERED),
            addresses: Cache::new(REMEMBERED),
        }
    }

    /// Counts a request with a token that was known to be good before: in how many seconds to come
    /// again, if it is one too many. None at all: the token is not known.
    pub(super) fn of_token(&self, token: &Digest, now: Instant) -> Option<Result<(), u64>> {
        let taken_up = self.tokens.get(token)?;
        Some(self.count(&taken_up, now))
    }

    /// Counts a request with a token that is good, and remembers it.
    ///
    /// # Errors
    /// In how many seconds to come again.
    pub(super) fn of_good_token(&self, token: Digest, now: Instant) -> Result<(), u64> {
        self.count(&remembered(&self.tokens, token), now)
    }

    /// Counts a request that shows no token, or one that is not known. Loopback is not counted, for
    /// that is where a proxy stands.
    ///
    /// # Errors
    /// In how many seconds to come again.
    pub(super) fn of_address(&self, address: IpAddr, now: Instant) -> Result<(), u64> {
        let Some(address) = counted_as(address) else {
            return Ok(());
        };
        self.count(&remembered(&self.addresses, address), now)
    }

    /// `taken_up` is up to when requests so far have taken up the time.
    fn count(&self, taken_up: &AtomicU64, now: Instant) -> Result<(), u64> {
        let now = self.passed(now);
        let free_at = now + BURST;
        let next = |taken_up: u64| {
            let next = taken_up.max(now) + self.gap;
            (next <= free_at).then_some(next)
        };
        let counted = taken_up.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        counted.map(drop).map_err(|taken_up| {
            let wait = (taken_up + self.gap).saturating_sub(free_at);
            wait.div_ceil(BURST).max(1)
        })
    }

    /// How long the server runs, in nanoseconds.
    fn passed(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.since);
        u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX / 2)
    }
}

/// What is remembered of one; those who come for the first time together share it too.
fn remembered<K: Hash + Eq + Copy>(all: &Cache<K, Arc<AtomicU64>>, one: K) -> Arc<AtomicU64> {
    let Ok(found) = all.get_or_insert_with(&one, || Ok::<_, Infallible>(Arc::default()));
    found
}

/// The token that a request shows; it has no `Debug`.
pub(super) struct Shown<'a> {
    secret: Cow<'a, str>,
    digest: Digest,
}

impl Shown<'_> {
    /// What signs in.
    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    /// What it is known by.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }
}

/// The token that a request shows, in whatever way; `own` is a header that goes before
/// `Authorization`.
pub(super) fn token_of<'a>(headers: &'a HeaderMap, own: Option<&str>) -> Option<Shown<'a>> {
    let secret = match own.and_then(|name| headers.get(name)) {
        Some(value) => Cow::Borrowed(value.to_str().ok()?),
        None => {
            let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
            let (scheme, credential) = value.split_once(' ')?;
            match scheme.eq_ignore_ascii_case("basic") {
                true => Cow::Owned(basic(credential)?.1),
                false => Cow::Borrowed(credential.trim()),
            }
        }
    };
    let digest = Digest::of(secret.as_bytes());
    Some(Shown { secret, digest })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_second_has_as_many_requests_as_were_set_and_no_more() {
        let rates = Rates::new(NonZeroU32::new(10).expect("some"));
        let (first, second) = (Digest::of(b"a token"), Digest::of(b"another"));
        let at = |tenths: u64| rates.since + Duration::from_millis(100 * tenths);
        assert_eq!(rates.of_token(&first, at(0)), None);
        assert_eq!(rates.of_good_token(second, at(0)), Ok(()));
        // All that came before it was known count, too.
        for _ in 0..5 {
            assert_eq!(rates.of_good_token(first, at(0)), Ok(()));
        }
        for _ in 5..10 {
            assert_eq!(rates.of_token(&first, at(0)), Some(Ok(())));
        }
        assert_eq!(rates.of_token(&first, at(0)), Some(Err(1)));
        assert_eq!(rates.of_token(&second, at(0)), Some(Ok(())));
        assert_eq!(rates.of_token(&first, at(1)), Some(Ok(())));
        assert_eq!(rates.of_token(&first, at(1)), Some(Err(1)));
        // What was not used is not saved up for longer than a second.
        for _ in 0..10 {
            assert_eq!(rates.of_token(&first, at(1_000)), Some(Ok(())));
        }
        assert_eq!(rates.of_token(&first, at(1_000)), Some(Err(1)));
    }

    #[test]
    fn an_address_is_counted_by_its_network_and_loopback_by_none() {
        let rates = Rates::new(NonZeroU32::MIN);
        let asks = |text: &str| {
            let address = text.parse().expect("an address");
            rates.of_address(address, rates.since)
        };
        assert_eq!(asks("2001:db8::1"), Ok(()));
        assert_eq!(asks("2001:db8::2"), Err(1));
        assert_eq!(asks("192.0.2.1"), Ok(()));
        for _ in 0..3 {
            assert_eq!(asks("127.0.0.1"), Ok(()));
        }
    }

    #[test]
    fn a_token_is_one_however_it_is_shown() {
        let shown = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(AUTHORIZATION, value.parse().expect("a header"));
            token_of(&headers, None).map(|shown| *shown.digest())
        };
        let token = Some(Digest::of(b"secret"));
        for value in [
            "Bearer secret",
            "bearer   secret",
            "Own-scheme secret",
            "Basic YUBiLmM6c2VjcmV0",
        ] {
            assert_eq!(shown(value), token, "{value}");
        }
        let mut headers = HeaderMap::new();
        headers.insert("own-token", "secret".parse().expect("a header"));
        let shown = token_of(&headers, Some("own-token"));
        assert_eq!(shown.map(|shown| *shown.digest()), token);
        assert!(token_of(&headers, None).is_none());
    }
}
