//! Who may do what, as `docs/operations.md` says it.

use lictor_core::facts::right::{Action, Resource, Right};
use lictor_core::facts::role::Role;

const PAGE: &str = include_str!("../../../docs/operations.md");

/// A row of the page's table.
fn row(resource: Resource) -> String {
    let actions = |role: Role| {
        let right = |action: &&Action| {
            let action = **action;
            role.includes(Right { resource, action })
        };
        let actions: Vec<_> = Action::ALL.iter().filter(right).collect();
        match actions.as_slice() {
            [] => "—".to_owned(),
            actions => {
                let words: Vec<_> = actions.iter().map(|action| action.as_str()).collect();
                words.join(", ")
            }
        }
    };
    let [reader, admin, operator] = [Role::Reader, Role::Admin, Role::Operator].map(actions);
    let resource = resource.as_str();
    format!("| `{resource}` | {reader} | {admin} | {operator} |")
}

#[test]
fn the_page_says_who_may_do_what() {
    let head = "| resource | `reader` | `admin` | `operator` |";
    let (_, table) = PAGE.split_once(head).expect("the table");
    let rows = table.lines().skip(2);
    let shown: Vec<_> = rows.take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<_> = Resource::ALL
        .iter()
        .map(|resource| row(*resource))
        .collect();
    assert_eq!(shown, expected);
}
