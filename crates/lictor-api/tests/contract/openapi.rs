//! The OpenAPI document: what is described of requests, answers and problems.

use std::collections::{BTreeMap, BTreeSet};

use lictor_api::openapi as described;
use serde_json::Value;

fn document() -> Value {
    serde_json::from_str(described::document()).expect("JSON")
}

/// Every schema of the document that is a member of another, with the way to it.
fn walk(value: &Value, way: &str, visit: &mut impl FnMut(&str, &Value)) {
    visit(way, value);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                walk(member, &format!("{way}/{name}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{way}/{index}"), visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn schemas_below<'d>(document: &'d Value, from: &Value) -> BTreeSet<&'d str> {
    let all = document["components"]["schemas"]
        .as_object()
        .expect("schemas");
    let (mut found, mut next) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(value) = next.pop() {
        walk(&value, "", &mut |_, value| {
            let name = value["$ref"]
                .as_str()
                .and_then(|text| text.strip_prefix("#/components/schemas/"));
            let Some((name, schema)) = name.and_then(|name| all.get_key_value(name)) else {
                return;
            };
            if found.insert(name.as_str()) {
                next.push(schema.clone());
            }
        });
    }
    found
}

/// The names of the schemas of what is sent, and of what is answered.
fn sides(document: &Value) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut sent, mut answered) = (BTreeSet::new(), BTreeSet::new());
    let paths = document["paths"].as_object().expect("paths");
    for operation in paths
        .values()
        .flat_map(|path| path.as_object().expect("operations").values())
    {
        sent.extend(schemas_below(document, &operation["requestBody"]));
        answered.extend(schemas_below(document, &operation["responses"]));
    }
    (sent, answered)
}

#[test]
fn every_reference_leads_somewhere_and_every_schema_is_used() {
    let document = document();
    walk(&document, "", &mut |way, value| {
        let Some(reference) = value["$ref"].as_str() else {
            return;
        };
        let found = document.pointer(reference.trim_start_matches('#'));
        assert!(found.is_some(), "{way}: {reference}");
    });
    let (sent, answered) = sides(&document);
    let all = document["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys();
    let unused: Vec<&String> = all
        .filter(|name| !sent.contains(name.as_str()) && !answered.contains(name.as_str()))
        .collect();
    assert!(unused.is_empty(), "{unused:?}");
}

#[test]
fn no_schema_is_of_both_what_is_sent_and_what_is_answered() {
    let document = document();
    let (sent, answered) = sides(&document);
    let both: Vec<_> = sent.intersection(&answered).collect();
    assert!(both.is_empty(), "{both:?}");
    let two = document["components"]["schemas"]
        .as_object()
        .expect("schemas")
        .keys();
    let two: Vec<_> = two.filter(|name| name.contains(' ')).collect();
    assert!(two.is_empty(), "{two:?}");
}

#[test]
fn requests_are_closed_and_answers_are_open() {
    let document = document();
    let (sent, answered) = sides(&document);
    for name in sent {
        let schema = &document["components"]["schemas"][name];
        assert_eq!(schema["additionalProperties"], false, "{name}");
        assert!(!name.starts_with("New"), "{name}");
    }
    for name in answered {
        walk(
            &document["components"]["schemas"][name],
            name,
            &mut |way, value| {
                assert_ne!(value["additionalProperties"], false, "{way}");
                // A member may have one of these names.
                let is_members = way.ends_with("/properties");
                for closing in ["enum", "const", "oneOf", "unevaluatedProperties"] {
                    assert!(
                        is_members || value.get(closing).is_none(),
                        "{way}: {closing}"
                    );
                }
            },
        );
    }
}

#[test]
fn every_member_is_described() {
    let document = document();
    let mut bare = Vec::new();
    walk(&document["components"]["schemas"], "", &mut |way, value| {
        let Some(members) = value["properties"]
            .as_object()
            .filter(|_| !way.ends_with("/properties"))
        else {
            return;
        };
        for (name, member) in members {
            let about = member["description"].as_str().unwrap_or_default();
            if !about.ends_with('.') {
                bare.push(format!("{way}.{name}: {member}"));
            }
        }
        if !value["description"]
            .as_str()
            .unwrap_or_default()
            .ends_with('.')
        {
            bare.push(way.to_owned());
        }
    });
    assert!(bare.is_empty(), "{bare:#?}");
}

#[test]
fn a_span_has_its_unit_in_its_name() {
    let document = document();
    let old = [
        "ttl",
        "age",
        "grace",
        "retry_after",
        "stale_after",
        "expires_after",
        "forget_after",
    ];
    let mut spans = BTreeSet::new();
    walk(&document["components"]["schemas"], "", &mut |way, value| {
        for (name, member) in value["properties"].as_object().into_iter().flatten() {
            assert!(!old.contains(&name.as_str()), "{way}.{name}");
            let about = member["description"].as_str().unwrap_or_default();
            let is_number = member["type"].to_string().contains("integer");
            if is_number && about.contains("seconds") {
                assert!(name.ends_with("_seconds"), "{way}.{name}: {about}");
                spans.insert(name.clone());
            }
        }
    });
    let known = [
        "age_seconds",
        "expires_after_seconds",
        "forget_after_seconds",
        "grace_seconds",
        "retry_after_seconds",
        "stale_after_seconds",
        "ttl_seconds",
    ];
    assert_eq!(spans, known.map(str::to_owned).into());
}

/// What may have another type elsewhere: words of standards and signed formats, and what is told apart by whether it
/// is sent or answered.
const SEVERAL_TYPES: [&str; 10] = [
    "account", "counts", "data", "epoch", "from", "rows", "seats", "status", "total", "type",
];

/// The type of a member, whether it can be `null` or not.
fn type_of(member: &Value) -> String {
    let known = match (&member["$ref"], &member["anyOf"]) {
        (Value::String(name), _) => name.clone(),
        (_, Value::Array(either)) => type_of(&either[0]),
        _ => member["type"].to_string(),
    };
    let plain = known.replace("[\"", "").replace(",\"null\"]", "");
    let (items, format) = (&member["items"], member["format"].as_str());
    let format = format
        .filter(|format| !format.contains("int"))
        .unwrap_or_default();
    match items.is_null() {
        true => format!("{} {format}", plain.replace('"', "")),
        false => format!("a list of {}", type_of(items)),
    }
}

#[test]
fn a_member_has_one_type_wherever_it_stands() {
    let document = document();
    let mut types: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    walk(&document["components"]["schemas"], "", &mut |_, value| {
        for (name, member) in value["properties"].as_object().into_iter().flatten() {
            let type_of = type_of(member);
            types.entry(name.clone()).or_default().insert(type_of);
        }
    });
    let several = types.iter().filter(|(_, types)| types.len() > 1);
    let several: Vec<&str> = several.map(|(name, _)| name.as_str()).collect();
    assert_eq!(several, SEVERAL_TYPES, "{types:#?}");
}
