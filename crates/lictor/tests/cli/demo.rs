//! `lictor demo`: what it prints works, and nothing stays behind.

use std::io::{BufRead as _, Read as _};
use std::path::Path;
use std::process::Command;

use lictor_testkit::{Folder, Running, command};

/// Starts the demo with a folder of its own for temporary files, and reads until its last line.
fn start(folder: &Path) -> (Running, String) {
    let mut running = Running::start(command().arg("demo").env("TMPDIR", folder));
    let mut guide = String::new();
    let mut out = running.stdout();
    while !guide.ends_with("  lictor report\n") {
        let read = out.read_line(&mut guide).expect("text");
        assert_ne!(read, 0, "{guide}");
    }
    (running, guide)
}

#[test]
fn the_lines_it_prints_work() {
    let folder = Folder::new();
    let (running, guide) = start(folder.path());
    let lines: Vec<&str> = guide
        .lines()
        .filter(|line| line.starts_with("  "))
        .collect();
    let at = lines
        .iter()
        .position(|line| line.contains("export"))
        .expect("exports");
    assert!(
        lines[at..]
            .iter()
            .filter(|line| line.contains("curl"))
            .count()
            >= 8,
        "{guide}"
    );
    let script = lines[at..]
        .join("\n")
        .replace("curl -s", "curl --fail-with-body -s");
    let ran = Command::new("sh")
        .args(["-e", "-c", &script])
        .output()
        .expect("sh runs");
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    assert!(
        ran.status.success(),
        "{out}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
    for word in [
        "license_key",
        "in force",
        "waiting",
        "expired",
        "superseded",
        "gateway-pro",
        "days left",
        "204 No Content",
        "lictor-reason: feature",
        "edge-1",
    ] {
        assert!(out.contains(word), "{word}:\n{out}");
    }
    running.signal("INT");
    let (status, log) = running.end();
    assert!(status.success(), "{log}");
}

#[test]
fn nothing_stays_behind() {
    let folder = Folder::new();
    for signal in ["INT", "TERM", "HUP"] {
        let (running, guide) = start(folder.path());
        let inside = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(inside, 1, "{guide}");
        running.signal(signal);
        let (status, log) = running.end();
        assert!(status.success(), "{signal}: {log}");
        let left: Vec<_> = std::fs::read_dir(folder.path())
            .expect("a folder")
            .collect();
        assert!(left.is_empty(), "{signal}: {left:?}");
    }
}

#[test]
fn it_tells_scripts_where_it_is() {
    let mut running = Running::start(command().args(["demo", "--json"]));
    let mut text = String::new();
    let mut out = running.stdout();
    while !text.ends_with("}\n") {
        assert_ne!(out.read_line(&mut text).expect("text"), 0, "{text}");
    }
    let told: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert!(
        told["url"]
            .as_str()
            .is_some_and(|url| url.starts_with("http://127.0.0.1:"))
    );
    running.signal("INT");
    let mut rest = String::new();
    out.read_to_string(&mut rest).expect("text");
    assert!(running.end().0.success());
}
