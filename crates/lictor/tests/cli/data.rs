//! Copies of the data and their checks: `backup`, `restore`, `check`.

use std::os::unix::fs::{FileExt as _, PermissionsExt as _};

use super::http::Request;
use super::process::{Running, serve};
use super::run::{lictor, refusal, result};
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
    let folder = tempfile::TempDir::new().expect("a folder");
    let data = folder.path().join("data").display().to_string();
    refusal(
        &lictor(&["restore", "/no/such/backup.db", "--data", &data]),
        2,
    );
    refusal(&lictor(&["restore", "/etc/hostname", "--data", &data]), 2);
}
