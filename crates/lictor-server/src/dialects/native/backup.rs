//! `/v1/backup`: a copy of the whole database, made for the request and gone with it. How it is
//! made, and where, is the store's.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, Uri};
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use lictor_authority::DatabaseCopy;
use lictor_authority::permits::InstallationPermit;
use lictor_authority::right::{Backup, Read};
use lictor_core::Error;
use tokio::io::{AsyncRead, ReadBuf};

use super::auth::Caller;
use super::error::Problem;
use super::page::no_query;
use crate::http::answers::MadeAsTaken;
use crate::settings::Server;

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

pub(super) async fn send(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let permit = call.permit()?;
    no_query(&uri)?;
    let copy = server.authority.backup(permit).await?;
    let file = copy.file.try_clone().map_err(Error::internal)?;
    let length = file.metadata().map_err(Error::internal)?.len();
    let mut response = described(Body::new(Copy {
        file: tokio::fs::File::from_std(file),
        left: length,
        _whole: copy,
    }));
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response.extensions_mut().insert(MadeAsTaken);
    Ok(response)
}

/// HEAD: what GET would send, without making it.
pub(super) async fn announce(Caller(call): Caller, uri: Uri) -> Result<Response, Problem> {
    let _: InstallationPermit<'_, Backup, Read> = call.permit()?;
    no_query(&uri)?;
    Ok(described(Body::empty()))
}

/// The key that states for nodes are signed with, which no copy of the database holds.
pub(super) async fn send_key(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let permit = call.permit()?;
    no_query(&uri)?;
    let pem = server.authority.control_plane_key(permit)?;
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-pem-file"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, pem).into_response())
}

fn described(body: Body) -> Response {
    let headers = [
        (
            CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        ),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            CONTENT_DISPOSITION,
            HeaderValue::from_static("attachment; filename=\"lictor.backup\""),
        ),
    ];
    (headers, body).into_response()
}

/// A file as a body. One that cannot be read to its announced end ends in an error, so that the
/// client does not take half a copy for a whole one.
struct Copy {
    file: tokio::fs::File,
    left: u64,
    /// Until it is sent there is no other.
    _whole: DatabaseCopy,
}

impl HttpBody for Copy {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let mut chunk = vec![0; CHUNK];
        let mut buffer = ReadBuf::new(&mut chunk);
        if let Err(error) = ready!(Pin::new(&mut self.file).poll_read(cx, &mut buffer)) {
            return Poll::Ready(Some(Err(error)));
        }
        let read = buffer.filled().len();
        if read == 0 {
            let error = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
            return Poll::Ready(Some(Err(error)));
        }
        chunk.truncate(read);
        self.left = self.left.saturating_sub(read as u64);
        Poll::Ready(Some(Ok(Frame::data(chunk.into()))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}
