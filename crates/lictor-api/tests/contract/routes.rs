//! The table of operations beside the router's own, until the router is made from it.

use std::collections::BTreeSet;

use lictor_api::operations::ALL;

/// A path whose variables have no names.
fn unnamed(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "{}",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

/// The id of the row with this name: `LIST_SEATS` is `listSeats`.
fn id_of(name: &str) -> String {
    let mut words = name.split('_').map(str::to_lowercase);
    let first = words.next().unwrap_or_default();
    let capital = |word: String| {
        let (head, tail) = word.split_at(1);
        head.to_uppercase() + tail
    };
    first + &words.map(capital).collect::<String>()
}

/// The ids of the rows that the router is made from already.
fn served(source: &str) -> BTreeSet<String> {
    let names = source.split("&operations::").skip(1);
    let names = names.map(|rest| rest.split(',').next().unwrap_or_default());
    names.map(id_of).collect()
}

#[test]
fn every_route_of_the_router_has_a_row_and_every_row_a_route() {
    let router = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../lictor-server/src/dialects/native/mod.rs"
    );
    let source = std::fs::read_to_string(router).expect("the router");
    let table = source.rsplit_once("    vec![").expect("its table").1;
    let mut routed = BTreeSet::new();
    for entry in table.split("\"/").skip(1) {
        let (path, methods) = entry.split_once('"').expect("a path");
        for method in ["get", "post", "put", "patch", "delete"] {
            let is_there = [" ", "."].iter().any(|before| {
                let call = format!("{before}{method}(");
                methods.replace('\n', " ").contains(&call)
            });
            if is_there {
                routed.insert((method.to_uppercase(), unnamed(&format!("/{path}"))));
            }
        }
    }
    let served = served(&source);
    let is_served = |id: &str| served.contains(id);
    let rows = ALL.iter().map(|row| row.facts());
    let rows = rows.filter(|facts| !is_served(facts.id));
    let rows = rows.map(|facts| (facts.method.as_str().to_owned(), unnamed(facts.path)));
    let rows: BTreeSet<_> = rows.collect();
    assert_eq!(rows, routed);
    assert_eq!(rows.len() + served.len(), ALL.len());
}
