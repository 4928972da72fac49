//! Lists and their pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::encodings::escape;
use crate::expect::{Kong as _, check};
use crate::harness::Harness;

fn id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

fn filled(count: usize) -> Harness {
    let server = Harness::start();
    // Not in the order of their ids.
    for number in (0..count).rev() {
        server.put(&id(number), &server.document(&format!("K{number}")));
    }
    server
}

fn ids(page: &Value) -> Vec<String> {
    let all = page["data"].as_array().expect("a list").iter();
    all.map(|license| license["id"].as_str().expect("an id").to_owned())
        .collect()
}

/// Follows `next` from a first address to the end.
fn follow(server: &Harness, first: &str) -> Vec<Vec<String>> {
    let (mut address, mut pages) = (first.to_owned(), Vec::new());
    loop {
        let page = server.get(&address).json_of_kong();
        pages.push(ids(&page));
        match page["next"].as_str() {
            Some(next) => address = next.to_owned(),
            None => {
                assert_eq!(page["next"], Value::Null, "{page}");
                assert!(page.get("offset").is_none(), "{page}");
                return pages;
            }
        }
        assert!(pages.len() < 100, "no end");
    }
}

#[test]
fn an_empty_list_is_a_list() {
    let server = Harness::start();
    for path in [
        "/licenses",
        "/licenses/",
        "/licenses?size=1",
        "/licenses?size=1000&tags=a,b",
    ] {
        assert_eq!(
            server.get(path).text(),
            r#"{"data":[],"next":null}"#,
            "{path}"
        );
    }
}

#[test]
fn pages_are_ordered_and_whole_in_every_size() {
    let server = filled(6);
    let all: Vec<String> = (0..6).map(id).collect();
    for size in [1, 2, 3, 4, 5, 6, 7, 1000] {
        for first in [
            format!("/licenses?size={size}"),
            format!("/default/licenses/?tags=&size={size}"),
        ] {
            let pages = follow(&server, &first);
            assert_eq!(pages.concat(), all, "{first}");
            // Exactly full last pages are last pages.
            assert_eq!(pages.len(), 6_usize.div_ceil(size), "{first}");
        }
    }
    assert_eq!(follow(&server, "/licenses").len(), 1);
}

#[test]
fn a_hundred_is_the_default() {
    let server = filled(101);
    let lengths =
        |first: &str| -> Vec<usize> { follow(&server, first).iter().map(Vec::len).collect() };
    assert_eq!(lengths("/licenses"), [100, 1]);
    assert_eq!(lengths("/licenses?size=101"), [101]);
    assert_eq!(
        server
            .ask("DELETE", &format!("/licenses/{}", id(0)))
            .send()
            .status,
        204
    );
    assert_eq!(lengths("/licenses"), [100]);
}

#[test]
fn next_repeats_what_was_asked_and_the_prefix() {
    let server = filled(3);
    for (query, path, rest) in [
        ("/licenses?size=2", "/licenses", "&size=2"),
        ("/licenses/?size=2", "/licenses", "&size=2"),
        ("/licenses?tags=a&size=1", "/licenses", "&tags=a&size=1"),
        (
            "/licenses?size=1&tags=a%2Cb%20c",
            "/licenses",
            "&tags=a%2Cb+c&size=1",
        ),
        ("/licenses?other=1&size=2", "/licenses", "&size=2"),
        ("/default/licenses?size=2", "/default/licenses", "&size=2"),
    ] {
        let page = server.get(query).json_of_kong();
        let offset = page["offset"].as_str().expect("an offset");
        assert!(!offset.contains('='), "{offset} is padded");
        let expected = format!("{path}?offset={}{rest}", escape(offset));
        assert_eq!(page["next"], expected, "{query}");
    }
}

#[test]
fn clients_page_by_offset_or_by_next_and_repeat_their_size() {
    let server = filled(5);
    let first = server.get("/licenses?size=2").json_of_kong();
    let (offset, next) = (
        first["offset"].as_str().expect("one"),
        first["next"].as_str().expect("one"),
    );
    let expected = [id(2), id(3)];
    for address in [
        next.to_owned(),
        format!("{next}&size=2"),
        format!("/licenses?size=2&offset={offset}"),
        format!("/licenses/?offset={offset}&size=2&size=2&offset={offset}"),
        format!("/licenses?size=2&offset={}", escape(offset)),
        format!(
            "/licenses?size=2&offset={}",
            escape(&format!(
                "{offset}{}",
                "=".repeat((4 - offset.len() % 4) % 4)
            ))
        ),
    ] {
        assert_eq!(
            ids(&server.get(&address).json_of_kong()),
            expected,
            "{address}"
        );
    }
}

#[test]
fn sizes_out_of_range_are_refused() {
    let server = filled(2);
    let range = "size must be an integer between 1 and 1000";
    let number = "size must be a number";
    for (size, message) in [
        ("0", range),
        ("1001", range),
        ("-1", range),
        ("1.5", range),
        ("999999999999999999999999", range),
        ("x", number),
        ("", number),
        ("1x", number),
        ("0%20x", number),
        ("%FF", number),
        ("2&size=3", number),
    ] {
        for path in ["/licenses", "/default/licenses/", "/services"] {
            let reply = server.get(&format!("{path}?size={size}"));
            let expected = json!({"code": 9, "name": "invalid size", "message": message});
            check(&format!("{path} {size}"), &reply, 400, &expected);
        }
    }
    for size in ["1", "1000", "2.0", "1e2", "2&size=2"] {
        assert_eq!(
            server.get(&format!("/licenses?size={size}")).status,
            200,
            "{size}"
        );
    }
}

#[test]
fn offsets_that_are_none_are_refused() {
    let server = filled(3);
    let good = server.get("/licenses?size=1").json_of_kong()["offset"]
        .as_str()
        .expect("one")
        .to_owned();
    let base64 = "bad base64 encoding";
    let json = "bad json encoding";
    for (offset, shown, reason) in [
        ("x", "x", base64),
        ("%25%25", "%%", base64),
        ("a-b_", "a-b_", base64),
        ("%FF", "\u{fffd}", base64),
        ("", "", json),
        ("eA", "eA", json),
        // [], ["x"], {}, "x", 5, null
        ("W10", "W10", json),
        ("WyJ4Il0", "WyJ4Il0", json),
        ("e30", "e30", json),
        ("Ingi", "Ingi", json),
        ("NQ", "NQ", json),
        ("bnVsbA", "bnVsbA", json),
        ("WyJ4Iiwi", "WyJ4Iiwi", json),
        ("%2F%2F%2F%2F", "////", json),
    ] {
        let expected = json!({
            "code": 7,
            "name": "invalid offset",
            "message": format!("'{shown}' is not a valid offset: {reason}"),
        });
        let reply = server.get(&format!("/licenses?offset={offset}"));
        check(offset, &reply, 400, &expected);
    }
    let two = server.get(&format!("/licenses?offset={good}&offset=W10"));
    assert_eq!((two.status, &two.json_of_kong()["code"]), (400, &json!(7)));
    // The size is looked at first.
    assert_eq!(
        server.get("/licenses?offset=x&size=0").json_of_kong()["code"],
        9
    );
}

#[test]
fn pages_stay_right_while_rows_come_and_go() {
    let server = filled(0);
    for number in (0..40).step_by(2) {
        server.put(&id(number), &server.document("K"));
    }
    let (mut seen, mut address) = (Vec::new(), "/licenses?size=1".to_owned());
    loop {
        let page = server.get(&address).json_of_kong();
        let at = ids(&page);
        seen.extend(at.clone());
        let Some(next) = page["next"].as_str() else {
            break;
        };
        address = next.to_owned();
        // The row just read goes, one comes behind it, and one before the next.
        let number: usize = at[0][24..].parse().expect("a number");
        assert_eq!(
            server
                .ask("DELETE", &format!("/licenses/{}", at[0]))
                .send()
                .status,
            204
        );
        if number > 0 && number.is_multiple_of(2) {
            server.put(&id(number - 1), &server.document("K"));
        }
        if number.is_multiple_of(6) {
            server.put(&id(number + 1), &server.document("K"));
        }
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "one came twice");
    assert!(seen.is_sorted(), "{seen:?}");
    let there_all_along: Vec<String> = (0..40).step_by(2).map(id).collect();
    assert!(
        there_all_along.iter().all(|id| seen.contains(id)),
        "{seen:?}"
    );
}

#[test]
fn a_page_goes_on_behind_a_row_that_is_gone() {
    let server = filled(4);
    let page = server.get("/licenses?size=2").json_of_kong();
    let next = page["next"].as_str().expect("one").to_owned();
    for number in [0, 1, 2] {
        assert_eq!(
            server
                .ask("DELETE", &format!("/licenses/{}", id(number)))
                .send()
                .status,
            204
        );
    }
    assert_eq!(ids(&server.get(&next).json_of_kong()), [id(3)]);
    assert_eq!(
        server
            .ask("DELETE", &format!("/licenses/{}", id(3)))
            .send()
            .status,
        204
    );
    assert_eq!(server.get(&next).text(), r#"{"data":[],"next":null}"#);
}
