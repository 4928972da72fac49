//! Promises about OAuth clients: who they are, what they are handed, and when that is dead.

use std::sync::Arc;

use lictor_core::Error;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::facts::grant::GrantRefusal;
use lictor_core::facts::role::Role;
use lictor_store::{Fact, Store};

use crate::given::{
    ACME, NOW, acme, at, digest, done, exchange, handed, id, new_account, new_client, refresh,
    refused, remove_client, remove_organization, set_status, write,
};

async fn token(store: &dyn Store, number: u128) -> Option<lictor_core::facts::token::Token> {
    let sha256 = handed(id(40), number).access.0;
    store.token_by_secret(sha256).await.expect("reads")
}

async fn is_live(store: &dyn Store, number: u128) -> bool {
    let token = token(store, number).await;
    token.is_some_and(|token| token.is_live(&Now::at(NOW)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_found_by_what_it_calls_itself() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_client(ACME, id(40), None)).await;
    let client_id = format!("1000.{}", id(40));
    let found = store.client_by_client_id(&client_id).await.expect("reads");
    let (client, secret) = found.expect("is there");
    assert_eq!((client.id, client.organization), (id(40), ACME));
    assert_eq!(client.name.as_deref(), Some("meter"));
    assert_eq!(secret, digest("secret"));
    assert_eq!(
        store.client(ACME, id(40)).await.expect("reads"),
        Some(client.clone())
    );
    assert_eq!(store.clients(ACME, None, 9).await.expect("reads"), [client]);
    done(&*store, remove_client(ACME, id(40))).await;
    assert_eq!(store.clients(ACME, None, 9).await.expect("reads"), []);
    let (client, _) = store
        .client_by_client_id(&client_id)
        .await
        .expect("reads")
        .expect("its id is never given again");
    assert_eq!(client.state.removed_at, Some(NOW + 5));
    done(&*store, remove_organization(ACME, "acme")).await;
    let gone = store.client_by_client_id(&client_id).await.expect("reads");
    assert_eq!(gone, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_is_one_of_its_clients() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_account(ACME, id(8), AccountKind::Person)).await;
    done(&*store, new_client(ACME, id(40), Some(id(8)))).await;
    done(&*store, refresh(ACME, id(40), 1, NOW)).await;
    let found = token(&*store, 1).await.expect("is there");
    assert_eq!((found.id, found.role), (id(40), Role::Admin));
    assert_eq!(found.organization, Some(ACME));
    assert_eq!(
        (found.expires_at, found.ends),
        (None, Some(at(NOW + 3_600)))
    );
    let owner = found.account.as_ref().expect("an owner");
    assert_eq!(owner.id, id(8));
    assert!(found.is_live(&Now::at(NOW)) && !found.is_live(&Now::at(NOW + 3_600)));
    let actor = found.actor(&Now::at(NOW)).expect("it lives");
    assert_eq!(actor.role, Role::Reader, "no more than its owner");
    let organization = store.organization_of_secret(handed(id(40), 1).access).await;
    assert_eq!(organization.expect("reads"), Some(ACME));
    done(&*store, set_status(ACME, id(8), AccountStatus::Deactivated)).await;
    assert!(!is_live(&*store, 1).await);
    let idle = refused(&*store, refresh(ACME, id(40), 2, NOW)).await;
    assert!(matches!(
        idle,
        Error::GrantRefused(GrantRefusal::UnknownClient)
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_used_once() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_client(ACME, id(40), None)).await;
    // Of many who show it at once one gets a grant; the others take it away again.
    let tries = (0..8).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.write(exchange(ACME, id(40), number, NOW)).await })
    });
    let mut granted = 0;
    for one in tries.collect::<Vec<_>>() {
        let written = one.await.expect("ends");
        let granting = written.map(|written| written.outcome.take::<Result<(), GrantRefusal>>());
        granted += usize::from(matches!(granting, Ok(Ok(Ok(())))));
    }
    assert_eq!(granted, 1);
    for number in 0..8 {
        assert!(!is_live(&*store, number).await, "{number}");
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rests_on_a_grant_dies_with_it() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_client(ACME, id(40), None)).await;
    done(&*store, refresh(ACME, id(40), 1, NOW)).await;
    done(&*store, exchange(ACME, id(40), 2, NOW)).await;
    assert!(is_live(&*store, 1).await && is_live(&*store, 2).await);
    let secret = digest(format_args!("refresh {}", id(40)));
    let revoke = write(ACME, NOW, vec![Fact::ClientSecret(secret)], move |state| {
        lictor_core::rules::grant::revoke(state, secret, None, at(NOW))
    });
    done(&*store, revoke).await;
    assert!(!is_live(&*store, 1).await && is_live(&*store, 2).await);
    done(&*store, remove_client(ACME, id(40))).await;
    assert!(!is_live(&*store, 2).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_ends_alone() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_client(ACME, id(40), None)).await;
    for number in [1, 2] {
        done(&*store, refresh(ACME, id(40), number, NOW)).await;
    }
    let secret = handed(id(40), 1).access;
    let revoke = write(ACME, NOW, vec![Fact::ClientSecret(secret)], move |state| {
        lictor_core::rules::grant::revoke(state, secret, None, at(NOW))
    });
    assert_eq!(done(&*store, revoke).await.entries, []);
    assert!(!is_live(&*store, 1).await && is_live(&*store, 2).await);
    let entries = store.entries(ACME, 0, 9).await.expect("reads");
    assert_eq!(entries.len(), 2, "what lasts an hour is no entry");
}
