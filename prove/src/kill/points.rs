//! The named points of each write path at which a process kills itself, and what must hold afterwards.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, OPERATOR, Server};
use serde_json::json;

use crate::folder::{Figures, Folder};
use crate::writers;

/// Which path a point is on, and so what is done to come there.
#[derive(Clone, Copy)]
enum WritePath {
    /// Writes to a running server.
    Writing,
    /// The first start on an empty folder; its n-th write, where the point is on each.
    FirstStart(u64),
    /// A first start that puts the operator's token into a file.
    TokenFile,
    /// A server that makes a backup.
    Backup,
    /// `lictor backup`, which receives one.
    Copy,
    /// `lictor restore`.
    Restore,
}

/// Every point. One that is never reached fails the experiment.
const POINTS: [(&str, WritePath); 25] = [
    ("write.begun", WritePath::Writing),
    ("write.filled", WritePath::Writing),
    ("write.committed", WritePath::Writing),
    ("write.stored", WritePath::Writing),
    ("write.woken", WritePath::Writing),
    ("create.drafted", WritePath::FirstStart(1)),
    ("create.migrated", WritePath::FirstStart(1)),
    ("create.synced", WritePath::FirstStart(1)),
    ("create.renamed", WritePath::FirstStart(1)),
    ("write.filled", WritePath::FirstStart(1)),
    ("write.committed", WritePath::FirstStart(1)),
    ("write.committed", WritePath::FirstStart(2)),
    ("write.committed", WritePath::FirstStart(3)),
    ("write.committed", WritePath::FirstStart(4)),
    ("token.drafted", WritePath::TokenFile),
    ("token.synced", WritePath::TokenFile),
    ("token.renamed", WritePath::TokenFile),
    ("start.announced", WritePath::TokenFile),
    ("backup.copied", WritePath::Backup),
    ("copy.received", WritePath::Copy),
    ("copy.synced", WritePath::Copy),
    ("restore.copied", WritePath::Restore),
    ("restore.checked", WritePath::Restore),
    ("restore.erased", WritePath::Restore),
    (RESTORED, WritePath::Restore),
];

/// After this point a restored folder is whole.
const RESTORED: &str = "restore.renamed";

/// SIGABRT, by which a process ends itself.
const ABORTED: i32 = 6;

/// The builds that the points are tried on, and where.
pub(super) struct Points {
    /// The server as it is shipped.
    real: Installation,
    /// The build with the points in it.
    faulty: Installation,
}

impl Points {
    pub(super) fn new(real: &Installation, faulty: PathBuf) -> Self {
        Self {
            real: real.with_binary(real.binary.clone()),
            faulty: real.with_binary(faulty),
        }
    }

    /// Ends a process at the n-th point and looks at what it left.
    pub(super) fn end_at(&self, n: u64, folder: &mut Folder, figures: &mut Figures) -> Result<()> {
        let (point, way) = POINTS[(n % POINTS.len() as u64) as usize];
        let ended = match way {
            WritePath::Writing => self.writing(point, folder, figures),
            WritePath::FirstStart(pass) => {
                self.apart(|scratch| self.first_start(point, pass, scratch))
            }
            WritePath::TokenFile => self.apart(|scratch| self.token_file(point, scratch)),
            WritePath::Backup => self.apart(|scratch| self.backup(point, scratch)),
            WritePath::Copy => self.apart(|scratch| self.copy(point, scratch)),
            WritePath::Restore => self.apart(|scratch| self.restore(point, scratch)),
        };
        ended.with_context(|| format!("ended at {point}"))
    }

    fn writing(&self, point: &str, folder: &mut Folder, figures: &mut Figures) -> Result<()> {
        // Beyond the writes that a start makes by itself.
        let pass = 8 + folder.random.below(40);
        let asked = format!("{point}:{pass}");
        folder.start_build(&self.faulty, &[("LICTOR_END_AT", &asked)])?;
        folder.write_until(figures, true, |server, ending| {
            ending.store(true, Ordering::SeqCst);
            ended_itself(server.wait()?)
        })?;
        folder.compare(figures)
    }

    /// In a folder of its own, which is gone when all was well.
    fn apart(&self, experiment: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        let scratch = self.real.folder.join("apart");
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        fs::create_dir(&scratch)?;
        experiment(&scratch)?;
        Ok(fs::remove_dir_all(&scratch)?)
    }

    fn first_start(&self, point: &str, pass: u64, scratch: &Path) -> Result<()> {
        let data = scratch.join("data");
        let mut serve = self.serve(&data);
        serve.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        ended_itself(
            serve
                .env("LICTOR_END_AT", format!("{point}:{pass}"))
                .status()?,
        )?;
        self.works(&data)
    }

    fn token_file(&self, point: &str, scratch: &Path) -> Result<()> {
        let (data, file) = (scratch.join("data"), scratch.join("operator.token"));
        let mut serve = self.serve(&data);
        serve.arg("--admin-token-file").arg(&file);
        ended_itself(serve.env("LICTOR_END_AT", format!("{point}:1")).status()?)?;

        let trust = self.real.folder.join("vendor.pub");
        let server = Server::start_with_token_file(&self.real.binary, &data, &trust, &file)?;
        let token = fs::read_to_string(&file)?;
        let mut list = Command::new(&self.real.binary);
        list.args(["organization", "list", "--url", &server.base()]);
        let listed = list.env("LICTOR_TOKEN", token.trim()).output()?;
        let said = String::from_utf8_lossy(&listed.stderr);
        ensure!(listed.status.success(), "the token is not taken: {said}");
        server.kill()
    }

    fn backup(&self, point: &str, scratch: &Path) -> Result<()> {
        let (data, file) = (scratch.join("data"), scratch.join("copy.db"));
        let asked = format!("{point}:1");
        let server = self.faulty.serve(&data, &[("LICTOR_END_AT", &asked)])?;
        let taken = self.take_copy(&self.real, &server, &file, None)?;
        ended_itself(server.wait()?)?;
        ensure!(!taken.success() && !file.exists(), "a copy was taken");
        self.works(&data)?;
        for entry in fs::read_dir(&data)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            ensure!(!name.starts_with(".backup-"), "{name} was left behind");
        }
        Ok(())
    }

    fn copy(&self, point: &str, scratch: &Path) -> Result<()> {
        let (data, file) = (scratch.join("data"), scratch.join("copy.db"));
        let server = self.real.serve(&data, &[])?;
        ended_itself(self.take_copy(&self.faulty, &server, &file, Some(point))?)?;
        ensure!(!file.exists(), "half a copy has the name of a whole one");
        let again = self.take_copy(&self.real, &server, &file, None)?;
        ensure!(again.success(), "no copy can be taken afterwards");
        server.kill()
    }

    fn restore(&self, point: &str, scratch: &Path) -> Result<()> {
        let (data, file) = (scratch.join("data"), scratch.join("copy.db"));
        let server = self.real.serve(&data, &[])?;
        let kept = self.add_license(&server)?;
        ensure!(self.take_copy(&self.real, &server, &file, None)?.success());
        server.kill()?;

        let restored = scratch.join("restored");
        let restore = |build: &Installation| {
            let mut command = Command::new(&build.binary);
            command
                .arg("restore")
                .arg(&file)
                .arg("--data")
                .arg(&restored);
            command.stderr(Stdio::null());
            command
        };
        let mut first = restore(&self.faulty);
        ended_itself(first.env("LICTOR_END_AT", format!("{point}:1")).status()?)?;
        let again = restore(&self.real).status()?.success();
        ensure!(
            again != (point == RESTORED),
            "restored twice, or not at all"
        );
        let server = self.real.serve(&restored, &[])?;
        let there = Connection::open(&server.address)?.get(&format!("/licenses/{kept}"))?;
        ensure!(
            there.status == 200,
            "the license of the backup is not there"
        );
        server.kill()
    }

    /// `lictor serve` of the build with the points, and no token given.
    fn serve(&self, data: &Path) -> Command {
        let mut serve = Command::new(&self.faulty.binary);
        let trust = self.faulty.folder.join("vendor.pub");
        serve.args(["serve", "--listen", "127.0.0.1:0"]);
        serve.arg("--data").arg(data).arg("--trust").arg(trust);
        serve.stdin(Stdio::null()).stderr(Stdio::null());
        serve
    }

    fn take_copy(
        &self,
        build: &Installation,
        server: &Server,
        file: &Path,
        point: Option<&str>,
    ) -> Result<ExitStatus> {
        let mut backup = Command::new(&build.binary);
        backup
            .arg("backup")
            .arg(file)
            .args(["--url", &server.base()]);
        backup.env("LICTOR_TOKEN", OPERATOR).stderr(Stdio::null());
        if let Some(point) = point {
            backup.env("LICTOR_END_AT", format!("{point}:1"));
        }
        Ok(backup.status()?)
    }

    /// A server starts on the folder without help, takes a license, and `check` finds it whole.
    fn works(&self, data: &Path) -> Result<()> {
        let server = self.real.serve(data, &[])?;
        self.add_license(&server)?;
        let listed = writers::list(&server)?;
        ensure!(listed.len() == 1, "{} licenses instead of 1", listed.len());
        let data = data.display().to_string();
        self.real.lictor(&["check", "--data", &data])?;
        server.kill()
    }

    fn add_license(&self, server: &Server) -> Result<String> {
        let payload = self.real.issue("Kept GmbH", "2025-01-01", "2099-12-31")?;
        let body = json!({ "payload": payload }).to_string();
        let answer = Connection::open(&server.address)?.post_json("/licenses", &body)?;
        let said = String::from_utf8_lossy(&answer.body);
        ensure!(
            answer.status == 201,
            "a write was answered {}: {said}",
            answer.status
        );
        let stored: serde_json::Value = serde_json::from_str(&said)?;
        Ok(stored["id"].as_str().context("no id")?.to_owned())
    }
}

fn ended_itself(status: ExitStatus) -> Result<()> {
    ensure!(
        status.signal() == Some(ABORTED),
        "the point was not reached: {status}"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The points of a node, at which no experiment ends one: `prove node` and `prove counts` kill nodes at any moment.
    const OF_NODES: [&str; 12] = [
        "journal-appended",
        "journal-renamed",
        "journal-rewritten",
        "journal-synced",
        "node-credential-written",
        "node-first-state-written",
        "node-join-answered",
        "node-ratchet-renamed",
        "node-state-in-force-early",
        "node-state-kept",
        "node-state-renamed",
        "node-state-written",
    ];

    /// Adds the points in all Rust files of a folder.
    fn add_points(folder: &Path, points: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                add_points(&path, points);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                points.extend(points_in(&fs::read_to_string(&path).expect("text")));
            }
        }
    }

    /// What is given to a function `point`: the name without its quotes, or what else stands there.
    fn points_in(text: &str) -> Vec<String> {
        let code = text.lines().map(|line| match line.trim_start() {
            comment if comment.starts_with("//") => "",
            code => code,
        });
        let code: String = code.collect();
        let calls = code.match_indices("planted::point(");
        let given = calls.map(|(at, call)| {
            let (given, _) = code[at + call.len()..].split_once(')').expect("a call");
            given.trim_matches([' ', ',', '"']).to_owned()
        });
        given.collect()
    }

    #[test]
    fn every_point_of_the_source_is_tried() {
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
        let mut found = BTreeSet::new();
        for entry in fs::read_dir(crates).expect("the crates") {
            add_points(&entry.expect("a crate").path().join("src"), &mut found);
        }
        let tried = POINTS.iter().map(|(point, _)| *point).chain(OF_NODES);
        let tried: BTreeSet<_> = tried.map(str::to_owned).collect();
        let untried: Vec<_> = found.difference(&tried).collect();
        assert!(untried.is_empty(), "end a process at these: {untried:?}");
        let gone: Vec<_> = tried.difference(&found).collect();
        assert!(gone.is_empty(), "these are no points any more: {gone:?}");
    }

    #[test]
    fn a_point_is_found_however_it_is_written() {
        let text = "// planted::point(\"none\");\nplanted::point(\"a.b\");\n\
                    lictor_planted::point(\n    \"c\",\n);\nplanted::point(NAME);\n";
        assert_eq!(points_in(text), ["a.b", "c", "NAME"]);
    }

    #[test]
    fn the_proofs_say_how_many_points_there_are() {
        let proofs = include_str!("../../../docs/proofs.md");
        let said = format!("at the next of {} named points", POINTS.len());
        assert!(
            proofs.contains(&said),
            "docs/proofs.md does not say: {said}"
        );
    }
}
