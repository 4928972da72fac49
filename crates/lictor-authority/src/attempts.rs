//! Failed attempts to sign in, in memory: how many a client had from one address within a minute, and
//! an address, whoever it said to be. They hold up who comes from there, and nobody from elsewhere.

use std::collections::VecDeque;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use lictor_core::elapsed::Elapsed;
use quick_cache::sync::Cache;

use crate::network::counted_as;

/// The most failures of one client from one address within [`WINDOW`].
const MOST: usize = 10;

/// The most failures from one address within [`WINDOW`], whichever client it named.
const MOST_OF_ADDRESS: usize = 100;

/// A minute, in seconds.
const WINDOW: i64 = 60;

/// How many clients and addresses are remembered. Who is forgotten may try again; one address alone
/// cannot have others forgotten, for it has no more failures than these.
const REMEMBERED: usize = 16_384;

/// The longest `client_id` that is remembered, in bytes; longer ones belong to nobody.
const LONGEST: usize = 64;

/// A client as it calls itself, and the address it asks from.
type Place = (String, IpAddr);

/// Who tries to sign in.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    /// The client that it says to be; none: it only shows a secret.
    pub(super) client: Option<&'a str>,
    /// Where it asks from.
    pub(super) from: IpAddr,
}

impl Attempt<'_> {
    fn place(&self) -> Option<Place> {
        let client = self.client?;
        let known = if client.len() > LONGEST { "" } else { client };
        Some((known.to_owned(), self.from))
    }
}

/// When the last failures were.
#[derive(Default)]
pub(super) struct Attempts {
    clients: Failures<Place, MOST>,
    addresses: Failures<IpAddr, MOST_OF_ADDRESS>,
}

impl Attempts {
    /// Whether there were so many that this attempt is not looked at. It does not count itself, so
    /// that nobody is shut out for longer by trying on.
    pub(super) fn are_too_many(&self, attempt: &Attempt<'_>, now: Elapsed) -> bool {
        let of_client = attempt.place();
        of_client.is_some_and(|place| self.clients.are_too_many(&place, now))
            || counted_as(attempt.from).is_some_and(|from| self.addresses.are_too_many(&from, now))
    }

    /// Counts a failure. Loopback, where a proxy stands, counts by client alone.
    pub(super) fn failed(&self, attempt: &Attempt<'_>, now: Elapsed) {
        if let Some(place) = attempt.place() {
            self.clients.failed(place, now);
        }
        if let Some(from) = counted_as(attempt.from) {
            self.addresses.failed(from, now);
        }
    }
}

/// When the last failures of each were, at most so many.
struct Failures<K, const MOST: usize>(Cache<K, Arc<Mutex<VecDeque<Elapsed>>>>);

impl<K: Hash + Eq + Clone, const MOST: usize> Default for Failures<K, MOST> {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl<K: Hash + Eq + Clone, const MOST: usize> Failures<K, MOST> {
    fn are_too_many(&self, key: &K, now: Elapsed) -> bool {
        let within = |at: &&Elapsed| now.since(**at) < WINDOW;
        self.0.get(key).is_some_and(|failures| {
            let failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
            failures.iter().filter(within).count() >= MOST
        })
    }

    fn failed(&self, key: K, now: Elapsed) {
        let made = || Ok::<_, std::convert::Infallible>(Arc::default());
        let Ok(failures) = self.0.get_or_insert_with(&key, made);
        let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
        failures.push_back(now);
        if failures.len() > MOST {
            failures.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Elapsed {
        Elapsed::from_seconds(second)
    }

    fn attempt<'a>(client: &'a str, from: &str) -> Attempt<'a> {
        Attempt {
            client: Some(client),
            from: from.parse().unwrap(),
        }
    }

    #[test]
    fn ten_failures_within_a_minute_are_too_many_for_that_client_and_address_alone() {
        for [here, elsewhere] in [["127.0.0.1", "127.0.0.2"], ["192.0.2.1", "192.0.2.2"]] {
            let attempts = Attempts::default();
            for second in 0..10 {
                assert!(!attempts.are_too_many(&attempt("a", here), at(second)));
                attempts.failed(&attempt("a", here), at(second));
            }
            assert!(attempts.are_too_many(&attempt("a", here), at(9)));
            assert!(attempts.are_too_many(&attempt("a", here), at(59)));
            assert!(!attempts.are_too_many(&attempt("a", here), at(60)));
            assert!(!attempts.are_too_many(&attempt("a", elsewhere), at(9)));
            assert!(!attempts.are_too_many(&attempt("b", here), at(9)));
        }
    }

    #[test]
    fn whoever_an_address_says_to_be_it_has_a_hundred_failures_a_minute_and_no_other_pays() {
        let attempts = Attempts::default();
        let names: Vec<String> = (0..100).map(|number| format!("client {number}")).collect();
        for name in &names {
            assert!(!attempts.are_too_many(&attempt(name, "2001:db8::1"), at(0)));
            attempts.failed(&attempt(name, "2001:db8::1"), at(0));
        }
        let nobody = |from: &str| Attempt {
            client: None,
            from: from.parse().unwrap(),
        };
        for refused in [attempt("new", "2001:db8::1"), nobody("2001:db8::2")] {
            assert!(attempts.are_too_many(&refused, at(59)));
            assert!(!attempts.are_too_many(&refused, at(60)));
        }
        for name in &names {
            assert!(!attempts.are_too_many(&attempt(name, "192.0.2.1"), at(0)));
        }
        assert!(!attempts.are_too_many(&nobody("2001:db8:0:1::1"), at(0)));
    }

    #[test]
    fn what_is_remembered_of_failures_is_bounded() {
        let attempts = Attempts::default();
        for number in 0..3 * REMEMBERED as u32 {
            let name = "x".repeat(number as usize % 200);
            let from = IpAddr::from((0x0a00_0000 + number).to_be_bytes());
            let client = Some(name.as_str());
            attempts.failed(&Attempt { client, from }, at(0));
            let place = Attempt { client, from }.place().unwrap();
            assert!(place.0.len() <= LONGEST);
        }
        assert!(attempts.clients.0.len() <= REMEMBERED);
        assert!(attempts.addresses.0.len() <= REMEMBERED);
        let one = attempt("one", "192.0.2.1");
        for _ in 0..10 * MOST_OF_ADDRESS {
            attempts.failed(&one, at(0));
        }
        let kept = attempts.addresses.0.get(&one.from).unwrap();
        assert_eq!(kept.lock().unwrap().len(), MOST_OF_ADDRESS);
    }
}
