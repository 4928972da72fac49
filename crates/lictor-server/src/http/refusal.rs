//! The answers to requests that no route sees, but for those that hyper answers itself; whether a request is
//! refused is decided elsewhere.

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
    /// The target of the request is no path.
    NoPath,
}

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

    fn status(self) -> StatusCode {
        match self {
            Self::AmbiguousFraming | Self::Host | Self::NoPath => StatusCode::BAD_REQUEST,
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
            Self::NoPath => {
                "The target of this request is not a path. Begin it with a slash.".to_owned()
            }
        }
    }
}
