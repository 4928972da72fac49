//! More nodes than the license grants: all go on, and everybody is told.

use lictor_testkit::{OPERATOR, claims, command, result};

use crate::harness::{Joined as _, Server};
use crate::planes::{Plane, soon};

fn says(text: &str) -> bool {
    // Words may be broken between lines.
    let words: Vec<_> = text.split_whitespace().collect();
    words.join(" ").contains("3 of 1 nodes: more are enrolled")
}

#[test]
fn more_nodes_than_the_license_grants_go_on_and_everybody_is_told() {
    let server = Server::start();
    let mut license = claims("Konnect");
    license.dataplanes = Some(3);
    server.license(&license);
    let plane = Plane::of(&server, "edge-1", &[]);
    server.node("edge-2");
    server.enroll("edge-3");
    plane.until(None);
    assert_eq!(server.shown("edge-1")["nodes"], 3);
    let lists = || ["node", "application"].map(|of| result(&server.lictor(&[of, "list"])));
    assert!(
        !lists()
            .iter()
            .any(|list| list.contains("more are enrolled"))
    );
    license.dataplanes = Some(1);
    server.license(&license);

    let shown = [
        server.shown("edge-1"),
        server.get("/v1/applications/konnect"),
        server.get("/v1/applications")["data"][0].clone(),
        server.get("/v1/nodes")["data"][2].clone(),
    ];
    for shown in shown {
        assert_eq!(
            (&shown["nodes"], &shown["node_limit"]),
            (&3.into(), &1.into())
        );
    }
    for list in lists() {
        assert!(says(&list), "{list}");
        assert_eq!(list.matches("more are").count(), 1, "{list}");
    }
    // Also where the rows of others are wrapped it is said of whom.
    let name = "the editor ".repeat(12);
    result(&server.lictor(&["application", "create", "editor", "--name", name.trim()]));
    let mut narrow = command();
    narrow
        .env("LICTOR_URL", &server.url)
        .env("LICTOR_TOKEN", OPERATOR)
        .env("COLUMNS", "60");
    let list = result(
        &narrow
            .args(["application", "list"])
            .output()
            .expect("lictor runs"),
    );
    let (_, end) = list.rsplit_once("konnect: ").expect("it is named");
    assert!(says(end) && end.trim_end().ends_with("more"), "{list}");
    let metrics = server.call("GET", "/metrics").expect(200);
    let of = r#"{organization="default",application="konnect"}"#;
    for line in [
        format!("lictor_nodes_enrolled{of} 3"),
        format!("lictor_nodes_granted{of} 1"),
    ] {
        assert!(metrics.text().lines().any(|found| found == line), "{line}");
    }
    // Once the server saw it, the answer to the next report tells it.
    let told = || {
        plane.ask("GET", "/check").expect(204);
        says(&plane.problems())
    };
    assert!((0..4).any(|_| soon(told)), "{}", plane.status());
    let metrics = plane.ask("GET", "/metrics").expect(200);
    assert!(metrics.text().contains("lictor_node_beyond_license 1"));
    assert_eq!(plane.check(""), None, "it goes on");

    // Each start of the server logs it once, though it is asked and reports go on.
    let mut restarted = server.restart_at_its_address();
    plane.until_status(|status| status["connected"] == true);
    for _ in 0..3 {
        restarted.get("/v1/nodes");
        restarted.call("GET", "/metrics").expect(200);
    }
    restarted.running.child.kill().expect("it runs");
    let log = restarted.running.log();
    assert_eq!(log.matches("3 of 1 nodes").count(), 1, "{log}");
}
