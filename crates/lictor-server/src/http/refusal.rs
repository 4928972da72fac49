//! The answers to requests that no route gets to see; whether a request is refused is decided elsewhere.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, Response, StatusCode, Version};

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Two readers could disagree on where the request ends.
    AmbiguousFraming,
    /// The request names no host, several, or something that is none.
    Host,
    /// The path and query are longer than the limit.
    UriTooLong { max_bytes: usize },
    /// The body did not arrive in time.
    BodyTooSlow { seconds: u64 },
    /// hyper could not read the request.
    Malformed,
    /// The head is larger, or has more fields, than the limits.
    HeadTooLarge,
}

/// hyper's own limit, which no setting of ours raises.
const HYPER_MAX_URI_BYTES: usize = 65_534;

impl Refusal {
    /// The answer, in JSON. The rest of an HTTP/1 connection is not to be trusted, or holds what is
    /// left of a body that nobody reads, so it is closed.
    pub(crate) fn into_response(self, version: Version) -> Response<Body> {
        let body = serde_json::json!({ "message": self.message() }).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if version < Version::HTTP_2 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    /// Why hyper wrote `bytes` by itself: it answers what it cannot read with a head that says
    /// nothing. `None` for everything else, as soon as possible.
    pub(crate) fn told_by_hyper(bytes: &[u8], ambiguous: bool) -> Option<Self> {
        if !bytes.ends_with(b"\r\n\r\n") || bytes.len() > LONGEST_BARE_HEAD {
            return None;
        }
        let head = std::str::from_utf8(bytes).ok()?;
        let (line, fields) = head.strip_prefix("HTTP/1.")?.split_once("\r\n")?;
        let known = |field: &str| {
            field == BARE_LENGTH || field == "connection: close" || field.starts_with("date: ")
        };
        if !fields.contains(BARE_LENGTH) || !fields.trim_end().split("\r\n").all(known) {
            return None;
        }
        match line.get(2..5)? {
            "400" if ambiguous => Some(Self::AmbiguousFraming),
            "400" => Some(Self::Malformed),
            "431" => Some(Self::HeadTooLarge),
            "414" => Some(Self::UriTooLong {
                max_bytes: HYPER_MAX_URI_BYTES,
            }),
            _ => None,
        }
    }

    /// The whole answer that says in JSON what `bare`, a head of hyper's, does not.
    pub(crate) fn in_place_of(self, bare: &[u8]) -> Vec<u8> {
        let body = serde_json::json!({ "message": self.message() }).to_string();
        let fields = format!(
            "content-type: application/json\r\ncontent-length: {}",
            body.len()
        );
        let head = String::from_utf8_lossy(bare).replacen(BARE_LENGTH, &fields, 1);
        (head + &body).into_bytes()
    }

    fn status(self) -> StatusCode {
        match self {
            Self::AmbiguousFraming | Self::Host | Self::Malformed => StatusCode::BAD_REQUEST,
            Self::HeadTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::UriTooLong { .. } => StatusCode::URI_TOO_LONG,
            Self::BodyTooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
        }
    }

    fn message(self) -> String {
        match self {
            Self::AmbiguousFraming => "The end of this request is ambiguous. Send one \
                 Content-Length, or `Transfer-Encoding: chunked` alone, never both."
                .to_owned(),
            Self::Host => "This request does not name one host. Send one Host header with the \
                 name, and the port if it is not the default one."
                .to_owned(),
            Self::UriTooLong { max_bytes } => format!(
                "The path and query are longer than {max_bytes} bytes. Ask for less in one request."
            ),
            Self::BodyTooSlow { seconds } => format!(
                "The body did not arrive within {seconds} s. Send it faster, or in several smaller \
                 requests."
            ),
            Self::Malformed => "This is not a request of HTTP/1.1: its request line or a header \
                 field breaks the grammar of RFC 9112. If the client speaks TLS, begin the URL with \
                 http:// instead of https://."
                .to_owned(),
            Self::HeadTooLarge => "The head of this request is too large. Send fewer or shorter \
                 header fields."
                .to_owned(),
        }
    }
}

/// Longer than any head that hyper writes by itself, and shorter than most answers.
const LONGEST_BARE_HEAD: usize = 256;

/// The field that tells such a head from an answer of ours: we refuse nothing without a word.
const BARE_LENGTH: &str = "content-length: 0";
