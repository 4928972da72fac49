//! The floors of the core: a module names only what stands below it, so that no two import each other.

use super::{Finding, Source, rust};

const CORE: &str = "crates/lictor-core/src/";

/// The modules of the core from the ground up. Those on the ground may name each other; a module
/// above it names itself and lower floors.
const FLOORS: [&[&str]; 9] = [
    &[
        "digest",
        "elapsed",
        "exposition",
        "parse_error",
        "patch_field",
        "invalid",
        "names",
        "secret",
        "url_path",
        "time",
        "whole_number",
        "words",
    ],
    &["document"],
    &["feed"],
    &["facts"],
    &["change", "error", "record"],
    &["access", "ledger"],
    &["state"],
    &["decision"],
    &["rules"],
];

const UNSEEN: &str = "name the modules that are taken of the crate, so that they can be seen";

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// Finds what names a floor above its own. Tests may name any.
pub(super) fn core_stands_on_floors(source: &Source) -> Vec<Finding> {
    let Some(inside) = source.path.strip_prefix(CORE) else {
        return Vec::new();
    };
    let module = inside.split(['/', '.']).next().unwrap_or_default();
    if module == "lib" || inside.ends_with("tests.rs") || !source.is("rs") {
        return Vec::new();
    }
    let Some(own) = floor(module) else {
        let advice = format!("give {module} its floor in xtask/src/tidy/layers.rs");
        return vec![source.finding(1, advice)];
    };
    let code = match rust::read(source) {
        Ok(code) => code,
        Err(unreadable) => return vec![unreadable],
    };
    let is_allowed = |other: &str| {
        other == module || floor(other).is_some_and(|other| other < own || own == 0 && other == 0)
    };
    let mut findings = Vec::new();
    for path in code.paths {
        let mut parts = path.parts.iter().map(String::as_str);
        let advice = match (parts.next(), parts.next()) {
            (Some("crate"), None) if path.is_renamed => UNSEEN.to_owned(),
            (Some("crate"), Some("*")) => UNSEEN.to_owned(),
            (Some("crate"), Some(other)) if !is_allowed(other) => {
                format!("{module} stands below {other}, or beside it: move one of them")
            }
            _ => continue,
        };
        findings.push(source.finding(path.line, advice));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::red;
    use super::*;

    #[test]
    fn a_module_that_names_a_higher_floor_is_red() {
        let text = "//! x\nuse crate::time::Date;\nuse crate::rules::seats;\n\
                    fn f(x: crate::state::State) {}\n// crate::rules\nuse crate::{error::Error};\n\
                    #[cfg(test)]\nmod tests {\nuse crate::rules::seats;\n}\n";
        for (file, expected) in [
            ("facts/seats.rs", &[3, 4, 6][..]),
            ("facts.rs", &[3, 4, 6]),
            ("document/claims.rs", &[3, 4, 6]),
            ("change.rs", &[3, 4, 6]),
            ("state/seats.rs", &[3]),
            ("rules/seats.rs", &[]),
            ("time.rs", &[3, 4, 6]),
            ("facts/tests.rs", &[]),
            ("lib.rs", &[]),
            ("unplaced.rs", &[1]),
        ] {
            let path = format!("{CORE}{file}");
            assert_eq!(red(core_stands_on_floors, &path, text), expected, "{file}");
        }
        for (file, climbing) in [
            ("facts.rs", "use super::rules::seats;"),
            ("facts/seats.rs", "use super::super::{rules::seats};"),
            (
                "facts/seats.rs",
                "pub use super::super::rules::seats::room;",
            ),
            (
                "state/a/b.rs",
                "fn f() { super::super::super::rules::seats::room() }",
            ),
        ] {
            let text =
                format!("//! x\nuse super::lease;\n#[cfg(test)]\nuse std::fmt;\n{climbing}\n");
            let path = format!("{CORE}{file}");
            let expected: &[usize] = match file {
                "facts.rs" => &[2, 5],
                _ => &[5],
            };
            assert_eq!(red(core_stands_on_floors, &path, &text), expected, "{file}");
        }
        for hidden in [
            "use crate as core;",
            "use crate::{self as core};",
            "use super::super as core;",
            "use crate::*;",
            "use crate::{time::Date, state::State};",
            "fn f() { println!(\"{}\", crate::rules::seats::room()); }",
            "pub(in crate::rules) fn f() {}",
        ] {
            let text = format!("//! x\n#[cfg(test)]\nmod tests {{}}\n{hidden}\n");
            let path = format!("{CORE}facts/seats.rs");
            assert_eq!(red(core_stands_on_floors, &path, &text), [4], "{hidden}");
        }
        let beside = "//! x\nuse crate::error::Error;\n";
        let path = format!("{CORE}record.rs");
        assert_eq!(red(core_stands_on_floors, &path, beside), [2]);
    }
}
