//! Which start goes on in an epoch, and which is told apart.

use super::*;

const EPOCH: &str = "00000000000000aa";
const OTHER: &str = "00000000000000bb";
const NODE: Uuid = Uuid::from_u128(99);

fn start(id: u128, after: &[u128], ended: bool, counted: u64) -> NodeStart {
    NodeStart {
        id: Uuid::from_u128(id),
        number: 1,
        answered: 0,
        epoch: EPOCH.to_owned(),
        after: after.iter().copied().map(Uuid::from_u128).collect(),
        ended,
        counted,
        parts: Vec::new(),
        copied: false,
    }
}

/// A state in which so many requests of the epoch are stored.
fn stored(count: u64) -> State {
    let mut state = State::default();
    state.usage_by_source.insert(source("edge", EPOCH), count);
    state
}

/// What a start is told; `state` then holds what was stored.
fn told(state: &mut State, start: &NodeStart, leaving: bool) -> Option<SplitReason> {
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
    assert_eq!(told(&mut state, &unsure, false), Some(SplitReason::Unsure));
    told(&mut state, &start(3, &[1], true, 5), false);
    let followed = start(4, &[1], true, 5);
    assert_eq!(
        told(&mut state, &followed, false),
        Some(SplitReason::Followed)
    );
    assert_eq!(told(&mut state, &start(3, &[1], true, 5), false), None);
}

#[test]
fn a_journal_with_less_than_is_stored_is_an_older_one() {
    let mut state = stored(5);
    told(&mut state, &start(1, &[], false, 5), false);
    let behind = start(2, &[1], true, 4);
    assert_eq!(told(&mut state, &behind, false), Some(SplitReason::Behind));
    assert_eq!(told(&mut state, &start(2, &[1], true, 5), false), None);
}

#[test]
fn who_takes_its_leave_makes_place_for_whoever_has_all_of_its_counts() {
    let mut state = stored(5);
    told(&mut state, &start(1, &[], false, 5), false);
    told(&mut state, &start(1, &[], false, 5), true);
    assert_eq!(
        told(&mut state, &start(2, &[1], false, 4), false),
        Some(SplitReason::Behind)
    );
    assert_eq!(told(&mut state, &start(2, &[1], false, 5), false), None);
    // A leave that comes late, of one that another followed, changes nothing.
    assert_eq!(
        told(&mut state, &start(1, &[], false, 5), true),
        Some(SplitReason::Followed)
    );
    assert_eq!(
        told(&mut state, &start(3, &[1], true, 5), false),
        Some(SplitReason::Followed)
    );
}

#[test]
fn a_copy_that_is_heard_of_before_its_original_does_not_take_its_place() {
    let mut state = stored(0);
    let copy = start(2, &[1], false, 50);
    assert_eq!(told(&mut state, &copy, false), Some(SplitReason::Unsure));
    assert_eq!(told(&mut state, &start(1, &[], true, 100), false), None);
    // Nor where it told what it had of it before.
    let mut state = stored(50);
    let copy = start(2, &[1], false, 60);
    assert_eq!(told(&mut state, &copy, false), Some(SplitReason::Unsure));
    // One that was started again where it was goes on.
    let mut state = stored(0);
    assert_eq!(told(&mut state, &start(2, &[1], true, 50), false), None);
}

#[test]
fn nobody_goes_on_in_an_epoch_that_was_put_together_with_others() {
    let mut state = stored(0);
    let total = EpochState {
        total: 0,
        heard_at: crate::elapsed::Elapsed::from_seconds(0),
    };
    let epochs = state.usage_epochs.entry(merged("edge")).or_default();
    epochs.insert(EPOCH.to_owned(), total);
    let again = start(2, &[1], true, 5);
    assert_eq!(told(&mut state, &again, false), Some(SplitReason::Behind));
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

/// A start whose parts nobody judged: who was judged last, and of each the start, whether the one before it
/// had ended, and what it counted.
fn parted(judged: &[u128], parts: &[(u128, bool, u64)], counted: u64) -> NodeStart {
    let of = |(start, ended, counted): &(u128, bool, u64)| StartPart {
        start: Uuid::from_u128(*start),
        ended: *ended,
        counted: *counted,
    };
    let (last, earlier) = parts.split_last().expect("a start");
    let earlier = earlier.iter().map(|(start, ..)| *start);
    let after: Vec<_> = judged.iter().copied().chain(earlier).collect();
    let ended = parts.iter().all(|(_, ended, _)| *ended);
    NodeStart {
        parts: parts.iter().map(of).collect(),
        ..start(last.0, &after, ended, counted)
    }
}

/// How a start with parts is judged; `state` then holds what was stored.
fn judged(state: &mut State, start: &NodeStart) -> (Option<SplitReason>, Vec<u128>) {
    let decision = begin(state, NODE, "edge", start, false).expect("in order");
    let [
        Record::NodeStarts {
            counting,
            apart,
            own,
            ..
        },
    ] = decision.records.as_slice()
    else {
        panic!("{:?}", decision.records);
    };
    state.node_starts.insert(NODE, counting.clone());
    (*apart, own.iter().map(Uuid::as_u128).collect())
}

fn store(state: &mut State, epoch: &str, count: u64) {
    state.usage_by_source.insert(source("edge", epoch), count);
}

#[test]
fn starts_that_nobody_answered_are_of_the_epoch_that_they_went_on_in() {
    let mut state = stored(50);
    told(&mut state, &start(1, &[], false, 50), false);
    let many = [(2, true, 30), (3, true, 0), (4, true, 0)];
    assert_eq!(judged(&mut state, &parted(&[1], &many, 50)), (None, vec![]));
    // The answer was lost.
    let again = [&many[..], &[(5, true, 0)]].concat();
    assert_eq!(
        judged(&mut state, &parted(&[1], &again, 50)),
        (None, vec![])
    );
    assert_eq!(state.node_starts[&NODE].len(), 1, "{:?}", state.node_starts);
}

#[test]
fn what_a_start_counted_is_of_one_epoch_whoever_has_a_copy_of_it() {
    let original = parted(&[1], &[(2, true, 30), (4, true, 0)], 50);
    let copy = parted(&[1], &[(2, true, 20), (3, false, 0)], 50);
    for copy_first in [false, true] {
        let mut state = stored(50);
        told(&mut state, &start(1, &[], false, 50), false);
        if copy_first {
            assert_eq!(
                judged(&mut state, &copy),
                (Some(SplitReason::Unsure), vec![3])
            );
            store(&mut state, EPOCH, 70);
        }
        assert_eq!(judged(&mut state, &original), (None, vec![]));
        if !copy_first {
            assert_eq!(
                judged(&mut state, &copy),
                (Some(SplitReason::Followed), vec![3])
            );
        }
        // A copy of the copy: what 2 counted stays where it is, and so does what 3 did.
        let next = parted(&[1], &[(2, true, 20), (3, false, 5), (6, false, 0)], 50);
        let (apart, own) = judged(&mut state, &next);
        assert_eq!((apart.is_some(), own), (true, vec![3, 6]));
        let next = parted(&[1], &[(2, true, 20), (3, false, 5), (7, true, 0)], 50);
        let (apart, own) = judged(&mut state, &next);
        assert_eq!((apart.is_some(), own), (true, vec![3]));
    }
}

#[test]
fn what_goes_on_from_a_start_that_may_still_run_is_not_of_its_epoch() {
    let mut state = stored(50);
    told(&mut state, &start(1, &[], false, 50), false);
    // 1 runs; 2 is a copy of it that nobody answered, and was started again.
    let copy = parted(&[1], &[(2, false, 30), (3, true, 0)], 50);
    assert_eq!(
        judged(&mut state, &copy),
        (Some(SplitReason::Unsure), vec![2])
    );
    assert_eq!(told(&mut state, &start(1, &[], false, 90), false), None);
    // Once 1 has taken its leave, 2 is still where it was told.
    store(&mut state, EPOCH, 90);
    told(&mut state, &start(1, &[], false, 90), true);
    let copy = parted(&[1], &[(2, false, 30), (4, false, 0)], 90);
    let (_, own) = judged(&mut state, &copy);
    assert_eq!(own, [2, 4]);
}

#[test]
fn an_older_folder_of_starts_that_nobody_had_answered_is_named() {
    let mut state = stored(50);
    told(&mut state, &start(1, &[], false, 50), false);
    assert_eq!(
        judged(&mut state, &parted(&[1], &[(2, true, 0)], 50)),
        (None, vec![])
    );
    store(&mut state, EPOCH, 150);
    // 2 counted 100, of which the folder that is put back has 30.
    let older = parted(&[1], &[(2, true, 30), (3, true, 0)], 50);
    assert_eq!(
        judged(&mut state, &older),
        (Some(SplitReason::Behind), vec![3])
    );
    // Of a start that counts by itself likewise.
    store(&mut state, &epoch_of(Uuid::from_u128(3)), 9);
    let older = parted(&[1], &[(2, true, 30), (3, true, 8), (4, true, 0)], 50);
    assert_eq!(
        judged(&mut state, &older),
        (Some(SplitReason::Behind), vec![3, 4])
    );
    // Also where it is forgotten who counts there.
    let known = state.node_starts.get_mut(&NODE).expect("known");
    known.retain(|known| known.epoch == EPOCH);
    let (_, own) = judged(&mut state, &older);
    assert_eq!(own, [3, 4]);
}

#[test]
fn parts_that_no_node_of_ours_would_send_are_refused() {
    let state = stored(0);
    let mut other = parted(&[1], &[(2, true, 30), (3, true, 0)], 50);
    other.id = Uuid::from_u128(9);
    assert!(begin(&state, NODE, "edge", &other, false).is_err());
    let many: Vec<_> = (0..=MAX_PARTS as u128).map(|id| (id, true, 1)).collect();
    assert!(begin(&state, NODE, "edge", &parted(&[], &many, 50), false).is_err());
    let many = &many[..MAX_PARTS];
    let mut state = state;
    judged(&mut state, &parted(&[], many, 50));
    assert_eq!(state.node_starts[&NODE][0].before.len(), MAX_BEFORE);
}
