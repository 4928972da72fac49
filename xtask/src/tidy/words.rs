//! Each word of an enum is written once: SQL, JSON, commands and messages get it from the enum.

use super::rust::{self, Code, Literal};
use super::{Exceptions, Finding, Source};

const RULE: &str = "xtask/src/tidy/words.rs";

/// The enums whose words also name paths, JSON members, columns and verbs, so that they are no sign of a copy. What an
/// arm of a `match` gives for one of their variants is.
const ORDINARY: [&str; 7] = [
    "Resource",
    "Action",
    "Kind",
    "Quota",
    "Origin",
    "TokenOrigin",
    "Method",
];

/// Where a literal is the same as a word and means something else, or must be there. It is given by the word, or for all
/// words of an enum by its name.
const EXCEPTIONS: [(&str, &[&str], &str); 20] = [
    (
        "",
        &["service"],
        "the member of a usage report that names a service",
    ),
    (
        "crates/lictor-core/src/feed/state.rs",
        &["revoked"],
        "a member of the state",
    ),
    (
        "crates/lictor-core/src/parse_error.rs",
        &["text"],
        "a kind of JSON values",
    ),
    (
        "crates/lictor/src/commands/issue_names.rs",
        &["Reason"],
        "what people call the dates of a license",
    ),
    (
        "crates/lictor-authority/src/start.rs",
        &["operator"],
        "the name of the first token",
    ),
    (
        "crates/lictor-node/src/local/",
        &["FailureCode", "feature"],
        "what the node answers to programs beside it, and a member of what they send",
    ),
    (
        "crates/lictor-api/src/nodes.rs",
        &["NodeStatus"],
        "until the native dialect answers by the contract",
    ),
    (
        "crates/lictor-api/src/problems/kinds.rs",
        &["RowReason"],
        "the types of problems that rows have too",
    ),
    (
        "crates/lictor-server/src/dialects/native/",
        &["DocumentReason", "RowReason"],
        "the types of problems, and why a document is refused",
    ),
    (
        "crates/lictor-server/src/dialects/native/error.rs",
        &["enrolled"],
        "a member of a problem",
    ),
    (
        "crates/lictor-server/src/http/metrics.rs",
        &["other"],
        "the label of methods that have none of their own",
    ),
    (
        "crates/lictor-server/src/http/traffic.rs",
        &["silent", "left"],
        "why a connection was cut off",
    ),
    (
        "crates/lictor/src/misplaced_secrets.rs",
        &["json"],
        "an option",
    ),
    (
        "crates/lictor/src/commands/",
        &["ImportResult", "SeatResult", "UsageResult"],
        "until the commands read answers by the contract",
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
        &["ahead", "fresh", "grace", "left", "restricted", "stale"],
        "help texts, members of pools and of the policy, and a state that is asked for",
    ),
    (
        "crates/lictor/src/commands/token.rs",
        &["admin", "expired", "operator", "reader"],
        "a help text, and the state of a token",
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
];

/// Rows have examples, in JSON. A test of theirs reads each by the types, so that a word that changes is found there.
const EXAMPLES: &str = "crates/lictor-api/src/operations/";

/// The dialects of vendors, whose wire files have the vendors' words.
const VENDORS: [&str; 3] = ["kong", "zoho", "jira"];

/// What a text puts around a word, or between two.
const QUOTES: [char; 4] = ['\'', '"', '`', '|'];

/// A word, and the enum that it belongs to.
#[derive(Clone, PartialEq)]
struct Word {
    text: String,
    owner: String,
}

/// The words of all enums, and what was excepted so far.
struct Words {
    all: Vec<Word>,
    exceptions: Exceptions,
}

/// Finds literals in product code that repeat a word of an enum, or spell a scope.
pub(super) fn are_written_once(sources: &[Source]) -> Vec<Finding> {
    let (mut codes, mut findings) = (Vec::new(), Vec::new());
    for source in sources.iter().filter(|source| is_product(source)) {
        match rust::read(source) {
            Ok(code) => codes.push((source, code)),
            Err(unreadable) => findings.push(unreadable),
        }
    }
    let tests: Vec<_> = codes
        .iter()
        .flat_map(|(_, code)| code.tests.clone())
        .collect();
    codes.retain(|(source, _)| !tests.iter().any(|test| is_of_module(&source.path, test)));
    let mut words = Words {
        all: codes.iter().flat_map(|(_, code)| words_of(code)).collect(),
        exceptions: Exceptions::of(RULE),
    };
    let mut homes = Vec::new();
    for (source, code) in &codes {
        for literal in &code.literals {
            let home = own_word(literal).filter(|word| !homes.contains(word));
            match home {
                Some(word) => homes.push(word),
                None => findings.extend(words.repeated(source, literal)),
            }
        }
    }
    let named = EXCEPTIONS.iter().flat_map(|(path, words, _)| {
        let each = words.iter();
        each.map(move |word| exception(path, word))
    });
    let all = named.chain(ORDINARY.map(str::to_owned));
    findings.extend(words.exceptions.unneeded(all));
    findings
}

fn exception(path: &str, word: &str) -> String {
    format!("{word:?} in {path:?}")
}

fn is_product(source: &Source) -> bool {
    let path = source.path.as_str();
    let is_source = path.starts_with("crates/") && path.contains("/src/") && source.is("rs");
    let is_vendors = VENDORS
        .iter()
        .any(|vendor| path.contains(&format!("/{vendor}/wire")));
    let is_apart = path.starts_with(EXAMPLES) || path.starts_with("crates/lictor-testkit/");
    is_source && !is_vendors && !is_apart
}

/// Whether a file is that of this module, or of one inside it.
fn is_of_module(path: &str, module: &str) -> bool {
    let rest = path.strip_prefix(module);
    rest.is_some_and(|rest| rest.starts_with('/') || rest == ".rs")
}

/// The words that enums get by `words!`, by serde, or by a function of their own.
fn words_of(code: &Code) -> Vec<Word> {
    let mut all = Vec::new();
    for given in &code.words {
        all.extend(given.words.iter().map(|text| Word {
            text: text.clone(),
            owner: given.owner.clone(),
        }));
    }
    all.extend(code.literals.iter().filter_map(own_word));
    all
}

/// The word that an enum's own function gives for a variant.
fn own_word(literal: &Literal) -> Option<Word> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let word = literal.is_own && literal.text.chars().all(is_word);
    let owner = literal.word_of.clone().filter(|_| word)?;
    Some(Word {
        text: literal.text.clone(),
        owner,
    })
}

impl Words {
    /// What to do about a literal that has words of enums.
    fn repeated(&mut self, source: &Source, literal: &Literal) -> Vec<Finding> {
        let of_variant = literal.word_of.as_ref().map(|owner| Word {
            text: literal.text.clone(),
            owner: owner.clone(),
        });
        let found = match of_variant.filter(|word| self.all.contains(word)) {
            Some(word) if self.is_excepted(&source.path, &word) => Vec::new(),
            Some(word) => vec![(word.text, word.owner)],
            None => {
                let parts = literal.text.split(QUOTES);
                let owned =
                    |part: &str| Some((part.to_owned(), self.owner_of(&source.path, part)?));
                parts.filter_map(owned).collect()
            }
        };
        let advice = |(text, owner)| format!("{text:?} is a word of `{owner}`: get it from there");
        let found = found.into_iter().map(advice);
        found
            .map(|advice| source.finding(literal.line, advice))
            .collect()
    }

    /// The enum that a text repeats a word of. A scope is a word of each of two enums.
    fn owner_of(&mut self, path: &str, text: &str) -> Option<String> {
        let is_word = |text: &str| self.all.iter().any(|word| word.text == text);
        if let Some((resource, action)) = text.split_once(':') {
            return (is_word(action) && is_word(resource)).then(|| "Scope".to_owned());
        }
        let found: Vec<_> = self
            .all
            .iter()
            .filter(|word| word.text == text)
            .cloned()
            .collect();
        let mut others = Vec::new();
        for word in found {
            match ORDINARY.contains(&word.owner.as_str()) {
                true => self.exceptions.need(&word.owner),
                false => others.push(word),
            }
        }
        let mut is_excepted = false;
        for word in &others {
            is_excepted |= self.is_excepted(path, word);
        }
        let first = others.into_iter().next().filter(|_| !is_excepted);
        first.map(|word| word.owner)
    }

    fn is_excepted(&mut self, path: &str, word: &Word) -> bool {
        for (prefix, words, _) in EXCEPTIONS {
            let names = [word.text.as_str(), word.owner.as_str()];
            let named = names.into_iter().find(|name| words.contains(name));
            if let Some(name) = named.filter(|_| path.starts_with(prefix)) {
                self.exceptions.need(&exception(prefix, name));
                return true;
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::planted;
    use super::*;

    const COMMAND: &str = "crates/lictor/src/commands/application.rs";

    fn lines_named(path: &str, text: &str) -> Vec<usize> {
        let core = r#"//! x
            crate::words::words!(OverLimit, "an answer", { Refuse => "refuse", Allow => "allow" });
            words!(Resource, "a resource", { Seats => "seats" });
            words!(Action, "an action", { Read => "read" });
            #[serde(rename_all = "kebab-case")]
            enum FailureCode { NoPlace, Unauthorized }
            impl Shape {
                fn word(self) -> &'static str {
                    match self {
                        Self::License => "stored-license",
                        Self::Pool(_) => { "pool" }
                    }
                }
            }
            #[cfg(test)]
            mod plans;"#;
        let core = planted("crates/lictor-core/src/facts/application.rs", core);
        let found = are_written_once(&[core, planted(path, text)]);
        let of_rule = |finding: &&Finding| finding.path == RULE;
        assert!(
            found
                .iter()
                .all(|finding| finding.path == path || of_rule(&finding))
        );
        let found = found.iter().filter(|finding| !of_rule(finding));
        found.map(|finding| finding.line).collect()
    }

    #[test]
    fn a_word_that_is_written_twice_is_red() {
        let text = r#"//! x
            const A: &str = "refuse";
            const B: [&str; 2] = ["seats", "seats:read"];
            // "refuse"
            /// Says "refuse".
            const C: &str = "they refuse";
            #[cfg(test)]
            mod tests { const D: &str = "refuse"; }
            const E: &str = "refuse";
            const F: (&[u8], &str) = (b"no-place", "stored-license");
            fn g() { println!("{}", "pool"); }
            #[serde(rename = "unauthorized")]
            struct H;"#;
        assert_eq!(lines_named(COMMAND, text), [2, 3, 9, 10, 10, 11, 12]);
        for path in [
            "crates/lictor-server/src/dialects/zoho/wire.rs",
            "crates/lictor/tests/cli/messages.rs",
            "crates/lictor-core/src/facts/application/plans.rs",
            "crates/lictor-core/src/facts/application/plans/source.rs",
        ] {
            assert_eq!(lines_named(path, text), [0; 0], "{path}");
        }
    }

    #[test]
    fn a_word_in_a_larger_text_is_red() {
        let text = r##"//! x
            const A: &str = "SELECT 1 FROM a WHERE b <> 'refuse'
                AND c = 'd'";
            const B: &str = "use refuse|allow";
            const C: &str = "say `allow` then";
            const D: &str = r#"{"b":"refuse"}"#;
            fn e() { format!("status <> 'allow' {}", 1); }
            const F: &str = "they'll refuse; `allowed`";
            const G: &str = "give `seats:read`";"##;
        assert_eq!(lines_named(COMMAND, text), [2, 4, 5, 6, 7, 9]);
    }

    #[test]
    fn a_second_list_of_words_is_red() {
        let text = r#"//! x
            fn word(kind: Shape, of: Resource) -> &'static str {
                match kind {
                    Shape::License => "stored-license",
                    Shape::Pool(_) => "pond",
                };
                match of { Resource::Seats => "seats" }
            }
            impl Shape {
                fn again(self) -> &'static str {
                    match self { Self::Pool(_) => "pool", Self::License => "a license" }
                }
            }"#;
        assert_eq!(lines_named(COMMAND, text), [4, 7, 11]);
    }

    #[test]
    fn an_exception_that_nothing_needs_is_red() {
        let found = are_written_once(&[]);
        let excepted = EXCEPTIONS.iter().map(|(_, words, _)| words.len());
        assert_eq!(found.len(), excepted.sum::<usize>() + ORDINARY.len());
        assert!(found.iter().all(|finding| finding.path == RULE));
    }

    #[test]
    fn what_is_no_rust_is_red() {
        assert_eq!(lines_named(COMMAND, "//! x\nfn f( {\n"), [2]);
    }
}
