//! The table of operations: what must hold for every row, and that its examples are what its types say.

use std::collections::{BTreeMap, BTreeSet};

use lictor_api::operations::ALL;
use lictor_api::problems::{self, Of};
use lictor_api::row::{Facts, Header, Met, Method, Row};
use serde_json::Value;

fn facts() -> impl Iterator<Item = &'static Facts> {
    ALL.iter().map(|row| row.facts())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn variables(path: &str) -> Vec<&str> {
    let parts = path.split('/');
    parts
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}

#[test]
fn no_two_rows_have_one_id_one_place_or_one_command() {
    let (mut ids, mut places, mut commands) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for facts in facts() {
        assert!(ids.insert(facts.id), "{}", facts.id);
        let place = (facts.method, facts.path);
        assert!(places.insert(place), "{place:?}");
        if let Met::At(names) = facts.command {
            names
                .iter()
                .for_each(|name| assert!(commands.insert(name), "{name}"));
        }
    }
}

#[test]
fn every_row_says_what_it_does_and_where_people_meet_it() {
    for row in ALL {
        let facts = row.facts();
        let name = facts.id;
        assert!(
            facts.path.starts_with('/') && !facts.path.ends_with('/'),
            "{name}"
        );
        assert!(facts.summary.ends_with('.'), "{name}");
        assert!(
            !facts.summary.trim_end_matches('.').contains(". "),
            "{name}: one sentence"
        );
        assert!(
            facts.details.is_empty() || facts.details.ends_with('.'),
            "{name}"
        );
        for met in [facts.command, facts.page] {
            let said = match met {
                Met::At(places) => !places.is_empty() && places.iter().all(|one| !one.is_empty()),
                Met::Nowhere(reason) => !reason.is_empty(),
            };
            assert!(said, "{name}");
        }
        assert!(!row.rights().is_empty(), "{name}");
        let mut letters = name.chars();
        assert!(
            letters
                .next()
                .is_some_and(|first| first.is_ascii_lowercase()),
            "{name}"
        );
        assert!(
            letters.all(|letter| letter.is_ascii_alphanumeric()),
            "{name}"
        );
    }
}

#[test]
fn every_variable_of_a_path_is_described_in_its_order() {
    for facts in facts() {
        let described: Vec<&str> = facts.variables.iter().map(|one| one.name).collect();
        assert_eq!(variables(facts.path), described, "{}", facts.id);
        for variable in facts.variables {
            assert!(variable.about.ends_with('.') && !variable.example.is_empty());
        }
    }
}

#[test]
fn a_row_names_problems_that_there_are_and_that_are_not_common() {
    let mut named = BTreeSet::new();
    for facts in facts() {
        for name in facts.problems {
            let kind = problems::named(name).unwrap_or_else(|| panic!("{}: {name}", facts.id));
            assert_eq!(kind.of, Of::Named, "{}: {name}", facts.id);
            named.insert(*name);
        }
    }
    let all = problems::KINDS.iter().filter(|kind| kind.of == Of::Named);
    assert_eq!(named, all.map(|kind| kind.name).collect());
}

#[test]
fn a_location_is_the_path_of_a_row_and_its_member_is_answered() {
    for facts in facts() {
        for header in facts.headers {
            let Header::Location { path, member } = header else {
                continue;
            };
            assert!(ALL.iter().any(|row| row.facts().path == *path), "{path}");
            let known: BTreeSet<&str> = variables(facts.path).into_iter().collect();
            let unknown = variables(path)
                .into_iter()
                .filter(|one| !known.contains(one));
            assert!(unknown.count() <= 1, "{}", facts.id);
            let answer = json(facts.example.answer.expect("an example"));
            assert!(answer[member].is_string(), "{}: {member}", facts.id);
        }
    }
}

#[test]
fn headers_fit_the_method() {
    for facts in facts() {
        let has = |header: Header| facts.headers.contains(&header);
        let name = facts.id;
        assert!(
            !has(Header::IdempotencyKey) || facts.method == Method::Post,
            "{name}"
        );
        assert!(
            !has(Header::IfMatch) || facts.method != Method::Post,
            "{name}"
        );
        let takes_none_match = matches!(facts.method, Method::Get | Method::Put);
        assert!(!has(Header::IfNoneMatch) || takes_none_match, "{name}");
    }
}

/// The status of the answer that the example shows.
fn shown(row: &dyn Row) -> u16 {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    let outcomes = row.outcomes(&mut settings.into_generator());
    let first = outcomes.first().expect("an answer").status;
    row.facts().example.status.unwrap_or(first)
}

#[test]
fn examples_are_what_the_types_say() {
    for row in ALL {
        let (facts, name) = (row.facts(), row.facts().id);
        let example = &facts.example;
        let settings = schemars::generate::SchemaSettings::draft2020_12();
        let has_body = row.body(&mut settings.into_generator()).is_some();
        assert_eq!(example.body.is_some(), has_body, "{name}");
        if let Some(body) = example.body {
            let again = row
                .body_again(body)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            let again = again.expect("a body");
            assert_eq!(json(&again), json(body), "{name}");
        }
        if let Some(query) = example.query {
            row.takes_query(query)
                .unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
        let Some(answer) = example.answer else {
            continue;
        };
        let again = row.answer_again(shown(*row), answer.as_bytes());
        let again = again.unwrap_or_else(|error| panic!("{name}: {error}"));
        let again = String::from_utf8(again).expect("JSON is UTF-8");
        assert_eq!(json(&again), json(answer), "{name}");
    }
}

#[test]
fn a_sample_is_what_its_operation_takes() {
    for row in ALL {
        let name = row.facts().id;
        for depends in row.facts().depends {
            let (query, body) = (depends.sample.query, depends.sample.body);
            assert!(query.is_some() || body.is_some(), "{name}");
            let taken = query.map(|query| row.takes_query(query));
            assert!(taken.is_none_or(|taken| taken.is_ok()), "{name}");
            let taken = body.map(|body| row.body_again(body));
            assert!(taken.is_none_or(|taken| taken.is_ok()), "{name}");
        }
    }
}

#[test]
fn what_is_answered_has_an_example_unless_it_is_bytes_or_nothing() {
    let none = ALL
        .iter()
        .filter(|row| row.facts().example.answer.is_none());
    let none: BTreeMap<&str, Method> = none
        .map(|row| (row.facts().id, row.facts().method))
        .collect();
    for (name, method) in none {
        let is_bytes = ["copyDatabase", "showControlPlaneKey"].contains(&name);
        let is_nothing = method == Method::Delete || name == "releaseLease";
        assert!(is_bytes || is_nothing, "{name}");
    }
}

#[test]
fn an_unknown_member_is_refused_by_its_name() {
    for row in ALL {
        let Some(body) = row.facts().example.body else {
            continue;
        };
        let mut body = json(body);
        body["unheard_of"] = 1.into();
        let refused = row.body_again(&body.to_string()).expect_err("refused");
        assert!(
            refused.to_string().contains("unheard_of"),
            "{}: {refused}",
            row.facts().id
        );
    }
}

#[test]
fn an_answer_with_a_member_that_is_not_known_is_read() {
    for row in ALL {
        let Some(answer) = row.facts().example.answer else {
            continue;
        };
        let mut answer = json(answer);
        answer["unheard_of"] = 1.into();
        let read = row.answer_again(shown(*row), answer.to_string().as_bytes());
        assert!(read.is_ok(), "{}", row.facts().id);
    }
}

#[test]
fn an_array_is_no_body_and_nothing_is_an_empty_object() {
    for row in ALL.iter().filter(|row| row.facts().example.body.is_some()) {
        assert!(row.body_again("[]").is_err(), "{}", row.facts().id);
    }
    let retire = &lictor_api::operations::RETIRE_KEY as &dyn Row;
    assert_eq!(
        retire.body_again("").expect("a body").as_deref(),
        Some("{}")
    );
}

#[test]
fn a_path_is_filled_with_as_many_names_as_it_has_variables() {
    let facts = lictor_api::operations::RELEASE_SEAT.facts();
    let filled = facts.segments(&["konnect", "a/b"]);
    assert_eq!(
        filled,
        Some(vec!["applications", "konnect", "seats", "a/b"])
    );
    assert_eq!(facts.segments(&["konnect"]), None);
    assert_eq!(facts.segments(&["konnect", "a", "b"]), None);
}
