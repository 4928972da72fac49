//! Promises about nodes: who they are, how they are recognized, and what holds for all of them.

use std::sync::Arc;

use lictor_core::Error;
use lictor_core::change::Change;
use lictor_core::document::rotation::rotate;
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::node::{Node, NodeSettings, TOKEN_TTL};
use lictor_core::feed::NodePolicy;
use lictor_store::{Fact, Store, Write};
use uuid::Uuid;

use crate::given::{
    ACME, NOW, acme, adopt_nodes, at, done, enroll_node, id, join_node, new_application,
    new_organization, node_secrets, refused, remove_organization, report_node, retire, revoke_node,
    seen, set_node_policy, trust_by_rotation, trust_vendor, vendor, write,
};

/// A store with an organization that has an application.
async fn kong(store: &dyn Store) {
    acme(store).await;
    done(store, new_application(ACME, "kong", OverLimit::Refuse)).await;
}

fn edge(number: u128, name: &'static str) -> Write {
    enroll_node(ACME, (id(number), name), "kong", None)
}

async fn node(store: &dyn Store, number: u128) -> Node {
    let found = store.node(ACME, id(number)).await.expect("reads");
    found.expect("is there")
}

async fn named(store: &dyn Store, name: &str) -> Option<Uuid> {
    let found = store.node_named(ACME, name).await.expect("reads");
    found.map(|node| node.id)
}

async fn live(store: &dyn Store) -> Vec<Uuid> {
    let nodes = store.nodes(ACME, None, 100).await.expect("reads");
    nodes.into_iter().map(|node| node.id).collect()
}

async fn agrees(store: &dyn Store) {
    let report = store.check().await.expect("checks");
    assert_eq!(report.differences, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_enrolled_joins_and_is_revoked() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, edge(1, "edge")).await;
    let enrolled = node(&*store, 1).await;
    let (token, credential) = node_secrets(id(1));
    assert_eq!((enrolled.id, enrolled.organization), (id(1), ACME));
    assert_eq!(enrolled.state.application, "kong");
    assert_eq!(enrolled.state.created_at, NOW);
    assert_eq!(enrolled.identity.name, "edge");
    assert_eq!(enrolled.identity.token_sha256, Some(token));
    assert_eq!(enrolled.identity.token_expires_at, at(NOW + TOKEN_TTL));
    assert_eq!(
        (
            enrolled.state.joined_at,
            enrolled.identity.credential_sha256
        ),
        (None, None)
    );
    assert_eq!(enrolled.seen, None);
    done(&*store, join_node(ACME, id(1))).await;
    let again = done(&*store, join_node(ACME, id(1))).await;
    assert_eq!(again.entries, [], "a lost answer costs nothing");
    let joined = node(&*store, 1).await;
    assert_eq!(joined.state.joined_at, Some(NOW + 5));
    assert_eq!(joined.identity.credential_sha256, Some(credential));
    assert_eq!(joined.identity.token_sha256, Some(token));
    done(&*store, revoke_node(ACME, id(1))).await;
    let revoked = node(&*store, 1).await;
    assert_eq!(revoked.state.revoked_at, Some(NOW + 9));
    assert_eq!(revoked.state.joined_at, Some(NOW + 5));
    assert!(
        live(&*store).await.is_empty(),
        "a revoked one is not listed"
    );
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_there_is_no_node() {
    let store = crate::new_store();
    for organization in [ACME, id(2)] {
        assert_eq!(store.node(organization, id(1)).await.expect("reads"), None);
        let named = store.node_named(organization, "edge").await;
        assert_eq!(named.expect("reads"), None);
        assert_eq!(store.nodes(organization, None, 9).await.expect("reads"), []);
    }
    let (token, _) = node_secrets(id(1));
    assert_eq!(store.node_by_secret(token).await.expect("reads"), None);
    assert_eq!(store.rotations().await.expect("reads"), []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_live_nodes_never_have_one_name() {
    let store = crate::new_store();
    kong(&*store).await;
    let tries = (1..=8).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(async move { store.write(edge(number, "edge")).await })
    });
    let mut enrolled = 0;
    for one in tries.collect::<Vec<_>>() {
        match one.await.expect("ends") {
            Ok(_) => enrolled += 1,
            Err(error) => assert!(matches!(error, Error::AlreadyExists { .. }), "{error}"),
        }
    }
    assert_eq!((enrolled, live(&*store).await.len()), (1, 1));
    // What stands behind the rule: this one does not see who has the name.
    let facts = vec![Fact::Trust, Fact::Application("kong".to_owned())];
    let blind = Write {
        facts,
        ..edge(9, "edge")
    };
    assert!(matches!(refused(&*store, blind).await, Error::Internal(_)));
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_is_taken_by_who_joined_or_still_can() {
    let store = crate::new_store();
    kong(&*store).await;
    let taken = async |at: i64| {
        let (all, own) = (
            store.node_places(None, self::at(at)).await.expect("reads"),
            store
                .node_places(Some(ACME), self::at(at))
                .await
                .expect("reads"),
        );
        assert_eq!(all, own);
        let other = store.node_places(Some(id(2)), self::at(at)).await;
        assert_eq!(other.expect("reads"), []);
        own.iter()
            .map(|row| (row.application.clone(), row.enrolled))
            .collect::<Vec<_>>()
    };
    assert_eq!(taken(NOW).await, []);
    for (number, name) in [(1, "a"), (2, "b"), (3, "c")] {
        done(&*store, edge(number, name)).await;
    }
    done(&*store, join_node(ACME, id(1))).await;
    assert_eq!(taken(NOW).await, [("kong".to_owned(), 3)]);
    assert_eq!(taken(NOW + TOKEN_TTL).await, [("kong".to_owned(), 1)]);
    done(&*store, revoke_node(ACME, id(2))).await;
    assert_eq!(taken(NOW).await, [("kong".to_owned(), 2)]);
    done(&*store, revoke_node(ACME, id(1))).await;
    assert_eq!(taken(NOW + TOKEN_TTL).await, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_is_free_after_a_revocation() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, edge(1, "edge")).await;
    done(&*store, edge(2, "lab")).await;
    assert_eq!(named(&*store, "edge").await, Some(id(1)));
    done(&*store, revoke_node(ACME, id(1))).await;
    assert_eq!(named(&*store, "edge").await, None);
    done(&*store, edge(3, "edge")).await;
    assert_eq!(named(&*store, "edge").await, Some(id(3)));
    done(&*store, revoke_node(ACME, id(3))).await;
    done(&*store, edge(4, "edge")).await;
    assert_eq!(live(&*store).await, [id(2), id(4)]);
    assert_eq!(node(&*store, 1).await.identity.name, "edge");
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limit_holds_under_many_enrollments() {
    let store = crate::new_store();
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    kong(&*store).await;
    let tries = (1..).zip(NAMES).map(|(number, name)| {
        let store = Arc::clone(&store);
        let enroll = enroll_node(ACME, (id(number), name), "kong", Some(3));
        tokio::spawn(async move { store.write(enroll).await })
    });
    for one in tries.collect::<Vec<_>>() {
        let error = one.await.expect("ends").err();
        let limited = |error| matches!(error, Error::NodeLimit { enrolled: 3, .. });
        assert!(error.is_none_or(limited));
    }
    let nodes = live(&*store).await;
    assert_eq!(nodes.len(), 3);
    done(&*store, revoke_node(ACME, nodes[0])).await;
    done(&*store, enroll_node(ACME, (id(20), "x"), "kong", Some(3))).await;
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_found_by_its_token_and_by_its_credential() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, edge(1, "edge")).await;
    done(&*store, edge(2, "lab")).await;
    let (token, credential) = node_secrets(id(1));
    let by = async |sha256| store.node_by_secret(sha256).await.expect("reads");
    assert_eq!(by(token).await, Some(node(&*store, 1).await));
    assert_eq!(by(credential).await, None, "it has not joined");
    done(&*store, join_node(ACME, id(1))).await;
    done(&*store, revoke_node(ACME, id(1))).await;
    let revoked = node(&*store, 1).await;
    assert_eq!(by(token).await, Some(revoked.clone()));
    assert_eq!(by(credential).await, Some(revoked));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_of_a_removed_organization_is_not_found() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, edge(1, "edge")).await;
    done(&*store, join_node(ACME, id(1))).await;
    done(&*store, remove_organization(ACME, "acme")).await;
    let (token, credential) = node_secrets(id(1));
    for secret in [token, credential] {
        assert_eq!(store.node_by_secret(secret).await.expect("reads"), None);
    }
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_organizations_see_no_node() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, new_organization(id(2), "other")).await;
    done(&*store, edge(1, "edge")).await;
    done(&*store, set_node_policy(ACME, 60)).await;
    assert_eq!(store.node(id(2), id(1)).await.expect("reads"), None);
    let named = store.node_named(id(2), "edge").await.expect("reads");
    assert_eq!(named, None);
    assert_eq!(store.nodes(id(2), None, 9).await.expect("reads"), []);
    let settings = store.node_settings(id(2)).await.expect("reads");
    assert_eq!(settings, NodeSettings::default());
    for write in [join_node(id(2), id(1)), revoke_node(id(2), id(1))] {
        let error = refused(&*store, write).await;
        assert!(matches!(error, Error::NotFound { .. }), "{error}");
    }
    let unknown = refused(&*store, report_node(id(2), id(1), 7, true)).await;
    assert!(matches!(unknown, Error::Unauthenticated), "{unknown}");
    assert_eq!(node(&*store, 1).await.seen, None);
    // Each organization has its own names.
    done(&*store, new_application(id(2), "kong", OverLimit::Refuse)).await;
    let same = enroll_node(id(2), (id(3), "edge"), "kong", None);
    done(&*store, same).await;
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_come_in_pages() {
    let store = crate::new_store();
    kong(&*store).await;
    for (number, name) in [(5, "e"), (3, "c"), (4, "d"), (1, "a"), (2, "b")] {
        done(&*store, edge(number, name)).await;
    }
    done(&*store, revoke_node(ACME, id(4))).await;
    let first = store.nodes(ACME, None, 2).await.expect("reads");
    let rest = store.nodes(ACME, Some(first[1].id), 9).await;
    let pages = first.into_iter().chain(rest.expect("reads"));
    let pages: Vec<_> = pages.map(|node| node.id).collect();
    assert_eq!(pages, [1, 2, 3, 5].map(id));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_said_last_stays() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, edge(1, "edge")).await;
    done(&*store, join_node(ACME, id(1))).await;
    for requests in [7, 5] {
        let report = report_node(ACME, id(1), requests, true);
        assert_eq!(done(&*store, report).await.entries, []);
        let seen = node(&*store, 1).await.seen.expect("it said something");
        assert_eq!((seen.requests, seen.at), (requests, NOW));
        assert_eq!(seen.problems, ["the disk is full"]);
        let applied = seen.applied.expect("a state");
        assert_eq!(
            applied.revision,
            lictor_core::facts::usage::MAX_COUNT,
            "kept exactly"
        );
    }
    done(&*store, report_node(ACME, id(1), 9, false)).await;
    done(&*store, revoke_node(ACME, id(1))).await;
    let seen = node(&*store, 1).await.seen.expect("it stays");
    assert_eq!(seen.requests, 5, "what was not to be kept is not");
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_sees_the_nodes_it_asked_for() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, new_application(ACME, "jira", OverLimit::Refuse)).await;
    for (number, name) in [(1, "edge"), (2, "lab"), (3, "old")] {
        done(&*store, edge(number, name)).await;
    }
    let other = enroll_node(ACME, (id(4), "jira-1"), "jira", None);
    done(&*store, other).await;
    done(&*store, revoke_node(ACME, id(3))).await;
    done(&*store, set_node_policy(ACME, 60)).await;
    for (fact, expected) in [
        (Fact::Node(id(1)), vec![1]),
        (Fact::Node(id(3)), vec![3]),
        (Fact::Node(id(9)), vec![]),
        (Fact::NodeNamed("jira-1".to_owned()), vec![4]),
        (Fact::NodeNamed("old".to_owned()), vec![]),
        (Fact::NodeSettings, vec![]),
    ] {
        let sets = fact == Fact::NodeSettings;
        let state = seen(&*store, ACME, vec![fact.clone()]).await;
        let expected: Vec<_> = expected.into_iter().map(id).collect();
        assert!(state.nodes.keys().eq(&expected), "{fact:?}");
        assert!(state.node_identities.keys().eq(&expected), "{fact:?}");
        for number in expected {
            let stored = store.node(ACME, number).await.expect("reads");
            let stored = stored.expect("is there");
            assert_eq!(state.nodes[&number], stored.state);
            assert_eq!(state.node_identities[&number], stored.identity);
        }
        assert_eq!(state.node_settings != NodeSettings::default(), sets);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_sees_how_many_nodes_there_are() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, new_application(ACME, "jira", OverLimit::Refuse)).await;
    for (number, name) in [(1, "edge"), (2, "lab"), (3, "old")] {
        done(&*store, edge(number, name)).await;
    }
    let other = enroll_node(ACME, (id(4), "jira-1"), "jira", None);
    done(&*store, other).await;
    done(&*store, join_node(ACME, id(1))).await;
    done(&*store, join_node(ACME, id(3))).await;
    done(&*store, revoke_node(ACME, id(3))).await;
    let ends = NOW + TOKEN_TTL;
    for (application, now, expected) in [
        ("kong", ends - 1, (2, 1, 1)),
        ("kong", ends, (2, 1, 0)),
        ("jira", NOW, (1, 0, 1)),
    ] {
        let key = application.to_owned();
        let facts = vec![
            Fact::Application(key.clone()),
            Fact::NodesToJoin(key.clone(), at(now)),
        ];
        let state = seen(&*store, ACME, facts).await;
        let stored = &state.applications[application];
        let to_join = state.nodes_to_join[application];
        assert!(state.nodes.is_empty(), "none of them is read");
        assert_eq!((stored.nodes, stored.joined_nodes, to_join), expected);
    }
    let places = store.node_places(None, at(ends)).await.expect("reads");
    let places: Vec<_> = places
        .iter()
        .map(|place| (place.application.as_str(), place.enrolled))
        .collect();
    assert_eq!(places, [("kong", 1)], "jira's can join no more");
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_are_the_default_until_they_are_set() {
    let store = crate::new_store();
    kong(&*store).await;
    let settings = async || store.node_settings(ACME).await.expect("reads");
    assert_eq!(settings().await, NodeSettings::default());
    done(&*store, set_node_policy(ACME, 300)).await;
    let before = store.basis(ACME).await.expect("reads");
    for stale_after in [60, 120] {
        done(&*store, set_node_policy(ACME, stale_after)).await;
        let policy = NodePolicy {
            stale_after,
            ..NodePolicy::default()
        };
        assert_eq!(settings().await, NodeSettings { policy, raised: 0 });
    }
    let again = done(&*store, set_node_policy(ACME, 120)).await;
    assert_eq!(again.entries, []);
    let now = store.basis(ACME).await.expect("reads");
    assert_eq!(now.licenses, before.licenses + 3, "what nodes are sent");
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_adoption_raises_the_revision() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, set_node_policy(ACME, 60)).await;
    let mut before = 0;
    for highest in [1_000, 5_000, u64::from(u32::MAX)] {
        done(&*store, adopt_nodes(ACME, highest)).await;
        let settings = store.node_settings(ACME).await.expect("reads");
        assert_eq!(settings.policy.stale_after, 60);
        let basis = store.basis(ACME).await.expect("reads");
        let revision = settings.state_revision(basis);
        assert!(
            revision > highest && settings.raised > before,
            "{settings:?}"
        );
        before = settings.raised;
    }
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_raise_that_is_too_large_is_refused() {
    let store = crate::new_store();
    let adopted = |raise| {
        let facts = vec![Fact::NodeSettings];
        write(ACME, NOW, facts, move |_| {
            Ok(Change::NodesAdopted { raise }.into())
        })
    };
    let most = i64::MAX.unsigned_abs();
    kong(&*store).await;
    let (first, second) = (most + 1, u64::MAX);
    for too_large in [adopted(first), adopted(second), adopt_nodes(ACME, u64::MAX)] {
        let error = refused(&*store, too_large).await;
        assert!(matches!(error, Error::Internal(_)), "{error}");
    }
    done(&*store, adopted(most - 1)).await;
    for too_large in [2, most, u64::MAX] {
        let error = refused(&*store, adopted(too_large)).await;
        assert!(matches!(error, Error::Internal(_)), "{error}");
    }
    done(&*store, adopted(1)).await;
    let settings = store.node_settings(ACME).await.expect("reads");
    assert_eq!(settings.raised, most, "kept exactly");
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_saw_no_settings_overwrites_none() {
    let store = crate::new_store();
    kong(&*store).await;
    done(&*store, set_node_policy(ACME, 60)).await;
    done(&*store, adopt_nodes(ACME, 1_000)).await;
    let before = store.node_settings(ACME).await.expect("reads");
    let policy = NodePolicy {
        stale_after: 90,
        expires_after: 100,
        grace: 0,
    };
    let blind = |change: Change| write(ACME, NOW, vec![], move |_| Ok(change.clone().into()));
    done(&*store, blind(Change::NodesAdopted { raise: 4 })).await;
    let set = Change::NodePolicySet {
        stale_after: policy.stale_after,
        expires_after: policy.expires_after,
        grace: policy.grace,
    };
    done(&*store, blind(set)).await;
    let raised = before.raised + 4;
    let settings = store.node_settings(ACME).await.expect("reads");
    assert_eq!(settings, NodeSettings { policy, raised });
    agrees(&*store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_is_kept_with_its_key() {
    let store = crate::new_store();
    acme(&*store).await;
    done(&*store, trust_by_rotation(1, 2)).await;
    done(&*store, trust_vendor(3)).await;
    let to = |from, to| rotate(&vendor(from), &vendor(to).public_key());
    assert_eq!(store.rotations().await.expect("reads"), [to(1, 2)]);
    // A key that is known already is handed trust as well, and the last one to do so counts.
    done(&*store, trust_by_rotation(1, 3)).await;
    done(&*store, trust_by_rotation(2, 3)).await;
    done(&*store, retire(vendor(3).public_key().id())).await;
    let mut expected = [to(1, 2), to(2, 3)];
    expected.sort_by_key(|rotation| rotation.to.id().to_string());
    assert_eq!(store.rotations().await.expect("reads"), expected);
    let trust = store.trust().await.expect("reads");
    assert_eq!(trust.iter().count(), 3);
    agrees(&*store).await;
}
