//! Trusted time: the last time that the control plane signed, plus the time since boot that has passed
//! since, even while the process was not running. The machine's wall clock can advance it a little, but
//! never turns it back.

use lictor_core::Timestamp;
use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::clock::Readings;
use crate::planted;

/// The earliest trusted time, 2026-11-01T00:00:00Z. This version did not exist before it.
const EARLIEST: Timestamp = 1_793_491_200;

/// How far the wall clock may advance trusted time beyond what was signed, in milliseconds.
const TOLERANCE: i64 = 60_000;

/// Trusted time as it is saved on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedTime {
    /// The time by signed times and the time since boot, in milliseconds since 1970.
    pub signed: i64,
    /// By how much the wall clock advanced it beyond that, in milliseconds.
    pub raised: i64,
    /// The time since boot then, in milliseconds.
    #[serde(default)]
    pub boot: i64,
    /// The boot that this is counted from, if it is known.
    #[serde(default)]
    pub boot_id: Option<Uuid>,
}

/// The trusted time of a running node.
#[derive(Debug, Clone)]
pub(crate) struct TrustedTime {
    signed: i64,
    raised: i64,
    boot: i64,
    boot_id: Option<Uuid>,
    wall_ahead: i64,
}

/// How the machine's clock differs from trusted time, if it differs by too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Difference {
    /// It is this many seconds ahead, and not trusted.
    Ahead(i64),
    /// It is this many seconds behind.
    Behind(i64),
}

impl TrustedTime {
    /// Continues from what was saved.
    pub(crate) fn from_saved(saved: SavedTime, now: Readings) -> Self {
        // The machine was not rebooted, so the time that has passed is known.
        let same_boot = saved.boot_id.is_some() && saved.boot_id == now.boot_id;
        let mut time = Self {
            signed: saved.signed.max(EARLIEST.saturating_mul(1_000)),
            raised: saved.raised.clamp(0, TOLERANCE),
            boot: if same_boot { saved.boot } else { now.boot },
            boot_id: now.boot_id,
            wall_ahead: 0,
        };
        time.read(now);
        time
    }

    /// Updates trusted time from the clocks and returns it.
    pub(crate) fn read(&mut self, now: Readings) -> Timestamp {
        let passed = now.boot.saturating_sub(self.boot).max(0);
        self.signed = self.signed.saturating_add(passed);
        self.boot = self.boot.max(now.boot);
        let ahead = now.wall.saturating_sub(self.signed);
        if ahead <= TOLERANCE {
            self.raised = self.raised.max(ahead);
        }
        self.wall_ahead = ahead;
        if planted::is("node-wall-clock") {
            (self.signed, self.raised) = (now.wall, 0);
        }
        self.now()
    }

    /// Advances to a time that the control plane signed.
    pub(crate) fn advance_to(&mut self, issued_at: Timestamp) {
        let issued_at = issued_at.saturating_mul(1_000);
        if issued_at > self.signed {
            let by = issued_at.saturating_sub(self.signed);
            self.raised = self.raised.saturating_sub(by).max(0);
            self.wall_ahead = self.wall_ahead.saturating_sub(by);
            self.signed = issued_at;
        }
    }

    /// The time at the last reading.
    pub(crate) fn now(&self) -> Timestamp {
        self.milliseconds().div_euclid(1_000)
    }

    /// The same in milliseconds since 1970.
    pub(crate) fn milliseconds(&self) -> i64 {
        self.signed.saturating_add(self.raised)
    }

    /// How many seconds the machine's clock is ahead of trusted time.
    pub(crate) fn wall_difference(&self) -> i64 {
        self.wall_ahead.saturating_sub(self.raised) / 1_000
    }

    /// How the machine's clock differs, if it differs by too much.
    pub(crate) fn difference(&self) -> Option<Difference> {
        let beyond = self.wall_ahead.saturating_sub(self.raised);
        if self.wall_ahead > TOLERANCE {
            Some(Difference::Ahead(beyond / 1_000))
        } else if beyond < -TOLERANCE {
            Some(Difference::Behind(beyond.saturating_neg() / 1_000))
        } else {
            None
        }
    }

    /// The form that is saved on disk.
    pub(crate) fn to_saved(&self) -> SavedTime {
        SavedTime {
            signed: self.signed,
            raised: self.raised,
            boot: self.boot,
            boot_id: self.boot_id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_800_000_000_000;

    fn at(wall: i64, boot: i64) -> Readings {
        Readings {
            wall: START + wall,
            boot,
            boot_id: None,
        }
    }

    fn started() -> TrustedTime {
        let saved = SavedTime {
            signed: START,
            ..SavedTime::default()
        };
        TrustedTime::from_saved(saved, at(0, 0))
    }

    #[test]
    fn time_passes_with_the_time_since_boot() {
        let mut time = started();
        for day in 0..400 {
            let passed = day * 86_400_000;
            assert_eq!(time.read(at(passed, passed)), (START + passed) / 1_000);
            assert_eq!(time.difference(), None);
        }
    }

    #[test]
    fn a_clock_set_back_changes_nothing_but_is_noticed() {
        let mut time = started();
        assert_eq!(time.read(at(-3_600_000, 1_000)), START / 1_000 + 1);
        assert_eq!(time.difference(), Some(Difference::Behind(3_601)));
        assert_eq!(time.read(at(-31_536_000_000, 2_000)), START / 1_000 + 2);
        assert_eq!(time.read(at(3_000, 3_000)), START / 1_000 + 3);
        assert_eq!(time.difference(), None);
        time.read(at(-i64::MAX / 2, 4_000));
        assert!(matches!(time.difference(), Some(Difference::Behind(_))));
    }

    #[test]
    fn a_clock_set_forward_counts_for_a_minute_in_all() {
        let mut time = started();
        assert_eq!(time.read(at(40_000, 0)), START / 1_000 + 40);
        assert_eq!(time.read(at(60_000, 0)), START / 1_000 + 60);
        assert_eq!(time.difference(), None);
        assert_eq!(time.read(at(60_001, 0)), START / 1_000 + 60);
        assert_eq!(time.difference(), Some(Difference::Ahead(0)));
        // Ten years, again and again.
        for step in 1..50 {
            let wall = step * 315_360_000_000;
            assert_eq!(time.read(at(wall, 0)), START / 1_000 + 60);
            assert_eq!(time.read(at(-wall, 0)), START / 1_000 + 60);
        }
        // Setting it a little ahead each time gains nothing either.
        for step in 0..50 {
            time.read(at(60_000 + step * 30_000, 0));
        }
        assert_eq!(time.now(), START / 1_000 + 60);
    }

    #[test]
    fn a_signed_time_settles_the_matter() {
        let mut time = started();
        time.read(at(3_600_000, 0));
        assert_eq!(time.difference(), Some(Difference::Ahead(3_600)));
        time.advance_to(START / 1_000 + 3_590);
        assert_eq!(time.difference(), None);
        assert_eq!(time.read(at(3_600_000, 0)), START / 1_000 + 3_600);
        // One of the past changes nothing.
        time.advance_to(START / 1_000 - 9);
        assert_eq!(time.now(), START / 1_000 + 3_600);
        assert_eq!(time.to_saved().raised, 10_000);
        time.advance_to(START / 1_000 + 3_595);
        assert_eq!(time.now(), START / 1_000 + 3_600);
        assert_eq!(time.to_saved().raised, 5_000);
    }

    #[test]
    fn restarts_lose_the_time_without_power_and_no_more() {
        let mut time = started();
        let mut wall = 0;
        let mut off = 0;
        for restart in 0..200_i64 {
            time.read(at(wall + 3_600_000, 3_600_000));
            wall += 3_600_000;
            let before = time.milliseconds();
            let away = (restart % 7) * 20_000;
            (wall, off) = (wall + away, off + away);
            // Whoever turns the clock in between gains nothing.
            let turned = wall + (restart % 3 - 1) * 86_400_000;
            time = TrustedTime::from_saved(time.to_saved(), at(turned, 0));
            assert!(time.milliseconds() >= before);
            let behind = START + wall - time.milliseconds();
            assert!((-60_000..=off).contains(&behind), "{restart}: {behind}");
        }
    }

    #[test]
    fn while_the_machine_is_up_no_restart_loses_anything() {
        let of_boot = |boot_id, boot| Readings {
            boot_id: Some(Uuid::from_u128(boot_id)),
            ..at(-86_400_000, boot)
        };
        let saved = SavedTime {
            signed: START,
            raised: 0,
            boot: 5_000,
            boot_id: Some(Uuid::from_u128(1)),
        };
        let time = TrustedTime::from_saved(saved, of_boot(1, 3_605_000));
        assert_eq!(time.now(), START / 1_000 + 3_600);
        // Another boot says nothing, nor does a clock that has gone back.
        for now in [of_boot(2, 3_605_000), of_boot(1, 4_000), at(0, 3_605_000)] {
            let time = TrustedTime::from_saved(saved, now);
            assert_eq!(time.now(), START / 1_000);
        }
    }

    #[test]
    fn what_is_kept_cannot_lie_before_this_version() {
        let damaged = SavedTime {
            signed: i64::MIN,
            raised: i64::MAX,
            boot: i64::MIN,
            boot_id: None,
        };
        let mut time = TrustedTime::from_saved(damaged, at(0, i64::MAX));
        assert_eq!(time.now(), EARLIEST + 60);
        time.advance_to(Timestamp::MAX);
        let far = time.read(Readings {
            wall: i64::MIN,
            boot: i64::MIN,
            boot_id: None,
        });
        assert!(far >= START / 1_000);
    }
}
