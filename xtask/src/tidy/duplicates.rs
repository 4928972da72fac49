//! Functions that two crates must both have, because neither may depend on the other: the copies are the same.

use super::{Finding, Source};

/// The function, and its two homes.
const TWINS: [(&str, [&str; 2]); 1] = [(
    "of_file_system",
    [
        "crates/lictor-node/src/folder.rs",
        "crates/lictor-store/src/open_error.rs",
    ],
)];

/// Finds a function of [`TWINS`] that is not in both homes, or not the same.
pub(super) fn agree(sources: &[Source]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (name, homes) in TWINS {
        let homes = homes.map(|home| sources.iter().find(|source| source.path == home));
        let bodies = homes.map(|home| home.and_then(|home| body(home, name)));
        if bodies[0].is_none() || bodies[0] != bodies[1] {
            let line = homes.iter().flatten().last();
            let advice =
                format!("`{name}` differs from that of the other crate; make them the same");
            found.extend(line.map(|home| home.finding(line_of(home, name), advice)));
        }
    }
    found
}

/// What stands in the braces of a function, without how its paths are written.
fn body(source: &Source, name: &str) -> Option<String> {
    let (_, from) = source.text.split_once(&format!("fn {name}("))?;
    let (_, body) = from.split_once("{\n")?;
    let (body, _) = body.split_once("\n}\n")?;
    let words: Vec<_> = body.split_whitespace().collect();
    Some(words.join(" ").replace("std::io::", "io::"))
}

fn line_of(source: &Source, name: &str) -> usize {
    let has = |(_, line): &(usize, &str)| line.contains(&format!("fn {name}("));
    source.lines().find(has).map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::super::planted;
    use super::*;

    #[test]
    fn a_twin_that_says_something_else_is_named() {
        let (name, homes) = TWINS[0];
        let of = |home: &str, said: &str| {
            let text = format!("//! A folder.\n\nfn {name}(error: E) -> E {{\n    {said}\n}}\n");
            planted(home, &text)
        };
        let same = [of(homes[0], "io::Error"), of(homes[1], "std::io::Error")];
        assert_eq!(agree(&same), []);
        let other = [of(homes[0], "io::Error"), of(homes[1], "io::Error::other")];
        let found = agree(&other);
        assert_eq!((found.len(), found[0].line), (1, 3));
        let gone = [of(homes[0], "io::Error"), planted(homes[1], "")];
        assert_eq!(agree(&gone).len(), 1);
    }
}
