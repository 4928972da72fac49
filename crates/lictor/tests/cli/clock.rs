//! A clock that says a year that no date has: nothing panics, and what is wrong is said.

use std::path::{Path, PathBuf};
use std::process::Command;

use lictor_testkit::{Folder, Request, Running, command, refusal, result, serve};

use super::server::Server;
use super::{issue, vendor, write};

/// Behind 9999, and before 1970, as libfaketime is told.
const NOWHERE: [&str; 2] = ["+8000y", "-60y"];

/// A clock that can be turned while a process reads it.
struct Turned(PathBuf);

impl Turned {
    fn new(folder: &Path) -> Self {
        let turned = Self(folder.join("clock"));
        turned.to("+0");
        turned
    }

    /// Turns it, also for a process that runs.
    fn to(&self, text: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, format!("{text}\n")).expect("written");
        // In one step: nobody may read half of it.
        std::fs::rename(new, &self.0).expect("renamed");
    }

    /// Puts a process under it.
    fn over<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", &self.0)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1")
    }
}

/// Debian has it in a folder that is named after the machine.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a folder");
    let files = folders.flatten();
    let mut files = files.map(|folder| folder.path().join("faketime/libfaketimeMT.so.1"));
    let found = files.find(|file| file.exists());
    found.expect("libfaketime is there: install the package faketime")
}

#[test]
fn commands_and_processes_refuse_to_start_by_a_clock_without_a_date() {
    let folder = Folder::new();
    let turned = Turned::new(folder.path());
    let data = folder.path().join("data").display().to_string();
    for time in NOWHERE {
        turned.to(time);
        for words in [
            &["serve", "--data", &data][..],
            &[
                "node",
                "run",
                "--data",
                &data,
                "--control-plane",
                "http://127.0.0.1:9",
            ],
            &["demo"],
            &[
                "license",
                "list",
                "--url",
                "https://127.0.0.1:9",
                "--token",
                "t",
            ],
            &["check", "--data", &data],
            &["key", "generate", "--out", &data],
        ] {
            let mut command = command();
            let output = turned.over(command.args(words)).output().expect("runs");
            let said = refusal(&output, 2);
            assert!(
                said.contains("1970 to 9999") && !said.contains("panicked"),
                "{said}"
            );
        }
    }
    assert!(!Path::new(&data).exists());
}

/// What a process answers on a new connection, and on one that was open when its clock was turned.
fn assert_lives(running: &Running, turned: &Turned, url: &str, path: &str, status: u16) {
    use std::io::{Read as _, Write as _};
    let request = Request::new(url, "GET", path);
    assert_eq!(request.send().status, status);
    for time in NOWHERE {
        let address = url.strip_prefix("http://").expect("plain HTTP");
        let mut open = std::net::TcpStream::connect(address).expect("it listens");
        let head = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
        open.write_all(head.as_bytes()).expect("sent");
        let mut first = [0; 9];
        open.read_exact(&mut first).expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 ");
        turned.to(time);
        // It is closed, with or without its last words.
        let _ = open.write_all(head.as_bytes());
        let _ = open.read_to_end(&mut Vec::new());
        for _ in 0..20 {
            let refused = request.send();
            assert_eq!(refused.status, 503, "{time}");
            assert!(
                refused.text().contains("1970 to 9999"),
                "{}",
                refused.text()
            );
        }
        turned.to("+0");
        assert_eq!(request.send().status, status);
    }
    running.signal("TERM");
}

#[test]
fn a_server_whose_clock_leaves_the_calendar_says_so_and_goes_on_when_it_is_right_again() {
    let folder = Folder::new();
    let turned = Turned::new(folder.path());
    let mut server = serve(&folder.path().join("data"));
    let running = Running::start(turned.over(&mut server));
    let url = running.listening();
    assert_lives(&running, &turned, &url, "/healthz", 200);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn a_node_whose_clock_leaves_the_calendar_says_so_and_goes_on_when_it_is_right_again() {
    let server = Server::start(&[]);
    let folder = server.data().parent().expect("a folder").to_owned();
    let (key, public) = vendor(&folder, "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    let file = server.file("license.json");
    write(&file, &issue(&key, &[]));
    result(&server.lictor(&["license", "add", &file]));
    let token = result(&server.lictor(&["node", "enroll", "--name", "edge-1"]));
    let turned = Turned::new(&folder);
    let mut node = command();
    node.args([
        "node",
        "run",
        "--listen",
        "127.0.0.1:0",
        "--control-plane",
        server.url(),
    ])
    .args(["--data", &server.file("node")])
    .env("LICTOR_ENROLL", token);
    let running = Running::start(turned.over(&mut node));
    let url = running.listening();
    assert_lives(&running, &turned, &url, "/check?service=orders", 204);
    let (status, log) = running.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(!log.contains("panicked"), "{log}");
}
