//! Contestants take turns in rounds; the median of the ratios decides between them, with quartiles.

use std::fmt;

use anyhow::Result;

/// How often and how long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rounds {
    pub(super) count: usize,
    pub(super) seconds: u64,
}

impl Rounds {
    /// What a release is measured with.
    pub(super) const RELEASE: Self = Self {
        count: 11,
        seconds: 3,
    };

    /// Lets each contestant take its turn in every round, and returns each one's results. Every
    /// round begins with the next contestant, so that none is always the first. One round before
    /// them warms up and does not count.
    pub(super) fn interleave<C, T>(
        self,
        contestants: &mut [C],
        mut turn: impl FnMut(&mut C) -> Result<T>,
    ) -> Result<Vec<Vec<T>>> {
        let mut results: Vec<Vec<T>> = contestants.iter().map(|_| Vec::new()).collect();
        for contestant in &mut *contestants {
            turn(contestant)?;
        }
        for round in 0..self.count {
            for place in 0..contestants.len() {
                let index = (round + place) % contestants.len();
                results[index].push(turn(&mut contestants[index])?);
            }
        }
        Ok(results)
    }
}

/// One figure of one contestant, one value for each round.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Samples(Vec<f64>);

impl Samples {
    pub(super) fn of<T>(results: &[T], figure: impl Fn(&T) -> f64) -> Self {
        Self(results.iter().map(figure).collect())
    }

    /// This contestant's figure for each of the other's in the same round.
    pub(super) fn ratio(&self, other: &Self) -> Self {
        Self(
            self.0
                .iter()
                .zip(&other.0)
                .map(|(own, other)| own / other)
                .collect(),
        )
    }

    pub(super) fn median(&self) -> f64 {
        self.quantile(0.5)
    }

    /// Between two values it lies where it would on the line through both.
    pub(super) fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        let Some(last) = sorted.len().checked_sub(1) else {
            return f64::NAN;
        };
        let place = last as f64 * part;
        let (below, above) = (
            sorted[place.floor() as usize],
            sorted[place.ceil() as usize],
        );
        below + (above - below) * place.fract()
    }

    /// The same, or a dash where there is no such figure.
    pub(super) fn cell_or_dash(&self) -> String {
        if self.0.iter().any(|value| value.is_nan()) {
            return "–".to_owned();
        }
        self.cell()
    }

    /// The median and the quartiles, as a cell of a table.
    pub(super) fn cell(&self) -> String {
        let [low, middle, high] = [0.25, 0.5, 0.75].map(|part| Figure(self.quantile(part)));
        format!("{middle} [{low} – {high}]")
    }
}

/// A number with three significant digits, or all of those before the point, in groups of three.
pub(super) struct Figure(pub(super) f64);

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        match value.abs() {
            size if size < 9.995 => write!(f, "{value:.2}"),
            size if size < 99.95 => write!(f, "{value:.1}"),
            size if size < 999.5 => write!(f, "{value:.0}"),
            _ => f.write_str(&grouped(&format!("{value:.0}"))),
        }
    }
}

/// A count, with all its digits in groups of three.
pub(super) fn whole(count: usize) -> String {
    grouped(&count.to_string())
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(values: &[f64]) -> Samples {
        Samples::of(values, |value| *value)
    }

    #[test]
    fn the_median_and_the_quartiles_are_those_of_the_sorted_values() {
        let odd = samples(&[5.0, 1.0, 3.0, 2.0, 4.0]);
        assert_eq!(odd.cell(), "3.00 [2.00 – 4.00]");
        let even = samples(&[4.0, 1.0, 2.0, 3.0]);
        assert_eq!(even.cell(), "2.50 [1.75 – 3.25]");
        assert_eq!(samples(&[7.0]).cell(), "7.00 [7.00 – 7.00]");
        assert!(samples(&[]).median().is_nan());
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The machine was half as fast in the second round, for both.
        let ratio = samples(&[100.0, 50.0]).ratio(&samples(&[200.0, 100.0]));
        assert_eq!(ratio, samples(&[0.5, 0.5]));
    }

    #[test]
    fn every_contestant_has_a_turn_in_each_round() {
        let rounds = Rounds {
            count: 3,
            seconds: 1,
        };
        let mut order = String::new();
        let results = rounds
            .interleave(&mut ['a', 'b'], |name| {
                order.push(*name);
                Ok(*name)
            })
            .unwrap();
        // The first two warmed up.
        assert_eq!(order, "ababbaab");
        assert_eq!(results, [vec!['a'; 3], vec!['b'; 3]]);
    }

    #[test]
    fn a_figure_has_the_digits_that_mean_something() {
        let shown = [0.753, 9.996, 31.26, 417.2, 1234.5, 1_234_567.0]
            .map(|value| Figure(value).to_string());
        assert_eq!(shown, ["0.75", "10.0", "31.3", "417", "1,234", "1,234,567"]);
    }
}
