//! Tables of the documentation that are made from the rows of operations.

use super::{Finding, Source};
use crate::docs::{TABLES, Table};

/// Each table is what the rows say today.
pub(super) fn are_made_from_rows(sources: &[Source]) -> Vec<Finding> {
    TABLES
        .iter()
        .filter_map(|table| stale(table, sources))
        .collect()
}

fn stale(table: &Table, sources: &[Source]) -> Option<Finding> {
    let text = sources.iter().find(|source| source.path == table.page);
    let text = text.map_or("", |source| &source.text);
    let mark = format!("<!-- {} -->", table.name);
    let line = text.lines().take_while(|line| *line != mark).count() + 1;
    let advice = match table.written_into(text) {
        Ok(page) if page == text => return None,
        Ok(_) => "the table is not what the rows say: run `cargo xtask docs`".to_owned(),
        Err(error) => format!("{error:#}"),
    };
    Some(Finding {
        path: table.page.to_owned(),
        line,
        advice,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str) -> Vec<(usize, String)> {
        let sources = [Source {
            path: TABLES[0].page.to_owned(),
            text: page.to_owned(),
        }];
        let found = stale(&TABLES[0], &sources).into_iter();
        found
            .map(|finding| (finding.line, finding.advice))
            .collect()
    }

    #[test]
    fn a_table_that_is_stale_or_has_no_place_is_found() {
        let page = "# A\n\n<!-- routes -->\n<!-- end -->\n";
        let fresh = TABLES[0].written_into(page).unwrap();
        assert_eq!(found(&fresh), []);
        let old = fresh.replacen("/v1/licenses", "/v1/license", 1);
        let [(3, advice)] = &found(&old)[..] else {
            panic!("not found: {old}");
        };
        assert!(advice.contains("cargo xtask docs"), "{advice}");
        assert!(found("# A\n")[0].1.contains("no place for routes"));
    }
}
