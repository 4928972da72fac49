//! Licenses and keys as people have them: what is taken from a file, and which cause is named.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use lictor_testkit::{Folder, Request, Running, lictor, refusal, result};
use std::process::Output;

use super::server::Server;
use super::{issue, vendor, write};

#[test]
fn a_secret_in_place_of_a_license_or_a_public_key_is_not_sent() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    let pem = std::fs::read_to_string(&key).expect("a key");
    let line = pem.lines().nth(1).expect("the key");
    let disguised = server.file("license.json");
    write(&disguised, &format!("\u{feff}{pem}"));
    let combined = server.file("combined.pem");
    write(
        &combined,
        &format!("{}{pem}", std::fs::read_to_string(&public).expect("a key")),
    );
    let token = server.file("token");
    let (said, settings) = (server.file("said.json"), server.file("lictor.toml"));
    write(
        &said,
        &format!("{{\"operator_token\": \"{}\"}}", server.token()),
    );
    write(&settings, &format!("token = {}", server.token()));
    // Nobody answers here: what is sent ends in another exit code.
    let nowhere = |args: &[&str]| lictor(&[args, &["--url", "http://127.0.0.1:1"]].concat());
    for file in [&key, &disguised, &combined, &token, &said, &settings] {
        for args in [&["license", "add", file][..], &["trust", "add", file]] {
            let said = refusal(&nowhere(args), 2);
            assert!(said.contains("in the wrong place"), "{args:?}: {said}");
            assert!(
                !said.contains(line) && !said.contains(server.token()),
                "{said}"
            );
        }
    }
    let rotation = ["trust", "add", &public, "--rotation", &key];
    assert!(refusal(&nowhere(&rotation), 2).contains("in the wrong place"));
    let verify = ["license", "verify", "--trust", &public, &key];
    assert!(refusal(&lictor(&verify), 2).contains("in the wrong place"));
    let start = lictor_testkit::serve(&server.data())
        .args(["--trust", &key])
        .output();
    assert!(refusal(&start.expect("runs"), 2).contains("in the wrong place"));
}

#[test]
fn a_mark_and_line_ends_around_a_document_or_a_key_are_taken_from_files_and_never_over_http() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let document = issue(&key, &[]);
    let pem = std::fs::read_to_string(&public).expect("a key");
    let (file, other) = (folder.path().join("l.json"), folder.path().join("o.pub"));
    let (file, other) = (file.display().to_string(), other.display().to_string());
    let server = Server::start(&[]);
    for (before, after) in [
        ("", ""),
        ("\u{feff}", "\r\n"),
        ("\r\n\t ", "\r\n\r\n"),
        ("\u{feff}\u{a0}", "\u{a0}\n"),
    ] {
        write(&file, &format!("{before}{document}{after}"));
        write(
            &other,
            &format!("{before}{}{after}", pem.replace('\n', "\r\n")),
        );
        result(&lictor(&["license", "verify", "--trust", &other, &file]));
        result(&server.lictor(&["trust", "add", &other]));
        result(&server.lictor(&["license", "add", &file]));
    }
    let secret = std::fs::read_to_string(&key).expect("a key");
    write(&key, &format!("\u{feff}{}", secret.replace('\n', "\r\n")));
    issue(&key, &[]);
    let marked = serde_json::json!({ "payload": format!("\u{feff}{document}") });
    let sent = Request::new(server.url(), "POST", "/v1/licenses").token(server.token());
    let mut sent = sent.header("content-type", "application/json");
    sent.body = marked.to_string().into_bytes();
    let answer = sent.send();
    assert_eq!(answer.status, 400, "{answer:?}");
}

#[test]
fn the_cause_is_named_where_a_file_is_no_license() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    let document = issue(&key, &[]);
    let pem = std::fs::read_to_string(&public).expect("a key");
    let wrapped: Vec<String> = document
        .as_bytes()
        .chunks(70)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect();
    let utf16: Vec<u8> = document.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let escaped = document.replace('"', "\\\"");
    let cases: Vec<(Vec<u8>, &str)> = vec![
        (format!("\"{escaped}\"").into_bytes(), "in quotes"),
        (format!("'{document}'\n").into_bytes(), "in quotes"),
        (escaped.into_bytes(), "backslashes"),
        (
            BASE64_STANDARD.encode(&document).into_bytes(),
            "base64 of a license",
        ),
        (
            format!("{}\n", BASE64_STANDARD.encode(&document)).into_bytes(),
            "base64 of a license",
        ),
        (wrapped.join("\n").into_bytes(), "lines were wrapped"),
        (wrapped.join("\r\n").into_bytes(), "lines were wrapped"),
        (
            format!("> {}", wrapped.join("\n> ")).into_bytes(),
            "quoted in a mail",
        ),
        (
            document.replace('"', "=22").into_bytes(),
            "quoted-printable",
        ),
        (
            document.replace('"', "\u{201c}").into_bytes(),
            "word processor",
        ),
        (pem.into_bytes(), "public key"),
        (b"-----BEGIN CERTIFICATE-----\n".to_vec(), "certificate"),
        (b"<!DOCTYPE html><html></html>".to_vec(), "HTML"),
        (b"PK\x03\x04rest".to_vec(), "zip"),
        (b"%PDF-1.7".to_vec(), "PDF"),
        ([&b"\xff\xfe"[..], &utf16].concat(), "UTF-16"),
        (utf16, "UTF-16"),
        (b"\xff".to_vec(), "not UTF-8"),
        (b" \n".to_vec(), "empty"),
        (
            serde_json::json!({ "id": "x", "payload": document })
                .to_string()
                .into_bytes(),
            "`payload`",
        ),
    ];
    for (bytes, cause) in cases {
        let file = server.file("license.txt");
        std::fs::write(&file, &bytes).expect("writes");
        let commands: [Output; 2] = [
            server.lictor(&["license", "add", &file]),
            lictor(&["license", "verify", "--trust", &public, &file]),
        ];
        for output in commands {
            let said = refusal(&output, 1);
            assert!(said.contains(cause), "{cause}: {said}");
            assert!(!said.contains("at line 1 column"), "{said}");
        }
    }
    assert_eq!(result(&server.lictor(&["license", "list"])), "");
}

#[test]
fn a_file_in_place_of_a_key_is_named_for_what_it_is() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let file = folder.path().join("file").display().to_string();
    write(&file, &issue(&key, &[]));
    let sign = [
        "license",
        "issue",
        "--customer",
        "A",
        "--product",
        "B",
        "--expires",
        "1y",
        "--key",
    ];
    let said = refusal(&lictor(&[&sign[..], &[&public]].concat()), 2);
    assert!(said.contains("public key"), "{said}");
    for args in [
        &["trust", "add", &file][..],
        &["license", "verify", "--trust", &file, &file],
    ] {
        let said = refusal(&lictor(args), 2);
        assert!(said.contains("it is a license"), "{said}");
    }
    std::fs::write(&file, b"\xff\xfeM\0C\0").expect("writes");
    for args in [
        &[&sign[..], &[&file]].concat()[..],
        &["trust", "add", &file],
    ] {
        let said = refusal(&lictor(args), 2);
        assert!(
            said.contains("UTF-16") && !said.contains("stream did not"),
            "{said}"
        );
    }
    let mut serve = lictor_testkit::serve(&folder.path().join("data"));
    let running = Running::start(serve.args(["--trust", &public]));
    running.listening();
}
