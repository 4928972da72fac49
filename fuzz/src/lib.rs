//! What must hold for any bytes, one function for each target. `cargo xtask prove bytes` runs them.

use std::sync::LazyLock;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};
use lictor_core::change::Change;
use lictor_core::elapsed::Now;
use lictor_core::facts::email::Email;
use lictor_core::facts::scope::Scope;
use lictor_core::feed::{
    self, Audience, Content, DeliveredLicense, EnrollmentToken, Join, NodePolicy, NodeReport,
    StateDocument, StateTerms,
};
use lictor_core::record::Record;
use lictor_core::rules::{node, usage};
use lictor_core::state::State;
use lictor_core::{Claims, Date, Document, PublicKey, SigningKey, TrustPolicy, TrustSet, names};
use lictor_node::fuzzing as node_inside;
use lictor_server::dialects::{kong, native, zoho};
use lictor_server::http::{call, fuzzing as http};
use uuid::Uuid;

/// A vendor, the one document it has signed, and who trusts it.
struct Vendor {
    payload: String,
    document: String,
    trust: TrustSet,
}

static VENDOR: LazyLock<Vendor> = LazyLock::new(|| {
    let key = SigningKey::from_seed([7; 32]);
    let end = Date::parse("2099-12-31").expect("a date");
    let payload = Claims::new("Konnect", end).to_json();
    Vendor {
        document: key.sign(&payload),
        trust: TrustSet::from_pem([key.public_key().to_pem().as_str()]).expect("a key"),
        payload,
    }
});

/// The planted fault: a signature is never looked at. The targets must find out.
fn unchecked() -> bool {
    static ASKED: LazyLock<bool> = LazyLock::new(|| {
        std::env::var_os("LICTOR_PLANT").is_some_and(|it| it == "unchecked-signatures")
    });
    *ASKED
}

/// Only what was signed verifies.
fn verifies_only_if_signed(text: &str) {
    let Ok(document) = Document::parse(text) else {
        return;
    };
    if unchecked() || document.verify(&VENDOR.trust).is_ok() {
        assert_eq!(document.payload(), VENDOR.payload, "a forgery verifies");
        assert!(document.claims().is_ok(), "a signed payload has claims");
    }
}

/// Any text as a document.
pub fn document(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        verifies_only_if_signed(text);
    }
}

/// A signed document with some of its bytes changed: three bytes say which one and how.
pub fn tampered(bytes: &[u8]) {
    let mut text = VENDOR.document.clone().into_bytes();
    for change in bytes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % text.len();
        text[place] ^= change[2];
    }
    document(&text);
}

/// The claims of any payload, signed or not: read twice, they are the same.
pub fn claims(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let Ok(document) = Document::parse(text) else {
        return;
    };
    assert_eq!(document.claims(), document.claims());
}

/// A ledger entry's change survives being stored.
pub fn entry(bytes: &[u8]) {
    if let Ok(change) = serde_json::from_slice::<Change>(bytes) {
        let stored = serde_json::to_string(&change).expect("it can be written");
        let again: Change = serde_json::from_str(&stored).expect("it can be read again");
        assert_eq!(change, again);
    }
}

/// Scopes read what they write; the bearer of a header is a part of it.
pub fn token(bytes: &[u8]) {
    if let Ok(scope) = String::from_utf8_lossy(bytes).parse::<Scope>() {
        let again = scope.to_string().parse::<Scope>();
        assert_eq!(again.as_ref(), Ok(&scope));
    }
    if let Ok(value) = axum::http::HeaderValue::from_bytes(bytes) {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
        if let Some(token) = call::bearer(&headers) {
            assert_eq!(token, token.trim());
        }
    }
}

/// A public key reads what it writes.
pub fn key(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(key) = PublicKey::from_pem(&text) {
        let again = PublicKey::from_pem(&key.to_pem()).expect("what was written is read");
        assert_eq!(again.id(), key.id());
    }
    drop(SigningKey::from_pem(&text));
}

/// An offset that Kong's dialect takes is one that it gives out.
pub fn offset(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else {
        return;
    };
    let Some((size, after)) = kong::fuzzing::page(query) else {
        return;
    };
    assert!((1..=1_000).contains(&size), "a page of {size}");
    let last = after.unwrap_or(Uuid::from_u128(size as u128));
    let (offset, address) = kong::fuzzing::next("", "/licenses", last).expect("a next page");
    let (_, query) = address.split_once('?').expect("an address with a query");
    let (_, again) = kong::fuzzing::page(query).expect("an address that was given out");
    assert_eq!(again, Some(last), "{offset}");
}

/// Pairs are as many as were counted; a path leads to the same place with a slash at its end, and has
/// no two of them in a row.
pub fn form(bytes: &[u8]) {
    let (count, pairs) = kong::fuzzing::pairs(bytes);
    assert_eq!(count, pairs.len());
    drop(kong::fuzzing::arguments(
        "application/x-www-form-urlencoded",
        bytes,
    ));
    if let Ok(path) = std::str::from_utf8(bytes)
        && path.starts_with('/')
        && !path.ends_with('/')
    {
        let slashed = format!("{path}/");
        assert_eq!(kong::fuzzing::path(path), kong::fuzzing::path(&slashed));
        if let (Ok(given), Some(merged)) = (path.parse::<Uri>(), http::merged(path)) {
            assert!(!merged.path().contains("//"), "{merged}");
            assert_eq!(merged.query(), given.query());
            let plain = given
                .path()
                .split('/')
                .filter(|segment| !segment.is_empty());
            let kept = merged
                .path()
                .split('/')
                .filter(|segment| !segment.is_empty());
            assert!(plain.eq(kept), "{merged}");
        }
    }
}

/// A multipart body is read or refused.
pub fn multipart(bytes: &[u8]) {
    drop(kong::fuzzing::license(
        "multipart/form-data; boundary=x",
        bytes,
        0,
    ));
}

/// A license in JSON says the same when it is read again.
pub fn arguments(bytes: &[u8]) {
    let Some((deed, body)) = bytes.split_first() else {
        return;
    };
    let first = kong::fuzzing::license("application/json", body, *deed);
    assert_eq!(
        first,
        kong::fuzzing::license("application/json", body, *deed)
    );
}

/// Any body of the native dialect is read or refused.
pub fn requests(bytes: &[u8]) {
    let fits = native::fuzzing::others(bytes);
    assert!(fits <= 2, "{fits} bodies at once");
    if let Some((payload, _)) = native::fuzzing::new_license(bytes) {
        assert!(!payload.is_empty() || bytes.len() > 2);
    }
    drop(native::fuzzing::new_organization(bytes));
    drop(native::fuzzing::new_token(bytes));
    let now = 1_790_000_000;
    if let Some(reports) = native::fuzzing::new_usage(bytes, now) {
        let state = State::default();
        if let Ok(decision) = usage::record(&state, &reports, true, Now::at(now)) {
            let recorded = decision.outcome(&state).expect("what was recorded");
            assert_eq!(recorded.len(), reports.len());
        }
    }
}

/// An e-mail is the same when it is read again, and any body about accounts is read or refused.
pub fn account(bytes: &[u8]) {
    let fits = native::fuzzing::held(bytes);
    assert!(fits <= 4, "{fits} bodies at once");
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(email) = Email::parse(text) {
        let again = Email::parse(&email.shown).expect("what was read is an e-mail");
        assert_eq!(again, email);
        let by_key = Email::parse(&email.key).expect("its key is an e-mail");
        assert_eq!(by_key.key, email.key, "a key is its own key");
    }
    let (folded, shown) = (names::fold(text), names::escaped(text));
    assert_eq!(names::fold(&folded), folded, "what is folded stays so");
    assert_eq!(names::escaped(&shown), shown, "what is shown is shown so");
    if let Ok(name) = names::label("name", text, 200) {
        assert!(!names::fold(&name).is_empty());
        assert_eq!(names::label("name", &name, 200).expect("a name"), name);
    }
}

/// A request for a token is read or refused, whatever it is written in, and says the same as a form;
/// scopes that are shown can be asked for again.
pub fn oauth(bytes: &[u8]) {
    let form = "application/x-www-form-urlencoded";
    let parameters = zoho::fuzzing::parameters(form, bytes).expect("any bytes are a form");
    let mut again = form_urlencoded::Serializer::new(String::new());
    again.extend_pairs(&parameters);
    let again = again.finish();
    let again = zoho::fuzzing::parameters(form, again.as_bytes());
    assert!(bytes.len() > 10_000 || again == Some(parameters));
    drop(zoho::fuzzing::parameters(
        "multipart/form-data; boundary=x",
        bytes,
    ));
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    drop(zoho::fuzzing::path(text));
    if let Some(shown) = zoho::fuzzing::scopes(text) {
        assert_eq!(zoho::fuzzing::scopes(&shown).as_ref(), Some(&shown));
    }
}

/// A cursor is taken for the list that it was given out for, and for no other.
pub fn cursor(bytes: &[u8]) {
    let Ok(query) = std::str::from_utf8(bytes) else {
        return;
    };
    let list = native::fuzzing::List {
        resource: 0,
        organization: 1,
        filter: None,
    };
    let Some((limit, after)) = list.page(query) else {
        return;
    };
    assert!(limit >= 1, "a page without rows");
    let Some(cursor) = after.and_then(|last| list.cursor(&last)) else {
        return;
    };
    let query = format!("cursor={cursor}");
    assert!(list.page(&query).is_some(), "{query}");
    let other = native::fuzzing::List {
        organization: 2,
        ..list
    };
    assert_eq!(other.page(&query), None, "another tenant's cursor is taken");
}

/// Where requests end does not depend on how their bytes arrive. The first byte says how many come
/// in a read.
pub fn framing(bytes: &[u8]) {
    let Some((step, wire)) = bytes.split_first() else {
        return;
    };
    let (mut whole, mut parts) = (http::Trace::default(), http::Trace::default());
    let at_once = whole.read(wire);
    let mut in_parts = None;
    for part in wire.chunks(usize::from(*step).max(1)) {
        in_parts = Some(parts.read(part));
    }
    if !wire.is_empty() {
        assert_eq!((Some(at_once), whole.heads()), (in_parts, parts.heads()));
    }
}

/// Requests come out of hyper whole, and no more of them than their heads were followed.
pub fn connection(bytes: &[u8]) {
    let handed = http::connection(bytes, bytes.len().max(1));
    let mut trace = http::Trace::default();
    trace.read(bytes);
    let accepted = handed.iter().filter(|request| request.accepted).count();
    assert!(accepted as u64 <= trace.heads(), "{handed:?}");
}

/// A control plane, and the one state that it has signed for one node.
struct ControlPlane {
    key: PublicKey,
    state: String,
    terms: StateTerms,
}

static CONTROL_PLANE: LazyLock<ControlPlane> = LazyLock::new(|| {
    let key = SigningKey::from_seed([8; 32]);
    let content = Content {
        application: "konnect".to_owned(),
        policy: TrustPolicy::Verified,
        keys: Vec::new(),
        licenses: vec![DeliveredLicense {
            id: Uuid::from_u128(1),
            payload: VENDOR.document.clone(),
            created_at: 1,
            updated_at: 2,
            revision: 3,
        }],
        node_policy: NodePolicy::default(),
    };
    let terms = StateTerms {
        audience: Audience {
            organization: Uuid::from_u128(2),
            node: Uuid::from_u128(3),
        },
        revision: 4,
        issued_at: 5,
        expires_at: 6,
        revoked: false,
    };
    let content = content.to_text().expect("a text");
    ControlPlane {
        key: key.public_key(),
        state: feed::sign(&key, &terms, &content).expect("a text"),
        terms,
    }
});

/// A signed state with some of its bytes changed, or any text as one: only what was signed verifies.
pub fn state(bytes: &[u8]) {
    let ControlPlane { key, state, terms } = &*CONTROL_PLANE;
    let mut changed = state.clone().into_bytes();
    for change in bytes.chunks_exact(3) {
        let place = usize::from(u16::from_le_bytes([change[0], change[1]])) % changed.len();
        changed[place] ^= change[2];
    }
    for text in [bytes, &changed] {
        let Ok(text) = std::str::from_utf8(text) else {
            continue;
        };
        let read = StateDocument::verify(text, key, terms.audience);
        if let Ok(read) = &read {
            assert_eq!(read.content().licenses.len(), 1, "a forgery verifies");
        }
        // White space around it is no part of what is signed.
        if read.is_ok() || (unchecked() && text.starts_with("{\"state\"")) {
            assert_eq!(text.trim(), state, "a forgery verifies");
        }
    }
}

/// What a node says is read or refused, and what is kept of it is bounded.
pub fn report(bytes: &[u8]) {
    drop(serde_json::from_slice::<Join>(bytes));
    if let Ok(token) = String::from_utf8_lossy(bytes).parse::<EnrollmentToken>() {
        assert_eq!(token.as_str().as_bytes(), bytes);
    }
    let Ok(report) = serde_json::from_slice::<NodeReport>(bytes) else {
        return;
    };
    let id = Uuid::from_u128(1);
    let mut state = State::default();
    let enrolled = Change::NodeEnrolled {
        id,
        application: "gateway".to_owned(),
        limit: None,
        enrolled: 1,
        pool: None,
    };
    state.apply(1, 1_790_000_000, &enrolled);
    let Ok(decided) = node::report(&state, id, "edge-1", &report, true, Now::at(1_790_000_000))
    else {
        return;
    };
    let (decided, refused) = decided.split();
    assert!(decided.changes.is_empty());
    // What is not news is not written, and what is refused is not either.
    let refused = refused(&state).map_or(0, |refused| refused.len());
    let most = report.counts.len() + 1;
    assert!((1..=most).contains(&(decided.records.len() + refused)));
    for record in decided.records {
        if let Record::NodeSeen { seen, .. } = record {
            assert!(seen.host.chars().count() <= 255 && seen.problems.len() <= 16);
        }
    }
}

/// A feed says the same however the network cuts it, and no event is longer than it may be.
pub fn events(bytes: &[u8]) {
    const MOST: usize = 64;
    let Some((first, stream)) = bytes.split_first() else {
        return;
    };
    let whole = node_inside::events([stream], MOST);
    let pieces = stream.chunks(usize::from(*first).max(1));
    assert_eq!(whole, node_inside::events(pieces, MOST), "a cut matters");
    for (_, data) in whole.into_iter().flatten() {
        assert!(data.len() <= MOST + 64, "{} bytes of data", data.len());
    }
}

/// A journal that is cut short, or has a byte changed, or is any bytes at all: what it counts was
/// counted, and what is missing is missed.
pub fn journal(bytes: &[u8]) {
    node_inside::read_journal(bytes);
    let Some((place, counted)) = bytes.split_at_checked(3) else {
        return;
    };
    let counts: Vec<_> = counted
        .chunks_exact(2)
        .take(16)
        .map(|count| {
            (
                ["a", "b"][usize::from(count[0] % 2)],
                "2026-11",
                u64::from(count[1]),
            )
        })
        .collect();
    let written = node_inside::write_journal("0123456789abcdef", &counts);
    let (all, whole) = node_inside::read_journal(&written);
    assert!(whole, "what was written is damaged");
    let at = usize::from(u16::from_le_bytes([place[0], place[1]])) % written.len();
    let within = |some: &node_inside::Counts| {
        some.iter().all(|(service, month, count)| {
            let mut known = all.iter();
            known.any(|(s, m, most)| (s, m) == (service, month) && count <= most)
        })
    };
    let first_line = written
        .iter()
        .position(|byte| *byte == b'\n')
        .unwrap_or_default();
    let (some, whole) = node_inside::read_journal(&written[..at]);
    assert!(within(&some) && (whole || at <= first_line), "cut at {at}");
    let mut changed = written.clone();
    changed[at] ^= place[2].max(1);
    let (some, whole) = node_inside::read_journal(&changed);
    assert!(within(&some) && (!whole || some == all), "changed at {at}");
}

/// A date reads what it writes.
pub fn date(bytes: &[u8]) {
    if let Some(date) = std::str::from_utf8(bytes).ok().and_then(Date::parse) {
        assert_eq!(Date::parse(&date.to_string()), Some(date));
    }
}
