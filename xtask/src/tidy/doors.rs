//! The boundary around the authority: dialects and HTTP name no changes, rules or stores of the core, and the
//! authority knows nothing of HTTP.

use super::{Finding, Source, rust};

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
    let code = match rust::read_with_tests(source) {
        Ok(code) => code,
        Err(unreadable) => return vec![unreadable],
    };
    let mut findings = Vec::new();
    for path in code.paths {
        let mut parts = path.parts.iter().map(String::as_str);
        let advice = match (parts.next(), parts.next()) {
            (Some("lictor_store"), _) => "call the authority; it alone knows the store",
            (Some("lictor_core"), Some(module)) if is_in(&CALLERS) && is_inner(module) => {
                "take it from lictor_authority, or let a use case hand out what is needed of it"
            }
            (Some("lictor_core"), None) if is_in(&CALLERS) && path.is_renamed => RENAMED,
            _ => continue,
        };
        findings.push(source.finding(path.line, advice));
    }
    findings
}

fn is_inner(module: &str) -> bool {
    module == "*" || INNER.contains(&module)
}

/// The types that know whether somebody has a right, and how they are asked.
const KNOW_RIGHTS: [&str; 3] = ["Actor", "Role", "Scope"];
const ASKING: [&str; 3] = ["may", "has", "includes"];

/// Finds a right that a dialect asks for by itself.
pub(super) fn rights_are_asked_by_permits(source: &Source) -> Vec<Finding> {
    if !CALLERS.iter().any(|folder| source.path.starts_with(folder)) || !source.is("rs") {
        return Vec::new();
    }
    let code = match rust::read(source) {
        Ok(code) => code,
        Err(unreadable) => return vec![unreadable],
    };
    // A call says what it has to who renders; it lets nobody do anything.
    let is_of_call = |on: Option<&str>| matches!(on, Some("call" | "caller"));
    let calls = code
        .calls
        .iter()
        .filter(|called| match called.method.as_str() {
            "has" => !is_of_call(called.on.as_deref()),
            method => ASKING.contains(&method),
        });
    let paths = code
        .paths
        .iter()
        .filter(|path| match path.parts.as_slice() {
            [.., owner, name] => {
                KNOW_RIGHTS.contains(&owner.as_str()) && ASKING.contains(&name.as_str())
            }
            _ => false,
        });
    let lines = calls
        .map(|called| called.line)
        .chain(paths.map(|path| path.line));
    let advice = "ask with `call.permit()?` and hand the permit to the use case, or say what differs by `call.has()`";
    lines.map(|line| source.finding(line, advice)).collect()
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
        let expected = [2, 3, 6, 6, 8, 9, 9, 10, 11, 12, 13, 14];
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
                    use lictor_authority::{Call, ListedChange};\nfn f() { State::default(); }\n";
        assert_eq!(red(callers_see_the_authority, NATIVE, text), [0; 0]);
    }

    #[test]
    fn a_dialect_that_asks_for_a_right_by_itself_is_red() {
        let text = "//! x\nfn f() {\ncall.actor.may(READ, None)?;\nlet permit = call.permit()?;\n\
                    // call.actor.may(READ, None)\nif call.has(READ) {}\nActor::may(actor, READ, None)?;\n\
                    call.actor.has(READ);\nactor.role.includes(READ);\nscopes.iter().any(Scope::includes);\n\
                    assert!(self.call.has(READ) && permit.call().has(READ));\n\
                    assert!(actor.has(READ));\nRole::includes(role, READ);\n}\n";
        let expected = [3, 8, 9, 12, 7, 10, 13];
        assert_eq!(red(rights_are_asked_by_permits, NATIVE, text), expected);
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
