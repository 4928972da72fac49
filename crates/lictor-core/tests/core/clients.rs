//! What clients are handed, and when not.

use lictor_core::change::Change;
use lictor_core::decision::Decision;
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::grant::{Access, Code, GrantRefusal};
use lictor_core::facts::scope::Scope;
use lictor_core::record::Record;
use lictor_core::rules::client::{self, NewClient};
use lictor_core::rules::grant::{self, Secrets};
use lictor_core::state::State;
use lictor_core::{Error, Timestamp};
use uuid::Uuid;

const CLIENT: Uuid = Uuid::from_u128(1);

fn at(seconds: i64) -> Elapsed {
    Elapsed::from_seconds(seconds)
}

fn scopes(text: &str) -> Vec<Scope> {
    let words = text.split_terminator(',');
    words.map(|word| word.parse().expect("a scope")).collect()
}

fn digest(text: impl std::fmt::Display) -> Digest {
    Digest::of(text.to_string().as_bytes())
}

fn new(scopes_text: &str, application: Option<&str>) -> NewClient {
    NewClient {
        id: CLIENT,
        client_id: "1000.X".to_owned(),
        secret: digest("secret"),
        name: None,
        scopes: scopes(scopes_text),
        account: None,
        application: application.map(str::to_owned),
        grant: Uuid::from_u128(100),
        refresh: digest("refresh"),
        code: digest("code"),
    }
}

fn secrets(number: u128) -> Secrets {
    Secrets {
        client: CLIENT,
        access: digest(format_args!("access {number}")),
        grant: (
            Uuid::from_u128(1_000 + number),
            digest(format_args!("refresh {number}")),
        ),
    }
}

/// Stores a decision the way a store does.
fn store<T>(state: &mut State, decision: &Decision<T>, now: Timestamp) {
    for change in &decision.changes {
        state.apply(state.position + 1, now, change);
    }
    for record in &decision.records {
        match record {
            Record::GrantSecret {
                id,
                refresh_sha256,
                code_sha256,
                given_at,
            } => {
                state.grants_given.insert(*id, *given_at);
                state.refresh_tokens.insert(*refresh_sha256, *id);
                let used = code_sha256.map(|code| (code, Code::Used(*id)));
                state.codes.extend(used);
            }
            Record::Code {
                sha256,
                client,
                expires_at,
            } => {
                let (client, expires_at) = (*client, *expires_at);
                state
                    .codes
                    .insert(*sha256, Code::Unused { client, expires_at });
            }
            Record::Access { sha256, access } => {
                state.access_tokens.insert(*sha256, access.clone());
            }
            Record::AccessEnded { sha256 } => {
                let ended = state.access_tokens.get_mut(sha256).expect("it is there");
                ended.ended = true;
            }
            _ => {}
        }
    }
}

fn state_with_client(now: Timestamp) -> State {
    let mut state = State::default();
    let created = client::create(&state, &new("seats:read", None), at(now)).expect("a client");
    store(&mut state, &created, now);
    state
}

fn refusal<T>(decided: Result<Decision<T>, Error>) -> GrantRefusal {
    match decided {
        Err(Error::GrantRefused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn live(state: &State) -> Vec<&Access> {
    let all = state.access_tokens.values();
    let mut live: Vec<_> = all.filter(|access| !access.ended).collect();
    live.sort_by_key(|access| access.ordinal);
    live
}

#[test]
fn a_client_has_scopes_and_no_more_than_can_be_cut_down_to_its_application() {
    let mut state = State::default();
    let key = "editor".to_owned();
    state.apply(1, 0, &Change::ApplicationCreated { key });
    for (scopes, application, allowed) in [
        ("seats:read", None, true),
        ("seats,tokens", None, true),
        ("", None, false),
        (
            "seats:read,accounts:read,organizations:read",
            Some("editor"),
            true,
        ),
        ("seats", Some("editor"), false),
        ("licenses:read", Some("editor"), false),
        ("leases:read", Some("editor"), false),
    ] {
        let created = client::create(&state, &new(scopes, application), at(0));
        assert_eq!(created.is_ok(), allowed, "{scopes:?} {application:?}");
    }
    let unknown = client::create(&state, &new("seats:read", Some("payroll")), at(0));
    assert!(matches!(unknown, Err(Error::NotFound { .. })));
}

#[test]
fn a_code_is_used_once_within_three_minutes_and_by_its_own_client() {
    let mut state = state_with_client(1_000);
    let code = digest("code");
    for (now, works) in [(1_000, true), (1_179, true), (1_180, false), (9_999, false)] {
        let traded = grant::exchange(&state, code, &secrets(1), at(now));
        assert_eq!(traded.is_ok(), works, "{now}");
    }
    let unknown = grant::exchange(&state, digest("other"), &secrets(1), at(1_000));
    assert_eq!(refusal(unknown), GrantRefusal::InvalidCode);

    let other = Uuid::from_u128(2);
    let mut theirs = state.clients[&CLIENT].clone();
    theirs.created_at += 1;
    state.clients.insert(other, theirs);
    let theirs = Secrets {
        client: other,
        ..secrets(1)
    };
    let stolen = grant::exchange(&state, code, &theirs, at(1_000));
    assert_eq!(refusal(stolen), GrantRefusal::InvalidCode);

    let traded = grant::exchange(&state, code, &secrets(1), at(1_001)).expect("a grant");
    store(&mut state, &traded, 1_001);
    assert_eq!(live(&state).len(), 1);
    // Another client that shows the used code takes nothing away.
    let stolen = grant::exchange(&state, code, &theirs, at(1_002));
    assert_eq!(refusal(stolen), GrantRefusal::InvalidCode);
    let again = grant::exchange(&state, code, &secrets(2), at(1_002)).expect("a decision");
    let (again, refused) = again.split();
    store(&mut state, &again, 1_002);
    let refused = refused(&state).expect("an outcome");
    assert_eq!(refused, Err(GrantRefusal::InvalidCode));
    let (grant, refresh) = secrets(1).grant;
    assert_eq!(state.grants[&grant].revoked_at, Some(1_002));
    let dead = grant::refresh(&state, refresh, &secrets(3), at(1_003));
    assert_eq!(refusal(dead), GrantRefusal::InvalidCode);
}

#[test]
fn ten_codes_become_grants_within_ten_minutes() {
    let mut state = state_with_client(0);
    for number in 0..10 {
        let code = digest(format_args!("code {number}"));
        let added = client::add_code(&state, CLIENT, code, at(0)).expect("a code");
        store(&mut state, &added, 0);
        let traded = grant::exchange(&state, code, &secrets(number), at(0)).expect("a grant");
        store(&mut state, &traded, 0);
    }
    let code = digest("code");
    let refused = grant::exchange(&state, code, &secrets(99), at(100));
    assert_eq!(refusal(refused), GrantRefusal::TooManyCodes);
    let added = client::add_code(&state, CLIENT, code, at(600)).expect("a code");
    store(&mut state, &added, 600);
    assert!(grant::exchange(&state, code, &secrets(99), at(600)).is_ok());
}

#[test]
fn the_twenty_first_grant_revokes_the_first() {
    let mut state = state_with_client(0);
    let first = Uuid::from_u128(100);
    for number in 0..20 {
        assert_eq!(state.grants[&first].revoked_at, None, "{number}");
        let now = i64::try_from(number).expect("small") * 100;
        let code = digest(format_args!("code {number}"));
        let added = client::add_code(&state, CLIENT, code, at(now)).expect("a code");
        store(&mut state, &added, now);
        let traded = grant::exchange(&state, code, &secrets(number), at(now)).expect("a grant");
        store(&mut state, &traded, now);
    }
    assert_eq!(state.grants[&first].revoked_at, Some(1_900));
    let live = state
        .grants
        .values()
        .filter(|grant| grant.revoked_at.is_none());
    assert_eq!(live.count(), 20);
}

#[test]
fn the_eleventh_access_token_within_ten_minutes_has_to_wait_and_the_sixteenth_ends_the_first() {
    let mut state = state_with_client(0);
    let refresh = digest("refresh");
    for number in 0..10 {
        let handed = grant::refresh(&state, refresh, &secrets(number), at(0)).expect("a token");
        store(&mut state, &handed, 0);
    }
    let eleventh = grant::refresh(&state, refresh, &secrets(10), at(599));
    assert_eq!(refusal(eleventh), GrantRefusal::TooManyTokens);
    for number in 10..15 {
        let handed = grant::refresh(&state, refresh, &secrets(number), at(600)).expect("a token");
        store(&mut state, &handed, 600);
    }
    assert_eq!(live(&state).len(), 15);
    let sixteenth = grant::refresh(&state, refresh, &secrets(15), at(601)).expect("a token");
    store(&mut state, &sixteenth, 601);
    assert_eq!(live(&state).len(), 15);
    assert!(state.access_tokens[&secrets(0).access].ended);
    assert!(!state.access_tokens[&secrets(1).access].ended);
}

#[test]
fn credentials_give_what_the_client_has_and_no_more() {
    let state = state_with_client(0);
    let all = grant::credentials(&state, &[], &secrets(0), at(0)).expect("a token");
    assert!(
        matches!(&all.records[0], Record::Access { access, .. } if access.scopes == scopes("seats:read") && access.grant.is_none())
    );
    for wider in ["seats", "seats:write", "seats:read,accounts:read"] {
        let refused = grant::credentials(&state, &scopes(wider), &secrets(0), at(0));
        assert_eq!(refusal(refused), GrantRefusal::InvalidScope, "{wider}");
    }
}

#[test]
fn whoever_is_removed_is_handed_nothing() {
    let mut state = state_with_client(0);
    let removed = client::remove(&state, CLIENT).expect("it is there");
    store(&mut state, &removed, 1);
    assert!(
        client::remove(&state, CLIENT)
            .expect("it is there")
            .is_nothing()
    );
    let refused = grant::refresh(&state, digest("refresh"), &secrets(0), at(2));
    assert_eq!(refusal(refused), GrantRefusal::UnknownClient);
    let refused = grant::exchange(&state, digest("code"), &secrets(0), at(2));
    assert_eq!(refusal(refused), GrantRefusal::UnknownClient);
    assert!(client::add_code(&state, CLIENT, digest("x"), at(2)).is_err());
    // The account it acts for is not there.
    let mut state = state_with_client(0);
    let client = state.clients.get_mut(&CLIENT).expect("it is there");
    client.account = Some(Uuid::from_u128(9));
    let refused = grant::credentials(&state, &[], &secrets(0), at(2));
    assert_eq!(refusal(refused), GrantRefusal::UnknownClient);
}

#[test]
fn a_token_of_either_kind_is_revoked_once() {
    let mut state = state_with_client(0);
    let handed = grant::refresh(&state, digest("refresh"), &secrets(0), at(0)).expect("a token");
    store(&mut state, &handed, 0);
    for token in [secrets(0).access, digest("refresh")] {
        let revoked = grant::revoke(&state, token, None, at(1)).expect("it is live");
        store(&mut state, &revoked, 1);
        let again = grant::revoke(&state, token, None, at(2));
        assert_eq!(refusal(again), GrantRefusal::InvalidCode);
    }
    let unknown = grant::revoke(&state, digest("x"), None, at(1));
    assert_eq!(refusal(unknown), GrantRefusal::InvalidCode);
}

#[test]
fn a_client_revokes_what_it_was_handed_itself_alone() {
    let mut state = state_with_client(0);
    let handed = grant::refresh(&state, digest("refresh"), &secrets(0), at(0)).expect("a token");
    store(&mut state, &handed, 0);
    for token in [secrets(0).access, digest("refresh")] {
        let other = Some(Uuid::from_u128(77));
        let refused = grant::revoke(&state, token, other, at(1));
        assert_eq!(refusal(refused), GrantRefusal::InvalidCode);
        let own = grant::revoke(&state, token, Some(CLIENT), at(1));
        assert!(!own.expect("it is its own").is_nothing());
    }
}

#[test]
fn what_is_dead_with_its_grant_or_its_client_cannot_be_revoked() {
    let mut state = state_with_client(0);
    let handed = grant::refresh(&state, digest("refresh"), &secrets(0), at(0)).expect("a token");
    store(&mut state, &handed, 0);
    let mut removed = state.clone();
    let revoked = grant::revoke(&state, digest("refresh"), None, at(1)).expect("it is live");
    store(&mut state, &revoked, 1);
    let access = grant::revoke(&state, secrets(0).access, None, at(2));
    assert_eq!(refusal(access), GrantRefusal::InvalidCode);
    let gone = client::remove(&removed, CLIENT).expect("it is there");
    store(&mut removed, &gone, 1);
    for token in [secrets(0).access, digest("refresh")] {
        let dead = grant::revoke(&removed, token, None, at(2));
        assert_eq!(refusal(dead), GrantRefusal::InvalidCode);
    }
}
