//! Secrets in the wrong place: none is printed, sent or written.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Output};

use tempfile::TempDir;

use super::process::{Running, command, serve};
use super::run::{lictor, refusal, result};
use super::server::Server;
use super::{issue, vendor, write};

/// A token in the form that servers make.
const TOKEN: &str = "lictor_q7Vb2Kx0Zt9RmE4sUuLw1YhPp6Cn8DgAaFf3JjOoI5k";

/// What must never be shown of the secrets here.
struct Secrets {
    folder: TempDir,
    /// Each, and the part of it that tells it.
    all: Vec<(String, String)>,
}

fn secrets() -> Secrets {
    let folder = TempDir::new().expect("a folder");
    let (key, _) = vendor(folder.path(), "vendor");
    let pem = std::fs::read_to_string(key).expect("a key");
    let line = pem.lines().nth(1).expect("the key").to_owned();
    let hex = "5f3a".repeat(16);
    let enrollment = format!("lictor_enroll_{}", "0f".repeat(64));
    let credential = format!("1000.{}.{}", "0a".repeat(16), "1b".repeat(16));
    let mut all = vec![(pem, line.clone())];
    for secret in [&line, TOKEN, &hex, &enrollment, &credential] {
        all.push((secret.to_owned(), secret.to_owned()));
    }
    Secrets { folder, all }
}

/// Everything that a command said, on both sides.
fn said(output: &Output) -> String {
    let (out, error) = (&output.stdout, &output.stderr);
    String::from_utf8_lossy(&[out.as_slice(), error].concat()).into_owned()
}

/// The command ends as one that was used wrongly, names the place, and does not show the secret.
fn assert_refused(command: &mut Command, place: &str, shown: &str) {
    let output = command.output().expect("runs");
    let text = said(&output);
    assert!(!text.contains(shown), "{command:?}: {text}");
    let text = refusal(&output, 2);
    assert!(text.contains("in the wrong place"), "{command:?}: {text}");
    assert!(text.contains(place), "{place}: {text}");
}

#[test]
fn a_secret_where_a_path_a_name_or_an_id_belongs_is_neither_shown_nor_sent() {
    let Secrets { folder, all } = secrets();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let places: &[(&str, &[&str])] = &[
        (
            "--key",
            &["license", "issue", "--customer", "A", "--key", "SECRET"],
        ),
        ("--out", &["key", "generate", "--out", "SECRET"]),
        ("<FILE>", &["license", "add", "SECRET"]),
        (
            "<FILE>",
            &["license", "verify", "--trust", "x.pub", "SECRET"],
        ),
        (
            "--trust",
            &["license", "verify", "--trust=x.pub,SECRET", "x.json"],
        ),
        ("<ID>", &["license", "show", "SECRET"]),
        ("<KEY_ID>", &["trust", "revoke", "SECRET"]),
        (
            "--rotation",
            &["trust", "add", "x.pub", "--rotation", "SECRET"],
        ),
        ("<ID>", &["token", "revoke", "SECRET"]),
        ("--name", &["token", "create", "--name", "SECRET"]),
        ("--role", &["token", "create", "--role", "SECRET"]),
        ("--expires", &["token", "create", "--expires", "SECRET"]),
        ("<KEY>", &["organization", "create", "SECRET"]),
        (
            "--organization",
            &["license", "list", "--organization", "SECRET"],
        ),
        ("--url", &["license", "list", "--url", "SECRET"]),
        (
            "--application",
            &["license", "list", "--application", "SECRET"],
        ),
        ("<EMAIL>", &["account", "add", "SECRET"]),
        ("<FILE>", &["account", "import", "SECRET"]),
        (
            "<APPLICATION>",
            &["seat", "assign", "SECRET", "ada@example.com"],
        ),
        ("<ACCOUNT>", &["seat", "assign", "editor", "SECRET"]),
        ("<ID>", &["lease", "renew", "SECRET", "--fence", "1"]),
        ("--fence", &["lease", "renew", "x", "--fence", "SECRET"]),
        ("<CLIENT>", &["client", "remove", "SECRET"]),
        ("--name", &["node", "enroll", "--name", "SECRET"]),
        ("<NAME>", &["node", "revoke", "SECRET"]),
        (
            "--month",
            &["usage", "add", "orders", "1", "--month", "SECRET"],
        ),
        ("<COUNT>", &["usage", "add", "orders", "SECRET"]),
        ("<APPLICATION>", &["count", "SECRET"]),
        ("<FILE>", &["backup", "SECRET"]),
        ("<FILE>", &["restore", "SECRET", "--data", "d"]),
        ("--data", &["restore", "x.db", "--data", "SECRET"]),
        (
            "--control-plane-key",
            &["restore", "x", "--control-plane-key=SECRET"],
        ),
        ("--data", &["check", "--data", "SECRET"]),
        ("--data", &["serve", "--data", "SECRET"]),
        ("--listen", &["serve", "--listen", "SECRET"]),
        ("--trust", &["serve", "--trust", "SECRET"]),
        (
            "--admin-token-file",
            &["serve", "--admin-token-file", "SECRET"],
        ),
        ("--tls-key", &["serve", "--tls-key", "SECRET"]),
        (
            "--control-plane-key",
            &["serve", "--control-plane-key", "SECRET"],
        ),
        ("--log", &["serve", "--log", "SECRET"]),
        ("--config", &["serve", "--config", "SECRET"]),
        (
            "--control-plane",
            &["node", "run", "--control-plane", "SECRET"],
        ),
        (
            "--local-token-file",
            &["node", "run", "--local-token-file", "SECRET"],
        ),
        ("--ca", &["node", "run", "--ca", "SECRET"]),
        ("an option", &["license", "list", "--SECRET"]),
        ("an argument", &["license", "SECRET"]),
        ("an argument", &["license", "list", "SECRET"]),
    ];
    for (place, words) in places {
        for (secret, shown) in &all {
            let mut command = command();
            command.current_dir(folder.path());
            command.env("LICTOR_URL", &url).env("LICTOR_TOKEN", "x");
            command.args(words.iter().map(|word| word.replace("SECRET", secret)));
            assert_refused(&mut command, place, shown);
        }
    }
    listener.set_nonblocking(true).expect("a socket");
    assert!(listener.accept().is_err(), "something was sent");
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 2, "something was written beside the two keys");
}

#[test]
fn a_secret_in_a_variable_that_wants_something_else_is_not_shown() {
    let Secrets { folder, all } = secrets();
    let places: &[(&str, &[&str])] = &[
        (
            "LICTOR_KEY",
            &[
                "license",
                "issue",
                "--customer",
                "A",
                "--product",
                "B",
                "--expires",
                "1y",
            ],
        ),
        ("LICTOR_TRUST", &["license", "verify", "x.json"]),
        ("LICTOR_URL", &["license", "list"]),
        ("LICTOR_ORGANIZATION", &["license", "list"]),
        ("LICTOR_DATA", &["check"]),
        ("LICTOR_DATA", &["serve"]),
        ("LICTOR_ADMIN_TOKEN_FILE", &["serve"]),
        ("LICTOR_CONTROL_PLANE_KEY", &["serve"]),
        ("LICTOR_PUBLIC_URL", &["serve"]),
        ("LICTOR_CONFIG", &["node", "run"]),
        ("LICTOR_CONTROL_PLANE", &["node", "run"]),
    ];
    for (name, words) in places {
        for (secret, shown) in &all {
            let mut command = command();
            command.current_dir(folder.path()).args(*words);
            assert_refused(command.env(name, secret), name, shown);
        }
    }
    // A command that does not read the variable does not look at it.
    let mut help = command();
    help.args(["license", "list", "--help"]);
    result(&help.env("LICTOR_KEY", &all[0].0).output().expect("runs"));
}

#[test]
fn a_key_or_another_token_in_place_of_the_token_is_neither_shown_nor_sent() {
    let Secrets { all, .. } = secrets();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    for (secret, shown) in [&all[0], &all[4]] {
        let mut by_flag = command();
        by_flag.args(["license", "list", "--url", &url, "--token", secret]);
        assert_refused(&mut by_flag, "--token", shown);
        let mut by_variable = command();
        by_variable.args(["license", "list", "--url", &url]);
        let by_variable = by_variable.env("LICTOR_TOKEN", secret);
        assert_refused(by_variable, "LICTOR_TOKEN", shown);
    }
    let mut node = command();
    node.args(["node", "run", "--data", "d", "--control-plane", &url]);
    assert_refused(
        node.env("LICTOR_ENROLL", &all[0].0),
        "LICTOR_ENROLL",
        &all[0].1,
    );
    listener.set_nonblocking(true).expect("a socket");
    assert!(listener.accept().is_err(), "something was sent");
}

#[test]
fn a_key_that_the_shell_took_apart_is_not_shown() {
    let Secrets { all, .. } = secrets();
    let (pem, line) = &all[0];
    let mut split = command();
    split
        .args(["license", "issue", "--key"])
        .args(pem.split_whitespace());
    let output = split.output().expect("runs");
    assert!(!said(&output).contains(line), "{}", said(&output));
    refusal(&output, 2);
}

#[test]
fn a_secret_in_a_configuration_file_is_named_by_its_line_and_not_shown() {
    let Secrets { folder, all } = secrets();
    let file = folder.path().join("lictor.toml").display().to_string();
    for (secret, shown) in &all {
        for (process, text) in [
            (
                &["serve"][..],
                format!("listen = \"127.0.0.1:0\"\ndata = {secret:?}\n"),
            ),
            (
                &["serve"],
                format!("data = \"d\"\ntrust = [\"x.pub\", {secret:?}]\n"),
            ),
            (
                &["serve"],
                format!("data = \"d\"\ntrust-policy = {secret:?}\n"),
            ),
            (&["serve"], format!("data = \"d\"\nnonsense = {secret:?}\n")),
            (&["serve"], format!("data = \"d\"\n{secret:?} = 1\n")),
            (
                &["node", "run"],
                format!("data = \"d\"\ncount-durability = {secret:?}\n"),
            ),
        ] {
            write(&file, &text);
            let mut start = command();
            start.args(process).args(["--config", &file]);
            assert_refused(&mut start, "line 2", shown);
        }
    }
    for (secret, shown) in &all {
        write(&file, secret);
        let output = serve(folder.path()).args(["--config", &file]).output();
        let output = output.expect("runs");
        refusal(&output, 2);
        assert!(!said(&output).contains(shown), "{}", said(&output));
    }
}

#[test]
fn a_license_key_a_holder_and_a_service_may_be_long_and_random() {
    let folder = TempDir::new().expect("a folder");
    let (key, public) = vendor(folder.path(), "vendor");
    let random = "5f3a".repeat(16);
    let claim = format!("serial={random}");
    let document = issue(&key, &["--claim", &claim]);
    assert!(document.contains(&random), "{document}");
    let server = Server::start(&["--trust", &public]);
    write(&server.file("license.json"), &document);
    result(&server.lictor(&["license", "add", &server.file("license.json")]));
    result(&server.lictor(&["lease", "checkout", "editor", &random]));
    result(&server.lictor(&["usage", "add", &random, "1", "--source", &random]));
}

#[test]
fn passwords_in_addresses_are_masked_wherever_they_are_shown() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    let file = folder.path().join("node.toml").display().to_string();
    let closed = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = closed.local_addr().expect("an address").port();
    drop(closed);
    let here = format!("http://me:open-sesame@127.0.0.1:{port}");
    write(
        &file,
        &format!("control-plane = \"{here}\"\ndata = {data:?}\n"),
    );
    let enroll = format!("lictor_enroll_{}", "0f".repeat(64));
    let cases: &[(i32, &[&str])] = &[
        (3, &["license", "list", "--token", "x", "--url", &here]),
        (
            2,
            &["license", "list", "--url", "ftp://me:open-sesame@host"],
        ),
        (
            2,
            &[
                "license",
                "list",
                "--url",
                "http://me:open-sesame@host:99999",
            ],
        ),
        (
            2,
            &["license", "list", "--url", "http://me:open-sesame/@host"],
        ),
        (2, &["license", "list", "--url", "me:open-sesame@host:none"]),
        (
            2,
            &[
                "serve",
                "--data",
                &data,
                "--public-url",
                "https://me:open-sesame@host",
            ],
        ),
        (
            2,
            &[
                "serve",
                "--data",
                &data,
                "--listen",
                "http://me:open-sesame@host",
            ],
        ),
        (
            2,
            &["serve", "--data", &data, "--listen", "me:open-sesame@host"],
        ),
        (
            2,
            &[
                "serve",
                "--data",
                &data,
                "--log-format",
                "http://me:open-sesame@host",
            ],
        ),
        (
            2,
            &[
                "node",
                "run",
                "--data",
                &data,
                "--control-plane",
                "http://me:open-sesame@host:80",
            ],
        ),
        (
            3,
            &[
                "node",
                "run",
                "--data",
                &data,
                "--control-plane",
                &here,
                "--enroll",
                &enroll,
            ],
        ),
        (3, &["node", "run", "--config", &file, "--enroll", &enroll]),
    ];
    for (code, words) in cases {
        let output = lictor(words);
        let text = refusal(&output, *code);
        assert!(!text.contains("sesame"), "{words:?}: {text}");
    }
}

#[test]
fn a_password_in_the_address_of_the_control_plane_is_not_in_the_log_of_a_node() {
    let folder = TempDir::new().expect("a folder");
    let data = folder.path().join("node");
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "editor"]));
    let token = result(&server.lictor(&["node", "enroll", "--name", "edge"]));
    let address = server.url().replace("http://", "http://me:open-sesame@");
    let mut run = command();
    run.args(["node", "run", "--listen", "127.0.0.1:0", "--log", "debug"]);
    run.arg("--data")
        .arg(&data)
        .args(["--control-plane", &address]);
    let node = Running::start(run.env("LICTOR_ENROLL", token));
    let url = node.listening();
    let mut stream = std::net::TcpStream::connect(url.trim_start_matches("http://"));
    let stream = stream.as_mut().expect("a connection");
    let request = b"GET /status HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    std::io::Write::write_all(stream, request).expect("sends");
    let mut status = String::new();
    stream.read_to_string(&mut status).expect("answers");
    assert!(status.contains("control_plane"), "{status}");
    drop(server);
    node.signal("TERM");
    let (_, log) = node.end();
    for text in [status, log] {
        assert!(!text.contains("sesame"), "{text}");
    }
}
