//! A server on new data, and the commands and requests of its operator.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};

use lictor_testkit::{Answer, Folder, Request, Running, command, lictor, refusal, result, serve};
use serde_json::Value;

/// A server with its own data folder on a free port of loopback.
pub(crate) struct Server {
    running: Running,
    url: String,
    token: String,
    folder: Folder,
}

impl Server {
    /// Starts one on new data, with these arguments beside the usual ones.
    pub(crate) fn start(extra: &[&str]) -> Self {
        let folder = Folder::new();
        let token = folder.path().join("token");
        let mut command = serve(&folder.path().join("data"));
        command.arg("--admin-token-file").arg(&token).args(extra);
        let running = Running::start(&mut command);
        let url = running.listening();
        let token = std::fs::read_to_string(token).expect("the token file");
        Self {
            running,
            url,
            token: token.trim_end().to_owned(),
            folder,
        }
    }

    /// Where it listens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// An operator's token.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// Its data folder; the folder above is the test's to write in, and holds the file `token`.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// A file in the test's folder.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Runs a client command as the operator.
    pub(crate) fn lictor(&self, args: &[&str]) -> Output {
        self.lictor_as(&self.token, args)
    }

    /// Runs a client command with another token.
    pub(crate) fn lictor_as(&self, token: &str, args: &[&str]) -> Output {
        let mut command = command();
        command
            .env("LICTOR_URL", &self.url)
            .env("LICTOR_TOKEN", token);
        command.args(args).output().expect("lictor runs")
    }

    /// A request to read this path, without a token.
    pub(crate) fn get(&self, path: &str) -> Request {
        Request::new(&self.url, "GET", path)
    }

    /// What the native API answers to the operator who sends this.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value) -> Answer {
        let mut request = Request::new(&self.url, method, path)
            .token(&self.token)
            .header("Content-Type", "application/json");
        request.body = body.to_string().into_bytes();
        request.send()
    }

    /// Ends it in order: how it ended, and its log.
    pub(crate) fn stop(self) -> (ExitStatus, String, Folder) {
        self.running.signal("TERM");
        let (status, log) = self.running.end();
        (status, log, self.folder)
    }
}

#[test]
fn a_server_starts_answers_and_stops() {
    let server = Server::start(&[]);
    assert!(server.data().join("lictor.db").exists());
    assert!(Path::new(&server.file("token")).exists());
    let list = server.get("/v1/licenses");
    assert_eq!(list.send().status, 401);
    assert_eq!(list.token(server.token()).send().status, 200);
    assert_eq!(result(&server.lictor(&["license", "list"])), "");
    refusal(&server.lictor_as("nonsense", &["license", "list"]), 4);
    assert_eq!(
        result(&server.lictor_as(server.token(), &["usage", "list"])),
        ""
    );
    refusal(&lictor(&["no-such-command"]), 2);
    let (status, log, folder) = server.stop();
    assert!(status.success(), "{log}");
    let mut again = Running::start(&mut serve(&folder.path().join("data")));
    again.listening();
    again.signal("INT");
    let printed = again.printed();
    assert_eq!(printed, "", "the token is shown at the first start alone");
    assert!(again.end().0.success());
}
