//! The promises about what belongs to the installation: organizations, trust, policy, tokens.

use std::sync::Arc;

use lictor_core::decision::Decision;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::facts::quota::{Quota, Used};
use lictor_core::facts::role::Role;
use lictor_core::state::State;
use lictor_core::{Error, KeyStatus, TrustPolicy};
use lictor_store::Fact;

use crate::given::{
    ACME, NOW, acme, add_license, document, done, id, new_organization, new_token, refused,
    remove_license, remove_organization, retire, revoke, revoke_token, secret, seen, set_policy,
    trust_vendor, vendor, write,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organizations_are_listed_by_key() {
    let store = crate::new_store();
    for (number, key) in [(3, "zeta"), (1, "beta"), (2, "alpha")] {
        done(&*store, new_organization(id(number), key)).await;
    }
    let found = store.organizations().await.expect("reads");
    let keys: Vec<&str> = found
        .iter()
        .map(|organization| organization.key.as_str())
        .collect();
    assert_eq!(keys, ["alpha", "beta", "zeta"]);
    assert_eq!((found[0].id, found[0].number), (id(2), 2));
    assert_eq!(
        (found[0].name.as_deref(), found[0].created_at),
        (Some("A name"), NOW)
    );
    let again = refused(&*store, new_organization(id(9), "beta")).await;
    assert!(matches!(again, Error::AlreadyExists { .. }));
    assert_eq!(store.head(id(9)).await.expect("reads"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removed_organization_is_gone_and_its_key_free() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_token(ACME, id(70), Role::Admin)).await;
    done(
        &*store,
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
    )
    .await;
    let full = refused(&*store, remove_organization(ACME, "acme")).await;
    assert!(matches!(full, Error::OrganizationNotEmpty { .. }));
    done(&*store, remove_license(ACME, id(1))).await;
    done(&*store, remove_organization(ACME, "acme")).await;
    assert_eq!(store.organizations().await.expect("reads"), []);
    assert_eq!(
        store.token_by_secret(secret(id(70))).await.expect("reads"),
        None
    );
    let late = refused(
        &*store,
        add_license(ACME, id(2), &document(1, "Kong", 1), NOW),
    )
    .await;
    assert!(matches!(
        late,
        Error::NotFound {
            kind: lictor_core::error::Kind::Organization,
            ..
        }
    ));
    done(&*store, new_organization(id(2), "acme")).await;
    assert_eq!(store.organizations().await.expect("reads")[0].id, id(2));
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}

/// The removal and what comes behind it may share a batch.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_follows_a_removal_in_its_batch() {
    let store = crate::new_store();
    acme(&*store).await;
    let tasks: Vec<_> = (0..40)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move {
                let nothing = |_: &State| Ok(Decision::nothing());
                let removal = number == 20;
                let write = if removal {
                    remove_organization(ACME, "acme")
                } else {
                    write(ACME, NOW, vec![], nothing)
                };
                (removal, store.write(write).await)
            })
        })
        .collect();
    for task in tasks {
        match task.await.expect("ends") {
            (true, outcome) => assert!(outcome.is_ok()),
            (false, Ok(_) | Err(Error::NotFound { .. })) => {}
            (false, Err(error)) => panic!("{error}"),
        }
    }
    assert!(
        store
            .write(remove_organization(ACME, "acme"))
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trust_and_policy_are_kept() {
    let store = crate::new_store();
    let keys = [1, 2, 3].map(|seed| vendor(seed).public_key());
    for seed in [1, 2, 3] {
        done(&*store, trust_vendor(seed)).await;
    }
    done(&*store, retire(keys[1].id())).await;
    done(&*store, revoke(keys[2].id())).await;
    let trust = store.trust().await.expect("reads");
    let status = |at: usize| {
        trust
            .get(keys[at].id())
            .map(|key| (key.status, &key.public_key))
    };
    assert_eq!(status(0), Some((KeyStatus::Active, &keys[0])));
    assert_eq!(status(1), Some((KeyStatus::Retired, &keys[1])));
    assert_eq!(status(2), Some((KeyStatus::Revoked, &keys[2])));
    assert!(done(&*store, trust_vendor(1)).await.entries.is_empty());
    assert!(matches!(
        refused(&*store, trust_vendor(3)).await,
        Error::KeyRevoked(_)
    ));
    for policy in [TrustPolicy::Structural, TrustPolicy::Verified] {
        done(&*store, set_policy(policy)).await;
        assert_eq!(store.policy().await.expect("reads"), Some(policy));
    }
}

/// Facts of the installation are seen from any stream, those of a stream from it alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_sees_the_facts_it_asked_for() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_organization(id(2), "other")).await;
    done(&*store, new_token(ACME, id(70), Role::Reader)).await;
    done(
        &*store,
        add_license(ACME, id(1), &document(1, "Kong", 1), NOW),
    )
    .await;
    let key = vendor(1).public_key().id();
    let facts = || {
        vec![
            Fact::Policy,
            Fact::Key(key),
            Fact::Key(vendor(2).public_key().id()),
            Fact::Organization("acme".to_owned()),
            Fact::Organization("nobody".to_owned()),
            Fact::Token(id(70)),
            Fact::Application("kong".to_owned()),
            Fact::License(id(1)),
        ]
    };
    let own = seen(&*store, ACME, facts()).await;
    assert_eq!(
        (own.tokens.len(), own.licenses.len(), own.applications.len()),
        (1, 1, 1)
    );
    assert_eq!(own.newest_updated_at, NOW);
    let other = seen(&*store, id(2), facts()).await;
    assert_eq!(
        (
            other.tokens.len(),
            other.licenses.len(),
            other.applications.len()
        ),
        (0, 0, 0)
    );
    for state in [own, other] {
        assert_eq!(state.policy, Some(TrustPolicy::Verified));
        assert_eq!(state.keys.keys().collect::<Vec<_>>(), [&key]);
        assert_eq!(state.organizations.keys().collect::<Vec<_>>(), [&ACME]);
    }
    // Where the stream ends, what was written there last and how much there is is always there.
    let mut used = Used::default();
    for quota in [Quota::Tokens, Quota::Applications, Quota::Licenses] {
        used.put(quota, 1);
    }
    used.put(Quota::EntriesPerDay, 3);
    let nothing = State {
        newest_updated_at: NOW,
        position: 3,
        basis_changed: 3,
        used,
        ..State::default()
    };
    assert_eq!(seen(&*store, ACME, vec![]).await, nothing);
    assert_eq!(
        seen(&*store, ACME, vec![Fact::AnyLicense])
            .await
            .licenses
            .len(),
        1
    );
    assert_eq!(
        seen(&*store, id(2), vec![Fact::AnyLicense])
            .await
            .licenses
            .len(),
        0
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_found_by_their_secret() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, new_token(ACME, id(70), Role::Admin)).await;
    done(&*store, new_token(INSTALLATION, id(71), Role::Operator)).await;
    let token = store
        .token_by_secret(secret(id(70)))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(
        (token.id, token.organization, token.role),
        (id(70), Some(ACME), Role::Admin)
    );
    assert_eq!((token.name.as_deref(), token.created_at), (Some("ci"), NOW));
    assert_eq!(
        (token.expires_at, token.revoked_at),
        (Some(NOW + 1_000), None)
    );
    assert_eq!(token.scopes.len(), 2);
    let operator = store
        .token_by_secret(secret(id(71)))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!((operator.id, operator.organization), (id(71), None));
    done(&*store, revoke_token(ACME, id(70))).await;
    let revoked = store
        .token_by_secret(secret(id(70)))
        .await
        .expect("reads")
        .expect("is there");
    assert_eq!(revoked.revoked_at, Some(NOW + 5));
    assert!(
        done(&*store, revoke_token(ACME, id(70)))
            .await
            .entries
            .is_empty()
    );
    let elsewhere = refused(&*store, revoke_token(ACME, id(71))).await;
    assert!(matches!(elsewhere, Error::NotFound { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_come_in_pages() {
    let store = crate::new_store();
    acme(&*store).await;
    for number in [74, 71, 73, 72] {
        done(&*store, new_token(ACME, id(number), Role::Reader)).await;
    }
    done(&*store, new_token(INSTALLATION, id(75), Role::Operator)).await;
    let mut found = Vec::new();
    while let Some(token) = store
        .tokens(ACME, found.last().copied(), 1)
        .await
        .expect("reads")
        .pop()
    {
        found.push(token.id);
    }
    assert_eq!(found, [71, 72, 73, 74].map(id));
    assert_eq!(
        store
            .tokens(INSTALLATION, None, 9)
            .await
            .expect("reads")
            .len(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_keys_and_the_policy_move_what_trust_rests_on() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, trust_vendor(1)).await;
    let mut before = store.basis(ACME).await.expect("reads");
    for (write, moves) in [
        (new_organization(id(3), "third"), false),
        (new_token(INSTALLATION, id(70), Role::Operator), false),
        (trust_vendor(2), true),
        (retire(vendor(2).public_key().id()), true),
        (set_policy(TrustPolicy::Structural), true),
        (new_organization(id(4), "fourth"), false),
    ] {
        done(&*store, write).await;
        let now = store.basis(ACME).await.expect("reads");
        assert_eq!(now.trust > before.trust, moves, "{now:?}");
        before = now;
    }
    assert_eq!(store.check().await.expect("checks").differences, [""; 0]);
}
