//! The only reader of clocks: the wall clock, and the time since boot, which counts suspended time
//! too. What is made of them is in `trusted`.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use lictor_core::time;
use uuid::Uuid;

/// Where the time comes from: the system, or a test that moves it by hand.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The system's clocks.
    #[default]
    System,
    /// Clocks that a test moves.
    Manual(Arc<ManualClock>),
}

/// Clocks that a test moves, both in milliseconds.
#[derive(Debug, Default)]
pub struct ManualClock {
    /// The wall clock, since 1970.
    pub wall: AtomicI64,
    /// The time since boot.
    pub boot: AtomicI64,
    /// Which boot it is; 0: nobody knows.
    pub boots: AtomicU64,
}

impl ManualClock {
    /// Lets so many milliseconds pass.
    pub fn pass(&self, milliseconds: i64) {
        self.wall.fetch_add(milliseconds, Ordering::SeqCst);
        self.boot.fetch_add(milliseconds, Ordering::SeqCst);
    }
}

/// What both clocks say at one moment, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Readings {
    /// The wall clock, since 1970. Nobody vouches for it.
    pub wall: i64,
    /// The time since boot. It never goes back while the machine is up.
    pub boot: i64,
    /// The boot. `None` if nobody knows.
    pub boot_id: Option<Uuid>,
}

/// Whether the system's wall clock shows a time that can be written as a date, as in response headers.
pub(crate) fn can_be_told() -> bool {
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

impl Clock {
    /// What the clocks say now.
    pub(crate) fn read(&self) -> Readings {
        match self {
            Self::System => Readings {
                wall: wall(),
                boot: boot(),
                boot_id: *BOOT_ID,
            },
            Self::Manual(clock) => Readings {
                wall: clock.wall.load(Ordering::SeqCst),
                boot: clock.boot.load(Ordering::SeqCst),
                boot_id: match clock.boots.load(Ordering::SeqCst) {
                    0 => None,
                    boots => Some(Uuid::from_u128(boots.into())),
                },
            },
        }
    }
}

/// Linux generates it at each boot.
static BOOT_ID: LazyLock<Option<Uuid>> = LazyLock::new(|| {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    text.trim().parse().ok()
});

fn boot() -> i64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let milliseconds = time.tv_nsec / 1_000_000;
    time.tv_sec
        .saturating_mul(1_000)
        .saturating_add(milliseconds)
}
