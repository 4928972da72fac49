//! The promise that holds the others together: after any sequence of changes, in batches of any
//! size, the reads say what the core's own `apply` says, and the check finds nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lictor_core::TrustPolicy;
use lictor_core::change::Change;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::{AccountCounts, AccountKind, AccountStatus};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::lease::EndedLease;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::role::Role;
use lictor_core::ledger::Entry;
use lictor_core::state::State;
use lictor_store::{EndedFilter, Store, Write};
use proptest::prelude::{Strategy, any, prop, prop_oneof};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, adopt_nodes, assign, check_out, document, drop_ended, end_due, enroll_node,
    exchange, forget, give_back, id, join_node, new_account, new_application, new_client,
    new_organization, new_token, node_secrets, put_license, refresh, release, remove_account,
    remove_client, remove_license, remove_organization, renew, report_node, retire, revoke,
    revoke_node, revoke_token, set_node_policy, set_policy, set_status, touch_license,
    trust_by_rotation, trust_vendor, vendor,
};
use crate::licenses::newest_before;
use crate::looks::some_licenses;

/// What one step does; each number is taken modulo a small range, so that steps meet.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    kind: u8,
    number: u8,
    other: u8,
    /// The clock's step before it, in seconds.
    clock: i8,
}

/// Random steps.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    // A lease must be checked out before it can end: a third of the steps is about leases alone.
    let kind = prop_oneof![2 => any::<u8>(), 1 => 25..32_u8];
    let step = (kind, any::<u8>(), any::<u8>(), any::<i8>());
    let step = step.prop_map(|(kind, number, other, clock)| Step {
        kind,
        number,
        other,
        clock,
    });
    prop::collection::vec(step, 1..40)
}

const STREAMS: [Uuid; 2] = [ACME, Uuid::from_u128(2)];

impl Step {
    fn write(&self, now: i64) -> Write {
        let stream = STREAMS[usize::from(self.other / 16 % 2)];
        let license = id(100 + u128::from(self.number % 5));
        let seed = 1 + self.number % 3;
        let product = ["Kong", "Jira", "Zoho"][usize::from(self.other % 3)];
        match self.kind % 42 {
            36.. => self.write_of_nodes(stream),
            32.. => self.write_of_clients(stream, now),
            25.. => self.write_of_leases(stream, now),
            16.. => self.write_of_seats(stream),
            0..=6 => {
                let document = document(seed, product, u64::from(self.other % 4));
                put_license(stream, license, &document, now)
            }
            7 => touch_license(stream, license, now),
            8 | 9 => remove_license(stream, license),
            10 if self.other < 80 => trust_by_rotation(1 + self.other % 3, seed),
            10 => trust_vendor(seed),
            11 => retire(vendor(seed).public_key().id()),
            12 if self.other < 40 => revoke(vendor(seed).public_key().id()),
            12 => set_policy(if self.other.is_multiple_of(2) {
                TrustPolicy::Structural
            } else {
                TrustPolicy::Verified
            }),
            13 => new_token(stream, id(u128::from(self.number) + 1_000), Role::Reader),
            14 => revoke_token(stream, id(u128::from(self.number) + 1_000)),
            _ if self.other < 10 => remove_organization(STREAMS[1], "other"),
            _ => new_organization(id(3_000 + u128::from(self.number)), "third"),
        }
    }

    /// Clients, for accounts that come and go.
    fn write_of_clients(&self, stream: Uuid, now: i64) -> Write {
        // Each organization has its own: a client's id is given once.
        let first = 7_000 + 100 * u128::from(stream == ACME);
        let client = id(first + u128::from(self.number % 4));
        let account = id(5_000 + u128::from(self.other % 6));
        let number = (first << 16) + u128::from(self.number) * 256 + u128::from(self.other);
        match self.kind % 42 - 32 {
            0 => new_client(stream, client, Some(account).filter(|_| self.other < 128)),
            1 if self.other < 60 => remove_client(stream, client),
            1 | 2 => refresh(stream, client, number, now),
            _ => exchange(stream, client, number, now),
        }
    }

    /// Nodes, of few names, and what holds for all of them.
    fn write_of_nodes(&self, stream: Uuid) -> Write {
        let first = 8_000 + 100 * u128::from(stream == ACME);
        let node = id(first + u128::from(self.number % 6));
        let name = ["edge", "core", "lab"][usize::from(self.other % 3)];
        let application = ["kong", "jira", "open"][usize::from(self.other / 3 % 3)];
        let limit = Some(u32::from(self.other / 64)).filter(|limit| *limit > 0);
        match self.kind % 42 - 36 {
            0 | 1 => enroll_node(stream, (node, name), application, limit),
            2 => join_node(stream, node),
            3 => revoke_node(stream, node),
            4 if self.other < 128 => set_node_policy(stream, 10 + i64::from(self.number % 3)),
            4 => adopt_nodes(stream, u64::from(self.number)),
            _ => report_node(stream, node, self.number.into(), true),
        }
    }

    /// Accounts and what they hold. The limit goes up and down, as when licenses come and go.
    fn write_of_seats(&self, stream: Uuid) -> Write {
        let account = id(5_000 + u128::from(self.number % 6));
        let application = ["kong", "jira", "open"][usize::from(self.other % 3)];
        let limit = u32::from(self.other / 4 % 4);
        match self.kind % 42 - 16 {
            0 | 1 => new_account(stream, account, AccountKind::Person),
            2 if self.other < 40 => new_account(stream, account, AccountKind::Service),
            2 => set_status(stream, account, AccountStatus::Active),
            3 if self.other < 60 => remove_account(stream, account),
            3 => set_status(stream, account, AccountStatus::Deactivated),
            4 => new_application(stream, application, OverLimit::Refuse),
            5 => new_application(stream, "open", OverLimit::Allow),
            6 | 7 => assign(stream, application, account, limit),
            _ => release(stream, application, account),
        }
    }

    /// Leases of few holders, so that they meet, end in every way, and are forgotten.
    fn write_of_leases(&self, stream: Uuid, now: i64) -> Write {
        let (holder, application) = (self.number % 3, self.leased());
        // A holder has one lease of an application at a time.
        let lease = id(6_000 + 10 * u128::from(application.as_bytes()[0]) + u128::from(holder));
        let holder = ["a", "b", "c"][usize::from(holder)];
        match self.kind % 42 - 25 {
            0 | 1 => check_out(stream, application, (lease, holder), 3, now),
            2 => end_due(stream, now + i64::from(self.other)),
            3 if self.other < 128 => give_back(stream, lease, None),
            3 => give_back(stream, lease, Some(1)),
            4 => renew(stream, lease, 1, now),
            5 => forget(stream, holder, Vec::new()),
            _ => drop_ended(stream, application, self.dropped(now)),
        }
    }

    fn leased(&self) -> &'static str {
        ["open", "kong", "open", "open", "jira", "open"][usize::from(self.other % 6)]
    }

    /// Before when ended leases are dropped, if it is this step that drops them.
    fn dropped(&self, now: i64) -> i64 {
        now - i64::from(self.number)
    }

    /// Notes which ended leases may be gone after it.
    fn note_dropped(&self, now: i64, gone: &mut Gone) {
        if self.kind % 42 == 31 {
            let stream = STREAMS[usize::from(self.other / 16 % 2)];
            let before = gone.entry((stream, self.leased())).or_insert(i64::MIN);
            *before = self.dropped(now).max(*before);
        }
    }
}

/// Before when ended leases may be gone, by stream and application.
type Gone = BTreeMap<(Uuid, &'static str), i64>;

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]

    #[test]
    fn reads_are_what_the_changes_say(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .expect("a runtime");
        runtime.block_on(compare(crate::new_store(), steps));
    }
}

/// Runs the steps and compares.
async fn compare(store: Arc<dyn Store>, steps: Vec<Step>) {
    acme(&*store).await;
    store
        .write(new_organization(STREAMS[1], "other"))
        .await
        .expect("stored");
    // Else most histories would have no lease.
    for stream in STREAMS {
        let open = new_application(stream, "open", OverLimit::Allow);
        store.write(open).await.expect("stored");
    }
    let mut written = store.entries(INSTALLATION, 0, 1_000).await.expect("reads");
    for stream in STREAMS {
        written.extend(store.entries(stream, 0, 1_000).await.expect("reads"));
    }
    let mut gone = Gone::new();
    let mut now = NOW;
    let mut running = Vec::new();
    for step in &steps {
        now += i64::from(step.clock);
        step.note_dropped(now, &mut gone);
        let (store, write) = (Arc::clone(&store), step.write(now));
        running.push(tokio::spawn(async move { store.write(write).await }));
        // Some wait for each other, some share a batch.
        if step.number.is_multiple_of(4) {
            for write in running.drain(..) {
                written.extend(
                    write
                        .await
                        .expect("ends")
                        .into_iter()
                        .flat_map(|done| done.entries),
                );
            }
        }
    }
    for write in running {
        written.extend(
            write
                .await
                .expect("ends")
                .into_iter()
                .flat_map(|done| done.entries),
        );
    }
    // What was acknowledged is the model; nothing else may be in the store.
    written.sort_by_key(|entry| (entry.stream, entry.position));
    let installation = model(&*store, &written, INSTALLATION).await;
    compare_installation(&*store, &written, &installation).await;
    for stream in STREAMS {
        let state = model(&*store, &written, stream).await;
        compare_stream(&*store, stream, &state).await;
        compare_ended(&*store, stream, &written, &gone).await;
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

async fn model(store: &dyn Store, written: &[Entry], stream: Uuid) -> State {
    let stored = store.entries(stream, 0, 1_000).await.expect("reads");
    let own = written.iter().filter(|entry| entry.stream == stream);
    assert!(stored.iter().eq(own), "the ledger is what was acknowledged");
    let mut state = State::default();
    for entry in stored {
        state.apply(entry.position, entry.at, &entry.change);
    }
    state
}

async fn compare_installation(store: &dyn Store, written: &[Entry], state: &State) {
    assert_eq!(store.policy().await.expect("reads"), state.policy);
    let trust = store.trust().await.expect("reads");
    assert!(
        trust
            .iter()
            .eq(state.keys.iter().map(|(id, key)| (*id, key)))
    );
    for rotation in store.rotations().await.expect("reads") {
        assert!(rotation.is_signed_by(&state.keys[&rotation.from].public_key));
        assert!(state.keys.contains_key(&rotation.to.id()));
    }
    let mut live = BTreeMap::new();
    for (id, organization) in &state.organizations {
        if !model(store, written, *id).await.removed {
            live.insert(organization.key.clone(), *id);
        }
    }
    let found = store.organizations().await.expect("reads");
    assert!(
        found
            .into_iter()
            .map(|found| (found.key, found.id))
            .eq(live)
    );
}

async fn compare_held(store: &dyn Store, stream: Uuid, state: &State) {
    let figures = store.figures(stream).await.expect("reads");
    let applications = figures.applications.into_iter();
    let applications: BTreeMap<_, _> = applications.map(|found| (found.key, found.state)).collect();
    assert_eq!(applications, state.applications);
    assert_eq!(figures.counts, recount(state), "the counts are a recount");
    for (id, account) in &state.accounts {
        let found = store.account(stream, *id).await.expect("reads");
        let found = found.expect("an account");
        assert_eq!(found.state, *account);
        let removed = account.status == AccountStatus::Removed;
        assert_eq!(found.email.is_none() && found.name.is_none(), removed);
        let held = state.seats.keys().filter(|seat| seat.account == *id);
        assert_eq!(held.count() as u64, account.seats);
    }
    for (key, application) in &applications {
        let seats = store.seats(stream, key, None, 100).await.expect("reads");
        assert_eq!(seats.len() as u64, application.seats);
        let leases = store.leases(stream, key, None, 100).await.expect("reads");
        assert_eq!(leases.len() as u64, application.leases);
        for lease in leases {
            assert_eq!(state.leases.get(&lease.id), Some(&lease.state));
        }
    }
}

/// Every lease that ended has its record until it is dropped, and no record is of anything else.
async fn compare_ended(store: &dyn Store, stream: Uuid, written: &[Entry], gone: &Gone) {
    for application in ["kong", "jira", "open"] {
        let filter = EndedFilter {
            application: application.to_owned(),
            ..EndedFilter::default()
        };
        let found = store.ended_leases(stream, &filter, None, 1_000).await;
        let found: BTreeMap<_, _> = found
            .expect("reads")
            .into_iter()
            .map(|ended| {
                (
                    ended.position,
                    EndedLease {
                        holder: None,
                        ..ended
                    },
                )
            })
            .collect();
        let expected = ended_leases(written, stream, application);
        let before = gone.get(&(stream, application)).copied();
        for (position, ended) in &expected {
            let kept = before.is_none_or(|before| ended.until >= before);
            let record = found.get(position);
            assert!(
                record == Some(ended) || (record.is_none() && !kept),
                "each lease that ended has its record: {ended:?}, {record:?}"
            );
        }
        assert!(found.keys().all(|position| expected.contains_key(position)));
    }
}

/// What must be kept of an application's leases, but for the holders, by position.
fn ended_leases(written: &[Entry], stream: Uuid, key: &str) -> BTreeMap<u64, EndedLease> {
    let own = || written.iter().filter(|entry| entry.stream == stream);
    let ended = own().filter_map(|entry| {
        let Change::LeaseEnded {
            id,
            application,
            reason,
        } = &entry.change
        else {
            return None;
        };
        let before = own().take_while(|before| before.position < entry.position);
        let begun = before.filter(
            |before| matches!(&before.change, Change::LeaseCheckedOut { id: out, .. } if out == id),
        );
        let ended = EndedLease {
            id: *id,
            application: application.clone(),
            holder: None,
            since: begun.last().expect("it began").at,
            until: entry.at,
            reason: *reason,
            position: entry.position,
        };
        (application == key).then_some((entry.position, ended))
    });
    ended.collect()
}

async fn compare_nodes(store: &dyn Store, stream: Uuid, state: &State) {
    let settings = store.node_settings(stream).await.expect("reads");
    assert_eq!(settings, state.node_settings);
    let live = store.nodes(stream, None, 100).await.expect("reads");
    let expected = state
        .nodes
        .iter()
        .filter(|(_, node)| node.revoked_at.is_none());
    assert!(
        live.iter()
            .map(|node| &node.id)
            .eq(expected.map(|(id, _)| id))
    );
    for node in live {
        let named = store.node_named(stream, &node.identity.name).await;
        assert_eq!(named.expect("reads"), Some(node));
    }
    for (id, expected) in &state.nodes {
        let found = store.node(stream, *id).await.expect("reads");
        let found = found.expect("a node");
        assert_eq!(found.state, *expected);
        let (token, credential) = node_secrets(*id);
        assert_eq!(found.identity.token_sha256, Some(token));
        let joined = expected.joined_at.map(|_| credential);
        assert_eq!(found.identity.credential_sha256, joined);
        let by_token = store.node_by_secret(token).await.expect("reads");
        assert_eq!(by_token, (!state.removed).then_some(found));
    }
}

/// The counts as they are without anybody keeping them.
fn recount(state: &State) -> AccountCounts {
    let mut counts = AccountCounts::default();
    for account in state.accounts.values() {
        counts.add(account);
    }
    counts
}

async fn compare_stream(store: &dyn Store, stream: Uuid, state: &State) {
    let found = store
        .licenses(stream, None, None, 100)
        .await
        .expect("reads");
    let found: BTreeMap<_, _> = found
        .into_iter()
        .map(|found| (found.id, found.state))
        .collect();
    assert_eq!(found, state.licenses);
    let mut order: Vec<_> = state.licenses.iter().collect();
    order.sort_by_key(|(_, license)| std::cmp::Reverse((license.updated_at, license.revision)));
    let current = store.current_license(stream).await.expect("reads");
    assert_eq!(
        current.as_ref().map(|current| &current.id),
        order.first().map(|(id, _)| *id)
    );
    for application in state.applications.keys() {
        let newest = some_licenses(store, stream, application, newest_before(None), 100).await;
        let expected = order
            .iter()
            .filter(|(_, license)| license.application == *application);
        assert!(
            newest
                .iter()
                .map(|license| &license.id)
                .eq(expected.map(|(id, _)| *id))
        );
    }
    compare_held(store, stream, state).await;
    compare_nodes(store, stream, state).await;
    for (id, client) in &state.clients {
        let found = store.client(stream, *id).await.expect("reads");
        assert_eq!(found.map(|found| found.state), Some(client.clone()));
    }
    let tokens = store.tokens(stream, None, 100).await.expect("reads");
    assert!(tokens.iter().map(|token| &token.id).eq(state.tokens.keys()));
    for now in [NOW, NOW + 999, NOW + 1_000] {
        let live = tokens.iter().filter(|token| token.is_live(&Now::at(now)));
        let owners = live.map(|token| token.account.as_ref().map_or(token.id, |one| one.id));
        let owners = owners.collect::<BTreeSet<_>>().len();
        assert_eq!(
            store.token_owners(stream, now).await.expect("reads"),
            owners
        );
    }
    for token in tokens {
        assert_eq!(token.revoked_at, state.tokens[&token.id].revoked_at);
        let by_secret = store
            .token_by_secret(crate::given::secret(token.id))
            .await
            .expect("reads");
        assert_eq!(by_secret, (!state.removed).then_some(token));
    }
}
