//! The data of an older server in a folder of the test's own, the server of today on it, and what is
//! asked of that.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lictor_core::SigningKey;
use lictor_testkit::{Folder, Request, Running, command, serve};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// The operator's token of the older server.
const OPERATOR: &str = "operator-token-of-the-upgrade-tests-0123456789";

const ROWS: &str = include_str!("8fa8079/server.sql");

/// A folder with the older server's data, while no server runs on it.
pub(crate) struct Fixture {
    folder: Folder,
    data: PathBuf,
}

/// A server on it.
pub(crate) struct Server {
    pub(crate) url: String,
    running: Running,
    fixture: Fixture,
}

/// What the older server handed out.
pub(crate) fn secrets() -> Value {
    serde_json::from_str(include_str!("8fa8079/secrets.json")).expect("JSON")
}

/// Writes a file that nobody else can read.
pub(crate) fn private(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file");
    let mode = PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path, mode).expect("a mode");
}

impl Fixture {
    /// What 8fa8079 left behind.
    pub(crate) fn new() -> Self {
        Self::of(ROWS)
    }

    /// What an older server left behind: its database as statements.
    pub(crate) fn of(rows: &str) -> Self {
        let folder = Folder::new();
        let data = folder.path().join("data");
        std::fs::create_dir(&data).expect("a folder");
        let database = rusqlite::Connection::open(data.join("lictor.db")).expect("a database");
        database.execute_batch(rows).expect("rows");
        database.close().expect("it closes");
        let key = SigningKey::from_seed([2; 32]).to_pem().expect("a key");
        private(&folder.path().join("control-plane.pem"), key.as_bytes());
        Self { folder, data }
    }

    /// The folder of the database.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// A path in the test's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// What `lictor check` finds, which must be nothing.
    #[track_caller]
    pub(crate) fn check(&self) {
        let mut check = command();
        check.arg("check").arg("--data").arg(&self.data);
        let output = check.output().expect("lictor runs");
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}{error}");
        let differences = said.lines().find(|line| line.starts_with("differences"));
        let differences = differences.and_then(|line| line.split_whitespace().next_back());
        assert_eq!(differences, Some("0"), "{said}{error}");
    }

    /// The same data by way of a restored backup.
    pub(crate) fn restored(self) -> Self {
        let data = self.path("restored");
        let mut restore = command();
        restore.arg("restore").arg(self.data.join("lictor.db"));
        restore.arg("--data").arg(&data);
        let output = restore.output().expect("lictor runs");
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{error}");
        let Self { folder, .. } = self;
        Self { folder, data }
    }

    /// Starts a server on it.
    pub(crate) fn serve(self) -> Server {
        let mut command = serve(&self.data);
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        command.arg("--control-plane-key");
        command.arg(self.path("control-plane.pem"));
        let running = Running::start(&mut command);
        Server {
            url: running.listening(),
            running,
            fixture: self,
        }
    }
}

impl Server {
    pub(crate) fn fixture(&self) -> &Fixture {
        &self.fixture
    }

    /// Checks the data beside the running server.
    #[track_caller]
    pub(crate) fn check(&self) {
        self.fixture.check();
    }

    /// Tells it to stop, and waits for that.
    pub(crate) fn stop(mut self) -> Fixture {
        let pid = i32::try_from(self.running.child.id()).expect("a process id");
        let pid = Pid::from_raw(pid).expect("a process id");
        kill_process(pid, Signal::TERM).expect("it is there");
        let status = self.running.child.wait().expect("it ends");
        assert!(status.success(), "{status}");
        self.fixture
    }

    pub(crate) fn anonymous(&self, method: &str, path: &str) -> Request {
        Request::new(&self.url, method, path)
    }

    pub(crate) fn as_token(&self, method: &str, path: &str, token: &str) -> Request {
        self.anonymous(method, path).token(token)
    }

    /// A request by the operator.
    pub(crate) fn call(&self, method: &str, path: &str) -> Request {
        self.as_token(method, path, OPERATOR)
    }

    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Value {
        let answer = self.call("GET", path).send();
        assert_eq!(answer.status, 200, "{answer:?}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }
}
