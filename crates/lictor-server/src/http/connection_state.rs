//! What the stream, the requests and the deadlines of one connection tell each other.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lictor_planted as planted;
use tokio::time::Instant;

use super::connection_slots::{CountedStreams, StreamLimit, StreamLimits};
use super::framing::Reading;
use super::outgoing::Outgoing;
use super::traffic::{Connections, Cut};
use crate::standing::Standing;

/// The state of one connection.
///
/// HTTP/2 answers requests on other threads than the connection's, so these are atomics. They order no other
/// memory: `Relaxed` everywhere.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    /// 0 before the first byte, 1 when settled, `2 + n` in the middle of the n-th head.
    reading: AtomicU64,
    ambiguous_from: AtomicU64,
    begun: AtomicU64,
    ended: AtomicU64,
    /// How many requests had begun with the last that is answered while its peer listens.
    while_listening: AtomicU64,
    /// How many requests had begun when the peer was seen to have closed its side, if it was.
    left_at: AtomicU64,
    /// How often the socket took no more, and took all after that: odd while something waits.
    blocks: AtomicU64,
    written: AtomicU64,
    /// The bytes of answers over HTTP/2, all streams together.
    pub(crate) outgoing: Outgoing,
    traffic: Option<Arc<Connections>>,
    ends_by_reset: AtomicBool,
    pub(crate) standing: Arc<Standing>,
    opened: Instant,
    /// Milliseconds from then to the end of the last request, of those before somebody signed in.
    last_end: AtomicU64,
    /// Streams of HTTP/2 in work.
    in_work: AtomicUsize,
    /// The most of them that there were at once before somebody signed in, less those that are not
    /// counted.
    crowding: AtomicUsize,
    counted_streams: Mutex<Option<CountedStreams>>,
    refused: AtomicUsize,
}

/// Streams of one connection that are not counted toward a limit.
const STREAMS_UNCOUNTED: usize = 4;

/// Streams that are refused before their connection is closed.
const MOST_REFUSED: usize = 16;

const UNTOUCHED: u64 = 0;
const SETTLED: u64 = 1;
const FIRST_HEAD: u64 = 2;

/// A request from its head to the last byte of its answer.
#[derive(Debug)]
pub(crate) struct InFlight {
    state: Arc<ConnectionState>,
    /// Over HTTP/2, until its answer has begun.
    in_work: Option<InWork>,
}

/// A stream of HTTP/2 from its head to the last byte that is taken of its answer, or given up.
#[derive(Debug)]
pub(crate) struct InWork {
    state: Arc<ConnectionState>,
    /// Of who has signed in, beyond those that are not counted.
    place: Option<CountedStreams>,
}

impl ConnectionState {
    /// About a connection of this traffic, if that is counted.
    pub(crate) fn new(traffic: Option<Arc<Connections>>) -> Self {
        Self {
            reading: AtomicU64::new(UNTOUCHED),
            ambiguous_from: AtomicU64::new(u64::MAX),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            while_listening: AtomicU64::new(0),
            left_at: AtomicU64::new(0),
            blocks: AtomicU64::new(0),
            written: AtomicU64::new(0),
            outgoing: Outgoing::default(),
            traffic,
            ends_by_reset: AtomicBool::new(false),
            standing: Arc::default(),
            opened: Instant::now(),
            last_end: AtomicU64::new(0),
            in_work: AtomicUsize::new(0),
            crowding: AtomicUsize::new(0),
            counted_streams: Mutex::new(None),
            refused: AtomicUsize::new(0),
        }
    }

    /// Begins a request, and says whether its framing can be trusted.
    pub(crate) fn begin(self: &Arc<Self>) -> (InFlight, bool) {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        let trusted = number < self.ambiguous_from.load(Ordering::Relaxed)
            || planted::is("framing-unchecked");
        let in_flight = InFlight {
            state: Arc::clone(self),
            in_work: None,
        };
        (in_flight, trusted)
    }

    /// Begins a request on a stream of HTTP/2. `None` if it is one too many.
    pub(crate) fn begin_stream(
        self: &Arc<Self>,
        stream_limits: &StreamLimits,
    ) -> Option<(InFlight, bool)> {
        let before = self.in_work.fetch_add(1, Ordering::Relaxed);
        let mut in_work = InWork {
            state: Arc::clone(self),
            place: None,
        };
        if self.standing.has_signed_in() {
            if self.crowding() > 0 {
                self.crowding.store(0, Ordering::Relaxed);
                *self.lock_counted_streams() = None;
            }
            if before >= STREAMS_UNCOUNTED {
                let mut place = CountedStreams::of(&stream_limits.signed_in);
                in_work.place = Some(place.grow().then_some(place)?);
            }
        } else if !self.finds_room(before, &stream_limits.anonymous) {
            self.refused.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        let (mut in_flight, trusted) = self.begin();
        in_flight.in_work = Some(in_work);
        Some((in_flight, trusted))
    }

    /// Whether there is room for one more stream of somebody who has not signed in, beside so many.
    /// The library keeps its room for as many streams as there ever were at once, so it is those that
    /// count, to the end of the connection or until somebody signs in.
    fn finds_room(&self, in_work: usize, limit: &Arc<StreamLimit>) -> bool {
        let crowding = self.crowding();
        if in_work < STREAMS_UNCOUNTED + crowding {
            return true;
        }
        let mut own = self.lock_counted_streams();
        let has_grown = own.get_or_insert_with(|| CountedStreams::of(limit)).grow();
        if has_grown {
            self.crowding.store(crowding + 1, Ordering::Relaxed);
        }
        has_grown
    }

    fn lock_counted_streams(&self) -> MutexGuard<'_, Option<CountedStreams>> {
        self.counted_streams
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether so many of its streams were refused that it is better closed.
    pub(crate) fn is_crowding_others(&self) -> bool {
        self.refused.load(Ordering::Relaxed) >= MOST_REFUSED
    }

    /// When the connection was accepted.
    pub(crate) fn opened(&self) -> Instant {
        self.opened
    }

    /// When its last request ended; later ones do not count once somebody signed in.
    pub(crate) fn idle_since(&self) -> Instant {
        self.opened + Duration::from_millis(self.last_end.load(Ordering::Relaxed))
    }

    /// How many of its streams count toward a limit.
    pub(crate) fn crowding(&self) -> usize {
        self.crowding.load(Ordering::Relaxed)
    }

    /// No byte came yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.reading.load(Ordering::Relaxed) == UNTOUCHED
    }

    /// The number of the head that is being read, if one is.
    pub(crate) fn head(&self) -> Option<u64> {
        self.reading.load(Ordering::Relaxed).checked_sub(FIRST_HEAD)
    }

    /// Requests begun so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Whether a request is in flight.
    pub(crate) fn is_busy(&self) -> bool {
        self.ended.load(Ordering::Relaxed) != self.begun.load(Ordering::Relaxed)
    }

    /// Whether the request in flight is answered only while its peer listens.
    pub(crate) fn is_while_listening(&self) -> bool {
        let number = self.while_listening.load(Ordering::Relaxed);
        number != 0 && number == self.begun() && self.is_busy()
    }

    /// A number that is the same for as long as the socket has not taken all it was given. `None` if
    /// it has.
    pub(crate) fn blocked(&self) -> Option<u64> {
        let blocks = self.blocks.load(Ordering::Relaxed);
        (blocks % 2 == 1).then_some(blocks)
    }

    /// Bytes that the socket took so far.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Whether the peer has closed its side before the request in flight was answered.
    pub(crate) fn has_left(&self) -> bool {
        let number = self.left_at.load(Ordering::Relaxed);
        number != 0 && number == self.begun() && self.is_busy()
    }

    /// Whether nothing more is to reach the peer.
    pub(crate) fn ends_by_reset(&self) -> bool {
        self.ends_by_reset.load(Ordering::Relaxed)
    }

    /// Counts that the connection, or a stream of it, is cut off.
    pub(crate) fn note_cut(&self, cut: Cut) {
        if cut.is_by_reset() {
            self.ends_by_reset.store(true, Ordering::Relaxed);
        }
        if let Some(traffic) = &self.traffic {
            traffic.note_cut(cut);
        }
    }

    pub(crate) fn note_reading(&self, reading: Reading) {
        let state = match reading {
            Reading::Settled => SETTLED,
            Reading::InHead(number) => FIRST_HEAD + number,
            Reading::Ambiguous(from) => {
                self.ambiguous_from.store(from, Ordering::Relaxed);
                SETTLED
            }
            Reading::Flooded => SETTLED,
        };
        self.reading.store(state, Ordering::Relaxed);
    }

    pub(crate) fn note_left(&self) {
        self.left_at.store(self.begun(), Ordering::Relaxed);
    }

    // Only the connection's own task writes, and so notes what is written.

    pub(crate) fn note_written(&self, bytes: usize) {
        let written = self.written().wrapping_add(bytes as u64);
        self.written.store(written, Ordering::Relaxed);
    }

    pub(crate) fn note_blocked(&self) {
        let blocks = self.blocks.load(Ordering::Relaxed);
        self.blocks.store(blocks | 1, Ordering::Relaxed);
    }

    pub(crate) fn note_flushed(&self) {
        let blocks = self.blocks.load(Ordering::Relaxed);
        if blocks % 2 == 1 {
            self.blocks.store(blocks + 1, Ordering::Relaxed);
        }
    }
}

impl InFlight {
    /// The state of its connection.
    pub(crate) fn state(&self) -> Arc<ConnectionState> {
        Arc::clone(&self.state)
    }

    /// What its answer goes on to keep.
    pub(crate) fn take_in_work(&mut self) -> Option<InWork> {
        self.in_work.take()
    }

    /// Notes that this request, the last that began, is answered only while its peer listens.
    pub(crate) fn note_while_listening(&self) {
        let number = self.state.begun();
        self.state.while_listening.store(number, Ordering::Relaxed);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let state = &self.state;
        state.ended.fetch_add(1, Ordering::Relaxed);
        if !state.standing.has_signed_in() {
            let since = u64::try_from(state.opened.elapsed().as_millis());
            state
                .last_end
                .store(since.unwrap_or(u64::MAX), Ordering::Relaxed);
        }
    }
}

impl Drop for InWork {
    fn drop(&mut self) {
        self.state.in_work.fetch_sub(1, Ordering::Relaxed);
    }
}
