//! Two control planes behind one address: a node says so, whether it is of a pool or not.

use hyper::StatusCode;
use lictor_core::feed::{Failure, FailureCode};
use uuid::Uuid;

use crate::setting::{Setting, until};

/// Of which pool a node is.
const POOLS: [Option<&str>; 2] = [None, Some("edge")];

#[tokio::test]
async fn two_control_planes_behind_one_address_are_told_and_one_that_starts_again_is_not() {
    for pool in POOLS {
        are_told(&Setting::of(pool).await).await;
    }
}

async fn are_told(setting: &Setting) {
    let in_turn = || {
        let problems = setting.node.status().problems.join("; ");
        problems.contains("two control planes answer at")
    };
    let reports = || setting.control_plane.inside().reports.len();
    let heard = async || {
        let before = reports();
        setting.node.meter(None).check().expect("allowed");
        until("it reports twice", || {
            let _ = setting.node.meter(None).check();
            reports() > before + 1
        })
        .await;
    };
    for instance in [2, 3] {
        setting.control_plane.inside().instance = Uuid::from_u128(instance);
        heard().await;
        assert!(!in_turn(), "it was started again");
    }
    setting.control_plane.inside().instance = Uuid::from_u128(2);
    heard().await;
    until("it is told", in_turn).await;
}

/// A refusal of a control plane that does not know the node, and which start of it says so.
fn unknown(instance: Option<Uuid>) -> Option<(StatusCode, Failure)> {
    let failure = Failure {
        code: FailureCode::Unauthorized,
        message: "unknown".to_owned(),
        state: None,
        instance,
    };
    Some((StatusCode::UNAUTHORIZED, failure))
}

/// Lets the control plane refuse the node so, until it says so, and then lets it in again.
async fn refused_for_a_while(setting: &Setting, refusal: Option<(StatusCode, Failure)>) {
    let problems = || setting.node.status().problems.join("; ");
    let count = || setting.node.meter(None).check().expect("allowed");
    setting.control_plane.inside().refusal = refusal;
    until("it is not let in", || {
        count();
        problems().contains("does not know this node") || problems().contains("gets no new one")
    })
    .await;
    assert!(
        !problems().contains("two control planes"),
        "it may have been restored"
    );
    setting.control_plane.inside().refusal = None;
}

#[tokio::test]
async fn a_control_plane_beside_one_that_knows_nothing_of_the_node_is_told() {
    let other = Some(Uuid::from_u128(2));
    for (pool, instance) in [(None, None), (None, other), (Some("edge"), other)] {
        let setting = Setting::of(pool).await;
        refused_for_a_while(&setting, unknown(instance)).await;
        until("it is told", || {
            setting.node.meter(None).check().expect("allowed");
            let problems = setting.node.status().problems.join("; ");
            problems.contains("two control planes answer at")
        })
        .await;
    }
}

#[tokio::test]
async fn a_node_of_a_pool_that_was_removed_and_is_taken_up_again_knows_of_one_control_plane() {
    let setting = Setting::of(Some("edge")).await;
    let own = setting.control_plane.inside().instance;
    // A version that does not say which start it is cannot be told from another.
    for instance in [Some(own), None] {
        refused_for_a_while(&setting, unknown(instance)).await;
        until("it is let in again", || {
            setting.node.meter(None).check().expect("allowed");
            setting.node.status().problems.is_empty()
        })
        .await;
        // With the next report it would be told.
        let reports = || setting.control_plane.inside().reports.len();
        let before = reports();
        until("it reports", || {
            setting.node.meter(None).check().expect("allowed");
            reports() > before + 1
        })
        .await;
        assert_eq!(setting.node.status().problems, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_proxy_that_drops_the_credential_for_a_while_is_no_second_control_plane() {
    let setting = Setting::start().await;
    let problems = || setting.node.status().problems.join("; ");
    let count = || setting.node.meter(None).check().expect("allowed");
    let own = setting.control_plane.inside().instance;
    let refusals = [
        (FailureCode::NoCredential, None, "drops the header"),
        (
            FailureCode::Unauthorized,
            Some(own),
            "does not know this node",
        ),
    ];
    for (code, instance, said) in refusals {
        let failure = Failure {
            code,
            message: "a proxy drops the header".to_owned(),
            state: None,
            instance,
        };
        setting.control_plane.inside().refusal = Some((StatusCode::UNAUTHORIZED, failure));
        until("it is not let in", || {
            count();
            problems().contains(said)
        })
        .await;
        setting.control_plane.inside().refusal = None;
        until("it is let in again", || {
            count();
            problems().is_empty()
        })
        .await;
    }
}
