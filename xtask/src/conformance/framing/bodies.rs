//! Cases about bodies: lengths, codings, chunks, trailers and sizes.

use lictor_testkit::OPERATOR;

use super::cases::{Case, Words, post};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";
const END: &str = "0\r\n\r\n";

fn length(bytes: &str) -> String {
    format!("Content-Length: {}\r\n", bytes.len())
}

/// Lengths that readers understand differently, with a request after the shorter reading.
pub(super) fn lengths(words: &Words) -> Vec<Case> {
    let cases = [chunked_with_a_length, several_lengths, malformed_lengths];
    cases.into_iter().flat_map(|cases| cases(words)).collect()
}

fn chunked_with_a_length(words: &Words) -> Vec<Case> {
    let chunked_inner = format!("{END}{}", words.smuggled());
    // A GET, so that one that is taken for good is answered otherwise.
    let chunked = |fields: String| words.get(&fields) + &chunked_inner;
    let (long, long_chunked) = (length(&chunked_inner), CHUNKED);
    vec![
        Case::refused(
            "a length, then chunked",
            400,
            chunked(format!("{long}{long_chunked}")),
        ),
        Case::refused(
            "chunked, then a length",
            400,
            chunked(format!("{long_chunked}{long}")),
        ),
        Case::refused(
            "a length of 5 and chunked",
            400,
            chunked(format!("Content-Length: 5\r\n{CHUNKED}")),
        ),
        Case::refused(
            "a length of 0 and chunked",
            400,
            chunked(format!("content-length:0\r\n{CHUNKED}")),
        ),
        Case::refused(
            "a length and chunked in capitals",
            400,
            chunked(format!("{long}TRANSFER-ENCODING: CHUNKED\r\n")),
        ),
    ]
}

fn several_lengths(words: &Words) -> Vec<Case> {
    let inner = words.smuggled();
    let (whole, size) = (length(&inner), inner.len());
    let with = |fields: String| post(&fields, &inner);
    vec![
        Case::refused(
            "a length of 0, then the whole",
            400,
            with(format!("Content-Length: 0\r\n{whole}")),
        ),
        Case::refused(
            "the whole length, then 0",
            400,
            with(format!("{whole}Content-Length: 0\r\n")),
        ),
        Case::refused(
            "the same length twice",
            400,
            with(format!("{whole}{whole}")),
        ),
        Case::refused(
            "a list of the same length",
            400,
            with(format!("Content-Length: {size}, {size}\r\n")),
        ),
        Case::refused(
            "a list of two lengths",
            400,
            with(format!("Content-Length: 0, {size}\r\n")),
        ),
        Case::refused(
            "two lengths with a space between",
            400,
            with(format!("Content-Length: 0 {size}\r\n")),
        ),
        Case::answered(
            "a length that a hop is told to drop",
            400,
            with(format!("{whole}Connection: Content-Length\r\n")),
        ),
        Case::answered(
            "a field that looks like a length",
            400,
            with(format!("{whole}Content_Length: 0\r\n")),
        ),
    ]
}

fn malformed_lengths(words: &Words) -> Vec<Case> {
    let inner = words.smuggled();
    let size = inner.len();
    let with = |fields: String| post(&fields, &inner);
    vec![
        Case::refused(
            "a length with a plus",
            400,
            with(format!("Content-Length: +{size}\r\n")),
        ),
        Case::refused(
            "a negative length",
            400,
            with("Content-Length: -1\r\n".into()),
        ),
        Case::refused(
            "a length in hex",
            400,
            with(format!("Content-Length: {size:#x}\r\n")),
        ),
        Case::refused(
            "a length with a letter",
            400,
            with(format!("Content-Length: {size}x\r\n")),
        ),
        Case::refused(
            "a length with a point",
            400,
            with(format!("Content-Length: {size}.0\r\n")),
        ),
        Case::refused("an empty length", 400, with("Content-Length:\r\n".into())),
        Case::refused(
            "a length of 2^64",
            400,
            with("Content-Length: 18446744073709551616\r\n".into()),
        ),
        Case::refused(
            "a length with a NUL",
            400,
            with("Content-Length: 0\0\r\n".into()),
        ),
        Case::answered(
            "a length with leading zeros",
            400,
            with(format!("Content-Length: 000{size}\r\n")),
        ),
        Case::answered(
            "a length with tabs around it",
            400,
            with(format!("Content-Length:\t{size}\t\r\n")),
        ),
    ]
}

/// A request hidden in a body where many readers expect none.
pub(super) fn bodies_where_few_expect_them(words: &Words) -> Vec<Case> {
    let inner = words.smuggled();
    let whole = length(&inner);
    let chunk = format!("{:x}\r\n{inner}\r\n{END}", inner.len());
    let as_verb = |verb: &str| words.get(&whole).replacen("GET", verb, 1) + &inner;
    let mut head = Case::answered("HEAD with a body", 200, as_verb("HEAD"));
    head.to_head = true;
    vec![
        Case::answered("GET with a body", 200, as_verb("GET")),
        Case::answered(
            "GET with a body in chunks",
            200,
            words.get(CHUNKED) + &chunk,
        ),
        head,
        Case::answered("OPTIONS with a body", 204, as_verb("OPTIONS")),
        Case::answered("an unknown verb with a body", 405, as_verb("FROB")),
        Case::answered(
            "GET with a length of 0",
            200,
            words.get("Content-Length: 0\r\n"),
        ),
    ]
}

/// Codings that are not exactly `chunked`.
pub(super) fn codings(words: &Words) -> Vec<Case> {
    let body = format!("{END}{}", words.smuggled());
    let coded = |value: &str| post(&format!("Transfer-Encoding: {value}\r\n"), &body);
    let old = coded("chunked").replacen("HTTP/1.1", "HTTP/1.0", 1);
    vec![
        Case::refused("gzip", 400, coded("gzip")),
        Case::refused("gzip, then chunked", 400, coded("gzip, chunked")),
        Case::refused("chunked, then gzip", 400, coded("chunked, gzip")),
        Case::refused("chunked twice in a field", 400, coded("chunked, chunked")),
        Case::refused(
            "chunked in two fields",
            400,
            post(&CHUNKED.repeat(2), &body),
        ),
        Case::refused("identity", 400, coded("identity")),
        Case::refused(
            "identity, then chunked",
            400,
            post(&format!("Transfer-Encoding: identity\r\n{CHUNKED}"), &body),
        ),
        Case::refused("chunked, then identity", 400, coded("chunked, identity")),
        Case::refused("a coding that ends like chunked", 400, coded("xchunked")),
        Case::refused("a coding that begins like chunked", 400, coded("chunkedx")),
        Case::refused("chunked in quotes", 400, coded("\"chunked\"")),
        Case::refused("chunked with a parameter", 400, coded("chunked;q=1")),
        Case::refused("chunked with a comma", 400, coded("chunked,")),
        Case::refused("no coding", 400, coded("")),
        Case::refused("chunked on HTTP/1.0", 400, old),
    ]
}

/// Codings that some readers see and others do not.
pub(super) fn hidden_codings(words: &Words) -> Vec<Case> {
    let body = format!("{END}{}", words.smuggled());
    let whole = length(&body);
    let hidden = |line: &str| post(&format!("{whole}{line}\r\n"), &body);
    let mut cases = vec![
        Case::refused(
            "chunked after a vertical tab",
            400,
            hidden("Transfer-Encoding: \x0bchunked"),
        ),
        Case::refused(
            "chunked before a space and colon",
            400,
            hidden("Transfer-Encoding : chunked"),
        ),
        Case::refused(
            "chunked before a tab and colon",
            400,
            hidden("Transfer-Encoding\t: chunked"),
        ),
        Case::refused(
            "chunked after a space",
            400,
            hidden(" Transfer-Encoding: chunked"),
        ),
        Case::refused(
            "chunked on the next line",
            400,
            hidden("Transfer-Encoding:\r\n chunked"),
        ),
        Case::refused(
            "chunked after a carriage return",
            400,
            hidden("X: y\rTransfer-Encoding: chunked"),
        ),
        Case::refused(
            "chunked after a bare line feed",
            400,
            hidden("X: y\nTransfer-Encoding: chunked"),
        ),
        Case::refused(
            "chunked after a NUL",
            400,
            hidden("X: y\0Transfer-Encoding: chunked"),
        ),
        Case::refused(
            "chunked behind an odd byte in the name",
            400,
            hidden("Transfer-Encoding\x01: chunked"),
        ),
    ];
    cases.extend(fields_that_are_no_coding(&hidden));
    cases
}

fn fields_that_are_no_coding(hidden: &dyn Fn(&str) -> String) -> Vec<Case> {
    vec![
        Case::answered(
            "a field that looks like chunked",
            400,
            hidden("Transfer_Encoding: chunked"),
        ),
        Case::answered(
            "chunked in a field of another name",
            400,
            hidden("X-Transfer-Encoding: chunked"),
        ),
        Case::answered("TE", 400, hidden("TE: chunked")),
        Case::answered(
            "a coding that a hop is told to drop",
            400,
            post(
                &format!("{CHUNKED}Connection: Transfer-Encoding\r\n"),
                &format!("2\r\nab\r\n{END}"),
            ),
        ),
    ]
}

fn chunked(body: &str) -> String {
    post(CHUNKED, body)
}

/// Chunks as the standard has them; the two bytes in them are no JSON, which is the 400.
pub(super) fn chunks() -> Vec<Case> {
    let ten = "a".repeat(10);
    vec![
        Case::answered(
            "chunks",
            400,
            chunked(&format!("1\r\na\r\n1\r\nb\r\n{END}")),
        ),
        Case::answered("no chunk but the last", 400, chunked(END)),
        Case::answered(
            "a size in a capital",
            400,
            chunked(&format!("A\r\n{ten}\r\n{END}")),
        ),
        Case::answered(
            "a size with leading zeros",
            400,
            chunked(&format!("0002\r\nab\r\n{END}")),
        ),
        Case::answered(
            "a last chunk of many zeros",
            400,
            chunked("2\r\nab\r\n0000\r\n\r\n"),
        ),
        Case::answered(
            "an extension",
            400,
            chunked(&format!("2;a=b\r\nab\r\n{END}")),
        ),
        Case::answered(
            "an extension in quotes",
            400,
            chunked(&format!("2;a=\"b;c\"\r\nab\r\n{END}")),
        ),
        Case::answered(
            "an extension of the last chunk",
            400,
            chunked("2\r\nab\r\n0;a=b\r\n\r\n"),
        ),
        Case::answered(
            "CHUNKED",
            400,
            post(
                "Transfer-Encoding: CHUNKED\r\n",
                &format!("2\r\nab\r\n{END}"),
            ),
        ),
    ]
}

/// Chunks that are none, with a request behind a lenient reading.
pub(super) fn broken_chunks(words: &Words) -> Vec<Case> {
    let inner = words.smuggled();
    let broken = |body: &str| chunked(&format!("{body}{END}{inner}"));
    let extension = format!("2;{}\r\nab\r\n", "x".repeat(32 * 1024));
    vec![
        Case::refused("a negative size", 400, broken("-1\r\nab\r\n")),
        Case::refused("a size with a plus", 400, broken("+2\r\nab\r\n")),
        Case::refused(
            "a size of 17 digits",
            400,
            broken("10000000000000002\r\nab\r\n"),
        ),
        Case::held(
            "the largest size of 16 digits",
            broken("FFFFFFFFFFFFFFFF\r\nab\r\n"),
        ),
        Case::refused("a size with 0x", 400, broken("0x2\r\nab\r\n")),
        Case::refused("a space before the size", 400, broken(" 2\r\nab\r\n")),
        Case::refused("no size", 400, broken("\r\nab\r\n")),
        Case::refused("a size that is a word", 400, broken("two\r\nab\r\n")),
        Case::refused("more data than the size", 400, broken("2\r\nabc\r\n")),
        Case::refused("data ended by a bare line feed", 400, broken("2\r\nab\n")),
        Case::refused("a size ended by a bare line feed", 400, broken("2\nab\r\n")),
        Case::refused(
            "a size ended by a bare carriage return",
            400,
            broken("2\rab\r\n"),
        ),
        Case::refused("an extension with a line feed", 400, broken("2;a\nab\r\n")),
        Case::refused("an extension of 32 kB", 400, broken(&extension)),
    ]
}

/// What stands behind the last chunk.
pub(super) fn trailers(words: &Words) -> Vec<Case> {
    let inner = words.smuggled();
    let many = "X: y\r\n".repeat(2_000);
    let data = "2\r\nab\r\n0\r\n";
    let end = |trailers: &str| chunked(&format!("{data}{trailers}\r\n"));
    vec![
        Case::answered("a trailer", 400, end("X: y\r\n")),
        Case::answered("a trailer with a length", 400, end(&length(&inner))),
        Case::answered("a trailer with a coding", 400, end(CHUNKED)),
        Case {
            statuses: vec![400, 400],
            requests: Some(1),
            ..Case::refused(
                "a trailer with a bare line feed",
                400,
                end("X: y\n") + &inner,
            )
        },
        Case::refused("a trailer without a colon", 400, end("X\r\n") + &inner),
        Case::refused("2,000 trailers", 400, end(&many) + &inner),
    ]
}

/// Bodies larger or deeper than anything good.
pub(super) fn sizes() -> Vec<Case> {
    let deep = "[".repeat(50_000);
    let large = format!("{{\"payload\": \"{}\"}}", "x".repeat(3_000_000));
    let in_chunks = format!("{:x}\r\n{large}\r\n{END}", large.len());
    let native = |fields: &str, body: &str| {
        format!(
            "POST /v1/licenses HTTP/1.1\r\nHost: lictor\r\nAuthorization: Bearer {OPERATOR}\r\n\
             Content-Type: application/json\r\n{fields}\r\n{body}"
        )
    };
    vec![
        Case::answered("JSON 50,000 deep", 400, post(&length(&deep), &deep)),
        Case::refused("a body of 3 MB", 413, native(&length(&large), &large)),
        Case::refused("a body of 3 MB in chunks", 413, native(CHUNKED, &in_chunks)),
        // The length alone says that there will never be room.
        Case::refused(
            "a length of 2^63",
            413,
            post("Content-Length: 9223372036854775808\r\n", ""),
        ),
    ]
}
