//! Latencies of good requests: of all of them, of each kind, and in each second.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use tokio::time::Instant;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Read,
    List,
    Write,
}

impl Kind {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Read, "reads"),
        (Self::List, "lists"),
        (Self::Write, "writes"),
    ];
}

/// One request that was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// When it was to be sent.
    pub(super) meant: Instant,
    pub(super) kind: Kind,
    /// From then to the last byte of its answer.
    pub(super) took: Duration,
    /// The part of it that went by because the client itself had no turn, unless its connection was
    /// not free yet.
    pub(super) overslept: Option<Duration>,
}

/// Quantiles in milliseconds; 0 where there is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) max: f64,
}

impl fmt::Display for Quantiles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            p50,
            p99,
            p999,
            max,
        } = self;
        write!(
            f,
            "p50 {p50:.2} ms, p99 {p99:.2} ms, p99.9 {p999:.2} ms, max {max:.2} ms"
        )
    }
}

impl FromIterator<Duration> for Quantiles {
    fn from_iter<I: IntoIterator<Item = Duration>>(all: I) -> Self {
        let mut sorted: Vec<Duration> = all.into_iter().collect();
        sorted.sort_unstable();
        let of = |permille: usize| {
            let place = (sorted.len() * permille).div_ceil(1_000).max(1) - 1;
            let found = sorted.get(place);
            found.map_or(0.0, |found| found.as_secs_f64() * 1e3)
        };
        Self {
            p50: of(500),
            p99: of(990),
            p999: of(999),
            max: of(1_000),
        }
    }
}

/// Of all that were meant for this time.
pub(super) fn of_all(answered: &[Answered], within: &Range<Instant>) -> Quantiles {
    meant_for(answered, within).map(|one| one.took).collect()
}

/// Prints what helps to find where long ones come from.
pub(super) fn print_parts(answered: &[Answered], within: &Range<Instant>) {
    for (kind, name) in Kind::ALL {
        let all = meant_for(answered, within).filter(|one| one.kind == kind);
        let quantiles: Quantiles = all.map(|one| one.took).collect();
        println!("{name}: {quantiles}");
    }
    let seconds = (within.end - within.start).as_secs();
    let p99: Vec<String> = (0..seconds)
        .map(|second| {
            let start = within.start + Duration::from_secs(second);
            let quantiles = of_all(answered, &(start..start + Duration::from_secs(1)));
            format!("{:.0}", quantiles.p99)
        })
        .collect();
    println!("p99 of each second, in ms: {}", p99.join(" "));
    let overslept = meant_for(answered, within).filter_map(|one| one.overslept);
    let overslept: Quantiles = overslept.collect();
    println!("of that the clients had no turn themselves: {overslept}");
}

fn meant_for<'a>(
    answered: &'a [Answered],
    within: &'a Range<Instant>,
) -> impl Iterator<Item = &'a Answered> {
    answered.iter().filter(|one| within.contains(&one.meant))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_what_was_seen_in_that_time() {
        let start = Instant::now();
        let at = |seconds, took| Answered {
            meant: start + Duration::from_secs(seconds),
            kind: Kind::Read,
            took,
            overslept: None,
        };
        let milliseconds = (1..=1_000).rev().map(Duration::from_millis);
        let mut answered: Vec<_> = milliseconds.map(|took| at(2, took)).collect();
        answered.extend([1, 3].map(|second| at(second, Duration::from_secs(9))));
        let within = start + Duration::from_secs(2)..start + Duration::from_secs(3);
        let Quantiles {
            p50,
            p99,
            p999,
            max,
        } = of_all(&answered, &within);
        assert_eq!([p50, p99, p999, max], [500.0, 990.0, 999.0, 1_000.0]);
        assert_eq!(of_all(&[], &within), Quantiles::default());
    }
}
