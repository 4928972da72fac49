//! Each word of an enum is written once, in the core: SQL, JSON, commands and messages get it from there.

use super::{Finding, Source};

const CORE: &str = "crates/lictor-core/src/";

/// The enums whose words also name paths, JSON members, columns and verbs, so that they are no sign of a copy.
const ORDINARY: [&str; 2] = ["Resource", "Action"];

/// Where a literal is the same as a word and means something else.
const EXCEPTIONS: [(&str, &[&str], &str); 15] = [
    (
        "",
        &["service"],
        "the member of a usage report that names a service",
    ),
    (
        "crates/lictor/src/commands/",
        &["removed", "revoked", "released"],
        "what a command prints once it has done that",
    ),
    (
        "crates/lictor/src/commands/license",
        &["verified", "expired"],
        "a member of a license and one of its states",
    ),
    (
        "crates/lictor/src/commands/node",
        &["expired", "grace"],
        "members of pools and of the policy of nodes",
    ),
    (
        "crates/lictor/src/commands/token.rs",
        &["expired"],
        "the state of a token",
    ),
    (
        "crates/lictor/src/commands/account_file/columns.rs",
        &["active", "admin"],
        "other spellings of column names",
    ),
    (
        "crates/lictor/src/commands/issue_names.rs",
        &["admin"],
        "a part of the names of claims",
    ),
    (
        "crates/lictor-core/src/feed/state.rs",
        &["revoked", "expired"],
        "a member of the state, and a reason to refuse one",
    ),
    (
        "crates/lictor-core/src/feed/freshness.rs",
        &["grace"],
        "a member of the policy",
    ),
    (
        "crates/lictor-node/src/error.rs",
        &["restricted", "unlicensed", "expired"],
        "the node's own reasons to deny a request",
    ),
    (
        "crates/lictor-api/src/licenses.rs",
        &["expired"],
        "the status of a license",
    ),
    (
        "crates/lictor-api/src/seats.rs",
        &["released"],
        "what became of a row",
    ),
    (
        "crates/lictor-server/src/dialects/native/wire.rs",
        &["expired"],
        "the state of a license",
    ),
    (
        "crates/lictor-server/src/dialects/native/wire/seats.rs",
        &["released"],
        "what became of a row",
    ),
    (
        "crates/lictor-authority/src/start.rs",
        &["operator"],
        "the name of the first token",
    ),
];

/// Rows have examples, in JSON. A test of theirs reads each by the types, so that a word that changes is found there.
const EXAMPLES: &str = "crates/lictor-api/src/operations/";

/// The dialects of vendors, whose wire files have the vendors' words.
const VENDORS: [&str; 3] = ["kong", "zoho", "jira"];

/// A word, and the enum that it belongs to.
struct Word<'a> {
    text: &'a str,
    owner: &'a str,
}

/// Finds literals in product code that repeat a word of an enum of the core, or spell a scope.
pub(super) fn are_written_once(sources: &[Source]) -> Vec<Finding> {
    let words: Vec<_> = sources.iter().flat_map(words_of).collect();
    if words.is_empty() {
        let core = sources.iter().find(|source| source.path.starts_with(CORE));
        let advice = "no enum of the core has words: mend how this rule finds `words!`";
        return core
            .map(|core| core.finding(1, advice))
            .into_iter()
            .collect();
    }
    let products = sources.iter().filter(|source| is_product(source));
    products
        .flat_map(|source| repeated_in(source, &words))
        .collect()
}

fn is_product(source: &Source) -> bool {
    let path = source.path.as_str();
    let is_source = path.starts_with("crates/") && path.contains("/src/") && source.is("rs");
    let is_vendors = VENDORS
        .iter()
        .any(|vendor| path.contains(&format!("/{vendor}/wire")));
    let is_test = path.ends_with("/tests.rs") || path.contains("/tests/");
    let is_example = path.starts_with(EXAMPLES);
    is_source
        && !is_vendors
        && !is_test
        && !is_example
        && !path.starts_with("crates/lictor-testkit/")
}

/// The lines of the blocks that give enums their words.
fn blocks(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let mut inside = false;
    source.lines().filter(move |(_, line)| {
        inside = (inside && *line != ");") || *line == "words!(";
        inside
    })
}

fn words_of(source: &Source) -> Vec<Word<'_>> {
    if !source.path.starts_with(CORE) {
        return Vec::new();
    }
    let mut owner = "";
    let mut words = Vec::new();
    for (_, line) in blocks(source) {
        let line = line.trim();
        if let Some((name, _)) = line.split_once(", \"") {
            owner = name;
        } else if let Some((_, word)) = line.split_once(" => \"") {
            let text = word.trim_end_matches(['"', ',']);
            words.push(Word { text, owner });
        }
    }
    words
}

fn repeated_in(source: &Source, words: &[Word<'_>]) -> Vec<Finding> {
    let own: Vec<usize> = blocks(source).map(|(number, _)| number).collect();
    let code = source.code();
    let code = code.take_while(|(_, line)| !line.starts_with("mod tests {"));
    let mut findings = Vec::new();
    for (number, line) in code.filter(|(number, _)| !own.contains(number)) {
        for literal in line.split('"').skip(1).step_by(2) {
            if let Some(owner) = owner_of(&source.path, literal, words) {
                let advice = format!("{literal:?} is a word of `{owner}`: get it from there");
                findings.push(source.finding(number, advice));
            }
        }
    }
    findings
}

/// The enum that a literal repeats a word of. A scope is a word of each of two enums.
fn owner_of<'a>(path: &str, literal: &str, words: &[Word<'a>]) -> Option<&'a str> {
    let find = |text: &str| words.iter().find(|word| word.text == text);
    if let Some((resource, action)) = literal.split_once(':') {
        return find(action).and(find(resource)).map(|_| "Scope");
    }
    let is_excepted = |(prefix, excepted, _): &(&str, &[&str], &str)| {
        path.starts_with(prefix) && excepted.contains(&literal)
    };
    let word = find(literal).filter(|word| !ORDINARY.contains(&word.owner));
    word.filter(|_| !EXCEPTIONS.iter().any(is_excepted))
        .map(|word| word.owner)
}

#[cfg(test)]
mod tests {
    use super::super::planted;
    use super::*;

    fn lines_named(path: &str, text: &str) -> Vec<usize> {
        let core = "//! x\nwords!(\n    OverLimit, \"an answer\", {\n        Refuse => \"refuse\",\n    }\n);\n\
                    words!(\n    Resource, \"a resource\", {\n        Seats => \"seats\",\n    }\n);\n\
                    words!(\n    Action, \"an action\", {\n        Read => \"read\",\n    }\n);\n";
        let core = planted("crates/lictor-core/src/facts/application.rs", core);
        let found = are_written_once(&[core, planted(path, text)]);
        assert!(found.iter().all(|finding| finding.path == path));
        found.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_word_that_is_written_twice_is_red() {
        let text = "//! x\nlet a = \"refuse\";\nlet b = (\"seats\", \"seats:read\");\n// \"refuse\"\n\
                    let c = \"they refuse\";\n#[cfg(test)]\nmod tests {\nlet d = \"refuse\";\n";
        let command = "crates/lictor/src/commands/application.rs";
        assert_eq!(lines_named(command, text), [2, 3]);
        for path in [
            "crates/lictor-server/src/dialects/zoho/wire.rs",
            "crates/lictor/tests/cli/messages.rs",
            "crates/lictor-core/src/state/tests.rs",
        ] {
            assert_eq!(lines_named(path, text), [0; 0], "{path}");
        }
    }

    #[test]
    fn a_core_without_words_is_red() {
        let core = planted("crates/lictor-core/src/facts/role.rs", "//! x\n");
        assert_eq!(are_written_once(&[core]).len(), 1);
    }
}
