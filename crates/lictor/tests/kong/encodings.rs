//! Fields as the content types that are taken: JSON, a form, multipart.

use serde_json::Value;

/// Percent-encodes everything but letters and digits.
pub(crate) fn escape(text: &str) -> String {
    let escape = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        b' ' => "+".to_owned(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(escape).collect()
}

/// The same fields as JSON, as a form and as multipart: name, content type, body.
pub(crate) fn encodings(fields: &Value) -> [(&'static str, String, Vec<u8>); 3] {
    let plain = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let fields_of = || fields.as_object().expect("fields").iter();
    let form: Vec<String> = fields_of()
        .map(|(name, value)| format!("{}={}", escape(name), escape(&plain(value))))
        .collect();
    let boundary = "XbX";
    let part = |(name, value): (&String, &Value)| {
        let value = plain(value);
        format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"f\"\r\n\r\n{value}\r\n"
        )
    };
    let parts: String = fields_of().map(part).collect();
    let multipart = if parts.is_empty() {
        parts
    } else {
        format!("{parts}--{boundary}--\r\n")
    };
    [
        (
            "JSON",
            "application/json".to_owned(),
            fields.to_string().into_bytes(),
        ),
        (
            "form",
            "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
            form.join("&").into_bytes(),
        ),
        (
            "multipart",
            format!("multipart/form-data; boundary={boundary}"),
            multipart.into_bytes(),
        ),
    ]
}
