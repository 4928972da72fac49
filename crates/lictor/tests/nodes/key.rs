//! The control plane's key: made once, for its owner alone, and in no copy unless that is asked for.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use lictor_core::SigningKey;
use lictor_testkit::{Folder, OPERATOR, Running, command, result, serve, vendor};

use crate::harness::{Joined as _, Server, holds};

const KEY: &str = "control-plane.key";

fn mode(file: &Path) -> u32 {
    let metadata = std::fs::metadata(file).expect("a file");
    metadata.permissions().mode() & 0o777
}

fn set_mode(file: &Path, mode: u32) {
    let mode = std::fs::Permissions::from_mode(mode);
    std::fs::set_permissions(file, mode).expect("the mode is set");
}

#[test]
fn the_key_is_made_once_and_for_its_owner_alone() {
    let server = Server::licensed();
    let file = server.data().join(KEY);
    let pem = std::fs::read_to_string(&file).expect("a key");
    assert_eq!(mode(&file), 0o600);
    let node = server.node("edge-1");
    let key = SigningKey::from_pem(&pem).expect("a private key");
    assert_eq!(node.key, key.public_key());
    let server = server.restart();
    assert_eq!(std::fs::read_to_string(&file).expect("a key"), pem);
    node.at(&server.url).feed().state();
}

#[test]
fn the_key_is_in_no_database_and_in_no_plain_backup() {
    let server = Server::licensed();
    server.node("edge-1");
    let pem = std::fs::read_to_string(server.data().join(KEY)).expect("a key");
    let secret = pem.lines().nth(1).expect("a line of base64");
    let copy = server.file("plain.db");
    result(&server.lictor(&["backup", &copy]));
    let backup = std::fs::read(&copy).expect("a backup");
    assert!(!Path::new(&server.file("plain.db.key")).exists());
    for bytes in [&backup, &server.stored()] {
        assert!(holds(bytes, "edge-1"));
        assert!(!holds(bytes, secret));
    }
    let der = seed_of(secret);
    assert!(!backup.windows(32).any(|window| window == der));
}

/// The 32 secret bytes of an Ed25519 key in PKCS#8, which are at its end.
fn seed_of(base64_line: &str) -> Vec<u8> {
    use base64::Engine as _;
    let engine = base64::engine::general_purpose::STANDARD;
    let der = engine.decode(base64_line).expect("base64");
    der[der.len() - 32..].to_vec()
}

#[test]
fn a_backup_with_the_keys_puts_the_key_beside_the_copy() {
    let server = Server::licensed();
    let copy = server.file("copy.db");
    let said = server.lictor(&["backup", "--include-keys", &copy]);
    result(&said);
    let said = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.contains("--control-plane-key"), "{said}");
    let key = server.file("copy.db.key");
    let here = std::fs::read_to_string(server.data().join(KEY)).expect("a key");
    let copied = std::fs::read_to_string(&key).expect("a key");
    assert_eq!(copied.trim_end(), here.trim_end());
    assert_eq!(mode(Path::new(&key)), 0o600);
    // Neither file is ever overwritten.
    let third = server.file("third.db");
    std::fs::write(server.file("third.db.key"), "mine").expect("a file");
    let refused = server.lictor(&["backup", "--include-keys", &third]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(!Path::new(&third).exists());
    let kept = std::fs::read_to_string(server.file("third.db.key"));
    assert_eq!(kept.expect("a file"), "mine");
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let server = Server::licensed();
    let file = server.data().join(KEY);
    let folder = server.kill();
    let data = folder.path().join("data");
    for bad in [0o640, 0o604, 0o644, 0o660] {
        set_mode(&file, bad);
        let output = serve(&data).output().expect("lictor runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("chmod 600"), "{said}");
    }
    set_mode(&file, 0o400);
    Running::start(&mut serve(&data)).listening();
}

#[test]
fn what_is_no_key_is_refused_and_left_as_it_is() {
    let server = Server::licensed();
    let file = server.data().join(KEY);
    let folder = server.kill();
    let data = folder.path().join("data");
    for bad in [
        "",
        "x",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ] {
        std::fs::write(&file, bad).expect("a file");
        let output = serve(&data).output().expect("lictor runs");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(KEY), "{said}");
        assert_eq!(std::fs::read_to_string(&file).expect("a file"), bad);
    }
}

#[test]
fn the_key_can_be_elsewhere() {
    let server = Server::licensed();
    let node = server.node("edge-1");
    let folder = server.kill();
    let (data, other) = (
        folder.path().join("data"),
        folder.path().join("elsewhere.key"),
    );
    std::fs::rename(data.join(KEY), &other).expect("moves");
    let mut command = serve(&data);
    command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
    command.arg("--control-plane-key").arg(&other);
    let running = Running::start(&mut command);
    let node = node.at(&running.listening());
    node.feed().state();
    assert!(!data.join(KEY).exists());
}

/// Answers with the key, and then with the beginning of a copy.
fn breaks_off(listener: &std::net::TcpListener, pem: &str) {
    let answers = [
        ("application/x-pem-file", pem.len(), pem),
        ("application/octet-stream", 1_000_000, "the beginning"),
    ];
    for (media_type, length, text) in answers {
        let (mut stream, _) = listener.accept().expect("a client");
        // Its request has no body, so that it is here as a whole or soon will be.
        let _ = stream.read(&mut [0; 4_096]);
        let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: {media_type}");
        let answer = format!("{head}\r\nContent-Length: {length}\r\n\r\n{text}");
        stream.write_all(answer.as_bytes()).expect("writes");
    }
}

#[test]
fn a_copy_that_breaks_off_leaves_no_key() {
    let (folder, pem) = (Folder::new(), vendor(9).to_pem());
    let copy = folder.path().join("copy.db");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut command = command();
    command.env("LICTOR_URL", url).env("LICTOR_TOKEN", "x");
    command.args(["backup", "--include-keys"]).arg(&copy);
    let output = std::thread::scope(|scope| {
        scope.spawn(|| breaks_off(&listener, &pem.expect("PEM")));
        command.output().expect("lictor runs")
    });
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("cut off"),
        "{said}"
    );
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "{said}");
}

#[test]
fn a_folder_with_a_key_is_not_restored_by_half() {
    let server = Server::licensed();
    let copy = server.file("copy.db");
    result(&server.lictor(&["backup", "--include-keys", &copy]));
    let (key, data) = (server.file("copy.db.key"), server.file("restored"));
    let restore = [
        "restore",
        &copy,
        "--data",
        &data,
        "--control-plane-key",
        &key,
    ];
    let there = Path::new(&data).join(KEY);
    std::fs::create_dir(&data).expect("a folder");
    std::fs::write(&there, "mine").expect("a file");
    let refused = server.lictor(&restore);
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(std::fs::read_to_string(&there).expect("a file"), "mine");
    std::fs::remove_file(&there).expect("goes");
    result(&server.lictor(&restore));
    assert_eq!(mode(&there), 0o600);
}
