//! A running data plane: `lictor node run` as a process of its own, and what a product beside it asks.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use lictor_testkit::{Answer, Request, Running, command};
use serde_json::Value;

use crate::harness::Server;

/// How long something may take that is to happen soon.
const SOON: Duration = Duration::from_secs(5);

/// A node process.
pub(crate) struct Plane {
    pub(crate) running: Running,
    /// Where it answers.
    pub(crate) url: String,
    pub(crate) folder: PathBuf,
    control_plane: String,
    options: Vec<String>,
}

impl Plane {
    /// Enrolls a node for `konnect` and runs it in a folder of the server's test.
    pub(crate) fn of<R>(server: &Server<R>, name: &str, options: &[&str]) -> Self {
        let token = server.enroll(name);
        let enroll = ["--enroll", token.as_str()];
        Self::start(server, name, &[&enroll, options].concat())
    }

    /// Runs a node in a folder of that name.
    pub(crate) fn start<R>(server: &Server<R>, name: &str, options: &[&str]) -> Self {
        let folder = server.folder.path().join(name);
        let options = options.iter().map(|option| (*option).to_owned()).collect();
        Self::run(server.url.clone(), folder, options)
    }

    fn run(control_plane: String, folder: PathBuf, options: Vec<String>) -> Self {
        let mut command = command();
        command.args(["node", "run", "--control-plane", &control_plane]);
        command.args(["--listen", "127.0.0.1:0", "--data"]);
        command.arg(&folder).args(&options);
        let running = Running::start(&mut command);
        Self {
            url: running.listening(),
            running,
            folder,
            control_plane,
            options,
        }
    }

    /// Runs another one with the same options, in this folder.
    pub(crate) fn beside(other: &Self, folder: PathBuf) -> Self {
        Self::run(other.control_plane.clone(), folder, other.options.clone())
    }

    /// SIGKILL, then another process on the same folder.
    pub(crate) fn restart(self) -> Self {
        let Self {
            running,
            folder,
            control_plane,
            options,
            ..
        } = self;
        drop(running);
        Self::run(control_plane, folder, options)
    }

    /// SIGKILL, then something is done to its folder, then another process.
    pub(crate) fn restart_after(self, act: impl FnOnce(&std::path::Path)) -> Self {
        let Self {
            running,
            folder,
            control_plane,
            options,
            ..
        } = self;
        drop(running);
        act(&folder);
        Self::run(control_plane, folder, options)
    }

    pub(crate) fn ask(&self, method: &str, path: &str) -> Request {
        Request::new(&self.url, method, path)
    }

    /// Asks whether a request is allowed: the reason why not, or nothing.
    pub(crate) fn check(&self, query: &str) -> Option<String> {
        let answer = self.ask("GET", &format!("/check{query}")).send();
        denied(&answer)
    }

    pub(crate) fn status(&self) -> Value {
        self.ask("GET", "/status").expect(200).value()
    }

    /// The problems that it tells, in one text.
    pub(crate) fn problems(&self) -> String {
        self.status()["problems"].to_string()
    }

    /// Waits until requests are answered so: the reason why not, or nothing.
    #[track_caller]
    pub(crate) fn until(&self, expected: Option<&str>) {
        let is_so = || self.check("").as_deref() == expected;
        assert!(soon(is_so), "{:?}: {}", self.check(""), self.status());
    }

    /// Waits until the status says so.
    #[track_caller]
    pub(crate) fn until_status(&self, is_so: impl Fn(&Value) -> bool) {
        assert!(soon(|| is_so(&self.status())), "{}", self.status());
    }
}

/// Whether it becomes so soon.
pub(crate) fn soon(is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while begun.elapsed() < SOON {
        if is_so() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    is_so()
}

/// Why a request was denied; nothing: it was not.
#[track_caller]
pub(crate) fn denied(answer: &Answer) -> Option<String> {
    match answer.status {
        204 => None,
        403 => {
            let reason = answer.header("lictor-reason").expect("a reason").to_owned();
            assert_eq!(answer.value()["reason"], reason.as_str());
            Some(reason)
        }
        _ => panic!("{answer:?}"),
    }
}
