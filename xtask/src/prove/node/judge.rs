//! What holds of a node's time, whatever is done to its clock and its process.

use super::clock::Seconds;
use super::watch::{Look, Seen};
use crate::prove::promise::Promise;

/// How much a restart may lose: the time since it was last saved.
const SAVED_EVERY: Seconds = 60.0;

/// How far the machine's clock may lead trusted time ahead.
const AHEAD: Seconds = 60.0;

/// Trusted time has whole seconds, and an answer takes time.
const TOLERANCE: Seconds = 2.5;

impl Seen {
    /// By how much trusted time may be behind at a node whose state was signed then: what restarts
    /// lost since.
    pub(super) fn allowed_behind(&self, signed: Seconds, at: Seconds) -> Seconds {
        let ends = self.runs.iter().zip(self.runs.iter().skip(1));
        let lost = ends.filter_map(|(run, next)| {
            let killed = run.killed.filter(|killed| (signed..=at).contains(killed))?;
            let unsaved = (killed - run.started.max(signed)).min(SAVED_EVERY);
            Some(unsaved + (next.ready - killed))
        });
        TOLERANCE + lost.sum::<Seconds>()
    }

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
                "a restart loses no more than the minute since it was saved",
                self.lost(),
            ),
            (
                "trusted time is behind by no more than the restarts explain",
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

    fn lost(&self) -> Vec<String> {
        let pairs = self.looks.iter().zip(self.looks.iter().skip(1));
        let wrong = pairs.filter_map(|(last, first)| {
            let lost = (last.trusted - first.trusted) as Seconds;
            let wrong = first.run != last.run && lost > SAVED_EVERY + TOLERANCE;
            wrong.then(|| format!("{lost} s between run {} and the next", last.run))
        });
        wrong.collect()
    }

    fn behind(&self) -> Vec<String> {
        let wrong = self.looks.iter().filter_map(|look| {
            let behind = look.asked - look.trusted as Seconds;
            let allowed = self.allowed_behind(look.signed as Seconds, look.asked);
            (behind > allowed).then(|| {
                format!(
                    "{behind:.1} s, and {allowed:.1} s are explained, in run {}",
                    look.run
                )
            })
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
    use super::super::watch::Run;
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
        let run = |started, ready, killed| Run {
            started,
            ready,
            killed,
        };
        Seen {
            looks: looks.iter().map(look).collect(),
            runs: vec![run(0.0, 0.0, Some(10.0)), run(11.0, 12.0, None)],
            ..Seen::default()
        }
    }

    #[test]
    fn a_restart_explains_what_it_lost() {
        let good = seen(&[(9.0, 0, 9), (13.0, 1, 1)]);
        assert!(good.gone_back().is_empty() && good.lost().is_empty());
        assert!(good.behind().is_empty() && good.ahead().is_empty());
        assert!((good.allowed_behind(0.0, 13.0) - TOLERANCE - 12.0).abs() < 0.01);
    }

    #[test]
    fn what_it_does_not_explain_is_found() {
        assert_eq!(seen(&[(5.0, 0, 5), (6.0, 0, 4)]).gone_back().len(), 1);
        assert_eq!(seen(&[(9.0, 0, 100), (13.0, 1, 30)]).lost().len(), 1);
        assert_eq!(seen(&[(9.0, 0, 5), (13.0, 1, -3)]).behind().len(), 2);
        assert_eq!(seen(&[(1.0, 0, 70)]).ahead().len(), 1);
    }
}
