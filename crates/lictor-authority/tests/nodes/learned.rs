//! When a write is answered, memory has learned of it. Another authority on the same store writes and is
//! answered, so that nothing but the store can have told the one that is asked.

use std::sync::Arc;

use lictor_authority::permits::Permit;
use lictor_authority::right::{Read, Seats};
use lictor_authority::{PoolRequest, TokenRequest};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::role::Role;
use lictor_core::{Error, KeyStatus, SigningKey};

use crate::world::{World, claims, open};

/// A world, and another on the same store.
async fn two() -> (World, World) {
    let world = World::new().await;
    let other = World {
        authority: open(&world.store, &world.clock, &world.vendor).await,
        clock: Arc::clone(&world.clock),
        vendor: SigningKey::from_seed([1; 32]),
        store: Arc::clone(&world.store),
    };
    (world, other)
}

#[tokio::test]
async fn what_became_of_a_node_is_known() {
    let (world, other) = two().await;
    world.license(None).await;
    let request = PoolRequest {
        name: "edge".to_owned(),
        application: None,
        uses: 1,
        ttl: None,
        forget_after: None,
    };
    let call = world.operator().await;
    let pool = other
        .authority
        .create_pool(call.permit().expect("the right"), request)
        .await
        .expect("a pool");
    let token = pool.token.as_str();
    let node = world.join_by(token, "first").await.expect("a place");
    let id = node.id.to_string();
    let became = || {
        let authority = &world.authority;
        (authority.has_left(&node), authority.is_revoked(&node))
    };
    // It falls silent, comes back, and is revoked.
    other.authority.forget_silent_nodes().await.expect("looked");
    world.pass(3_600);
    other.authority.forget_silent_nodes().await.expect("looked");
    assert_eq!(became(), (true, false));
    other.join_by(token, "first").await.expect("its place");
    assert_eq!(became(), (false, false));
    other
        .authority
        .revoke_node(call.permit().expect("the right"), &id)
        .await
        .expect("revoked");
    assert_eq!(became(), (false, true));
    let told = world.state(&node).await;
    assert!(told.revoked);
}

#[tokio::test]
async fn a_removed_organization_is_known() {
    let (world, other) = two().await;
    let mut call = world.operator().await;
    let made = other
        .authority
        .create_organization(call.permit().expect("the right"), "acme", None)
        .await;
    call.organization = made.expect("an organization").into();
    let organization = call.organization.id;
    let before = world.authority.feed().tick_of(organization);
    let removed = other
        .authority
        .remove_organization(call.permit().expect("the right"), "acme")
        .await;
    removed.expect("removed");
    let after = world.authority.feed().tick_of(organization);
    assert!(after > before, "{after}");
}

#[tokio::test]
async fn the_next_state_has_the_license_and_the_keys_that_were_written() {
    let (world, other) = two().await;
    let node = world.node().await;
    let first = world.state(&node).await;
    let mut longer = claims();
    longer.dataplanes = Some(7);
    other.put(1, &longer).await;
    let second = world.state(&node).await;
    assert!(second.revision > first.revision, "{}", second.revision);
    // The trusted keys that this authority knows are older than the revision.
    let (call, key) = (world.operator().await, world.vendor.public_key().id());
    other
        .authority
        .revoke_key(call.permit().expect("the right"), key)
        .await
        .expect("revoked");
    let third = world.state(&node).await;
    assert!(third.revision > second.revision, "{}", third.revision);
    let document = world.verified(&node, &third).expect("its own state");
    let keys = document.content().keys.iter().map(|key| key.status);
    assert_eq!(keys.collect::<Vec<_>>(), [KeyStatus::Revoked]);
    assert!(document.content().licenses.is_empty());
}

#[tokio::test]
async fn counts_and_places_have_what_was_written() {
    let (world, other) = two().await;
    let call = world.operator().await;
    let authority = &world.authority;
    let places = async || {
        let enrolled = authority
            .enrolled_nodes(call.permit().expect("the right"))
            .await
            .expect("places");
        enrolled.get("konnect").copied()
    };
    assert_eq!(places().await, None);
    other.enroll("edge-1").await.map(drop).expect("a place");
    assert_eq!(places().await, Some(1));
    let keys = async || {
        let permit: Permit<'_, Seats, Read> = call.permit().expect("the right");
        let all = authority.figures(permit).await.expect("figures");
        let rows = all.figures.applications.iter();
        rows.map(|row| row.application.key.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(keys().await, ["konnect"]);
    let made = other.authority.create_application(
        call.permit().expect("the right"),
        "editor",
        None,
        OverLimit::Refuse,
    );
    made.await.expect("created");
    assert_eq!(keys().await, ["editor", "konnect"]);
}

#[tokio::test]
async fn a_token_that_was_revoked_lets_nobody_in() {
    let (world, other) = two().await;
    let call = world.operator().await;
    let request = TokenRequest {
        role: Role::Reader,
        scopes: Vec::new(),
        expires_at: None,
        name: None,
        account: None,
    };
    let issued = other
        .authority
        .create_token(call.permit().expect("the right"), None, request)
        .await;
    let issued = issued.expect("a token");
    let sign_in = async || world.authority.sign_in(&issued.secret).await;
    sign_in().await.expect("signed in");
    let revoked = other
        .authority
        .revoke_token(call.permit().expect("the right"), issued.token.id, true)
        .await;
    revoked.expect("revoked");
    assert!(matches!(sign_in().await, Err(Error::Unauthenticated)));
}
