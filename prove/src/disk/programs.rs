//! The programs under test: each is prepared, run with at most one failing file operation, and checked afterwards.

use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output};

use anyhow::{Context, Result, ensure};
use lictor_testkit::programs::run;
use lictor_testkit::{Installation, OPERATOR, Server};

use super::Fault;
use super::node::Site;
use super::script::Script;
use crate::Trial;

/// A command of Lictor in a certain situation.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Program {
    FirstStart,
    LaterStart,
    Copy,
    Restore,
    Key,
    NodeJoins,
    NodeStarts,
}

impl Program {
    pub(super) const ALL: [Self; 7] = [
        Self::FirstStart,
        Self::LaterStart,
        Self::Copy,
        Self::Restore,
        Self::Key,
        Self::NodeJoins,
        Self::NodeStarts,
    ];
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FirstStart => "serve on an empty folder",
            Self::LaterStart => "serve on a folder with licenses",
            Self::Copy => "backup",
            Self::Restore => "restore",
            Self::Key => "key generate",
            Self::NodeJoins => "node run, which joins",
            Self::NodeStarts => "node run, which has joined",
        })
    }
}

/// The calls that a program made.
pub(super) struct Calls {
    log: String,
    /// Whether the call that was to fail came.
    pub(super) failed: bool,
}

impl Calls {
    pub(super) fn count(&self, kind: &str) -> usize {
        let of_kind = |line: &&str| line.split(' ').next() == Some(kind);
        self.log.lines().filter(of_kind).count()
    }
}

/// Everything that the programs start from.
pub(super) struct Programs<'a> {
    installation: &'a Installation,
    trial: &'a Trial,
    library: PathBuf,
    /// A data folder with licenses, and a backup of it.
    data: PathBuf,
    backup: PathBuf,
    /// What was written there.
    script: Script,
    site: Site,
}

impl<'a> Programs<'a> {
    /// Compiles the library from its source, and makes the folder and the backup.
    pub(super) fn prepare(
        installation: &'a Installation,
        trial: &'a Trial,
        source: &Path,
    ) -> Result<Self> {
        let within = |name: &str| installation.folder.join(name);
        let mut prepared = Self {
            installation,
            trial,
            library: within("fail_call.so"),
            data: within("prepared"),
            backup: within("prepared.db"),
            script: Script::new(installation)?,
            site: Site::create(installation)?,
        };
        let mut compile = Command::new("gcc");
        compile.args(["-Wall", "-Werror", "-shared", "-fPIC", "-O1", "-o"]);
        run(compile.arg(&prepared.library).arg(source))?;
        let server = installation.serve(&prepared.data, &[])?;
        prepared.script.run(&server);
        let copied = prepared.copy(&server, &prepared.backup, &[])?;
        ensure!(copied.status.success(), "no backup could be made");
        server.kill()?;
        Ok(prepared)
    }

    /// Runs a program in a folder of its own, and everything that must work afterwards.
    pub(super) fn run(&self, program: Program, fault: Option<&Fault>) -> Result<Calls> {
        let folder = self.installation.folder.join("run");
        let log = self.installation.folder.join("calls.log");
        fs::remove_dir_all(&folder).ok();
        fs::remove_file(&log).ok();
        fs::create_dir(&folder)?;
        fs::write(&log, "")?;
        let environment = self.environment(&folder, &log, fault);
        match program {
            Program::FirstStart | Program::LaterStart => {
                self.serve(program, &folder, &environment, fault.is_some())
            }
            Program::Copy => self.take_a_copy(&folder, &environment),
            Program::Restore => self.restore(&folder, &environment),
            Program::Key => self.make_a_key(&folder, &environment),
            Program::NodeJoins | Program::NodeStarts => {
                let joins = program == Program::NodeJoins;
                let environment = borrowed(&environment);
                self.site.run(&folder, &environment, joins, fault.is_some())
            }
        }?;
        let log = fs::read_to_string(&log)?;
        let failed = log.lines().any(|line| line.starts_with("FAILED"));
        Ok(Calls { log, failed })
    }

    fn environment(
        &self,
        folder: &Path,
        log: &Path,
        fault: Option<&Fault>,
    ) -> Vec<(&'static str, String)> {
        let path = |path: &Path| path.display().to_string();
        let mut environment = vec![
            ("LD_PRELOAD", path(&self.library)),
            ("LICTOR_FAIL_UNDER", path(folder)),
            ("LICTOR_FAIL_LOG", path(log)),
        ];
        if let Some(Fault {
            kind,
            number,
            error: (_, error),
            ..
        }) = fault
        {
            environment.push(("LICTOR_FAIL", format!("{kind}:{number}:{error}")));
        }
        if let Some(plant) = &self.trial.plant {
            environment.push(("LICTOR_PLANT", plant.clone()));
        }
        environment
    }

    /// A server under the script. Afterwards it starts again without a fault and without help, and
    /// has what it acknowledged.
    fn serve(
        &self,
        program: Program,
        folder: &Path,
        environment: &[(&str, String)],
        faulty: bool,
    ) -> Result<()> {
        let data = folder.join("data");
        let mut script = self.script.again();
        if program == Program::LaterStart {
            copy_folder(&self.data, &data)?;
        } else {
            script = self.script.afresh();
        }
        match self.installation.serve(&data, &borrowed(environment)) {
            Ok(server) => {
                script.run(&server);
                ended(server.stop()?)?;
                script.note_failed_flush(&fs::read_to_string(log_of(environment))?)?;
            }
            Err(error) if faulty => says_why(&format!("{error:#}"))?,
            Err(error) => return Err(error),
        }
        let server = self.installation.serve(&data, &[])?;
        script.verify(&server)?;
        let shown = data.display().to_string();
        self.installation.lictor(&["check", "--data", &shown])?;
        server.kill()
    }

    fn take_a_copy(&self, folder: &Path, environment: &[(&str, String)]) -> Result<()> {
        let (data, file) = (folder.with_extension("served"), folder.join("copy.db"));
        fs::remove_dir_all(&data).ok();
        copy_folder(&self.data, &data)?;
        let server = self.installation.serve(&data, &[])?;
        let copied = self.copy(&server, &file, environment)?;
        server.kill()?;
        ended_well_or_said_why(&copied)?;
        if copied.status.success() {
            ensure!(file.exists(), "the copy was said to be made");
        }
        if file.exists() {
            // Whatever has the name of a copy is a whole one.
            let target = folder.join("from-copy").display().to_string();
            let file = file.display().to_string();
            self.installation
                .lictor(&["restore", &file, "--data", &target])?;
        }
        Ok(())
    }

    fn copy(&self, server: &Server, file: &Path, environment: &[(&str, String)]) -> Result<Output> {
        let mut backup = self.command(environment);
        backup.arg("backup").arg(file);
        backup.args(["--url", &server.base()]);
        Ok(backup.env("LICTOR_TOKEN", OPERATOR).output()?)
    }

    fn restore(&self, folder: &Path, environment: &[(&str, String)]) -> Result<()> {
        let data = folder.join("data");
        let restore = |environment: &[(&str, String)]| -> Result<Output> {
            let mut restore = self.command(environment);
            restore.arg("restore").arg(&self.backup);
            Ok(restore.arg("--data").arg(&data).output()?)
        };
        let first = restore(environment)?;
        ended_well_or_said_why(&first)?;
        if !first.status.success() {
            let again = restore(&[])?;
            let said = String::from_utf8_lossy(&again.stderr).into_owned();
            let done = again.status.success() || said.contains("holds a database already");
            ensure!(done, "a second try does not help: {said}");
        }
        let server = self.installation.serve(&data, &[])?;
        self.script.verify(&server)?;
        server.kill()
    }

    fn make_a_key(&self, folder: &Path, environment: &[(&str, String)]) -> Result<()> {
        let name = folder.join("k");
        let mut generate = self.command(environment);
        generate.args(["key", "generate", "--out"]).arg(&name);
        let made = generate.output()?;
        ended_well_or_said_why(&made)?;
        if made.status.success() {
            let key = name.with_extension("key").display().to_string();
            let issue = ["license", "issue", "--key", &key, "--customer", "C"];
            let rest = ["--product", "P", "--expires", "2099-12-31"];
            self.installation.lictor(&[&issue[..], &rest].concat())?;
        }
        Ok(())
    }

    fn command(&self, environment: &[(&str, String)]) -> Command {
        let mut command = Command::new(&self.installation.binary);
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        command
    }
}

fn borrowed<'e>(environment: &'e [(&'e str, String)]) -> Vec<(&'e str, &'e str)> {
    let pairs = environment.iter();
    pairs.map(|(name, value)| (*name, value.as_str())).collect()
}

/// Looks at what a process said that was asked to stop, and at how it ended.
pub(super) fn ended((said, status): (String, ExitStatus)) -> Result<()> {
    ensure!(
        status.signal().is_none(),
        "ended by a signal: {status}\n{said}"
    );
    says_why(&said)
}

fn log_of<'e>(environment: &'e [(&str, String)]) -> &'e str {
    let log = environment
        .iter()
        .find(|(name, _)| *name == "LICTOR_FAIL_LOG");
    log.map_or("", |(_, path)| path)
}

fn ended_well_or_said_why(output: &Output) -> Result<()> {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.signal().is_none(),
        "ended by a signal: {}: {said}",
        output.status
    );
    if !output.status.success() {
        ensure!(!said.trim().is_empty(), "it failed without a word");
    }
    says_why(&said)
}

/// A program may fail, but not by a panic.
pub(super) fn says_why(said: &str) -> Result<()> {
    ensure!(!said.contains("panicked"), "a panic: {said}");
    Ok(())
}

/// The files of a folder that has no folders in it.
fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to).with_context(|| to.display().to_string())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
