//! An application may have thousands of licenses: what it is entitled to is found out by few of them, and
//! is what all of them say.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::cmp::Reverse;
use std::sync::Arc;

use lictor_core::change::Digest;
use lictor_core::license::{Candidate, Place};
use lictor_core::node::{Node, NodeIdentity, NodeState};
use lictor_core::{
    Claims, Date, Elapsed, Entitlement, License, SigningKey, Timestamp, TrustPolicy, TrustSet,
};
use lictor_server::authority::{Authority, Call, NewLicense, Start};
use lictor_server::clock::{Clock, ManualClock};
use lictor_store::sqlite::SqliteStore;
use uuid::Uuid;

const DAY: i64 = 86_400;
const NOW: Timestamp = 20_833 * DAY;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";

/// How many licenses few are, and many.
const FEW: u32 = 160;
const MANY: u32 = 320;

struct World {
    authority: Arc<Authority>,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new(policy: TrustPolicy, trusted: &[&SigningKey]) -> Self {
        let start = Start {
            census_max_age: 0,
            keep_holders: None,
            keys: trusted.iter().map(|key| key.public_key()).collect(),
            operator_secret: Some(OPERATOR.to_owned()),
            policy: Some(policy),
            control_plane_key: None,
        };
        let clock = ManualClock::at(NOW);
        let store = SqliteStore::in_memory().expect("a store");
        let manual = Clock::Manual(Arc::clone(&clock));
        let opened = Authority::open(Arc::new(store), manual, start, |_| Ok(()));
        let authority = opened.await.expect("an installation");
        Self { authority, clock }
    }

    async fn call(&self) -> Call {
        let actor = self.authority.sign_in(OPERATOR).await;
        let actor = actor.expect("an operator");
        self.authority.call(actor, None).expect("a call")
    }

    async fn put(&self, id: u128, license: &NewLicense) {
        let (call, id) = (self.call().await, Uuid::from_u128(id));
        let put = self
            .authority
            .put_license(&call, id, license.clone(), None)
            .await;
        let (license, _) = put.expect("put");
        let standing = self.authority.standing(&call, license).await;
        standing.expect("stands");
    }

    async fn remove(&self, id: u128) {
        let call = self.call().await;
        let removed = self
            .authority
            .remove_license(&call, Uuid::from_u128(id), None)
            .await;
        removed.expect("removed");
        self.entitlement().await;
    }

    async fn entitlement(&self) -> Arc<Entitlement> {
        let call = self.call().await;
        let found = self.authority.entitlement_now(&call, "editor").await;
        found.expect("an entitlement")
    }

    /// All licenses, the newest first.
    async fn all(&self, call: &Call) -> Vec<License> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.authority.licenses(call, None, after, 100).await;
            let page = page.expect("reads");
            match page.last() {
                Some(last) => after = Some(last.id),
                None => break,
            }
            all.extend(page);
        }
        all.sort_by_key(|one| Reverse((one.state.updated_at, one.state.revision)));
        all
    }

    /// How many licenses were looked at while this was done.
    async fn looked_at(&self, act: impl AsyncFnOnce()) -> u64 {
        let before = self.authority.licenses_looked_at();
        act().await;
        self.authority.licenses_looked_at() - before
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A license that is valid from one day to another, from now.
fn license(key: &SigningKey, (begins, ends): (i64, i64), number: u32) -> NewLicense {
    let day = |days: i64| Date::of(NOW + days * DAY);
    let claims = Claims {
        creation_date: Some(day(begins)),
        license_key: Some(number.to_string()),
        admin_seats: Some(number + 9),
        ..Claims::new("editor", day(ends))
    };
    NewLicense {
        payload: key.sign(&claims.to_json()).into(),
        created_at: None,
    }
}

fn node(organization: Uuid) -> Node {
    Node {
        id: Uuid::from_u128(77),
        organization,
        state: NodeState {
            application: "editor".to_owned(),
            created_at: NOW,
            joined_at: Some(NOW),
            revoked_at: None,
            pool: None,
            left: None,
        },
        identity: NodeIdentity {
            name: "edge".to_owned(),
            token_sha256: Some(Digest::of(b"token")),
            token_expires_at: Elapsed::from_seconds(NOW),
            credential_sha256: None,
        },
        pool: None,
        seen: None,
        forget_after: None,
    }
}

/// Does with some of so many licenses what is done again and again, and says how many were looked at.
async fn work(world: &World, of: u32, write: impl Fn(u32) -> NewLicense) -> u64 {
    let call = world.call().await;
    world
        .looked_at(async || {
            let last = u128::from(of) - 1;
            // Written anew and once more, the last and one of the middle; removed, and added again.
            for id in [last, u128::from(of / 2)] {
                world.put(id, &write(of - 1)).await;
                world.put(id, &write(of - 1)).await;
            }
            world.remove(last).await;
            let id = Some(Uuid::from_u128(last));
            world
                .authority
                .licenses_around(&call, "editor")
                .await
                .expect("reads");
            let added = world.authority.add_license(&call, id, write(of - 1)).await;
            added.expect("added");
            let asked = world.authority.ask_for_lease(&call, "editor", "me", 60);
            let asked = asked.expect("asked");
            let out = world.authority.check_out(&call, &asked).await;
            out.expect("checked out");
            world.entitlement().await;
        })
        .await
}

/// What the licenses of a world are.
type Licenses = (&'static str, fn(u32) -> NewLicense);

async fn look_at_few(policy: TrustPolicy, trusted: &[&SigningKey], worlds: &[Licenses]) {
    for (name, write) in worlds {
        let world = World::new(policy, trusted).await;
        let mut looked_at = Vec::new();
        let mut stored = 0;
        for of in [FEW, MANY] {
            while stored < of {
                world.put(u128::from(stored), &write(stored)).await;
                stored += 1;
            }
            looked_at.push(work(&world, of, write).await);
        }
        let [few, many] = looked_at[..] else {
            panic!("{looked_at:?}")
        };
        // Some pages more may be wanted of many, and not one for each of them.
        assert!(
            many <= few + u64::from(FEW) / 4,
            "{name}: {few} were looked at of {FEW}, {many} of {MANY}"
        );
    }
}

/// Whatever they are, with keys that make all of them verified, or none.
const WORLDS: [Licenses; 5] = [
    ("of the same dates", |n| license(&key(1), (-9, 900), n)),
    ("later ones end later", |n| {
        license(&key(1), (-9, 900 + i64::from(n)), n)
    }),
    ("later ones end earlier", |n| {
        license(&key(1), (-9, 900 - i64::from(n)), n)
    }),
    ("the others wait", |n| {
        let dates = if n == 0 { (-9, 99) } else { (99, 900) };
        license(&key(1), dates, n)
    }),
    ("the others have ended", |n| {
        let dates = if n == 0 { (-9, 99) } else { (-99, -9) };
        license(&key(1), dates, n)
    }),
];

#[tokio::test]
async fn a_write_looks_at_few_of_many_licenses_where_none_is_verified() {
    look_at_few(TrustPolicy::Structural, &[], &WORLDS).await;
}

#[tokio::test]
async fn nor_where_one_of_another_key_could_be() {
    let one_verified: Licenses = ("one is verified", |n| {
        license(&key(if n == 0 { 2 } else { 1 }), (-9, 900), n)
    });
    let it_ends_first: Licenses = ("one is verified and ends first", |n| match n {
        0 => license(&key(2), (-9, 9), n),
        _ => license(&key(1), (-9, 900), n),
    });
    let worlds = [WORLDS[0], WORLDS[2], one_verified, it_ends_first];
    look_at_few(TrustPolicy::Structural, &[&key(2)], &worlds).await;
}

#[tokio::test]
async fn nor_where_all_are_verified() {
    look_at_few(TrustPolicy::Verified, &[&key(1)], &WORLDS[..3]).await;
    look_at_few(TrustPolicy::Structural, &[&key(1)], &WORLDS[..1]).await;
}

#[tokio::test]
async fn what_is_delivered_to_nodes_is_found_among_few() {
    for (policy, trusted) in [
        (TrustPolicy::Structural, vec![]),
        (TrustPolicy::Verified, vec![&key(1)]),
    ] {
        let world = World::new(policy, &trusted).await;
        let node = node(world.call().await.organization.id);
        for (number, of) in [(FEW, 0..FEW), (MANY, FEW..MANY)] {
            for n in of {
                world.put(n.into(), &license(&key(1), (-9, 900), n)).await;
            }
            let looked_at = world.looked_at(async || {
                let state = world.authority.signed_state(&node).await;
                state.expect("a state");
            });
            let looked_at = looked_at.await;
            assert!(looked_at < FEW.into(), "{looked_at} of {number}");
        }
    }
}

/// A number for each turn, the same in every run.
struct Turns(u64);

impl Turns {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }

    /// From when until when, of few days.
    fn dates(&mut self) -> (i64, i64) {
        let begins = i64::try_from(self.below(12)).expect("small") - 8;
        (begins, i64::try_from(self.below(12)).expect("small") - 3)
    }
}

#[tokio::test]
async fn few_licenses_say_what_all_of_them_say() {
    let (vendor, other) = (key(1), key(2));
    for seed in 1..=6 {
        let policy = match seed % 3 {
            0 => TrustPolicy::Verified,
            _ => TrustPolicy::Structural,
        };
        let trusted = match seed % 3 {
            0 => vec![&vendor, &other],
            1 => vec![&other],
            _ => vec![],
        };
        let world = World::new(policy, &trusted).await;
        let pems: Vec<_> = trusted
            .iter()
            .map(|key| key.public_key().to_pem())
            .collect();
        let keys = TrustSet::from_pem(pems.iter().map(String::as_str)).expect("keys");
        let mut turns = Turns(seed);
        let alike = (turns.dates(), turns.below(2) == 0);
        for step in 0..220_u32 {
            let dates = match alike.1 && turns.below(4) > 0 {
                true => alike.0,
                false => turns.dates(),
            };
            let rare = turns.below(if seed % 2 == 0 { 4 } else { 60 }) == 0;
            let key = if rare { &other } else { &vendor };
            let id = u128::from(turns.below(u64::from(step) + 40));
            match turns.below(12) {
                0 => world.remove(id).await,
                1 => world.clock.pass(DAY / 2),
                2 if step % 5 == 0 => world.clock.step(-2 * DAY),
                _ => world.put(id, &license(key, dates, step)).await,
            }
            if step > 60 && step % 8 == 0 {
                let new = license(key, turns.dates(), 0);
                agree(&world, policy, &keys, &new, (seed, step)).await;
            }
        }
    }
}

/// Compares what few licenses say with what all say, and where a new one would stand among them.
async fn agree(
    world: &World,
    policy: TrustPolicy,
    keys: &TrustSet,
    new: &NewLicense,
    at: (u64, u32),
) {
    let call = world.call().await;
    let (organization, now) = (call.organization.id, call.now.wall());
    let all = world.all(&call).await;
    let judged = |license| Candidate::of(license, organization, keys, policy).expect("claims");
    let all: Vec<_> = all.iter().map(judged).collect();
    let found = world.entitlement().await;
    assert_eq!(*found, Entitlement::of("editor", &all, now), "{at:?}");
    let around = world.authority.licenses_around(&call, "editor").await;
    let around = around.expect("reads");
    let new = License {
        id: Uuid::max(),
        payload: new.payload.clone(),
        state: lictor_core::LicenseState {
            application: "editor".to_owned(),
            payload_sha256: Digest::of(new.payload.as_bytes()),
            created_at: now,
            updated_at: now,
            revision: u64::MAX,
        },
    };
    let new = judged(&new);
    let place = Place::of(&around, &new, now);
    assert_eq!(place, Place::of(&all, &new, now), "{at:?}");
}
