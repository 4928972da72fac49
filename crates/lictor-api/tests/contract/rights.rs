//! Which requests need a right over the installation as a whole, as `docs/operations.md` says it.

use lictor_api::operations::ALL;
use lictor_api::permits::Place;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::facts::scope::Scope;

const PAGE: &str = include_str!("../../../../docs/operations.md");

#[test]
fn the_page_lists_what_is_for_operators_alone() {
    let head = "| request | for which the installation's right is needed |";
    let (_, table) = PAGE.split_once(head).expect("the table");
    let rows = table.lines().skip(2);
    let listed: Vec<_> = rows.take_while(|line| line.starts_with('|')).collect();
    let mut expected = Vec::new();
    let mut expect = |request: &str, when: Option<&str>, right: Right, place: Place| {
        if place == Place::Installation {
            let when = when.map_or_else(String::new, |when| format!(", if {when}"));
            expected.push(format!("| `{request}`{when} | `{}` |", Scope::of(right)));
        }
    };
    for row in ALL {
        let facts = row.facts();
        let request = format!("{} /v1{}", facts.method.as_str(), facts.path);
        for (right, place) in row.rights() {
            expect(&request, None, *right, *place);
        }
        for one in facts.depends {
            expect(&request, Some(one.when), one.right, one.place);
        }
    }
    // It is no operation of `/v1`.
    let metrics = Right::read(Resource::Metrics);
    expect("GET /metrics", None, metrics, Place::Installation);
    assert_eq!(listed, expected);
}
