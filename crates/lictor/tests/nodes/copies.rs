//! Folders that are copied, and older ones that are put back: every request counts once, and whoever
//! runs so is named.

use std::cell::Cell;
use std::fs;
use std::path::Path;

use lictor_testkit::{Answer, result};
use serde_json::{Value, json};

use crate::harness::Server;
use crate::planes::{Plane, soon};

const DURABLE: [&str; 2] = ["--count-durability", "request"];

/// Copies what a folder holds, over what is there.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for file in fs::read_dir(from).expect("a folder") {
        let file = file.expect("a file");
        fs::copy(file.path(), to.join(file.file_name())).expect("copied");
    }
}

fn count(plane: &Plane, count: u64) {
    let body = json!({ "counts": [{ "service": "orders", "count": count }] });
    plane.ask("POST", "/usage").json(&body).expect(204);
}

/// Waits until the usage and the list of nodes both say this many requests.
#[track_caller]
fn until_counted(server: &Server, count: u64) {
    let all = || {
        server.get("/v1/usage")["total_requests"] == count
            && server.shown("edge-1")["requests_this_month"] == count
    };
    let usage = || server.get("/v1/usage");
    assert!(soon(all), "{}\n{}", usage(), server.shown("edge-1"));
}

fn has_line(metrics: &str, line: &str) -> bool {
    metrics.lines().any(|found| found == line)
}

/// Whether the server's metrics and list and the node's metrics and status say that its folder is a copy, or
/// an older one.
fn copied(server: &Server, plane: &Plane) -> [bool; 4] {
    let has = |metrics: &Answer, line| has_line(metrics.text(), line);
    [
        has(
            &server.call("GET", "/metrics").expect(200),
            "lictor_nodes_copied 1",
        ),
        server.shown("edge-1")["copied"] == true,
        has(
            &plane.ask("GET", "/metrics").expect(200),
            "lictor_node_copied 1",
        ),
        plane.status()["copied"] == true,
    ]
}

#[test]
fn every_request_of_a_copied_folder_counts_once_and_both_copies_are_named() {
    let server = Server::licensed();
    let first = Plane::of(&server, "edge-1", &DURABLE);
    count(&first, 50);
    until_counted(&server, 50);
    copy(&first.folder, &server.folder.path().join("copy"));
    count(&first, 60);
    let second = Plane::start(&server, "copy", &DURABLE);
    count(&second, 70);
    count(&first, 40);
    until_counted(&server, 220);
    first.until_status(|status| status["lives"] == 2);
    // The other one hears of it with its next report.
    count(&second, 1);
    for plane in [&first, &second] {
        plane.until_status(|status| status["lives"] == 2 && status["unsent"] == 0);
        let problems = plane.problems();
        assert!(problems.contains("runs 2 times at once"), "{problems}");
        let metrics = plane.ask("GET", "/metrics").expect(200);
        assert!(has_line(metrics.text(), "lictor_node_lives 2"));
        assert!(has_line(metrics.text(), "lictor_node_copied 1"));
        assert_eq!(plane.status()["copied"], true);
    }
    assert_ne!(first.status()["epoch"], second.status()["epoch"]);
    let shown = server.shown("edge-1");
    assert_eq!(shown["instances"], 2, "{shown}");
    let listed = result(&server.lictor(&["node", "list"]));
    assert!(listed.contains("it runs 2 times at once"), "{listed}");
    let metrics = server.call("GET", "/metrics").expect(200);
    assert!(has_line(metrics.text(), "lictor_nodes_copied 1"));
    // Each goes on where it is, also when it is killed.
    let (first, second) = (first.restart(), second.restart());
    count(&first, 5);
    count(&second, 6);
    until_counted(&server, 232);
    let usage = server.get("/v1/usage");
    assert_eq!(usage["data"].as_array().map(Vec::len), Some(2), "{usage}");
}

#[test]
fn an_older_folder_that_is_put_back_loses_no_count_and_is_named() {
    let server = Server::licensed();
    let mut plane = Plane::of(&server, "edge-1", &DURABLE);
    let kept = server.folder.path().join("kept");
    let mut sum = 0;
    // Over the files that are there, then in a folder made anew.
    for anew in [false, true] {
        count(&plane, 110);
        until_counted(&server, sum + 110);
        assert!(sum > 0 || copied(&server, &plane) == [false; 4]);
        copy(&plane.folder, &kept);
        plane = plane.restart();
        count(&plane, 40);
        until_counted(&server, sum + 150);
        plane = plane.restart_after(|folder| {
            if anew {
                fs::remove_dir_all(folder).expect("removed");
            }
            copy(&kept, folder);
        });
        count(&plane, 130);
        sum += 280;
        until_counted(&server, sum);
        let named = |status: &Value| status["problems"].to_string().contains("was put back");
        plane.until_status(named);
        let found = || copied(&server, &plane) == [true; 4];
        assert!(soon(found), "{:?}", copied(&server, &plane));
        let listed = || result(&server.lictor(&["node", "list"]));
        // Words may be broken between lines.
        let is_named = || listed().contains("older");
        assert!(soon(is_named), "{}", listed());
    }
    assert_eq!(plane.status()["lives"], 1);
}

#[test]
fn a_node_that_is_killed_and_started_again_goes_on_in_its_epoch() {
    let server = Server::licensed();
    let mut plane = Plane::of(&server, "edge-1", &DURABLE);
    let mut server = Some(server);
    for round in 1..=6 {
        count(&plane, 10);
        // Also where nobody judges the start, before it ends.
        if round == 3 {
            let folder = server.take().expect("it runs");
            let address = folder.url.clone();
            let folder = folder.kill();
            for _ in 0..3 {
                plane = plane.restart();
                count(&plane, 10);
            }
            server = Some(Server::at(&address, folder));
        }
        plane = plane.restart();
    }
    let server = server.expect("it runs");
    until_counted(&server, 90);
    let usage = server.get("/v1/usage");
    assert_eq!(usage["data"].as_array().map(Vec::len), Some(1), "{usage}");
    assert!(!plane.problems().contains("copy"), "{}", plane.problems());
}

#[test]
fn what_was_counted_while_the_control_plane_was_away_counts_once_in_all_copies() {
    // Whoever is heard of first, the folder or its copies.
    for copies_first in [false, true] {
        let server = Server::licensed();
        let plane = Plane::of(&server, "edge-1", &DURABLE);
        count(&plane, 50);
        until_counted(&server, 50);
        let (address, folder) = (server.url.clone(), server.kill());
        let plane = plane.restart();
        count(&plane, 30);
        // One copy is made before more is counted, and one after; one runs, and one is started later.
        let (early, late) = (folder.path().join("early"), folder.path().join("late"));
        copy(&plane.folder, &early);
        count(&plane, 20);
        copy(&plane.folder, &late);
        let first = Plane::beside(&plane, early);
        count(&first, 7);
        let first = first.restart();
        count(&first, 5);
        let told = |plane: &Plane| plane.until_status(|status| status["unsent"] == 0);
        let mut server = None;
        let plane = if copies_first {
            plane.restart_after(|_| {
                server = Some(Server::at(&address, folder));
                told(&first);
            })
        } else {
            server = Some(Server::at(&address, folder));
            told(&plane);
            plane
        };
        count(&plane, 3);
        let second = Plane::beside(&plane, late);
        count(&second, 1);
        let server = server.expect("it runs");
        let counted = 50 + 30 + 20 + 7 + 5 + 3 + 1;
        until_counted(&server, counted);
        // Each hears of the others with its next report.
        let (planes, more) = ([&plane, &first, &second], Cell::new(0));
        let all_named = || {
            for plane in planes {
                count(plane, 1);
            }
            more.set(more.get() + 3);
            planes.iter().all(|plane| plane.status()["lives"] == 3)
        };
        assert!(soon(all_named), "{}", plane.status());
        until_counted(&server, counted + more.get());
        // One for each folder that counts.
        let usage = server.get("/v1/usage");
        assert_eq!(usage["data"].as_array().map(Vec::len), Some(3), "{usage}");
    }
}

#[test]
fn an_older_folder_of_a_start_that_nobody_had_answered_loses_no_count_and_is_named() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &DURABLE);
    count(&plane, 50);
    until_counted(&server, 50);
    let (address, folder) = (server.url.clone(), server.kill());
    let kept = folder.path().join("kept");
    let plane = plane.restart();
    count(&plane, 30);
    copy(&plane.folder, &kept);
    count(&plane, 20);
    let server = Server::at(&address, folder);
    until_counted(&server, 100);
    let plane = plane.restart_after(|folder| copy(&kept, folder));
    count(&plane, 7);
    until_counted(&server, 107);
    let named = |status: &Value| status["problems"].to_string().contains("was put back");
    plane.until_status(named);
}

#[test]
fn a_journal_that_an_older_version_went_on_with_is_called_no_copy() {
    let server = Server::licensed();
    let plane = Plane::of(&server, "edge-1", &DURABLE);
    count(&plane, 50);
    until_counted(&server, 50);
    let epoch = plane.status()["epoch"].clone();
    let (address, month) = (server.url.clone(), server.month());
    let (mut server, mut away) = (Some(server), None);
    let plane = plane.restart_after(|folder| {
        let journal = folder.join("counters.log");
        let epoch = epoch.as_str().expect("text");
        // As a version wrote it that did not name its starts.
        let lines = [
            format!(r#"{{"epoch":"{epoch}"}}"#),
            format!(r#"{{"epoch":"{epoch}","counts":[["orders","{month}",60]]}}"#),
        ];
        let lines = lines.map(|json| {
            let sum = lictor_core::digest::Digest::of(json.as_bytes()).to_string();
            format!("{} {json}\n", &sum[..16])
        });
        fs::write(journal, lines.concat()).expect("written");
        // Nor where it is killed before anybody judged it.
        away = Some(server.take().expect("it runs").kill());
    });
    count(&plane, 2);
    let plane = plane.restart_after(|_| {
        server = Some(Server::at(&address, away.take().expect("kept")));
    });
    let server = server.expect("it runs");
    count(&plane, 3);
    until_counted(&server, 65);
    plane.until_status(|status| status["unsent"] == 0);
    assert!(!plane.problems().contains("copy"), "{}", plane.problems());
}
