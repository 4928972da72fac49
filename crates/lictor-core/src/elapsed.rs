//! Elapsed time: the line of seconds that spans go by, and what the clocks say at one moment. Nothing
//! here reads a clock.
//!
//! A date that somebody gave (a license's, a token's end) goes by the wall clock, a
//! [`Timestamp`]. A span (a lease, an access token, a kept answer) ends at a moment
//! of [`Elapsed`] time, which a clock that is set neither stretches nor cuts short.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::time::Timestamp;

/// By how much the wall clock must differ from what elapsed time makes of it to have been set, in
/// seconds: less is the drift that is corrected every day.
pub const STEP: i64 = 10;

/// A second on the line of elapsed time. Where it began it equals the wall clock of then; it never
/// goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Elapsed(i64);

impl Elapsed {
    /// The beginning of the line, before everything.
    pub const MIN: Self = Self(i64::MIN);

    /// The second as it is stored.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// The second as it is stored. It is no time of day.
    pub const fn seconds(self) -> i64 {
        self.0
    }

    /// So many seconds later.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// So many seconds before.
    #[must_use]
    pub const fn minus(self, seconds: i64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// The seconds that passed since an earlier moment; negative for a later one.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What the clocks of a machine say at one moment, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// The wall clock, since 1970. It may be set at any time.
    pub wall: i64,
    /// The time since boot, suspended time included. It never goes back while the machine is up.
    pub boot: i64,
    /// Which boot that is. `None` if nobody knows.
    pub boot_id: Option<Uuid>,
}

/// One moment: what the clocks say, and where the line of elapsed time is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Now {
    /// What the clocks say.
    pub reading: Reading,
    /// Milliseconds on the line of elapsed time.
    pub elapsed: i64,
}

impl Now {
    /// Where the line begins: it equals the wall clock.
    pub const fn first(reading: Reading) -> Self {
        let elapsed = reading.wall;
        Self { reading, elapsed }
    }

    /// A moment at which both lines are at this second, of no known boot.
    pub const fn at(seconds: i64) -> Self {
        Self::first(Reading {
            wall: seconds.saturating_mul(1_000),
            boot: 0,
            boot_id: None,
        })
    }

    /// The moment of another reading by the same process: as far on as the time since boot.
    #[must_use]
    pub fn after(&self, reading: Reading) -> Self {
        let passed = reading.boot.saturating_sub(self.reading.boot).max(0);
        let elapsed = self.elapsed.saturating_add(passed);
        Self { reading, elapsed }
    }

    /// The moment of another reading, by a process that knows this moment because it was saved: as
    /// far on as the time since boot where it is the same boot, else as the wall clock. Never back.
    #[must_use]
    pub fn continued(&self, reading: Reading) -> Self {
        if self.is_same_boot(reading) {
            return self.after(reading);
        }
        let passed = reading.wall.saturating_sub(self.reading.wall).max(0);
        let elapsed = self.elapsed.saturating_add(passed);
        Self { reading, elapsed }
    }

    /// Whether the machine was not started again between this moment and a later reading, as far as
    /// can be known.
    pub fn is_same_boot(&self, reading: Reading) -> bool {
        let known = reading.boot_id.is_some() && reading.boot_id == self.reading.boot_id;
        // Else the time since boot was made to begin anew, as in a time namespace.
        known && reading.boot >= self.reading.boot
    }

    /// What the wall clock says, in whole seconds.
    pub const fn wall(&self) -> Timestamp {
        self.reading.wall.div_euclid(1_000)
    }

    /// Where elapsed time is, in whole seconds.
    pub const fn elapsed(&self) -> Elapsed {
        Elapsed(self.elapsed.div_euclid(1_000))
    }

    /// The earlier of both: what is kept for a while by the date that stands with it goes by this, so
    /// that a clock that is set ahead takes nothing away.
    pub fn earlier(&self) -> Timestamp {
        self.wall().min(self.elapsed().seconds())
    }

    /// How far the wall clock is ahead of elapsed time, in seconds, rounded to whole ones so that it
    /// only changes where a clock is set or drifts.
    pub const fn ahead(&self) -> i64 {
        let milliseconds = self.reading.wall.saturating_sub(self.elapsed);
        milliseconds.saturating_add(500).div_euclid(1_000)
    }

    /// When the wall clock will be at a moment of elapsed time, if nobody sets it: what is answered
    /// for the end of a span.
    pub const fn shown(&self, moment: Elapsed) -> Timestamp {
        moment.0.saturating_add(self.ahead())
    }

    /// By how many seconds the wall clock was set since an earlier moment; none: by no more than
    /// [`STEP`].
    pub fn step_since(&self, earlier: &Self) -> Option<i64> {
        let step = self.ahead().saturating_sub(earlier.ahead());
        (step.saturating_abs() > STEP).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Option<Uuid> = Some(Uuid::from_u128(1));
    const THERE: Option<Uuid> = Some(Uuid::from_u128(2));

    fn reading(wall: i64, boot: i64, boot_id: Option<Uuid>) -> Reading {
        Reading {
            wall,
            boot,
            boot_id,
        }
    }

    #[test]
    fn the_line_begins_at_the_wall_clock_and_follows_the_time_since_boot() {
        let first = Now::first(reading(1_000_400, 77_000, HERE));
        assert_eq!(first.elapsed(), Elapsed::from_seconds(1_000));
        for wall in [i64::MIN, 0, 1_010_400, i64::MAX] {
            let later = first.after(reading(wall, 87_000, HERE));
            assert_eq!(later.elapsed(), Elapsed::from_seconds(1_010), "{wall}");
            assert_eq!(first.continued(reading(wall, 87_000, HERE)), later);
        }
        let back = first.after(reading(1_000_400, 0, HERE));
        assert_eq!(back.elapsed(), first.elapsed());
    }

    #[test]
    fn after_another_boot_it_follows_the_wall_clock_and_never_goes_back() {
        let saved = Now {
            reading: reading(1_000_000, 77_000, HERE),
            elapsed: 900_000,
        };
        for (wall, boot, boot_id, elapsed) in [
            (1_060_000, 5_000, THERE, 960),
            (1_060_000, 5_000, None, 960),
            (1_060_000, 99_000, THERE, 960),
            // The same boot, but its time began anew.
            (1_060_000, 5_000, HERE, 960),
            (1_060_000, 78_000, HERE, 901),
            (0, 5_000, THERE, 900),
        ] {
            let found = saved.continued(reading(wall, boot, boot_id)).elapsed();
            assert_eq!(found.seconds(), elapsed, "{wall} {boot} {boot_id:?}");
        }
        let nowhere = Now::first(reading(1_000_000, 77_000, None));
        let later = nowhere.continued(reading(1_002_000, 78_000, None));
        assert_eq!(later.elapsed().seconds(), 1_002, "no boot is known");
    }

    #[test]
    fn the_end_of_a_span_is_shown_by_the_wall_clock_and_the_same_at_each_look() {
        let end = Elapsed::from_seconds(1_060);
        let first = Now::first(reading(1_000_400, 0, HERE));
        for passed in (0..10_000).step_by(70) {
            let looked = first.after(reading(1_000_400 + passed, passed, HERE));
            assert_eq!(looked.shown(end), 1_060, "{passed}");
            let set = first.after(reading(8_200_400 + passed, passed, HERE));
            assert_eq!(set.shown(end), 8_260, "{passed}");
        }
    }

    #[test]
    fn a_clock_that_drifts_was_not_set_and_one_that_jumps_was() {
        let first = Now::first(reading(1_000_000, 0, HERE));
        for (wall, step) in [
            (1_060_000, None),
            (1_070_000, None),
            (1_049_600, None),
            (1_071_000, Some(11)),
            (1_049_000, Some(-11)),
            (8_260_000, Some(7_200)),
        ] {
            let later = first.after(reading(wall, 60_000, HERE));
            assert_eq!(later.step_since(&first), step, "{wall}");
        }
    }

    #[test]
    fn nothing_overflows() {
        let ends = [i64::MIN, -1, 0, 1, i64::MAX];
        for (wall, boot, elapsed) in ends
            .into_iter()
            .flat_map(|wall| ends.map(|boot| ends.map(|elapsed| (wall, boot, elapsed))))
            .flatten()
        {
            let now = Now {
                reading: reading(wall, boot, HERE),
                elapsed,
            };
            for other in ends {
                let later = now.after(reading(other, other, HERE));
                assert!(later.elapsed >= now.elapsed);
                assert!(now.continued(reading(other, 0, THERE)).elapsed >= now.elapsed);
                let _ = (later.step_since(&now), later.shown(Elapsed(other)));
                let _ = (Elapsed(wall).plus(other), Elapsed(wall).minus(other));
                let _ = (Elapsed(wall).since(Elapsed(other)), Now::at(other));
            }
        }
    }
}
