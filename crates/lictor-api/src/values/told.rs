//! What is not told to everybody: who may only write gets back what was sent and what the write made.

use std::borrow::Cow;
use std::collections::BTreeSet;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A member that is left out for whoever may not read it. Use it with `#[serde(default, skip_serializing_if =
/// "Told::is_untold")]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Told<T> {
    /// It is left out.
    #[default]
    Untold,
    /// It is there.
    Told(T),
}

impl<T> Told<T> {
    /// The value, if it is told.
    pub fn if_told(told: bool, value: T) -> Self {
        match told {
            true => Self::Told(value),
            false => Self::Untold,
        }
    }

    /// Whether it is left out.
    pub fn is_untold(&self) -> bool {
        matches!(self, Self::Untold)
    }

    /// The value, if it is told.
    pub fn as_option(&self) -> Option<&T> {
        match self {
            Self::Untold => None,
            Self::Told(value) => Some(value),
        }
    }
}

impl<T> From<T> for Told<T> {
    fn from(value: T) -> Self {
        Self::Told(value)
    }
}

impl<T: Serialize> Serialize for Told<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_option().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Told<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::Told)
    }
}

impl<T: JsonSchema> JsonSchema for Told<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn schema_id() -> Cow<'static, str> {
        T::schema_id()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// The answer to a write: the object, or for whoever may not read it a `Part`, which has some of its members. It
/// is described as one object, in which only what both have is required.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Written<Whole, Part> {
    /// All of it.
    Whole(Whole),
    /// What was sent, and what the write made.
    Part(Part),
}

impl<Whole, Part> Written<Whole, Part> {
    /// All of it, if it is told.
    pub fn whole(&self) -> Option<&Whole> {
        match self {
            Self::Whole(whole) => Some(whole),
            Self::Part(_) => None,
        }
    }
}

fn required(schema: &Schema) -> BTreeSet<String> {
    let names = schema.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    names.map(str::to_owned).collect()
}

impl<Whole: JsonSchema, Part: JsonSchema> JsonSchema for Written<Whole, Part> {
    fn schema_name() -> Cow<'static, str> {
        format!("Written{}", Whole::schema_name()).into()
    }

    fn schema_id() -> Cow<'static, str> {
        format!("{} or {}", Whole::schema_id(), Part::schema_id()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Whole::json_schema(generator);
        let part = required(&Part::json_schema(generator));
        let both: Vec<String> = required(&schema).intersection(&part).cloned().collect();
        match both.is_empty() {
            true => schema.remove("required"),
            false => schema.insert("required".to_owned(), both.into()),
        };
        let about = schema.get("description").and_then(Value::as_str);
        let about = format!(
            "{} Whoever may not read it gets the members that were sent and those that the write made.",
            about.unwrap_or_default()
        );
        schema.insert("description".to_owned(), about.into());
        schema
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Made {
        id: u8,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
    struct Thing {
        id: u8,
        used: u8,
        #[serde(default, skip_serializing_if = "Told::is_untold")]
        limit: Told<Option<u8>>,
    }

    #[test]
    fn null_is_told_and_what_is_left_out_is_not() {
        let read = |value| serde_json::from_value::<Thing>(value).expect("a thing");
        let (told, untold) = (
            json!({ "id": 1, "used": 2, "limit": null }),
            json!({ "id": 1, "used": 2 }),
        );
        assert_eq!(read(told.clone()).limit, Told::Told(None));
        assert_eq!(read(untold.clone()).limit, Told::Untold);
        for value in [told, untold] {
            assert_eq!(
                serde_json::to_value(read(value.clone())).expect("JSON"),
                value
            );
        }
    }

    #[test]
    fn a_written_object_is_described_as_one_in_which_both_forms_fit() {
        let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
        let mut generator = settings.into_generator();
        let schema = Written::<Thing, Made>::json_schema(&mut generator);
        assert_eq!(schema.get("required"), Some(&json!(["id"])));
        let names = schema.get("properties").and_then(Value::as_object);
        let names: Vec<&String> = names.expect("members").keys().collect();
        assert_eq!(names, ["id", "limit", "used"]);
        let read: Written<Thing, Made> =
            serde_json::from_value(json!({ "id": 3 })).expect("a part");
        assert_eq!(read, Written::Part(Made { id: 3 }));
    }
}
