//! Where an answer says something else than an older one did. It may say more.

use serde_json::Value;

/// Notes what of `told` is another in `found`, as `PLACE: OLD -> NEW`.
pub(crate) fn differences(told: &Value, found: &Value, place: &str, into: &mut Vec<String>) {
    match (told, found) {
        (Value::Object(told), Value::Object(found)) => {
            for (name, told) in told {
                let found = found.get(name).unwrap_or(&Value::Null);
                differences(told, found, &format!("{place} {name}"), into);
            }
        }
        (Value::Array(told), Value::Array(found)) => {
            let told: Vec<&Value> = told.iter().collect();
            let found: Vec<&Value> = found.iter().filter(|it| !is_empty_month(it)).collect();
            if told.len() == found.len() {
                for (number, (told, found)) in told.iter().zip(found).enumerate() {
                    differences(told, found, &format!("{place} {number}"), into);
                }
            } else {
                into.push(format!("{place}: {} items -> {}", told.len(), found.len()));
            }
        }
        (told, found) if told == found => {}
        (told, found) => into.push(format!("{place}: {told} -> {found}")),
    }
}

/// Reports show the month that it is, also where nothing was counted in it yet.
fn is_empty_month(item: &Value) -> bool {
    let months = [("month", "count"), ("bucket", "request_count")];
    months
        .iter()
        .any(|(month, count)| item[month].is_string() && item[count] == 0)
}
