//! `cargo xtask docs`: the tables of the documentation that are made from the rows of operations.

use std::fs;

use anyhow::{Context, Result};
use lictor_api::openapi::BASE;
use lictor_api::operations::ALL;
use lictor_api::permits::Place;
use lictor_api::row::{Facts, Row};
use lictor_core::facts::right::{Resource, Right};
use lictor_core::facts::scope::Scope;
use lictor_testkit::marks::replaced;
use lictor_testkit::{Tally, Workspace};

/// A table, and its place.
pub(crate) struct Table {
    /// The page, from the root of the repository.
    pub(crate) page: &'static str,
    /// What its mark says.
    pub(crate) name: &'static str,
    text: fn() -> String,
}

/// All of them.
pub(crate) const TABLES: [Table; 2] = [
    Table {
        page: "docs/native.md",
        name: "routes",
        text: routes,
    },
    Table {
        page: "docs/operations.md",
        name: "for operators alone",
        text: operators,
    },
];

impl Table {
    /// The page with the table as it is today.
    ///
    /// # Errors
    /// The page has no place for it.
    pub(crate) fn written_into(&self, page: &str) -> Result<String> {
        replaced(page, self.name, &(self.text)()).context(self.page)
    }
}

/// Writes every table into its page.
pub(crate) fn run(workspace: &Workspace) -> Result<Tally> {
    for table in &TABLES {
        let file = workspace.root.join(table.page);
        let page = fs::read_to_string(&file).context(table.page)?;
        fs::write(&file, table.written_into(&page)?).context(table.page)?;
    }
    Ok(Tally::ONE)
}

fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let mut text = line(&head.map(str::to_owned));
    text.push_str(&format!("|{}\n", "---|".repeat(N)));
    text.extend(rows.into_iter().map(|cells| line(&cells)));
    text
}

fn code(text: impl std::fmt::Display) -> String {
    format!("`{text}`")
}

fn codes<T: std::fmt::Display>(texts: impl IntoIterator<Item = T>) -> String {
    let texts: Vec<String> = texts.into_iter().map(code).collect();
    texts.join(", ")
}

fn request(facts: &Facts) -> String {
    format!("`{} {BASE}{}`", facts.method.as_str(), facts.path)
}

fn routes() -> String {
    let head = ["request", "what it does", "right"];
    table(head, ALL.iter().map(|row| route(*row)))
}

fn route(row: &dyn Row) -> [String; 3] {
    let facts = row.facts();
    let parameters = row.parameters();
    let mut request = request(facts);
    if !parameters.is_empty() {
        let names = codes(parameters.iter().map(|parameter| parameter.name));
        request.push_str(&format!(" ({names})"));
    }
    [
        request,
        facts.summary.trim_end_matches('.').to_owned(),
        rights(row),
    ]
}

fn rights(row: &dyn Row) -> String {
    let needed = row.rights().iter().map(|(right, place)| of(*right, *place));
    let needed: Vec<String> = needed.collect();
    let mut text = needed.join(" and ");
    for one in row.facts().depends {
        let right = of(one.right, one.place);
        text.push_str(&format!("; if {}, {right}", one.when));
    }
    text
}

fn of(right: Right, place: Place) -> String {
    let whom = match place {
        Place::Organization => "",
        Place::Installation => " of an operator",
    };
    format!("{}{whom}", code(Scope::of(right)))
}

/// The requests that need a right over the installation as a whole.
fn operators() -> String {
    let rows = ALL.iter().flat_map(|row| {
        let facts = row.facts();
        let always = row.rights().iter();
        let always = always.map(|(right, place)| (request(facts), *right, *place));
        let depends = facts.depends.iter().map(|one| {
            let when = format!("{}, if {}", request(facts), one.when);
            (when, one.right, one.place)
        });
        always.chain(depends).collect::<Vec<_>>()
    });
    let rows = rows.filter(|(_, _, place)| *place == Place::Installation);
    // It is no operation of `/v1`.
    let metrics = Right::read(Resource::Metrics);
    let metrics = (code("GET /metrics"), metrics, Place::Installation);
    let rows = rows.chain([metrics]);
    let rows = rows.map(|(request, right, _)| [request, code(Scope::of(right))]);
    let head = ["request", "for which the installation's right is needed"];
    table(head, rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_row_for_every_operation() {
        assert_eq!(routes().lines().count(), 2 + ALL.len());
        let cells = |line: &str| line.matches(" | ").count();
        for text in [routes(), operators()] {
            let columns = text.lines().next().map(cells);
            assert!(
                text.lines()
                    .skip(2)
                    .all(|line| Some(cells(line)) == columns),
                "{text}"
            );
        }
    }

    #[test]
    fn a_row_says_what_is_needed_and_for_which_requests() {
        let routes = routes();
        let of = |request: &str| {
            let begin = format!("| `{request}`");
            let line = routes.lines().find(|line| line.starts_with(&begin));
            line.unwrap_or_else(|| panic!("no {request}: {routes}"))
        };
        let list = of("GET /v1/tokens");
        assert!(list.contains("(`operators`, `limit`, `cursor`)"), "{list}");
        assert!(
            list.contains("`tokens:read`; if `operators` is true, `tokens:read` of an operator"),
            "{list}"
        );
        let show = of("GET /v1/tokens/{token}");
        assert!(show.ends_with("| `tokens:read` |"), "{show}");
        let seats = of("GET /v1/accounts/{account}/seats");
        assert!(
            seats.contains("`seats:read` and `accounts:read`"),
            "{seats}"
        );
    }
}
