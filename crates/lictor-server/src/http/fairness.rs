//! Fairness between organizations on the runtime: one whose request kept a thread busy for long lets all that is ready
//! of others go first, before it goes on.

use std::collections::{HashMap, VecDeque};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;
use lictor_authority::answering;
use pin_project_lite::pin_project;
use uuid::Uuid;

/// What takes less is paid for with its turn.
const LONG: Duration = Duration::from_micros(250);

/// How many of one organization go on in a round at most, and how long a round may keep threads busy
/// before fewer do.
const MOST: usize = 64;
const ROUND: Duration = Duration::from_millis(4);

/// The organizations that let others go first.
#[derive(Default)]
pub(super) struct Fairness {
    /// How many they are, so that nobody else looks any further.
    waiting: AtomicUsize,
    lines: Mutex<HashMap<Uuid, Line>>,
}

/// What waits of one organization.
struct Line {
    waiters: VecDeque<Arc<Waiter>>,
    /// How many go on in the next round.
    pace: usize,
    /// How many of this round have not gone on yet, or still do.
    in_work: usize,
    /// How many there were in this round, and how long they kept threads busy.
    count: usize,
    took: Duration,
}

impl Line {
    fn new() -> Self {
        Self {
            waiters: VecDeque::new(),
            pace: 1,
            in_work: 0,
            count: 0,
            took: Duration::ZERO,
        }
    }

    /// As many as fit into the time of a round, if they are as those of the last; at most twice as many
    /// as there might have been.
    fn set_pace(&mut self) {
        if self.took > ROUND {
            let fit = self.count as f64 * (ROUND.as_secs_f64() / self.took.as_secs_f64());
            self.pace = (fit as usize).max(1);
        } else if self.count > 0 {
            self.pace = (self.pace * 2).min(MOST);
        }
    }
}

#[derive(Default)]
struct Waiter {
    waker: AtomicWaker,
    is_next: AtomicBool,
}

/// A place in a line, until its request has gone on or is gone.
struct Place {
    fairness: Arc<Fairness>,
    organization: Uuid,
    waiter: Arc<Waiter>,
    /// How long its request kept a thread busy.
    took: Duration,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.fairness
            .leave(self.organization, &self.waiter, self.took);
    }
}

/// Lets `answering`, which begins now, take its turn, and tells when it has ended. Whose it is, it says by
/// signing in.
pub(super) fn of<R, F>(fairness: R, now: Instant, answering: F) -> Turns<R, F>
where
    R: AsRef<Arc<Fairness>>,
    F: Future,
{
    Turns {
        answering,
        fairness,
        begins: Some(now),
        organization: None,
        place: None,
    }
}

impl Fairness {
    /// A place in the line of an organization that lets others go first.
    fn line_up(self: &Arc<Self>, organization: Uuid) -> Option<Place> {
        if self.waiting.load(Ordering::Acquire) == 0 {
            return None;
        }
        let waiter = Arc::<Waiter>::default();
        let mut lines = self.lock();
        let line = lines.get_mut(&organization)?;
        line.waiters.push_back(Arc::clone(&waiter));
        drop(lines);
        Some(Place {
            fairness: Arc::clone(self),
            organization,
            waiter,
            took: Duration::ZERO,
        })
    }

    /// An organization has kept a thread busy for long.
    fn took_long(self: &Arc<Self>, organization: Uuid) {
        let mut lines = self.lock();
        if lines.contains_key(&organization) {
            return;
        }
        lines.insert(organization, Line::new());
        self.waiting.store(lines.len(), Ordering::Release);
        drop(lines);
        self.begin_round(organization);
    }

    fn begin_round(self: &Arc<Self>, organization: Uuid) {
        // Where the runtime has ended nobody goes on.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        let fairness = Arc::clone(self);
        runtime.spawn(async move {
            // All that is ready now goes first, and what sockets have to say.
            tokio::task::yield_now().await;
            fairness.next(organization);
        });
    }

    /// Lets those who are next in an organization's line go on; if nobody waits, there is none any more.
    fn next(&self, organization: Uuid) {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&organization) else {
            return;
        };
        if line.waiters.is_empty() {
            lines.remove(&organization);
            self.waiting.store(lines.len(), Ordering::Release);
            return;
        }
        line.set_pace();
        let count = line.pace.min(line.waiters.len());
        let next: Vec<_> = line.waiters.drain(..count).collect();
        (line.in_work, line.count, line.took) = (count, count, Duration::ZERO);
        for waiter in &next {
            waiter.is_next.store(true, Ordering::Release);
        }
        drop(lines);
        for waiter in next {
            waiter.waker.wake();
        }
    }

    /// The last of a round to leave begins the next one.
    fn leave(self: &Arc<Self>, organization: Uuid, waiter: &Arc<Waiter>, took: Duration) {
        let mut lines = self.lock();
        let Some(line) = lines.get_mut(&organization) else {
            return;
        };
        if !waiter.is_next.load(Ordering::Acquire) {
            line.waiters.retain(|other| !Arc::ptr_eq(other, waiter));
            return;
        }
        line.took += took;
        line.in_work = line.in_work.saturating_sub(1);
        let is_last = line.in_work == 0;
        drop(lines);
        if is_last {
            self.begin_round(organization);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pin_project! {
    /// A request that is being answered.
    pub(super) struct Turns<R, F> {
        #[pin]
        answering: F,
        fairness: R,
        // Until it was polled: every look at the clock is felt.
        begins: Option<Instant>,
        organization: Option<Uuid>,
        place: Option<Place>,
    }
}

impl<R: AsRef<Arc<Fairness>>, F: Future> Future for Turns<R, F> {
    type Output = (F::Output, Instant);

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let fairness: &Arc<Fairness> = (*this.fairness).as_ref();
        if this.place.is_none()
            && let Some(organization) = *this.organization
        {
            *this.place = fairness.line_up(organization);
        }
        if let Some(Place { waiter, .. }) = this.place {
            waiter.waker.register(context.waker());
            if !waiter.is_next.load(Ordering::Acquire) {
                return Poll::Pending;
            }
        }
        let began = this.begins.take().unwrap_or_else(Instant::now);
        let (polled, organization) =
            answering::go_on(*this.organization, || this.answering.poll(context));
        *this.organization = organization;
        let now = Instant::now();
        let took = now.duration_since(began);
        if let Some(place) = this.place {
            place.took = took;
        } else if let Some(organization) = organization
            && took > LONG
        {
            fairness.took_long(organization);
        }
        *this.place = None;
        polled.map(|output| (output, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Server(Arc<Fairness>);

    impl AsRef<Arc<Fairness>> for Server {
        fn as_ref(&self) -> &Arc<Fairness> {
            &self.0
        }
    }

    const HEAVY: Uuid = Uuid::from_u128(1);
    const LIGHT: Uuid = Uuid::from_u128(2);

    /// Signs in, and then keeps the thread busy so many times.
    async fn work(organization: Uuid, times: usize, long: Duration) {
        answering::acts_in(organization);
        for _ in 0..times {
            tokio::task::yield_now().await;
            let began = Instant::now();
            while began.elapsed() < long {
                std::hint::spin_loop();
            }
        }
    }

    /// Lets all that is ready go on until this has ended; what waits for ever fails.
    async fn ends(task: tokio::task::JoinHandle<((), Instant)>) {
        for _ in 0..10_000 {
            if task.is_finished() {
                task.await.expect("no panic");
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("it waits for ever");
    }

    #[tokio::test]
    async fn who_keeps_a_thread_busy_lets_others_go_first() {
        const LONG: Duration = Duration::from_millis(2);
        let fairness = Arc::<Fairness>::default();
        let heavy: Vec<_> = (0..100)
            .map(|_| {
                tokio::spawn(of(
                    Server(fairness.clone()),
                    Instant::now(),
                    work(HEAVY, 2, LONG),
                ))
            })
            .collect();
        // All of them have signed in, and one has worked.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        let began = Instant::now();
        let light = tokio::spawn(of(
            Server(fairness.clone()),
            Instant::now(),
            work(LIGHT, 4, Duration::ZERO),
        ));
        ends(light).await;
        let waited = began.elapsed();
        let left = heavy.iter().filter(|one| !one.is_finished()).count();
        assert!(left > 50, "{left} are left after {waited:?}");
        for one in heavy {
            ends(one).await;
        }
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert!(fairness.lock().is_empty());
    }

    #[test]
    fn a_round_goes_on_with_as_many_as_fit_into_its_time() {
        let mut line = Line::new();
        let mut after = |took: Duration| {
            (line.count, line.took) = (line.pace, took);
            line.set_pace();
            line.pace
        };
        let short = Duration::from_micros(100);
        assert_eq!([(); 7].map(|()| after(short)), [2, 4, 8, 16, 32, 64, 64]);
        assert_eq!(after(ROUND * 2), 32, "one of 64 took long: others go on");
        assert_eq!(after(ROUND * 100), 1, "all of them take long");
    }

    #[tokio::test]
    async fn who_goes_away_keeps_nobody_waiting() {
        let fairness = Arc::<Fairness>::default();
        fairness.took_long(HEAVY);
        let gone = fairness.line_up(HEAVY);
        let next = tokio::spawn(of(
            Server(fairness.clone()),
            Instant::now(),
            work(HEAVY, 1, Duration::ZERO),
        ));
        drop(gone);
        ends(next).await;
        // Nor one whose turn it is.
        fairness.took_long(HEAVY);
        let gone = fairness.line_up(HEAVY).expect("a line");
        fairness.next(HEAVY);
        drop(gone);
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        assert_eq!(fairness.waiting.load(Ordering::Acquire), 0);
    }
}
