//! Nodes of pools: they are heard of often enough, and say goodbye until they are answered.

use std::time::Duration;

use lictor_node::Node;

use crate::control_plane::ControlPlane;
use crate::setting::{NOW, Setting, clock, options, until};

#[tokio::test]
async fn a_node_reports_as_often_as_its_control_plane_wants_to_hear_of_it() {
    let setting = Setting::start().await;
    let reports = || setting.control_plane.inside().reports.len();
    setting.control_plane.inside().within = Some(0);
    // The next report is due as something is counted, and brings the answer.
    setting.node.meter(Some("a")).count(1).expect("counted");
    until("it is told", || setting.control_plane.counted("a") == 1).await;
    let before = reports();
    // Long before the 15 seconds after which it reports by itself.
    until("it goes on to report", || reports() > before + 5).await;
    setting.control_plane.inside().within = None;
    let mut quiet = reports();
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if std::mem::replace(&mut quiet, reports()) == quiet {
            return;
        }
    }
    panic!("it reports without an end");
}

#[tokio::test]
async fn a_goodbye_is_said_again_until_it_is_answered_and_no_longer() {
    for (lost, said) in [(0, 1), (1, 2)] {
        let control_plane = ControlPlane::start().await;
        control_plane.inside().pool = Some("edge".to_owned());
        control_plane.inside().lose_goodbyes = lost;
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = options(&control_plane, folder.path(), &clock());
        options.leave_on_stop = true;
        let node = Node::start(options).await.expect("it joins");
        node.meter(Some("a")).count(3).expect("counted");
        node.stop().await;
        assert_eq!(control_plane.counted("a"), 3);
        let inside = control_plane.inside();
        let goodbyes = inside.reports.iter().filter(|report| report.gives_back);
        assert_eq!(goodbyes.count(), said);
        assert!(inside.left);
    }
}

#[tokio::test]
async fn a_node_that_was_revoked_says_goodbye_once() {
    let control_plane = ControlPlane::start().await;
    control_plane.inside().pool = Some("edge".to_owned());
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = options(&control_plane, folder.path(), &clock());
    options.leave_on_stop = true;
    let node = Node::start(options).await.expect("it joins");
    control_plane.revoke(NOW);
    until("it is told so", || node.status().revoked).await;
    let refused = || control_plane.inside().refused;
    let before = refused();
    node.stop().await;
    // Whatever was under way, and the goodbye.
    assert!(refused() <= before + 2, "{}", refused() - before);
}

#[tokio::test]
async fn what_is_under_way_while_a_removed_node_is_taken_up_is_told_again_however_often() {
    let setting = Setting::start().await;
    let told = || setting.control_plane.counted("a");
    for sum in 1..=3 {
        setting.control_plane.inside().removed = 1;
        setting.node.meter(Some("a")).count(1).expect("counted");
        until("it is told of an epoch that counts", || told() == sum).await;
    }
}

#[tokio::test]
async fn a_node_that_was_silent_for_too_long_leaves_only_once_all_is_told() {
    for (places, leaves) in [(false, false), (true, true)] {
        let control_plane = ControlPlane::start().await;
        control_plane.inside().pool = Some("edge".to_owned());
        control_plane.inside().tells_apart = true;
        let folder = tempfile::tempdir().expect("a folder");
        let mut options = options(&control_plane, folder.path(), &clock());
        options.leave_on_stop = true;
        let node = Node::start(options).await.expect("it joins");
        control_plane.inside().no_place = !places;
        control_plane.inside().left = true;
        node.meter(Some("a")).count(3).expect("counted");
        assert_eq!(node.stop().await, leaves);
        assert_eq!(control_plane.counted("a"), if leaves { 3 } else { 0 });
    }
}
