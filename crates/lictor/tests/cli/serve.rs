//! `lictor serve`: its first start, its later ones, and how it ends.

use std::os::unix::fs::PermissionsExt;

use lictor_testkit::{Folder, Request, Running, command, refusal, result, serve};

use super::server::Server;
use super::{first_id, issue, vendor, write};

const LONG: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn the_first_token_is_printed_once_and_works() {
    let folder = Folder::new();
    let mut running = Running::start(&mut serve(&folder.path().join("data")));
    let url = running.listening();
    running.signal("TERM");
    let token = running.printed();
    let (status, log) = running.end();
    assert!(status.success(), "{log}");
    assert!(log.contains("shown once"), "{log}");
    let token = token.trim_end().to_owned();
    assert!(
        token.starts_with("lictor_") && !log.contains(&token),
        "{log}"
    );

    let again = Running::start(serve(&folder.path().join("data")).args(["--log", "trace"]));
    let new_url = again.listening();
    assert_ne!(url, "");
    let list = Request::new(&new_url, "GET", "/v1/licenses").token(&token);
    assert_eq!(list.send().status, 200);
}

#[test]
fn the_token_file_is_for_its_owner_alone() {
    let server = Server::start(&[]);
    let file = server.file("token");
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    result(&server.lictor(&["license", "list"]));
    let (_, _, folder) = server.stop();
    let other = serve(&folder.path().join("other"))
        .args([
            "--admin-token-file",
            &folder.path().join("data/lictor.db").display().to_string(),
        ])
        .output()
        .expect("runs");
    let said = refusal(&other, 2);
    assert!(said.contains("holds no token"), "{said}");
}

#[test]
fn a_token_from_the_environment_is_the_way_back() {
    let (_, _, folder) = Server::start(&[]).stop();
    let data = folder.path().join("data");
    let short = serve(&data)
        .env("LICTOR_ADMIN_TOKEN", &LONG[1..])
        .output()
        .expect("runs");
    let said = refusal(&short, 2);
    assert!(
        said.contains("LICTOR_ADMIN_TOKEN") && !said.contains(&LONG[1..]),
        "{said}"
    );
    for _ in 0..2 {
        let running = Running::start(serve(&data).env("LICTOR_ADMIN_TOKEN", LONG));
        let url = running.listening();
        let get = |path| Request::new(&url, "GET", path).token(LONG).send();
        assert_eq!(get("/v1/licenses").status, 200);
        let operators = get("/v1/tokens?operators=true");
        let operators = operators.text();
        assert_eq!(operators.matches("\"id\"").count(), 2, "{operators}");
    }
}

#[test]
fn a_folder_in_use_is_left_alone_and_its_holder_named() {
    let server = Server::start(&[]);
    let said = refusal(&serve(&server.data()).output().expect("runs"), 2);
    assert!(
        said.contains(server.url()) && said.contains("process"),
        "{said}"
    );
    let restore = ["restore", "/etc/hostname", "--data"];
    let data = server.data().display().to_string();
    refusal(&server.lictor(&[&restore[..], &[&data]].concat()), 2);
    result(&server.lictor(&["license", "list"]));
}

#[test]
fn a_port_in_use_is_refused_with_what_to_do() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let address = server.url().trim_start_matches("http://");
    let mut second = command();
    second
        .args(["serve", "--listen", address, "--data"])
        .arg(folder.path());
    let said = refusal(&second.output().expect("runs"), 2);
    assert!(said.contains("--listen"), "{said}");
}

#[test]
fn trust_at_the_start_is_idempotent_and_never_undoes_a_revocation() {
    let folder = Folder::new();
    let (_, public) = vendor(folder.path(), "vendor");
    let server = Server::start(&["--trust", &public, "--trust", &public]);
    let list = result(&server.lictor(&["trust", "list"]));
    assert_eq!(list.lines().count(), 2, "{list}");
    let id = first_id(&list);
    let (_, _, data) = server.stop();
    let data_folder = data.path().join("data");

    let again = Running::start(serve(&data_folder).args(["--trust", &public]));
    let url = again.listening();
    let token = std::fs::read_to_string(data.path().join("token")).expect("a token");
    let mut revoke = command();
    revoke.args([
        "trust",
        "revoke",
        id,
        "--url",
        &url,
        "--token",
        token.trim_end(),
    ]);
    result(&revoke.output().expect("runs"));
    again.signal("TERM");
    assert!(again.end().0.success());

    let said = refusal(
        &serve(&data_folder)
            .args(["--trust", &public])
            .output()
            .expect("runs"),
        2,
    );
    assert!(said.contains(id) && said.contains("revoked"), "{said}");
}

#[test]
fn another_trust_policy_than_the_stored_one_is_refused() {
    let server = Server::start(&["--trust-policy", "structural"]);
    let (stranger, _) = vendor(server.data().parent().expect("a folder"), "stranger");
    let file = server.file("license.json");
    write(&file, &issue(&stranger, &[]));
    result(&server.lictor(&["license", "add", &file]));
    let list = result(&server.lictor(&["license", "list"]));
    assert!(list.contains("unverified"), "{list}");
    let (_, _, folder) = server.stop();
    let data = folder.path().join("data");
    let said = refusal(
        &serve(&data)
            .args(["--trust-policy", "verified"])
            .output()
            .expect("runs"),
        2,
    );
    assert!(said.contains("structural"), "{said}");
    let running = Running::start(&mut serve(&data));
    running.listening();
}

#[test]
fn no_token_is_ever_in_the_log() {
    let server = Server::start(&[
        "--log",
        "trace,h2=trace,hyper=trace,hyper_util=trace,rustls=trace,mio=trace",
        "--log-format",
        "json",
    ]);
    let reader = result(&server.lictor(&["token", "create"]));
    refusal(
        &server.lictor_as("lictor_wrong_token_of_somebody", &["license", "list"]),
        4,
    );
    let list = server.get("/licenses");
    list.header("Kong-Admin-Token", server.token()).send();
    server.get(&format!("/licenses?token={reader}")).send();
    let token = server.token().to_owned();
    let (_, log, _) = server.stop();
    assert!(log.contains("stopped"), "{log}");
    for secret in [&token, &reader, "lictor_wrong_token_of_somebody"] {
        assert!(!log.contains(secret), "{log}");
    }
    let events = log.lines().filter(|line| !line.starts_with("listening on"));
    for line in events {
        serde_json::from_str::<serde_json::Value>(line).expect("one event is one line");
    }
}

#[test]
fn tls_is_spoken_with_a_certificate() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
    write(&path("cert.pem"), &made.cert.pem());
    write(&path("key.pem"), &made.signing_key.serialize_pem());
    let tls = [
        "--tls-cert",
        &path("cert.pem"),
        "--tls-key",
        &path("key.pem"),
    ];
    let open = serve(&folder.path().join("data"))
        .args(tls)
        .output()
        .expect("runs");
    let said = refusal(&open, 2);
    assert!(said.contains("chmod 600"), "{said}");

    std::fs::set_permissions(path("key.pem"), PermissionsExt::from_mode(0o600)).expect("a mode");
    let server = Server::start(&tls);
    assert!(
        server.url().starts_with("https://127.0.0.1:"),
        "{}",
        server.url()
    );
    let said = refusal(&server.lictor(&["license", "list"]), 3);
    assert!(said.contains("SSL_CERT_FILE"), "{said}");
    let trusting = command()
        .args([
            "license",
            "list",
            "--url",
            server.url(),
            "--token",
            server.token(),
        ])
        .env("SSL_CERT_FILE", path("cert.pem"))
        .output()
        .expect("runs");
    assert_eq!(result(&trusting), "");
}

#[test]
fn a_secret_that_cannot_be_a_token_is_refused_before_anything_is_made() {
    use std::os::unix::ffi::OsStrExt as _;
    let folder = Folder::new();
    let data = folder.path().join("data");
    let long = LONG.as_bytes();
    for (secret, why) in [
        (&long[1..], "32 or more"),
        (&[long, b"\nline"].concat(), "line"),
        (&[long, b" and more"].concat(), "space"),
        (&[long, b"\x1b[0m"].concat(), "ASCII"),
        (&[long, "\u{e9}".as_bytes()].concat(), "ASCII"),
        (&[long, b"\xff"].concat(), "ASCII"),
    ] {
        let mut command = serve(&data);
        command.env("LICTOR_ADMIN_TOKEN", std::ffi::OsStr::from_bytes(secret));
        let said = refusal(&command.output().expect("runs"), 2);
        assert!(
            said.contains("LICTOR_ADMIN_TOKEN") && said.contains(why),
            "{said}"
        );
        assert!(!said.contains(&LONG[1..]), "{said}");
        assert!(!data.exists(), "{why}");
    }
}

#[test]
fn a_first_start_that_is_refused_decides_nothing() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let folder = Folder::new();
    let data = folder.path().join("data");
    let other = folder.path().join("notes.txt").display().to_string();
    write(&other, "not a token");
    for refused in [
        ["--listen", &address],
        ["--metrics-listen", &address],
        ["--admin-token-file", &other],
        ["--admin-token-file", "/no/such/folder/token"],
    ] {
        let output = serve(&data).args(refused).output().expect("runs");
        refusal(&output, 2);
        assert!(output.stdout.is_empty(), "{refused:?}");
        assert!(!data.exists(), "{refused:?}");
    }
    let structural = Running::start(serve(&data).args(["--trust-policy", "structural"]));
    structural.listening();
}

#[test]
fn the_token_file_may_lie_in_a_data_folder_that_is_still_to_be_made() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    let mut command = serve(std::path::Path::new("./data"));
    command.current_dir(folder.path());
    command.args([
        "--admin-token-file",
        &data.join("token").display().to_string(),
    ]);
    Running::start(&mut command).listening();
    let token = std::fs::read_to_string(data.join("token")).expect("the token file");
    assert!(token.starts_with("lictor_"));
}

#[test]
fn a_token_file_that_is_not_written_is_spoken_of() {
    let (_, _, folder) = Server::start(&[]).stop();
    let other = folder.path().join("other-token");
    let mut again = serve(&folder.path().join("data"));
    again.arg("--admin-token-file").arg(&other);
    let running = Running::start(&mut again);
    running.wait_for("there is an operator token already");
    running.wait_for("listening on ");
    assert!(!other.exists());
}
