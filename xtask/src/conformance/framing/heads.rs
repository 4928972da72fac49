//! Cases about heads: lines, hosts, sizes, versions, upgrades, and unusual order or timing.

use super::cases::{Case, Words, own, post};
use super::wire::Pace;

/// Field lines that break the grammar.
pub(super) fn lines(words: &Words) -> Vec<Case> {
    let with = |line: &str| words.get(&format!("{line}\r\n"));
    let latin: Vec<u8> = with("X: y")
        .bytes()
        .map(|b| if b == b'y' { 0xe9 } else { b })
        .collect();
    vec![
        Case::refused("a folded field", 400, with("X: y\r\n z")),
        Case::refused("a space before the colon", 400, with("X : y")),
        Case::refused("a space in the name", 400, with("X Y: z")),
        Case::refused("no colon", 400, with("XY")),
        Case::refused("no name", 400, with(": y")),
        Case::refused("NUL in a value", 400, with("X: a\0b")),
        Case::refused("NUL in a name", 400, with("X\0: y")),
        Case::refused("a control character in a value", 400, with("X: a\x01b")),
        Case::refused("DEL in a value", 400, with("X: a\x7fb")),
        Case::refused("a carriage return in a value", 400, with("X: a\rb")),
        Case::refused("a name in parentheses", 400, with("(X): y")),
        Case::answered("Latin-1 in a value", 200, latin),
        Case::answered("an empty value", 200, with("X:")),
        Case::answered("bare line feeds", 200, words.get("").replace("\r\n", "\n")),
        Case::answered("one bare line feed", 200, words.get("X: y\n")),
    ]
}

/// First lines that break the grammar.
pub(super) fn request_lines(words: &Words) -> Vec<Case> {
    let good = words.get("");
    let id = &words.first;
    let line = |line: &str| {
        let rest = good.split_once("\r\n").map_or("", |(_, rest)| rest);
        format!("{line}\r\n{rest}")
    };
    let path = format!("/licenses/{id}");
    vec![
        Case::refused("a space before the verb", 400, format!(" {good}")),
        Case::refused(
            "two spaces behind the verb",
            400,
            line(&format!("GET  {path} HTTP/1.1")),
        ),
        Case::refused(
            "a tab behind the verb",
            400,
            line(&format!("GET\t{path} HTTP/1.1")),
        ),
        Case::refused(
            "a word behind the version",
            400,
            line(&format!("GET {path} HTTP/1.1 x")),
        ),
        Case::refused(
            "a space in the target",
            400,
            line(&format!("GET {path} x HTTP/1.1")),
        ),
        Case::refused("NUL in the target", 400, line("GET /\0 HTTP/1.1")),
        Case::refused(
            "a target that is no path",
            400,
            line("GET licenses HTTP/1.1"),
        ),
        Case::refused("no target", 400, line("GET HTTP/1.1")),
        Case::refused("no version", 400, line(&format!("GET {path}"))),
        Case::refused(
            "a verb with a colon",
            400,
            line(&format!("G:T {path} HTTP/1.1")),
        ),
        Case::answered(
            "a verb in small letters",
            405,
            line(&format!("get {path} HTTP/1.1")),
        ),
        Case::answered("an empty line before", 200, format!("\r\n{good}")),
        Case::answered(
            "dots in the target",
            404,
            line(&format!("GET /x/..{path} HTTP/1.1")),
        ),
    ]
}

/// Hosts that name none, several, or something that is none.
pub(super) fn hosts(words: &Words) -> Vec<Case> {
    let host = |fields: &str| words.get("").replacen("Host: lictor\r\n", fields, 1);
    let absolute = words.get("").replacen("GET /", "GET http://other/", 1);
    let no_host = absolute.replacen("Host: lictor\r\n", "", 1);
    vec![
        Case::refused("no host", 400, host("")),
        Case::refused("two hosts", 400, host("Host: lictor\r\nHost: other\r\n")),
        Case::refused(
            "the same host twice",
            400,
            host("Host: lictor\r\nHost: lictor\r\n"),
        ),
        Case::refused(
            "two hosts in one field",
            400,
            host("Host: lictor, other\r\n"),
        ),
        Case::refused("a host with a path", 400, host("Host: lictor/x\r\n")),
        Case::refused("a host with a user", 400, host("Host: x@lictor\r\n")),
        Case::refused("a host with a space", 400, host("Host: lictor other\r\n")),
        Case::refused(
            "a host before a space and colon",
            400,
            host("Host : lictor\r\n"),
        ),
        Case::refused("an absolute target without a host", 400, no_host),
        Case::answered("an absolute target of another host", 200, absolute),
        Case::answered("a host with a port", 200, host("Host: [::1]:8001\r\n")),
        Case::answered("an empty host", 200, host("Host:\r\n")),
    ]
}

/// Heads larger than the limits.
pub(super) fn sizes(words: &Words) -> Vec<Case> {
    let field = |bytes: usize| words.get(&format!("X: {}\r\n", "x".repeat(bytes)));
    let target = words
        .get("")
        .replacen(" HTTP", &format!("?{} HTTP", "x".repeat(17 * 1024)), 1);
    vec![
        Case::refused("a header of 40 kB", 431, field(40 * 1024)),
        Case::refused("a header of 1 MB", 431, field(1024 * 1024)),
        Case::refused("200 headers", 431, words.get(&"X: y\r\n".repeat(200))),
        Case::refused("a target of 17 kB", 414, target),
        Case::answered("a header of 20 kB", 200, field(20 * 1024)),
        Case::answered("90 headers", 200, words.get(&"X: y\r\n".repeat(90))),
    ]
}

/// Versions that are not HTTP/1.1, and bytes that are no HTTP.
pub(super) fn versions(words: &Words) -> Vec<Case> {
    let good = words.get("");
    let version = |version: &str| good.replacen("HTTP/1.1", version, 1);
    let preface = "PRI * HTTP/2.0\r\n\r\n";
    vec![
        Case::refused("HTTP/0.9", 400, "GET /healthz\r\n\r\n"),
        Case::refused("HTTP/0.9 by its name", 400, version("HTTP/0.9")),
        Case::refused("HTTP/1.2", 400, version("HTTP/1.2")),
        Case::refused("HTTP/2.0 in the line", 400, version("HTTP/2.0")),
        Case::refused("HTTP/11.1", 400, version("HTTP/11.1")),
        Case::refused("http/1.1 in small letters", 400, version("http/1.1")),
        Case::refused("HTTP/1.0", 200, version("HTTP/1.0")),
        Case::refused("a preface of HTTP/2 without its end", 400, preface),
        Case::refused(
            "a preface of HTTP/2 with another end",
            400,
            format!("{preface}XX\r\n\r\n"),
        ),
        Case::refused(
            "a preface of HTTP/2, then HTTP/1",
            0,
            format!("{preface}SM\r\n\r\n"),
        ),
        Case::refused(
            "a TLS handshake",
            400,
            *b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        ),
        Case::refused("SSH", 400, "SSH-2.0-OpenSSH_9.2\r\n"),
        Case::refused("zeros", 400, vec![0; 64]),
    ]
}

/// Requests that ask for another protocol or for a word first, with one behind that must not pass
/// as something else.
pub(super) fn upgrades(words: &Words) -> Vec<Case> {
    let body = "ab";
    let h2c = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n";
    let expecting = |value: &str| {
        let fields = format!("Content-Length: 2\r\nExpect: {value}\r\n");
        post(&fields, body)
    };
    let own = own();
    let tunnel = format!("CONNECT lictor:80 HTTP/1.1\r\n{own}\r\n");
    vec![
        Case::answered("an upgrade to h2c", 200, words.get(h2c)),
        Case::answered(
            "an upgrade to a web socket",
            200,
            words.get("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        ),
        Case::answered(
            "a body that waits for a word",
            400,
            expecting("100-continue"),
        ),
        Case::answered(
            "a body that waits for another word",
            400,
            expecting("200-ok"),
        ),
        Case::answered("a tunnel", 405, tunnel),
        Case::answered(
            "any target at all",
            404,
            format!("OPTIONS * HTTP/1.1\r\n{own}\r\n"),
        ),
    ]
}

/// Several requests on a connection, with something between.
pub(super) fn pipelines(words: &Words) -> Vec<Case> {
    let (good, inner) = (words.get(""), words.smuggled());
    let several = |statuses: &[u16], case: Case| Case {
        statuses: statuses.to_vec(),
        ..case
    };
    let last = words.get("Connection: close\r\n");
    let posted = post("Content-Length: 2\r\n", "ab");
    vec![
        several(
            &[200, 200],
            Case::answered("two requests", 0, good.repeat(2)),
        ),
        several(
            &[200; 20],
            Case::answered("twenty requests", 0, good.repeat(20)),
        ),
        several(
            &[200, 400],
            Case::refused(
                "garbage behind a request",
                0,
                format!("{good}\0\r\n{inner}"),
            ),
        ),
        several(
            &[200, 400],
            Case::refused(
                "a word behind a request",
                0,
                format!("{good}garbage\r\n\r\n{inner}"),
            ),
        ),
        several(
            &[400, 400],
            Case::refused(
                "more behind a body than its length",
                0,
                format!("{posted}cd\r\n{inner}"),
            ),
        ),
        several(
            &[400, 200],
            Case::answered(
                "an empty line behind a body",
                0,
                format!("{posted}\r\n{good}"),
            ),
        ),
        Case::refused(
            "a request behind the last one",
            200,
            format!("{last}{inner}"),
        ),
    ]
}

/// Good requests that come slowly or cut in an unlucky place.
pub(super) fn paces(words: &Words) -> Vec<Case> {
    let good = words.get("");
    let chunked = post("Transfer-Encoding: chunked\r\n", "2\r\nab\r\n0\r\n\r\n");
    let (end, size) = (good.len() - 2, chunked.len() - 12);
    vec![
        Case::answered("a request byte by byte", 200, good.clone()).at(Pace::ByteByByte),
        Case::answered("chunks byte by byte", 400, chunked.clone()).at(Pace::ByteByByte),
        Case::answered("a cut in the end of a head", 200, good).at(Pace::Cut(end)),
        Case::answered("a cut behind a chunk's size", 400, chunked).at(Pace::Cut(size)),
    ]
}
