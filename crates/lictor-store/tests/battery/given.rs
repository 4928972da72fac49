//! What the promises begin with: keys, documents, organizations, and writes through the rules of
//! the core. No promise is put here.

use std::fmt::Debug;
use std::sync::{Arc, LazyLock};

use lictor_core::license::{Admissible, examine};
use lictor_core::token::NewToken;
use lictor_core::usage::UsageCount;
use lictor_core::{
    Change, Claims, Date, Decision, Error, INSTALLATION, KeyId, Role, SigningKey, State, Timestamp,
    TrustPolicy, TrustSet, license, organization, token, trust, usage,
};
use lictor_store::{Fact, IdempotencyKey, Idempotent, Store, Write, Written};
use uuid::Uuid;

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
    let end = Date::parse("2027-12-31").expect("a date");
    let mut claims = Claims::new(product, end);
    claims.license_key = Some(number.to_string());
    let key = vendor(seed);
    let pem = key.public_key().to_pem();
    let trusted = TrustSet::from_pem([pem.as_str()]).expect("a key");
    let text = key.sign(&claims.to_json()).into();
    examine(text, ACME, &trusted, TrustPolicy::Verified).expect("admissible")
}

/// A write whose rule runs twice, as a store may run it, and must decide the same.
pub(crate) fn write(
    stream: Uuid,
    now: Timestamp,
    facts: Vec<Fact>,
    rule: impl Fn(&State) -> Result<Decision, Error> + Send + Sync + 'static,
) -> Write {
    let twice = move |state: &State| {
        let (first, second) = (rule(state), rule(state));
        assert_eq!(debug(&first), debug(&second), "a rule is pure");
        second
    };
    Write {
        stream,
        actor: None,
        now,
        facts,
        rule: Arc::new(twice),
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
        organization::create(state, (organization, number), key, Some("A name"))
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

pub(crate) fn put_license(
    stream: Uuid,
    license: Uuid,
    document: &Admissible,
    now: Timestamp,
) -> Write {
    let (facts, document) = (about(license, document), document.clone());
    write(stream, now, facts, move |state| {
        license::put(state, license, &document, None, None, now)
    })
}

pub(crate) fn touch_license(stream: Uuid, license: Uuid, now: Timestamp) -> Write {
    write(stream, now, vec![Fact::License(license)], move |state| {
        license::patch(state, license, None, Some(now), now)
    })
}

pub(crate) fn remove_license(stream: Uuid, license: Uuid) -> Write {
    write(stream, NOW, vec![Fact::License(license)], move |state| {
        license::remove(state, license, None)
    })
}

/// The SHA-256 that stands for the secret of token `token`.
pub(crate) fn secret(token: Uuid) -> [u8; 32] {
    lictor_core::change::Digest::of(token.as_bytes()).0
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
    };
    write(stream, NOW, vec![], move |_| token::create(&new, NOW))
}

pub(crate) fn revoke_token(stream: Uuid, token: Uuid) -> Write {
    write(stream, NOW + 5, vec![Fact::Token(token)], move |state| {
        token::revoke(state, token)
    })
}

pub(crate) fn count(source: &str, service: &str, month: &str, count: u64) -> UsageCount {
    let (source, service) = (source.to_owned(), service.to_owned());
    UsageCount {
        source,
        service,
        month: month.to_owned(),
        count,
    }
}

pub(crate) fn report_usage(stream: Uuid, counts: Vec<UsageCount>) -> Write {
    write(stream, NOW, vec![], move |_| usage::record(&counts, NOW))
}

/// Makes the write idempotent; the answer says how many entries it had.
pub(crate) fn idempotent(write: Write, key: &IdempotencyKey) -> Write {
    let render = |entries: &[lictor_core::Entry]| lictor_store::Answer {
        status: 201,
        body: format!("{} entries", entries.len()),
    };
    let idempotent = Idempotent {
        key: key.clone(),
        render: Arc::new(render),
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

/// Runs a write that must not be refused.
pub(crate) async fn done(store: &dyn Store, write: Write) -> Written {
    store.write(write).await.expect("stored")
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
