//! Copies of the data and their checks: `backup`, `restore`, `check`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::{FileExt as _, PermissionsExt};

use lictor_testkit::{Folder, Request, Running, command, lictor, refusal, result, serve};

use super::server::Server;
use super::{issue, vendor, write};

#[test]
fn a_backup_is_restored_and_checked_beside_a_running_server() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    write(&server.file("license.json"), &issue(&key, &[]));
    let id = result(&server.lictor(&["license", "add", &server.file("license.json")]));

    let backup = server.file("copy.db");
    result(&server.lictor(&["backup", &backup]));
    let mode = std::fs::metadata(&backup)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!std::path::Path::new(&server.file("copy.db.part")).exists());
    let said = refusal(&server.lictor(&["backup", &backup]), 2);
    assert!(said.contains("never overwritten"), "{said}");
    result(&server.lictor(&["license", "remove", &id]));

    let checked = result(&lictor(&["check", "--data", &server.file("data")]));
    assert!(checked.contains("differences     0"), "{checked}");
    let restored = server.file("restored");
    result(&lictor(&["restore", &backup, "--data", &restored]));
    result(&lictor(&["check", "--data", &restored, "--json"]));
    refusal(&lictor(&["restore", &backup, "--data", &restored]), 2);
    let second = Running::start(&mut serve(restored.as_ref()));
    let url = second.listening();
    let shown = Request::new(&url, "GET", &format!("/v1/licenses/{id}"));
    let answer = shown.token(server.token()).send();
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn only_operators_copy_the_data() {
    let server = Server::start(&[]);
    let admin = result(&server.lictor(&["token", "create", "--role", "admin"]));
    let backup = server.file("copy.db");
    refusal(&server.lictor_as(&admin, &["backup", &backup]), 4);
    refusal(&server.lictor(&["backup", "/no/such/folder/copy.db"]), 2);
    assert!(!std::path::Path::new(&backup).exists());
}

#[test]
fn a_restore_removes_again_the_accounts_that_were_removed_since() {
    let server = Server::start(&[]);
    for email in ["ada@example.com", "bob@example.com"] {
        result(&server.lictor(&["account", "add", email, "--name", "Somebody Known"]));
    }
    let (old, new) = (server.file("old.db"), server.file("new.db"));
    result(&server.lictor(&["backup", &old]));
    result(&server.lictor(&["account", "remove", "ada@example.com"]));
    result(&server.lictor(&["account", "add", "later@example.com"]));
    result(&server.lictor(&["account", "remove", "later@example.com"]));
    result(&server.lictor(&["backup", &new]));
    let restored = server.file("restored");
    let restore = lictor(&[
        "restore",
        &old,
        "--data",
        &restored,
        "--erased-in",
        &new,
        "--json",
    ]);
    let said: serde_json::Value = serde_json::from_str(&result(&restore)).expect("JSON");
    assert_eq!(said["removed_again"], 1);
    result(&lictor(&["check", "--data", &restored]));
    let stored = std::fs::read(format!("{restored}/lictor.db")).expect("a database");
    let holds = |text: &str| {
        stored
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    assert!(!holds("ada@example.com") && holds("bob@example.com"));
    let lost = lictor(&[
        "restore",
        &old,
        "--data",
        &server.file("x"),
        "--erased-in",
        "lost",
    ]);
    refusal(&lost, 2);
    assert!(!std::path::Path::new(&server.file("x")).exists());
}

/// Waits for a file and gives what it holds at its first moment.
fn first_seen(file: std::path::PathBuf) -> std::thread::JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        loop {
            if let Ok(bytes) = std::fs::read(&file) {
                return bytes;
            }
        }
    })
}

#[test]
fn a_restored_folder_never_holds_a_name_that_is_to_be_erased_again() {
    let server = Server::start(&[]);
    result(&server.lictor(&["organization", "create", "gone"]));
    for organization in ["default", "gone"] {
        let email = format!("ada-{organization}@example.com");
        let add = ["account", "add", &email, "--organization", organization];
        result(&server.lictor(&add));
    }
    let (old, new) = (server.file("old.db"), server.file("new.db"));
    result(&server.lictor(&["backup", &old]));
    result(&server.lictor(&["account", "remove", "ada-default@example.com"]));
    result(&server.lictor(&["organization", "remove", "gone"]));
    result(&server.lictor(&["backup", &new]));
    let data = server.file("restored");
    let seen = first_seen(format!("{data}/lictor.db").into());
    let restore = ["restore", &old, "--data", &data, "--erased-in", &new];
    result(&lictor(&restore));
    let database = seen.join().expect("read");
    for text in ["ada-default@example.com", "ada-gone@example.com"] {
        let mut parts = database.windows(text.len());
        assert!(!parts.any(|part| part == text.as_bytes()), "{text}");
    }
    let files = std::fs::read_dir(&data).expect("a folder");
    let names = files.map(|file| file.expect("a file").file_name());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    assert_eq!(names, ["lictor.db", "lictor.lock"]);
    result(&lictor(&["check", "--data", &data]));
}

#[test]
fn a_restored_folder_holds_no_name_of_an_organization_that_the_backup_has_as_removed() {
    let server = Server::start(&[]);
    let email = "ada-gone@example.com";
    result(&server.lictor(&["organization", "create", "gone"]));
    result(&server.lictor(&["account", "add", email, "--organization", "gone"]));
    result(&server.lictor(&["organization", "remove", "gone"]));
    // At once: the server erases the names within a minute.
    let (old, new) = (server.file("old.db"), server.file("new.db"));
    result(&server.lictor(&["backup", &old]));
    result(&server.lictor(&["backup", &new]));
    let data = server.file("restored");
    let restore = ["restore", &old, "--data", &data, "--erased-in", &new];
    result(&lictor(&restore));
    let stored = std::fs::read(format!("{data}/lictor.db")).expect("a database");
    let mut parts = stored.windows(email.len());
    assert!(!parts.any(|part| part == email.as_bytes()));
    result(&lictor(&["check", "--data", &data]));
}

#[test]
fn a_damaged_database_is_reported_by_check_restore_and_serve() {
    let server = Server::start(&[]);
    let (_, _, folder) = server.stop();
    let data = folder.path().join("data");
    let database = data.join("lictor.db");
    let whole = std::fs::read(&database).expect("a database");
    let backup = folder.path().join("copy.db").display().to_string();
    std::fs::write(&backup, &whole).expect("writes");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&database)
        .expect("opens");
    for page in (4_096..whole.len() as u64).step_by(4_096) {
        file.write_all_at(&[0xa5; 512], page).expect("writes");
    }
    drop(file);
    let data_text = data.display().to_string();
    let said = refusal(&lictor(&["check", "--data", &data_text]), 1);
    assert!(said.starts_with("error: "), "{said}");
    refusal(&serve(&data).output().expect("runs"), 1);

    std::fs::copy(&database, &backup).expect("copies");
    let other = folder.path().join("other").display().to_string();
    refusal(&lictor(&["restore", &backup, "--data", &other]), 1);
    std::fs::write(&database, b"").expect("writes");
    refusal(&lictor(&["check", "--data", &data_text]), 1);
    refusal(&serve(&data).output().expect("runs"), 1);
}

#[test]
fn a_changed_row_is_found_and_named() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    write(&server.file("license.json"), &issue(&key, &[]));
    result(&server.lictor(&["license", "add", &server.file("license.json")]));
    let (_, _, folder) = server.stop();
    let database = folder.path().join("data/lictor.db");
    // A server that stops while it reads leaves what it wrote in the log.
    rusqlite::Connection::open(&database)
        .and_then(|log| log.pragma_update(None, "wal_checkpoint", "truncate"))
        .expect("put away");
    // In the stored payload alone: pages stay well formed, so only the ledger can tell.
    let bytes = std::fs::read(&database).expect("a database");
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&database)
        .expect("opens");
    let places = bytes
        .windows(8)
        .enumerate()
        .filter(|(_, bytes)| bytes == b"Acme Ltd");
    let places: Vec<usize> = places.map(|(place, _)| place).collect();
    assert!(!places.is_empty());
    for place in places {
        file.write_all_at(b"Evil Ltd", place as u64)
            .expect("writes");
    }
    drop(file);
    let data = folder.path().join("data").display().to_string();
    let check = lictor(&["check", "--data", &data]);
    let said = refusal(&check, 1);
    assert!(said.contains("not what its ledger says"), "{said}");
    let listed = String::from_utf8_lossy(&check.stdout);
    assert!(listed.contains("license"), "{listed}");
}

#[test]
fn what_is_not_there_is_not_found() {
    refusal(&lictor(&["check", "--data", "/no/such/folder"]), 1);
    let folder = Folder::new();
    let data = folder.path().join("data").display().to_string();
    refusal(
        &lictor(&["restore", "/no/such/backup.db", "--data", &data]),
        2,
    );
    refusal(&lictor(&["restore", "/etc/hostname", "--data", &data]), 2);
}

#[test]
fn a_backup_takes_nothing_from_what_lies_beside_it() {
    let server = Server::start(&[]);
    let (backup, part) = (server.file("copy.db"), server.file("copy.db.part"));
    let victim = server.file("victim");
    write(&victim, "precious");
    std::os::unix::fs::symlink(&victim, &part).expect("a link");
    result(&server.lictor(&["backup", &backup]));
    assert_eq!(std::fs::read(&victim).expect("there"), b"precious");
    let kind = std::fs::symlink_metadata(&backup).expect("there");
    assert!(kind.is_file(), "{kind:?}");

    let (backup, part) = (server.file("other.db"), server.file("other.db.part"));
    write(&part, "left behind");
    std::fs::set_permissions(&part, PermissionsExt::from_mode(0o644)).expect("a mode");
    result(&server.lictor(&["backup", &backup]));
    let mode = std::fs::metadata(&backup).expect("there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

/// The connection on which a whole request has come.
fn asked(listener: &std::net::TcpListener) -> std::net::TcpStream {
    let (stream, _) = listener.accept().expect("a connection");
    let lines = BufReader::new(&stream).lines().map_while(Result::ok);
    assert!(lines.into_iter().any(|line| line.is_empty()));
    stream
}

/// A backup that has asked a server of the test's: its folder, its file, and what it waits on.
fn begun_backup() -> (Folder, String, Running, std::net::TcpStream) {
    let folder = Folder::new();
    let backup = folder.path().join("copy.db").display().to_string();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut command = command();
    command.args(["backup", &backup, "--url", &url, "--token", "x"]);
    let running = Running::start(&mut command);
    let stream = asked(&listener);
    (folder, backup, running, stream)
}

#[test]
fn a_file_that_appears_during_a_backup_is_left_alone() {
    let (folder, backup, running, mut stream) = begun_backup();
    write(&backup, "mine");
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n\
                  content-length: 6\r\n\r\nSQLite";
    stream.write_all(answer.as_bytes()).expect("sends");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(2), "{said}");
    assert!(said.contains("never overwritten"), "{said}");
    assert_eq!(std::fs::read(&backup).expect("there"), b"mine");
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1, "the beginning of a copy stays behind");
}

#[test]
fn an_interrupted_backup_leaves_nothing_behind() {
    let (folder, _, running, mut stream) = begun_backup();
    let answer = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n\
                  content-length: 60\r\n\r\nSQLite";
    stream.write_all(answer.as_bytes()).expect("sends");
    running.signal("INT");
    let (status, said) = running.end();
    assert_eq!(status.code(), Some(1), "{said}");
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "{said}");
}
