//! How a vector file is laid out: one member to a line, in the order in which it is read.

use std::fmt::Write as _;

use serde_json::Value;

/// A JSON object that keeps the order of its members.
pub(crate) struct Object(Vec<(&'static str, Value)>);

impl Object {
    pub(crate) fn new<const N: usize>(members: [(&'static str, Value); N]) -> Self {
        Self(members.into())
    }
}

/// The text of a file: what stands at its head, then its lists, each value on a line of its own.
pub(crate) fn render(head: &[(&str, Value)], lists: &[(&str, Vec<Object>)]) -> String {
    let mut text = "{\n".to_owned();
    for (name, value) in head {
        let _ = writeln!(text, "  \"{name}\": {},", indented(value));
    }
    for (at, (name, objects)) in lists.iter().enumerate() {
        let blocks: Vec<String> = objects.iter().map(block).collect();
        let comma = if at + 1 < lists.len() { "," } else { "" };
        let _ = writeln!(text, "  \"{name}\": [\n{}\n  ]{comma}", blocks.join(",\n"));
    }
    text.push_str("}\n");
    text
}

fn indented(value: &Value) -> String {
    serde_json::to_string_pretty(value)
        .expect("a value has a text")
        .replace('\n', "\n  ")
}

fn block(Object(members): &Object) -> String {
    let lines: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("      \"{name}\": {value}"))
        .collect();
    format!("    {{\n{}\n    }}", lines.join(",\n"))
}
