//! Throttling: lines of one kind beyond its share of a minute are counted instead of written, so that
//! nobody outside can fill a disk with them.

use std::collections::HashMap;
use std::fmt::{Debug, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

use super::Log;

/// How many lines of one kind are written within a minute.
const SHARE: u64 = 60;

/// The same of those that are logged only where somebody looks for something.
const SHARE_OF_DETAILS: u64 = 1_000;

/// The counts of this minute's lines, by where in the code they come from.
#[derive(Default)]
pub(super) struct LineCounts(Mutex<HashMap<Kind, Count>>);

#[derive(PartialEq, Eq, Hash, Clone)]
struct Kind {
    place: Identifier,
    /// Where libraries that do not know of places log from.
    target: Option<String>,
}

struct Count {
    lines: u64,
    message: String,
    level: Level,
    target: String,
}

/// Lines that were counted instead of written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repeated {
    /// Their level.
    pub(super) level: Level,
    /// What they came from.
    pub(super) target: String,
    /// What the first of them said, without its values.
    pub(super) message: String,
    /// How many there were.
    pub(super) times: u64,
}

impl LineCounts {
    /// Whether this event is still within its kind's share; if not, it is counted.
    fn admit(&self, event: &Event<'_>) -> bool {
        let metadata = event.metadata();
        let target = (metadata.target() == "log").then(|| field(event, "log.target"));
        let kind = Kind {
            place: metadata.callsite(),
            target: target.clone(),
        };
        let level = *metadata.level();
        let share = if level <= Level::INFO {
            SHARE
        } else {
            SHARE_OF_DETAILS
        };
        let mut counts = self.lock();
        let count = counts.entry(kind.clone()).or_insert_with(|| Count {
            lines: 0,
            message: String::new(),
            level,
            target: target.unwrap_or_else(|| metadata.target().to_owned()),
        });
        count.lines += 1;
        let lines = count.lines;
        drop(counts);
        if lines == share + 1 {
            // Values are asked for outside of the lock.
            let message = field(event, "message");
            if let Some(count) = self.lock().get_mut(&kind) {
                count.message = message;
            }
        }
        lines <= share
    }

    /// Begins a new minute: what was counted instead of written in the last one.
    pub(super) fn turn(&self) -> Vec<Repeated> {
        let counts = std::mem::take(&mut *self.lock());
        let repeated = counts.into_values().filter_map(|count| {
            let share = if count.level <= Level::INFO {
                SHARE
            } else {
                SHARE_OF_DETAILS
            };
            let times = count.lines.checked_sub(share).filter(|times| *times > 0)?;
            Some(Repeated {
                level: count.level,
                target: count.target,
                message: count.message,
                times,
            })
        });
        repeated.collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Kind, Count>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Drops lines beyond their kind's share before they are formatted.
pub(super) struct ThrottleLayer(pub(super) Arc<Log>);

impl<S: Subscriber> Layer<S> for ThrottleLayer {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        let is_admitted = self.0.kinds.admit(event);
        if !is_admitted {
            self.0.figures.merged.fetch_add(1, Ordering::Relaxed);
        }
        is_admitted
    }
}

/// A field of an event as text; empty where it has none, or one that cannot be shown.
fn field(event: &Event<'_>, name: &'static str) -> String {
    struct Found(&'static str, String);
    impl Visit for Found {
        fn record_str(&mut self, field: &Field, value: &str) {
            if field.name() == self.0 {
                value.clone_into(&mut self.1);
            }
        }
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() == self.0 && write!(self.1, "{value:?}").is_err() {
                self.1.clear();
            }
        }
    }
    let found = catch_unwind(AssertUnwindSafe(|| {
        let mut found = Found(name, String::new());
        event.record(&mut found);
        found.1
    }));
    found.unwrap_or_default()
}
