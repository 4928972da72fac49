//! What the promises begin with: keys, documents, organizations, and writes through the rules of
//! the core. No promise is put here.

mod clients;

use std::any::Any;
use std::fmt::Debug;
use std::sync::{Arc, LazyLock, Mutex};

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::document::rotation::rotate;
use lictor_core::elapsed::{Elapsed, Now};
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::entitlement::{ApplicationBasis, NodeTerms, SeatTerms};
use lictor_core::facts::lease::EndedLease;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::role::Role;
use lictor_core::facts::seats::SeatId;
use lictor_core::facts::{self, usage};
use lictor_core::feed::{Applied, Mode, NodePolicy, NodeReport};
use lictor_core::record::Record;
use lictor_core::rules::account::{AccountPatch, NewAccount};
use lictor_core::rules::lease::CheckOut;
use lictor_core::rules::license::{Admissible, Repetition, examine};
use lictor_core::rules::node::NewNode;
use lictor_core::rules::token::NewToken;
use lictor_core::rules::{
    account, application, lease, license, node, organization, seats, token, trust,
};
use lictor_core::state::State;
use lictor_core::{Claims, Date, Error, KeyId, SigningKey, Timestamp, TrustPolicy, TrustSet};
use lictor_store::{Answer, Fact, IdempotencyKey, Idempotent, Rule, Store, Write, Written};
use uuid::Uuid;

pub(crate) use clients::{exchange, handed, new_client, refresh, remove_client};

/// 2026-11-14; the tests' clock stands there unless they move it.
pub(crate) const NOW: Timestamp = 1_794_614_400;

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

/// The organization that most promises are about.
pub(crate) const ACME: Uuid = Uuid::from_u128(0xACE);

pub(crate) fn vendor(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

/// A document of vendor `seed` for `product`; `number` makes it differ from others.
pub(crate) fn document(seed: u8, product: &str, number: u64) -> Admissible {
    ending(seed, product, "2027-12-31", number)
}

/// The same of vendor 1 for `Kong`, with another end.
pub(crate) fn document_until(end: &str, number: u64) -> Admissible {
    ending(1, "Kong", end, number)
}

fn ending(seed: u8, product: &str, end: &str, number: u64) -> Admissible {
    let mut claims = Claims::new(product, Date::parse(end).expect("a date"));
    claims.license_key = Some(number.to_string());
    let key = vendor(seed);
    let pem = key.public_key().to_pem();
    let trusted = TrustSet::from_pem([pem.as_str()]).expect("a key");
    let text = key.sign(&claims.to_json()).into();
    examine(text, ACME, &trusted, TrustPolicy::Verified).expect("admissible")
}

/// A second of elapsed time.
pub(crate) fn at(seconds: i64) -> Elapsed {
    Elapsed::from_seconds(seconds)
}

/// A write whose rule runs twice, as a store may run it, and must decide the same.
pub(crate) fn write<T: Any + Send + Sync>(
    stream: Uuid,
    now: Timestamp,
    facts: Vec<Fact>,
    rule: impl Fn(&State) -> Result<Decision<T>, Error> + Send + Sync + 'static,
) -> Write {
    let twice = move |state: &State| {
        let (first, second) = (rule(state), rule(state));
        assert_eq!(debug(&first), debug(&second), "a rule is pure");
        second
    };
    Write {
        stream,
        actor: None,
        now: Now::at(now),
        facts,
        rule: Rule::new(twice),
        idempotent: None,
    }
}

fn debug(value: &impl Debug) -> String {
    format!("{value:?}")
}

pub(crate) fn new_organization(organization: Uuid, key: &'static str) -> Write {
    let facts = vec![Fact::Organization(key.to_owned())];
    let number = u64::try_from(organization.as_u128() % (1 << 53)).expect("small");
    write(INSTALLATION, NOW, facts, move |state| {
        organization::create(state, (organization, number), key, Some("A name"), NOW)
    })
}

pub(crate) fn remove_organization(organization: Uuid, key: &'static str) -> Write {
    write(organization, NOW, vec![Fact::AnyLicense], move |state| {
        organization::remove(state, key)
    })
}

pub(crate) fn trust_vendor(seed: u8) -> Write {
    let key = vendor(seed).public_key();
    write(INSTALLATION, NOW, vec![Fact::Key(key.id())], move |state| {
        trust::add(state, &key)
    })
}

pub(crate) fn retire(key: KeyId) -> Write {
    write(INSTALLATION, NOW, vec![Fact::Key(key)], move |state| {
        trust::retire(state, key)
    })
}

pub(crate) fn revoke(key: KeyId) -> Write {
    write(INSTALLATION, NOW, vec![Fact::Key(key)], move |state| {
        trust::revoke(state, key)
    })
}

pub(crate) fn set_policy(policy: TrustPolicy) -> Write {
    write(INSTALLATION, NOW, vec![Fact::Policy], move |_| {
        Ok(Change::PolicySet { policy }.into())
    })
}

/// The ids of the keys of vendors 1 to 3.
static VENDORS: LazyLock<[KeyId; 3]> =
    LazyLock::new(|| [1, 2, 3].map(|seed| vendor(seed).public_key().id()));

fn about(license: Uuid, document: &Admissible) -> Vec<Fact> {
    let application = Fact::Application(document.application().to_owned());
    let keys = VENDORS.iter().copied().map(Fact::Key);
    [Fact::License(license), application]
        .into_iter()
        .chain(keys)
        .collect()
}

pub(crate) fn add_license(
    stream: Uuid,
    license: Uuid,
    document: &Admissible,
    now: Timestamp,
) -> Write {
    let (facts, document) = (about(license, document), document.clone());
    write(stream, now, facts, move |state| {
        license::add(state, license, &document, None, now)
    })
}

pub(crate) fn basis_of(state: &State, application: &str) -> ApplicationBasis {
    let stored = state.applications.get(application);
    state.basis_of(&stored.cloned().unwrap_or_default())
}

pub(crate) fn put_license(
    stream: Uuid,
    license: Uuid,
    document: &Admissible,
    now: Timestamp,
) -> Write {
    let (facts, document) = (about(license, document), document.clone());
    write(stream, now, facts, move |state| {
        license::put(
            state,
            license,
            &document,
            None,
            None,
            Some(Repetition::unseen()),
            now,
        )
    })
}

pub(crate) fn touch_license(stream: Uuid, license: Uuid, now: Timestamp) -> Write {
    write(stream, now, vec![Fact::License(license)], move |state| {
        license::touch(state, license, Some(now), now)
    })
}

pub(crate) fn remove_license(stream: Uuid, license: Uuid) -> Write {
    write(stream, NOW, vec![Fact::License(license)], move |state| {
        license::remove(state, license, None)
    })
}

/// The SHA-256 that stands for the secret of token `token`.
pub(crate) fn secret(token: Uuid) -> [u8; 32] {
    Digest::of(token.as_bytes()).0
}

pub(crate) fn new_token(stream: Uuid, token: Uuid, role: Role) -> Write {
    let new = NewToken {
        id: token,
        secret_sha256: secret(token),
        name: Some("ci".to_owned()),
        role,
        scopes: vec![
            "licenses:read".parse().expect("a scope"),
            "usage".parse().expect("a scope"),
        ],
        expires_at: Some(NOW + 1_000),
        account: None,
    };
    write(stream, NOW, vec![], move |state| {
        token::create(state, &new, NOW)
    })
}

pub(crate) fn revoke_token(stream: Uuid, token: Uuid) -> Write {
    write(stream, NOW + 5, vec![Fact::Token(token)], move |state| {
        token::revoke(state, token)
    })
}

pub(crate) fn digest(text: impl std::fmt::Display) -> Digest {
    Digest::of(text.to_string().as_bytes())
}

/// Makes the write idempotent; the answer says how many entries it had.
pub(crate) fn idempotent(write: Write, key: &IdempotencyKey) -> Write {
    let entries = |parts: &[&Written]| parts.iter().map(|part| part.entries.len()).sum::<usize>();
    let answer = |entries| Answer {
        status: 201,
        body: format!("{entries} entries"),
    };
    let render = move |parts: &[&Written]| Some(answer(entries(parts)));
    let idempotent = Idempotent {
        key: key.clone(),
        render: Arc::new(render),
        before: Vec::new(),
    };
    Write {
        idempotent: Some(idempotent),
        ..write
    }
}

/// A store with one organization, [`ACME`], and vendor 1 trusted.
pub(crate) async fn acme(store: &dyn Store) {
    done(store, new_organization(ACME, "acme")).await;
    done(store, trust_vendor(1)).await;
    done(store, set_policy(TrustPolicy::Verified)).await;
}

/// The keys of an organization's applications.
pub(crate) async fn applications(store: &dyn Store, organization: Uuid) -> Vec<String> {
    let figures = store.figures(organization).await.expect("reads");
    let applications = figures.applications.into_iter();
    applications.map(|application| application.key).collect()
}

/// The e-mail of account `account`.
pub(crate) fn email(account: Uuid) -> String {
    format!("user-{}@example.com", account.as_u128())
}

pub(crate) fn new_account(stream: Uuid, account: Uuid, kind: AccountKind) -> Write {
    let new = NewAccount {
        id: account,
        number: u64::try_from(account.as_u128() % (1 << 53)).expect("small"),
        email: email(account),
        name: Some("Ada".to_owned()),
        kind,
        invited: account.as_u128() % 2 == 1,
        administrator: account.as_u128() % 3 == 1,
        language: None,
    };
    let facts = vec![Fact::AccountByEmail(email(account))];
    write(stream, NOW, facts, move |state| {
        account::create(state, &new)
    })
}

pub(crate) fn set_account(stream: Uuid, account: Uuid, patch: AccountPatch) -> Write {
    let mut facts = vec![Fact::Account(account), Fact::SeatsOf(account)];
    facts.extend(patch.email.clone().map(Fact::AccountByEmail));
    write(stream, NOW, facts, move |state| {
        account::set(state, account, &patch, None)
    })
}

pub(crate) fn set_status(stream: Uuid, account: Uuid, status: AccountStatus) -> Write {
    let status = Some(status);
    let patch = AccountPatch {
        status,
        ..AccountPatch::default()
    };
    set_account(stream, account, patch)
}

pub(crate) fn remove_account(stream: Uuid, account: Uuid) -> Write {
    let facts = vec![Fact::Account(account), Fact::SeatsOf(account)];
    write(stream, NOW, facts, move |state| {
        account::remove(state, account, None)
    })
}

pub(crate) fn new_application(stream: Uuid, key: &'static str, over_limit: OverLimit) -> Write {
    write(
        stream,
        NOW,
        vec![Fact::Application(key.to_owned())],
        move |state| application::create(state, key, None, over_limit),
    )
}

/// What a license for so many seats grants, as of the facts.
fn terms(state: &State, application: &str, limit: u32) -> SeatTerms {
    SeatTerms {
        licensed: limit > 0,
        limit: Some(limit),
        basis: basis_of(state, application),
    }
}

fn seat(application: &str, account: Uuid) -> Vec<Fact> {
    let application = application.to_owned();
    vec![
        Fact::Trust,
        Fact::Application(application.clone()),
        Fact::Account(account),
        Fact::Seat(SeatId {
            application,
            account,
        }),
    ]
}

pub(crate) fn assign(stream: Uuid, application: &'static str, account: Uuid, limit: u32) -> Write {
    write(stream, NOW, seat(application, account), move |state| {
        let terms = terms(state, application, limit);
        seats::assign(state, application, account, &terms)
    })
}

pub(crate) fn release(stream: Uuid, application: &'static str, account: Uuid) -> Write {
    write(stream, NOW, seat(application, account), move |state| {
        seats::release(state, application, account)
    })
}

pub(crate) fn check_out(
    stream: Uuid,
    application: &'static str,
    (lease, holder): (Uuid, &'static str),
    limit: u32,
    now: Timestamp,
) -> Write {
    let request = CheckOut {
        id: lease,
        application: application.to_owned(),
        holder: holder.to_owned(),
        ttl: 60,
    };
    let facts = vec![
        Fact::Trust,
        Fact::Application(application.to_owned()),
        Fact::LeaseOf {
            application: application.to_owned(),
            holder: holder.to_owned(),
        },
        Fact::Due(at(now)),
    ];
    write(stream, now, facts, move |state| {
        let terms = terms(state, &request.application, limit);
        lease::check_out(state, &request, &terms, at(now))
    })
}

pub(crate) fn renew(stream: Uuid, lease: Uuid, fence: u64, now: Timestamp) -> Write {
    write(stream, now, vec![Fact::Lease(lease)], move |state| {
        lease::renew(state, lease, fence, 60, at(now))
    })
}

pub(crate) fn give_back(stream: Uuid, lease: Uuid, fence: Option<u64>) -> Write {
    write(stream, NOW, vec![Fact::Lease(lease)], move |state| {
        lease::release(state, lease, fence)
    })
}

/// Forgets a holder, whose `ended` leases these are.
pub(crate) fn forget(stream: Uuid, holder: &str, ended: Vec<EndedLease>) -> Write {
    let key = facts::lease::holder_key(holder);
    write(stream, NOW, vec![Fact::Holder(key.clone())], move |state| {
        lease::forget(state, &key, &ended)
    })
}

pub(crate) fn drop_ended(
    organization: Uuid,
    application: &'static str,
    before: Timestamp,
) -> Write {
    write(INSTALLATION, NOW, vec![], move |_| {
        let mut decision = Decision::nothing();
        decision.records.push(Record::EndedLeasesDropped {
            organization,
            application: application.to_owned(),
            before,
        });
        Ok(decision)
    })
}

pub(crate) fn end_due(stream: Uuid, now: Timestamp) -> Write {
    write(stream, now, vec![Fact::Due(at(now))], move |state| {
        Ok(lease::expire(state, at(now)))
    })
}

/// What stands for a node's enrollment token and for its credential.
pub(crate) fn node_secrets(node: Uuid) -> (Digest, Digest) {
    let of = |what: &str| digest(format_args!("{what} of node {node}"));
    (of("token"), of("credential"))
}

pub(crate) fn enroll_node(
    stream: Uuid,
    (node, name): (Uuid, &'static str),
    application: &'static str,
    limit: Option<u32>,
) -> Write {
    let new = NewNode {
        id: node,
        name: name.to_owned(),
        application: application.to_owned(),
        token_sha256: node_secrets(node).0,
    };
    let facts = vec![
        Fact::Trust,
        Fact::Application(application.to_owned()),
        Fact::NodesToJoin(application.to_owned(), at(NOW)),
        Fact::NodeNamed(name.to_owned()),
    ];
    write(stream, NOW, facts, move |state| {
        let basis = basis_of(state, &new.application);
        node::enroll(state, &new, &NodeTerms { limit, basis }, at(NOW))
    })
}

pub(crate) fn join_node(stream: Uuid, node: Uuid) -> Write {
    let credential = node_secrets(node).1;
    write(stream, NOW + 5, vec![Fact::Node(node)], move |state| {
        node::join(state, node, credential, at(NOW + 5))
    })
}

pub(crate) fn revoke_node(stream: Uuid, node: Uuid) -> Write {
    write(stream, NOW + 9, vec![Fact::Node(node)], move |state| {
        node::revoke(state, node)
    })
}

pub(crate) fn set_node_policy(stream: Uuid, stale_after: i64) -> Write {
    let policy = NodePolicy {
        stale_after,
        ..NodePolicy::default()
    };
    write(stream, NOW, vec![Fact::NodeSettings], move |state| {
        node::set_policy(state, policy)
    })
}

pub(crate) fn adopt_nodes(stream: Uuid, highest: u64) -> Write {
    let facts = vec![Fact::NodeSettings, Fact::Trust];
    let adopt = move |state: &State| Ok(node::adopt(state, Some(highest)));
    write(stream, NOW, facts, adopt)
}

/// A report of a node that has counted so many requests.
pub(crate) fn report_node(stream: Uuid, node: Uuid, requests: u64, keep: bool) -> Write {
    let report = NodeReport {
        host: "edge-1.example".to_owned(),
        version: "1.0.0".to_owned(),
        mode: Mode::Fresh,
        applied: Some(Applied {
            revision: usage::MAX_COUNT,
            issued_at: NOW,
            content_sha256: digest("content"),
        }),
        control_plane: Some(digest("key")),
        license: Some(id(1)),
        requests,
        problems: vec!["the disk is full".to_owned()],
        counts: vec![],
        settled: None,
        start: None,
        leaving: false,
        gives_back: false,
    };
    let rule = move |state: &State| node::report(state, node, "edge", &report, keep, Now::at(NOW));
    write(stream, NOW, vec![Fact::Node(node)], rule)
}

/// Trusts the second vendor because the first one says so.
pub(crate) fn trust_by_rotation(from: u8, to: u8) -> Write {
    let rotation = rotate(&vendor(from), &vendor(to).public_key());
    let keys = [rotation.from, rotation.to.id()].map(Fact::Key);
    write(INSTALLATION, NOW, keys.to_vec(), move |state| {
        trust::add_by_rotation(state, &rotation)
    })
}

/// What a rule sees that asks for these facts.
pub(crate) async fn seen(store: &dyn Store, stream: Uuid, facts: Vec<Fact>) -> State {
    let seen = Arc::new(Mutex::new(State::default()));
    let note = Arc::clone(&seen);
    let look = write(stream, NOW, facts, move |state| {
        *note.lock().expect("not poisoned") = state.clone();
        Ok(Decision::nothing())
    });
    done(store, look).await;
    seen.lock().expect("not poisoned").clone()
}

/// Runs a write that must not be refused.
pub(crate) async fn done(store: &dyn Store, write: Write) -> Written {
    store.write(write).await.expect("stored")
}

/// The outcome of a write that must not be refused.
pub(crate) async fn outcome<T: Any>(store: &dyn Store, write: Write) -> T {
    let written = done(store, write).await;
    written.outcome.take().expect("of this type")
}

/// Runs a write that must be refused, and leave everything as it was.
pub(crate) async fn refused(store: &dyn Store, write: Write) -> Error {
    let stream = write.stream;
    let before = store.head(stream).await.expect("reads");
    let error = store.write(write).await.expect_err("refused");
    assert_eq!(
        store.head(stream).await.expect("reads"),
        before,
        "a refusal changes nothing"
    );
    error
}
