//! The log of a long-running process: written by a thread of its own from a bounded queue, so that
//! whatever happens to standard error blocks, fails and ends nothing.

mod filter;
mod line;
mod queue;
mod throttle;
mod writer;

use std::fmt;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lictor_core::exposition::{Exposition, Kind};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use self::line::Line;
use self::queue::{Entry, Queue};
use self::throttle::LineCounts;
use crate::config::LogFormat;
use crate::exit::{Failure, Outcome};

/// How long the end of the process waits until what was logged last is written.
const FAREWELL: Duration = Duration::from_secs(1);

/// The log of this process, if it has begun.
static LOG: OnceLock<Arc<Log>> = OnceLock::new();

/// What loggers and the writer thread share.
#[derive(Default)]
struct Log {
    queue: Queue,
    kinds: LineCounts,
    figures: Figures,
}

/// How many lines were not written since the start, by reason.
#[derive(Default)]
struct Figures {
    /// They could not be written, or came faster than they could be.
    lost: AtomicU64,
    /// They were of a kind of which there were too many.
    merged: AtomicU64,
}

/// Begins to log on standard error, an event a line. A panic is an event from now on.
///
/// # Errors
/// [`Failure::Usage`] for a filter that cannot be read.
pub(crate) fn begin(filter: Option<&str>, form: Option<LogFormat>) -> Outcome {
    let filter = filter::of(filter.unwrap_or("info"))?;
    let form = Line::of(form.unwrap_or_default());
    let log = Arc::new(Log::default());
    let cannot = |why: &dyn fmt::Display| Failure::Usage(format!("cannot log: {why}"));
    writer::begin(Arc::clone(&log), form, std::io::stderr()).map_err(|error| cannot(&error))?;
    let queued = {
        let log = Arc::clone(&log);
        move || line::OneLine(form, queue::Queued(Arc::clone(&log)))
    };
    let events = Registry::default()
        .with(layer(form, queued, Arc::clone(&log)))
        .with(filter)
        .with(throttle::ThrottleLayer(Arc::clone(&log)));
    tracing_subscriber::util::SubscriberInitExt::try_init(events)
        .map_err(|error| cannot(&error))?;
    if LOG.set(log).is_ok() {
        std::panic::set_hook(Box::new(note_panic));
    }
    Ok(())
}

/// Hands a text of whole lines to the log, which writes it as it is. False: there is no log.
pub(crate) fn say(text: &str) -> bool {
    let Some(log) = LOG.get() else {
        return false;
    };
    log.offer(Entry::of(text.as_bytes().to_vec()));
    true
}

/// Adds what is known of the log to a server's or a node's metrics.
pub(crate) fn write_metrics(text: &mut Exposition) {
    let figures = LOG.get().map(|log| &log.figures);
    let count = |of: fn(&Figures) -> &AtomicU64| {
        figures.map_or(0, |figures| of(figures).load(Ordering::Relaxed))
    };
    text.family(
        "lictor_log_lines_lost",
        Kind::Counter,
        "Lines of the log that could not be written, or came faster than they could be",
    )
    .sample(&[], count(|figures| &figures.lost));
    text.family(
        "lictor_log_lines_merged",
        Kind::Counter,
        "Lines of the log that were counted instead of written, as there were many of their kind",
    )
    .sample(&[], count(|figures| &figures.merged));
}

/// Flushes the log when it is dropped, if that does not take long.
pub(crate) struct FlushOnDrop;

impl Drop for FlushOnDrop {
    fn drop(&mut self) {
        if let Some(log) = LOG.get() {
            log.queue.end(FAREWELL);
        }
    }
}

impl Log {
    /// Puts an entry into the queue, or counts it as lost.
    fn offer(&self, entry: Entry) {
        if self.queue.push(entry).is_err() {
            self.lose();
        }
    }

    fn lose(&self) {
        self.figures.lost.fetch_add(1, Ordering::Relaxed);
    }
}

fn note_panic(panic: &PanicHookInfo<'_>) {
    tracing::error!("{panic}");
}

/// What makes an event a line of this form, and hands it to `writer`.
fn layer<W>(form: Line, writer: W, log: Arc<Log>) -> Box<dyn Layer<Registry> + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let layer = tracing_subscriber::fmt::layer()
        // It would say so on standard error, and panic where that fails.
        .log_internal_errors(false)
        .with_writer(writer);
    match form {
        Line::Json => Box::new(layer.json().map_event_format(|inner| PanicSafe(inner, log))),
        Line::Colored | Line::Plain => Box::new(
            layer
                .with_ansi(form == Line::Colored)
                .map_event_format(|inner| PanicSafe(inner, log)),
        ),
    }
}

/// Formats events, and counts those that cannot be formatted as lost, even if a value panics.
struct PanicSafe<F>(F, Arc<Log>);

impl<S, N, F> FormatEvent<S, N> for PanicSafe<F>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let formed = catch_unwind(AssertUnwindSafe(|| {
            self.0.format_event(context, writer, event)
        }));
        let formed = formed.unwrap_or(Err(fmt::Error));
        if formed.is_err() {
            self.1.lose();
        }
        formed
    }
}

#[cfg(test)]
mod tests;
