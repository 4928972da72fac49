//! After any sequence of writes, key changes and clock steps the ledger agrees with the rows, and
//! what is in force, here and on nodes, now and later, is what the words say, read here anew without
//! the product's code.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::permits::Permit;
use lictor_authority::right::{Applications, Licenses, Read};
use lictor_authority::{Authority, Call, NewLicense, Patch, Standing, Start};
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::node::{Node, NodeIdentity, NodeState};
use lictor_core::feed::{Audience, StateDocument};
use lictor_core::rules::in_force::in_force;
use lictor_core::{Claims, Date, Error, SigningKey, Timestamp, TrustPolicy, TrustSet, TrustedKey};
use lictor_store::Store;
use proptest::prelude::*;
use uuid::Uuid;

const DAY: i64 = 86_400;
const START: Timestamp = 1_800_000_000;
const OPERATOR: &str = "an-operator-token-of-the-test-long-enough";

#[derive(Debug, Clone)]
enum Step {
    Put {
        organization: usize,
        slot: u128,
        application: usize,
        key: usize,
        begins: i64,
        days: i64,
    },
    /// The stored document once more, as controllers do.
    Repeat {
        organization: usize,
        slot: u128,
        patch: bool,
    },
    Touch {
        organization: usize,
        slot: u128,
    },
    Remove {
        organization: usize,
        slot: u128,
    },
    Retire {
        key: usize,
    },
    Revoke {
        key: usize,
    },
    MoveClock {
        hours: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (organization, slot, key) = (0..2_usize, 0..4_u128, 0..3_usize);
    let put = (
        organization.clone(),
        slot.clone(),
        0..2_usize,
        key.clone(),
        -4..4_i64,
        0..6_i64,
    )
        .prop_map(
            |(organization, slot, application, key, begins, days)| Step::Put {
                organization,
                slot,
                application,
                key,
                begins,
                days,
            },
        );
    let on = (organization, slot);
    let repeat =
        (on.clone(), any::<bool>()).prop_map(|((organization, slot), patch)| Step::Repeat {
            organization,
            slot,
            patch,
        });
    let step = prop_oneof![
        8 => put,
        3 => repeat,
        2 => on.clone().prop_map(|(organization, slot)| Step::Touch { organization, slot }),
        2 => on.prop_map(|(organization, slot)| Step::Remove { organization, slot }),
        1 => key.clone().prop_map(|key| Step::Retire { key }),
        1 => key.prop_map(|key| Step::Revoke { key }),
        4 => (-30..60_i64).prop_map(|hours| Step::MoveClock { hours }),
    ];
    proptest::collection::vec(step, 1..30)
}

/// One license as the words see it.
#[derive(Debug, Clone)]
struct Written {
    application: String,
    document: String,
    key: usize,
    begins: Timestamp,
    ends: Timestamp,
    updated_at: Timestamp,
    order: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum KeyNow {
    Active,
    Retired,
    Revoked,
}

#[derive(Default)]
struct Model {
    licenses: BTreeMap<(usize, u128), Written>,
    greatest: [Timestamp; 2],
    writes: usize,
}

impl Model {
    fn stamp(&mut self, organization: usize, now: Timestamp) -> (Timestamp, usize) {
        self.writes += 1;
        self.greatest[organization] = self.greatest[organization].max(now);
        (self.greatest[organization], self.writes)
    }

    /// Among an application's licenses that have begun and not ended, the one with the greatest
    /// (`updated_at`, revision). A revoked key's do not count.
    fn in_force(
        &self,
        organization: usize,
        application: &str,
        keys: [KeyNow; 3],
        now: Timestamp,
    ) -> Option<u128> {
        let candidates = self.licenses.iter().filter(|((owner, _), license)| {
            *owner == organization
                && license.application == application
                && license.begins <= now
                && now < license.ends
                && keys[license.key] != KeyNow::Revoked
        });
        let newest = candidates.max_by_key(|(_, license)| (license.updated_at, license.order));
        newest.map(|((_, slot), _)| *slot)
    }

    /// All instants from `now` on at which what is in force can change, and `now`.
    fn instants(&self, now: Timestamp) -> Vec<Timestamp> {
        let licenses = self.licenses.values();
        let edges = licenses.flat_map(|license| [license.begins, license.ends]);
        let mut instants: Vec<_> = edges.filter(|edge| *edge > now).collect();
        instants.push(now);
        instants
    }

    /// Whether another one is in force at some instant from `now` on once this one is touched.
    fn would_move(
        &mut self,
        (organization, slot): (usize, u128),
        keys: [KeyNow; 3],
        now: Timestamp,
    ) -> bool {
        let instants = self.instants(now);
        let application = self.licenses[&(organization, slot)].application.clone();
        let at = |model: &Self| -> Vec<_> {
            let instants = instants.iter();
            instants
                .map(|instant| model.in_force(organization, &application, keys, *instant))
                .collect()
        };
        let before = at(self);
        let order = (Timestamp::MAX, usize::MAX);
        let license = self.licenses.get_mut(&(organization, slot));
        let license = license.expect("it is there");
        let kept = (license.updated_at, license.order);
        (license.updated_at, license.order) = order;
        let after = at(self);
        let license = self.licenses.get_mut(&(organization, slot));
        let license = license.expect("it is there");
        (license.updated_at, license.order) = kept;
        before != after
    }
}

struct World {
    store: Arc<dyn Store>,
    authority: Arc<Authority>,
    clock: Arc<ManualClock>,
    signers: [SigningKey; 3],
    keys: [KeyNow; 3],
    model: Model,
    /// The latest time there was: what nodes go by never steps back.
    latest: Timestamp,
}

impl World {
    async fn new() -> Self {
        let store = lictor_store::open_temporary().expect("a store");
        let clock = ManualClock::at(START);
        let signers = [1, 2, 3].map(|seed| SigningKey::from_seed([seed; 32]));
        let start = Start {
            census_max_age: 0,
            keep_holders: None,
            keys: signers.iter().map(SigningKey::public_key).collect(),
            operator_secret: Some(OPERATOR.to_owned()),
            policy: None,
            control_plane_key: Some(SigningKey::from_seed([9; 32])),
        };
        let authority = Authority::open(store.clone(), Clock::Manual(clock.clone()), start, |_| {
            Ok(())
        });
        let authority = authority.await.expect("an installation").authority();
        let world = Self {
            store,
            authority,
            clock,
            signers,
            keys: [KeyNow::Active; 3],
            model: Model::default(),
            latest: START,
        };
        let call = world.call(0).await;
        world
            .authority
            .create_organization(call.permit().expect("the right"), "other", None)
            .await
            .expect("created");
        world
    }

    async fn call(&self, organization: usize) -> Call {
        let actor = self.authority.sign_in(OPERATOR).await.expect("an operator");
        self.authority
            .call(actor, Some(["default", "other"][organization]))
            .expect("a call")
    }

    fn now(&self) -> Timestamp {
        self.clock.wall()
    }

    async fn take(&mut self, step: &Step) {
        match *step {
            Step::Put {
                organization,
                slot,
                application,
                key,
                begins,
                days,
            } => {
                self.put(organization, slot, application, key, begins, days)
                    .await;
            }
            Step::Repeat {
                organization,
                slot,
                patch,
            } => self.repeat(organization, slot, patch).await,
            Step::Touch { organization, slot } => {
                let call = self.call(organization).await;
                let id = Uuid::from_u128(slot);
                let touched = self
                    .authority
                    .patch_license(call.permit().expect("the right"), id, Patch::default())
                    .await;
                let there = self.model.licenses.contains_key(&(organization, slot));
                assert_eq!(touched.is_ok(), there, "{touched:?}");
                if there {
                    let (updated_at, order) = self.model.stamp(organization, call.now.wall());
                    let license = self.model.licenses.get_mut(&(organization, slot));
                    let license = license.expect("it is there");
                    (license.updated_at, license.order) = (updated_at, order);
                }
            }
            Step::Remove { organization, slot } => {
                let call = self.call(organization).await;
                let id = Uuid::from_u128(slot);
                let removed = self
                    .authority
                    .remove_license(call.permit().expect("the right"), id, None)
                    .await;
                let there = self.model.licenses.remove(&(organization, slot)).is_some();
                assert_eq!(removed.expect("no refusal"), there);
            }
            Step::Retire { key } => {
                let id = self.signers[key].public_key().id();
                let retired = self
                    .authority
                    .retire_key(self.call(0).await.permit().expect("the right"), id)
                    .await;
                assert_eq!(retired.is_ok(), self.keys[key] != KeyNow::Revoked);
                if retired.is_ok() {
                    self.keys[key] = KeyNow::Retired;
                }
            }
            Step::Revoke { key } => {
                let id = self.signers[key].public_key().id();
                self.authority
                    .revoke_key(self.call(0).await.permit().expect("the right"), id)
                    .await
                    .expect("revoked");
                self.keys[key] = KeyNow::Revoked;
            }
            Step::MoveClock { hours } => {
                self.clock.step(hours * 3_600);
                self.latest = self.latest.max(self.now());
            }
        }
    }

    async fn put(
        &mut self,
        organization: usize,
        slot: u128,
        application: usize,
        key: usize,
        begins: i64,
        days: i64,
    ) {
        let call = self.call(organization).await;
        let first = Date::of(call.now.wall() + begins * DAY);
        let last = Date::of(first.start() + days * DAY);
        let product = ["Editor", "Viewer"][application];
        let claims = Claims {
            creation_date: Some(first),
            ..Claims::new(product, last)
        };
        let document = self.signers[key].sign(&claims.to_json());
        let stored = self.model.licenses.get(&(organization, slot));
        let same = stored.is_some_and(|license| license.document == document);
        let allowed = match self.keys[key] {
            KeyNow::Active => true,
            KeyNow::Retired => same,
            KeyNow::Revoked => false,
        };
        let new = NewLicense {
            payload: document.as_str().into(),
            created_at: None,
        };
        let put = self
            .authority
            .put_license(
                call.permit().expect("the right"),
                Uuid::from_u128(slot),
                new,
                None,
            )
            .await;
        if !allowed {
            assert!(matches!(put, Err(Error::InvalidDocument(_))), "{put:?}");
            return;
        }
        let added = put.expect("an allowed write").added;
        assert_eq!(added, stored.is_none());
        let place = (organization, slot);
        if same && !self.model.would_move(place, self.keys, call.now.wall()) {
            return;
        }
        let (updated_at, order) = self.model.stamp(organization, call.now.wall());
        let license = Written {
            application: product.to_lowercase(),
            document,
            key,
            begins: first.start(),
            ends: last.start(),
            updated_at,
            order,
        };
        self.model.licenses.insert((organization, slot), license);
    }

    /// Nothing is written unless it moves what is in force.
    async fn repeat(&mut self, organization: usize, slot: u128, patch: bool) {
        let Some(written) = self.model.licenses.get(&(organization, slot)).cloned() else {
            return;
        };
        let (call, id) = (self.call(organization).await, Uuid::from_u128(slot));
        let payload: Arc<str> = written.document.as_str().into();
        let head = || async { self.store.head(call.organization.id).await.expect("reads") };
        let before = head().await;
        let done = if patch {
            let patch = Patch {
                payload: Some(payload),
                created_at: None,
            };
            self.authority
                .patch_license(call.permit().expect("the right"), id, patch)
                .await
        } else {
            let new = NewLicense {
                payload,
                created_at: None,
            };
            let put = self
                .authority
                .put_license(call.permit().expect("the right"), id, new, None)
                .await;
            put.map(|written| written.license)
        };
        let refused = self.keys[written.key] == KeyNow::Revoked;
        assert_eq!(done.is_err(), refused, "{done:?}");
        let quiet = head().await == before;
        let place = (organization, slot);
        if refused || !self.model.would_move(place, self.keys, call.now.wall()) {
            assert!(quiet, "nothing is written");
            let stored = done.map(|license| license.state.updated_at);
            assert!(stored.is_err() || stored.is_ok_and(|at| at == written.updated_at));
            return;
        }
        assert!(!quiet, "it is written");
        let (updated_at, order) = self.model.stamp(organization, call.now.wall());
        let license = self.model.licenses.get_mut(&place).expect("it is there");
        (license.updated_at, license.order) = (updated_at, order);
    }

    /// What a node decides by, now and at every later instant, is what the words say.
    async fn compare_nodes(&self, organization: usize, application: &str) {
        let call = self.call(organization).await;
        let node = Node {
            id: Uuid::from_u128(77),
            organization: call.organization.id,
            state: NodeState {
                application: application.to_owned(),
                pool: None,
                created_at: START,
                joined_at: Some(START),
                revoked_at: None,
                left: None,
            },
            identity: NodeIdentity {
                name: "edge".to_owned(),
                token_sha256: Some(Digest::of(b"token")),
                token_expires_at: Elapsed::from_seconds(START),
                credential_sha256: None,
            },
            pool: None,
            forget_after: None,
            seen: None,
        };
        let signed = self.authority.signed_state(&node).await.expect("a state");
        let audience = Audience {
            organization: node.organization,
            node: node.id,
        };
        let key = SigningKey::from_seed([9; 32]).public_key();
        let document = StateDocument::verify(&signed.document, &key, audience).expect("ours");
        let content = document.content();
        let keys = content.keys.iter().map(|key| {
            let trusted = TrustedKey {
                public_key: key.public_key.clone(),
                status: key.status,
            };
            (key.public_key.id(), trusted)
        });
        let trust = TrustSet::from(keys.collect::<BTreeMap<_, _>>());
        let candidates = content.candidates(node.organization, &trust, TrustPolicy::Verified);
        for instant in self.model.instants(self.latest) {
            let found = in_force(&candidates, instant).map(|candidate| candidate.id.as_u128());
            let expected = self
                .model
                .in_force(organization, application, self.keys, instant);
            assert_eq!(found, expected, "{application} on a node at {instant}");
        }
    }

    async fn compare(&self) {
        let now = self.now();
        for organization in 0..2 {
            let call = self.call(organization).await;
            let permit: Permit<'_, Applications, Read> = call.permit().expect("the right");
            let all = self.authority.figures(permit).await;
            for (_, entitlement) in all.expect("entitlements").after(None) {
                let expected =
                    self.model
                        .in_force(organization, &entitlement.application, self.keys, now);
                let found = entitlement
                    .license
                    .as_ref()
                    .map(|license| license.license.as_u128());
                assert_eq!(found, expected, "{} at {now}", entitlement.application);
                let covered = |at: &Timestamp| {
                    let key = &entitlement.application;
                    self.model.in_force(organization, key, self.keys, *at)
                };
                let mut instants = self.model.instants(now);
                instants.sort_unstable();
                let bare = instants.into_iter().find(|at| covered(at).is_none());
                let until = entitlement.license.as_ref();
                let until = until.map(|license| license.covered_until);
                assert_eq!(until, bare.filter(|at| *at > now));
                self.compare_nodes(organization, &entitlement.application)
                    .await;
            }
            let licenses = self
                .authority
                .licenses(call.permit().expect("the right"), None, None, 100)
                .await
                .expect("a list");
            let mine = self
                .model
                .licenses
                .iter()
                .filter(|((owner, _), _)| *owner == organization);
            assert_eq!(licenses.len(), mine.clone().count());
            for (license, ((_, slot), written)) in licenses.into_iter().zip(mine) {
                assert_eq!(license.id.as_u128(), *slot);
                assert_eq!(*license.payload, *written.document);
                assert_eq!(license.state.updated_at, written.updated_at);
                let permit = call.permit::<Permit<'_, Licenses, Read>>();
                let permit = permit.expect("the right");
                let standing = self
                    .authority
                    .standing(permit, license)
                    .await
                    .expect("a standing");
                let in_force =
                    self.model
                        .in_force(organization, &written.application, self.keys, now);
                assert_eq!(
                    standing.standing == Standing::InForce,
                    in_force == Some(*slot)
                );
            }
        }
        let report = self.store.check().await.expect("a check");
        assert_eq!(report.differences, Vec::<String>::new());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn what_is_in_force_is_what_the_words_say(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.take(step).await;
                world.compare().await;
            }
        });
    }
}
