//! Folders in which others have a hand: nothing is written through their links, and they are spoken of.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use lictor_testkit::{Folder, Running, command, lictor, refusal, result, serve};

use super::server::Server;
use super::{issue, vendor, write};

const THEIRS: &str = "what others have written";

/// A file of somebody else's, beside the folders of a test.
fn theirs(folder: &Folder) -> std::path::PathBuf {
    let file = folder.path().join("theirs");
    std::fs::write(&file, THEIRS).expect("written");
    file
}

#[test]
fn a_server_writes_through_no_link_in_its_folder() {
    let folder = Folder::new();
    let theirs = theirs(&folder);
    let data = folder.path().join("data");
    for name in [
        "lictor.lock",
        "lictor.db",
        "lictor.db-wal",
        "lictor.db-shm",
        "control-plane.key",
    ] {
        for target in [&theirs, Path::new("/no/such/file")] {
            std::fs::create_dir(&data).expect("a folder");
            symlink(target, data.join(name)).expect("a link");
            let said = refusal(&serve(&data).arg("--new").output().expect("runs"), 2);
            assert!(
                said.contains(name) && said.contains("symbolic link"),
                "{said}"
            );
            let kept = std::fs::read_to_string(&theirs).expect("there");
            assert_eq!(kept, THEIRS, "{name}");
            std::fs::remove_dir_all(&data).expect("removed");
        }
    }
    // What is made beside its place and renamed replaces a link; it does not follow it.
    std::fs::create_dir(&data).expect("a folder");
    for name in [
        "lictor.db.new",
        "lictor.db.new-wal",
        "operator.token.sha256",
    ] {
        symlink(&theirs, data.join(name)).expect("a link");
    }
    let token = folder.path().join("token");
    let mut server = serve(&data);
    server.arg("--admin-token-file").arg(&token);
    Running::start(&mut server).listening();
    assert_eq!(std::fs::read_to_string(&theirs).expect("there"), THEIRS);
}

#[test]
fn a_data_folder_may_itself_be_reached_through_a_link() {
    let folder = Folder::new();
    let (disk, data) = (folder.path().join("disk"), folder.path().join("data"));
    std::fs::create_dir(&disk).expect("a folder");
    symlink(&disk, &data).expect("a link");
    Running::start(&mut serve(&data)).listening();
    assert!(disk.join("lictor.db").exists());
    // Whoever only reads follows links to files as well.
    let other = folder.path().join("other");
    std::fs::create_dir(&other).expect("a folder");
    symlink(disk.join("lictor.db"), other.join("lictor.db")).expect("a link");
    result(&lictor(&["check", "--data", &other.display().to_string()]));
}

#[test]
fn no_command_writes_through_a_link() {
    let server = Server::start(&[]);
    let folder = server.data().parent().expect("a folder").to_owned();
    let theirs = folder.join("theirs");
    std::fs::write(&theirs, THEIRS).expect("written");
    let link = |name: &str| {
        let path = folder.join(name);
        symlink(&theirs, &path).expect("a link");
        path.display().to_string()
    };
    let (key, public) = vendor(&folder, "vendor");
    let issued = [
        "license",
        "issue",
        "--customer",
        "A",
        "--product",
        "B",
        "--expires",
        "1y",
        "--key",
        &key,
    ];
    let backup = link("backup.db");
    link("with-key.db.key");
    link("new.key");
    let (with_key, new) = (folder.join("with-key.db"), folder.join("new"));
    let (with_key, new) = (with_key.display().to_string(), new.display().to_string());
    for words in [
        &[&issued[..], &["--out", &link("license.json")]].concat(),
        &["backup", &backup][..],
        &["backup", "--include-keys", &with_key],
        &["key", "generate", "--out", &new],
    ] {
        let said = refusal(&server.lictor(words), 2);
        assert!(said.contains("choose another name"), "{words:?}: {said}");
    }
    let mut other = serve(&folder.join("other"));
    other.args(["--admin-token-file", &link("token-of-others")]);
    let said = refusal(&other.output().expect("runs"), 2);
    assert!(said.contains("not a regular file"), "{said}");

    result(&server.lictor(&["backup", &folder.join("copy.db").display().to_string()]));
    let restored = folder.join("restored");
    std::fs::create_dir(&restored).expect("a folder");
    symlink(&theirs, restored.join("lictor.lock")).expect("a link");
    let words = [
        "restore",
        &folder.join("copy.db").display().to_string(),
        "--data",
    ];
    let into = restored.display().to_string();
    let said = refusal(&server.lictor(&[&words[..], &[&into]].concat()), 2);
    assert!(said.contains("lictor.lock is a symbolic link"), "{said}");

    result(&server.lictor(&["trust", "add", &public]));
    let file = server.file("editor.json");
    write(&file, &issue(&key, &[]));
    result(&server.lictor(&["license", "add", &file]));
    let token = result(&server.lictor(&["node", "enroll", "--name", "edge-1"]));
    for name in [
        "lock",
        "node.json",
        "node.json.new",
        "ratchet.json.new",
        "state.json.new",
    ] {
        let node = folder.join(format!("node-{name}"));
        std::fs::create_dir(&node).expect("a folder");
        symlink(&theirs, node.join(name)).expect("a link");
        let mut run = command();
        run.args([
            "node",
            "run",
            "--listen",
            "127.0.0.1:0",
            "--control-plane",
            server.url(),
        ])
        .env("LICTOR_ENROLL", &token)
        .arg("--data")
        .arg(&node);
        let said = refusal(&run.output().expect("runs"), 2);
        assert!(
            said.contains(&format!("{name} is a symbolic link")),
            "{said}"
        );
    }
    assert_eq!(std::fs::read_to_string(&theirs).expect("there"), THEIRS);
}

#[test]
fn a_folder_that_everybody_can_write_to_is_warned_about() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    std::fs::create_dir(&data).expect("a folder");
    for (mode, is_warned) in [(0o777, true), (0o1777, true), (0o770, false)] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(&data, permissions).expect("a mode");
        let running = Running::start(&mut serve(&data));
        running.listening();
        running.signal("TERM");
        let log = running.end().1;
        assert_eq!(
            log.contains("run `chmod o-w` on it"),
            is_warned,
            "{mode:o}: {log}"
        );
    }
}
