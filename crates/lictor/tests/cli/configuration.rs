//! Where `lictor serve` takes its options from, and what goes before what.

use tempfile::TempDir;

use super::http::Request;
use super::process::{Running, command, serve};
use super::run::refusal;
use super::server::Server;
use super::write;

fn version(url: &str, token: &str) -> String {
    let root = Request::new(url, "GET", "/").header("Kong-Admin-Token", token);
    root.send().text().to_owned()
}

#[test]
fn a_flag_goes_before_the_environment_and_that_before_the_file() {
    let folder = TempDir::new().expect("a folder");
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

#[test]
fn a_wrong_line_of_the_file_is_named() {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("lictor.toml").display().to_string();
    for (text, line, word) in [
        ("data = \"d\"\n\nlisen = \"x\"\n", "line 3", "lisen"),
        (
            "data = \"d\"\nconfig = \"other.toml\"\n",
            "line 2",
            "config",
        ),
        ("data = \"d\"\ntrust-policy = \"lax\"\n", "line 2", "lax"),
        (
            "data = \"d\"\ninsecure-http = \"yes\"\n",
            "line 2",
            "boolean",
        ),
        ("data = \"d\"\ndata = \"e\"\n", "line 2", "duplicate"),
        ("[server]\n", "line 1", "server"),
    ] {
        write(&file, text);
        let said = refusal(
            &command()
                .args(["serve", "--config", &file])
                .output()
                .expect("runs"),
            2,
        );
        assert!(said.contains(line) && said.contains(word), "{said}");
    }
    refusal(
        &command()
            .args(["serve", "--config", "/no/such.toml"])
            .output()
            .expect("runs"),
        2,
    );
    let said = refusal(&command().arg("serve").output().expect("runs"), 2);
    assert!(said.contains("--data"), "{said}");
}

#[test]
fn options_that_cannot_be_are_refused_before_anything_is_made() {
    let folder = TempDir::new().expect("a folder");
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
    ] {
        let said = refusal(&serve(&data).args(wrong).output().expect("runs"), 2);
        assert!(said.contains(word), "{said}");
        assert!(!data.exists(), "{wrong:?}");
    }
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
