//! What every test of the built binary needs: a server on a free port, commands, requests.

#![expect(clippy::expect_used, reason = "helpers of tests, too, may end a test")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tempfile::TempDir;

/// How long a server may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// The built binary, without any settings from the environment of the tests.
pub(crate) fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lictor"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LICTOR_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

/// Runs a command to its end.
pub(crate) fn lictor(args: &[&str]) -> Output {
    command().args(args).output().expect("lictor runs")
}

/// What a command printed as its result, without the line end. It must have succeeded.
pub(crate) fn result(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    let text = String::from_utf8(output.stdout.clone()).expect("text");
    text.trim_end_matches('\n').to_owned()
}

/// What a command said when it ended with `code`.
pub(crate) fn refusal(output: &Output, code: i32) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    let result = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{error}{result}");
    error
}

/// A running process whose standard error is kept.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
}

impl Running {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("lictor starts");
        let stderr = BufReader::new(child.stderr.take().expect("piped"));
        let (sender, lines) = channel();
        let log = std::thread::spawn(move || {
            let mut log = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                log.push_str(&line);
                log.push('\n');
                // Nobody listens once the server is ready.
                let _ = sender.send(line);
            }
            log
        });
        Self {
            child,
            lines,
            log: Some(log),
        }
    }

    /// Waits for a line on standard error that begins with `word`, and returns what follows.
    pub(crate) fn wait_for(&self, word: &str) -> String {
        let mut seen = String::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if let Some(rest) = line.strip_prefix(word) {
                return rest.to_owned();
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        panic!("no line begins with {word:?}:\n{seen}");
    }

    /// Its standard output, to read from.
    pub(crate) fn stdout(&mut self) -> BufReader<std::process::ChildStdout> {
        BufReader::new(self.child.stdout.take().expect("taken once"))
    }

    /// Sends it a signal, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    /// Waits for its end; how it ended, and all that it said on standard error.
    pub(crate) fn end(mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("ends");
        let log = self.log.take().expect("there once").join().expect("read");
        (status, log)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server with its own data folder on a free port of loopback.
pub(crate) struct Server {
    running: Running,
    url: String,
    token: String,
    folder: TempDir,
}

impl Server {
    /// Starts one on new data, with these arguments beside the usual ones.
    pub(crate) fn start(extra: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder");
        let token = folder.path().join("token");
        let mut command = serve(&folder.path().join("data"));
        command.arg("--admin-token-file").arg(&token).args(extra);
        let running = Running::start(&mut command);
        let url = running.wait_for("listening on ");
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

    /// Sends a request with the operator's token; the status and the body.
    pub(crate) fn request(&self, method: &str, path: &str) -> (u16, String) {
        let bearer = format!("Authorization: Bearer {}\r\n", self.token);
        request(&self.url, method, path, &bearer)
    }

    /// Ends it in order: how it ended, and its log.
    pub(crate) fn stop(self) -> (ExitStatus, String, TempDir) {
        self.running.signal("TERM");
        let (status, log) = self.running.end();
        (status, log, self.folder)
    }
}

/// `lictor serve` on this data and a free port, unless told otherwise; not started yet.
pub(crate) fn serve(data: &Path) -> Command {
    let mut command = command();
    command.env("LICTOR_LISTEN", "127.0.0.1:0");
    command.args(["serve", "--data"]).arg(data);
    command
}

/// Sends a request with these header lines and without a body; the status and the body.
pub(crate) fn request(url: &str, method: &str, path: &str, headers: &str) -> (u16, String) {
    let host = url.strip_prefix("http://").expect("plain HTTP");
    let mut stream = TcpStream::connect(host).expect("connects");
    // In this old version the answer ends where the connection does.
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\n{headers}\r\n"
    )
    .expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).expect("a status");
    (status.parse().expect("a number"), body.to_owned())
}

/// It also keeps everything here in use in every binary that takes this file.
#[test]
fn a_server_starts_answers_and_stops() {
    let server = Server::start(&[]);
    assert!(server.data().join("lictor.db").exists());
    assert!(Path::new(&server.file("token")).exists());
    assert_eq!(server.request("GET", "/v1/licenses").0, 200);
    assert_eq!(request(server.url(), "GET", "/v1/licenses", "").0, 401);
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
    again.wait_for("listening on ");
    again.signal("INT");
    let mut printed = String::new();
    again.stdout().read_to_string(&mut printed).expect("text");
    assert_eq!(printed, "", "the token is shown at the first start alone");
    assert!(again.end().0.success());
}
