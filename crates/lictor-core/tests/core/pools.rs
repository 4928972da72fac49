//! Pools of nodes: made, joined up to their places, left, and joined again.

use lictor_core::Error;
use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::application::ApplicationState;
use lictor_core::facts::entitlement::{ApplicationBasis, NodeTerms};
use lictor_core::facts::node::{Counting, JoinRefusal, Leave};
use lictor_core::facts::pool::name_in_pool;
use lictor_core::feed::{KnownNode, NodeStart, SplitReason};
use lictor_core::record::Record;
use lictor_core::rules::node::{self, NewPool};
use lictor_core::state::State;
use uuid::Uuid;

use crate::fixtures::NOW;

const POOL: Uuid = Uuid::from_u128(900);

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn at(seconds: i64) -> Elapsed {
    Elapsed::from_seconds(NOW + seconds)
}

fn new() -> NewPool {
    NewPool {
        id: POOL,
        name: "edge".to_owned(),
        application: "gateway".to_owned(),
        uses: 2,
        ttl: 600,
        forget_after: 60,
        token_sha256: Digest::of(b"pool"),
    }
}

fn take<T>(state: &mut State, decided: Result<Decision<T>, Error>) -> Vec<Change> {
    let decision = decided.expect("a decision");
    for change in &decision.changes {
        let position = state.position + 1;
        state.apply(position, NOW, change);
    }
    for record in &decision.records {
        state.note(record);
    }
    decision.changes
}

/// A pool of two places.
fn state() -> State {
    let mut state = State::default();
    let application = ApplicationState::default();
    state.applications.insert("gateway".to_owned(), application);
    let made = node::create_pool(&state, &new(), at(0));
    take(&mut state, made);
    state
}

fn join_within(
    state: &State,
    number: u128,
    limit: Option<u32>,
    now: i64,
) -> Result<Decision, Error> {
    let terms = NodeTerms {
        limit,
        basis: ApplicationBasis::default(),
    };
    let credential = Digest::of(&number.to_be_bytes());
    node::join_pool(state, POOL, id(number), credential, &terms, at(now))
}

fn join(state: &State, number: u128) -> Result<Decision, Error> {
    join_within(state, number, None, 1)
}

fn refusal<T>(decided: Result<Decision<T>, Error>) -> JoinRefusal {
    match decided {
        Err(Error::JoinRefused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_place_that_is_given_back_can_be_taken_again() {
    let mut state = state();
    for number in [1, 2] {
        let joined = join(&state, number);
        assert_eq!(take(&mut state, joined).len(), 2);
    }
    assert_eq!(refusal(join(&state, 3)), JoinRefusal::Full(2));
    // Whoever asks again has its place.
    assert!(join(&state, 2).expect("a decision").is_nothing());
    let left = node::leave(&state, id(1), None);
    take(&mut state, Ok(left));
    assert_eq!(state.nodes[&id(1)].left, Some(Leave::Goodbye));
    assert!(node::leave(&state, id(1), None).is_nothing());
    let joined = join(&state, 3);
    take(&mut state, joined);
    assert_eq!(refusal(join(&state, 1)), JoinRefusal::Full(2));
    // It comes back under its own name and id.
    let revoked = node::revoke(&state, id(3));
    take(&mut state, revoked);
    let returned = join(&state, 1);
    let returned = take(&mut state, returned);
    assert!(matches!(returned.as_slice(), [Change::NodeReturned { .. }]));
    assert_eq!(
        (state.nodes[&id(1)].left, state.nodes[&id(1)].revoked_at),
        (None, None)
    );
    assert_eq!(refusal(join(&state, 3)), JoinRefusal::Revoked);
}

#[test]
fn a_late_goodbye_gives_no_place_back_of_a_node_that_was_started_again() {
    let mut state = state();
    let joined = join(&state, 1);
    take(&mut state, joined);
    let start = |number| NodeStart {
        id: id(number),
        number: 1,
        answered: 0,
        epoch: "0123456789abcdef".to_owned(),
        after: Vec::new(),
        ended: true,
        counted: 0,
        parts: Vec::new(),
        copied: false,
    };
    let again = Counting {
        epoch: start(51).epoch,
        start: id(51),
        before: Vec::new(),
        left: false,
    };
    state.node_starts.insert(id(1), vec![again]);
    assert!(node::leave(&state, id(1), Some(&start(50))).is_nothing());
    assert!(!node::leave(&state, id(1), Some(&start(51))).is_nothing());
}

#[test]
fn a_node_that_joined_in_time_comes_back_by_an_expired_token_and_by_no_revoked_one() {
    let mut state = state();
    let joined = join(&state, 1);
    take(&mut state, joined);
    let left = node::leave(&state, id(1), None);
    take(&mut state, Ok(left));
    let returned = join_within(&state, 1, None, 600);
    assert!(matches!(
        returned.expect("a decision").changes.as_slice(),
        [Change::NodeReturned { .. }]
    ));
    let revoked = node::revoke_pool(&state, POOL);
    take(&mut state, revoked);
    assert_eq!(
        refusal(join_within(&state, 1, None, 600)),
        JoinRefusal::PoolRevoked
    );
}

#[test]
fn only_a_node_of_a_pool_that_was_silent_for_long_enough_is_forgotten() {
    let mut state = state();
    let joined = join(&state, 1);
    take(&mut state, joined);
    let silent = [(id(1), at(0)), (id(7), at(0))];
    assert!(node::forget(&state, &silent, at(59)).is_nothing());
    let forgotten = node::forget(&state, &silent, at(60));
    take(&mut state, Ok(forgotten));
    assert_eq!(state.nodes[&id(1)].left, Some(Leave::Silence));
    assert!(node::forget(&state, &silent, at(61)).is_nothing());
}

#[test]
fn a_pool_takes_no_more_nodes_than_the_license_grants_and_none_after_its_end() {
    let mut state = state();
    let joined = join_within(&state, 1, Some(1), 599);
    take(&mut state, joined);
    let beyond = join_within(&state, 2, Some(1), 599);
    assert!(matches!(beyond, Err(Error::NodeLimit { limit: 1, .. })));
    assert_eq!(
        refusal(join_within(&state, 2, None, 600)),
        JoinRefusal::Expired
    );
    let revoked = node::revoke_pool(&state, POOL);
    take(&mut state, revoked);
    assert_eq!(refusal(join(&state, 2)), JoinRefusal::PoolRevoked);
    // Its nodes go on.
    assert!(join(&state, 1).expect("a decision").is_nothing());
}

#[test]
fn of_the_live_pools_only_one_has_a_name() {
    let mut state = state();
    let next = NewPool {
        id: id(901),
        token_sha256: Digest::of(b"next"),
        ..new()
    };
    let taken = node::create_pool(&state, &next, at(599));
    assert!(matches!(taken, Err(Error::AlreadyExists { .. })));
    // One whose token has expired gives its name back.
    let made = node::create_pool(&state, &next, at(600));
    let made = take(&mut state, made);
    assert!(matches!(
        made.as_slice(),
        [
            Change::NodePoolRevoked { id: POOL },
            Change::NodePoolCreated { .. }
        ]
    ));
    for bad in [
        NewPool {
            name: "n".repeat(51),
            ..next.clone()
        },
        NewPool {
            uses: 0,
            ..next.clone()
        },
        NewPool {
            ttl: 59,
            ..next.clone()
        },
        NewPool {
            forget_after: 9,
            ..next.clone()
        },
    ] {
        let refused = node::create_pool(&State { ..state.clone() }, &bad, at(0));
        assert!(
            matches!(refused, Err(Error::InvalidInput { .. })),
            "{bad:?}"
        );
    }
}

#[test]
fn a_node_of_a_pool_is_called_by_the_pool_and_the_end_of_its_id() {
    let node = Uuid::from_u128(0x0190_aaaa_bbbb_7ccc_8ddd_3f9a_2c1b_0712);
    assert_eq!(name_in_pool("edge", node), "edge-3f9a2c1b0712");
}

#[test]
fn a_node_that_left_can_be_revoked_and_does_not_come_back() {
    let mut state = state();
    let joined = join(&state, 1);
    take(&mut state, joined);
    let left = node::leave(&state, id(1), None);
    take(&mut state, Ok(left));
    let (used, revoked) = (state.used, node::revoke(&state, id(1)));
    let changes = take(&mut state, revoked);
    assert!(matches!(changes.as_slice(), [Change::NodeBarred { .. }]));
    // It had no place any more.
    assert_eq!(state.used, used);
    assert_eq!(refusal(join(&state, 1)), JoinRefusal::Revoked);
    assert!(
        node::revoke(&state, id(1))
            .expect("it is there")
            .is_nothing()
    );
}

/// Who a node says that it is.
fn known(number: u128, name: &str, epochs: &[&str]) -> KnownNode {
    KnownNode {
        node: id(number),
        name: name.to_owned(),
        application: "gateway".to_owned(),
        epochs: epochs.iter().map(ToString::to_string).collect(),
    }
}

fn take_up(state: &State, known: &KnownNode, number: u128) -> Result<Decision, Error> {
    let terms = NodeTerms {
        limit: None,
        basis: ApplicationBasis::default(),
    };
    let credential = Digest::of(&number.to_be_bytes());
    node::take_up(state, POOL, known, credential, &terms, at(1))
}

#[test]
fn a_node_that_is_not_known_any_more_has_its_name_again_and_its_epochs_are_counted() {
    const EPOCH: &str = "00000000000000aa";
    let mut state = state();
    let back = known(7, "west-000000000007", &[EPOCH, EPOCH]);
    let taken = take_up(&state, &back, 7);
    assert_eq!(take(&mut state, taken).len(), 2);
    assert_eq!(state.node_identities[&id(7)].name, "west-000000000007");
    let start = NodeStart {
        id: id(50),
        number: 1,
        answered: 0,
        epoch: EPOCH.to_owned(),
        after: Vec::new(),
        ended: true,
        counted: 9,
        parts: Vec::new(),
        copied: false,
    };
    let begun = node::begin(&state, id(7), "west-000000000007", &start, false);
    let apart = begun
        .expect("in order")
        .records
        .into_iter()
        .find_map(|record| match record {
            Record::NodeStarts { apart, .. } => apart,
            _ => None,
        });
    assert_eq!(apart, Some(SplitReason::Removed));
    // Once it is there, it is the one that it is.
    assert!(take_up(&state, &back, 7).expect("a place").is_nothing());
}

#[test]
fn nobody_takes_the_name_or_the_id_of_another_node() {
    let mut state = state();
    let joined = join(&state, 1);
    take(&mut state, joined);
    let name = name_in_pool("edge", id(1));
    for (node, by) in [(known(1, &name, &[]), 2), (known(2, "edge-1", &[]), 2)] {
        let refused = take_up(&state, &node, by);
        assert!(refused.is_err(), "{refused:?}");
    }
    // It serves another application than the pool's.
    let mut other = known(2, &name_in_pool("edge", id(2)), &[]);
    other.application = "other".to_owned();
    let refused = take_up(&state, &other, 2);
    assert!(
        matches!(refused, Err(Error::InvalidInput { .. })),
        "{refused:?}"
    );
    for epochs in [["", ""], ["../../../../../..", ""]] {
        let node = known(2, &name_in_pool("edge", id(2)), &epochs);
        let refused = take_up(&state, &node, 2);
        assert!(
            matches!(refused, Err(Error::InvalidInput { .. })),
            "{refused:?}"
        );
    }
}

#[test]
fn what_a_node_counted_before_it_was_removed_takes_no_place_of_what_is_put_together_later() {
    let mut state = state();
    let before: Vec<_> = (0..20).map(|number| format!("{number:016x}")).collect();
    let before: Vec<_> = before.iter().map(String::as_str).collect();
    let taken = take_up(&state, &known(7, "west-000000000007", &before), 7);
    take(&mut state, taken);
    let epoch = "00000000000000aa";
    let merged = node::merge(&state, id(7), "west-000000000007", epoch, Now::at(NOW));
    let records = merged.expect("room").records;
    assert!(matches!(
        records.as_slice(),
        [Record::UsageEpoch { epoch: it, .. }] if it == epoch
    ));
}
