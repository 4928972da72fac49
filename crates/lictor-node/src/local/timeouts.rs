//! A connection that ends if a request takes too long to come, or an answer to be taken, but not while there is none.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::{Instant, Sleep};

/// From the first byte of a request to its last.
const REQUEST: Duration = Duration::from_secs(5);

/// From when a peer does not take all of an answer at once to when it has taken it.
const ANSWER: Duration = Duration::from_secs(60);

/// A connection, and how long it has been waited for its peer.
pub(super) struct Patient<T> {
    inner: T,
    request: Wait,
    answer: Wait,
}

impl<T> Patient<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            request: Wait::of(REQUEST),
            answer: Wait::of(ANSWER),
        }
    }

    /// What came of writing, unless it has waited for too long.
    fn in_time(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            return written;
        }
        self.answer.begin();
        self.answer.poll_end(context).map(Err)
    }
}

/// A span within which something has to end.
struct Wait {
    longest: Duration,
    /// None if nothing has begun.
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Wait {
    fn of(longest: Duration) -> Self {
        Self {
            longest,
            since: None,
            alarm: None,
        }
    }

    fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {
        self.since = None;
    }

    /// Ready when the span is over.
    fn poll_end(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let Some(since) = self.since else {
            return Poll::Pending;
        };
        let by = since + self.longest;
        let alarm = self
            .alarm
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(by)));
        if alarm.deadline() != by {
            alarm.as_mut().reset(by);
        }
        let over = alarm.as_mut().poll(context);
        over.map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl<T: Read + Unpin> Read for Patient<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if let Poll::Ready(read) = Pin::new(&mut this.inner).poll_read(context, buffer) {
            this.request.begin();
            return Poll::Ready(read);
        }
        this.request.poll_end(context).map(Err)
    }
}

impl<T: Write + Unpin> Write for Patient<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An answer: the request has come.
        self.request.end();
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.in_time(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Nothing is flushed before all of it was written.
        self.answer.end();
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.request.end();
        let written = Pin::new(&mut self.inner).poll_write_vectored(context, slices);
        self.in_time(written, context)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http_body_util::Full;
    use hyper::body::Bytes;
    use hyper::server::conn::http1;
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
    use tokio::time::{sleep, timeout};

    use super::*;

    const LENGTH: usize = 64 * 1024;

    /// The client's side, and what tells when the server's has ended.
    fn connect() -> (DuplexStream, tokio::task::JoinHandle<hyper::Result<()>>) {
        let (client, served) = duplex(4_096);
        let answer = service_fn(|_: Request<hyper::body::Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; LENGTH]))))
        });
        let io = Patient::new(TokioIo::new(served));
        let served = http1::Builder::new().serve_connection(io, answer);
        (client, tokio::spawn(served))
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_is_not_taken_in_time_ends_its_connection() {
        for drop in [0, 1, 100] {
            let (mut client, served) = connect();
            let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
            client.write_all(request).await.expect("sent");
            let taken = tokio::spawn(async move {
                let mut part = vec![0; drop];
                while client.read_exact(&mut part).await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
            });
            let begun = Instant::now();
            let ended = timeout(ANSWER * 2, served).await;
            ended.expect("in time").expect("no panic").expect_err("cut");
            assert_eq!(begun.elapsed().as_secs(), ANSWER.as_secs(), "{drop}");
            taken.abort();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_are_taken_and_pauses_between_them_are_granted() {
        let (mut client, served) = connect();
        for _ in 0..5 {
            let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
            client.write_all(request).await.expect("sent");
            let mut taken = 0;
            while taken < LENGTH {
                let mut part = [0; 2_000];
                taken += client.read(&mut part).await.expect("open");
                sleep(Duration::from_secs(1)).await;
            }
            sleep(ANSWER * 2).await;
        }
        drop(client);
        served.await.expect("no panic").expect("no error");
    }
}
