//! Whether bytes that wait to be taken are taken fast enough; what waits is counted by others.

use std::time::Duration;

use tokio::time::Instant;

/// What a peer must take of what waits for it, in bytes a second.
const FLOOR: f64 = 1_000.0;

/// How a peer takes what waits for it. It is looked at now and then, and not at each byte.
#[derive(Debug)]
pub(crate) struct Pace {
    window: Duration,
    wait: Option<Wait>,
}

#[derive(Debug)]
struct Wait {
    /// Which wait it is: another begins when nothing waits in between.
    number: u64,
    since: Instant,
    taken_before: u64,
    /// When a byte was last seen to have been taken.
    moved: Instant,
    taken: u64,
}

impl Pace {
    /// Too slow is who takes nothing for the time of `window`, or less than 1 kB a second over it.
    pub(crate) fn new(window: Duration) -> Self {
        Self { window, wait: None }
    }

    /// Looks at the wait of this number, if something waits, and at the bytes taken so far.
    pub(crate) fn is_too_slow(&mut self, now: Instant, waiting: Option<u64>, taken: u64) -> bool {
        let Some(number) = waiting else {
            self.wait = None;
            return false;
        };
        let Some(wait) = self.wait.as_mut().filter(|wait| wait.number == number) else {
            self.wait = Some(Wait {
                number,
                since: now,
                taken_before: taken,
                moved: now,
                taken,
            });
            return false;
        };
        if taken != wait.taken {
            (wait.moved, wait.taken) = (now, taken);
        }
        if now - wait.moved >= self.window {
            return true;
        }
        if now - wait.since < self.window {
            return false;
        }
        let floor = self.window.as_secs_f64() * FLOOR;
        let slow = ((taken - wait.taken_before) as f64) < floor;
        (wait.since, wait.taken_before) = (now, taken);
        slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second at which a peer is found too slow that has taken `taken(second)` bytes by then,
    /// if it is within ten minutes.
    fn found_at(taken: impl Fn(u64) -> u64) -> Option<u64> {
        let mut pace = Pace::new(Duration::from_secs(60));
        let begin = Instant::now();
        let slow = |second: &u64| {
            let now = begin + Duration::from_secs(*second);
            pace.is_too_slow(now, Some(0), taken(*second))
        };
        (0..600).step_by(15).find(slow)
    }

    #[test]
    fn a_peer_takes_a_kilobyte_a_second_and_never_pauses_for_a_minute() {
        assert_eq!(found_at(|_| 0), Some(60));
        assert_eq!(found_at(|second| second * 1_000), None);
        assert_eq!(found_at(|second| second * 900), Some(60));
        assert_eq!(
            found_at(|second| second / 25 * 16_384),
            Some(60),
            "16 kB each 25 s"
        );
        assert_eq!(
            found_at(|second| second.min(59) * 100_000),
            Some(120),
            "a good minute buys no other"
        );
    }

    #[test]
    fn a_wait_ends_when_nothing_waits() {
        let mut pace = Pace::new(Duration::from_secs(60));
        let begin = Instant::now();
        let mut look =
            |second, waiting| pace.is_too_slow(begin + Duration::from_secs(second), waiting, 0);
        assert!(!look(0, Some(0)));
        assert!(!look(50, None));
        assert!(!look(70, Some(0)));
        assert!(!look(120, Some(1)), "another wait");
        assert!(look(180, Some(1)));
    }
}
