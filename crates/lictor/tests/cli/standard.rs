//! `-` where a file is taken: standard input or output, or a refusal that says why not.

use std::io::Write as _;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use lictor_testkit::{Folder, Running, command, lictor, refusal, result};

use super::server::Server;
use super::{issue, vendor};

/// Runs a command with this on its standard input.
fn fed(command: &mut Command, input: &[u8]) -> Output {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    // A command that is refused may not read it.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("ends")
}

fn client(server: &Server, args: &[&str]) -> Command {
    let mut command = command();
    command
        .env("LICTOR_URL", server.url())
        .env("LICTOR_TOKEN", server.token())
        .args(args);
    command
}

#[test]
fn a_license_issued_to_a_dash_is_printed_and_its_key_may_come_from_standard_input() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let document = issue(&key, &["--out", "-"]);
    let pem = std::fs::read(&key).expect("a key");
    let mut piped = command();
    piped.current_dir(folder.path());
    piped.args([
        "license",
        "issue",
        "--key",
        "-",
        "--customer",
        "A",
        "--product",
        "B",
    ]);
    piped.args(["--expires", "1y", "--out", "-", "--json"]);
    let output = fed(&mut piped, &pem);
    for document in [document, result(&output)] {
        let mut verify = command();
        verify.args(["license", "verify", "--trust", &public, "-"]);
        result(&fed(&mut verify, document.as_bytes()));
    }
    assert!(!folder.path().join("-").exists());
    // A file on standard input is as open to others as by its name.
    Command::new("chmod")
        .args(["644", &key])
        .status()
        .expect("runs");
    let mut open = command();
    open.args([
        "license",
        "issue",
        "--key",
        "-",
        "--customer",
        "A",
        "--product",
        "B",
    ]);
    open.args(["--expires", "1y"])
        .stdin(std::fs::File::open(&key).expect("a key"));
    let said = refusal(&open.output().expect("runs"), 2);
    assert!(
        said.contains("standard input can be read by others"),
        "{said}"
    );
}

#[test]
fn standard_input_is_a_file_wherever_one_is_read_and_is_read_once() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    let pem = std::fs::read(&public).expect("a key");
    result(&fed(&mut client(&server, &["trust", "add", "-"]), &pem));
    let document = issue(&key, &[]);
    let stored = fed(
        &mut client(&server, &["license", "add", "-"]),
        document.as_bytes(),
    );
    result(&stored);
    let config = format!("data = {:?}\nlog = \"=\"\n", server.file("other"));
    let mut serve = command();
    serve.args(["serve", "--config", "-"]);
    let said = refusal(&fed(&mut serve, config.as_bytes()), 2);
    assert!(said.contains("--log"), "{said}");
    let mut twice = command();
    twice.args(["license", "verify", "--trust", "-", "-"]);
    let said = refusal(&fed(&mut twice, &pem), 2);
    assert!(said.contains("can be read only once"), "{said}");
}

#[test]
fn a_backup_to_a_dash_goes_to_standard_output_whole() {
    let server = Server::start(&[]);
    let output = server.lictor(&["backup", "-"]);
    assert!(output.status.success(), "{output:?}");
    let copy = server.file("copy.db");
    std::fs::write(&copy, &output.stdout).expect("writes");
    result(&lictor(&[
        "restore",
        &copy,
        "--data",
        &server.file("restored"),
    ]));
    for more in ["--include-keys", "--json"] {
        let refused = server.lictor(&["backup", "-", more]);
        let said = refusal(&refused, 2);
        assert!(said.contains("name a file"), "{said}");
        assert!(refused.stdout.is_empty(), "{more}");
    }
}

#[test]
fn a_backup_is_restored_from_standard_input() {
    let server = Server::start(&[]);
    let backup = server.lictor(&["backup", "-"]).stdout;
    let data = server.file("restored");
    let mut restore = command();
    restore.args(["restore", "-", "--data", &data]);
    let output = fed(&mut restore, &backup);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("standard input is checked and restored"),
        "{said}"
    );
    result(&output);
    result(&lictor(&["check", "--data", &data]));
    let mut broken = command();
    broken.args(["restore", "-", "--data", &server.file("broken")]);
    refusal(&fed(&mut broken, &backup[..5_000]), 1);
    let said = refusal(&fed(&mut broken, b""), 1);
    assert!(said.contains("(standard input is empty)"), "{said}");
    assert!(!std::path::Path::new(&server.file("broken")).exists());
}

#[test]
fn a_key_pair_made_to_a_dash_is_printed() {
    let folder = Folder::new();
    let generate = |more: &[&str]| {
        let mut generate = command();
        generate.current_dir(folder.path());
        generate.args(["key", "generate", "--out", "-"]).args(more);
        result(&generate.output().expect("runs"))
    };
    let printed = generate(&[]);
    let private = printed.find("-----BEGIN PRIVATE KEY-----");
    let public = printed.find("-----BEGIN PUBLIC KEY-----");
    assert!(private == Some(0) && public > private, "no pair of keys");
    let made: serde_json::Value = serde_json::from_str(&generate(&["--json"])).expect("JSON");
    let public = made["public_key"].as_str().expect("text");
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----"), "{public}");
    assert_eq!(made["key_id"].as_str().map(str::len), Some(16));
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        0
    );
}

#[test]
fn a_token_written_to_a_dash_is_printed() {
    use lictor_testkit::{Running, serve};
    let folder = Folder::new();
    let mut start = serve(&folder.path().join("data"));
    start
        .current_dir(folder.path())
        .args(["--admin-token-file", "-"]);
    let mut running = Running::start(&mut start);
    running.listening();
    running.signal("TERM");
    assert!(running.printed().starts_with("lictor_"));
    assert!(!folder.path().join("-").exists());
}

#[test]
fn a_dash_where_it_can_mean_nothing_is_refused_and_makes_no_file() {
    let folder = Folder::new();
    let config = folder.path().join("lictor.toml").display().to_string();
    super::write(&config, "\ndata = \"-\"\n");
    for words in [
        &["serve", "--config", &config][..],
        &["node", "run", "--config", &config],
        &["serve", "--data", "-"],
        &[
            "serve",
            "--data",
            "d",
            "--tls-cert",
            "-",
            "--tls-key",
            "k.pem",
        ],
        &[
            "serve",
            "--data",
            "d",
            "--tls-cert",
            "c.pem",
            "--tls-key",
            "-",
        ],
        &["serve", "--data", "d", "--node-ca", "-"],
        &["serve", "--data", "d", "--control-plane-key", "-"],
        &["node", "run", "--data", "-"],
        &["restore", "x.db", "--data", "-"],
        &["check", "--data", "-"],
    ] {
        let mut command = command();
        // A start that is not refused for this is refused for that.
        command.env("LICTOR_LISTEN", "nowhere");
        let output = command.current_dir(folder.path()).args(words).output();
        let said = refusal(&output.expect("runs"), 2);
        assert!(
            said.contains("`-` means standard input or output"),
            "{words:?}: {said}"
        );
    }
    let left = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 1, "the configuration file");
}

#[test]
fn a_node_that_waits_for_its_pool_reads_a_dash_once() {
    let server = Server::start(&[]);
    result(&server.lictor(&["application", "create", "gateway"]));
    let pool = result(&server.lictor(&["node", "enroll", "--pool", "edge", "--uses", "2"]));
    let (_, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    // A control plane that answers nothing.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let (tried, tries) = channel();
    std::thread::spawn(move || {
        while let Ok((connection, _)) = silent.accept() {
            drop(connection);
            if tried.send(()).is_err() {
                return;
            }
        }
    });
    let mut node = command();
    node.args(["node", "run", "--listen", "127.0.0.1:0", "--trust", "-"])
        .args(["--control-plane", &format!("http://{address}")])
        .args(["--data", &server.file("node")])
        .env("LICTOR_ENROLL", pool)
        .stdin(Stdio::piped());
    let mut running = Running::start(&mut node);
    let mut stdin = running.child.stdin.take().expect("a pipe");
    stdin
        .write_all(&std::fs::read(public).expect("a key"))
        .expect("read");
    drop(stdin);
    for nth in 1..=3 {
        while tries.recv_timeout(Duration::from_millis(100)).is_err() {
            let ended = running.child.try_wait().expect("a process");
            assert!(ended.is_none(), "it ended before try {nth}");
        }
    }
    running.signal("TERM");
    let (status, log) = running.end();
    assert!(status.success(), "{log}");
}
