//! Timeouts of a local connection: for reading a request and for writing an answer, but not while it is idle.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::time::{Instant, Sleep};

/// The timeout from the first byte of a request to its last.
const REQUEST: Duration = Duration::from_secs(5);

/// The timeout from when a peer stops taking an answer to when it has taken all of it.
const ANSWER: Duration = Duration::from_secs(60);

/// A connection with timeouts.
pub(super) struct TimeoutIo<T> {
    inner: T,
    request: Deadline,
    response: Deadline,
}

impl<T> TimeoutIo<T> {
    pub(super) fn new(inner: T) -> Self {
        Self {
            inner,
            request: Deadline::of(REQUEST),
            response: Deadline::of(ANSWER),
        }
    }

    /// The result of a write, or an error if the write has taken too long.
    fn with_timeout(
        &mut self,
        written: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        if written.is_ready() {
            return written;
        }
        self.response.begin();
        self.response.poll_end(context).map(Err)
    }
}

/// A time limit for something that may begin and end several times.
struct Deadline {
    longest: Duration,
    /// `None` if nothing has begun.
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
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

    /// Ready when the time limit has passed.
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

impl<T: Read + Unpin> Read for TimeoutIo<T> {
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

impl<T: Write + Unpin> Write for TimeoutIo<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        // An answer means that the request has been read.
        self.request.end();
        let written = Pin::new(&mut self.inner).poll_write(context, bytes);
        self.with_timeout(written, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A flush means that all of the answer was written.
        self.response.end();
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
        self.with_timeout(written, context)
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

    /// The client's side, and a handle that ends with the server's side.
    fn connect() -> (DuplexStream, tokio::task::JoinHandle<hyper::Result<()>>) {
        let (client, served) = duplex(4_096);
        let answer = service_fn(|_: Request<hyper::body::Incoming>| async {
            Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(vec![b'x'; LENGTH]))))
        });
        let io = TimeoutIo::new(TokioIo::new(served));
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
