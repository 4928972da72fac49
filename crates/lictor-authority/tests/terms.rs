//! Seats are given by the licenses of now, and nobody who writes licenses makes a check-out fail, or
//! holds back what nodes are sent.

#![expect(
    clippy::expect_used,
    reason = "clippy exempts test functions, but not the helpers of an integration test"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lictor_authority::clock::{Clock, ManualClock};
use lictor_authority::{Authority, Call, NewLicense, Start};
use lictor_core::digest::Digest;
use lictor_core::elapsed::Elapsed;
use lictor_core::facts::node::{Node, NodeIdentity, NodeState};
use lictor_core::{Claims, Date, Error, SigningKey, Timestamp, TrustPolicy};
use tokio::task::JoinSet;
use uuid::Uuid;

const NOW: Timestamp = 1_800_000_000;

const OPERATOR: &str = "an-operator-token-of-the-tests-long-enough";

/// How many write licenses at the same time, of each application.
const WRITERS: u128 = 8;

/// How many leases are checked out meanwhile.
const CHECK_OUTS: usize = 60;

async fn open(policy: TrustPolicy) -> (Arc<Authority>, SigningKey) {
    let vendor = SigningKey::from_seed([1; 32]);
    let trusts = policy == TrustPolicy::Verified;
    let start = Start {
        census_max_age: 0,
        keep_holders: None,
        keys: trusts.then(|| vendor.public_key()).into_iter().collect(),
        operator_secret: Some(OPERATOR.to_owned()),
        policy: Some(policy),
        control_plane_key: None,
    };
    let clock = Clock::Manual(ManualClock::at(NOW));
    let store = lictor_store::open_temporary().expect("a store");
    let opened = Authority::open(store, clock, start, |_| Ok(()));
    (opened.await.expect("an installation").authority(), vendor)
}

async fn operator(authority: &Authority) -> Call {
    let actor = authority.sign_in(OPERATOR).await.expect("an operator");
    authority.call(actor, None).expect("a call")
}

fn license(vendor: &SigningKey, application: &str, seats: u32) -> NewLicense {
    let end = Date::parse("2199-01-01").expect("a date");
    let claims = Claims {
        admin_seats: Some(seats),
        ..Claims::new(application, end)
    };
    NewLicense {
        payload: vendor.sign(&claims.to_json()).into(),
        created_at: None,
    }
}

async fn check_out(authority: &Authority, call: &Call, holder: &str) -> Result<u32, Error> {
    let out = authority
        .check_out(call.permit().expect("the right"), "editor", holder, 60)
        .await?;
    Ok(out.limit.expect("a limit"))
}

/// Writes licenses until told to stop: replaced, added and removed, each time of another size.
fn write_on(
    writers: &mut JoinSet<()>,
    authority: &Arc<Authority>,
    call: &Call,
    vendor: &SigningKey,
    stop: &Arc<AtomicBool>,
) {
    for writer in 0..2 * WRITERS {
        let (authority, call) = (Arc::clone(authority), call.clone());
        let stop = Arc::clone(stop);
        let application = if writer < WRITERS { "editor" } else { "other" };
        let sizes = [1_000, 2_000, 3_000].map(|seats| license(vendor, application, seats));
        writers.spawn(async move {
            let id = Uuid::from_u128(100 + writer);
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                turn += 1;
                let size = sizes[turn % sizes.len()].clone();
                let written = authority
                    .put_license(call.permit().expect("the right"), id, size.clone(), None)
                    .await;
                written.expect("written");
                let added = authority
                    .add_license(call.permit().expect("the right"), None, size)
                    .await;
                let added = added.expect("added").id;
                // Some stay, more than are read at once.
                if turn > 4 {
                    let removed = authority
                        .remove_license(call.permit().expect("the right"), added, None)
                        .await;
                    assert!(removed.expect("removed"));
                }
            }
        });
    }
}

/// Acts while licenses are written.
async fn among_writers(
    policy: TrustPolicy,
    act: impl AsyncFnOnce(Arc<Authority>, Call, SigningKey),
) {
    let (authority, vendor) = open(policy).await;
    let call = operator(&authority).await;
    for application in ["editor", "other"] {
        let license = license(&vendor, application, 1_000);
        let added = authority
            .add_license(call.permit().expect("the right"), None, license)
            .await;
        added.expect("added");
    }
    let (mut writers, stop) = (JoinSet::new(), Arc::new(AtomicBool::new(false)));
    write_on(&mut writers, &authority, &call, &vendor, &stop);
    act(Arc::clone(&authority), call, vendor).await;
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = writers.join_next().await {
        ended.expect("no writer failed");
    }
}

async fn none_is_refused(policy: TrustPolicy) {
    among_writers(policy, check_all_out).await;
}

async fn check_all_out(authority: Arc<Authority>, call: Call, _: SigningKey) {
    let mut limits = [0; 3];
    for number in 0..CHECK_OUTS {
        let out = check_out(&authority, &call, &format!("holder-{number}")).await;
        let limit = out.unwrap_or_else(|error| panic!("check-out {number}: {error}"));
        limits[limit as usize / 1_000 - 1] += 1;
    }
    assert!(limits.iter().all(|times| *times > 0), "{limits:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_check_out_is_refused_because_licenses_are_written() {
    none_is_refused(TrustPolicy::Verified).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nor_where_no_license_is_verified() {
    none_is_refused(TrustPolicy::Structural).await;
}

/// A node of the application that licenses are written of.
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
        forget_after: None,
        seen: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_sent_states_while_licenses_are_written() {
    among_writers(TrustPolicy::Verified, async |authority, call, _| {
        let node = node(call.organization.id);
        let mut revisions = vec![0];
        while revisions.len() < CHECK_OUTS {
            let state = authority.signed_state(&node).await;
            let state = state.unwrap_or_else(|error| panic!("behind {revisions:?}: {error}"));
            revisions.push(state.revision);
            revisions.dedup();
            tokio::task::yield_now().await;
        }
        assert!(revisions.is_sorted(), "{revisions:?}");
    })
    .await;
}
