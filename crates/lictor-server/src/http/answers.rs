//! How answers leave: memory is held for a large one until its peer has taken it, piece by piece.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::{Body, HttpBody};
use axum::response::Response;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

use super::budget::{Budgets, Hold, NoRoom, Owner};

/// Answers up to so many bytes are not counted one by one: a connection has buffers for as much.
const SMALL_BYTES: u64 = 4 * 1024;

/// The longest piece of an answer, in bytes.
const PIECE_BYTES: usize = 64 * 1024;

/// The extension of an answer that is made as it is taken, and is never in memory as a whole.
#[derive(Debug, Clone, Copy)]
pub struct MadeAsTaken;

/// Memory that is held for an answer before it is made, as an extension of it.
#[derive(Debug, Clone)]
pub struct Reserved(Arc<Hold>);

/// Bytes, and the memory that is held for them.
pub(super) struct Kept {
    pub(super) bytes: Bytes,
    pub(super) _hold: Hold,
}

impl AsRef<[u8]> for Kept {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Budgets {
    /// Holds memory for an answer of about so many bytes that is still to be made, so that nothing long
    /// is read in vain. It is put into the answer, and then is as much as that takes.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub async fn reserve(&self, owner: Owner, bytes: usize) -> Result<Reserved, NoRoom> {
        Ok(Reserved(Arc::new(self.hold(owner, bytes).await?)))
    }

    /// Holds memory for an answer until its peer has taken it. A small one is handed over as it is.
    ///
    /// # Errors
    /// [`NoRoom`]; the answer is gone then.
    pub async fn hand_over(&self, owner: Owner, mut answer: Response) -> Result<Response, NoRoom> {
        let reserved = answer.extensions_mut().remove::<Reserved>();
        if !is_large(&answer) {
            return Ok(answer);
        }
        // In a box, so that the small answers, which are many more, do not carry the room for it.
        Box::pin(self.hold_for(owner, answer, reserved)).await
    }

    async fn hold_for(
        &self,
        owner: Owner,
        answer: Response,
        reserved: Option<Reserved>,
    ) -> Result<Response, NoRoom> {
        let length = answer.body().size_hint().exact();
        let length = length.and_then(|length| usize::try_from(length).ok());
        let length = length.ok_or(NoRoom)?;
        let hold = match reserved.and_then(|Reserved(hold)| Arc::into_inner(hold)) {
            Some(hold) => resized(hold, length).await?,
            None => self.hold_made(owner, length).await?,
        };
        Ok(answer.map(|body| Body::new(HeldBody::of(body, hold))))
    }

    /// Holds memory for one part of an answer that has no end.
    ///
    /// # Errors
    /// [`NoRoom`].
    pub async fn hand_over_part(&self, owner: Owner, part: Bytes) -> Result<Bytes, NoRoom> {
        let mut hold = self.hold_made(owner, part.len()).await?;
        hold.wait_for_peer();
        Ok(kept(part, hold))
    }
}

/// As much as the answer takes, which was not known before.
async fn resized(mut hold: Hold, length: usize) -> Result<Hold, NoRoom> {
    hold.shrink_to(length);
    let more = length - hold.bytes();
    if more > 0 {
        hold.grow(more).await?;
    }
    Ok(hold)
}

/// Whether memory is to be held for an answer.
fn is_large(answer: &Response) -> bool {
    answer.body().size_hint().exact().unwrap_or(0) > SMALL_BYTES
        && answer.extensions().get::<MadeAsTaken>().is_none()
}

fn kept(bytes: Bytes, hold: Hold) -> Bytes {
    Bytes::from_owner(Kept { bytes, _hold: hold })
}

/// A body that is in memory as a whole. It leaves in pieces, each of which is given back when it was
/// written.
struct HeldBody {
    body: Body,
    hold: Hold,
    pieces: VecDeque<Bytes>,
    left: u64,
}

impl HeldBody {
    fn of(body: Body, mut hold: Hold) -> Self {
        hold.wait_for_peer();
        let left = hold.bytes() as u64;
        Self {
            body,
            hold,
            pieces: VecDeque::new(),
            left,
        }
    }

    /// Copies what would otherwise be there until its last byte is written.
    fn cut(&mut self, bytes: &Bytes) {
        for piece in bytes.chunks(PIECE_BYTES) {
            let hold = self.hold.split(piece.len());
            self.pieces
                .push_back(kept(Bytes::copy_from_slice(piece), hold));
        }
    }
}

impl HttpBody for HeldBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        while this.pieces.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) => this.cut(&bytes),
                    Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                },
                other => return Poll::Ready(other),
            }
        }
        let piece = this.pieces.pop_front();
        this.left -= piece.as_ref().map_or(0, Bytes::len) as u64;
        Poll::Ready(piece.map(Frame::data).map(Ok))
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use uuid::Uuid;

    use super::*;
    use crate::http::budget::Limits;

    const OWNER: Owner = Owner::Organization(Uuid::nil());

    #[tokio::test]
    async fn an_answer_goes_in_pieces_each_of_which_is_held_until_it_is_written() {
        let budgets = Budgets::new(Limits::default());
        let text: Vec<u8> = (0..100_000_u32).map(|number| number as u8).collect();
        let answer = Response::new(Body::from(text.clone()));
        let answer = budgets.hand_over(OWNER, answer).await.unwrap();
        assert_eq!(budgets.held(), 100_000);
        let mut body = answer.into_body();
        let mut written = Vec::new();
        loop {
            let left = 100_000 - written.len();
            assert_eq!(body.size_hint().exact(), Some(left as u64));
            assert_eq!(budgets.held(), left, "what was written is given back");
            let Some(frame) = body.frame().await else {
                break;
            };
            let piece = frame.unwrap().into_data().unwrap();
            assert_eq!(budgets.held(), left, "a piece is not written yet");
            assert!(piece.len() <= PIECE_BYTES);
            written.extend_from_slice(&piece);
        }
        assert!(body.is_end_stream());
        assert_eq!(written, text);
    }

    #[tokio::test]
    async fn what_was_held_before_is_then_as_much_as_the_answer_takes() {
        let budgets = Budgets::new(Limits::default());
        for (length, held) in [(5_000, 5_000), (20_000, 20_000), (4_096, 0)] {
            let reserved = budgets.reserve(OWNER, 10_000).await.unwrap();
            let mut answer = Response::new(Body::from(vec![0; length]));
            answer.extensions_mut().insert(reserved);
            let answer = budgets.hand_over(OWNER, answer).await.unwrap();
            assert_eq!(budgets.held(), held);
            drop(answer);
            assert_eq!(budgets.held(), 0);
        }
    }

    #[tokio::test]
    async fn small_answers_and_those_made_as_they_are_taken_are_handed_over_as_they_are() {
        let budgets = Budgets::new(Limits::default());
        let small = Response::new(Body::from(vec![0; 4096]));
        let mut copied = Response::new(Body::from(vec![0; 5000]));
        copied.extensions_mut().insert(MadeAsTaken);
        for answer in [small, copied] {
            let _answer = budgets.hand_over(OWNER, answer).await.unwrap();
            assert_eq!(budgets.held(), 0);
        }
    }

    #[tokio::test]
    async fn an_answer_that_is_given_up_is_held_no_longer() {
        let budgets = Budgets::new(Limits::default());
        let answer = Response::new(Body::from(vec![0; 5000]));
        let answer = budgets.hand_over(OWNER, answer).await.unwrap();
        assert_eq!(budgets.held(), 5000);
        drop(answer);
        assert_eq!(budgets.held(), 0);
        let part = budgets.hand_over_part(OWNER, Bytes::from_static(b"part"));
        let part = part.await.unwrap();
        assert_eq!((budgets.held(), &part[..]), (4, &b"part"[..]));
        drop(part);
        assert_eq!(budgets.held(), 0);
    }
}
