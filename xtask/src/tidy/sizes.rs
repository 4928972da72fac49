//! How long files and functions may be.

use super::{Finding, Source};

/// The most lines of a Rust file.
const LONGEST_FILE: usize = 600;

/// The most lines of a Rust file that is shipped.
const LONGEST_PRODUCT_FILE: usize = 500;

/// The most lines of a function, from its `fn` to its closing brace.
const LONGEST_FUNCTION: usize = 60;

/// A longer function may be one match. It may have this many lines besides.
const BESIDE_A_MATCH: usize = 15;

pub(super) fn is_short(source: &Source) -> Vec<Finding> {
    let longest = match is_product(source) {
        true => LONGEST_PRODUCT_FILE,
        false => LONGEST_FILE,
    };
    let length = source.text.lines().count();
    if !source.is("rs") || length <= longest {
        return Vec::new();
    }
    vec![source.finding(
        longest + 1,
        format!("{length} lines: split by what the parts do"),
    )]
}

/// Finds functions that do not fit a screen. One that is a single match may be longer.
pub(super) fn has_short_functions(source: &Source) -> Vec<Finding> {
    let path = source.path.as_str();
    let is_source = ["crates/", "prove/", "bench/", "xtask/"]
        .iter()
        .any(|root| path.starts_with(root));
    if !is_source || !path.contains("/src/") || is_test(path) {
        return Vec::new();
    }
    let lines: Vec<&str> = source.text.lines().collect();
    let tests = lines
        .iter()
        .position(|line| line.starts_with("mod tests {"));
    let code = &lines[..tests.unwrap_or(lines.len())];
    let mut findings = Vec::new();
    for (index, line) in code.iter().enumerate() {
        let Some(length) = function_length(line, &code[index..]) else {
            continue;
        };
        let beside = length - longest_match(line, &code[index..index + length]);
        if length > LONGEST_FUNCTION && beside > BESIDE_A_MATCH && !is_list(path, line) {
            let advice = format!("{length} lines: take a part out, so that it fits a screen");
            findings.push(source.finding(index + 1, advice));
        }
    }
    findings
}

/// Files that are shipped, apart from their tests.
fn is_product(source: &Source) -> bool {
    let path = source.path.as_str();
    path.starts_with("crates/") && path.contains("/src/") && !is_test(path)
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

/// Functions that are one list, or that name each field of a struct.
const LISTS: [(&str, &str); 2] = [
    (
        "crates/lictor-server/src/dialects/native/mod.rs",
        "fn table(",
    ),
    ("crates/lictor-store/src/check.rs", "fn compare_state("),
];

fn is_list(path: &str, first: &str) -> bool {
    let mut lists = LISTS.iter();
    lists.any(|(file, name)| path == *file && first.contains(name))
}

fn indent(line: &str) -> &str {
    &line[..line.len() - line.trim_start().len()]
}

/// The lines of a function that begins here. It ends at the brace with the same indentation.
fn function_length(first: &str, rest: &[&str]) -> Option<usize> {
    let words = first.trim_start().split([' ', '(']);
    let begins = words
        .take_while(|word| {
            [
                "pub", "crate)", "super)", "const", "async", "unsafe", "in", "fn",
            ]
            .contains(word)
                || word.starts_with("crate::")
        })
        .any(|word| word == "fn");
    if !begins {
        return None;
    }
    let end = format!("{}}}", indent(first));
    let none = format!("{};", indent(first));
    let is_end = |line: &&str| {
        **line == *end || (line.ends_with(';') && indent(line).len() + 1 == none.len())
    };
    let at = rest.iter().position(is_end)?;
    (*rest[at] == *end).then_some(at + 1)
}

/// The lines of the longest match that is a statement of the function.
fn longest_match(first: &str, function: &[&str]) -> usize {
    let inner = format!("{}    ", indent(first));
    let is_own = |line: &str| line.starts_with(&inner) && !line[inner.len()..].starts_with(' ');
    let begins = |line: &str| is_own(line) && line.contains("match ") && line.ends_with('{');
    let mut longest = 0;
    for (index, line) in function.iter().enumerate() {
        if begins(line) {
            let rest = &function[index + 1..];
            let end = rest.iter().position(|line| is_own(line));
            longest = longest.max(end.map_or(0, |end| end + 2));
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::super::red;
    use super::*;

    #[test]
    fn a_file_of_601_lines_is_red_and_one_of_501_that_is_shipped() {
        assert_eq!(red(is_short, "prove/src/a.rs", &"x\n".repeat(601)), [601]);
        assert_eq!(red(is_short, "prove/src/a.rs", &"x\n".repeat(600)), [0; 0]);
        let shipped = "crates/lictor/src/a.rs";
        assert_eq!(red(is_short, shipped, &"x\n".repeat(501)), [501]);
        assert_eq!(red(is_short, shipped, &"x\n".repeat(500)), [0; 0]);
        let tests = "crates/lictor/src/a/tests.rs";
        assert_eq!(red(is_short, tests, &"x\n".repeat(600)), [0; 0]);
    }

    #[test]
    fn a_function_of_61_lines_is_red_unless_it_is_one_match() {
        let of = |lines: usize| {
            format!(
                "//! x\npub(crate) async fn f() {{\n{}}}\n",
                "    x;\n".repeat(lines)
            )
        };
        let path = "crates/lictor/src/a.rs";
        assert_eq!(red(has_short_functions, path, &of(59)), [2]);
        assert_eq!(red(has_short_functions, path, &of(58)), [0; 0]);
        let tests = format!("//! x\nmod tests {{\n{}", of(99));
        assert_eq!(red(has_short_functions, path, &tests), [0; 0]);
        let matching = |beside: usize| {
            let arms = "        A => b,\n".repeat(80);
            let beside = "    x;\n".repeat(beside);
            format!("//! x\nfn f() {{\n{beside}    match a {{\n{arms}    }}\n}}\n")
        };
        assert_eq!(red(has_short_functions, path, &matching(13)), [0; 0]);
        assert_eq!(red(has_short_functions, path, &matching(14)), [2]);
        let method = "//! x\ntrait T {\n    fn f();\n    fn g();\n}\n";
        assert_eq!(red(has_short_functions, path, method), [0; 0]);
    }
}
