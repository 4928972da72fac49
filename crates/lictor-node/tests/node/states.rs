//! States as they come over the network.

use hyper::StatusCode;
use lictor_core::feed::{Audience, Failure, FailureCode, Mode, StateTerms, sign};
use lictor_node::{Denial, Reason};
use uuid::Uuid;

use crate::control_plane::signed;
use crate::setting::{LICENSE, NOW, ORGANIZATION, Setting, content, key, unlicensed, until};

#[tokio::test]
async fn a_pushed_state_is_in_force_and_reported() {
    let setting = Setting::start().await;
    let meter = setting.node.meter(None);
    setting.control_plane.push(6, NOW + 1, &unlicensed());
    until("it is taken", || setting.revision() == Some(6)).await;
    assert_eq!(meter.check(), Err(Denial::Refused(Reason::Unlicensed)));
    setting.control_plane.push(7, NOW + 2, &content());
    until("it is taken", || setting.revision() == Some(7)).await;
    assert_eq!(meter.check(), Ok(()));
    let reported = || {
        let report = setting.control_plane.last_report();
        report
            .and_then(|report| report.applied)
            .map(|applied| (applied.revision, applied.issued_at))
    };
    until("it is reported", || reported() == Some((7, NOW + 2))).await;
    until("its count too", || {
        setting.control_plane.counted("editor") == 1
    })
    .await;
    // The same again, signed later.
    setting.control_plane.push(7, NOW + 60, &content());
    let signed_at = || setting.node.status().state.map(|state| state.issued_at);
    until("it is taken", || signed_at() == Some(NOW + 60)).await;
    // That is no news.
    assert_eq!(reported(), Some((7, NOW + 2)));
    setting.node.meter(None).count(1).expect("it counts");
    until("it is told with the next", || {
        reported() == Some((7, NOW + 60))
    })
    .await;
}

#[tokio::test]
async fn a_state_that_is_not_good_is_refused_and_the_last_good_one_stays() {
    let setting = Setting::start().await;
    let control_plane = &setting.control_plane;
    control_plane.push(6, NOW + 1, &content());
    until("it is taken", || setting.revision() == Some(6)).await;
    let good = signed(&key(90), 7, NOW + 2, false, &content());
    let foreign = StateTerms {
        audience: Audience {
            organization: ORGANIZATION,
            node: Uuid::from_u128(9),
        },
        revision: 7,
        issued_at: NOW + 2,
        expires_at: NOW + 99,
        revoked: false,
    };
    let foreign = sign(&key(90), &foreign, &content().to_text().expect("a text"));
    for (word, text) in [
        ("older", signed(&key(90), 5, NOW + 9, false, &unlicensed())),
        (
            "other_content",
            signed(&key(90), 6, NOW + 9, false, &unlicensed()),
        ),
        ("repeated", signed(&key(90), 6, NOW - 1, false, &content())),
        ("other_audience", foreign.expect("a text")),
        (
            "other_key",
            signed(&key(91), 7, NOW + 2, false, &unlicensed()),
        ),
        (
            "bad_signature",
            good.replace("\"state_revision\":7", "\"state_revision\":8"),
        ),
        ("unreadable", good[..good.len() / 2].to_owned()),
        (
            "expired",
            signed(&key(90), 7, NOW - 86_400, false, &content()),
        ),
    ] {
        control_plane.send(&text);
        let refused = || setting.node.status().states_refused.contains_key(word);
        until(word, refused).await;
        assert_eq!(setting.revision(), Some(6), "{word}");
        assert_eq!(setting.node.meter(None).check(), Ok(()), "{word}");
    }
    let told = || {
        control_plane
            .last_report()
            .is_some_and(|report| !report.problems.is_empty())
    };
    until("it is reported", told).await;
    control_plane.send(&good);
    until("it is taken", || setting.revision() == Some(7)).await;
    until("it is over", || !told()).await;
}

#[tokio::test]
async fn a_revoked_node_is_restricted_at_once_and_stays_so() {
    let mut setting = Setting::start().await;
    let meter = setting.node.meter(None);
    assert_eq!(meter.check(), Ok(()));
    setting.control_plane.revoke(NOW);
    let restricted = Err(Denial::Refused(Reason::Restricted));
    until("it is restricted", || meter.check() == restricted).await;
    setting.control_plane.stop().await;
    setting.restart().await;
    assert_eq!(setting.node.meter(None).check(), restricted);
    let status = setting.node.status();
    assert!(status.revoked && !status.problems.is_empty());
}

#[tokio::test]
async fn a_node_goes_on_while_it_is_cut_off_and_comes_back_by_itself() {
    let mut setting = Setting::start().await;
    let meter = setting.node.meter(None);
    setting.control_plane.stop().await;
    until("it notices", || !setting.node.status().connected).await;
    assert_eq!(meter.check(), Ok(()));
    setting.clock.pass(600_000);
    until("it is stale", || setting.node.status().mode == Mode::Stale).await;
    assert_eq!(meter.check(), Ok(()));
    setting.control_plane.push(8, NOW + 600, &content());
    setting.control_plane.resume().await;
    until("it is back", || setting.revision() == Some(8)).await;
    until("it is fresh", || setting.node.status().mode == Mode::Fresh).await;
    setting.control_plane.cut();
    until("it asks again", || {
        setting.control_plane.inside().opened.len() >= 3
    })
    .await;
    let opened = setting.control_plane.inside().opened.clone();
    let last = opened.last().expect("it was opened");
    assert_eq!(last["last-event-id"], "8");
    assert_eq!(last["lictor-node-formats"], "1");
}

#[tokio::test]
async fn where_events_do_not_come_through_the_newest_state_is_asked_for() {
    let mut setting = Setting::start().await;
    setting.node.stop().await;
    setting.control_plane.inside().no_events = true;
    let mut options = setting.options();
    options.pace.poll = std::time::Duration::from_millis(20);
    setting.node = lictor_node::Node::start(options).await.expect("it starts");
    setting.control_plane.push(6, NOW + 1, &unlicensed());
    until("it is taken", || setting.revision() == Some(6)).await;
    let asked = setting.control_plane.inside().asked;
    until("it goes on", || {
        setting.control_plane.inside().asked > asked + 3
    })
    .await;
    assert_eq!(setting.node.status().states_refused.len(), 0);
}

#[tokio::test]
async fn where_something_holds_the_feed_back_states_are_asked_for_and_that_is_said() {
    let mut setting = Setting::start().await;
    setting.node.stop().await;
    setting.control_plane.inside().holds_back = true;
    let mut options = setting.options();
    options.pace.begin = std::time::Duration::from_millis(50);
    setting.node = lictor_node::Node::start(options).await.expect("it starts");
    let problems = || setting.node.status().problems.join("; ");
    let says = || problems().contains("proxy_buffering off");
    until("it says so", says).await;
    let control_plane = &setting.control_plane;
    for revision in [6, 7] {
        let key = key(90);
        let issued_at = NOW + i64::from(revision == 7);
        let state = signed(&key, revision, issued_at, false, &unlicensed());
        control_plane.inside().state = state;
        until("it is taken", || setting.revision() == Some(revision)).await;
        assert!(says(), "it lasts: {}", problems());
    }
    let asked =
        |headers: &hyper::HeaderMap| headers.get("prefer").is_some_and(|it| it == "wait=20");
    let preferred = control_plane.inside().preferred.clone();
    assert!(!preferred.is_empty() && preferred.iter().all(asked));
    // It is over once the feed flows.
    control_plane.inside().holds_back = false;
    setting.connected().await;
    until("it is over", || !says()).await;
}

#[tokio::test]
async fn a_refused_state_is_not_fetched_with_every_question_while_the_feed_is_held_back() {
    let mut setting = Setting::start().await;
    setting.node.stop().await;
    setting.control_plane.inside().holds_back = true;
    let mut options = setting.options();
    options.pace.begin = std::time::Duration::from_millis(50);
    options.pace.between_polls = std::time::Duration::from_millis(5);
    options.pace.poll = std::time::Duration::from_secs(120);
    setting.node = lictor_node::Node::start(options).await.expect("it starts");
    let says = |what: &str| setting.node.status().problems.join("; ").contains(what);
    until("it is held back", || says("proxy_buffering off")).await;
    let control_plane = &setting.control_plane;
    control_plane.inside().state = "damaged".to_owned();
    until("it is refused", || says("a state was refused")).await;
    let (asked, fetched) = {
        let inside = control_plane.inside();
        (inside.asked, inside.fetched)
    };
    until("it goes on", || control_plane.inside().asked > asked + 9).await;
    assert_eq!(control_plane.inside().fetched, fetched);
    assert!(says("a state was refused"), "it lasts");
    let good = signed(&key(90), 6, NOW, false, &unlicensed());
    control_plane.inside().state = good;
    until("it is taken", || setting.revision() == Some(6)).await;
    assert!(!says("a state was refused"));
}

#[tokio::test]
async fn a_node_that_has_nothing_to_report_notices_what_holds_the_feed_back_with_its_head() {
    let mut setting = Setting::start().await;
    setting.node.stop().await;
    setting.control_plane.inside().holds_heads = true;
    let mut options = setting.options();
    let millis = std::time::Duration::from_millis;
    options.pace.begin = millis(50);
    // Longer than an answer takes.
    options.pace.reconnect = (millis(200), millis(300));
    options.pace.report = std::time::Duration::from_secs(600);
    setting.node = lictor_node::Node::start(options).await.expect("it starts");
    let problems = || setting.node.status().problems.join("; ");
    until("it says so", || problems().contains("proxy_buffering off")).await;
}

#[tokio::test]
async fn a_node_that_is_not_known_any_more_says_what_to_do_and_decides() {
    let setting = Setting::start().await;
    let failure = Failure {
        code: FailureCode::Unauthorized,
        message: "who are you".to_owned(),
        state: None,
        instance: None,
    };
    setting.control_plane.inside().refusal = Some((StatusCode::UNAUTHORIZED, failure));
    setting.control_plane.cut();
    let problems = || setting.node.status().problems.join("; ");
    until("it says so", || problems().contains("lictor node enroll")).await;
    assert_eq!(setting.node.meter(None).check(), Ok(()));
    {
        // The right backup is put back, and the server started again.
        let mut inside = setting.control_plane.inside();
        (inside.refusal, inside.instance) = (None, Uuid::from_u128(2));
    }
    setting.connected().await;
    until("it is over", || problems().is_empty()).await;
}

#[tokio::test]
async fn a_feed_that_says_nothing_is_asked_for_again() {
    let mut setting = Setting::start().await;
    setting.node.stop().await;
    let mut options = setting.options();
    options.pace.silence = std::time::Duration::from_millis(30);
    setting.node = lictor_node::Node::start(options).await.expect("it starts");
    let opened = setting.control_plane.inside().opened.len();
    let again = || setting.control_plane.inside().opened.len() > opened + 2;
    until("it asks again", again).await;
    assert_eq!(setting.node.meter(None).check(), Ok(()));
}

#[tokio::test]
async fn a_state_that_the_feed_does_not_bring_is_asked_for() {
    let setting = Setting::start().await;
    let (control_plane, meter) = (&setting.control_plane, setting.node.meter(None));
    let opened = control_plane.inside().opened.len();
    let key = key(90);
    control_plane.hold_back(6, &signed(&key, 6, NOW + 1, false, &unlicensed()));
    // The next report is answered with its revision.
    let _ = meter.check();
    until("it is taken", || setting.revision() == Some(6)).await;
    assert_eq!(control_plane.inside().opened.len(), opened);
    // One that is refused is not asked for at each report.
    control_plane.hold_back(7, &signed(&key, 5, NOW + 2, false, &content()));
    let refused = || setting.node.status().states_refused.contains_key("older");
    until("it is refused", || {
        meter.count(1).expect("it counts");
        refused()
    })
    .await;
    let asked = control_plane.inside().asked;
    let reported = control_plane.inside().reports.len();
    until("it reports", || {
        meter.count(1).expect("it counts");
        control_plane.inside().reports.len() > reported + 5
    })
    .await;
    assert_eq!(control_plane.inside().asked, asked);
}

#[tokio::test]
async fn a_feed_that_was_silent_while_reports_were_lost_is_opened_again() {
    let setting = Setting::start().await;
    let (control_plane, meter) = (&setting.control_plane, setting.node.meter(None));
    let opened = control_plane.inside().opened.len();
    control_plane.inside().lose_reports = 2;
    meter.count(1).expect("it counts");
    let again = || control_plane.inside().opened.len() > opened;
    until("it is opened again", again).await;
    assert_eq!(control_plane.inside().lose_reports, 0);
    // Once is enough.
    let reported = control_plane.inside().reports.len();
    until("it reports", || {
        meter.count(1).expect("it counts");
        control_plane.inside().reports.len() > reported + 5
    })
    .await;
    assert_eq!(control_plane.inside().opened.len(), opened + 1);
}

#[tokio::test]
async fn a_revocation_counts_whatever_revision_it_has() {
    let mut setting = Setting::start().await;
    setting.control_plane.push(9, NOW + 60, &content());
    until("it is taken", || setting.revision() == Some(9)).await;
    // By a control plane that was restored from a backup, with a clock that was set back.
    setting.control_plane.revoke(NOW - 90_000);
    let restricted = Err(Denial::Refused(Reason::Restricted));
    let meter = setting.node.meter(None);
    until("it is restricted", || meter.check() == restricted).await;
    assert_eq!(setting.revision(), Some(9));
    setting.restart().await;
    assert_eq!(setting.node.meter(None).check(), restricted);
    assert!(setting.node.status().revoked);
}

#[tokio::test]
async fn a_license_by_a_key_that_is_not_trusted_here_is_a_problem() {
    let setting = Setting::start().await;
    let mut foreign = content();
    let known = content().licenses[0].payload.clone();
    let claims = lictor_core::Document::parse(&known).expect("a document");
    foreign.licenses[0].payload = key(2).sign(claims.payload());
    setting.control_plane.push(6, NOW + 1, &foreign);
    let problems = || setting.node.status().problems.join("; ");
    until("it says so", || problems().contains("lictor key rotate")).await;
    assert!(problems().contains(&LICENSE.to_string()), "{}", problems());
    setting.control_plane.push(7, NOW + 2, &content());
    until("it is over", || problems().is_empty()).await;
}

#[tokio::test]
async fn a_control_plane_that_cannot_be_reached_is_a_problem_until_it_can() {
    let mut setting = Setting::start().await;
    setting.control_plane.stop().await;
    let problems = || setting.node.status().problems.join("; ");
    until("it says so", || problems().contains("cannot be reached")).await;
    assert!(problems().contains(&setting.control_plane.url()));
    setting.control_plane.resume().await;
    until("it is over", || setting.node.status().problems.is_empty()).await;
}
