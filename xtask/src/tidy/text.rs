//! Rules about any file as text: its opening, its white space and its spelling.

use super::{Exceptions, Finding, Source};

const RULE: &str = "xtask/src/tidy/text.rs";

/// The words as two halves, so that this file does not break its own rule.
const MARKS: [&str; 3] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
];

/// What to write instead stands beside each; a word counts wherever it stands inside another.
const BRITISH: [(&str, &str); 9] = [
    (concat!("lic", "ence"), "license"),
    (concat!("organ", "isation"), "organization"),
    (concat!("author", "is"), "authoriz"),
    (concat!("behav", "iour"), "behavior"),
    (concat!("col", "our"), "color"),
    (concat!("initial", "ise"), "initialize"),
    (concat!("recogn", "ise"), "recognize"),
    (concat!("serial", "ise"), "serialize"),
    (concat!("norma", "lise"), "normalize"),
];

pub(super) fn opens_with_its_purpose(source: &Source) -> Vec<Finding> {
    let opens = source
        .text
        .lines()
        .next()
        .is_some_and(|line| line.starts_with("//! "));
    if !source.is("rs") || opens {
        return Vec::new();
    }
    vec![source.finding(
        1,
        "open with a //! sentence: what the file holds and must not hold",
    )]
}

pub(super) fn is_finished(source: &Source) -> Vec<Finding> {
    let unfinished = |line: &str| MARKS.iter().any(|mark| line.contains(mark));
    let lines = source.lines().filter(|(_, line)| unfinished(line));
    lines
        .map(|(number, _)| source.finding(number, "finish it, or open an issue"))
        .collect()
}

pub(super) fn has_clean_lines(source: &Source) -> Vec<Finding> {
    let unclean = |line: &str| line.ends_with([' ', '\t', '\r']);
    let lines = source
        .text
        .split('\n')
        .enumerate()
        .filter(|(_, line)| unclean(line));
    lines
        .map(|(index, _)| source.finding(index + 1, "remove the white space at the end"))
        .collect()
}

/// The file of labels in other languages, some of which have words that look British.
const OTHER_LANGUAGES: &str = "crates/lictor-server/src/dialects/zoho/labels.rs";

/// How the SDKs of others spell their functions, in lower case.
const NAMES_OF_OTHERS: [&str; 2] = [
    concat!("get_user_lic", "ences_count"),
    concat!("getuserlic", "encescount"),
];

/// Finds British spelling.
pub(super) fn are_spelled_american(sources: &[Source]) -> Vec<Finding> {
    let mut exceptions = Exceptions::of(RULE);
    let mut findings = Vec::new();
    for source in sources
        .iter()
        .filter(|source| source.is("rs") || source.is("md"))
    {
        for (number, line) in source.lines() {
            let mut line = line.to_lowercase();
            for name in NAMES_OF_OTHERS {
                if line.contains(name) {
                    exceptions.need(name);
                    line = line.replace(name, "");
                }
            }
            for (word, instead) in BRITISH.iter().filter(|(word, _)| line.contains(word)) {
                if source.path == OTHER_LANGUAGES {
                    exceptions.need(OTHER_LANGUAGES);
                } else {
                    findings.push(source.finding(number, format!("{word}: write {instead}")));
                }
            }
        }
    }
    let all = NAMES_OF_OTHERS.into_iter().chain([OTHER_LANGUAGES]);
    findings.extend(exceptions.unneeded(all.map(str::to_owned)));
    findings
}

#[cfg(test)]
mod tests {
    use super::super::{planted, red};
    use super::*;

    #[test]
    fn a_file_without_an_opening_is_red() {
        assert_eq!(
            red(
                opens_with_its_purpose,
                "crates/a/src/b.rs",
                "use std::fs;\n"
            ),
            [1]
        );
        assert_eq!(red(opens_with_its_purpose, "crates/a/src/b.rs", ""), [1]);
        assert_eq!(
            red(
                opens_with_its_purpose,
                "crates/a/src/b.rs",
                "//! Holds b.\n"
            ),
            [0; 0]
        );
        assert_eq!(red(opens_with_its_purpose, "README.md", "# x\n"), [0; 0]);
    }

    #[test]
    fn unfinished_work_is_red() {
        let text = format!("fine\n// {}: later\n", MARKS[0]);
        assert_eq!(red(is_finished, "a.rs", &text), [2]);
        assert_eq!(
            red(is_finished, "a.py", &format!("# {} this", MARKS[1])),
            [1]
        );
    }

    #[test]
    fn white_space_at_the_end_is_red() {
        assert_eq!(red(has_clean_lines, "a.md", "a \nb\nc\t\nd\r\n"), [1, 3, 4]);
    }

    #[test]
    fn british_spelling_is_red() {
        let lines = |path: &str, text: &str| -> Vec<usize> {
            let found = are_spelled_american(&[planted(path, text)]).into_iter();
            let found = found.filter(|finding| finding.path != RULE);
            found.map(|finding| finding.line).collect()
        };
        for (word, instead) in BRITISH {
            assert_eq!(lines("a.md", &format!("ok\nThe {word}\n")), [2]);
            assert_eq!(lines("a.rs", &format!("// the {instead}")), [0; 0]);
        }
        let [snake, camel] = NAMES_OF_OTHERS;
        let text = format!("{snake}\n{camel}\n{snake} {}\n", BRITISH[0].0);
        assert_eq!(lines("a.md", &text), [3]);
        let capital = BRITISH[0].0.to_uppercase();
        assert_eq!(lines("a.rs", &capital), [1]);
        assert_eq!(lines("a.py", &capital), [0; 0]);
        assert_eq!(lines(OTHER_LANGUAGES, &capital), [0; 0]);
        assert_eq!(are_spelled_american(&[]).len(), 3);
    }
}
