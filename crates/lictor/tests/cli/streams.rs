//! Standard output and standard error that fail: no command panics, and what it was asked for is done
//! and answered by its exit code all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use lictor_testkit::{Folder, Request, command, lictor, refusal, result, serve};
use serde_json::Value;

use super::server::Server;
use super::{vendor, write};

/// What is wrong with a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// Every write fails, as on a full disk.
    Full,
    /// It was closed before the start.
    Closed,
    /// Nobody reads any more.
    Broken,
}

pub(super) const WRONGS: [Wrong; 3] = [Wrong::Full, Wrong::Closed, Wrong::Broken];

/// Commands that stay, which have tests of their own.
const THAT_STAY: [&str; 3] = ["serve", "demo", "node run"];

/// Every other command, in an order in which each finds what it is about. A number stands for `{n}`,
/// the test's folder for `{dir}`, this month for `{month}`, and what was made for the rest.
const COMMANDS: &str = "\
key generate --out {dir}/vendor{n}
key generate --out {dir}/new{n}
key rotate --key {dir}/vendor{n}.key --to {dir}/new{n}.pub
license issue --key {dir}/vendor{n}.key --customer Acme --product App{n} --expires 2099-01-01
license issue --key {dir}/vendor{n}.key --customer Acme --product App{n} --expires 2099-01-01 --out {dir}/{n}.json
license verify --trust {dir}/vendor{n}.pub {dir}/{n}.json
trust add {dir}/vendor{n}.pub
trust list
license add {dir}/{n}.json
license list
license show {license}
organization create org{n}
organization list
organization set org{n} --max-licenses 5
organization show org{n}
organization remove org{n}
application create tool{n}
application list
application outlook tool{n}
application set tool{n} --name Tool
application remove tool{n}
account add a{n}@example.com
account import {dir}/accounts.csv
account list
account set a{n}@example.com --name Ada
account deactivate a{n}@example.com
account reactivate a{n}@example.com
seat assign app{n} a{n}@example.com
account seats a{n}@example.com
seat list app{n}
seat refusals
seat release app{n} a{n}@example.com
lease checkout app{n} holder{n}
lease renew {lease} --fence {fence}
lease list app{n}
lease release {lease} --fence {fence}
forget holder{n}
token create --name token{n}
token list
token revoke {token}
client create --scope ZohoCRM.org.READ --name client{n}
client list
client set {client} --name client{n}-again
client code {client}
client remove {client}
node enroll --name node{n} --application app{n}
node enroll --pool pool{n} --uses 2 --ttl 1h --application app{n}
node list
node pool list
node pool revoke pool{n}
node policy
node adopt
node revoke node{n}
count
usage add orders 5 --source gateway{n}
usage correct gateway{n} orders {month} -1 --reason test
usage list
report
backup {dir}/{n}.db
restore {dir}/{n}.db --data {dir}/restored{n}
check --data {dir}/restored{n}
openapi
account remove a{n}@example.com
license remove {license}
trust retire {key}
trust revoke {key}";

/// Where the stream of a command goes.
fn stream(wrong: Wrong) -> Stdio {
    match wrong {
        Wrong::Full => File::create("/dev/full").expect("Linux").into(),
        Wrong::Broken => std::io::pipe().expect("a pipe").1.into(),
        // The shell closes it.
        Wrong::Closed => Stdio::null(),
    }
}

/// The same command with a wrong standard output, or a wrong standard error.
pub(super) fn broken(base: &Command, out: Option<Wrong>, err: Option<Wrong>) -> Command {
    let close = match (out, err) {
        (Some(Wrong::Closed), _) => ">&-",
        (_, Some(Wrong::Closed)) => "2>&-",
        _ => "",
    };
    let mut command = Command::new("sh");
    command.args(["-c", &format!("exec \"$0\" \"$@\" {close}")]);
    command.arg(base.get_program()).args(base.get_args());
    for (name, value) in base.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.stdin(Stdio::null());
    command.stdout(out.map_or_else(Stdio::piped, stream));
    command.stderr(err.map_or_else(Stdio::piped, stream));
    command
}

/// The commands of every level, as the help names them.
fn leaves(path: &[&str], found: &mut BTreeSet<String>) {
    let help = result(&lictor(&[path, &["--help"]].concat()));
    let list = help
        .split_once("\nCommands:\n")
        .map_or("", |(_, rest)| rest);
    let list = list.split("\n\n").next().unwrap_or_default();
    let names = list.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| line.starts_with(|letter: char| letter.is_ascii_lowercase()));
    let names: Vec<_> = names.filter_map(|line| line.split(' ').next()).collect();
    if names.is_empty() {
        found.insert(path.join(" "));
    }
    for name in names.into_iter().filter(|name| *name != "help") {
        leaves(&[path, &[name]].concat(), found);
    }
}

/// One round through all commands.
struct Round<'s> {
    url: &'s str,
    token: &'s str,
    number: usize,
    folder: &'s str,
}

impl Round<'_> {
    /// The member of the listed object in which `word` stands.
    fn listed(&self, list: &[&str], word: &str, member: &str) -> String {
        let text = result(&self.of(list).arg("--json").output().expect("runs"));
        let listed: Value = serde_json::from_str(&text).expect("JSON");
        let mut lists = listed
            .as_object()
            .into_iter()
            .flat_map(|object| object.values());
        let items = lists.find_map(Value::as_array).expect("a list");
        let item = items.iter().find(|item| item.to_string().contains(word));
        let value = &item.unwrap_or_else(|| panic!("no {word}: {text}"))[member];
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    }

    fn filled(&self, line: &str) -> String {
        let n = self.number;
        let (app, month) = (
            format!("app{n}"),
            lictor_core::Date::of(lictor_authority::clock::Clock::System.now()).month(),
        );
        let mut line = line
            .replace("{n}", &n.to_string())
            .replace("{dir}", self.folder)
            .replace("{month}", &month);
        let key = format!("{}/vendor{n}.pub", self.folder);
        for (place, list, word, member) in [
            (
                "{license}",
                &["license", "list"][..],
                format!("\"{app}\""),
                "id",
            ),
            (
                "{lease}",
                &["lease", "list", &app],
                format!("holder{n}"),
                "id",
            ),
            (
                "{fence}",
                &["lease", "list", &app],
                format!("holder{n}"),
                "fence",
            ),
            ("{token}", &["token", "list"], format!("token{n}"), "id"),
            ("{client}", &["client", "list"], format!("client{n}"), "id"),
        ] {
            if line.contains(place) {
                line = line.replace(place, &self.listed(list, &word, member));
            }
        }
        if line.contains("{key}") {
            let pem = std::fs::read_to_string(key).expect("a key");
            let key = lictor_core::PublicKey::from_pem(pem.trim()).expect("a key");
            line = line.replace("{key}", &key.id().to_string());
        }
        line
    }

    fn command(&self, line: &str, more: &[&str]) -> Command {
        let line = self.filled(line);
        let mut command = self.of(&line.split(' ').collect::<Vec<_>>());
        command.args(more);
        command
    }

    fn of(&self, words: &[&str]) -> Command {
        let mut command = command();
        command.env("LICTOR_URL", self.url);
        command.env("LICTOR_TOKEN", self.token).args(words);
        command
    }
}

fn assert_no_panic(line: &str, output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!said.contains("panicked"), "{line}: {said}");
    said
}

#[test]
fn every_command_does_its_work_whatever_becomes_of_its_output() {
    let server = Server::start(&[]);
    let folder = server.file("");
    write(
        &server.file("accounts.csv"),
        "email\nimported@example.com\n",
    );
    let named = COMMANDS.lines().map(|line| {
        let words = line
            .split(' ')
            .take_while(|word| !word.starts_with(['-', '{']));
        words.take(3).collect::<Vec<_>>().join(" ")
    });
    let named: BTreeSet<_> = named.collect();
    let mut all = BTreeSet::new();
    leaves(&[], &mut all);
    for leaf in &all {
        let is_named = named
            .iter()
            .any(|line| line == leaf || line.starts_with(&format!("{leaf} ")));
        assert!(
            is_named || THAT_STAY.contains(&leaf.as_str()),
            "{leaf} is not tried"
        );
    }

    let (url, token) = (server.url(), server.token());
    let round = |number| Round {
        url,
        token,
        number,
        folder: folder.trim_end_matches('/'),
    };
    let sound = round(0);
    let mut prints = BTreeMap::new();
    for line in COMMANDS.lines() {
        let output = sound.command(line, &[]).output().expect("runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {said}");
        prints.insert(line, !output.stdout.is_empty());
    }
    assert!(prints.values().any(|prints| *prints) && prints.values().any(|prints| !prints));
    std::thread::scope(|scope| {
        for (at, wrong) in WRONGS.into_iter().enumerate() {
            let (prints, round) = (&prints, &round);
            scope.spawn(move || {
                let round = round(1 + at);
                for line in COMMANDS.lines() {
                    let mut command = broken(&round.command(line, &[]), None, Some(wrong));
                    let output = command.output().expect("runs");
                    assert_eq!(
                        output.status.code(),
                        Some(0),
                        "{line} with {wrong:?} as standard error"
                    );
                    assert_eq!(!output.stdout.is_empty(), prints[line], "{line}");
                }
            });
            scope.spawn(move || {
                let round = round(4 + at);
                for line in COMMANDS.lines() {
                    let mut command = broken(&round.command(line, &[]), Some(wrong), None);
                    let output = command.output().expect("runs");
                    let said = assert_no_panic(line, &output);
                    let fails = wrong == Wrong::Full && prints[line];
                    let code = i32::from(fails);
                    assert_eq!(
                        output.status.code(),
                        Some(code),
                        "{line} with {wrong:?}: {said}"
                    );
                    let told = said.contains("could not be written to standard output");
                    assert_eq!(told, fails, "{line}: {said}");
                }
            });
        }
        scope.spawn(|| {
            let round = round(7);
            for line in COMMANDS.lines() {
                let mut command =
                    broken(&round.command(line, &["--json"]), Some(Wrong::Full), None);
                let output = command.output().expect("runs");
                let said = assert_no_panic(line, &output);
                assert_eq!(output.status.code(), Some(1), "{line} --json: {said}");
            }
        });
    });
}

#[test]
fn help_and_refusals_live_with_any_output() {
    for words in [
        &["--help"][..],
        &["--version"],
        &["license", "--help"],
        &["help", "node"],
    ] {
        let mut base = command();
        base.args(words);
        let full = broken(&base, Some(Wrong::Full), None)
            .output()
            .expect("runs");
        assert!(refusal(&full, 1).contains("standard output"), "{words:?}");
        for wrong in [Wrong::Closed, Wrong::Broken] {
            let output = broken(&base, Some(wrong), None).output().expect("runs");
            assert_eq!(assert_no_panic("help", &output), "", "{words:?}");
            assert!(output.status.success(), "{words:?} with {wrong:?}");
        }
    }
    for (words, code) in [
        (&["no-such-command"][..], 2),
        (&["license", "list", "--url", "http://127.0.0.1:9"], 3),
        (&["check", "--data", "/no/such/folder"], 1),
        (&["serve"], 2),
        (&["node", "run"], 2),
    ] {
        let mut base = command();
        base.args(words).env("LICTOR_TOKEN", "a-token");
        for wrong in WRONGS {
            let output = broken(&base, None, Some(wrong)).output().expect("runs");
            assert_eq!(output.status.code(), Some(code), "{words:?} with {wrong:?}");
        }
    }
}

/// A port that was free just now: what listens there cannot say which one it is.
fn free_address() -> String {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("an address").to_string()
}

/// A process that stays, ended when dropped.
struct Staying(std::process::Child);

impl Staying {
    fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("starts"))
    }

    /// Waits until something listens there.
    fn wait_for(&mut self, address: &str) {
        while std::net::TcpStream::connect(address).is_err() {
            let ended = self.0.try_wait().expect("a process");
            assert_eq!(ended, None, "it ended before it listened");
            std::thread::yield_now();
        }
    }

    /// Tells it to stop; its exit code.
    fn stop(mut self, signal: &str) -> Option<i32> {
        let sent = Command::new("sh")
            .args(["-c", "kill -s \"$0\" \"$1\"", signal])
            .arg(self.0.id().to_string())
            .status();
        assert!(sent.expect("a shell runs").success());
        self.0.wait().expect("ends").code()
    }
}

impl Drop for Staying {
    fn drop(&mut self) {
        // It may have ended long ago.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn lost(url: &str, token: Option<&str>) -> u64 {
    let mut request = Request::new(url, "GET", "/metrics");
    if let Some(token) = token {
        request = request.token(token);
    }
    let answer = request.send();
    assert_eq!(answer.status, 200);
    let text = answer.text();
    let name = "lictor_log_lines_lost_total ";
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.expect("a metric").parse().expect("a number")
}

/// Whether lines are lost, which the thread that writes the log finds out a moment later.
fn loses(url: &str, token: Option<&str>, wrong: Wrong) -> bool {
    // What is closed at the start is opened to nowhere, where nothing is lost.
    let expected = wrong != Wrong::Closed;
    let until = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while expected && lost(url, token) == 0 && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
    (lost(url, token) > 0) == expected
}

/// Makes a server log at `debug`: what it is sent is no request.
fn knock(address: &str) {
    use std::io::Write as _;
    for _ in 0..50 {
        let mut stream = std::net::TcpStream::connect(address).expect("it listens");
        let patience = std::time::Duration::from_secs(30);
        stream.set_read_timeout(Some(patience)).expect("a timeout");
        stream.write_all(b"\x01 no request\r\n\r\n").expect("sent");
        // It may be reset instead, but not left alone.
        let ended = stream.read_to_end(&mut Vec::new());
        let waits = ended.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
        assert!(!waits, "nobody answers");
    }
}

/// A pipe with so many bytes in it is full: it holds 64 KiB, in pages that need not be.
const FULL_PIPE: usize = 60 << 10;

const SECRET: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn a_server_whose_log_cannot_be_written_serves_counts_what_is_lost_and_stops_in_order() {
    for wrong in WRONGS {
        let folder = Folder::new();
        let address = free_address();
        let url = format!("http://{address}");
        let mut base = serve(&folder.path().join("data"));
        base.args(["--listen", &address, "--log", "debug"])
            .env("LICTOR_ADMIN_TOKEN", SECRET);
        let mut server = Staying::start(&mut broken(&base, None, Some(wrong)));
        server.wait_for(&address);
        knock(&address);
        let list = Request::new(&url, "GET", "/v1/licenses").token(SECRET);
        assert_eq!(list.send().status, 200, "{wrong:?}");
        assert!(loses(&url, Some(SECRET), wrong), "{wrong:?}");
        assert_eq!(server.stop("TERM"), Some(0), "{wrong:?}");
    }
}

#[test]
fn a_server_whose_log_nobody_reads_blocks_nowhere() {
    let folder = Folder::new();
    let address = free_address();
    let url = format!("http://{address}");
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut base = serve(&folder.path().join("data"));
    base.args(["--listen", &address, "--log", "debug"])
        .env("LICTOR_ADMIN_TOKEN", SECRET)
        .stderr(writer);
    let mut server = Staying::start(&mut base);
    drop(base);
    server.wait_for(&address);
    for _ in 0..18 {
        knock(&address);
    }
    let list = Request::new(&url, "GET", "/v1/licenses").token(SECRET);
    assert_eq!(list.send().status, 200);
    assert_eq!(server.stop("TERM"), Some(0));
    let mut said = Vec::new();
    reader.read_to_end(&mut said).expect("readable");
    assert!(
        said.len() >= FULL_PIPE,
        "the pipe was not full: {}",
        said.len()
    );
}

#[test]
fn a_node_whose_log_cannot_be_written_decides_and_stops_in_order() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    let file = server.file("license.json");
    write(&file, &super::issue(&key, &[]));
    result(&server.lictor(&["license", "add", &file]));
    for wrong in WRONGS {
        let name = format!("edge-{}", wrong as u8);
        let token = result(&server.lictor(&["node", "enroll", "--name", &name]));
        let address = free_address();
        let mut base = command();
        base.args(["node", "run", "--listen", &address, "--log", "debug"])
            .args([
                "--control-plane",
                server.url(),
                "--data",
                &server.file(&name),
            ])
            .env("LICTOR_ENROLL", token);
        let mut node = Staying::start(&mut broken(&base, None, Some(wrong)));
        node.wait_for(&address);
        knock(&address);
        let url = format!("http://{address}");
        let check = Request::new(&url, "GET", "/check?service=orders");
        assert_eq!(check.send().status, 204, "{wrong:?}");
        assert!(loses(&url, None, wrong), "{wrong:?}");
        assert_eq!(node.stop("TERM"), Some(0), "{wrong:?}");
    }
}

#[test]
fn a_first_token_that_cannot_be_printed_is_not_lost_unsaid() {
    for wrong in WRONGS {
        let folder = Folder::new();
        let base = serve(&folder.path().join("data"));
        let output = broken(&base, Some(wrong), None).output().expect("runs");
        let said = refusal(&output, 1);
        assert!(said.contains("--admin-token-file"), "{said}");
        assert!(
            !said.contains("shown once") || wrong != Wrong::Closed,
            "{said}"
        );
        // Nothing was decided: the next start makes a token.
        let mut again = lictor_testkit::Running::start(&mut serve(&folder.path().join("data")));
        again.listening();
        again.signal("TERM");
        assert!(again.printed().starts_with("lictor_"));
    }
}

#[test]
fn a_demo_lives_with_any_standard_error() {
    for wrong in WRONGS {
        let mut demo = command();
        demo.arg("demo");
        let mut running = Staying::start(&mut broken(&demo, None, Some(wrong)));
        let mut first = [0];
        let stdout = running.0.stdout.as_mut().expect("piped");
        stdout
            .read_exact(&mut first)
            .expect("it says what it shows");
        assert_eq!(running.stop("INT"), Some(0), "{wrong:?}");
    }
}
