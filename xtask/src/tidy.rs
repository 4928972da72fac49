//! `cargo xtask tidy`: rules of this repository that the compiler does not check. It reads every source file and names the lines that break one.

mod boundaries;
mod doors;
mod duplicates;
mod layers;
mod rust;
mod shipped;
mod sizes;
mod tables;
mod text;
mod words;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use lictor_testkit::{Tally, Workspace};

/// Kinds of files that people write here.
const EXTENSIONS: [&str; 9] = ["rs", "md", "toml", "py", "go", "sh", "sql", "yml", "js"];

/// A source file, with its path from the root of the repository, written with slashes.
pub(crate) struct Source {
    path: String,
    text: String,
}

/// A line that breaks a rule, and what to do about it.
#[derive(Debug, PartialEq)]
struct Finding {
    path: String,
    line: usize,
    advice: String,
}

/// A rule looks at one file.
type Rule = fn(&Source) -> Vec<Finding>;

/// All of them, by the sentence that each one holds.
const RULES: [(&str, Rule); 15] = [
    (
        "a Rust file opens by saying what it holds",
        text::opens_with_its_purpose,
    ),
    (
        "a Rust file has at most 600 lines, a shipped one 500",
        sizes::is_short,
    ),
    ("no marks of unfinished work", text::is_finished),
    ("no white space at the end of a line", text::has_clean_lines),
    (
        "only wire.rs derives serialization in a dialect",
        boundaries::serializes_in_wire_only,
    ),
    (
        "a dialect knows no other dialect",
        boundaries::dialect_stands_alone,
    ),
    (
        "dialects and HTTP call the authority and nothing else",
        doors::callers_see_the_authority,
    ),
    (
        "a dialect asks for rights by permits",
        doors::rights_are_asked_by_permits,
    ),
    (
        "the authority knows nothing of HTTP",
        doors::authority_knows_no_http,
    ),
    ("the core is pure", boundaries::core_is_pure),
    (
        "a module of the core names only what stands below it",
        layers::core_stands_on_floors,
    ),
    ("SQL stays in the backends", boundaries::sql_in_the_store),
    (
        "one file of the store chooses the backend",
        boundaries::backends_are_chosen_in_one_place,
    ),
    (
        "what a file system refuses is told as that",
        boundaries::syncs_are_told,
    ),
    (
        "what is shipped holds nothing that is for tests alone",
        shipped::ships_nothing_of_tests,
    ),
];

/// Runs every rule over every file; a rule that any line breaks is one failure.
pub(crate) fn run(workspace: &Workspace) -> Result<Tally> {
    let mut sources = Vec::new();
    collect(workspace, &workspace.root, &mut sources)?;
    let mut tally = Tally::default();
    let by_file = RULES.map(|(sentence, rule)| (sentence, sources.iter().flat_map(rule).collect()));
    let by_all = [
        (
            "a function has at most 60 lines, or is one match of every case",
            sizes::have_short_functions(&sources),
        ),
        ("American spelling", text::are_spelled_american(&sources)),
        (
            "vendor words stay in the vendor's folder",
            boundaries::vendor_words_at_home(&sources),
        ),
        (
            "what two crates each have says the same in both",
            duplicates::agree(&sources),
        ),
        (
            "each word of an enum is written once",
            words::are_written_once(&sources),
        ),
        (
            "tables of the documentation are those of the rows",
            tables::are_made_from_rows(&sources),
        ),
    ];
    for (sentence, findings) in by_file.into_iter().chain(by_all) {
        let findings: Vec<Finding> = findings;
        println!(
            "{} {sentence}",
            if findings.is_empty() { "ok" } else { "FAIL" }
        );
        for Finding { path, line, advice } in &findings {
            println!("  {path}:{line}: {advice}");
        }
        tally.count(findings.is_empty());
    }
    println!("{} files", sources.len());
    Ok(tally)
}

/// Walks the tree instead of asking git: a copy of the sources without git can be tested too.
fn collect(workspace: &Workspace, folder: &Path, sources: &mut Vec<Source>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let skipped = [".git", "target", "__pycache__", "node_modules"].contains(&&*name);
        if skipped || path == workspace.target {
            continue;
        }
        if path.is_dir() {
            collect(workspace, &path, sources)?;
        } else if path
            .extension()
            .is_some_and(|kind| EXTENSIONS.iter().any(|e| kind == *e))
        {
            let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
            let path = path.strip_prefix(&workspace.root)?.display().to_string();
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

impl Source {
    fn is(&self, extension: &str) -> bool {
        self.path
            .rsplit_once('.')
            .is_some_and(|(_, kind)| kind == extension)
    }

    /// Its lines with their numbers.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// Its lines without those that are comments in Rust.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines()
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    fn finding(&self, line: usize, advice: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            advice: advice.into(),
        }
    }
}

/// Which of a rule's exceptions were needed. One that is not has to go.
struct Exceptions {
    rule: &'static str,
    needed: BTreeSet<String>,
}

impl Exceptions {
    /// Of the rule in this file.
    fn of(rule: &'static str) -> Self {
        Self {
            rule,
            needed: BTreeSet::new(),
        }
    }

    fn need(&mut self, exception: &str) {
        self.needed.insert(exception.to_owned());
    }

    fn unneeded(&self, all: impl IntoIterator<Item = String>) -> Vec<Finding> {
        let unneeded = |exception: &String| !self.needed.contains(exception);
        let advice = |exception| format!("the exception for {exception} is not needed: remove it");
        let all = all.into_iter().filter(unneeded).map(advice);
        all.map(|advice| Finding {
            path: self.rule.to_owned(),
            line: 1,
            advice,
        })
        .collect()
    }
}

#[cfg(test)]
fn planted(path: &str, text: &str) -> Source {
    Source {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// The numbers of the lines that a rule names in a planted file.
#[cfg(test)]
fn red(rule: Rule, path: &str, text: &str) -> Vec<usize> {
    rule(&planted(path, text))
        .iter()
        .map(|finding| finding.line)
        .collect()
}
