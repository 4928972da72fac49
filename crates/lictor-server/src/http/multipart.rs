//! The fields of a `multipart/form-data` body, for the dialects that take one; what they mean is
//! for those to say.

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt as _;

/// Why a body has no fields to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unusable {
    /// It is not what its header announces, or holds what is not UTF-8.
    Malformed,
    /// It has more fields than are taken.
    TooManyFields,
}

/// The names and values of a body, in order; `content_type` has the boundary. An empty body has no
/// fields.
///
/// # Errors
/// [`Unusable`].
pub fn fields(
    content_type: &str,
    body: Bytes,
    most: usize,
) -> Result<Vec<(String, String)>, Unusable> {
    // All of the body is there, so nothing is waited for.
    let read = read(content_type, body, most).now_or_never();
    read.unwrap_or(Err(Unusable::Malformed))
}

async fn read(
    content_type: &str,
    body: Bytes,
    most: usize,
) -> Result<Vec<(String, String)>, Unusable> {
    let mut fields = Vec::new();
    if body.is_empty() {
        return Ok(fields);
    }
    let malformed = |_| Unusable::Malformed;
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    let mut parts = multer::Multipart::new(Body::from(body).into_data_stream(), boundary);
    while let Some(part) = parts.next_field().await.map_err(malformed)? {
        if fields.len() == most {
            return Err(Unusable::TooManyFields);
        }
        let name = part.name().ok_or(Unusable::Malformed)?.to_owned();
        let value = part.bytes().await.map_err(malformed)?;
        let value = String::from_utf8(value.into()).map_err(|_| Unusable::Malformed)?;
        fields.push((name, value));
    }
    Ok(fields)
}
