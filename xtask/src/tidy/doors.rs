//! What stands before the authority and what behind it: dialects and HTTP name no changes, rules or stores, and the
//! authority knows nothing of HTTP.

use super::{Finding, Source};

/// What calls the authority.
const CALLERS: [&str; 1] = ["crates/lictor-server/"];

/// What calls no store, but may name what else there is of the core.
const STORELESS: [&str; 2] = ["crates/lictor-server/", "fuzz/"];

/// What the authority hands out to callers only as types of its own, or under its own name.
const INNER: [&str; 6] = ["change", "decision", "ledger", "record", "rules", "state"];

/// The crates that would let the authority speak HTTP, or know who calls it.
const HTTP: [&str; 10] = [
    "axum",
    "h2",
    "http",
    "http-body-util",
    "hyper",
    "hyper-util",
    "lictor-server",
    "rustls",
    "tokio-rustls",
    "tower",
];

const RENAMED: &str = "name lictor_core by its name, so that what is taken of it can be seen";

/// Finds what a dialect, or HTTP, names beside the authority.
pub(super) fn callers_see_the_authority(source: &Source) -> Vec<Finding> {
    let is_in = |folders: &[&str]| folders.iter().any(|folder| source.path.starts_with(folder));
    if !source.is("rs") || !is_in(&STORELESS) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (line, path) in paths(source) {
        let mut parts = path.split("::").map(str::trim);
        let advice = match (parts.next(), parts.next()) {
            (Some("lictor_store"), _) => "call the authority; it alone knows the store",
            (Some("lictor_core"), Some(module)) if is_in(&CALLERS) && is_inner(module) => {
                "take it from lictor_authority, or let a use case hand out what is needed of it"
            }
            (Some("lictor_core"), Some(module))
                if is_in(&CALLERS) && module.starts_with("self as") =>
            {
                RENAMED
            }
            (Some(whole), None) if is_in(&CALLERS) && whole.starts_with("lictor_core as") => {
                RENAMED
            }
            _ => continue,
        };
        findings.push(source.finding(line, advice));
    }
    findings
}

fn is_inner(module: &str) -> bool {
    let module = module.split(' ').next().unwrap_or_default();
    module == "*" || INNER.contains(&module)
}

/// Finds a right that a dialect asks for by itself.
pub(super) fn rights_are_asked_by_permits(source: &Source) -> Vec<Finding> {
    if !CALLERS.iter().any(|folder| source.path.starts_with(folder)) {
        return Vec::new();
    }
    let lines = source.code().filter(|(_, line)| line.contains(".may("));
    let advice = "ask with `call.permit()?` and hand the permit to the use case, or say what differs by `call.has()`";
    lines
        .map(|(number, _)| source.finding(number, advice))
        .collect()
}

/// Finds HTTP in the authority's manifest.
pub(super) fn authority_knows_no_http(source: &Source) -> Vec<Finding> {
    if source.path != "crates/lictor-authority/Cargo.toml" {
        return Vec::new();
    }
    let is_http = |line: &str| HTTP.iter().any(|name| names(line, name));
    let lines = source.lines().filter(|(_, line)| is_http(line));
    let advice = "the authority knows nothing of HTTP: this belongs to lictor-server";
    lines
        .map(|(number, _)| source.finding(number, advice))
        .collect()
}

/// Whether a line of a manifest is about a crate: as a key, as a table of its own, or under another name.
fn names(line: &str, package: &str) -> bool {
    let table = line.trim_end_matches(']').rsplit_once("dependencies.");
    let key = table
        .map_or(line, |(_, name)| name)
        .split(['.', '=', ' '])
        .next();
    key == Some(package) || line.contains(&format!("package = \"{package}\""))
}

/// The paths that a file names from the root of a crate, each as it would be alone, with the line it begins in.
fn paths(source: &Source) -> Vec<(usize, String)> {
    let mut all = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in source.code() {
        let text = line.trim();
        let begun = text.strip_prefix("use ").or_else(|| {
            let (visible, tree) = text.split_once(" use ")?;
            visible.starts_with("pub").then_some(tree)
        });
        match (&mut open, begun) {
            (Some((_, tree)), _) => tree.push_str(text),
            (None, Some(tree)) => open = Some((number, tree.to_owned())),
            (None, None) => all.extend(in_code(text).map(|path| (number, path))),
        }
        if let Some((number, tree)) = &open
            && tree.ends_with(';')
        {
            let mut alone = Vec::new();
            expand(tree.trim_end_matches(';'), "", &mut alone);
            all.extend(alone.into_iter().map(|path| (*number, path)));
            open = None;
        }
    }
    all
}

/// The paths of our crates in a line that is no `use`.
fn in_code(line: &str) -> impl Iterator<Item = String> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let words = line.split(move |c| !is_part(c));
    words
        .map(|word| word.trim_start_matches("::").to_owned())
        .filter(|word| word.starts_with("lictor_"))
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d` and `a::c::e`.
fn expand(tree: &str, before: &str, all: &mut Vec<String>) {
    let tree = tree.trim().trim_start_matches("::");
    let Some((own, rest)) = tree.split_once('{') else {
        if !tree.is_empty() {
            all.push(format!("{before}{tree}"));
        }
        return;
    };
    let before = format!("{before}{}", own.trim());
    let inside = rest.trim_end().strip_suffix('}').unwrap_or(rest);
    let (mut depth, mut from) = (0_usize, 0);
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand(&inside[from..at], &before, all);
                from = at + 1;
            }
            _ => {}
        }
    }
    expand(&inside[from..], &before, all);
}

#[cfg(test)]
mod tests {
    use super::super::red;
    use super::*;

    const NATIVE: &str = "crates/lictor-server/src/dialects/native/ledger.rs";

    #[test]
    fn a_dialect_that_names_a_change_a_rule_or_a_store_is_red() {
        let text = "//! x\nuse lictor_core::change::Change;\n\
                    use lictor_core::{Error, state::State};\n\
                    use lictor_core::{\n    Error,\n    rules::{seats, lease},\n};\n\
                    pub(super) use lictor_core::record;\n\
                    fn f(_: &lictor_core::change::Change, _: ::lictor_store::Written) {}\n\
                    use lictor_core::*;\nuse lictor_core as rules;\nuse lictor_store::Store;\n\
                    use lictor_core::state as kept;\nuse lictor_core::{self as c, Error};\n";
        let expected = [2, 3, 4, 4, 8, 9, 9, 10, 11, 12, 13, 14];
        assert_eq!(red(callers_see_the_authority, NATIVE, text), expected);
        let http = "crates/lictor-server/src/http/health.rs";
        assert_eq!(red(callers_see_the_authority, http, text), expected);
        assert_eq!(
            red(callers_see_the_authority, "fuzz/src/lib.rs", text),
            [9, 12]
        );
        let behind = "crates/lictor-authority/src/leases.rs";
        assert_eq!(red(callers_see_the_authority, behind, text), [0; 0]);
    }

    #[test]
    fn what_the_core_shows_to_all_is_green() {
        let text = "//! x\nuse axum::extract::State;\nuse lictor_core::facts::{lease, node::Node};\n\
                    use lictor_core::{Date, Error};\n// lictor_core::change\n\
                    use lictor_authority::{Call, ListedChange};\nlet state = State::default();\n";
        assert_eq!(red(callers_see_the_authority, NATIVE, text), [0; 0]);
    }

    #[test]
    fn a_dialect_that_asks_for_a_right_by_itself_is_red() {
        let text = "//! x\ncall.actor.may(READ, None)?;\nlet permit = call.permit()?;\n\
                    // call.actor.may(READ, None)\nif call.has(READ) {}\n";
        assert_eq!(red(rights_are_asked_by_permits, NATIVE, text), [2]);
        let behind = "crates/lictor-authority/src/permits.rs";
        assert_eq!(red(rights_are_asked_by_permits, behind, text), [0; 0]);
    }

    #[test]
    fn an_authority_that_speaks_http_is_red() {
        let manifest = "[dependencies]\nbytes.workspace = true\nhyper.workspace = true\n\
                        lictor-server.workspace = true\nhttp = \"1\"\n\
                        web = { package = \"axum\" }\n[dependencies.tower]\nversion = \"0.5\"\n";
        let own = "crates/lictor-authority/Cargo.toml";
        assert_eq!(red(authority_knows_no_http, own, manifest), [3, 4, 5, 6, 7]);
        let other = "crates/lictor-server/Cargo.toml";
        assert_eq!(red(authority_knows_no_http, other, manifest), [0; 0]);
    }
}
