//! The thread that writes the log: what waits in the queue, what was merged at the end of each minute,
//! and how many lines were lost once it can.

use std::io::{self, ErrorKind, Write};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::{Dispatch, Level};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

use super::line::{Line, OneLine};
use super::queue::Pause;
use super::throttle::Repeated;
use super::{Log, layer};

/// How long lines of one kind are counted together.
const MINUTE: Duration = Duration::from_secs(60);

/// Where events of the log itself come from.
const OWN: &str = "lictor::log";

/// How long a standard error that takes nothing just now is left alone.
const REST: Duration = Duration::from_millis(10);

/// Lets a thread write to `out`.
///
/// # Errors
/// Another thread cannot be started.
pub(super) fn begin(log: Arc<Log>, form: Line, out: impl Write + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name("log".to_owned());
    thread.spawn(move || Writer::new(log, form, out).run())?;
    Ok(())
}

/// The writer's own lines.
type Own = Arc<Mutex<Vec<u8>>>;

struct Writer<W> {
    log: Arc<Log>,
    out: W,
    own: Own,
    events: Dispatch,
    /// How many lost lines have been reported.
    told: u64,
    /// A line was written in part.
    is_torn: bool,
}

impl<W: Write> Writer<W> {
    fn new(log: Arc<Log>, form: Line, out: W) -> Self {
        let own = Own::default();
        let lines = {
            let own = Arc::clone(&own);
            move || OneLine(form, Appended(Arc::clone(&own)))
        };
        // It asks for nothing else, so that no event costs more for its being here.
        let own_alone = Targets::new().with_target(OWN, Level::INFO);
        let events = Registry::default().with(layer(form, lines, Arc::clone(&log)));
        let events = events.with(own_alone);
        Self {
            log,
            out,
            own,
            events: Dispatch::new(events),
            told: 0,
            is_torn: false,
        }
    }

    fn run(mut self) {
        let mut minute = Instant::now() + MINUTE;
        loop {
            match self.log.queue.next(minute) {
                Ok(entry) => {
                    self.write(entry.text());
                    // Those that found no room are told once there is room again.
                    if self.log.queue.is_empty() {
                        self.tell_losses();
                    }
                }
                Err(Pause::Late) => {
                    self.tell_repeated();
                    self.tell_losses();
                    minute = Instant::now() + MINUTE;
                }
                Err(Pause::Ended) => break,
            }
        }
        self.tell_repeated();
        self.tell_losses();
        self.log.queue.set_done();
    }

    /// Writes a line, or counts it as lost.
    fn write(&mut self, line: &[u8]) {
        if self.try_to_write(line).is_err() {
            self.log.lose();
        }
    }

    fn tell_repeated(&mut self) {
        for repeated in self.log.kinds.turn() {
            let line = self.line(|| say_repeated(&repeated));
            self.write(&line);
        }
    }

    fn tell_losses(&mut self) {
        let lost = self.log.figures.lost.load(Ordering::Relaxed);
        let untold = lost.saturating_sub(self.told);
        if untold == 0 {
            return;
        }
        let line = self.line(|| {
            tracing::warn!(
                target: OWN,
                lost = untold,
                "lines of the log were lost: they could not be written, or came faster than they \
                 could be"
            );
        });
        // Where it fails, it is told later.
        if self.try_to_write(&line).is_ok() {
            self.told = lost;
        }
    }

    /// What is logged in `say`, as a line.
    fn line(&self, say: impl FnOnce()) -> Vec<u8> {
        tracing::dispatcher::with_default(&self.events, say);
        std::mem::take(&mut *self.own.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn try_to_write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.is_torn {
            self.put(b"\n")?;
            self.is_torn = false;
        }
        self.put(line)
    }

    fn put(&mut self, mut rest: &[u8]) -> io::Result<()> {
        let mut is_begun = false;
        while !rest.is_empty() {
            match self.out.write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    rest = &rest[written..];
                    is_begun = true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // Somebody else has made it one that does not block.
                    thread::sleep(REST);
                }
                Err(error) => {
                    self.is_torn |= is_begun;
                    return Err(error);
                }
            }
        }
        Ok(())
    }
}

fn say_repeated(repeated: &Repeated) {
    let Repeated {
        level,
        target,
        message,
        times,
    } = repeated;
    match *level {
        Level::ERROR => {
            tracing::error!(target: OWN, of = target, "repeated {times} times: {message}");
        }
        Level::WARN => {
            tracing::warn!(target: OWN, of = target, "repeated {times} times: {message}");
        }
        _ => {
            tracing::info!(target: OWN, of = target, "repeated {times} times: {message}");
        }
    }
}

/// Adds lines to those that are to be written.
struct Appended(Own);

impl Write for Appended {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
