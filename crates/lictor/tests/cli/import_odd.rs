//! `lictor account import` of files with columns that have no name, with secrets, and of standard
//! input.

use lictor_testkit::{refusal, result};
use serde_json::{Value, json};

use super::import::{accounts, import, lines, said, tally};
use super::server::Server;
use super::vendor;

#[test]
fn a_column_without_a_name_may_be_empty_and_else_is_left_out_by_its_number() {
    let server = Server::start(&[]);
    let found = tally(
        &server,
        "email,,name,\na@example.com,,Ada,\nb@example.com, ,Bob\n",
    );
    assert_eq!(
        (&found["created"], &found["refused"]),
        (&json!(2), &json!([]))
    );
    // As tools write that number the rows.
    let numbered = ",email,name\n0,c@example.com,Cy\n1,d@example.com,Di\n,e@example.com,Ed\n";
    let found = tally(&server, numbered);
    assert_eq!((&found["created"], lines(&found)), (&json!(1), vec![2, 3]));
    let reason = found["refused"][0]["reason"].as_str().expect("text");
    assert!(
        reason.contains("column 1 (A)") && reason.contains("--ignore 1"),
        "{reason}"
    );
    for (number, way) in ["1", "A", "a"].iter().enumerate() {
        let more = import(&server, numbered.as_bytes(), &["--ignore", way]);
        let told = said(&more);
        result(&more);
        let created = if number == 0 { 2 } else { 0 };
        assert!(
            told.contains(&format!("{created} accounts created")),
            "{told}"
        );
    }
    let named = "email,Phone,name\nf@example.com,1,Flo\n";
    result(&import(&server, named.as_bytes(), &["--ignore", "2"]));
    for (option, value, why) in [
        ("--ignore", "4", "there is no column 4 (D)"),
        ("--ignore", "0", "number or letter"),
        ("--ignore", "Phone", "--map '=NAME'"),
        ("--map", "=", "--ignore 3"),
    ] {
        let told = refusal(&import(&server, named.as_bytes(), &[option, value]), 2);
        assert!(told.contains(why), "{told}");
    }
    let wide = format!(
        "email{}\ng@example.com{}\n",
        ",".repeat(27),
        ",".repeat(27) + "x"
    );
    let found = tally(&server, wide);
    let reason = found["refused"][0]["reason"].as_str().expect("text");
    assert!(reason.contains("column 28 (AB)"), "{reason}");
}

#[test]
fn a_file_with_a_secret_in_it_is_neither_shown_nor_sent() {
    let server = Server::start(&[]);
    let (key, _) = vendor(server.data().parent().expect("a folder"), "vendor");
    let pem = std::fs::read_to_string(&key).expect("a key");
    let body = pem.lines().nth(1).expect("the key").to_owned();
    let token = server.token().to_owned();
    let random = "5f".repeat(32);
    for (file, shown) in [
        (pem.clone(), &body),
        (pem.replace('\n', "\r\n"), &body),
        (body.clone(), &body),
        (format!("{token}\n"), &token),
        (format!("token,{token}\n"), &token),
        (format!("{random}\n"), &random),
        (format!("email,name\na@example.com,{token}\n"), &token),
        (format!("email,name\na@example.com,A,{token}\n"), &token),
        (format!("email\n{body}\n"), &body),
        (format!("email,name\na@example.com,\"{pem}\"\n"), &body),
    ] {
        for more in [&[][..], &["--json"]] {
            let output = import(&server, file.as_bytes(), more);
            let told = refusal(&output, 2);
            let all = format!("{told}{}", String::from_utf8_lossy(&output.stdout));
            assert!(!all.contains(shown.as_str()), "{all}");
            assert!(told.contains("in the wrong place"), "{told}");
        }
    }
    assert_eq!(accounts(&server), Vec::<Value>::new());
}

#[test]
fn accounts_may_come_on_standard_input() {
    use std::io::Write as _;
    use std::process::Stdio;
    let server = Server::start(&[]);
    let mut command = lictor_testkit::command();
    command
        .env("LICTOR_URL", server.url())
        .env("LICTOR_TOKEN", server.token());
    command
        .args(["account", "import", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"email\na@example.com\n").expect("writes");
    drop(input);
    result(&child.wait_with_output().expect("ends"));
    assert_eq!(accounts(&server).len(), 1);
}

#[test]
fn the_keys_of_applications_are_known_in_any_case() {
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "editor"]));
    let file = b"Email,Seats\na@example.com,Editor\nb@example.com,EDITOR; editor\n";
    let told = said(&import(&server, file, &["--dry-run"]));
    assert!(!told.contains("no application"), "{told}");
}
