//! Decisions over time: all modes and license edges, with clocks that are turned and restarts in
//! between.

use lictor_core::digest::Digest;
use lictor_core::feed::{Mode, NodePolicy, StateDocument};

use super::*;
use crate::clock::ManualClock;
use crate::testing::{NOW, clock, content, identity, license, signed};

fn state(
    licenses: Vec<lictor_core::feed::DeliveredLicense>,
    policy: NodePolicy,
) -> Arc<VerifiedState> {
    let mut content = content(licenses);
    content.node_policy = policy;
    let text = signed(5, NOW, false, &content);
    let identity = identity();
    let document = StateDocument::verify(&text, &identity.control_plane_key, identity.audience())
        .expect("a state");
    let digest = Digest::of(text.as_bytes());
    Arc::new(VerifiedState::new(
        &document,
        digest,
        &identity,
        &identity.keys,
    ))
}

fn evaluator_with(
    state: Arc<VerifiedState>,
    clock: &Arc<ManualClock>,
    saved: SavedTime,
) -> Evaluator {
    let clock = Clock::Manual(Arc::clone(clock));
    let counters = Arc::new(Counters::new(
        "00000000000000aa",
        "2027-01",
        Default::default(),
    ));
    let time = TrustedTime::from_saved(saved, clock.read());
    Evaluator::new(
        "editor".to_owned(),
        clock,
        counters,
        time,
        Some(state),
        false,
    )
}

fn start() -> SavedTime {
    SavedTime {
        signed: NOW * 1_000,
        ..SavedTime::default()
    }
}

#[test]
fn four_hundred_days_without_news_pass_through_all_modes() {
    let policy = NodePolicy::default();
    let state = state(vec![license(1, "2029-01-01", "")], policy);
    let clock = clock();
    let evaluator = evaluator_with(state, &clock, start());
    let hour = 3_600_000;
    for passed in 0..400 * 24 {
        let decision = evaluator.refresh();
        let seconds = passed * 3_600;
        let expected = match seconds {
            ..300 => Mode::Fresh,
            300..86_400 => Mode::Stale,
            86_400..2_678_400 => Mode::Grace,
            _ => Mode::Restricted,
        };
        assert_eq!(decision.mode, expected, "{seconds}");
        let allowed = expected != Mode::Restricted;
        assert_eq!(evaluator.decide().is_ok(), allowed, "{seconds}");
        assert!(decision.until > NOW + seconds);
        clock.pass(hour);
    }
}

#[test]
fn reasons_come_in_their_order() {
    let policy = NodePolicy::default();
    let future = license(1, "2029-01-01", r#","license_creation_date":"2028-01-01""#);
    let past = license(2, "2027-01-15", "");
    let good = license(3, "2029-01-01", "");
    let foreign = {
        let mut foreign = license(4, "2029-01-01", "");
        foreign.payload = crate::testing::key(9)
            .sign(r#"{"license_expiration_date":"2029-01-01","application":"editor"}"#);
        foreign
    };
    let decide = |licenses, application, feature| {
        let evaluator = evaluator_with(state(licenses, policy), &clock(), start());
        evaluator.decide_on(application, feature)
    };
    let (none, good) = (|| vec![], || vec![good.clone()]);
    for (licenses, application, feature, expected) in [
        (good(), None, None, Ok(())),
        (good(), Some("editor"), Some("sso"), Ok(())),
        (good(), None, Some("audit"), Err(Reason::Feature)),
        (
            good(),
            Some("other"),
            Some("audit"),
            Err(Reason::Unlicensed),
        ),
        (none(), None, Some("audit"), Err(Reason::Unlicensed)),
        (vec![future.clone()], None, None, Err(Reason::Unlicensed)),
        (vec![past.clone()], None, None, Err(Reason::Expired)),
        (vec![future, past.clone()], None, None, Err(Reason::Expired)),
        (vec![foreign.clone()], None, None, Err(Reason::Unlicensed)),
        (vec![foreign, past], None, None, Err(Reason::Expired)),
    ] {
        let found = decide(licenses, application, feature);
        assert_eq!(found, expected, "{application:?} {feature:?}");
    }
    let clock = clock();
    let evaluator = evaluator_with(state(none(), policy), &clock, start());
    clock.pass(40 * 86_400_000);
    evaluator.refresh();
    assert_eq!(
        evaluator.decide_on(Some("other"), None),
        Err(Reason::Restricted)
    );
}

#[test]
fn a_license_ends_to_the_second_and_the_gate_knows_it() {
    let state = state(vec![license(1, "2027-01-16", "")], NodePolicy::default());
    let clock = clock();
    let evaluator = evaluator_with(state, &clock, start());
    let end = lictor_core::Date::parse("2027-01-16")
        .expect("a date")
        .start();
    clock.pass(300_000);
    assert_eq!(evaluator.refresh().until, end, "no other edge before it");
    let left = (end - NOW - 300) * 1_000;
    clock.pass(left - 1);
    evaluator.refresh();
    assert_eq!(evaluator.decide(), Ok(()));
    clock.pass(1);
    // The gate stands open for the millisecond of real time that was left.
    let began = Instant::now();
    while evaluator.decide().is_ok() && began.elapsed() < Duration::from_secs(20) {}
    assert_eq!(evaluator.decide(), Err(Reason::Expired));
}

#[test]
fn no_clock_that_is_turned_makes_a_decision_more_generous() {
    let licenses = || vec![license(1, "2027-01-20", "")];
    let policy = NodePolicy {
        stale_after: 300,
        expires_after: 86_400,
        grace: 86_400 * 30,
    };
    let end = lictor_core::Date::parse("2027-01-20")
        .expect("a date")
        .start();
    let clock = clock();
    let mut evaluator = evaluator_with(state(licenses(), policy), &clock, start());
    let (mut true_time, mut off) = (NOW, 0);
    for step in 0..2_000_i64 {
        // An hour a step; the clock stands anywhere between ten years ago and in ten years.
        true_time += 3_600;
        clock.boot.fetch_add(3_600_000, Ordering::SeqCst);
        let turned = (step * 7_919 % 7_300 - 3_650) * 86_400;
        clock
            .wall
            .store((true_time + turned) * 1_000, Ordering::SeqCst);
        evaluator.refresh();
        if step % 10 == 9 {
            let away = step % 4 * 600;
            (true_time, off) = (true_time + away, off + away);
            clock.boot.store(0, Ordering::SeqCst);
            let saved = evaluator.saved_time();
            evaluator = evaluator_with(state(licenses(), policy), &clock, saved);
        }
        let allowed = evaluator.refresh().grant.is_ok();
        assert!(!allowed || true_time < end + off, "step {step}");
        let early = evaluator.times().now - true_time;
        assert!(early <= 60, "step {step}: {early}");
    }
}
