//! The vectors in `vectors/`: that the files say what the tables here say, and that the rules
//! agree with the files. `LICTOR_VECTORS=write` writes the files anew.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod bad;
mod careless;
mod claims;
mod forgeries;
mod format;
mod good;
mod in_force;
mod keys;
mod scenarios;
mod shapes;

use serde_json::{Value, json};

/// Compares a file with what it should hold, or writes it; returns what the file says.
fn file(name: &str, expected: &str) -> Value {
    let path = format!("{}/vectors/{name}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("LICTOR_VECTORS").is_some_and(|wish| wish == "write") {
        std::fs::write(&path, expected).expect("the file can be written");
    }
    let text = std::fs::read_to_string(&path).expect("the file can be read");
    assert!(
        text == expected,
        "{name} is not what the tables say; LICTOR_VECTORS=write cargo test -p lictor-core --test vectors"
    );
    serde_json::from_str(&text).expect("the file is JSON")
}

/// What stands at the head of every file.
fn head(about: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("about", json!(about)),
        ("organization", json!(keys::ORGANIZATION)),
        ("keys", Value::Array(keys::to_values())),
    ]
}

fn organization(file: &Value) -> uuid::Uuid {
    text(file, "organization").parse().expect("a UUID")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().expect("a text")
}

fn list<'a>(value: &'a Value, member: &str) -> &'a [Value] {
    value[member].as_array().expect("a list")
}
