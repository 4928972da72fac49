//! How the body of a request is read: into one buffer, for which memory is held before it grows.

use axum::body::{Body, HttpBody as _};
use axum::http::request::Parts;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use lictor_authority::Job;
use lictor_planted as planted;

use super::answers::Kept;
use super::budget::{Budgets, Hold, NoRoom, Owner};

/// A body, and the place of the job that it is for.
pub struct OfJob {
    bytes: Bytes,
    _job: Job,
}

impl OfJob {
    /// The body, which keeps the place for as long as it or a part of it is there.
    pub fn held(bytes: Bytes, job: Option<Job>) -> Bytes {
        match job {
            Some(job) => Bytes::from_owner(Self { bytes, _job: job }),
            None => bytes,
        }
    }
}

impl AsRef<[u8]> for OfJob {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// What a request costs beside its body while it is waited for, in bytes: its stream and its task.
const REQUEST_BYTES: usize = 4 * 1024;

/// What a header field costs beside its text, in bytes.
const FIELD_BYTES: usize = 64;

/// Room for a body to begin with, and the most that is held because of its announcement alone.
const FIRST_BYTES: usize = 4 * 1024;

/// A peer that has sent so many bytes more does not stand still.
const MOVED_BYTES: usize = 16 * 1024;

/// After so many bytes of a body all else that is ready goes on first: copying them takes a while.
const TURN_BYTES: usize = 64 * 1024;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is larger than the limit.
    TooLarge,
    /// It ended before its end, or came too late.
    Broken,
    /// There was no memory for it.
    NoRoom,
}

impl From<NoRoom> for Unread {
    fn from(_: NoRoom) -> Self {
        Self::NoRoom
    }
}

impl Budgets {
    /// Reads a body of at most `limit` bytes for its owner. As long as the result or a part of it is
    /// kept, so is the memory held for it, and as much again for what is made of it.
    ///
    /// # Errors
    /// [`Unread`].
    pub async fn read(
        &self,
        owner: Owner,
        head: &Parts,
        body: Body,
        limit: usize,
    ) -> Result<Bytes, Unread> {
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let announced = body.size_hint().exact();
        let announced = announced.map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if announced.is_some_and(|length| length > limit) {
            return Err(Unread::TooLarge);
        }
        let expected = announced.unwrap_or(FIRST_BYTES);
        let first = expected.min(FIRST_BYTES).min(limit);
        let mut hold = self.hold(owner, cost_of(head) + 2 * first).await?;
        hold.wait_for_peer();
        let intake = Intake {
            base: cost_of(head),
            limit: announced.unwrap_or(limit),
            text: Vec::new(),
            room: first,
            hold,
        };
        intake.fill(body).await
    }
}

/// What a request's head costs, in bytes.
fn cost_of(head: &Parts) -> usize {
    let fields = head.headers.iter();
    let fields = fields.map(|(name, value)| name.as_str().len() + value.len() + FIELD_BYTES);
    let target = head
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    REQUEST_BYTES + target + fields.sum::<usize>()
}

/// A body on its way.
struct Intake {
    /// What its head costs.
    base: usize,
    limit: usize,
    text: Vec<u8>,
    /// How large the text may grow with what is held.
    room: usize,
    hold: Hold,
}

impl Intake {
    async fn fill(mut self, mut body: Body) -> Result<Bytes, Unread> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Unread::Broken)?;
            // Trailers say nothing here.
            let Ok(part) = frame.into_data() else {
                continue;
            };
            if self.text.len() + part.len() > self.limit {
                return Err(Unread::TooLarge);
            }
            // Copied, since it keeps all of what the connection read at once.
            self.make_room(part.len()).await?;
            let before = self.text.len();
            self.text.extend_from_slice(&part);
            let after = self.text.len();
            if after / MOVED_BYTES > before / MOVED_BYTES {
                self.hold.note_moved();
            }
            if after / TURN_BYTES > before / TURN_BYTES {
                tokio::task::yield_now().await;
            }
        }
        self.kept().await
    }

    /// While a buffer grows, its old and its new place are both there.
    async fn make_room(&mut self, more: usize) -> Result<(), Unread> {
        let needed = self.text.len() + more;
        if needed > self.text.capacity() {
            let doubled = self.text.capacity().saturating_mul(2);
            let wanted = needed.max(doubled).max(self.room).min(self.limit);
            let held = self.base + self.text.capacity() + wanted;
            self.hold_at_least(held).await?;
            self.text.reserve_exact(wanted - self.text.len());
            self.room = self.text.capacity();
            self.hold.shrink_to(self.base + self.room);
        }
        Ok(())
    }

    async fn hold_at_least(&mut self, bytes: usize) -> Result<(), Unread> {
        if planted::is("chunks-uncounted") {
            return Ok(());
        }
        match bytes.checked_sub(self.hold.bytes()) {
            None | Some(0) => Ok(()),
            Some(more) => Ok(self.hold.grow(more).await?),
        }
    }

    async fn kept(mut self) -> Result<Bytes, Unread> {
        self.hold.wait_for_server();
        let bytes = self.base + 2 * self.text.capacity();
        self.hold_at_least(bytes).await?;
        self.hold.shrink_to(bytes);
        Ok(Bytes::from_owner(Kept {
            bytes: self.text.into(),
            _hold: self.hold,
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::time::Duration;

    use axum::http::Request;
    use futures_util::stream;

    use super::*;
    use crate::http::budget::Limits;

    const LIMITS: Limits = Limits {
        all: 1_000_000,
        anonymous: 100_000,
        organization: 400_000,
        longest_wait: Duration::from_millis(20),
    };

    fn head() -> Parts {
        let request = Request::post("/licenses").header("accept", "*/*");
        request.body(()).unwrap().into_parts().0
    }

    /// A body of `length` bytes, each in a chunk of its own; `seen` is told what is held before it.
    fn of_chunks(budgets: &Budgets, length: usize, seen: fn(usize, usize)) -> Body {
        let budgets = budgets.clone();
        let chunks = (0..length).map(move |read| {
            seen(read, budgets.held());
            Ok::<_, Infallible>(Bytes::from_static(b"x"))
        });
        Body::from_stream(stream::iter(chunks))
    }

    async fn read(budgets: &Budgets, body: Body, limit: usize) -> Result<Bytes, Unread> {
        budgets.read(Owner::Anonymous, &head(), body, limit).await
    }

    #[tokio::test]
    async fn a_body_in_chunks_of_a_byte_is_one_buffer_and_all_of_it_is_counted() {
        let budgets = Budgets::new(LIMITS);
        let body = of_chunks(&budgets, 40_000, |read, held| {
            assert!(held >= REQUEST_BYTES + read, "{held} held for {read}");
            assert!(
                held < 2 * REQUEST_BYTES + 5 * read.max(FIRST_BYTES),
                "{held} held for {read}"
            );
        });
        let text = read(&budgets, body, 40_000).await.unwrap();
        assert_eq!(text.len(), 40_000);
        assert!(budgets.held() >= 2 * text.len(), "{}", budgets.held());
        let part = text.slice(1..2);
        drop(text);
        assert!(budgets.held() >= 80_000, "a part keeps all of it");
        drop(part);
        assert_eq!(budgets.held(), 0);
    }

    #[tokio::test]
    async fn a_body_that_finds_no_room_to_grow_is_given_up_with_all_it_held() {
        let budgets = Budgets::new(LIMITS);
        let body = of_chunks(&budgets, 90_000, |_, held| {
            assert!(held <= LIMITS.anonymous);
        });
        assert_eq!(read(&budgets, body, 90_000).await, Err(Unread::NoRoom));
        assert_eq!(budgets.held(), 0);
    }

    #[tokio::test]
    async fn a_body_beyond_its_limit_is_refused_before_it_is_read_where_it_is_announced() {
        let budgets = Budgets::new(LIMITS);
        let announced = Body::from("12345");
        assert_eq!(read(&budgets, announced, 4).await, Err(Unread::TooLarge));
        let chunks = of_chunks(&budgets, 5, |_, _| ());
        assert_eq!(read(&budgets, chunks, 4).await, Err(Unread::TooLarge));
        let chunks = of_chunks(&budgets, 4, |_, _| ());
        assert_eq!(read(&budgets, chunks, 4).await.unwrap(), "xxxx");
        assert_eq!(read(&budgets, Body::from("1234"), 4).await.unwrap(), "1234");
        assert_eq!(budgets.held(), 0);
    }
}
