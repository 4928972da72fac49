//! Rules about what is shipped: nothing in it is there for tests alone.

use super::{Finding, Source};

const FAULTS: &str = "planted-faults";

const TESTKIT: &str = "lictor-testkit";

/// Finds a manifest that has faults planted, or the test kit built in, without being asked to.
pub(super) fn ships_nothing_of_tests(source: &Source) -> Vec<Finding> {
    // What a crate inherits from the workspace has its features too.
    let is_the_workspace = source.path == "Cargo.toml";
    let is_a_crate = source.path.starts_with("crates/") && source.path.ends_with("/Cargo.toml");
    if !is_a_crate && !is_the_workspace {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut section = "";
    for (number, line) in source.lines().filter(|(_, line)| !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line;
        }
        let is_asked_for = section == "[features]" && line.starts_with(FAULTS);
        if line.contains(FAULTS) && !is_asked_for {
            let advice = format!("leave {FAULTS} to a feature of the same name");
            findings.push(source.finding(number, advice));
        }
        let is_built = section.contains("dependencies") && !section.contains("dev-dependencies");
        if is_a_crate && is_built && line.contains(TESTKIT) {
            let advice = format!("name {TESTKIT} among the dev-dependencies");
            findings.push(source.finding(number, advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::red;
    use super::*;

    #[test]
    fn a_manifest_that_ships_what_is_for_tests_is_red() {
        let path = "crates/lictor/Cargo.toml";
        let right = "[features]\n# planted-faults\nplanted-faults = [\"lictor-node/planted-faults\"]\n\
                     [dev-dependencies]\nlictor-testkit.workspace = true\n";
        assert_eq!(red(ships_nothing_of_tests, path, right), [0; 0]);
        for wrong in [
            "[features]\ndefault = [\"planted-faults\"]\n",
            "[dependencies]\nlictor-node = { path = \"x\", features = [\"planted-faults\"] }\n",
            "[dependencies]\nlictor-testkit.workspace = true\n",
            "[target.'cfg(unix)'.dependencies]\nlictor-testkit = { path = \"x\" }\n",
            "[build-dependencies]\nlictor-testkit.workspace = true\n",
            "\n[dependencies.lictor-testkit]\n",
            "[dependencies]\nkit = { path = \"x\", package = \"lictor-testkit\" }\n",
        ] {
            assert_eq!(red(ships_nothing_of_tests, path, wrong), [2], "{wrong}");
        }
        let workspace = "[workspace.dependencies]\nlictor-testkit = { path = \"x\" }\n\
                         lictor-planted = { path = \"x\", features = [\"planted-faults\"] }\n";
        assert_eq!(red(ships_nothing_of_tests, "Cargo.toml", workspace), [3]);
        let prove = "[dependencies]\nlictor-testkit.workspace = true\n";
        assert_eq!(
            red(ships_nothing_of_tests, "prove/Cargo.toml", prove),
            [0; 0]
        );
    }
}
