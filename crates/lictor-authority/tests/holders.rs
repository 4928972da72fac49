//! How long it is kept who held a lease, by clocks that are moved by hand.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::sync::Arc;

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::ended::{DEFAULT_KEPT, MAX_KEPT};
use lictor_authority::{Authority, Call, EndedFilter, NewLicense, Opened, Start};
use lictor_core::{Claims, Date, SigningKey};
use lictor_store::Store;
use uuid::Uuid;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";
const APPLICATION: &str = "editor";
const ID: Uuid = Uuid::from_u128(1);
const DAY: i64 = 86_400;

fn vendor() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

struct World {
    authority: Opened,
    store: Arc<dyn Store>,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new(keep_holders: Option<i64>) -> Self {
        let start = Start {
            keys: vec![vendor().public_key()],
            operator_secret: Some(OPERATOR.to_owned()),
            keep_holders,
            ..Start::default()
        };
        let clock = ManualClock::at(1_800_000_000);
        let store = lictor_store::open_temporary().expect("a store");
        let authority = Authority::open(store.clone(), Clock::Manual(clock.clone()), start, |_| {
            Ok(())
        });
        let world = Self {
            authority: authority.await.expect("an installation"),
            store,
            clock,
        };
        let call = world.call().await;
        world.license(&call).await;
        world
    }

    /// Stores a license that never ends.
    async fn license(&self, call: &Call) {
        let claims = Claims::new(APPLICATION, Date::parse("2199-01-01").expect("a date"));
        let license = NewLicense {
            payload: vendor().sign(&claims.to_json()).into(),
            created_at: None,
        };
        let stored = self
            .authority
            .put_license(call.permit().expect("the right"), ID, license, None)
            .await;
        stored.expect("a license");
    }

    async fn call(&self) -> Call {
        let actor = self.authority.sign_in(OPERATOR).await.expect("an operator");
        self.authority.call(actor, None).expect("a call")
    }

    /// Lets a holder have a lease for a moment.
    async fn hold(&self, holder: &str) {
        self.hold_in(&self.call().await, holder).await;
    }

    async fn hold_in(&self, call: &Call, holder: &str) {
        let out = self
            .authority
            .check_out(call.permit().expect("the right"), APPLICATION, holder, 60)
            .await;
        let id = out.expect("a lease").lease.id;
        let released = self
            .authority
            .release_lease(call.permit().expect("the right"), id, None)
            .await;
        released.expect("it ends");
    }

    /// The holders that are known once what is old was dropped, the last one first.
    async fn known(&self) -> Vec<String> {
        let dropped = self.authority.drop_ended_leases().await;
        dropped.expect("drops");
        let call = self.call().await;
        let filter = EndedFilter {
            application: APPLICATION.to_owned(),
            ..EndedFilter::default()
        };
        let ended = self
            .authority
            .ended_leases(call.permit().expect("the right"), &filter, None, 100)
            .await;
        let ended = ended.expect("reads").into_iter();
        let report = self.store.check().await.expect("checks");
        assert_eq!(report.differences, [""; 0]);
        ended.filter_map(|ended| ended.holder).collect()
    }
}

#[tokio::test]
async fn ended_leases_are_kept_as_long_as_was_asked_for() {
    for (asked, kept) in [
        (None, DEFAULT_KEPT),
        (Some(7 * DAY), 7 * DAY),
        (Some(i64::MAX), MAX_KEPT),
    ] {
        let world = World::new(asked).await;
        world.hold("first").await;
        world.clock.pass(1);
        world.hold("second").await;
        world.clock.pass(kept - 2);
        assert_eq!(world.known().await, ["second", "first"], "{kept} s");
        world.clock.pass(1);
        assert_eq!(world.known().await, ["second"], "{kept} s");
        world.clock.pass(1);
        assert_eq!(world.known().await, [""; 0], "{kept} s");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_drops_nothing_before_its_time() {
    let world = World::new(Some(7 * DAY)).await;
    world.hold("first").await;
    world.clock.step(3_650 * DAY);
    assert_eq!(world.known().await, ["first"]);
    world.clock.step(-3_650 * DAY);
    world.clock.pass(7 * DAY - 1);
    assert_eq!(world.known().await, ["first"]);
    world.clock.pass(1);
    assert_eq!(world.known().await, [""; 0]);
}

#[tokio::test]
async fn without_a_span_they_go_at_once() {
    let world = World::new(Some(0)).await;
    world.hold("first").await;
    assert_eq!(world.known().await, [""; 0]);
}

#[tokio::test]
async fn what_ended_in_a_removed_organization_is_dropped_with_it() {
    let world = World::new(None).await;
    world.hold("ours").await;
    let call = world.call().await;
    let acme = world
        .authority
        .create_organization(call.permit().expect("the right"), "acme", None)
        .await;
    let acme = acme.expect("an organization").id;
    let theirs = world.authority.call(call.clone().into(), Some("acme"));
    let theirs = theirs.expect("a call");
    world.license(&theirs).await;
    world.hold_in(&theirs, "theirs").await;
    let removed = world
        .authority
        .remove_license(theirs.permit().expect("the right"), ID, None)
        .await;
    removed.expect("it is there");
    let removed = world
        .authority
        .remove_organization(call.permit().expect("the right"), "acme")
        .await;
    removed.expect("it is empty");
    let all = EndedFilter {
        application: APPLICATION.to_owned(),
        ..EndedFilter::default()
    };
    let kept = async || {
        world
            .store
            .ended_leases(acme, &all, None, 9)
            .await
            .expect("reads")
            .len()
    };
    assert_eq!(kept().await, 1);
    assert_eq!(world.known().await, ["ours"]);
    assert_eq!(kept().await, 0);
}
