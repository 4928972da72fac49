//! Secrets in the wrong place: none is printed, sent or written.

use std::net::TcpListener;
use std::process::{Command, Output};

use lictor_testkit::{Folder, command, refusal, result, serve};

use super::server::Server;
use super::{issue, vendor, write};

/// A token in the form that servers make.
const TOKEN: &str = "lictor_q7Vb2Kx0Zt9RmE4sUuLw1YhPp6Cn8DgAaFf3JjOoI5k";

/// What must never be shown of the secrets here.
struct Secrets {
    folder: Folder,
    /// Each, and the part of it that tells it.
    all: Vec<(String, String)>,
}

fn secrets() -> Secrets {
    let folder = Folder::new();
    let (key, _) = vendor(folder.path(), "vendor");
    let pem = std::fs::read_to_string(key).expect("a key");
    let line = pem.lines().nth(1).expect("the key").to_owned();
    let hex = "5f3a".repeat(16);
    let enrollment = format!("lictor_enroll_{}", "0f".repeat(64));
    let credential = format!("1000.{}.{}", "0a".repeat(16), "1b".repeat(16));
    let mut all = vec![(pem, line.clone())];
    let client = format!("lictor_client_{hex}");
    for secret in [&line, TOKEN, &hex, &enrollment, &credential, &client] {
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
        ("--name", &["client", "create", "--name", "SECRET"]),
        (
            "--customer",
            &["license", "issue", "--customer", "SECRET", "--product", "B"],
        ),
        (
            "--product",
            &["license", "issue", "--customer", "A", "--product", "SECRET"],
        ),
        ("<SERVICE>", &["usage", "add", "SECRET", "1"]),
        (
            "<SERVICE>",
            &[
                "usage", "correct", "edge", "SECRET", "2026-01", "1", "--reason", "x",
            ],
        ),
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
fn a_secret_that_tells_itself_stands_for_no_words_of_other_people() {
    let Secrets { folder, all } = secrets();
    let places: &[(&str, &[&str])] = &[
        (
            "--license-key",
            &["license", "issue", "--license-key", "SECRET"],
        ),
        ("--claim", &["license", "issue", "--claim", "serial=SECRET"]),
        ("<HOLDER>", &["lease", "checkout", "editor", "SECRET"]),
        (
            "--holder",
            &["lease", "list", "editor", "--holder", "SECRET"],
        ),
        ("<HOLDER>", &["forget", "SECRET"]),
        (
            "--source",
            &["usage", "add", "x", "1", "--source", "SECRET"],
        ),
        ("--epoch", &["usage", "add", "x", "1", "--epoch", "SECRET"]),
        ("<SOURCE>", &["usage", "correct", "SECRET"]),
        (
            "--map",
            &["account", "import", "x.csv", "--map", "email=SECRET"],
        ),
        ("--name", &["node", "enroll", "--name", "SECRET"]),
        ("<NAME>", &["node", "revoke", "SECRET"]),
    ];
    // A random text that has no word of its own could be a hash, a serial number or a container's id.
    let telling = all.iter().filter(|(_, shown)| !shown.starts_with("5f3a"));
    for (secret, shown) in telling {
        for (place, words) in places {
            let mut command = command();
            command.current_dir(folder.path()).env("LICTOR_TOKEN", "x");
            command.args(words.iter().map(|word| word.replace("SECRET", secret)));
            assert_refused(&mut command, place, shown);
        }
    }
}

#[test]
fn the_secret_of_a_client_is_known_by_the_word_it_is_made_with() {
    let server = Server::start(&[]);
    let made = server.lictor(&["client", "create", "--scope", "seats:read", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&result(&made)).expect("JSON");
    let secret = made["client_secret"].as_str().expect("a secret");
    let digits = secret.strip_prefix("lictor_client_").expect("the word");
    assert!(digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let mut checkout = command();
    checkout.args(["lease", "checkout", "editor", secret]);
    assert_refused(&mut checkout, "<HOLDER>", digits);
}

#[test]
fn the_id_of_a_container_is_no_secret_and_too_long_for_the_name_of_a_node() {
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "editor"]));
    let id = "3f9c".repeat(16);
    let named = |words: &[&str], name: &str| {
        let words: Vec<&str> = words.iter().copied().chain([name]).collect();
        server.lictor(&words)
    };
    let ways: [(&str, &[&str]); 2] = [
        ("--name", &["node", "enroll", "--name"]),
        ("<NAME>", &["node", "revoke"]),
    ];
    for (place, words) in ways {
        let said = refusal(&named(words, &id), 2);
        assert!(said.contains(place) && said.contains("first 12"), "{said}");
        assert!(!said.contains("secret") && !said.contains(&id), "{said}");
    }
    for name in [&id[..12], &id[..63]] {
        for (_, words) in ways {
            result(&named(words, name));
        }
    }
    for random in [
        &*id.repeat(2),
        "Zm9vYmFyMTIzNDU2Nzg5MEFCQ0RFRkdISUpLTE1OT1A",
    ] {
        for (place, words) in ways {
            let mut command = command();
            assert_refused(command.args(words).arg(random), place, random);
        }
    }
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
    for (secret, shown) in [&all[0], &all[4], &all[6]] {
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
fn a_license_key_a_holder_and_a_source_may_be_long_and_random() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let random = "5f3a".repeat(16);
    let claim = format!("serial={random}");
    let document = issue(&key, &["--claim", &claim]);
    assert!(document.contains(&random), "{document}");
    let server = Server::start(&["--trust", &public]);
    write(&server.file("license.json"), &document);
    result(&server.lictor(&["license", "add", &server.file("license.json")]));
    result(&server.lictor(&["lease", "checkout", "editor", &random]));
    result(&server.lictor(&["usage", "add", "orders", "1", "--source", &random]));
}
