//! The names that members of the native API had when the older server answered, and those that they have now.

use serde_json::{Map, Value, json};

/// What was answered at this path, with the names of today.
pub(crate) fn of_today(path: &str, mut told: Value) -> Value {
    let members: &[(&str, &str)] = match path {
        "/v1/counts" | "/v1/census" => &[("applications", "data")],
        "/v1/report" => &[("users", "token_owners")],
        "/v1/usage" => &[("total", "total_requests")],
        "/v1/node-policy" => &[
            ("stale_after", "stale_after_seconds"),
            ("expires_after", "expires_after_seconds"),
            ("grace", "grace_seconds"),
        ],
        _ => &[],
    };
    rename(&mut told, members);
    if let ("/v1/census", Some(Value::Object(seats))) = (path, told.get("data")) {
        let row = |(key, seats): (&String, &Value)| json!({ "application": key, "seats": seats });
        told["data"] = seats.iter().map(row).collect();
    }
    let of_rows: &[(&str, &str)] = match path {
        "/v1/licenses" => &[("state", "status")],
        "/v1/applications" => &[("seat_limit", "limit")],
        "/v1/counts" => &[("accounts", "seats")],
        "/v1/refusals" => &[("position", "last_position")],
        "/v1/nodes" => &[("reason", "detail"), ("requests", "requests_this_month")],
        path if path.ends_with("/seats") => &[("given_by", "assigned_by")],
        _ => &[],
    };
    let rows = told.get_mut("data").and_then(Value::as_array_mut);
    for row in rows.into_iter().flatten() {
        rename(row, of_rows);
        if path == "/v1/licenses" && row["status"] == "in_force" {
            row["status"] = "in-force".into();
        }
    }
    told
}

fn rename(object: &mut Value, members: &[(&str, &str)]) {
    let mut none = Map::new();
    let object = object.as_object_mut().unwrap_or(&mut none);
    for (old, new) in members {
        if let Some(value) = object.remove(*old) {
            object.insert((*new).to_owned(), value);
        }
    }
}
