//! Who is next: what waits stands in a line of its own for each stream, and the lines are served in
//! turn, so that nobody waits for how much another has to do.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use lictor_planted as planted;
use uuid::Uuid;

/// Work that is shorter is paid for with its turn.
const LONG: Duration = Duration::from_millis(1);

/// What waits, by stream.
pub(crate) struct Turns<T> {
    /// The lines in which something waits.
    lines: HashMap<Uuid, VecDeque<T>>,
    /// Their streams, the next one first.
    order: VecDeque<Uuid>,
    /// How long everybody's work took so far.
    worked: Duration,
    /// Streams whose work took long, and how far `worked` has to come before it is their turn again.
    debts: HashMap<Uuid, Duration>,
}

impl<T> Default for Turns<T> {
    fn default() -> Self {
        Self {
            lines: HashMap::new(),
            order: VecDeque::new(),
            worked: Duration::ZERO,
            debts: HashMap::new(),
        }
    }
}

impl<T> Turns<T> {
    /// Puts something at the end of its stream's line.
    pub(crate) fn push(&mut self, stream: Uuid, item: T) {
        let stream = line_of(stream);
        let line = self.lines.entry(stream).or_default();
        if line.is_empty() {
            self.order.push_back(stream);
        }
        line.push_back(item);
    }

    /// Takes what is next, unless `fits` says that it has to wait.
    pub(crate) fn next_if(&mut self, fits: impl FnOnce(&T) -> bool) -> Option<T> {
        let place = self.place_of_next()?;
        self.take_from(place, fits)
    }

    /// The same, of the streams with the least `rank`.
    pub(crate) fn next_by(
        &mut self,
        rank: impl Fn(&Uuid) -> usize,
        fits: impl FnOnce(&T) -> bool,
    ) -> Option<T> {
        let ranks = self.order.iter().enumerate();
        let least = ranks.min_by_key(|(_, stream)| (rank(stream), self.owed(stream)));
        let (place, _) = least?;
        self.take_from(place, fits)
    }

    fn take_from(&mut self, place: usize, fits: impl FnOnce(&T) -> bool) -> Option<T> {
        let stream = *self.order.get(place)?;
        let line = self.lines.get_mut(&stream)?;
        if !fits(line.front()?) {
            return None;
        }
        let item = line.pop_front();
        self.order.remove(place);
        if line.is_empty() {
            self.lines.remove(&stream);
        } else {
            self.order.push_back(stream);
        }
        item
    }

    /// How many streams something waits of.
    pub(crate) fn streams(&self) -> usize {
        self.order.len()
    }

    /// Counts the time that work of a stream took. Who took long lets the others, as long as any
    /// waits, have as much before it is its turn again.
    pub(crate) fn charge(&mut self, stream: Uuid, took: Duration) {
        self.worked += took;
        let worked = self.worked;
        if !self.debts.is_empty() {
            self.debts.retain(|_, until| *until > worked);
        }
        if took > LONG {
            self.debts.insert(line_of(stream), worked + took);
        }
    }

    /// The first that owes nothing; where all do, the one that owes least.
    fn place_of_next(&self) -> Option<usize> {
        if self.debts.is_empty() || self.order.len() == 1 {
            return (!self.order.is_empty()).then_some(0);
        }
        let owed = self.order.iter().map(|stream| self.owed(stream));
        let least = owed.enumerate().min_by_key(|(_, owed)| *owed);
        least.map(|(place, _)| place)
    }

    fn owed(&self, stream: &Uuid) -> Duration {
        match self.debts.get(stream) {
            Some(until) => until.saturating_sub(self.worked),
            None => Duration::ZERO,
        }
    }
}

/// The planted fault is one line for all.
fn line_of(stream: Uuid) -> Uuid {
    if planted::is("first-come-first-served") {
        return Uuid::nil();
    }
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAVY: Uuid = Uuid::from_u128(1);
    const LIGHT: Uuid = Uuid::from_u128(2);

    fn waiting(counts: &[(Uuid, usize)]) -> Turns<Uuid> {
        let mut turns = Turns::default();
        for (stream, count) in counts {
            (0..*count).for_each(|_| turns.push(*stream, *stream));
        }
        turns
    }

    fn next(turns: &mut Turns<Uuid>) -> Option<Uuid> {
        turns.next_if(|_| true)
    }

    #[test]
    fn the_lines_are_served_in_turn() {
        let third = Uuid::from_u128(3);
        let mut turns = waiting(&[(HEAVY, 10_000), (LIGHT, 1), (third, 2)]);
        let served: Vec<_> = std::iter::from_fn(|| next(&mut turns)).take(6).collect();
        assert_eq!(served, [HEAVY, LIGHT, third, HEAVY, third, HEAVY]);
        assert_eq!(turns.streams(), 1);
        assert_eq!(std::iter::from_fn(|| next(&mut turns)).count(), 9_997);
        assert_eq!(turns.streams(), 0);
    }

    #[test]
    fn a_line_is_first_in_first_out() {
        let mut turns = Turns::default();
        (0..3).for_each(|number| turns.push(HEAVY, number));
        assert_eq!(turns.next_if(|_| false), None);
        let served: Vec<_> = std::iter::from_fn(|| turns.next_if(|_| true)).collect();
        assert_eq!(served, [0, 1, 2]);
    }

    #[test]
    fn who_took_long_lets_the_others_have_as_much() {
        let mut turns = waiting(&[(HEAVY, 3), (LIGHT, 100)]);
        assert_eq!(next(&mut turns), Some(HEAVY));
        turns.charge(HEAVY, Duration::from_millis(80));
        for _ in 0..80 {
            assert_eq!(next(&mut turns), Some(LIGHT));
            turns.charge(LIGHT, Duration::from_millis(1));
        }
        assert_eq!(next(&mut turns), Some(HEAVY));
    }

    #[test]
    fn who_waits_alone_waits_for_no_debt() {
        let mut turns = waiting(&[(HEAVY, 2)]);
        assert_eq!(next(&mut turns), Some(HEAVY));
        turns.charge(HEAVY, Duration::from_millis(80));
        assert_eq!(next(&mut turns), Some(HEAVY));
        turns.charge(HEAVY, Duration::from_millis(80));
        // The debt is remembered while nothing waits.
        turns.push(HEAVY, HEAVY);
        turns.push(LIGHT, LIGHT);
        assert_eq!(next(&mut turns), Some(LIGHT));
    }
}
