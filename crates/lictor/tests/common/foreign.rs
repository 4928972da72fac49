//! What only libraries say, and no message of Lictor's does.

/// What only libraries say.
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

/// Fails if a text holds any of it.
pub(crate) fn assert_none(said: &str) {
    let foreign = FOREIGN.iter().find(|words| said.contains(**words));
    assert_eq!(foreign, None, "{said}");
}
