//! `lictor account import` that ends early: it says what is stored, and the same file again goes on.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use lictor_testkit::{binary, command, result};
use serde_json::{Value, json};

use super::import::{accounts, import, said, tally};
use super::server::Server;

/// A file with so many accounts.
fn people(count: usize) -> String {
    let mut file = "email\n".to_owned();
    for number in 0..count {
        writeln!(file, "person-{number}@example.com").expect("written");
    }
    file
}

/// Whether the organization may have so many entries a day.
fn limit_entries(server: &Server, limit: u64) {
    let quotas = json!({ "limits": { "entries-per-day": limit } });
    let answer = server.ask("PATCH", "/v1/organizations/default", &quotas);
    assert_eq!(answer.status, 200);
}

#[test]
fn an_import_that_the_server_ends_between_its_parts_says_what_is_stored() {
    let server = Server::start(&[]);
    limit_entries(&server, 1_300);
    let file = people(2_500);
    let output = import(&server, file.as_bytes(), &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = said(&output);
    let stored = accounts(&server).len();
    assert!((1_000..1_300).contains(&stored), "{stored}");
    let of_the_request = format!("the first {} of its 1000 rows are stored", stored - 1_000);
    assert!(text.contains(&of_the_request), "{text}");
    let before = "This much was stored before, and stays: 1 000 rows: 1 000 accounts created";
    assert!(text.contains(before), "{text}");
    assert!(!text.contains("nothing was changed"), "{text}");
    // What is there takes no entry; as JSON it is told, too.
    let output = import(&server, file.as_bytes(), &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let figures = (&told["rows"], &told["existing"]);
    assert_eq!(figures, (&json!(1_000), &json!(1_000)));
    limit_entries(&server, 1_000_000);
    let again = tally(&server, &file);
    assert_eq!(
        (&again["rows"], &again["existing"]),
        (&json!(2_500), &json!(stored))
    );
    assert_eq!(accounts(&server).len(), 2_500);
}

#[test]
fn the_api_says_how_many_rows_of_a_request_are_stored() {
    let server = Server::start(&[]);
    limit_entries(&server, 300);
    let row = |number| json!({ "email": format!("person-{number}@example.com") });
    let rows: Vec<Value> = (0..1_000).map(row).collect();
    let body = json!({ "rows": rows, "mode": "each" });
    let answer = server.ask("POST", "/v1/accounts/import", &body);
    assert_eq!(answer.status, 429);
    let problem: Value = serde_json::from_str(answer.text()).expect("JSON");
    assert_eq!(problem["type"], "urn:lictor:problem:quota-reached");
    assert_eq!(problem["rows"], 1_000);
    let stored = accounts(&server).len();
    assert!(stored > 0);
    assert_eq!(problem["stored"], stored);
}

#[test]
fn an_import_that_is_told_to_stop_says_what_is_stored() {
    let server = Server::start(&[]);
    let mut running = command()
        .args(["account", "import", "-", "--url", server.url()])
        .env("LICTOR_TOKEN", server.token())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lictor runs");
    let mut pipe = running.stdin.take().expect("its input");
    // More than one request, and a pipe that stands still behind them.
    pipe.write_all(people(8_000).as_bytes()).expect("written");
    pipe.flush().expect("written");
    while accounts(&server).len() < 1_000 {
        let ended = running.try_wait().expect("is known");
        assert!(ended.is_none(), "it ended before it was told to: {ended:?}");
    }
    let interrupt = ["-c", "kill -INT \"$0\"", &running.id().to_string()];
    let asked = std::process::Command::new("sh").args(interrupt).status();
    assert!(asked.expect("a shell").success());
    let output = running.wait_with_output().expect("ends");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = said(&output);
    assert!(text.contains("error: told to stop"), "{text}");
    assert!(
        text.contains("This much was stored before, and stays: "),
        "{text}"
    );
    assert!(text.contains("accounts created"), "{text}");
    assert!(
        text.contains("Import the same file again to continue"),
        "{text}"
    );
    drop(pipe);
    // What was under way when it ended may have been stored since.
    let again = tally(&server, people(8_000));
    let figure = |name: &str| again[name].as_u64().expect("a figure");
    assert_eq!(figure("created") + figure("existing"), 8_000, "{again}");
    assert!(figure("existing") >= 1_000, "{again}");
}

#[test]
fn a_pipe_that_nobody_writes_to_keeps_nobody_from_stopping_an_import() {
    let server = Server::start(&[]);
    let pipe = server.file("pipe.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("mkfifo runs").success());
    // A shell that runs the tests beside something else lets them ignore it.
    let mut running = std::process::Command::new("env")
        .arg("--default-signal=INT")
        .arg(binary())
        .args(["account", "import", &pipe, "--url", server.url()])
        .env("LICTOR_TOKEN", server.token())
        .stderr(Stdio::piped())
        .spawn()
        .expect("lictor runs");
    // It waits for somebody who writes by then.
    std::thread::sleep(Duration::from_secs(1));
    let interrupt = ["-c", "kill -INT \"$0\"", &running.id().to_string()];
    let asked = std::process::Command::new("sh").args(interrupt).status();
    assert!(asked.expect("a shell").success());
    let ended = (0..50).any(|_| {
        std::thread::sleep(Duration::from_millis(100));
        running.try_wait().expect("is known").is_some()
    });
    if !ended {
        running.kill().expect("ends");
    }
    running.wait().expect("ends");
    assert!(ended, "it goes on after Ctrl-C");
}

#[test]
fn an_import_that_is_refused_before_anything_is_stored_says_why_alone() {
    let server = Server::start(&[]);
    result(&server.lictor(&["account", "add", "a@example.com"]));
    let file = server.file("people.csv");
    std::fs::write(&file, people(3)).expect("writes");
    let output = server.lictor_as("no-token-that-is-known", &["account", "import", &file]);
    assert_eq!(output.status.code(), Some(4));
    assert!(!said(&output).contains("stored"), "{output:?}");
}

/// An address that hands requests on to the server, and hangs up as soon as it begins to answer.
fn without_answers(server: &Server) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let behind = server.url().replace("http://", "");
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let mut asked = TcpStream::connect(&behind).expect("connects");
            let mut from = client.try_clone().expect("a socket");
            let mut to = asked.try_clone().expect("a socket");
            std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            asked.read_exact(&mut [0]).expect("an answer");
            client.shutdown(Shutdown::Both).expect("hangs up");
        }
    });
    format!("http://{address}")
}

#[test]
fn rows_that_were_sent_and_not_answered_are_told() {
    let server = Server::start(&[]);
    let file = server.file("people.csv");
    std::fs::write(&file, people(3)).expect("writes");
    let run = |url: &str| {
        let arguments = ["account", "import", &file, "--url", url];
        let mut lictor = command();
        let run = lictor.args(arguments).env("LICTOR_TOKEN", server.token());
        run.output().expect("lictor runs")
    };
    let output = run(&without_answers(&server));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let text = said(&output);
    let on_their_way = "Of 3 rows more that were sent, some may be stored too.";
    assert!(text.contains(on_their_way), "{text}");
    assert!(text.contains("Import the same file again"), "{text}");
    assert_eq!(accounts(&server).len(), 3);
    // Where nobody listens nothing was sent.
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let nobody = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    // Nor was a row that is refused before it is sent.
    for rows in [people(3), people(3) + "more,fields,than,headings\n"] {
        std::fs::write(&file, rows).expect("writes");
        let output = run(&nobody);
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        assert!(!said(&output).contains("stored"), "{output:?}");
    }
}

#[test]
fn rows_whose_answer_was_lost_are_told() {
    let server = Server::start(&[]);
    let file = server.file("people.csv");
    std::fs::write(&file, people(3)).expect("writes");
    let body = r#"{"type":"urn:lictor:problem:busy","detail":"it is done","done":true}"#;
    let answer = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let short_of_memory = std::thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a connection");
        let mut asked = Vec::new();
        // The last row stands at the end of the body.
        while !String::from_utf8_lossy(&asked).contains("person-2@example.com\"}") {
            let mut more = [0; 4096];
            let read = client.read(&mut more).expect("a request");
            assert!(read > 0, "it ended early");
            asked.extend(&more[..read]);
        }
        client.write_all(answer.as_bytes()).expect("it takes it");
        // What else the body has is read, so that the answer is not cut off.
        client.shutdown(Shutdown::Write).ok();
        std::io::copy(&mut client, &mut std::io::sink()).ok();
    });
    let mut lictor = command();
    let run = lictor.args(["account", "import", &file, "--url", &url]);
    let output = run.env("LICTOR_TOKEN", "x").output().expect("lictor runs");
    short_of_memory.join().expect("asked");
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let text = said(&output);
    assert!(text.contains("some may be stored"), "{text}");
}
