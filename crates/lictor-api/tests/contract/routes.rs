//! The table of operations beside the router's own, until the router is made from it.

use std::collections::BTreeSet;

use lictor_api::operations::ALL;

/// What the table has, and the router has yet to take from it.
const SPLIT: [(&str, &str); 2] = [
    ("GET", "/applications/{}/leases/ended"),
    ("GET", "/refusals/by-hour"),
];

/// A path whose variables have no names.
fn unnamed(path: &str) -> String {
    let parts = path.split('/').map(|part| match part.starts_with('{') {
        true => "{}",
        false => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn every_route_of_the_router_has_a_row_and_every_row_a_route() {
    let router = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../lictor-server/src/dialects/native/mod.rs"
    );
    let source = std::fs::read_to_string(router).expect("the router");
    let table = source.split_once("    vec![").expect("its table").1;
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
    let split = SPLIT.map(|(method, path)| (method.to_owned(), path.to_owned()));
    let rows = ALL.iter().map(|row| row.facts());
    let rows = rows.map(|facts| (facts.method.as_str().to_owned(), unnamed(facts.path)));
    let rows: BTreeSet<_> = rows.filter(|row| !split.contains(row)).collect();
    assert_eq!(rows, routed);
    assert_eq!(rows.len() + split.len(), ALL.len());
}
