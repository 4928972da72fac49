//! A copy of the whole database, made for the request and gone with it. How it is made, and where, is the store's.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use lictor_api::answer::{Database, File, Pem};
use lictor_api::permits::{Backup, InstallationPermit, Read};
use lictor_api::query::NoQuery;
use lictor_api::row::NoBody;
use lictor_authority::DatabaseCopy;
use lictor_core::Error;
use tokio::io::{AsyncRead, ReadBuf};

use super::error::Problem;
use super::frame::{Answered, Ask};

/// How much is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// HEAD: what GET would send, without making it.
pub(super) async fn send(
    ask: Ask<InstallationPermit<Backup, Read>, NoQuery, NoBody, File<Database>>,
) -> Result<Answered<File<Database>>, Problem> {
    let permit = ask.permit()?;
    if ask.is_head {
        return Ok(Answered::stream(Body::empty(), None));
    }
    let copy = ask.server.authority.backup(permit).await?;
    let file = copy.file.try_clone().map_err(Error::internal)?;
    let length = file.metadata().map_err(Error::internal)?.len();
    let body = Body::new(Copy {
        file: tokio::fs::File::from_std(file),
        left: length,
        _whole: copy,
    });
    Ok(Answered::stream(body, Some(length)))
}

/// The key that states for nodes are signed with, which no copy of the database holds.
pub(super) async fn send_key(
    ask: Ask<InstallationPermit<Backup, Read>, NoQuery, NoBody, File<Pem>>,
) -> Result<Answered<File<Pem>>, Problem> {
    let pem = ask.server.authority.control_plane_key(ask.permit()?)?;
    ask.answer(&File::new(pem.as_bytes().to_vec()))
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
