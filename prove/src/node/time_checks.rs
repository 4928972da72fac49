//! What holds of a node's time, whatever is done to its clock and its process.

use super::clock::Seconds;
use super::watch::{Look, Seen};
use crate::promise::Promise;

/// How far the machine's clock may lead trusted time ahead.
const AHEAD: Seconds = 60.0;

/// Trusted time has whole seconds, and an answer takes time.
pub(super) const TOLERANCE: Seconds = 2.5;

impl Seen {
    /// The promises that hold at every site.
    pub(super) fn promises(&self) -> Vec<Promise> {
        let untried = if self.told.len() < 100 || self.looks.len() < 20 {
            vec![format!("{} answers", self.told.len())]
        } else {
            Vec::new()
        };
        vec![
            ("the node was asked all the time", untried),
            ("no request fails while the node runs", self.failed.clone()),
            ("trusted time never goes back in a run", self.gone_back()),
            (
                "trusted time is never behind, whatever was done to the clock and the process",
                self.behind(),
            ),
            (
                "the machine's clock leads trusted time ahead by a minute at most",
                self.ahead(),
            ),
        ]
    }

    fn gone_back(&self) -> Vec<String> {
        let pairs = self.looks.iter().zip(self.looks.iter().skip(1));
        let back = pairs.filter(|(one, next)| one.run == next.run && next.trusted < one.trusted);
        back.map(|(one, next)| format!("from {} to {}", one.trusted, next.trusted))
            .collect()
    }

    fn behind(&self) -> Vec<String> {
        let wrong = self.looks.iter().filter_map(|look| {
            let behind = look.asked - look.trusted as Seconds;
            let wrong = behind > TOLERANCE;
            wrong.then(|| format!("{behind:.1} s, in run {}", look.run))
        });
        wrong.collect()
    }

    fn ahead(&self) -> Vec<String> {
        let ahead = |look: &Look| look.trusted as Seconds - look.answered;
        let wrong = self
            .looks
            .iter()
            .map(ahead)
            .filter(|ahead| *ahead > AHEAD + TOLERANCE);
        wrong.map(|ahead| format!("{ahead:.1} s")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(looks: &[(Seconds, usize, i64)]) -> Seen {
        let look = |(at, run, trusted): &(Seconds, usize, i64)| Look {
            asked: *at,
            answered: *at,
            run: *run,
            trusted: *trusted,
            mode: "fresh".to_owned(),
            signed: 0,
        };
        Seen {
            looks: looks.iter().map(look).collect(),
            ..Seen::default()
        }
    }

    #[test]
    fn a_time_that_is_right_but_for_what_the_clock_leads_is_good() {
        let good = seen(&[(9.0, 0, 49), (13.0, 1, 12), (14.0, 1, 70)]);
        assert!(good.gone_back().is_empty());
        assert!(good.behind().is_empty() && good.ahead().is_empty());
    }

    #[test]
    fn a_time_that_is_wrong_is_found() {
        assert_eq!(seen(&[(5.0, 0, 5), (6.0, 0, 4)]).gone_back().len(), 1);
        assert_eq!(seen(&[(9.0, 0, 5), (13.0, 1, 13)]).behind().len(), 1);
        assert_eq!(seen(&[(1.0, 0, 70)]).ahead().len(), 1);
    }
}
