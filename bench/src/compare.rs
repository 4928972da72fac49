//! `cargo xtask bench NAME --against COMMIT`: the working tree beside another commit, both under the load of one table. It writes no table.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lictor_testkit::programs::run;
use lictor_testkit::{Installation, Server, Tally, Workspace};

use super::load::Turn;
use super::rounds::{Figure, Samples};
use super::{Bench, Request, Table};

/// How many rounds decide whether something became slower.
pub(super) const ROUNDS: usize = 21;

/// What the upper quartile of the ratios must reach.
const AT_LEAST: f64 = 0.98;

/// One of the settings in which a table measures one server of Lictor.
pub(super) struct Case {
    pub(super) name: &'static str,
    /// What builds are compared by: the more, the better.
    pub(super) figure: fn(&Turn) -> f64,
    pub(super) start: fn(&Bench) -> Result<Entrant>,
}

/// One turn of a load.
type Load = Box<dyn Fn(&Bench, &Server) -> Result<Turn>>;

/// A server that is ready for the load of its case, and that load.
pub(super) struct Entrant {
    server: Server,
    load: Load,
}

impl Entrant {
    pub(super) fn new(
        server: Server,
        load: impl Fn(&Bench, &Server) -> Result<Turn> + 'static,
    ) -> Self {
        let load = Box::new(load);
        Self { server, load }
    }
}

/// Measures both builds in every case of a table. One test per case.
pub(super) fn measure(workspace: &Workspace, request: &Request, commit: &str) -> Result<Tally> {
    let table = request.table().context("name a table to compare by")?;
    let before = build(workspace, commit, request.profile)?;
    let now = workspace.measured_binary(request.profile)?;
    request.build_loads(workspace)?;
    let scratch = workspace.scratch("against")?;
    let bench = |name: &str, binary: &Path| -> Result<Bench> {
        let scratch = scratch.join(name);
        fs::create_dir_all(&scratch)?;
        let installation = Installation::create(binary, &scratch)?;
        Ok(request.bench(workspace, installation, scratch))
    };
    let benches = [bench("before", &before)?, bench("now", &now)?];
    let mut tally = Tally::default();
    for case in table.cases {
        let ratios = compare(case, &benches, table)?;
        println!("{}", line(table, case, commit, &ratios));
        tally.count(holds(&ratios));
    }
    scratch.remove()?;
    Ok(tally)
}

/// The figure of the working tree for each of the other commit's, round by round.
fn compare(case: &Case, benches: &[Bench; 2], table: &Table) -> Result<Samples> {
    let start =
        |bench| (case.start)(bench).with_context(|| format!("{}, {}", table.name, case.name));
    let [before, now] = benches;
    let mut contestants = [(before, start(before)?), (now, start(now)?)];
    let results = now
        .rounds
        .interleave(&mut contestants, |(bench, entrant)| {
            (entrant.load)(bench, &entrant.server)
        })?;
    let [before, now] = [&results[0], &results[1]].map(|turns| Samples::of(turns, case.figure));
    Ok(now.ratio(&before))
}

fn holds(ratios: &Samples) -> bool {
    ratios.quantile(0.75) >= AT_LEAST
}

fn line(table: &Table, case: &Case, commit: &str, ratios: &Samples) -> String {
    let (name, case) = (table.name, case.name);
    let verdict = if holds(ratios) {
        format!("holds: the upper quartile is {AT_LEAST} or more")
    } else {
        let upper = Figure(ratios.quantile(0.75));
        format!("FAIL slower: the upper quartile, {upper}, is below {AT_LEAST}")
    };
    format!("{name}, {case}: {} of {commit}; {verdict}", ratios.cell())
}

/// The binary of another commit, built in a work tree of its own that is removed again, and kept for
/// the next time.
fn build(workspace: &Workspace, commit: &str, profile: &str) -> Result<PathBuf> {
    let id = git_id(workspace, commit)?;
    let folder = workspace.target.join("against");
    fs::create_dir_all(&folder)?;
    let binary = folder.join(format!("lictor-{profile}-{id}"));
    if binary.exists() {
        return Ok(binary);
    }
    let tree = Tree::of(
        workspace,
        &folder.join(format!("tree-{}", std::process::id())),
        &id,
    )?;
    let mut build = workspace.cargo(&["build", "--package", "lictor", "--profile", profile]);
    // What both commits are built from is built once.
    build.env("CARGO_TARGET_DIR", &workspace.target);
    run(build.current_dir(&tree.folder))?;
    let copy = binary.with_extension("new");
    fs::copy(workspace.target.join(profile).join("lictor"), &copy)?;
    fs::rename(copy, &binary)?;
    Ok(binary)
}

fn git(workspace: &Workspace) -> Command {
    let mut git = Command::new("git");
    git.current_dir(&workspace.root);
    git
}

fn git_id(workspace: &Workspace, commit: &str) -> Result<String> {
    let mut parse = git(workspace);
    parse.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
    let output = parse.arg(format!("{commit}^{{commit}}")).output()?;
    ensure!(output.status.success(), "there is no commit {commit}");
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// A work tree of one commit, removed when dropped.
struct Tree<'w> {
    workspace: &'w Workspace,
    folder: PathBuf,
}

impl<'w> Tree<'w> {
    fn of(workspace: &'w Workspace, folder: &Path, id: &str) -> Result<Self> {
        let mut add = git(workspace);
        add.args(["worktree", "add", "--quiet", "--detach"]);
        run(add.arg(folder).arg(id))?;
        let folder = folder.to_owned();
        Ok(Self { workspace, folder })
    }
}

impl Drop for Tree<'_> {
    fn drop(&mut self) {
        let mut remove = git(self.workspace);
        remove.args(["worktree", "remove", "--force"]);
        if let Err(error) = run(remove.arg(&self.folder)) {
            eprintln!("{error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_is_slower_when_three_rounds_in_four_say_so() {
        let ratios = |values: &[f64]| Samples::of(values, |value| *value);
        assert!(holds(&ratios(&[0.90, 0.97, 0.98, 0.98, 1.02])));
        assert!(!holds(&ratios(&[0.90, 0.95, 0.96, 0.97, 1.30])));
        assert!(!holds(&ratios(&[])), "nothing measured shows nothing");
    }

    #[test]
    fn a_commit_that_is_none_is_told_so() {
        let workspace = Workspace::find().unwrap();
        assert!(git_id(&workspace, "HEAD").is_ok());
        for wrong in ["no-such-commit", "--help", ""] {
            let error = git_id(&workspace, wrong).unwrap_err().to_string();
            assert!(error.starts_with("there is no commit"), "{error}");
        }
    }
}
