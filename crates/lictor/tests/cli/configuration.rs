//! Where `lictor serve` and `lictor node run` take their options from, and what goes before what.

use lictor_testkit::{Folder, Request, Running, command, refusal, result, serve};

use super::server::Server;
use super::write;

fn version(url: &str, token: &str) -> String {
    let root = Request::new(url, "GET", "/").header("Kong-Admin-Token", token);
    root.send().text().to_owned()
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let config = format!(
        "# all options\ndata = {:?}\nlisten = \"127.0.0.1:0\"\nadmin-token-file = {:?}\n\
         kong-version = \"1.0.0.0\"\nhash-hostname = true\nlog-format = \"json\"\n",
        path("data"),
        path("token"),
    );
    write(&path("lictor.toml"), &config);
    for (environment, flag, version_expected) in [
        (None, None, "1.0.0.0"),
        (Some("2.0.0.0"), None, "2.0.0.0"),
        (Some("2.0.0.0"), Some("3.0.0.0"), "3.0.0.0"),
    ] {
        let mut command = command();
        command.args(["serve", "--config", &path("lictor.toml")]);
        if let Some(value) = environment {
            command.env("LICTOR_KONG_VERSION", value);
        }
        if let Some(value) = flag {
            command.args(["--kong-version", value]);
        }
        let running = Running::start(&mut command);
        let url = running.listening();
        let token = std::fs::read_to_string(path("token")).expect("a token");
        let root = version(&url, token.trim_end());
        assert!(root.contains(version_expected), "{root}");
    }
}

/// The processes that take a configuration file.
const PROCESSES: [&[&str]; 2] = [&["serve"], &["node", "run"]];

#[test]
fn a_node_too_takes_a_flag_before_the_environment_and_that_before_the_file() {
    let folder = Folder::new();
    let file = folder.path().join("node.toml").display().to_string();
    let config = "control-plane = \"http://127.0.0.1:1\"\ndata = \"/no/data\"\n\
                  local-token-file = \"/no/in-file\"\ncount-durability = \"request\"\n";
    write(&file, config);
    for (environment, flag, taken) in [
        (None, None, "/no/in-file"),
        (Some("/no/in-environment"), None, "/no/in-environment"),
        (Some("/no/in-environment"), Some("/no/flag"), "/no/flag"),
    ] {
        let mut command = command();
        command.args(["node", "run", "--config", &file]);
        if let Some(value) = environment {
            command.env("LICTOR_LOCAL_TOKEN_FILE", value);
        }
        if let Some(value) = flag {
            command.args(["--local-token-file", value]);
        }
        let said = refusal(&command.output().expect("runs"), 2);
        assert!(said.contains(taken), "{said}");
    }
}

#[test]
fn a_wrong_line_of_the_file_is_named() {
    let folder = Folder::new();
    let file = folder.path().join("lictor.toml").display().to_string();
    let refused = |process: &[&str], file: &str| {
        let mut command = command();
        command.args(process).args(["--config", file]);
        refusal(&command.output().expect("runs"), 2)
    };
    let [serve, node] = PROCESSES;
    for (process, text, line, word) in [
        (serve, "data = \"d\"\n\nlisen = \"x\"\n", "line 3", "lisen"),
        (
            serve,
            "data = \"d\"\nconfig = \"other.toml\"\n",
            "line 2",
            "config",
        ),
        (
            serve,
            "data = \"d\"\ntrust-policy = \"lax\"\n",
            "line 2",
            "lax",
        ),
        (
            serve,
            "data = \"d\"\ninsecure-http = \"yes\"\n",
            "line 2",
            "boolean",
        ),
        (serve, "data = \"d\"\ndata = \"e\"\n", "line 2", "duplicate"),
        (serve, "[server]\n", "line 1", "server"),
        (node, "admin-token-file = \"f\"\n", "line 1", "admin"),
        (node, "\ncount-durability = \"2h\"\n", "line 2", "2h"),
    ] {
        write(&file, text);
        let said = refused(process, &file);
        assert!(said.contains(line) && said.contains(word), "{said}");
    }
    for (process, word) in [(serve, "--data"), (node, "--control-plane")] {
        refused(process, "/no/such.toml");
        let said = refusal(&command().args(process).output().expect("runs"), 2);
        assert!(said.contains(word), "{said}");
    }
}

#[test]
fn options_that_cannot_be_are_refused_before_anything_is_made() {
    let folder = Folder::new();
    let data = folder.path().join("data");
    for (wrong, word) in [
        (&["--listen", "0.0.0.0:0"][..], "--insecure-http"),
        (&["--listen", "[::]:0"], "--insecure-http"),
        (
            &["--listen", "0.0.0.0:0", "--insecure-http=false"],
            "--insecure-http",
        ),
        (&["--metrics-listen", "0.0.0.0:0"], "--insecure-http"),
        (&["--listen", "nowhere"], "ADDRESS:PORT"),
        (&["--tls-cert", "cert.pem"], "--tls-key"),
        (&["--trust", "/no/such.pub"], "/no/such.pub"),
        (&["--trust-policy", "lax"], "lax"),
        (&["--log", "nonsense=loud"], "--log"),
        (&["--public-url", "licenses.example.com"], "--public-url"),
        (
            &["--public-url", "ftp://licenses.example.com"],
            "--public-url",
        ),
        (
            &["--public-url", "https://licenses.example.com/kong"],
            "--public-url",
        ),
        (
            &["--public-url", "https://me@licenses.example.com"],
            "--public-url",
        ),
        (&["--public-url", ""], "--public-url"),
    ] {
        let said = refusal(&serve(&data).args(wrong).output().expect("runs"), 2);
        assert!(said.contains(word), "{said}");
        assert!(!data.exists(), "{wrong:?}");
    }
}

#[test]
fn the_folder_of_a_node_is_refused_and_left_as_it_is() {
    let folder = Folder::new();
    let (data, token) = (folder.path().join("node"), folder.path().join("token"));
    let file = data.join("node.json").display().to_string();
    std::fs::create_dir(&data).expect("a folder");
    write(&file, "{}");
    let start = || {
        let mut command = command();
        command
            .env("LICTOR_DATA", &data)
            .args(["serve", "--listen"]);
        command
            .arg("127.0.0.1:0")
            .arg("--admin-token-file")
            .arg(&token);
        command
    };
    let said = refusal(&start().output().expect("runs"), 2);
    assert!(said.contains("node is a node's folder"), "{said}");
    let left = std::fs::read_dir(&data).expect("a folder").count();
    assert_eq!((left, token.exists()), (1, false));
    // A server that was started there before goes on.
    std::fs::remove_file(&file).expect("goes");
    Running::start(&mut start()).listening();
    write(&file, "{}");
    Running::start(&mut start()).listening();
}

#[test]
fn plain_http_for_all_is_possible_when_asked_for() {
    let server = Server::start(&["--listen", "0.0.0.0:0", "--insecure-http"]);
    assert!(
        server.url().starts_with("http://0.0.0.0:"),
        "{}",
        server.url()
    );
}

#[test]
fn a_switch_is_turned_by_the_words_that_people_write() {
    let folder = Folder::new();
    let start = |value: &str| {
        let mut command = serve(&folder.path().join("data"));
        command.args(["--listen", "0.0.0.0:0"]);
        command.env("LICTOR_INSECURE_HTTP", value);
        command
    };
    for on in ["1", "yes", "on", "true", "TRUE"] {
        Running::start(&mut start(on)).listening();
    }
    for off in ["0", "no", "off", "false"] {
        let said = refusal(&start(off).output().expect("runs"), 2);
        assert!(said.contains("--insecure-http"), "{off}: {said}");
    }
    let said = refusal(&start("perhaps").output().expect("runs"), 2);
    assert!(said.contains("perhaps"), "{said}");
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let folder = Folder::new();
    for name in [
        "DATA",
        "LISTEN",
        "ADMIN_TOKEN",
        "ADMIN_TOKEN_FILE",
        "TRUST",
        "TRUST_POLICY",
        "PUBLIC_URL",
        "TLS_CERT",
        "TLS_KEY",
        "INSECURE_HTTP",
        "NEW",
        "METRICS_LISTEN",
        "KONG_VERSION",
        "KONG_ORIGIN",
        "HASH_HOSTNAME",
        "LOG",
        "LOG_FORMAT",
        "CONFIG",
        "JSON",
    ] {
        let mut command = serve(&folder.path().join("data"));
        command.args(["--listen", "127.0.0.1:0"]);
        let running = Running::start(command.env(format!("LICTOR_{name}"), ""));
        running.listening();
    }
    let server = Server::start(&[]);
    for name in ["LICTOR_ORGANIZATION", "LICTOR_TOKEN", "LICTOR_URL"] {
        let mut list = command();
        list.args(["license", "list", "--url", server.url()]);
        list.args(["--token", server.token()]);
        result(&list.env(name, "").output().expect("runs"));
    }
}

#[test]
fn the_file_knows_every_option_but_itself() {
    let folder = Folder::new();
    let file = folder.path().join("lictor.toml").display().to_string();
    for process in PROCESSES {
        let run = |arguments: &[&str]| {
            let mut command = command();
            command.args(process).args(arguments);
            command.output().expect("runs")
        };
        let help = result(&run(&["--help"]));
        let flags = help.lines().filter_map(|line| {
            let (_, flag) = line
                .split_once("--")
                .filter(|(before, _)| before.trim().is_empty() || before.ends_with(", "))?;
            flag.split([' ', '[', '=']).next()
        });
        let mut known = 0;
        for flag in flags.filter(|flag| !matches!(*flag, "help" | "json" | "version" | "config")) {
            // A date is the value of none of them.
            write(&file, &format!("{flag} = 2030-01-01\n"));
            let said = refusal(&run(&["--config", &file]), 2);
            assert!(
                said.contains("line 1") && !said.contains("unknown"),
                "{flag}: {said}"
            );
            known += 1;
        }
        assert!(known >= 14, "{help}");
    }
}

#[test]
fn the_public_address_is_named_at_the_start_and_in_the_lock() {
    let address = "https://licenses.example.com";
    let server = Server::start(&["--public-url", &format!("{address}/")]);
    let said = refusal(&serve(&server.data()).output().expect("runs"), 2);
    assert!(
        said.contains(server.url()) && said.contains(address),
        "{said}"
    );
    let (_, log, _) = server.stop();
    assert!(log.lines().any(|line| line.ends_with(address)), "{log}");
}

#[test]
fn a_server_may_have_as_many_files_open_as_the_machine_lets_it() {
    let folder = Folder::new();
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -Sn 64; exec \"$@\"", "sh"]);
    let serve = serve(&folder.path().join("data"));
    limited.arg(serve.get_program()).args(serve.get_args());
    let running = Running::start(limited.env("LICTOR_LISTEN", "127.0.0.1:0"));
    running.listening();
    let limits = format!("/proc/{}/limits", running.child.id());
    let limits = std::fs::read_to_string(limits).expect("there");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"));
    let words: Vec<_> = files.expect("a line").split_whitespace().collect();
    assert_eq!(words[3], words[4], "the soft and the hard limit");
}
