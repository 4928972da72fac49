//! The log as a whole, with a standard error that does what the test says.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use tracing::Dispatch;

use super::*;

/// What the standard error of a test does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Works,
    /// It takes three bytes of a line, and then is full.
    IsFull,
    /// It waits for the test.
    Blocks,
}

struct Out {
    state: State,
    lines: Vec<u8>,
}

/// A standard error, and the far end of it.
struct Pipe(Arc<Mutex<Out>>, Receiver<()>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let state = self.0.lock().unwrap_or_else(PoisonError::into_inner).state;
        if state == State::Blocks {
            // It fails when the test has ended.
            let _ = self.1.recv();
        }
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state == State::IsFull {
            let room = bytes.len().min(3);
            if out.lines.ends_with(b"!") || room < 3 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            out.lines.extend_from_slice(&bytes[..2]);
            out.lines.push(b'!');
            return Ok(room);
        }
        out.lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Logged {
    log: Arc<Log>,
    events: Dispatch,
    out: Arc<Mutex<Out>>,
    go_on: Sender<()>,
}

impl Logged {
    fn new(state: State) -> Self {
        let log = Arc::new(Log::default());
        let lines = Vec::new();
        let out = Arc::new(Mutex::new(Out { state, lines }));
        let (go_on, waits) = channel();
        let pipe = Pipe(Arc::clone(&out), waits);
        writer::begin(Arc::clone(&log), Line::Plain, pipe).unwrap();
        let queued = {
            let log = Arc::clone(&log);
            move || line::OneLine(Line::Plain, queue::Queued(Arc::clone(&log)))
        };
        let events = Registry::default()
            .with(layer(Line::Plain, queued, Arc::clone(&log)))
            .with(throttle::ThrottleLayer(Arc::clone(&log)));
        Self {
            log,
            events: Dispatch::new(events),
            out,
            go_on,
        }
    }

    fn with(&self, say: impl FnOnce()) {
        tracing::dispatcher::with_default(&self.events, say);
    }

    fn lost(&self) -> u64 {
        self.log.figures.lost.load(Ordering::Relaxed)
    }

    fn merged(&self) -> u64 {
        self.log.figures.merged.load(Ordering::Relaxed)
    }

    /// Waits until nothing is to be written any more.
    fn settle(&self) {
        while !self.log.queue.is_idle() {
            std::thread::yield_now();
        }
    }

    fn set(&self, state: State) {
        self.out.lock().unwrap().state = state;
    }

    fn end(self) -> String {
        self.log.queue.end(Duration::from_secs(60));
        String::from_utf8(self.out.lock().unwrap().lines.clone()).unwrap()
    }
}

#[test]
fn what_a_full_disk_took_is_counted_and_told_when_there_is_room() {
    let logged = Logged::new(State::IsFull);
    for _ in 0..5 {
        logged.with(|| tracing::error!("it went wrong"));
    }
    logged.settle();
    assert_eq!(logged.lost(), 5);
    logged.set(State::Works);
    logged.with(|| tracing::info!("all is well"));
    let text = logged.end();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert!(
        lines[0].ends_with('!'),
        "what was cut off has a line of its own: {text}"
    );
    assert!(lines[1].contains("all is well"), "{text}");
    assert!(
        lines[2].contains("lost: they could not be written"),
        "{text}"
    );
    assert!(lines[2].ends_with("lost=5"), "{text}");
}

#[test]
fn whoever_logs_waits_for_nobody_and_the_queue_has_an_end() {
    let logged = Logged::new(State::Blocks);
    let long = "x".repeat(1_000);
    let mut said = 0_u64;
    while logged.lost() == 0 {
        logged.log.offer(Entry::of(long.clone().into_bytes()));
        said += 1;
        assert!(said < 100_000, "it grows without end");
    }
    logged.set(State::Works);
    logged.go_on.send(()).unwrap();
    let (log, text) = (Arc::clone(&logged.log), logged.end());
    assert_eq!(log.figures.lost.load(Ordering::Relaxed), 1);
    assert!(text.ends_with("lost=1\n"), "{}", &text[text.len() - 200..]);
}

#[test]
fn lines_of_one_kind_are_merged_and_told_with_their_number() {
    let logged = Logged::new(State::Works);
    for number in 0..10_000 {
        logged.with(|| tracing::warn!(number, "a stranger knocks"));
        if number % 1_000 == 0 {
            logged.with(|| tracing::error!("another kind"));
        }
    }
    assert_eq!(logged.merged(), 10_000 - 60);
    let text = logged.end();
    assert_eq!(text.matches("a stranger knocks number=").count(), 60);
    assert_eq!(text.matches("another kind").count(), 10);
    let told: Vec<_> = text
        .lines()
        .filter(|line| line.contains("repeated"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    let words = "WARN lictor::log: repeated 9940 times: a stranger knocks of=";
    assert!(told[0].contains(words), "{told:?}");
}

#[test]
fn a_new_minute_gives_each_kind_its_share_again() {
    let logged = Logged::new(State::Works);
    let knock = || tracing::warn!("a stranger knocks");
    for _ in 0..100 {
        logged.with(knock);
    }
    let repeated = logged.log.kinds.turn();
    assert_eq!(repeated.len(), 1, "{repeated:?}");
    assert_eq!(
        (repeated[0].times, &*repeated[0].message),
        (40, "a stranger knocks")
    );
    assert_eq!(logged.log.kinds.turn(), []);
    logged.with(knock);
    let text = logged.end();
    assert_eq!(text.matches("knocks").count(), 61);
}

#[test]
fn a_value_that_panics_costs_its_line_and_nothing_else() {
    struct Bad;
    impl fmt::Display for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("shown")
        }
    }
    impl fmt::Debug for Bad {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    let logged = Logged::new(State::Works);
    logged.with(|| tracing::error!(value = %Bad, "a value that panics"));
    logged.with(|| tracing::error!("{Bad}"));
    logged.with(|| tracing::error!(value = ?Bad, "a value that cannot be shown"));
    logged.with(|| tracing::error!("the next line"));
    assert_eq!(logged.lost(), 3);
    assert!(logged.end().contains("the next line"));
}
