//! Files of other people: no token file of another server is replaced, and a restore takes an empty
//! folder alone and leaves nothing behind where it refuses.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output};

use lictor_core::digest::Digest;
use lictor_testkit::{Folder, Running, lictor, refusal, result, serve};

use super::server::Server;
use super::write;

/// A first start on this data that is to write its token to `file`.
fn first_start(data: &Path, file: &str) -> Command {
    let mut command = serve(data);
    command.args(["--admin-token-file", file]);
    command
}

/// Runs a start that is to be refused; one that is not would serve for ever, and is ended.
fn refused_start(data: &Path, file: &str) -> Output {
    let start = first_start(data, file);
    let mut bounded = Command::new("timeout");
    bounded.arg("20").arg(start.get_program());
    bounded
        .args(start.get_args())
        .env("LICTOR_LISTEN", "127.0.0.1:0");
    bounded.output().expect("runs")
}

/// What is in a folder, by name.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let name = |entry: std::fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    let mut names: Vec<_> = entries.map(|entry| name(entry.expect("a name"))).collect();
    names.sort();
    names
}

#[test]
fn a_token_file_that_this_server_did_not_write_is_never_replaced() {
    let server = Server::start(&[]);
    let token = server.file("token");
    let data = server.data().with_file_name("other");
    let said = refusal(&refused_start(&data, &token), 2);
    assert!(said.contains("another server"), "{said}");
    assert!(!data.exists(), "a refused start decides nothing");
    let kept = std::fs::read_to_string(&token).expect("there");
    assert_eq!(kept.trim_end(), server.token());
    result(&server.lictor(&["license", "list"]));
    // Neither once there is a folder with another server's data.
    let first = Running::start(&mut serve(&data));
    first.listening();
    drop(first);
    let again = Running::start(&mut first_start(&data, &token));
    again.listening();
    assert_eq!(std::fs::read_to_string(&token).expect("there"), kept);
}

#[test]
fn what_lies_beside_a_token_file_or_is_no_plain_file_is_left_alone() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    write(&path("token.new"), "a stranger's");
    write(&path("real"), "");
    std::os::unix::fs::symlink(path("real"), path("link")).expect("a link");
    std::os::unix::fs::symlink(path("none"), path("dangling")).expect("a link");
    std::fs::create_dir(path("folder")).expect("a folder");
    let made = Command::new("mkfifo").arg(path("pipe")).status();
    assert!(made.expect("runs").success());
    let before = names(folder.path());
    for (odd, why) in [
        ("link", "not a regular file"),
        ("dangling", "not a regular file"),
        ("folder", "not a regular file"),
        ("pipe", "not a regular file"),
        ("real", "empty"),
    ] {
        let data = folder.path().join("data");
        let refused = refused_start(&data, &path(odd));
        let said = refusal(&refused, 2);
        assert!(said.contains(why), "{odd}: {said}");
        assert!(refused.stdout.is_empty(), "{odd}");
        assert_eq!(names(folder.path()), before, "{odd}");
    }
    let data = folder.path().join("data");
    Running::start(&mut first_start(&data, &path("token"))).listening();
    let beside = std::fs::read_to_string(path("token.new")).expect("there");
    assert_eq!(beside, "a stranger's");
    assert!(
        std::fs::read_to_string(path("token"))
            .expect("there")
            .starts_with("lictor_")
    );
    let mut all = [before, vec!["data".to_owned(), "token".to_owned()]].concat();
    all.sort();
    assert_eq!(names(folder.path()), all, "drafts stay behind");
    // A file with nothing in it may be the name that somebody else has reserved.
    assert_eq!(std::fs::read(path("real")).expect("there"), b"");
}

#[test]
fn the_token_file_of_a_first_start_that_was_cut_off_is_replaced() {
    let folder = Folder::new();
    let (data, token) = (folder.path().join("data"), folder.path().join("token"));
    let token = token.display().to_string();
    std::fs::create_dir(&data).expect("a folder");
    let never_stored = format!("lictor_{}", "x".repeat(43));
    write(&token, &format!("{never_stored}\n"));
    refusal(&refused_start(&data, &token), 2);
    let note = data.join("operator.token.sha256");
    let noted = Digest::of(never_stored.as_bytes());
    write(&note.display().to_string(), &format!("{noted}\n"));
    let running = Running::start(&mut first_start(&data, &token));
    let url = running.listening();
    let written = std::fs::read_to_string(&token).expect("there");
    assert_ne!(written.trim_end(), never_stored);
    let list = [
        "organization",
        "list",
        "--url",
        &url,
        "--token",
        written.trim_end(),
    ];
    result(&lictor(&list));
    assert!(
        !note.exists(),
        "it is stored, so that nothing is to be noted"
    );
}

#[test]
fn the_port_opens_after_the_token_file_is_there() {
    let folder = Folder::new();
    for round in 0..3 {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address").to_string();
        drop(free);
        let token = folder.path().join(format!("token{round}"));
        let data = folder.path().join(format!("data{round}"));
        let mut command = first_start(&data, &token.display().to_string());
        let mut running = Running::start(command.args(["--listen", &address]));
        while TcpStream::connect(&address).is_err() {
            let ended = running.child.try_wait().expect("a process");
            assert!(ended.is_none(), "{ended:?}");
        }
        assert!(token.exists(), "whoever can connect finds the token");
    }
}

#[test]
fn a_restore_takes_an_empty_folder_alone() {
    let server = Server::start(&[]);
    let backup = server.file("copy.db");
    result(&server.lictor(&["backup", &backup]));
    let target = server.file("target");
    let restore = |file: &str| lictor(&["restore", file, "--data", &target]);
    std::fs::create_dir(&target).expect("a folder");
    for other in [
        "notes.txt",
        "node.json",
        "control-plane.key",
        "lictor.db-wal",
        ".hidden",
    ] {
        let path = format!("{target}/{other}");
        write(&path, "mine");
        let said = refusal(&restore(&backup), 2);
        assert!(said.contains("empty folder"), "{said}");
        assert_eq!(names(target.as_ref()), [other]);
        assert_eq!(std::fs::read(&path).expect("there"), b"mine");
        std::fs::remove_file(path).expect("goes");
    }
    write(&server.file("file"), "mine");
    let file = server.file("file");
    refusal(&lictor(&["restore", &backup, "--data", &file]), 2);
    // What a restore left that was cut off, and what a file system puts there, is no content.
    write(&format!("{target}/lictor.lock"), "process 1\n");
    write(&format!("{target}/lictor.db.restored"), "half");
    std::fs::create_dir(format!("{target}/lost+found")).expect("a folder");
    // A server that began with nothing there would be taken for the restored one.
    let said = refusal(&serve(target.as_ref()).output().expect("runs"), 2);
    assert!(said.contains("lictor restore FILE"), "{said}");
    assert!(!said.contains("token"), "{said}");
    result(&restore(&backup));
    let there = ["lictor.db", "lictor.lock", "lost+found"];
    assert_eq!(names(target.as_ref()), there);
}

#[test]
fn a_new_installation_begins_in_an_empty_folder_or_when_told_to() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    // Such as the key of a server whose database went elsewhere.
    write(
        &data.join("control-plane.key").display().to_string(),
        "mine",
    );
    let said = refusal(&serve(&data).output().expect("runs"), 2);
    assert!(
        said.contains("control-plane.key") && said.contains("--new"),
        "{said}"
    );
    assert!(!data.join("lictor.db").exists());
    std::fs::remove_file(data.join("control-plane.key")).expect("goes");

    write(&data.join("notes.txt").display().to_string(), "mine");
    refusal(&serve(&data).output().expect("runs"), 2);
    Running::start(serve(&data).arg("--new")).listening();
    // Once there is a database, nobody is asked.
    Running::start(&mut serve(&data)).listening();

    // What was left of a first start that was cut off is none of the user's.
    let second = folder.path().join("second");
    std::fs::create_dir_all(second.join("lost+found")).expect("folders");
    for name in ["lictor.lock", "lictor.db.new", "lictor.db.new-wal"] {
        write(&second.join(name).display().to_string(), "");
    }
    Running::start(&mut serve(&second)).listening();
}

#[test]
fn a_restore_that_refuses_leaves_nothing_behind() {
    let server = Server::start(&[]);
    let backup = server.file("copy.db");
    result(&server.lictor(&["backup", "--include-keys", &backup]));
    let bad = server.file("bad.db");
    let whole = std::fs::read(&backup).expect("a backup");
    let half = &whole[..whole.len() / 2];
    let before = names(server.data().parent().expect("a folder"));
    for bytes in [&b""[..], b"no database", half, &whole[..100]] {
        std::fs::write(&bad, bytes).expect("writes");
        for target in ["new", "new/within/it"] {
            let key = format!("{backup}.key");
            let target = server.file(target);
            let args = [
                "restore",
                &bad,
                "--data",
                &target,
                "--control-plane-key",
                &key,
            ];
            let refused = lictor(&args);
            assert!(matches!(refused.status.code(), Some(1 | 2)), "{refused:?}");
        }
        let empty = server.file("empty");
        std::fs::create_dir_all(&empty).expect("a folder");
        assert!(
            !lictor(&["restore", &bad, "--data", &empty])
                .status
                .success()
        );
        assert_eq!(names(empty.as_ref()), [""; 0]);
        std::fs::remove_dir(&empty).expect("it is empty");
        std::fs::remove_file(&bad).expect("goes");
        assert_eq!(names(server.data().parent().expect("a folder")), before);
    }
    let target = server.file("new");
    refusal(&lictor(&["restore", "/no/such.db", "--data", &target]), 2);
    assert_eq!(names(server.data().parent().expect("a folder")), before);
    // A key that a restore has left behind that was cut off is no reason to refuse the next one.
    let key = format!("{backup}.key");
    std::fs::create_dir(&target).expect("a folder");
    std::fs::copy(&key, format!("{target}/control-plane.key")).expect("copies");
    result(&lictor(&[
        "restore",
        &backup,
        "--data",
        &target,
        "--control-plane-key",
        &key,
    ]));
}
