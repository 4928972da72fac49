//! Promises about accounts: identity, erasure, pages, and the tokens they own.

use lictor_core::Error;
use lictor_core::elapsed::Now;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::facts::role::Role;
use lictor_core::rules::account::AccountPatch;
use lictor_store::Fact;

use crate::given::{
    ACME, NOW, acme, done, email, id, new_account, new_token, refused, remove_account,
    revoke_token, secret, set_account, set_status, write,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_found_by_id_and_by_any_spelling_of_its_email() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_account(ACME, id(8), AccountKind::Person)).await;
    let found = store.account(ACME, id(8)).await.expect("reads");
    let account = found.expect("is there");
    assert_eq!(account.email, Some(email(id(8))));
    assert_eq!(account.name.as_deref(), Some("Ada"));
    assert_eq!(account.state.status, AccountStatus::Active);
    let key = lictor_core::facts::email::Email::parse("USER-8@Example.com").expect("an e-mail");
    let same = store.account_by_email(ACME, &key.key).await.expect("reads");
    assert_eq!(same, Some(account));
    let elsewhere = store.account_by_email(id(2), &key.key).await;
    assert_eq!(elsewhere.expect("reads"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_account_keeps_its_id_alone() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_account(ACME, id(8), AccountKind::Person)).await;
    done(&*store, remove_account(ACME, id(8))).await;
    let removed = store.account(ACME, id(8)).await.expect("reads");
    let removed = removed.expect("its id stays");
    assert_eq!((removed.email, removed.name), (None, None));
    assert_eq!(removed.state.status, AccountStatus::Removed);
    assert_eq!(store.accounts(ACME, None, 10).await.expect("reads"), []);
    let key = email(id(8));
    let by_email = store.account_by_email(ACME, &key).await.expect("reads");
    assert_eq!(by_email, None, "the e-mail is free again");
    let entries = store.entries(ACME, 0, 10).await.expect("reads");
    let bodies: Vec<_> = entries
        .iter()
        .map(lictor_core::ledger::Entry::to_body)
        .collect();
    assert!(!format!("{bodies:?}").contains("example.com"), "{bodies:?}");
    let again = refused(&*store, remove_account(ACME, id(8))).await;
    assert!(matches!(again, Error::NotFound { .. }), "{again}");
    let figures = store.figures(ACME).await.expect("reads");
    assert_eq!((figures.counts.removed, figures.counts.persons()), (1, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn accounts_come_in_pages() {
    let store = crate::new_store();
    acme(&*store).await;
    for number in [5, 3, 4, 1, 2] {
        done(&*store, new_account(ACME, id(number), AccountKind::Person)).await;
    }
    let first = store.accounts(ACME, None, 2).await.expect("reads");
    let rest = store.accounts(ACME, Some(first[1].id), 9).await;
    let ids = first.into_iter().chain(rest.expect("reads"));
    let ids: Vec<_> = ids.map(|account| account.id).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5].map(id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_accounts_never_have_one_email() {
    let store = crate::new_store();
    acme(&*store).await;
    let writers = (0..16).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let one = AccountPatch {
                email: Some("one@example.com".to_owned()),
                ..AccountPatch::default()
            };
            done(
                &*store,
                new_account(ACME, id(100 + number), AccountKind::Person),
            )
            .await;
            store.write(set_account(ACME, id(100 + number), one)).await
        })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.expect("ends") {
            Ok(_) => won += 1,
            Err(error) => assert!(matches!(error, Error::AlreadyExists { .. }), "{error}"),
        }
    }
    assert_eq!(won, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_knows_its_owner() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_account(ACME, id(8), AccountKind::Person)).await;
    let new = lictor_core::rules::token::NewToken {
        id: id(9),
        secret_sha256: secret(id(9)),
        name: None,
        role: Role::Admin,
        scopes: Vec::new(),
        expires_at: None,
        account: Some(id(8)),
    };
    let again = new.clone();
    let owned = write(ACME, NOW, vec![Fact::Account(id(8))], move |state| {
        lictor_core::rules::token::create(state, &new, NOW)
    });
    done(&*store, owned).await;
    done(&*store, new_token(ACME, id(10), Role::Reader)).await;
    let again = lictor_core::rules::token::NewToken {
        id: id(11),
        secret_sha256: secret(id(11)),
        ..again
    };
    let again = write(ACME, NOW, vec![Fact::Account(id(8))], move |state| {
        lictor_core::rules::token::create(state, &again, NOW)
    });
    done(&*store, again).await;
    let owners = async |now| store.token_owners(ACME, now).await.expect("reads");
    assert_eq!(owners(NOW).await, 2, "whoever has two tokens is one");
    assert_eq!(owners(NOW + 1_000).await, 1, "one has ended");
    done(&*store, revoke_token(ACME, id(11))).await;
    assert_eq!(owners(NOW).await, 2);
    let token = async || {
        let found = store.token_by_secret(secret(id(9))).await.expect("reads");
        found.expect("a token")
    };
    let actor = token().await.actor(&Now::at(NOW)).expect("live");
    assert_eq!(actor.role, Role::Reader, "its owner is no administrator");
    assert_eq!(actor.account.map(|account| account.id), Some(id(8)));
    let patch = AccountPatch {
        administrator: Some(true),
        ..AccountPatch::default()
    };
    done(&*store, set_account(ACME, id(8), patch)).await;
    assert_eq!(
        token().await.actor(&Now::at(NOW)).map(|actor| actor.role),
        Some(Role::Admin)
    );
    done(&*store, set_status(ACME, id(8), AccountStatus::Deactivated)).await;
    assert_eq!(
        token().await.actor(&Now::at(NOW)),
        None,
        "its owner is shut"
    );
    assert_eq!(owners(NOW).await, 1, "its owner is shut");
    let listed = store.tokens(ACME, None, 1).await.expect("reads");
    assert_eq!(listed, [token().await]);
}
