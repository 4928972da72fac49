//! An application may have thousands of licenses: what it is entitled to is found out by few of them, and
//! is what all of them say.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::cmp::Reverse;
use std::sync::Arc;

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::permits::Permit;
use lictor_authority::right;
use lictor_authority::{Authority, Call, NewLicense, Start};
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::license::License;
use lictor_core::facts::node::{Node, NodeIdentity, NodeState};
use lictor_core::rules::in_force::{Candidate, Succession};
use lictor_core::rules::outlook::outlook;
use lictor_core::{Claims, Date, SigningKey, Timestamp, TrustPolicy, TrustSet, Validity};
use uuid::Uuid;

const DAY: i64 = 86_400;
const NOW: Timestamp = 20_833 * DAY;

const SOME_DAYS: Validity = Validity {
    begins_at: NOW,
    expires_at: NOW + 9 * DAY,
};

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
        let store = lictor_store::open_temporary().expect("a store");
        let manual = Clock::Manual(Arc::clone(&clock));
        let opened = Authority::open(store, manual, start, |_| Ok(()));
        let authority = opened.await.expect("an installation").authority();
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
            .put_license(call.permit().expect("the right"), id, license.clone(), None)
            .await;
        let license = put.expect("put").license;
        let permit = call.permit::<Permit<'_, right::Licenses, right::Write>>();
        let standing = self.authority.standing(permit.expect("the right"), license);
        standing.await.expect("stands");
    }

    async fn remove(&self, id: u128) {
        let call = self.call().await;
        let removed = self
            .authority
            .remove_license(call.permit().expect("the right"), Uuid::from_u128(id), None)
            .await;
        removed.expect("removed");
        self.entitlement().await;
    }

    async fn entitlement(&self) -> Arc<Entitlement> {
        let call = self.call().await;
        self.entitlement_of(&call).await
    }

    async fn entitlement_of(&self, call: &Call) -> Arc<Entitlement> {
        let permit = call.permit().expect("the right");
        let found = self.authority.entitlement(permit, "editor").await;
        found.expect("an entitlement")
    }

    /// All licenses, the newest first.
    async fn all(&self, call: &Call) -> Vec<License> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self
                .authority
                .licenses(call.permit().expect("the right"), None, after, 100)
                .await;
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
                .licenses_around(call.permit().expect("the right"), "editor", SOME_DAYS)
                .await
                .expect("reads");
            let added = world
                .authority
                .add_license(call.permit().expect("the right"), id, write(of - 1))
                .await;
            added.expect("added");
            let out = world
                .authority
                .check_out(call.permit().expect("the right"), "editor", "me", 60)
                .await;
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
async fn those_who_ask_at_once_are_told_what_the_first_of_them_finds() {
    let world = World::new(TrustPolicy::Structural, &[]).await;
    for n in 0..FEW {
        world.put(n.into(), &license(&key(1), (-9, 900), n)).await;
    }
    // A removal derives nothing: who asks after it does.
    let remove = async |id: u128| {
        let call = world.call().await;
        let id = Uuid::from_u128(id);
        let removed = world
            .authority
            .remove_license(call.permit().expect("the right"), id, None)
            .await;
        removed.expect("removed");
    };
    remove(0).await;
    let alone = world
        .looked_at(async || drop(world.entitlement().await))
        .await;
    remove(1).await;
    let ask = || world.entitlement();
    let at_once = world
        .looked_at(async || drop(tokio::join!(ask(), ask(), ask(), ask())))
        .await;
    assert!(
        alone > 0 && at_once == alone,
        "{at_once} for all, {alone} for one"
    );
}

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
async fn nor_where_many_were_verified_and_have_ended() {
    let world = World::new(TrustPolicy::Structural, &[&key(2)]).await;
    for n in 40..FEW + MANY {
        world.put(n.into(), &license(&key(1), (-9, 900), n)).await;
    }
    for n in 0..40_u32 {
        world.put(n.into(), &license(&key(2), (-9, 9), n)).await;
    }
    world.clock.pass(10 * DAY);
    world.entitlement().await;
    let looked_at = world
        .looked_at(async || world.put(50, &license(&key(1), (-9, 900), MANY)).await)
        .await;
    assert!(looked_at < FEW.into(), "{looked_at}");
}

#[tokio::test]
async fn nor_where_one_waits_whose_key_was_revoked() {
    let world = World::new(TrustPolicy::Verified, &[&key(1), &key(2)]).await;
    world.put(0, &license(&key(2), (99, 900), 0)).await;
    for n in 1..FEW + MANY {
        world.put(n.into(), &license(&key(1), (-9, 900), n)).await;
    }
    let call = world.call().await;
    let stolen = key(2).public_key().id();
    let revoked = world
        .authority
        .revoke_key(call.permit().expect("the right"), stolen)
        .await;
    revoked.expect("revoked");
    world.entitlement().await;
    let looked_at = world
        .looked_at(async || world.put(50, &license(&key(1), (-9, 900), MANY)).await)
        .await;
    assert!(looked_at < FEW.into(), "{looked_at}");
}

#[tokio::test]
async fn nor_for_a_request_that_came_before_the_last_write() {
    for (policy, trusted) in [
        (TrustPolicy::Verified, key(1)),
        (TrustPolicy::Structural, key(2)),
    ] {
        let world = World::new(policy, &[&trusted]).await;
        for n in 0..FEW + MANY {
            world.put(n.into(), &license(&key(1), (-9, 900), n)).await;
        }
        let early = world.call().await;
        world.clock.pass(1);
        world.put(50, &license(&key(1), (-9, 900), MANY)).await;
        let looked_at = world
            .looked_at(async || {
                world.entitlement_of(&early).await;
            })
            .await;
        assert!(looked_at < FEW.into(), "{policy}: {looked_at}");
    }
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

#[tokio::test]
async fn an_application_is_covered_by_one_that_many_of_a_revoked_key_stand_before() {
    for (policy, others) in [
        (TrustPolicy::Verified, key(1)),
        (TrustPolicy::Structural, key(3)),
    ] {
        let world = World::new(policy, &[&key(1), &key(2)]).await;
        world.put(0, &license(&others, (-9, 900), 0)).await;
        for n in 1..=100_u32 {
            world.put(n.into(), &license(&key(2), (-9, 1_000), n)).await;
        }
        for n in 101..=110_u32 {
            world.put(n.into(), &license(&others, (-9, 50), n)).await;
        }
        let call = world.call().await;
        let revoked = world
            .authority
            .revoke_key(call.permit().expect("the right"), key(2).public_key().id())
            .await;
        revoked.expect("revoked");
        let found = world.entitlement().await;
        let found = found.license.as_ref().expect("in force");
        let ends = [found.expires_at, found.covered_until];
        assert_eq!(ends, [50, 900].map(|day| NOW + day * DAY), "{policy}");
    }
}

#[tokio::test]
async fn an_application_is_covered_by_all_that_follow_each_other() {
    let daily: Licenses = ("one for each day", |n| {
        license(&key(1), (i64::from(n), i64::from(n) + 1), n)
    });
    let tomorrow: Licenses = ("all begin together", |n| match n {
        0 => license(&key(1), (-9, 1), n),
        _ => license(&key(1), (1, 301 - i64::from(n)), n),
    });
    for (name, write) in [daily, tomorrow] {
        let world = World::new(TrustPolicy::Verified, &[&key(1)]).await;
        for n in 0..300 {
            world.put(n.into(), &write(n)).await;
        }
        let found = world.entitlement().await;
        let found = found.license.as_ref().expect("in force");
        assert_eq!(found.covered_until, NOW + 300 * DAY, "{name}");
    }
}

/// Later ones end earlier, and there are so many that not all are looked at.
async fn stairs(world: &World, numbers: std::ops::Range<u32>) {
    for n in numbers {
        let one = license(&key(1), (-9, 900 - i64::from(n)), n);
        world.put(n.into(), &one).await;
    }
}

#[tokio::test]
async fn a_new_license_comes_to_stand_among_all() {
    let policy = TrustPolicy::Verified;
    let world = World::new(policy, &[&key(1)]).await;
    stairs(&world, 0..200).await;
    let keys = TrustSet::from_pem([key(1).public_key().to_pem().as_str()]).expect("keys");
    for (at, dates) in [(720, 800), (-9, 750), (710, 850), (-9, 705), (899, 990)]
        .into_iter()
        .enumerate()
    {
        let new = license(&key(1), dates, 0);
        agree(
            &world,
            policy,
            &keys,
            &new,
            (0, at.try_into().expect("few")),
        )
        .await;
    }
}

#[tokio::test]
async fn one_that_is_written_again_goes_before_those_that_were_not_looked_at() {
    let world = World::new(TrustPolicy::Verified, &[&key(1)]).await;
    stairs(&world, 0..40).await;
    let (mine, id) = (license(&key(1), (750, 800), 999), Uuid::from_u128(999));
    world.put(999, &mine).await;
    stairs(&world, 40..261).await;
    let call = world.call().await;
    let mut revisions = Vec::new();
    for _ in 0..2 {
        let stored = world
            .authority
            .license(call.permit().expect("the right"), id)
            .await
            .expect("reads");
        let stored = stored.expect("is there").state.revision;
        let put =
            world
                .authority
                .put_license(call.permit().expect("the right"), id, mine.clone(), None);
        let written = put.await.expect("put").license;
        revisions.push(written.state.revision > stored);
    }
    assert_eq!(revisions, [true, false], "written again, and once");
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
    if at.1.is_multiple_of(5) {
        let found = world
            .authority
            .outlook(call.permit().expect("the right"), "editor");
        let found = found.await.expect("reads");
        assert_eq!(found, outlook(&all, now, found.segments.len()), "{at:?}");
        // It ends early only where there is much to look at.
        assert!(
            found.known_until.is_none() || found.segments.len() > 50,
            "{at:?}"
        );
    }
    let new = License {
        id: Uuid::max(),
        payload: new.payload.clone(),
        state: lictor_core::facts::license::LicenseState {
            application: "editor".to_owned(),
            payload_sha256: Digest::of(new.payload.as_bytes()),
            created_at: now,
            updated_at: now,
            revision: u64::MAX,
        },
    };
    let new = judged(&new);
    let span = new.claims.validity();
    let around = world
        .authority
        .licenses_around(call.permit().expect("the right"), "editor", span)
        .await;
    let around = around.expect("reads");
    let place = Succession::of(&around, &new, now);
    assert_eq!(place, Succession::of(&all, &new, now), "{at:?}");
}
