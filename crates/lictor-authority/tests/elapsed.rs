//! Spans go by elapsed time, by clocks that are moved by hand: a wall clock that is set neither ends
//! nor stretches one, whether the server goes on, is started again or its machine is.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::{
    Answer, Authority, Call, ClientRequest, Credentials, EnrollRequest, Grant, IdempotencyKey,
    NewLicense, Opened, Start,
};
use lictor_core::{Claims, Date, SigningKey, Timestamp};
use lictor_store::Idempotent;
use lictor_store::Store;
use uuid::Uuid;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";
const APPLICATION: &str = "editor";
const HOUR: i64 = 3_600;

struct World {
    store: Arc<dyn Store>,
    authority: Opened,
    clock: Arc<ManualClock>,
}

async fn open(store: &Arc<dyn Store>, clock: &Arc<ManualClock>) -> Opened {
    let vendor = SigningKey::from_seed([1; 32]);
    let start = Start {
        keys: vec![vendor.public_key()],
        operator_secret: Some(OPERATOR.to_owned()),
        ..Start::default()
    };
    let clock = Clock::Manual(Arc::clone(clock));
    let opened = Authority::open(store.clone(), clock, start, |_| Ok(()));
    opened.await.expect("an installation")
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at(1_800_000_000);
        let store = lictor_store::open_temporary().expect("a store");
        let authority = open(&store, &clock).await;
        let world = Self {
            store,
            authority,
            clock,
        };
        let claims = Claims::new(APPLICATION, Date::parse("2199-01-01").expect("a date"));
        let license = NewLicense {
            payload: SigningKey::from_seed([1; 32])
                .sign(&claims.to_json())
                .into(),
            created_at: None,
        };
        let call = world.call().await;
        let id = Uuid::from_u128(1);
        let stored = world
            .authority
            .put_license(call.permit().expect("the right"), id, license, None)
            .await;
        stored.expect("a license");
        world
    }

    /// Another server on the same store.
    async fn restart(&mut self) {
        self.authority = open(&self.store, &self.clock).await;
    }

    async fn call(&self) -> Call {
        let actor = self.authority.sign_in(OPERATOR).await.expect("an operator");
        self.authority.call(actor, None).expect("a call")
    }

    /// Checks a lease out. Its id, and the end that is shown.
    async fn check_out(&self, holder: &str, ttl: i64) -> (Uuid, Timestamp) {
        let call = self.call().await;
        let out = self
            .authority
            .check_out(call.permit().expect("the right"), APPLICATION, holder, ttl)
            .await;
        let lease = out.expect("a lease").lease;
        (lease.id, call.now.shown(lease.terms.expires_at))
    }

    /// Whether a lease is there once those whose time is over were ended.
    async fn has(&self, lease: Uuid) -> bool {
        self.authority.end_due_leases().await.expect("ended");
        self.authority
            .lease(self.call().await.permit().expect("the right"), lease)
            .await
            .is_ok()
    }

    /// Has the answer to an idempotent request kept, and says of which organization and by which key.
    async fn keep_an_answer(&self) -> (Uuid, IdempotencyKey) {
        let key = IdempotencyKey {
            token: Uuid::from_u128(1),
            route: "POST /v1/x".to_owned(),
            key: "k".to_owned(),
            request_sha256: [0; 32],
        };
        let mut call = self.call().await;
        call.idempotent = Some(Idempotent {
            key: key.clone(),
            render: Arc::new(|_| {
                Some(Answer {
                    status: 201,
                    body: "once".to_owned(),
                })
            }),
            before: Vec::new(),
        });
        let out = self
            .authority
            .check_out(call.permit().expect("the right"), APPLICATION, "a", 60)
            .await;
        out.expect("a lease");
        (call.organization.id, key)
    }
}

#[tokio::test]
async fn a_lease_neither_ends_nor_lasts_longer_for_a_clock_that_is_set() {
    for step in [2 * HOUR, -2 * HOUR, 40 * 365 * 86_400, -20 * 365 * 86_400] {
        let world = World::new().await;
        let (long, _) = world.check_out("long", HOUR).await;
        let (short, _) = world.check_out("short", 10).await;
        world.clock.step(step);
        assert!(world.has(long).await && world.has(short).await, "{step}");
        world.clock.pass(9);
        assert!(world.has(short).await, "{step}");
        world.clock.pass(1);
        assert!(!world.has(short).await, "{step}: it lasts ten seconds");
        world.clock.pass(HOUR - 11);
        assert!(world.has(long).await, "{step}");
        world.clock.pass(1);
        assert!(!world.has(long).await, "{step}");
    }
}

#[tokio::test]
async fn the_end_of_a_lease_is_shown_as_the_wall_clock_will_say_it() {
    let world = World::new().await;
    let (lease, end) = world.check_out("a", HOUR).await;
    assert_eq!(end, world.clock.wall() + HOUR);
    world.clock.pass(60);
    world.clock.step(2 * HOUR);
    let call = world.call().await;
    let found = world
        .authority
        .lease(call.permit().expect("the right"), lease)
        .await
        .expect("a lease");
    let shown = call.now.shown(found.terms.expires_at);
    assert_eq!(shown, world.clock.wall() + HOUR - 60);
    assert_eq!(found.state.since, 1_800_000_000, "since is what it was");
}

#[tokio::test]
async fn elapsed_time_goes_on_after_a_restart_by_the_time_since_boot() {
    for step in [2 * HOUR, -2 * HOUR] {
        let mut world = World::new().await;
        let (lease, _) = world.check_out("a", 100).await;
        for _ in 0..3 {
            world.clock.pass(30);
            world.clock.step(step);
            world.restart().await;
            assert!(world.has(lease).await, "{step}");
        }
        world.clock.pass(10);
        world.restart().await;
        assert!(!world.has(lease).await, "{step}");
    }
}

#[tokio::test]
async fn after_another_boot_elapsed_time_follows_the_wall_clock_and_never_goes_back() {
    let mut world = World::new().await;
    let (lease, _) = world.check_out("a", 100).await;
    world.clock.pass(60);
    world.clock.reboot();
    world.restart().await;
    assert!(world.has(lease).await);
    world.clock.pass(40);
    assert!(!world.has(lease).await, "the minute before the boot counts");
    // The machine comes back with a clock that lost a year: no time passed, as far as anybody knows.
    let (lease, _) = world.check_out("b", 100).await;
    world.clock.step(-365 * 86_400);
    world.clock.reboot();
    world.restart().await;
    assert!(world.has(lease).await);
    // Its clock is set right before anything is written, and the server is started again.
    world.clock.step(365 * 86_400);
    world.restart().await;
    assert!(world.has(lease).await);
    world.clock.pass(100);
    assert!(!world.has(lease).await);
}

#[tokio::test]
async fn an_access_token_and_a_code_live_as_long_as_they_say_whatever_the_clock_does() {
    for step in [2 * HOUR, -2 * HOUR] {
        let world = World::new().await;
        let request = ClientRequest {
            name: None,
            scopes: vec!["seats:read".parse().expect("a scope")],
            account: None,
            application: None,
        };
        let client = world
            .authority
            .create_client(world.call().await.permit().expect("the right"), request)
            .await;
        let client = client.expect("a client");
        let credentials = Credentials {
            client_id: client.client.client_id.clone(),
            secret: client.secret.clone(),
            from: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        world.clock.step(step);
        world.clock.pass(179);
        let handed = world
            .authority
            .hand_out(&credentials, Grant::Code(client.code.code))
            .await
            .unwrap_or_else(|error| panic!("{step}: {error}"));
        world.clock.step(step);
        world.clock.pass(HOUR - 1);
        assert!(world.authority.sign_in(&handed.access_token).await.is_ok());
        world.clock.step(-3 * step);
        world.clock.pass(1);
        assert!(world.authority.sign_in(&handed.access_token).await.is_err());
        let call = world.call().await;
        let late = world
            .authority
            .create_code(call.permit().expect("the right"), &client.client.client_id);
        let late = late.await.expect("a code");
        assert_eq!(late.expires_at, world.clock.wall() + 180);
        world.clock.step(step);
        world.clock.pass(180);
        let refused = world
            .authority
            .hand_out(&credentials, Grant::Code(late.code));
        assert!(refused.await.is_err(), "{step}");
    }
}

#[tokio::test]
async fn attempts_are_counted_within_a_minute_that_passes() {
    let world = World::new().await;
    let wrong = Credentials {
        client_id: "nobody".to_owned(),
        secret: "wrong".to_owned(),
        from: IpAddr::V4(Ipv4Addr::LOCALHOST),
    };
    let refusal = async || {
        let grant = Grant::Credentials(Vec::new(), None);
        let refused = world.authority.hand_out(&wrong, grant).await;
        refused.err().expect("refused").to_string()
    };
    for _ in 0..10 {
        assert!(refusal().await.contains("no such client"));
    }
    for step in [HOUR, -2 * HOUR] {
        world.clock.step(step);
        assert!(refusal().await.contains("too many"), "{step}");
    }
    world.clock.pass(60);
    assert!(refusal().await.contains("no such client"));
}

#[tokio::test]
async fn a_kept_answer_is_kept_for_a_day_that_passes() {
    let world = World::new().await;
    let (organization, key) = world.keep_an_answer().await;
    for (step, passed, kept) in [
        (5 * 86_400, 0, true),
        (-9 * 86_400, 86_399, true),
        (0, 1, false),
    ] {
        world.clock.step(step);
        world.clock.pass(passed);
        let now = world.authority.clock().now();
        let over = async || world.store.has_expired(now).await.expect("reads");
        assert_eq!(over().await, !kept, "{step} {passed}");
        // As the loop does each minute, whether or not anything is written.
        world.authority.drop_expired().await.expect("drops");
        assert!(!over().await, "{step} {passed}");
        let answer = world
            .authority
            .answered(organization, &key)
            .await
            .expect("reads");
        assert_eq!(answer.is_some(), kept, "{step} {passed}");
    }
}

#[tokio::test]
async fn what_has_had_its_time_goes_though_nothing_is_written() {
    let world = World::new().await;
    world.keep_an_answer().await;
    let over = async || {
        let now = world.authority.clock().now();
        world.store.has_expired(now).await.expect("reads")
    };
    // From here on the loop waits for no clock: time goes on where nothing else does.
    tokio::time::pause();
    let looks = tokio::spawn(world.authority.watch_kept());
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(31)).await;
    }
    assert!(!over().await, "it was kept for no day");
    world.clock.pass(86_400);
    assert!(over().await);
    for _ in 0..1_000 {
        tokio::time::sleep(Duration::from_secs(31)).await;
        if !over().await {
            looks.abort();
            return;
        }
    }
    panic!("it is kept for ever");
}

#[tokio::test]
async fn a_node_can_join_for_a_day_that_passes() {
    let world = World::new().await;
    let request = EnrollRequest {
        name: "edge-1".to_owned(),
        application: Some(APPLICATION.to_owned()),
    };
    let enrolled = world
        .authority
        .enroll_node(world.call().await.permit().expect("the right"), request)
        .await;
    let enrolled = enrolled.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(enrolled.expires_at, world.clock.wall() + 86_400);
    let standing = async || {
        let call = world.call().await;
        let found = world
            .authority
            .node(call.permit().expect("the right"), "edge-1")
            .await;
        found.unwrap_or_else(|error| panic!("{error}")).reason
    };
    world.clock.step(3 * 86_400);
    assert_eq!(standing().await.as_deref(), Some("it has not joined yet"));
    world.clock.step(-9 * 86_400);
    world.clock.pass(86_400);
    let reason = standing().await.expect("a reason");
    assert!(reason.contains("expired"), "{reason}");
}

#[tokio::test]
async fn where_elapsed_time_is_is_saved_at_the_first_start() {
    let world = World::new().await;
    let saved = world.store.clock().await.expect("reads").expect("saved");
    assert_eq!(saved.elapsed().seconds(), 1_800_000_000);
}

#[tokio::test]
async fn a_clock_that_is_set_is_noticed_once_and_told_for_a_day() {
    let mut world = World::new().await;
    let look = |world: &World| world.authority.clock().look_for_step().map(|step| step.by);
    assert_eq!(look(&world), None);
    world.clock.pass(3_000);
    world.clock.step(10);
    assert_eq!(look(&world), None, "ten seconds are no step");
    world.clock.step(7_200);
    assert_eq!(look(&world), Some(7_200));
    assert_eq!(look(&world), None, "it is told once");
    let told = world.authority.clock().last_step().expect("it was set");
    assert_eq!(told.by, 7_200);
    let figures = world.authority.clock().figures();
    assert_eq!((figures.steps, figures.ahead), (1, 7_210));
    world.clock.pass(86_400);
    assert_eq!(world.authority.clock().last_step(), None);
    // What was set while no server ran is noticed at its start.
    world.check_out("a", 60).await;
    world.clock.step(-7_200);
    world.restart().await;
    assert_eq!(look(&world), Some(-7_200));
}
