//! The schemas of a document: those of what is sent, and those of what is answered.

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::problems::Problem;
use crate::row::Row;
use crate::values::KNOWN_WORDS;

/// Two generators, one for each contract.
pub(super) struct Schemas {
    pub(super) sent: SchemaGenerator,
    pub(super) answered: SchemaGenerator,
}

impl Default for Schemas {
    fn default() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = "/components/schemas".into();
                settings.meta_schema = None;
            })
        };
        Self {
            sent: settings().for_deserialize().into_generator(),
            answered: settings().for_serialize().into_generator(),
        }
    }
}

impl Schemas {
    /// The schema of what an operation takes; none: it has no body.
    pub(super) fn of_body(&mut self, row: &dyn Row) -> Option<Value> {
        row.body(&mut self.sent).map(schemars::Schema::to_value)
    }

    /// Adds the schema of problems.
    pub(super) fn add_problem(&mut self) {
        self.answered.subschema_for::<Problem>();
    }

    /// The schema that a reference of what is sent leads to.
    pub(super) fn resolved<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let name = schema["$ref"]
            .as_str()
            .and_then(|text| text.rsplit('/').next());
        let found = name.and_then(|name| self.sent.definitions().get(name));
        found.unwrap_or(schema)
    }

    /// All of them by name.
    pub(super) fn all(mut self) -> Map<String, Value> {
        let mut all = self.answered.take_definitions(true);
        for (name, schema) in self.sent.take_definitions(true) {
            match all.get(&name) {
                // One name means one schema: whoever reads the document finds the clash.
                Some(other) if *other != schema => {
                    all.insert(format!("{name} is two schemas"), json!(false));
                }
                Some(_) | None => {
                    all.insert(name, schema);
                }
            }
        }
        all.values_mut().for_each(tell_words);
        all
    }
}

/// Says to people which words are known, each description in one line.
pub(super) fn tell_words(schema: &mut Value) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(tell_words),
        Value::Object(members) => {
            members.values_mut().for_each(tell_words);
            if let Some(Value::String(about)) = members.get_mut("description") {
                *about = about.replace('\n', " ");
            }
            let words = members.get(KNOWN_WORDS).and_then(Value::as_array);
            let Some(words) = words else { return };
            let words = words.iter().filter_map(Value::as_str);
            let words: Vec<String> = words.map(|word| format!("`{word}`")).collect();
            let known = format!("Known so far: {}.", words.join(", "));
            let about = members.get("description").and_then(Value::as_str);
            let about = about.map_or(known.clone(), |about| format!("{about} {known}"));
            members.insert("description".to_owned(), about.into());
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
