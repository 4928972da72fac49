//! The only reader of the system's clocks, and the server's line of elapsed time.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use lictor_core::elapsed::{Elapsed, Now, Reading};
use lictor_core::{Timestamp, time};
use lictor_planted as planted;
use uuid::Uuid;

/// How long it is told that the wall clock was set: a day, in seconds.
const STEP_TOLD: i64 = 86_400;

/// Where the time comes from: the system, or a test that moves it by hand.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's clocks.
    #[default]
    System,
    /// Clocks that stand still until a test moves them.
    Manual(Arc<ManualClock>),
}

/// Clocks that a test moves: the wall clock and the time since boot, in seconds.
#[derive(Debug, Default)]
pub struct ManualClock {
    wall: AtomicI64,
    boot: AtomicI64,
    boots: AtomicU64,
}

impl ManualClock {
    /// Clocks of a machine that was started when the wall clock stood at `wall`.
    pub fn at(wall: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            wall: AtomicI64::new(wall),
            boot: AtomicI64::new(0),
            boots: AtomicU64::new(1),
        })
    }

    /// Lets so many seconds pass.
    pub fn pass(&self, seconds: i64) {
        self.step(seconds);
        self.boot.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets the wall clock ahead or back by so many seconds; no time passes.
    pub fn step(&self, seconds: i64) {
        self.wall.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Starts the machine again: what its wall clock says is all that is left.
    pub fn reboot(&self) {
        self.boots.fetch_add(1, Ordering::SeqCst);
        self.boot.store(0, Ordering::SeqCst);
    }

    /// What the wall clock says, in seconds.
    pub fn wall(&self) -> Timestamp {
        self.wall.load(Ordering::SeqCst)
    }
}

impl Clock {
    /// The wall clock, in whole seconds.
    pub fn now(&self) -> Timestamp {
        self.read().wall.div_euclid(1_000)
    }

    /// What the clocks say now.
    fn read(&self) -> Reading {
        match self {
            Self::System => Reading {
                wall: wall(),
                boot: boot(),
                boot_id: *BOOT_ID,
            },
            Self::Manual(clock) => Reading {
                wall: clock.wall().saturating_mul(1_000),
                boot: clock.boot.load(Ordering::SeqCst).saturating_mul(1_000),
                boot_id: Some(Uuid::from_u128(clock.boots.load(Ordering::SeqCst).into())),
            },
        }
    }
}

/// Linux makes it up anew each time that it starts.
static BOOT_ID: LazyLock<Option<Uuid>> = LazyLock::new(|| {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    text.trim().parse().ok()
});

/// Whether the system's wall clock says a time that can be told, as in the head of an answer.
pub fn can_be_told() -> bool {
    time::is_in_calendar(wall().div_euclid(1_000))
}

/// The system's wall clock in milliseconds, whatever it was set to.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place that reads the clock"
)]
fn wall() -> i64 {
    let milliseconds = |span: Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => milliseconds(since),
        Err(before) => -milliseconds(before.duration()),
    }
}

fn boot() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let milliseconds = time.tv_nsec / 1_000_000;
    time.tv_sec
        .saturating_mul(1_000)
        .saturating_add(milliseconds)
}

/// The time that a server goes by: one line of elapsed time beside the wall clock, from its start on.
#[derive(Debug)]
pub struct Timeline {
    clock: Clock,
    /// The moment at which it was opened, which all others follow.
    start: Now,
    steps: Mutex<Steps>,
}

/// What is known of the wall clock being set.
#[derive(Debug)]
struct Steps {
    /// The moment that the next one is compared with.
    before: Now,
    count: u64,
    last: Option<Step>,
}

/// The wall clock was set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// By how many seconds; negative: back.
    pub by: i64,
    /// When it was found.
    pub at: Elapsed,
}

/// What the server says of its clocks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClockFigures {
    /// How many times the wall clock was set by more than [`STEP`](lictor_core::elapsed::STEP), that
    /// this server knows of.
    pub steps: u64,
    /// How far the wall clock is ahead of elapsed time, in seconds.
    pub ahead: i64,
}

impl Timeline {
    /// The line that goes on from what was saved of it last; none: it begins now.
    pub fn open(clock: Clock, saved: Option<Now>) -> Self {
        let reading = clock.read();
        let start = saved.map_or_else(|| Now::first(reading), |saved| saved.continued(reading));
        // Of another boot nobody knows whether its clock was set.
        let before = saved.filter(|saved| saved.is_same_boot(reading));
        let steps = Mutex::new(Steps {
            before: before.unwrap_or(start),
            count: 0,
            last: None,
        });
        Self {
            clock,
            start,
            steps,
        }
    }

    /// Looks whether the wall clock was set since the look before.
    pub fn look_for_step(&self) -> Option<Step> {
        let now = self.now();
        let mut steps = self.steps();
        let by = now.step_since(&steps.before);
        steps.before = now;
        let step = Step {
            by: by?,
            at: now.elapsed(),
        };
        steps.count += 1;
        steps.last = Some(step);
        Some(step)
    }

    /// The last time that the wall clock was set, if that was within a day.
    pub fn last_step(&self) -> Option<Step> {
        let now = self.now().elapsed();
        let last = self.steps().last;
        last.filter(|step| now.since(step.at) < STEP_TOLD)
    }

    /// What the server says of its clocks.
    pub fn figures(&self) -> ClockFigures {
        ClockFigures {
            steps: self.steps().count,
            ahead: self.now().ahead(),
        }
    }

    fn steps(&self) -> MutexGuard<'_, Steps> {
        self.steps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This moment.
    pub fn now(&self) -> Now {
        let now = self.start.after(self.clock.read());
        if planted::is("leases-by-wall-clock") {
            return Now::first(now.reading);
        }
        now
    }
}
