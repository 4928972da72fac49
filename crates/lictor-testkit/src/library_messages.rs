//! Phrases of library messages, which no message of Lictor contains.

/// Phrases of library messages.
const FOREIGN: [&str; 37] = [
    "at line ",
    "EOF while",
    "expected value",
    "expected ident",
    "expected `",
    "expected one of",
    "key must be",
    "trailing characters",
    "trailing comma",
    "invalid digit",
    "invalid type",
    "invalid value:",
    "invalid length",
    "unknown field `",
    "unknown variant `",
    "missing field",
    "duplicate field",
    "recursion limit",
    "number out of range",
    "\\u001F",
    "invalid escape",
    "lone leading surrogate",
    "hex escape",
    "invalid utf-8",
    "Failed to ",
    "length limit exceeded",
    "multipart boundary",
    "ASN.1",
    "PEM error",
    "Base64",
    "InvalidContentType",
    "corrupt message",
    "invalid peer",
    "urn:uuid",
    "invalid filter directive",
    "SQL",
    "disk image",
];

/// Asserts that a text contains no message of a library.
///
/// # Panics
/// It does.
#[track_caller]
pub fn assert_none_of_a_library(said: &str) {
    let foreign = FOREIGN.iter().find(|words| said.contains(**words));
    assert_eq!(foreign, None, "{said}");
}
