//! Nodes: enrolled up to the limit, joined once, revoked, and led back by an adoption.

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::application::ApplicationState;
use lictor_core::facts::entitlement::{ApplicationBasis, NodeTerms};
use lictor_core::facts::node::{JoinRefusal, NodeIdentity, TOKEN_TTL};
use lictor_core::facts::quota::Quota;
use lictor_core::feed::{Applied, Mode, NodeCount, NodePolicy, NodeReport, OTHER_SERVICES};
use lictor_core::record::Record;
use lictor_core::rules::node::{self, NewNode};
use lictor_core::rules::usage::RefusedReports;
use lictor_core::state::State;
use lictor_core::{Error, Timestamp, facts};
use uuid::Uuid;

use crate::fixtures::NOW;

const APPLICATION: &str = "gateway";

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn new(number: u128, name: &str) -> NewNode {
    NewNode {
        id: id(number),
        name: name.to_owned(),
        application: APPLICATION.to_owned(),
        token_sha256: Digest::of(name.as_bytes()),
    }
}

fn terms(limit: Option<u32>) -> NodeTerms {
    NodeTerms {
        limit,
        basis: ApplicationBasis::default(),
    }
}

fn state() -> State {
    let mut state = State::default();
    state
        .applications
        .insert(APPLICATION.to_owned(), ApplicationState::default());
    state
}

/// The same where these nodes are there, which report.
fn with_nodes(mut state: State, nodes: &[u128]) -> State {
    for number in nodes {
        let enrolled = Change::NodeEnrolled {
            id: id(*number),
            application: APPLICATION.to_owned(),
            limit: None,
            enrolled: 1,
            pool: None,
        };
        state.apply(state.position + 1, NOW, &enrolled);
    }
    state
}

fn at(seconds: i64) -> Elapsed {
    Elapsed::from_seconds(seconds)
}

/// Applies what was decided as a store would, without moving what entitlements rest on.
fn take<T>(state: &mut State, decided: Result<Decision<T>, Error>, now: Timestamp) {
    let decision = decided.expect("a decision");
    for change in &decision.changes {
        let position = state.position + 1;
        state.apply(position, now, change);
    }
    for record in &decision.records {
        state.note(record);
    }
}

/// Enrolls a node where those that are still to join are counted as a store counts them.
fn enroll(
    state: &State,
    new: &NewNode,
    terms: &NodeTerms,
    now: Elapsed,
) -> Result<Decision<Uuid>, Error> {
    let mut state = state.clone();
    let to_join = state.nodes.iter().filter(|(id, node)| {
        let lasts = |identity: &NodeIdentity| !identity.has_expired(now);
        node.application == new.application
            && node.revoked_at.is_none()
            && node.joined_at.is_none()
            && state.node_identities.get(id).is_some_and(lasts)
    });
    let to_join = to_join.count() as u64;
    state.nodes_to_join.insert(new.application.clone(), to_join);
    node::enroll(&state, new, terms, now)
}

#[test]
fn nodes_are_enrolled_up_to_the_limit() {
    let mut state = state();
    for number in 1..=2 {
        let new = new(number, &format!("edge-{number}"));
        let decided = enroll(&state, &new, &terms(Some(2)), at(NOW));
        take(&mut state, decided, NOW);
    }
    let third = new(3, "edge-3");
    let refused = enroll(&state, &third, &terms(Some(2)), at(NOW)).expect_err("full");
    assert_eq!(
        refused.to_string(),
        "2 nodes are enrolled for gateway, and its license grants 2; revoke one with `lictor node \
         revoke`, or install a license with more dataplanes"
    );
    for limit in [None, Some(3)] {
        assert!(enroll(&state, &third, &terms(limit), at(NOW)).is_ok());
    }
    // A token that was never used gives its place back, a node that joined does not.
    let joined = node::join(&state, id(1), Digest::of(b"credential"), at(NOW));
    take(&mut state, joined, NOW);
    let later = NOW + TOKEN_TTL;
    let fourth = enroll(&state, &third, &terms(Some(2)), at(later));
    take(&mut state, fourth, later);
    let revoked = node::revoke(&state, id(1));
    take(&mut state, revoked, later);
    let again = enroll(&state, &new(4, "edge-1"), &terms(Some(2)), at(later));
    take(&mut state, again, later);
    assert!(enroll(&state, &new(5, "edge-5"), &terms(Some(2)), at(later)).is_err());
}

#[test]
fn a_node_is_refused_for_its_name_its_application_and_terms_of_yesterday() {
    let mut state = state();
    let decided = enroll(&state, &new(1, "edge-1"), &terms(None), at(NOW));
    take(&mut state, decided, NOW);
    let refused = |new: &NewNode, terms: &NodeTerms| enroll(&state, new, terms, at(NOW));
    assert!(matches!(
        refused(&new(2, "edge-1"), &terms(None)),
        Err(Error::AlreadyExists { .. })
    ));
    let long = "a".repeat(64);
    for name in ["", "-a", ".a", "Edge", "a b", "a@b", "ä", &long] {
        let found = refused(&new(2, name), &terms(None));
        assert!(matches!(found, Err(Error::InvalidInput { .. })), "{name}");
    }
    for name in ["a", "edge-1.example.com", &long[1..]] {
        assert!(refused(&new(2, name), &terms(None)).is_ok(), "{name}");
    }
    let mut other = new(2, "edge-2");
    "editor".clone_into(&mut other.application);
    assert!(matches!(
        refused(&other, &terms(None)),
        Err(Error::NotFound { .. })
    ));
    let mut outdated = terms(None);
    outdated.basis.licenses = 3;
    assert!(matches!(
        refused(&new(2, "edge-2"), &outdated),
        Err(Error::Outdated)
    ));
}

#[test]
fn a_node_that_can_join_no_more_gives_its_name_back() {
    let mut state = state();
    let mut elsewhere = new(1, "edge-1");
    "editor".clone_into(&mut elsewhere.application);
    let editor = ("editor".to_owned(), ApplicationState::default());
    state.applications.extend([editor]);
    let decided = enroll(&state, &elsewhere, &terms(None), at(NOW));
    take(&mut state, decided, NOW);
    let (again, later) = (new(2, "edge-1"), NOW + TOKEN_TTL);
    let early = enroll(&state, &again, &terms(None), at(later - 1));
    assert!(matches!(early, Err(Error::AlreadyExists { .. })));
    let full = enroll(&state, &again, &terms(Some(0)), at(later));
    assert!(matches!(full, Err(Error::NodeLimit { .. })));
    let decided = enroll(&state, &again, &terms(Some(1)), at(later)).expect("the name");
    assert!(
        matches!(
            decided.changes.as_slice(),
            [Change::NodeRevoked { id: old }, Change::NodeEnrolled { id: next, enrolled: 1, .. }]
                if (*old, *next) == (id(1), id(2))
        ),
        "{:?}",
        decided.changes
    );
    take(&mut state, Ok(decided), later);
    let joined = node::join(&state, id(2), Digest::of(b"credential"), at(later));
    take(&mut state, joined, later);
    let taken = enroll(
        &state,
        &new(3, "edge-1"),
        &terms(None),
        at(later + TOKEN_TTL),
    );
    assert!(matches!(taken, Err(Error::AlreadyExists { .. })));
}

#[test]
fn a_token_lets_one_node_join_once() {
    let mut state = state();
    let decided = enroll(&state, &new(1, "edge-1"), &terms(None), at(NOW));
    take(&mut state, decided, NOW);
    let (mine, other) = (Digest::of(b"mine"), Digest::of(b"other"));
    let refusal = |decided: Result<Decision, Error>| match decided {
        Err(Error::JoinRefused(refusal)) => refusal,
        other => panic!("{other:?}"),
    };
    let late = node::join(&state, id(1), mine, at(NOW + TOKEN_TTL));
    assert_eq!(refusal(late), JoinRefusal::Expired);
    let joined = node::join(&state, id(1), mine, at(NOW + TOKEN_TTL - 1));
    take(&mut state, joined, NOW);
    // The answer was lost: the same node asks again, even later.
    let again = node::join(&state, id(1), mine, at(NOW + TOKEN_TTL)).expect("the same node");
    assert!(again.is_nothing());
    let stolen = node::join(&state, id(1), other, at(NOW));
    assert_eq!(refusal(stolen), JoinRefusal::Used);
    let revoked = node::revoke(&state, id(1));
    take(&mut state, revoked, NOW);
    assert!(node::revoke(&state, id(1)).expect("again").is_nothing());
    let dead = node::join(&state, id(1), mine, at(NOW));
    assert_eq!(refusal(dead), JoinRefusal::Revoked);
    assert!(matches!(
        node::join(&state, id(9), mine, at(NOW)),
        Err(Error::NotFound { .. })
    ));
}

#[test]
fn an_adoption_goes_above_what_nodes_reported() {
    let mut state = state();
    state.basis_changed = 4;
    state.trust_changed = 3;
    state.position = 9;
    let revision = |state: &State| state.node_settings.state_revision(state.basis());
    // The sum of both, and one for each time that what is delivered was changed.
    assert_eq!(revision(&state), 8);
    assert!(node::adopt(&state, None).is_nothing());
    for highest in [8, 500] {
        let decided = node::adopt(&state, Some(highest));
        take(&mut state, Ok(decided), NOW);
        assert!(revision(&state) > highest, "{highest}");
    }
    let before = revision(&state);
    let policy = NodePolicy {
        grace: 1,
        ..NodePolicy::default()
    };
    let decided = node::set_policy(&state, policy);
    take(&mut state, decided, NOW);
    assert!(revision(&state) > before, "a new policy is news");
    assert!(
        node::set_policy(&state, policy)
            .expect("the same")
            .is_nothing()
    );
    let applied = Applied {
        revision: 7,
        issued_at: NOW,
        content_sha256: Digest::of(b"content"),
    };
    for (revision, content, ahead) in [
        (6, "content", true),
        (7, "content", false),
        (7, "other", true),
        (8, "other", false),
    ] {
        let content = Digest::of(content.as_bytes());
        assert_eq!(node::is_ahead(&applied, revision, content), ahead);
    }
}

#[test]
fn a_report_is_kept_within_bounds() {
    let count = NodeCount {
        epoch: "0123456789abcdef".to_owned(),
        service: "orders".to_owned(),
        month: "2026-06".to_owned(),
        count: 5,
    };
    let mut report = NodeReport {
        host: "h\n".repeat(300),
        version: "v".repeat(100),
        mode: Mode::Fresh,
        applied: None,
        control_plane: Some(Digest::of(b"key")),
        license: None,
        requests: 5,
        problems: vec!["p".repeat(1_000); 20],
        counts: vec![count.clone()],
        settled: None,
        start: None,
        leaving: false,
        gives_back: false,
    };
    let state = with_nodes(State::default(), &[1]);
    let decided =
        node::report(&state, id(1), "edge-1", &report, true, Now::at(NOW)).expect("in bounds");
    assert!(decided.changes.is_empty());
    let [Record::Usage { key, .. }, Record::NodeSeen { seen, .. }] = decided.records.as_slice()
    else {
        panic!("{:?}", decided.records);
    };
    assert_eq!(key.source, "edge-1@0123456789abcdef");
    assert_eq!((seen.host.len(), seen.version.len()), (255, 64));
    assert_eq!(seen.control_plane, Some(Digest::of(b"key")));
    assert_eq!((seen.problems.len(), seen.problems[0].len()), (16, 300));
    let quiet =
        node::report(&state, id(1), "edge-1", &report, false, Now::at(NOW)).expect("in bounds");
    assert_eq!(quiet.records.len(), 1);
    for epoch in [
        "",
        "0123456789ABCDEF",
        "0123456789abcde",
        "../../../../../..",
    ] {
        report.counts[0].epoch = epoch.to_owned();
        assert!(node::report(&state, id(1), "edge-1", &report, true, Now::at(NOW)).is_err());
    }
    report.counts.clear();
    report.applied = Some(Applied {
        revision: 1 << 53,
        issued_at: NOW,
        content_sha256: Digest::of(b""),
    });
    // Nobody has reached it, and counts do not suffer from it.
    assert_eq!(node::seen(&report, Now::at(NOW)).applied, None);
    assert!(node::report(&state, id(1), "edge-1", &report, true, Now::at(NOW)).is_ok());
    report.applied = None;
    report.counts = vec![count; 1_001];
    assert!(node::report(&state, id(1), "edge-1", &report, true, Now::at(NOW)).is_err());
}

fn counting(counts: Vec<NodeCount>) -> NodeReport {
    NodeReport {
        host: String::new(),
        version: String::new(),
        mode: Mode::Fresh,
        applied: None,
        control_plane: None,
        license: None,
        requests: 0,
        problems: Vec::new(),
        counts,
        settled: None,
        start: None,
        leaving: false,
        gives_back: false,
    }
}

#[test]
fn the_others_of_a_node_find_room_beyond_the_quota_and_as_many_of_them_as_there_may_be_nodes() {
    let mut state = with_nodes(state(), &[1, 2]);
    for (quota, limit) in [(Quota::UsageSeries, 1), (Quota::Nodes, 2)] {
        let limit = Some(limit);
        state.apply(state.position + 1, NOW, &Change::QuotaSet { quota, limit });
    }
    let mut told = |node: &str, epoch: u64, counts: &[(&str, u64)]| -> Vec<(usize, bool)> {
        let counts = counts.iter().map(|(service, count)| NodeCount {
            epoch: format!("{epoch:016x}"),
            service: (*service).to_owned(),
            month: "2026-06".to_owned(),
            count: *count,
        });
        let report = counting(counts.collect());
        let decided = node::report(&state, id(1), node, &report, false, Now::at(NOW));
        let others = noted(&mut state, decided)
            .into_iter()
            .map(|(number, error)| {
                assert!(matches!(error, Error::QuotaReached { .. }), "{error}");
                (
                    number,
                    node::is_without_room(&report.counts[number], &error),
                )
            });
        others.collect()
    };
    let first = [("a", 1), ("b", 2), ("c", 3)];
    assert_eq!(told("edge-1", 1, &first), [(1, true), (2, true)]);
    // What is counted there goes on, and so do the others.
    assert_eq!(told("edge-1", 1, &[("a", 5), (OTHER_SERVICES, 5)]), []);
    assert_eq!(told("edge-1", 1, &[(OTHER_SERVICES, 7)]), []);
    assert_eq!(told("edge-2", 1, &[("a", 1)]), [(0, true)]);
    assert_eq!(told("edge-2", 1, &[(OTHER_SERVICES, 1)]), []);
    // Whoever makes up epochs comes to an end.
    for epoch in 2..50 {
        assert_eq!(told("edge-1", epoch, &[(OTHER_SERVICES, 1)]), [(0, false)]);
    }
    assert_eq!(state.usage.len(), 3);
    assert_eq!(state.usage_sum, 5 + 7 + 1);
    // A sum that is too large is no want of room.
    let largest = Error::InvalidInput {
        field: "count",
        reason: String::new(),
    };
    let one = NodeCount {
        epoch: "0123456789abcdef".to_owned(),
        service: "a".to_owned(),
        month: "2026-06".to_owned(),
        count: 1,
    };
    assert!(!node::is_without_room(&one, &largest));
}

/// Takes up what was decided, and gives what was refused of it.
fn noted(state: &mut State, decided: Result<Decision<RefusedReports>, Error>) -> RefusedReports {
    let (decision, refused) = decided.expect("in bounds").split();
    let records = decision.records.iter();
    records.for_each(|record| state.note(record));
    refused(state).expect("an outcome")
}

#[test]
fn what_a_node_counted_in_earlier_epochs_is_put_together_and_told_again_adds_nothing() {
    let mut state = with_nodes(state(), &[1, 2]);
    let epoch = |number: u64| format!("{number:016x}");
    let report = |number: u64, counts: &[(&str, u64)]| {
        let counts = counts.iter().map(|(service, count)| NodeCount {
            epoch: epoch(number),
            service: (*service).to_owned(),
            month: "2026-06".to_owned(),
            count: *count,
        });
        counting(counts.collect())
    };
    let told = |state: &mut State, report: &NodeReport| {
        let decided = node::report(state, id(1), "edge-1", report, false, Now::at(NOW));
        noted(state, decided)
    };
    let merged = |state: &mut State, number| {
        let decided = node::merge(state, id(1), "edge-1", &epoch(number), Now::at(NOW));
        let records = decided.expect("room").records;
        records.iter().for_each(|record| state.note(record));
        records.len()
    };
    let first = report(1, &[("a", 3), ("b", 2)]);
    let second = report(2, &[("a", 4)]);
    assert!(told(&mut state, &first).is_empty());
    assert!(told(&mut state, &second).is_empty());
    let others = report(1, &[("a", 9)]);
    let decided = node::report(&state, id(2), "edge-2", &others, false, Now::at(NOW));
    let others = decided.expect("in bounds").records;
    others.iter().for_each(|record| state.note(record));
    // Its two counts, and that it was put there.
    assert_eq!(merged(&mut state, 1), 3);
    assert_eq!(merged(&mut state, 2), 2);
    assert_eq!((merged(&mut state, 1), merged(&mut state, 2)), (0, 0));
    let stored = |state: &State| -> Vec<(String, String, u64)> {
        let stored = state.usage.iter();
        let stored = stored
            .map(|(key, reported)| (key.service.clone(), key.source.clone(), reported.counted));
        stored.collect()
    };
    let row = |service: &str, source: &str, count| (service.to_owned(), source.to_owned(), count);
    let expected = [
        row("a", "edge-1@earlier", 7),
        row("a", "edge-2@0000000000000001", 9),
        row("b", "edge-1@earlier", 2),
    ];
    assert_eq!(stored(&state), expected);
    // A control plane that was restarted is told everything again, with what is new.
    let mut again = report(3, &[("a", 1)]);
    again.counts.splice(0..0, first.counts.clone());
    again.counts.extend(second.counts.clone());
    again.counts.push(NodeCount {
        month: "no month".to_owned(),
        ..again.counts[2].clone()
    });
    let refused = told(&mut state, &again);
    assert_eq!((refused.len(), refused[0].0), (1, 4), "by its own number");
    assert_eq!((state.usage_sum, state.usage.len()), (3 + 2 + 4 + 9 + 1, 4));
    for number in 3..facts::node::MAX_MERGED as u64 + 1 {
        assert!(merged(&mut state, number) > 0, "{number}");
    }
    assert_eq!(merged(&mut state, 99), 0, "not without end");
    let unknown = node::merge(&state, id(1), "edge-1", "no epoch", Now::at(NOW));
    assert_eq!(unknown.expect("nothing to do").records.len(), 0);
}

#[test]
fn a_change_of_nodes_is_one_of_the_ledger() {
    let mut state = state();
    state.apply(5, NOW, &Change::NodesAdopted { raise: 2 });
    assert_eq!((state.basis_changed, state.node_settings.raised), (5, 2));
    state.apply(6, NOW, &Change::NodeJoined { id: id(1) });
    assert!(state.nodes.is_empty(), "what is not loaded is not altered");
}
