//! However old a census may be, it is never older, and it says what was so when it was taken; by a
//! clock that is moved by hand, back as well.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lictor_authority::census::MAX_AGE;
use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::{AccountRequest, Authority, Call, NewLicense, SeatRow, Start, Who};
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::account::AccountKind;
use lictor_core::rules::batch::BatchMode;
use lictor_core::{Claims, Date, SigningKey};
use proptest::prelude::*;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";
const APPLICATION: &str = "editor";
const PEOPLE: usize = 5;

#[derive(Debug, Clone)]
enum Step {
    Assign(usize),
    Release(usize),
    Pass(i64),
    /// The wall clock is set ahead or back.
    Set(i64),
    Ask,
    TakeNow,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..PEOPLE).prop_map(Step::Assign),
        (0..PEOPLE).prop_map(Step::Release),
        (0..MAX_AGE / 2).prop_map(Step::Pass),
        (-2 * MAX_AGE..2 * MAX_AGE).prop_map(Step::Set),
        Just(Step::Pass(MAX_AGE - 1)),
        Just(Step::Pass(1)),
        Just(Step::Ask),
        Just(Step::Ask),
        Just(Step::TakeNow),
    ];
    prop::collection::vec(step, 1..60)
}

struct World {
    authority: Arc<Authority>,
    clock: Arc<ManualClock>,
    holders: BTreeSet<usize>,
    /// How many held a seat at each second: all the figures that were true in it.
    history: BTreeMap<Elapsed, BTreeSet<u64>>,
}

impl World {
    async fn new() -> Self {
        let clock = ManualClock::at(1_800_000_000);
        let vendor = SigningKey::from_seed([1; 32]);
        let start = Start {
            census_max_age: MAX_AGE,
            keep_holders: None,
            keys: vec![vendor.public_key()],
            operator_secret: Some(OPERATOR.to_owned()),
            policy: None,
            control_plane_key: None,
        };
        let store = lictor_store::open_temporary().expect("a store");
        let manual = Clock::Manual(Arc::clone(&clock));
        let authority = Authority::open(store, manual, start, |_| Ok(())).await;
        let mut world = Self {
            authority: authority.expect("an installation").authority(),
            clock,
            holders: BTreeSet::new(),
            history: BTreeMap::new(),
        };
        let call = world.call().await;
        let claims = Claims::new(APPLICATION, Date::parse("2199-01-01").expect("a date"));
        let license = NewLicense {
            payload: vendor.sign(&claims.to_json()).into(),
            created_at: None,
        };
        let id = uuid::Uuid::from_u128(1);
        let stored = world
            .authority
            .put_license(call.permit().expect("the right"), id, license, None)
            .await;
        stored.expect("a license");
        for person in 0..PEOPLE {
            let new = world.authority.new_account(AccountRequest {
                email: email(person),
                name: None,
                kind: AccountKind::Person,
                invited: false,
                administrator: false,
                language: None,
            });
            let new = new.expect("an id");
            let created = world
                .authority
                .create_account(call.permit().expect("the right"), new)
                .await;
            created.expect("an account");
        }
        world.note();
        world
    }

    async fn call(&self) -> Call {
        let actor = self.authority.sign_in(OPERATOR).await.expect("an operator");
        self.authority.call(actor, None).expect("a call")
    }

    fn time(&self) -> Elapsed {
        self.authority.clock().now().elapsed()
    }

    fn note(&mut self) {
        let count = self.holders.len() as u64;
        self.history.entry(self.time()).or_default().insert(count);
    }

    async fn change(&self, row: SeatRow) -> bool {
        let (call, rows) = (self.call().await, Arc::new(vec![row]));
        let changed = self.authority.change_seats(
            call.permit().expect("the right"),
            APPLICATION,
            rows,
            BatchMode::Each,
        );
        let rows = changed.await.expect("decided");
        rows.iter().all(|row| row.refused.is_empty())
    }

    async fn run(&mut self, step: &Step) {
        match step {
            Step::Assign(person) => {
                let who = Who::Email(email(*person));
                assert!(self.change(SeatRow::Assign(who)).await);
                self.holders.insert(*person);
            }
            Step::Release(person) => {
                let who = Who::Email(email(*person));
                let released = self.change(SeatRow::Release(who)).await;
                assert_eq!(released, self.holders.remove(person));
            }
            Step::Pass(seconds) => {
                self.clock.pass(*seconds);
            }
            Step::Set(seconds) => self.clock.step(*seconds),
            Step::Ask => self.ask().await,
            Step::TakeNow => {
                let call = self.call().await;
                let census = self
                    .authority
                    .take_census(call.permit().expect("the right"))
                    .await
                    .expect("a census");
                assert_eq!(census.accounts(), self.holders.len() as u64);
            }
        }
        self.note();
    }

    async fn ask(&self) {
        let call = self.call().await;
        let census = self
            .authority
            .census(call.permit().expect("the right"))
            .await
            .expect("a census");
        let age = self.time().since(census.taken_at);
        assert!((0..MAX_AGE).contains(&age), "it is {age} s old");
        let true_then = &self.history[&census.taken_at];
        assert!(
            true_then.contains(&census.accounts()),
            "{} at {:?}, where {true_then:?} was so",
            census.accounts(),
            census.taken_at
        );
        let product = self
            .authority
            .census_of(call.permit().expect("the right"), APPLICATION)
            .await;
        assert_eq!(product.expect("a census"), Some(census.accounts()));
    }
}

fn email(person: usize) -> String {
    format!("user{person}@example.com")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_census_is_never_older_than_it_may_be(steps in steps()) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.run(step).await;
            }
            world.ask().await;
        });
    }
}
