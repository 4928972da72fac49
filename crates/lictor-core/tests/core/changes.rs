//! The stored form of every change: the text that stands in ledgers for ever.

use lictor_core::change::Change;
use lictor_core::digest::Digest;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use lictor_core::facts::application::OverLimit;
use lictor_core::facts::lease::LeaseEnd;
use lictor_core::facts::node::Leave;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::role::Role;
use lictor_core::{SigningKey, TrustPolicy};
use uuid::Uuid;

/// Every variant with the text that stands in ledgers. A line here is never changed; whoever
/// adds a variant or a field adds a line, and the older lines must still be read.
fn golden() -> Vec<(Change, &'static str)> {
    let id = Uuid::from_u128(1);
    let public_key = SigningKey::from_seed([1; 32]).public_key();
    let key_id = public_key.id();
    let scopes = ["licenses:read", "usage:write", "trust"];
    [
        (
            Change::PolicySet {
                policy: TrustPolicy::Verified,
            },
            r#"{"type":"policy_set","policy":"verified"}"#,
        ),
        (
            Change::PolicySet {
                policy: TrustPolicy::Structural,
            },
            r#"{"type":"policy_set","policy":"structural"}"#,
        ),
        (
            Change::OrganizationCreated {
                id,
                key: "team".to_owned(),
                number: (1 << 53) - 1,
            },
            r#"{"type":"organization_created","id":"00000000-0000-0000-0000-000000000001","key":"team","number":9007199254740991}"#,
        ),
        (
            Change::OrganizationRemoved,
            r#"{"type":"organization_removed"}"#,
        ),
        (
            Change::KeyTrusted { key_id, public_key },
            r#"{"type":"key_trusted","key_id":"34750f98bd59fcfc","public_key":"8a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"}"#,
        ),
        (
            Change::KeyRetired { key_id },
            r#"{"type":"key_retired","key_id":"34750f98bd59fcfc"}"#,
        ),
        (
            Change::KeyRevoked { key_id },
            r#"{"type":"key_revoked","key_id":"34750f98bd59fcfc"}"#,
        ),
        (
            Change::TokenCreated {
                id,
                role: Role::Operator,
                scopes: Vec::new(),
                expires_at: None,
                account: None,
            },
            r#"{"type":"token_created","id":"00000000-0000-0000-0000-000000000001","role":"operator","scopes":[],"expires_at":null}"#,
        ),
        (
            Change::TokenCreated {
                id,
                role: Role::Admin,
                scopes: scopes
                    .iter()
                    .map(|text| text.parse().expect("a scope"))
                    .collect(),
                expires_at: Some(i64::MAX),
                account: None,
            },
            r#"{"type":"token_created","id":"00000000-0000-0000-0000-000000000001","role":"admin","scopes":["licenses:read","usage:write","trust"],"expires_at":9223372036854775807}"#,
        ),
        (
            Change::TokenRevoked { id },
            r#"{"type":"token_revoked","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::ApplicationCreated {
                key: "editor".to_owned(),
            },
            r#"{"type":"application_created","key":"editor"}"#,
        ),
        (
            Change::LicenseWritten {
                id,
                application: "editor".to_owned(),
                payload_sha256: Digest::of(b""),
                created_at: -1,
                updated_at: 1_781_524_800,
                replaces: Some(7),
            },
            r#"{"type":"license_written","id":"00000000-0000-0000-0000-000000000001","application":"editor","payload_sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","created_at":-1,"updated_at":1781524800,"replaces":7}"#,
        ),
        (
            Change::LicenseRemoved { id },
            r#"{"type":"license_removed","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
    ]
    .into_iter()
    .chain(golden_of_seats(id))
    .chain(golden_of_clients(id))
    .chain(golden_of_nodes(id))
    .collect()
}

/// The same for accounts and what they hold.
fn golden_of_seats(id: Uuid) -> Vec<(Change, &'static str)> {
    let application = || "editor".to_owned();
    vec![
        (
            Change::TokenCreated {
                id,
                role: Role::Reader,
                scopes: Vec::new(),
                expires_at: None,
                account: Some(id),
            },
            r#"{"type":"token_created","id":"00000000-0000-0000-0000-000000000001","role":"reader","scopes":[],"expires_at":null,"account":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::ApplicationSet {
                key: application(),
                over_limit: OverLimit::Allow,
            },
            r#"{"type":"application_set","key":"editor","over_limit":"allow"}"#,
        ),
        (
            Change::ApplicationRemoved { key: application() },
            r#"{"type":"application_removed","key":"editor"}"#,
        ),
        (
            Change::AccountCreated {
                id,
                number: 7,
                kind: AccountKind::Service,
                status: AccountStatus::Invited,
                administrator: false,
                language: "de_DE".to_owned(),
            },
            r#"{"type":"account_created","id":"00000000-0000-0000-0000-000000000001","number":7,"kind":"service","status":"invited","administrator":false,"language":"de_DE"}"#,
        ),
        (
            Change::AccountSet {
                id,
                status: AccountStatus::Deactivated,
                administrator: true,
                language: "en_US".to_owned(),
            },
            r#"{"type":"account_set","id":"00000000-0000-0000-0000-000000000001","status":"deactivated","administrator":true,"language":"en_US"}"#,
        ),
        (
            Change::AccountRemoved { id },
            r#"{"type":"account_removed","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::SeatAssigned {
                application: application(),
                account: id,
                limit: Some(10),
                used: 7,
            },
            r#"{"type":"seat_assigned","application":"editor","account":"00000000-0000-0000-0000-000000000001","limit":10,"used":7}"#,
        ),
        (
            Change::SeatReleased {
                application: application(),
                account: id,
            },
            r#"{"type":"seat_released","application":"editor","account":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::LeaseCheckedOut {
                id,
                application: application(),
                limit: None,
                used: 1,
            },
            r#"{"type":"lease_checked_out","id":"00000000-0000-0000-0000-000000000001","application":"editor","limit":null,"used":1}"#,
        ),
        (
            Change::LeaseEnded {
                id,
                application: application(),
                reason: LeaseEnd::Expired,
            },
            r#"{"type":"lease_ended","id":"00000000-0000-0000-0000-000000000001","application":"editor","reason":"expired"}"#,
        ),
    ]
}

/// The same for clients.
fn golden_of_clients(id: Uuid) -> Vec<(Change, &'static str)> {
    vec![
        (
            Change::ClientCreated {
                id,
                scopes: vec!["seats:read".parse().expect("a scope")],
                account: None,
                application: Some("editor".to_owned()),
            },
            r#"{"type":"client_created","id":"00000000-0000-0000-0000-000000000001","scopes":["seats:read"],"account":null,"application":"editor"}"#,
        ),
        (
            Change::ClientRemoved { id },
            r#"{"type":"client_removed","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::GrantCreated {
                id,
                client: id,
                by_code: true,
            },
            r#"{"type":"grant_created","id":"00000000-0000-0000-0000-000000000001","client":"00000000-0000-0000-0000-000000000001","by_code":true}"#,
        ),
        (
            Change::GrantRevoked { id },
            r#"{"type":"grant_revoked","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
    ]
}

/// The same for nodes.
fn golden_of_nodes(id: Uuid) -> Vec<(Change, &'static str)> {
    vec![
        (
            Change::NodeEnrolled {
                id,
                application: "gateway".to_owned(),
                limit: Some(3),
                enrolled: 1,
                pool: None,
            },
            r#"{"type":"node_enrolled","id":"00000000-0000-0000-0000-000000000001","application":"gateway","limit":3,"enrolled":1}"#,
        ),
        (
            Change::NodeEnrolled {
                id,
                application: "gateway".to_owned(),
                limit: None,
                enrolled: 2,
                pool: Some(id),
            },
            r#"{"type":"node_enrolled","id":"00000000-0000-0000-0000-000000000001","application":"gateway","limit":null,"enrolled":2,"pool":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::NodeLeft {
                id,
                by: Leave::Silence,
            },
            r#"{"type":"node_left","id":"00000000-0000-0000-0000-000000000001","by":"silence"}"#,
        ),
        (
            Change::NodeReturned {
                id,
                pool: id,
                limit: Some(3),
                enrolled: 2,
            },
            r#"{"type":"node_returned","id":"00000000-0000-0000-0000-000000000001","pool":"00000000-0000-0000-0000-000000000001","limit":3,"enrolled":2}"#,
        ),
        (
            Change::NodeBarred { id },
            r#"{"type":"node_barred","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::NodeRemoved { id },
            r#"{"type":"node_removed","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::NodePoolCreated {
                id,
                application: "gateway".to_owned(),
                uses: 200,
                forget_after: 3_600,
            },
            r#"{"type":"node_pool_created","id":"00000000-0000-0000-0000-000000000001","application":"gateway","uses":200,"forget_after":3600}"#,
        ),
        (
            Change::NodePoolRevoked { id },
            r#"{"type":"node_pool_revoked","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::NodeJoined { id },
            r#"{"type":"node_joined","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::NodeRevoked { id },
            r#"{"type":"node_revoked","id":"00000000-0000-0000-0000-000000000001"}"#,
        ),
        (
            Change::NodePolicySet {
                stale_after: 300,
                expires_after: 86_400,
                grace: 0,
            },
            r#"{"type":"node_policy_set","stale_after":300,"expires_after":86400,"grace":0}"#,
        ),
        (
            Change::NodesAdopted { raise: 7 },
            r#"{"type":"nodes_adopted","raise":7}"#,
        ),
        (
            Change::UsageCorrected {
                source: "edge".to_owned(),
                service: "web".to_owned(),
                month: "2026-11".to_owned(),
                by: -5,
                reason: "a test".to_owned(),
            },
            r#"{"type":"usage_corrected","source":"edge","service":"web","month":"2026-11","by":-5,"reason":"a test"}"#,
        ),
        (
            Change::QuotaSet {
                quota: Quota::LicensesPerApplication,
                limit: Some(5),
            },
            r#"{"type":"quota_set","quota":"licenses-per-application","limit":5}"#,
        ),
    ]
}

#[test]
fn a_change_is_stored_in_one_form_for_ever() {
    for (change, text) in golden() {
        assert_eq!(serde_json::to_string(&change).expect("it has a text"), text);
        assert_eq!(serde_json::from_str::<Change>(text).expect(text), change);
    }
}

#[test]
fn every_variant_has_its_golden_text() {
    let variants = golden().into_iter().map(|(change, _)| match change {
        // A new variant stops the build here: give it a number, and a text above.
        Change::PolicySet { .. } => 0,
        Change::OrganizationCreated { .. } => 1,
        Change::OrganizationRemoved => 2,
        Change::KeyTrusted { .. } => 3,
        Change::KeyRetired { .. } => 4,
        Change::KeyRevoked { .. } => 5,
        Change::TokenCreated { .. } => 6,
        Change::TokenRevoked { .. } => 7,
        Change::ApplicationCreated { .. } => 8,
        Change::LicenseWritten { .. } => 9,
        Change::LicenseRemoved { .. } => 10,
        Change::ApplicationSet { .. } => 11,
        Change::ApplicationRemoved { .. } => 12,
        Change::AccountCreated { .. } => 13,
        Change::AccountSet { .. } => 14,
        Change::AccountRemoved { .. } => 15,
        Change::SeatAssigned { .. } => 16,
        Change::SeatReleased { .. } => 17,
        Change::LeaseCheckedOut { .. } => 18,
        Change::LeaseEnded { .. } => 19,
        Change::ClientCreated { .. } => 20,
        Change::ClientRemoved { .. } => 21,
        Change::GrantCreated { .. } => 22,
        Change::GrantRevoked { .. } => 23,
        Change::NodeEnrolled { .. } => 24,
        Change::NodeJoined { .. } => 25,
        Change::NodeRevoked { .. } => 26,
        Change::NodePolicySet { .. } => 27,
        Change::NodesAdopted { .. } => 28,
        Change::UsageCorrected { .. } => 29,
        Change::QuotaSet { .. } => 30,
        Change::NodeLeft { .. } => 31,
        Change::NodeReturned { .. } => 32,
        Change::NodePoolCreated { .. } => 33,
        Change::NodePoolRevoked { .. } => 34,
        Change::NodeBarred { .. } => 35,
        Change::NodeRemoved { .. } => 36,
    });
    let seen: std::collections::BTreeSet<u8> = variants.collect();
    assert_eq!(seen, (0..=36).collect());
}

#[test]
fn a_change_of_a_later_version_may_have_more_fields_but_no_unknown_name() {
    let read = |text| serde_json::from_str::<Change>(text).ok();
    assert_eq!(
        read(r#"{"type":"organization_removed","why":"x"}"#),
        Some(Change::OrganizationRemoved)
    );
    assert_eq!(read(r#"{"type":"organization_renamed"}"#), None);
    assert_eq!(read(r#"{"type":"key_retired"}"#), None);
    assert_eq!(
        read(r#"{"type":"key_retired","key_id":"34750F98BD59FCFC"}"#),
        None
    );
}
