//! Failed attempts of clients to sign in, in memory: how many there were within a minute.

use std::collections::VecDeque;
use std::net::IpAddr;

use lictor_core::Elapsed;
use quick_cache::sync::Cache;

/// The most failures of one client from one address within [`WINDOW`].
const MOST: usize = 10;

/// A minute, in seconds.
const WINDOW: i64 = 60;

/// How many clients and addresses are remembered. Who is forgotten may try again.
const REMEMBERED: usize = 16_384;

/// The longest `client_id` that is remembered, in bytes; longer ones belong to nobody.
const LONGEST: usize = 64;

/// A client as it calls itself, and the address it asks from.
pub(super) type Place = (String, IpAddr);

/// When the last failures were.
pub(super) struct Attempts(Cache<Place, VecDeque<Elapsed>>);

impl Default for Attempts {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Attempts {
    /// Whether there were so many that this attempt is not looked at. It does not count itself, so
    /// that nobody is shut out for longer by trying on.
    pub(super) fn are_too_many(&self, place: &Place, now: Elapsed) -> bool {
        let failures = self.0.get(place);
        failures.is_some_and(|failures| recent(&failures, now) >= MOST)
    }

    /// Counts a failure.
    pub(super) fn failed(&self, mut place: Place, now: Elapsed) {
        if place.0.len() > LONGEST {
            place.0.clear();
        }
        let mut failures = self.0.get(&place).unwrap_or_default();
        failures.push_back(now);
        while failures.len() > MOST {
            failures.pop_front();
        }
        self.0.insert(place, failures);
    }
}

fn recent(failures: &VecDeque<Elapsed>, now: Elapsed) -> usize {
    let within = |at: &&Elapsed| now.since(**at) < WINDOW;
    failures.iter().filter(within).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Elapsed {
        Elapsed::from_seconds(second)
    }

    fn place(client: &str, last: u8) -> Place {
        (client.to_owned(), IpAddr::from([127, 0, 0, last]))
    }

    #[test]
    fn ten_failures_within_a_minute_are_too_many_for_that_client_and_address_alone() {
        let attempts = Attempts::default();
        for second in 0..10 {
            assert!(!attempts.are_too_many(&place("a", 1), at(second)));
            attempts.failed(place("a", 1), at(second));
        }
        assert!(attempts.are_too_many(&place("a", 1), at(9)));
        assert!(attempts.are_too_many(&place("a", 1), at(59)));
        assert!(!attempts.are_too_many(&place("a", 1), at(60)));
        assert!(!attempts.are_too_many(&place("a", 2), at(9)));
        assert!(!attempts.are_too_many(&place("b", 1), at(9)));
    }
}
