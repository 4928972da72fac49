//! What is kept in memory never outlives what made it untrue: neither when the caller goes away in
//! the middle of a write, nor while others read.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::permits::Permit;
use lictor_authority::right::{Read, Seats};
use lictor_authority::{
    Authority, Call, ClientRequest, Credentials, Grant, NewLicense, Start, TokenRequest,
};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::facts::role::Role;
use lictor_core::{Claims, Date, Error, KeyStatus, SigningKey};
use lictor_store::{New, Store};
use uuid::Uuid;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";
const ID: Uuid = Uuid::from_u128(1);

async fn open(store: Arc<dyn Store>, trusted: &[&SigningKey]) -> Arc<Authority> {
    let start = Start {
        census_max_age: 0,
        keep_holders: None,
        keys: trusted.iter().map(|key| key.public_key()).collect(),
        operator_secret: Some(OPERATOR.to_owned()),
        policy: None,
        control_plane_key: None,
    };
    let clock = Clock::Manual(ManualClock::at(1_800_000_000));
    let opened = Authority::open(store, clock, start, |_| Ok(()));
    opened.await.expect("an installation").authority()
}

async fn operator(authority: &Authority) -> Call {
    let actor = authority.sign_in(OPERATOR).await.expect("an operator");
    authority.call(actor, None).expect("a call")
}

fn license(vendor: &SigningKey, seats: u32) -> NewLicense {
    let end = Date::parse("2199-01-01").expect("a date");
    let claims = Claims {
        admin_seats: Some(seats),
        ..Claims::new("editor", end)
    };
    NewLicense {
        payload: vendor.sign(&claims.to_json()).into(),
        created_at: None,
    }
}

async fn seats(authority: &Authority, call: &Call) -> Option<u32> {
    authority
        .entitlement(call.permit().expect("the right"), "editor")
        .await
        .expect("an entitlement")
        .seat_limit()
}

/// Begins what `work` does and drops it at its first pause: the write is queued by then.
async fn go_away(work: impl Future) {
    let mut work = Box::pin(work);
    std::future::poll_fn(|context| {
        let _ = work.as_mut().poll(context);
        std::task::Poll::Ready(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_leaves_nothing_untrue_behind() {
    let vendor = SigningKey::from_seed([1; 32]);
    let authority = open(lictor_store::open_temporary().expect("a store"), &[&vendor]).await;
    let call = operator(&authority).await;
    authority
        .put_license(
            call.permit().expect("the right"),
            ID,
            license(&vendor, 1),
            None,
        )
        .await
        .expect("stored");
    for round in 2..60 {
        let before = authority
            .license(call.permit().expect("the right"), ID)
            .await
            .expect("read")
            .expect("there");
        assert_eq!(seats(&authority, &call).await, Some(round - 1));
        go_away(authority.put_license(
            call.permit().expect("the right"),
            ID,
            license(&vendor, round),
            None,
        ))
        .await;
        // The store answers reads behind the write that was queued; wait until it shows there.
        let listed = loop {
            let page = authority
                .licenses(call.permit().expect("the right"), None, None, 1)
                .await
                .expect("a page");
            if page[0].state.revision > before.state.revision {
                break page;
            }
            tokio::task::yield_now().await;
        };
        // A read may find what is written a moment before the caches have learned of it.
        for _ in 0..1_000 {
            let now = authority
                .license(call.permit().expect("the right"), ID)
                .await
                .expect("read")
                .expect("there");
            if **now == listed[0] {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let now = authority
            .license(call.permit().expect("the right"), ID)
            .await
            .expect("read")
            .expect("there");
        assert_eq!(**now, listed[0]);
    }
    let key = vendor.public_key().id();
    go_away(authority.revoke_key(call.permit().expect("the right"), key)).await;
    let status = authority
        .revoke_key(call.permit().expect("the right"), key)
        .await
        .expect("revoked")
        .status;
    assert_eq!(status, KeyStatus::Revoked);
    assert_eq!(
        seats(&authority, &call).await,
        Some(0),
        "nothing is in force"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_out_of_force_at_once_whoever_reads_meanwhile() {
    for seed in 1..40 {
        let vendor = SigningKey::from_seed([seed; 32]);
        let authority = open(lictor_store::open_temporary().expect("a store"), &[&vendor]).await;
        let call = operator(&authority).await;
        authority
            .put_license(
                call.permit().expect("the right"),
                ID,
                license(&vendor, 7),
                None,
            )
            .await
            .expect("stored");
        let done = Arc::new(AtomicBool::new(false));
        let readers: Vec<_> = (0..4)
            .map(|_| {
                let (authority, call, done) = (authority.clone(), call.clone(), done.clone());
                tokio::spawn(async move {
                    while !done.load(Ordering::SeqCst) {
                        seats(&authority, &call).await;
                        // What is cached is answered at once, and others want their turn.
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        authority
            .revoke_key(call.permit().expect("the right"), vendor.public_key().id())
            .await
            .expect("revoked");
        assert_eq!(seats(&authority, &call).await, Some(0), "seed {seed}");
        done.store(true, Ordering::SeqCst);
        for reader in readers {
            reader.await.expect("a reader");
        }
        assert_eq!(seats(&authority, &call).await, Some(0), "seed {seed}");
    }
}

/// Revokes a secret while others sign in with it without a pause; from then on nobody may.
async fn revoke_among_readers(authority: &Arc<Authority>, secret: &str, revoke: impl Future) {
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (authority, done) = (authority.clone(), done.clone());
            let secret = secret.to_owned();
            tokio::spawn(async move {
                while !done.load(Ordering::SeqCst) {
                    authority.sign_in(&secret).await.ok();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    tokio::task::yield_now().await;
    revoke.await;
    assert!(authority.sign_in(secret).await.is_err(), "at once");
    done.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.expect("a reader");
    }
    assert!(authority.sign_in(secret).await.is_err(), "and for good");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_token_is_dead_at_once_whoever_signs_in_meanwhile() {
    let authority = open(lictor_store::open_temporary().expect("a store"), &[]).await;
    let call = operator(&authority).await;
    let scopes = || vec!["seats:read".parse().expect("a scope")];
    for _ in 0..40 {
        let request = TokenRequest {
            role: Role::Reader,
            scopes: scopes(),
            expires_at: None,
            name: None,
            account: None,
        };
        let issued = authority
            .create_token(call.permit().expect("the right"), None, request)
            .await;
        let issued = issued.expect("a token");
        let revoke = async {
            let revoked = authority
                .revoke_token(call.permit().expect("the right"), issued.token.id, true)
                .await;
            revoked.expect("revoked");
        };
        revoke_among_readers(&authority, &issued.secret, revoke).await;

        let request = ClientRequest {
            name: None,
            scopes: scopes(),
            account: None,
            application: None,
        };
        let client = authority
            .create_client(call.permit().expect("the right"), request)
            .await;
        let client = client.expect("a client");
        let credentials = Credentials {
            client_id: client.client.client_id,
            secret: client.secret,
            from: std::net::IpAddr::from([127, 0, 0, 1]),
        };
        let grant = Grant::RefreshToken(client.refresh_token);
        let handed = authority.hand_out(&credentials, grant).await;
        let access_token = handed.expect("an access token").access_token;
        let revoke = async {
            let revoked = authority.revoke_handed_out(&access_token, None).await;
            revoked.expect("revoked");
        };
        revoke_among_readers(&authority, &access_token, revoke).await;
    }
}

#[tokio::test]
async fn a_restart_leaves_a_retired_key_retired() {
    let (old, new) = (
        SigningKey::from_seed([1; 32]),
        SigningKey::from_seed([2; 32]),
    );
    let folder = tempfile::tempdir().expect("a folder");
    let store = |folder: &Path| lictor_store::open(folder, New::Beside(&[])).expect("a store");
    let authority = open(store(folder.path()), &[&old, &new]).await;
    let call = operator(&authority).await;
    let id = old.public_key().id();
    authority
        .retire_key(call.permit().expect("the right"), id)
        .await
        .expect("retired");
    drop(authority);
    let authority = open(store(folder.path()), &[&old, &new]).await;
    let call = operator(&authority).await;
    let trust = authority.trust(call.permit().expect("the right"));
    assert_eq!(
        trust.keys.get(id).map(|key| key.status),
        Some(KeyStatus::Retired)
    );
    assert!(
        authority
            .add_license(call.permit().expect("the right"), None, license(&old, 1))
            .await
            .is_err()
    );
    authority
        .add_key(call.permit().expect("the right"), old.public_key())
        .await
        .expect("trusted again on purpose");
    assert!(
        authority
            .add_license(call.permit().expect("the right"), None, license(&old, 1))
            .await
            .is_ok()
    );
}

fn seats_read(call: &Call) -> Permit<'_, Seats, Read> {
    call.permit().expect("the right")
}

/// The figures of the applications, by which it is seen whether they were looked at again.
async fn rows(authority: &Arc<Authority>, call: &Call) -> Vec<Arc<ApplicationFigures>> {
    let all = authority.figures(seats_read(call)).await.expect("figures");
    all.figures.applications.clone()
}

/// Which of them were made anew.
fn anew(before: &[Arc<ApplicationFigures>], after: &[Arc<ApplicationFigures>]) -> Vec<String> {
    let is_known = |row: &&Arc<ApplicationFigures>| !before.iter().any(|old| Arc::ptr_eq(old, row));
    let found = after.iter().filter(is_known);
    found.map(|row| row.application.key.clone()).collect()
}

#[tokio::test]
async fn a_write_to_one_application_forgets_its_counts_alone() {
    let vendor = SigningKey::from_seed([1; 32]);
    let authority = open(lictor_store::open_temporary().expect("a store"), &[&vendor]).await;
    let call = operator(&authority).await;
    let licensed = |product: &str, seats| {
        let end = Date::parse("2199-01-01").expect("a date");
        let claims = Claims {
            admin_seats: Some(seats),
            ..Claims::new(product, end)
        };
        NewLicense {
            payload: vendor.sign(&claims.to_json()).into(),
            created_at: None,
        }
    };
    for (id, product) in [(1, "a"), (2, "b"), (3, "c")] {
        let id = Uuid::from_u128(id);
        let put = authority.put_license(
            call.permit().expect("the right"),
            id,
            licensed(product, 5),
            None,
        );
        put.await.expect("stored");
    }
    for key in ["none", "some"] {
        let made = authority.create_application(
            call.permit().expect("the right"),
            key,
            None,
            OverLimit::Refuse,
        );
        made.await.expect("created");
    }
    let first = rows(&authority, &call).await;
    assert_eq!(first.len(), 5);
    assert_eq!(anew(&first, &rows(&authority, &call).await), [""; 0]);
    // A lease.
    let lease = authority.check_out(call.permit().expect("the right"), "b", "someone", 600);
    lease.await.map(drop).expect("a lease");
    let second = rows(&authority, &call).await;
    assert_eq!(anew(&first, &second), ["b"]);
    assert_eq!(second[1].application.state.leases, 1);
    // A license.
    let put = authority.put_license(
        call.permit().expect("the right"),
        Uuid::from_u128(3),
        licensed("c", 9),
        None,
    );
    put.await.expect("stored");
    let third = rows(&authority, &call).await;
    assert_eq!(anew(&second, &third), ["c"]);
    assert_eq!(third[2].limit, Some(9));
    let removed =
        authority.remove_license(call.permit().expect("the right"), Uuid::from_u128(1), None);
    removed.await.expect("removed");
    let fourth = rows(&authority, &call).await;
    assert_eq!(anew(&third, &fourth), ["a"]);
    assert_eq!(fourth[0].limit, Some(0));
    // A name; an application that goes, and one that comes.
    let named = authority.set_application(
        call.permit().expect("the right"),
        "none",
        lictor_core::patch_field::PatchField::Value("Named".to_owned()),
        None,
    );
    named.await.expect("set");
    let fifth = rows(&authority, &call).await;
    assert_eq!(anew(&fourth, &fifth), ["none"]);
    assert_eq!(fifth[3].application.name.as_deref(), Some("Named"));
    authority
        .remove_application(call.permit().expect("the right"), "some")
        .await
        .expect("removed");
    let made = authority.create_application(
        call.permit().expect("the right"),
        "new",
        None,
        OverLimit::Refuse,
    );
    made.await.expect("created");
    let sixth = rows(&authority, &call).await;
    assert_eq!(anew(&fifth, &sixth), ["new"]);
    let keys: Vec<_> = sixth
        .iter()
        .map(|row| row.application.key.as_str())
        .collect();
    assert_eq!(keys, ["a", "b", "c", "new", "none"]);
    // All of them, where the vendor's key is revoked.
    let key = vendor.public_key().id();
    authority
        .revoke_key(call.permit().expect("the right"), key)
        .await
        .expect("revoked");
    let limits = rows(&authority, &call).await;
    let limits: Vec<_> = limits.iter().map(|row| row.limit).collect();
    assert_eq!(limits, [Some(0); 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_are_those_of_every_write_that_was_acknowledged() {
    let authority = open(lictor_store::open_temporary().expect("a store"), &[]).await;
    let call = operator(&authority).await;
    let writers = (0..4).map(|writer| {
        let (authority, call) = (authority.clone(), call.clone());
        tokio::spawn(async move {
            for number in 0..60 {
                let key = format!("app-{writer}-{number}");
                let made = authority.create_application(
                    call.permit().expect("the right"),
                    &key,
                    None,
                    OverLimit::Refuse,
                );
                made.await.expect("created");
                let known = rows(&authority, &call).await;
                assert!(known.iter().any(|row| row.application.key == key), "{key}");
                if number % 3 == 0 {
                    authority
                        .remove_application(call.permit().expect("the right"), &key)
                        .await
                        .expect("removed");
                    let known = rows(&authority, &call).await;
                    assert!(known.iter().all(|row| row.application.key != key), "{key}");
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("a writer");
    }
    assert_eq!(rows(&authority, &call).await.len(), 160);
}

#[tokio::test]
async fn who_asks_what_many_applications_are_entitled_to_is_told_soon_to_come_again() {
    const MANY: usize = 300;
    let vendor = SigningKey::from_seed([1; 32]);
    let authority = open(lictor_store::open_temporary().expect("a store"), &[&vendor]).await;
    let call = operator(&authority).await;
    let end = Date::parse("2199-01-01").expect("a date");
    for number in 0..MANY {
        let claims = Claims {
            admin_seats: Some(5),
            ..Claims::new(&format!("app-{number}"), end)
        };
        let new = NewLicense {
            payload: vendor.sign(&claims.to_json()).into(),
            created_at: None,
        };
        let added = authority.add_license(call.permit().expect("the right"), None, new);
        added.await.expect("added");
    }
    // Now it is known which there are, and not what they are entitled to.
    authority
        .account_counts(call.permit().expect("the right"))
        .await
        .expect("counts");
    tokio::time::pause();
    let late = tokio::time::advance(Duration::from_secs(1));
    let (told, ()) = tokio::join!(authority.figures(seats_read(&call)), late);
    assert!(matches!(told, Err(Error::Busy(_))), "{}", told.is_ok());
    // It went on being found out, and nobody begins anew.
    let all = authority.figures(seats_read(&call)).await.expect("figures");
    assert_eq!(all.figures.limit(), Some(5 * MANY as u64));
}
