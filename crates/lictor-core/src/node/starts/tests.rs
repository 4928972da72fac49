//! Which start goes on in an epoch, and which is told apart.

use super::*;

const EPOCH: &str = "00000000000000aa";
const OTHER: &str = "00000000000000bb";
const NODE: Uuid = Uuid::from_u128(99);

fn start(id: u128, after: &[u128], ended: bool, counted: u64) -> Start {
    Start {
        id: Uuid::from_u128(id),
        number: 1,
        answered: 0,
        epoch: EPOCH.to_owned(),
        after: after.iter().copied().map(Uuid::from_u128).collect(),
        ended,
        counted,
    }
}

/// A state in which so many requests of the epoch are stored.
fn stored(count: u64) -> State {
    let mut state = State::default();
    state.usage_by_source.insert(source("edge", EPOCH), count);
    state
}

/// What a start is told; `state` then holds what was stored.
fn told(state: &mut State, start: &Start, leaving: bool) -> Option<Apart> {
    let decision = begin(state, NODE, "edge", start, leaving).expect("in order");
    let [
        Record::NodeStarts {
            counting, apart, ..
        },
    ] = decision.records.as_slice()
    else {
        panic!("{:?}", decision.records);
    };
    state.node_starts.insert(NODE, counting.clone());
    *apart
}

#[test]
fn a_start_goes_on_from_the_one_before_it_that_has_ended() {
    let mut state = stored(0);
    assert_eq!(told(&mut state, &start(1, &[], false, 0), false), None);
    assert_eq!(
        told(&mut state, &start(1, &[], false, 0), false),
        None,
        "again"
    );
    assert_eq!(told(&mut state, &start(2, &[1], true, 7), false), None);
    // The answer to 2 was lost, and 3 does not know whether it went on.
    assert_eq!(told(&mut state, &start(3, &[1, 2], true, 9), false), None);
}

#[test]
fn of_two_starts_on_one_journal_the_later_one_is_told_apart() {
    let mut state = stored(5);
    told(&mut state, &start(1, &[], false, 5), false);
    let unsure = start(2, &[1], false, 5);
    assert_eq!(told(&mut state, &unsure, false), Some(Apart::Unsure));
    told(&mut state, &start(3, &[1], true, 5), false);
    let followed = start(4, &[1], true, 5);
    assert_eq!(told(&mut state, &followed, false), Some(Apart::Followed));
    assert_eq!(told(&mut state, &start(3, &[1], true, 5), false), None);
}

#[test]
fn a_journal_with_less_than_is_stored_is_an_older_one() {
    let mut state = stored(5);
    told(&mut state, &start(1, &[], false, 5), false);
    let behind = start(2, &[1], true, 4);
    assert_eq!(told(&mut state, &behind, false), Some(Apart::Behind));
    assert_eq!(told(&mut state, &start(2, &[1], true, 5), false), None);
}

#[test]
fn who_takes_its_leave_makes_place_for_whoever_has_all_of_its_counts() {
    let mut state = stored(5);
    told(&mut state, &start(1, &[], false, 5), false);
    told(&mut state, &start(1, &[], false, 5), true);
    assert_eq!(
        told(&mut state, &start(2, &[1], false, 4), false),
        Some(Apart::Behind)
    );
    assert_eq!(told(&mut state, &start(2, &[1], false, 5), false), None);
    // A leave that comes late, of one that another followed, changes nothing.
    assert_eq!(
        told(&mut state, &start(1, &[], false, 5), true),
        Some(Apart::Followed)
    );
    assert_eq!(
        told(&mut state, &start(3, &[1], true, 5), false),
        Some(Apart::Followed)
    );
}

#[test]
fn a_copy_that_is_heard_of_before_its_original_does_not_take_its_place() {
    let mut state = stored(0);
    let copy = start(2, &[1], false, 50);
    assert_eq!(told(&mut state, &copy, false), Some(Apart::Unsure));
    assert_eq!(told(&mut state, &start(1, &[], true, 100), false), None);
    // One that was started again where it was goes on.
    let mut state = stored(0);
    assert_eq!(told(&mut state, &start(2, &[1], true, 50), false), None);
}

#[test]
fn nobody_goes_on_in_an_epoch_that_was_put_together_with_others() {
    let mut state = stored(0);
    let total = crate::usage::EpochState {
        total: 0,
        heard_at: crate::Elapsed::from_seconds(0),
    };
    let epochs = state.usage_epochs.entry(merged("edge")).or_default();
    epochs.insert(EPOCH.to_owned(), total);
    let again = start(2, &[1], true, 5);
    assert_eq!(told(&mut state, &again, false), Some(Apart::Behind));
}

#[test]
fn no_more_is_remembered_than_has_its_place() {
    let mut state = stored(0);
    for number in 0..40_u128 {
        let mut start = start(number, &[], false, 0);
        start.epoch = format!("{number:016x}");
        assert_eq!(told(&mut state, &start, false), None);
        assert!(state.node_starts[&NODE].len() <= MAX_COUNTED);
    }
    let mut damaged = start(41, &[39], true, 0);
    damaged.epoch = OTHER.to_owned();
    told(&mut state, &damaged, false);
    assert!(!is_counted_in(&state, NODE, &format!("{:016x}", 39)));
    assert!(is_counted_in(&state, NODE, OTHER));
    damaged.epoch = "none".to_owned();
    assert!(begin(&state, NODE, "edge", &damaged, false).is_err());
}
