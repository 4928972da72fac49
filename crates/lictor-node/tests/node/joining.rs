//! Joining, and starting again.

use std::fs;

use lictor_core::feed::EnrollmentToken;
use lictor_node::{Denial, Node, Reason, StartError};

use crate::control_plane::ControlPlane;
use crate::setting::{NOW, Setting, clock, key, options, until};

#[tokio::test]
async fn a_node_joins_decides_and_says_so() {
    let setting = Setting::start().await;
    let meter = setting.node.meter(None);
    assert_eq!(meter.check(), Ok(()));
    assert_eq!(meter.check_feature("sso"), Ok(()));
    let refused = meter.check_feature("audit");
    assert_eq!(refused, Err(Denial::Refused(Reason::Feature)));
    let status = setting.node.status();
    assert_eq!((status.name.as_str(), status.problems), ("edge", vec![]));
    let control_plane = &setting.control_plane;
    until("it reports", || control_plane.last_report().is_some()).await;
    let report = control_plane.last_report().expect("a report");
    assert_eq!(report.control_plane, Some(key(90).public_key().sha256()));
    assert_eq!(report.applied.map(|applied| applied.revision), Some(5));
    assert_eq!(
        (report.host.as_str(), report.problems.len()),
        ("machine", 0)
    );
    setting.node.stop().await;
    assert_eq!(control_plane.counted("editor"), 2);
}

#[tokio::test]
async fn a_join_whose_answer_is_lost_is_repeated_with_the_same_credential() {
    let control_plane = ControlPlane::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    control_plane.inside().lose_joins = 2;
    for _ in 0..2 {
        let lost = Node::start(options(&control_plane, folder.path(), &clock())).await;
        assert!(matches!(lost, Err(StartError::Unreachable { .. })));
    }
    let node = Node::start(options(&control_plane, folder.path(), &clock())).await;
    let node = node.expect("it joins");
    let joined = control_plane.inside().joined.clone();
    // The client itself may have tried again on a fresh connection.
    assert!(joined.len() >= 3 && joined.iter().all(|credential| *credential == joined[0]));
    node.stop().await;
    let file = fs::read_to_string(folder.path().join("node/node.json")).expect("there");
    assert!(file.contains("lictor_node_"));
}

#[tokio::test]
async fn a_folder_belongs_to_one_node_and_one_process() {
    let setting = Setting::start().await;
    let second = Node::start(setting.options()).await;
    assert!(matches!(second, Err(StartError::InUse(_))));
    setting.node.stop().await;

    let mut other = setting.options();
    other.enroll = Some(EnrollmentToken::new(&[1; 32], &key(91).public_key()));
    let refused = Node::start(other).await;
    assert!(matches!(refused, Err(StartError::OtherControlPlane)));

    let mut other = setting.options();
    other.application = Some("viewer".to_owned());
    let refused = Node::start(other).await;
    assert!(matches!(refused, Err(StartError::OtherApplication { .. })));

    let path = setting.folder.path().join("node/node.json");
    let mut bytes = fs::read(&path).expect("there");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("written");
    let refused = Node::start(setting.options()).await;
    assert!(matches!(refused, Err(StartError::Damaged(_))));
    fs::remove_file(&path).expect("there");
    let mut without = setting.options();
    without.enroll = None;
    let refused = Node::start(without).await;
    assert!(matches!(refused, Err(StartError::NotJoined(_))));
}

#[tokio::test]
async fn a_control_plane_that_the_token_does_not_name_is_refused() {
    let control_plane = ControlPlane::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let options = options(&control_plane, folder.path(), &clock());
    control_plane.inside().key = key(91);
    let refused = Node::start(options).await;
    assert!(matches!(refused, Err(StartError::WrongControlPlane(_))));
}

#[tokio::test]
async fn plain_http_stays_on_this_machine() {
    let control_plane = ControlPlane::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    for address in [
        "http://192.0.2.1:1",
        "http://lictor.invalid",
        "ftp://127.0.0.1",
        "x",
    ] {
        let mut options = options(&control_plane, folder.path(), &clock());
        address.clone_into(&mut options.control_plane);
        let refused = Node::start(options).await;
        let refused = matches!(
            refused,
            Err(StartError::Insecure(_) | StartError::Address(_))
        );
        assert!(refused, "{address}");
    }
    assert!(!folder.path().join("node/node.json").exists());
}

#[tokio::test]
async fn a_node_starts_and_decides_while_its_control_plane_is_gone() {
    let mut setting = Setting::start().await;
    setting.control_plane.stop().await;
    setting.restart().await;
    let meter = setting.node.meter(None);
    assert_eq!(meter.check(), Ok(()));
    assert_eq!(setting.revision(), Some(5));
    assert!(!setting.node.status().connected);
    setting.clock.pass(40 * 86_400_000);
    let restricted = Err(Denial::Refused(Reason::Restricted));
    until("it is restricted", || meter.check() == restricted).await;
}

#[tokio::test]
async fn another_token_makes_no_other_node_of_a_folder() {
    let setting = Setting::start().await;
    setting.node.stop().await;
    let key = setting.control_plane.inside().key.public_key();
    let options = || {
        let mut options = setting.options();
        options.enroll = Some(EnrollmentToken::new(&[8; 32], &key));
        options
    };
    let node = Node::start(options()).await.expect("it starts");
    assert_eq!(node.meter(None).check(), Ok(()));
    setting.control_plane.revoke(NOW);
    until("it is revoked", || node.status().revoked).await;
    node.stop().await;
    let refused = Node::start(options()).await.err().map(|it| it.to_string());
    assert!(refused.is_some_and(|text| text.contains("in a new folder")));
    // Without one it says what it is.
    let mut options = setting.options();
    options.enroll = None;
    let node = Node::start(options).await.expect("it starts");
    assert!(node.status().revoked);
}
