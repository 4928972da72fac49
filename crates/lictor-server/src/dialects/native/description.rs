//! What `/v1` says of itself, to everybody: `/v1/openapi.json`. It is made once, and known again by its entity tag.

use std::convert::Infallible;
use std::sync::LazyLock;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodRouter, get};
use bytes::Bytes;
use futures_util::stream;
use lictor_api::openapi;
use lictor_api::query::Given;
use lictor_core::Error;
use lictor_core::digest::Digest;

use super::error::Problem;
use crate::http::answers::MadeAsTaken;
use crate::http::if_none_match;
use crate::settings::Server;

/// How much is handed over at once, in bytes.
const PIECE: usize = 64 * 1024;

/// A cache asks each time whether it is still so: it is not after an update of the server.
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// The routes that need no token.
pub(super) fn routes() -> [(&'static str, MethodRouter<Server>); 1] {
    [("/openapi.json", get(openapi))]
}

async fn openapi(uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    static DOCUMENT: LazyLock<Text> = LazyLock::new(|| Text::of(openapi::document()));
    DOCUMENT.answer(&uri, &headers, HeaderValue::from_static("application/json"))
}

/// A text that is the same for everybody.
struct Text {
    text: &'static str,
    tag: String,
}

impl Text {
    fn of(text: &'static str) -> Self {
        let tag = format!("\"{}\"", Digest::of(text.as_bytes()));
        Self { text, tag }
    }

    /// The text, or 304 where it is known already.
    fn answer(
        &self,
        uri: &Uri,
        headers: &HeaderMap,
        media_type: HeaderValue,
    ) -> Result<Response, Problem> {
        Given::parse(uri.query().unwrap_or_default()).finish()?;
        let tag = HeaderValue::try_from(&self.tag).map_err(Error::internal)?;
        let known = [(ETAG, tag), (CACHE_CONTROL, ASK_AGAIN)];
        if if_none_match::names(headers, &self.tag) {
            return Ok((StatusCode::NOT_MODIFIED, known).into_response());
        }
        let length = HeaderValue::from(self.text.len());
        let described = [(CONTENT_TYPE, media_type), (CONTENT_LENGTH, length)];
        let mut answer = (known, described, self.body()).into_response();
        answer.extensions_mut().insert(MadeAsTaken);
        Ok(answer)
    }

    /// No copy of the whole is in memory for whoever reads slowly.
    fn body(&self) -> Body {
        let pieces = self.text.as_bytes().chunks(PIECE).map(Bytes::from_static);
        Body::from_stream(stream::iter(pieces.map(Ok::<_, Infallible>)))
    }
}
