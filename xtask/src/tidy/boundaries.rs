//! Rules about who may know what: the core, the store, the dialects and the vendors' words.

use super::{Exceptions, Finding, Source, rust};

const DIALECTS: &str = "crates/lictor-server/src/dialects/";

/// Every dialect there is or will be, by its folder.
const NAMES: [&str; 6] = ["native", "kong", "zoho", "jira", "node", "console"];

const VENDORS: [&str; 3] = ["kong", "zoho", "jira"];

/// Where a vendor's name is right outside its folder, and why.
const VENDOR_EXCEPTIONS: [(&str, &str); 7] = [
    (
        "crates/lictor-core/src/facts/scope.rs",
        "a scope may be given by a vendor's name for it wherever one is read",
    ),
    (
        "crates/lictor-core/src/facts/organization.rs",
        "a path that begins with a vendor's name keeps it from being an organization's key",
    ),
    (
        "crates/lictor-server/src/http/router.rs",
        "the whole URL space stands on one screen",
    ),
    (
        "crates/lictor-server/src/dialects/mod.rs",
        "names the folders",
    ),
    (
        "crates/lictor-server/src/settings.rs",
        "an operator sets a dialect by its name",
    ),
    (
        "crates/lictor-testkit/src/http/connection.rs",
        "the operator signs in to every dialect at once",
    ),
    (
        "crates/lictor/",
        "options, the demo and their help texts speak to users of those tools",
    ),
];

/// What would end the core's purity, in its manifest and in its code.
const CORE_CRATES: [&str; 6] = [
    "tokio",
    "hyper",
    "axum",
    "rusqlite",
    "getrandom",
    "async-trait",
];
const CORE_CODE: [&str; 7] = [
    "async fn",
    "SystemTime",
    "Instant::now",
    "Timestamp::now",
    "std::fs",
    "std::net",
    "std::env",
];

/// Openings of SQL statements as people write them, and the crates that run them.
const SQL: [&str; 11] = [
    "SELECT ",
    "INSERT INTO ",
    "INSERT OR ",
    "UPDATE ",
    "DELETE FROM ",
    "CREATE TABLE ",
    "ALTER TABLE ",
    "DROP TABLE ",
    "PRAGMA ",
    "rusqlite",
    "tokio_postgres",
];

fn is_wire(path: &str) -> bool {
    path.ends_with("/wire.rs") || path.contains("/wire/")
}

pub(super) fn serializes_in_wire_only(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with(DIALECTS) || is_wire(&source.path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    // A derive may go over several lines; the finding names the first.
    let mut open: Option<usize> = None;
    for (number, line) in source.code() {
        let start = open.or_else(|| line.contains("derive(").then_some(number));
        if let Some(start) = start {
            if line.contains("Serialize") || line.contains("Deserialize") {
                findings.push(source.finding(start, "move this type to wire.rs"));
            }
            open = if line.contains(")]") {
                None
            } else {
                Some(start)
            };
        }
    }
    findings
}

pub(super) fn dialect_stands_alone(source: &Source) -> Vec<Finding> {
    let inside = source.path.strip_prefix(DIALECTS);
    let Some((own, _)) = inside.and_then(|inside| inside.split_once('/')) else {
        return Vec::new();
    };
    let code = match rust::read_with_tests(source) {
        Ok(code) => code,
        Err(unreadable) => return vec![unreadable],
    };
    let is_other = |name: &str| name == "*" || name != own && NAMES.contains(&name);
    let mut findings = Vec::new();
    for path in code.paths {
        let parts: Vec<_> = path.parts.iter().map(String::as_str).collect();
        let is_red = match parts.as_slice() {
            ["crate"] | ["crate", "dialects"] => path.is_renamed,
            ["crate", "*"] => true,
            ["crate", "dialects", name, ..] => is_other(name),
            _ => false,
        };
        if is_red {
            let advice =
                "leave the other dialect alone: what both need belongs to authority or http";
            findings.push(source.finding(path.line, advice));
        }
    }
    findings
}

pub(super) fn core_is_pure(source: &Source) -> Vec<Finding> {
    let Some(inside) = source.path.strip_prefix("crates/lictor-core/") else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    if inside == "Cargo.toml" {
        for (number, line) in source.lines() {
            let name = line.split(['.', '=', ' ', ']']).next().unwrap_or_default();
            if CORE_CRATES.contains(&name) {
                findings.push(source.finding(number, format!("the core cannot use {name}")));
            }
        }
    }
    if inside.starts_with("src/") {
        for (number, line) in source.code() {
            for word in CORE_CODE.iter().filter(|word| line.contains(**word)) {
                let advice = format!("{word}: take what it yields as an argument");
                findings.push(source.finding(number, advice));
            }
        }
    }
    findings
}

const RULES: &str = "xtask/src/tidy/boundaries.rs";

/// Finds vendors' names outside of the vendors' folders.
pub(super) fn vendor_words_at_home(sources: &[Source]) -> Vec<Finding> {
    let mut exceptions = Exceptions::of(RULES);
    let mut findings = Vec::new();
    for source in sources {
        let found = vendor_words(source);
        let excepted = VENDOR_EXCEPTIONS
            .iter()
            .find(|(path, _)| source.path.starts_with(path));
        match excepted {
            Some((path, _)) if !found.is_empty() => exceptions.need(path),
            Some(_) => {}
            None => findings.extend(found),
        }
    }
    findings.extend(exceptions.unneeded(VENDOR_EXCEPTIONS.map(|(path, _)| path.to_owned())));
    findings
}

fn vendor_words(source: &Source) -> Vec<Finding> {
    let parts: Vec<&str> = source.path.split('/').collect();
    if !matches!(parts.as_slice(), ["crates", _, "src", ..]) {
        return Vec::new();
    }
    let home = source
        .path
        .strip_prefix(DIALECTS)
        .and_then(|inside| inside.split('/').next());
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        let line = line.to_lowercase();
        for vendor in VENDORS.iter().filter(|vendor| Some(**vendor) != home) {
            if line.contains(vendor) {
                let advice = format!("say it without {vendor}, or move it to dialects/{vendor}");
                findings.push(source.finding(number, advice));
            }
        }
    }
    findings
}

pub(super) fn sql_in_the_store(source: &Source) -> Vec<Finding> {
    let parts: Vec<&str> = source.path.split('/').collect();
    let ["crates", name, inside, ..] = parts.as_slice() else {
        return Vec::new();
    };
    let is_store = *name == "lictor-store";
    if is_backend(source) || is_store && *inside == "migrations" {
        return Vec::new();
    }
    let advice = match is_store {
        true => "move this into the backend: above it no SQL is known",
        false => "ask the Store for it: SQL stands in crates/lictor-store alone",
    };
    // A test may be given rows that an older binary left.
    if source.is("sql") && *inside != "tests" {
        return vec![source.finding(1, advice)];
    }
    let statement = |line: &str| *inside == "src" && SQL.iter().any(|word| line.contains(word));
    let lines = source.code().filter(|(_, line)| statement(line));
    lines
        .map(|(number, _)| source.finding(number, advice))
        .collect()
}

const STORE: &str = "crates/lictor-store/src/";

/// The file of the store that chooses a backend.
const CHOOSES: &str = "crates/lictor-store/src/database.rs";

/// The folders of the backends in the store.
const BACKENDS: [&str; 2] = ["sqlite/", "postgres/"];

/// What only a backend names: itself, and the crates that talk to its database.
const OF_BACKENDS: [&str; 5] = ["sqlite", "Sqlite", "postgres", "Postgres", "refinery"];

fn is_backend(source: &Source) -> bool {
    let inside = source.path.strip_prefix(STORE);
    inside.is_some_and(|inside| BACKENDS.iter().any(|folder| inside.starts_with(folder)))
}

/// Finds code of the store that names a backend outside of it. Other crates cannot: the modules are private.
pub(super) fn backends_are_chosen_in_one_place(source: &Source) -> Vec<Finding> {
    let is_store = source.path.starts_with(STORE);
    if !is_store || is_backend(source) || source.path == CHOOSES {
        return Vec::new();
    }
    let is_private_module = |line: &str| {
        let name = line
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        name.is_some_and(|name| BACKENDS.contains(&format!("{name}/").as_str()))
    };
    let named = |line: &str| OF_BACKENDS.iter().any(|name| line.contains(name));
    let lines = source
        .code()
        .filter(|(_, line)| named(line) && !is_private_module(line.trim_end()));
    let advice = "only database.rs knows which backends there are; move this into the backend";
    lines
        .map(|(number, _)| source.finding(number, advice))
        .collect()
}

/// What asks a file system for what some refuse, and what says so where it does.
const SYNCED: [&str; 2] = [".sync_all()", ".sync_data()"];
const REFUSED_BY: &str = "of_file_system";

/// Finds a sync whose refusal would be told in the system's words alone.
pub(super) fn syncs_are_told(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("crates/") || !source.path.contains("/src/") {
        return Vec::new();
    }
    let is_untold =
        |line: &str| SYNCED.iter().any(|sync| line.contains(sync)) && !line.contains(REFUSED_BY);
    let lines = source.lines().filter(|(_, line)| is_untold(line));
    let advice = "say what it means that a file system refuses this: `.map_err(of_file_system)`";
    lines
        .map(|(number, _)| source.finding(number, advice))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::{planted, red};
    use super::*;

    const KONG: &str = "crates/lictor-server/src/dialects/kong/licenses.rs";

    #[test]
    fn a_derive_outside_wire_is_red() {
        let text =
            "//! x\n#[derive(Debug, Serialize)]\n#[derive(\n    Deserialize,\n)]\nstruct S;\n";
        assert_eq!(red(serializes_in_wire_only, KONG, text), [2, 3]);
        let wire = "crates/lictor-server/src/dialects/kong/wire.rs";
        assert_eq!(red(serializes_in_wire_only, wire, text), [0; 0]);
        let bound = "#[derive(Debug)]\nfn body(value: &impl Serialize) {}\n";
        assert_eq!(red(serializes_in_wire_only, KONG, bound), [0; 0]);
    }

    #[test]
    fn a_backend_that_is_named_elsewhere_in_the_store_is_red() {
        let text = "//! x\nmod sqlite;\npub mod sqlite;\nuse crate::{plan, sqlite};\n\
                    fn a() -> rusqlite::Result<()> {\nenum E { Migration(refinery::Error) }\n";
        for above in [
            "crates/lictor-store/src/check.rs",
            "crates/lictor-store/src/check/tests.rs",
        ] {
            assert_eq!(
                red(backends_are_chosen_in_one_place, above, text),
                [3, 4, 5, 6],
                "{above}"
            );
        }
        for own in [
            "crates/lictor-store/src/sqlite/check.rs",
            "crates/lictor-store/src/database.rs",
            "crates/lictor-store/tests/battery/main.rs",
        ] {
            assert_eq!(
                red(backends_are_chosen_in_one_place, own, text),
                [0; 0],
                "{own}"
            );
        }
    }

    #[test]
    fn a_dialect_that_knows_another_is_red() {
        let text = "use crate::dialects::native::wire;\nuse super::super::zoho;\n\
                    use crate::dialects::{jira, kong};\nuse crate::dialects::kong::wire;\n\
                    use super::native_names;\nuse super::super::super::node;\n\
                    use crate::dialects as all;\nuse super::super::*;\nuse crate as server;\n\
                    fn f() { vec![crate::dialects::native::wire::g()]; }\n";
        assert_eq!(
            red(dialect_stands_alone, KONG, text),
            [1, 2, 3, 7, 8, 9, 10]
        );
        let top = "crates/lictor-server/src/dialects/kong/mod.rs";
        assert_eq!(
            red(dialect_stands_alone, top, "use super::native::auth;\n"),
            [1]
        );
    }

    #[test]
    fn an_impure_core_is_red() {
        let manifest =
            "[dependencies]\nserde.workspace = true\ntokio = \"1\"\nrusqlite.workspace = true\n";
        assert_eq!(
            red(core_is_pure, "crates/lictor-core/Cargo.toml", manifest),
            [3, 4]
        );
        assert_eq!(
            red(core_is_pure, "crates/lictor/Cargo.toml", manifest),
            [0; 0]
        );
        for word in CORE_CODE {
            assert_eq!(
                red(core_is_pure, "crates/lictor-core/src/a.rs", word),
                [1],
                "{word}"
            );
        }
    }

    #[test]
    fn a_vendor_word_away_from_home_is_red() {
        let lines = |path: &str, text: &str| -> Vec<usize> {
            let found = vendor_words_at_home(&[planted(path, text)]).into_iter();
            let found = found.filter(|finding| finding.path != RULES);
            found.map(|finding| finding.line).collect()
        };
        let elsewhere = "crates/lictor-core/src/rules/license.rs";
        assert_eq!(lines(elsewhere, "//! x\n// as KONG does\n"), [2]);
        assert_eq!(lines(KONG, "// Kong\n// Zoho\n"), [2]);
        assert_eq!(lines("crates/lictor/src/cli.rs", "--kong-version"), [0; 0]);
        assert_eq!(lines("crates/lictor/tests/kong.rs", "kong"), [0; 0]);
    }

    #[test]
    fn an_exception_for_vendor_words_that_nothing_needs_is_red() {
        let (needed, _) = VENDOR_EXCEPTIONS[0];
        let found = vendor_words_at_home(&[planted(needed, "zoho")]);
        assert_eq!(found.len(), VENDOR_EXCEPTIONS.len() - 1);
        assert!(found.iter().all(|finding| !finding.advice.contains(needed)));
    }

    #[test]
    fn sql_outside_the_store_is_red() {
        let text = "//! x\nlet q = \"SELECT id FROM licenses\";\n// UPDATE nothing\n";
        assert_eq!(
            red(sql_in_the_store, "crates/lictor-server/src/a.rs", text),
            [2]
        );
        assert_eq!(
            red(sql_in_the_store, "crates/lictor-server/m/1.sql", "x"),
            [1]
        );
        assert_eq!(
            red(sql_in_the_store, "crates/lictor-store/src/a.rs", text),
            [2]
        );
        for path in [
            "crates/lictor-store/src/sqlite/a.rs",
            "crates/lictor-store/migrations/sqlite/V1__a.sql",
            "crates/lictor-store/tests/battery/a.rs",
            "crates/lictor/tests/x/rows.sql",
        ] {
            assert_eq!(red(sql_in_the_store, path, text), [0; 0], "{path}");
        }
    }

    #[test]
    fn a_sync_whose_refusal_is_not_told_is_red() {
        let text = "//! x\nfile.sync_all()?;\nfile.sync_data().map_err(of_file_system)?;\n";
        assert_eq!(red(syncs_are_told, "crates/lictor/src/a.rs", text), [2]);
        assert_eq!(
            red(syncs_are_told, "crates/lictor/tests/a.rs", text),
            [0; 0]
        );
    }
}
