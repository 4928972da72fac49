//! Counts: on disk before they are reported, each told until it is acknowledged, none doubled.

use std::collections::BTreeSet;
use std::fs;

use lictor_node::{CountDurability, Denial, Node, NotCounted};
use uuid::Uuid;

use crate::setting::{Setting, until};

#[tokio::test]
async fn counts_are_sums_that_a_lost_answer_does_not_double() {
    let setting = Setting::start().await;
    let meter = setting.node.meter(Some("search"));
    setting.control_plane.inside().lose_reports = 5;
    for _ in 0..50 {
        assert_eq!(meter.check(), Ok(()));
        tokio::task::yield_now().await;
    }
    let control_plane = &setting.control_plane;
    until("all are reported", || control_plane.counted("search") == 50).await;
    until("all are acknowledged", || setting.node.status().unsent == 0).await;
    // Nothing new: nothing is told again.
    let told = || {
        let inside = control_plane.inside();
        let reports = inside.reports.iter();
        reports.filter(|report| !report.counts.is_empty()).count()
    };
    let before = told();
    control_plane.push(6, crate::setting::NOW + 1, &crate::setting::content());
    let applied = || {
        control_plane
            .last_report()
            .and_then(|report| report.applied)
    };
    until("another report", || {
        applied().is_some_and(|applied| applied.revision == 6)
    })
    .await;
    assert_eq!(told(), before);
}

#[tokio::test]
async fn a_count_that_is_not_taken_stays_is_named_and_is_told_again() {
    let setting = Setting::start().await;
    let control_plane = &setting.control_plane;
    control_plane.inside().holds = Some("a".to_owned());
    setting.node.meter(Some("a")).count(3).expect("counted");
    setting.node.meter(Some("b")).count(4).expect("counted");
    let named = |problems: &[String]| {
        let words = ["refused 1 counts", "a in 2027-01: the sum is too large"];
        let mut problems = problems.iter();
        problems.any(|problem| words.iter().all(|word| problem.contains(word)))
    };
    until("it is named", || named(&setting.node.status().problems)).await;
    let told = || control_plane.last_report().map(|report| report.problems);
    until("the control plane is told", || {
        told().is_some_and(|told| named(&told))
    })
    .await;
    assert_eq!(setting.node.status().requests.get("a"), Some(&3));
    until("all others are taken", || setting.node.status().unsent == 1).await;
    control_plane.inside().holds = None;
    until("it is taken", || setting.node.status().unsent == 0).await;
    assert!(!named(&setting.node.status().problems));
}

#[tokio::test]
async fn another_start_of_the_control_plane_is_told_everything_again() {
    let mut setting = Setting::start().await;
    setting.node.meter(Some("a")).count(3).expect("counted");
    setting.node.meter(Some("b")).count(4).expect("counted");
    let counted = |setting: &Setting| {
        let control_plane = &setting.control_plane;
        (control_plane.counted("a"), control_plane.counted("b"))
    };
    until("both are reported", || counted(&setting) == (3, 4)).await;
    setting.control_plane.stop().await;
    {
        let mut inside = setting.control_plane.inside();
        inside.reports.clear();
        inside.instance = Uuid::from_u128(2);
    }
    setting.control_plane.resume().await;
    setting.node.meter(Some("a")).count(1).expect("counted");
    until("both are told again", || counted(&setting) == (4, 4)).await;
}

#[tokio::test]
async fn counts_go_on_after_a_restart() {
    let mut setting = Setting::start().await;
    setting.control_plane.stop().await;
    setting.node.meter(None).count(7).expect("counted");
    let epoch = setting.node.status().epoch;
    setting.restart().await;
    setting.node.meter(None).count(1).expect("counted");
    let status = || setting.node.status();
    until("it is on disk", || {
        status().requests.get("editor") == Some(&8)
    })
    .await;
    assert_eq!(status().epoch, epoch);
    setting.control_plane.resume().await;
    until("it is reported", || {
        setting.control_plane.counted("editor") == 8
    })
    .await;
    assert_eq!(status().problems, [""; 0]);
}

#[tokio::test]
async fn a_control_plane_that_knows_no_parts_hears_each_unanswered_start_by_itself_and_once() {
    let mut setting = Setting::start().await;
    setting.node.meter(None).count(7).expect("counted");
    let told = |setting: &Setting| setting.control_plane.counted("editor");
    until("it is reported", || told(&setting) == 7).await;
    setting.control_plane.stop().await;
    for count in [1, 2] {
        setting.restart().await;
        setting.node.meter(None).count(count).expect("counted");
    }
    setting.control_plane.inside().tells_apart = true;
    setting.control_plane.resume().await;
    until("all are told", || {
        told(&setting) == 10 && setting.node.status().unsent == 0
    })
    .await;
    let reports = &setting.control_plane.inside().reports;
    let counts = reports.iter().flat_map(|report| &report.counts);
    let epochs: BTreeSet<_> = counts.map(|count| &count.epoch).collect();
    assert_eq!(epochs.len(), 3, "{epochs:?}");
}

#[tokio::test]
async fn a_damaged_journal_begins_a_new_epoch_and_loses_nothing_that_can_be_read() {
    let mut setting = Setting::start().await;
    setting.node.meter(Some("a")).count(7).expect("counted");
    setting.node.stop().await;
    let path = setting.folder.path().join("node/counters.log");
    let mut text = fs::read_to_string(&path).expect("there");
    text.push_str("0123456789abcdef {}\n");
    fs::write(&path, &text).expect("written");
    let epoch = setting.node.status().epoch;
    setting.restart().await;
    let status = setting.node.status();
    assert_ne!(status.epoch, epoch);
    assert!(status.problems[0].contains("counters.log"));
    let kept = fs::read_to_string(path.with_file_name("counters.damaged.log"));
    assert_eq!(kept.expect("kept"), text);
    setting.node.meter(Some("a")).count(2).expect("counted");
    until("the sum is right", || {
        setting.control_plane.counted("a") == 9
    })
    .await;
}

#[tokio::test]
async fn a_month_ends_by_trusted_time() {
    let setting = Setting::start().await;
    let meter = setting.node.meter(None);
    meter.count(5).expect("counted");
    let requests = || setting.node.status().requests.get("editor").copied();
    until("it is on disk", || requests() == Some(5)).await;
    setting.clock.pass(17 * 86_400_000);
    until("the month is over", || requests().is_none()).await;
    assert_eq!(meter.check(), Ok(()));
    until("a new one begins", || requests() == Some(1)).await;
    until("both are reported", || {
        setting.control_plane.counted("editor") == 6
    })
    .await;
    let inside = setting.control_plane.inside();
    let counts = inside.reports.iter().flat_map(|report| &report.counts);
    let mut months: Vec<_> = counts
        .map(|count| (count.month.as_str(), count.count))
        .collect();
    months.sort_unstable();
    months.dedup();
    assert_eq!(months, [("2027-01", 5), ("2027-02", 1)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_durable_count_is_on_disk_when_it_is_acknowledged() {
    let mut setting = Setting::start().await;
    setting.node.stop().await;
    let mut options = setting.options();
    options.durability = CountDurability::Request;
    options.pace.flush = std::time::Duration::from_secs(3_600);
    setting.node = Node::start(options).await.expect("it starts");
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let meter = setting.node.meter(None);
            std::thread::spawn(move || (0..20).for_each(|_| meter.check().expect("counted")))
        })
        .collect();
    threads
        .into_iter()
        .for_each(|thread| thread.join().expect("it ends"));
    let path = setting.folder.path().join("node/counters.log");
    let journal = fs::read_to_string(&path).expect("there");
    assert!(journal.trim_end().ends_with("160]]}"), "{journal}");
    assert!(journal.lines().count() < 120, "some waited together");
}

#[tokio::test]
async fn a_durable_count_that_cannot_be_written_is_no_success() {
    let mut setting = Setting::start().await;
    setting.node.stop().await;
    let hindrance = setting.folder.path().join("node/counters.log.new");
    fs::create_dir(&hindrance).expect("a folder in the way");
    let mut options = setting.options();
    options.durability = CountDurability::Request;
    setting.node = Node::start(options).await.expect("it starts");
    let meter = setting.node.meter(None);
    assert_eq!(meter.check(), Err(Denial::NotCounted(NotCounted)));
    let problems = || setting.node.status().problems.join("; ");
    assert!(problems().contains("cannot be written"), "{}", problems());
    assert_eq!(setting.control_plane.counted("editor"), 0);
    fs::remove_dir(hindrance).expect("there");
    assert_eq!(meter.check(), Ok(()));
    until("it is over", || problems().is_empty()).await;
}

#[tokio::test]
async fn reports_that_are_lost_become_shorter() {
    let setting = Setting::start().await;
    setting.control_plane.inside().lose_reports = 8;
    let before = setting.control_plane.inside().reports.len();
    for service in 0..900 {
        let meter = setting.node.meter(Some(&format!("s{service}")));
        meter.count(1).expect("counted");
    }
    until("all are acknowledged", || {
        let told = setting.node.status();
        told.requests.len() == 900 && told.unsent == 0
    })
    .await;
    let inside = setting.control_plane.inside();
    let reports = inside.reports[before..].iter();
    let shortest = reports
        .map(|report| report.counts.len())
        .filter(|told| *told > 0);
    assert!(shortest.min().is_some_and(|least| least <= 20));
    assert!(setting.node.status().problems.is_empty());
}

#[tokio::test]
async fn too_many_services_are_a_problem() {
    let setting = Setting::start().await;
    for service in 0..1_001 {
        let meter = setting.node.meter(Some(&format!("s{service}")));
        meter.count(1).expect("counted");
    }
    let problems = || setting.node.status().problems.join("; ");
    until("it says so", || problems().contains("(other)")).await;
}

#[tokio::test]
async fn services_without_room_are_told_among_the_others_once_whoever_is_restarted() {
    let mut setting = Setting::start().await;
    setting.control_plane.inside().room = Some(2);
    let count = |setting: &Setting, service: &str, count| {
        let meter = setting.node.meter(Some(service));
        meter.count(count).expect("counted");
    };
    for (service, more) in [("a", 1), ("b", 2), ("c", 4), ("d", 8)] {
        count(&setting, service, more);
        until("it is answered", || setting.node.status().unsent == 0).await;
    }
    let told = |setting: &Setting| {
        let told = |service| setting.control_plane.counted(service);
        ["a", "b", "c", "d", "(other)"].map(told)
    };
    until("the others are told", || told(&setting) == [1, 2, 0, 0, 12]).await;
    let problems = setting.node.status().problems.join("; ");
    assert!(problems.contains("no room for 2 services"), "{problems}");
    // It knows what is meant here and says so.
    assert_eq!(setting.node.status().requests.get("d"), Some(&8));
    count(&setting, "d", 16);
    count(&setting, "e", 32);
    setting.control_plane.inside().lose_reports = 3;
    setting.restart().await;
    count(&setting, "c", 64);
    until("all are told", || told(&setting) == [1, 2, 0, 0, 124]).await;
    // Room again, and a start that knows nothing: what went among the others stays there.
    setting.control_plane.stop().await;
    {
        let mut inside = setting.control_plane.inside();
        (inside.room, inside.instance) = (None, Uuid::from_u128(2));
        inside.reports.clear();
    }
    setting.control_plane.resume().await;
    count(&setting, "c", 128);
    count(&setting, "f", 1);
    until("all are told again", || told(&setting) == [1, 2, 0, 0, 252]).await;
    until("a new one, too", || setting.control_plane.counted("f") == 1).await;
}
