//! The open feeds: which change each of them has heard of, and what wakes them.

use std::collections::HashMap;
use std::sync::Mutex;

use lictor_core::facts::organization::INSTALLATION;
use tokio::sync::watch;
use uuid::Uuid;

use super::super::long_work::Turns;
use super::super::reactions::Reactions;
use super::lock;

/// How many states of one organization's feeds are signed at a time.
const AT_ONCE: usize = 4;

/// The open feeds of one server.
pub(super) struct Subscribers {
    ticks: Mutex<Ticks>,
    /// What wakes the feeds of each organization that has any.
    wakers: Mutex<HashMap<Uuid, watch::Sender<()>>>,
    /// The turns of feeds that were woken.
    pub(super) turns: Turns,
    ended: watch::Sender<bool>,
}

/// When something changed last that nodes are to hear of.
#[derive(Default)]
struct Ticks {
    /// Moves with every such change.
    last: u64,
    /// The tick of the last one that concerns all organizations.
    all: u64,
    /// That of the last one of each organization.
    own: HashMap<Uuid, u64>,
}

impl Default for Subscribers {
    fn default() -> Self {
        Self {
            ticks: Mutex::default(),
            wakers: Mutex::default(),
            turns: Turns::new(AT_ONCE),
            ended: watch::Sender::new(false),
        }
    }
}

impl Subscribers {
    /// Moves the tick of the organization, or of all, if feeds are to hear of a write.
    pub(super) fn note(&self, reactions: &Reactions<'_>) {
        if !reactions.has_feeds() {
            return;
        }
        let mut ticks = lock(&self.ticks);
        ticks.last += 1;
        let tick = ticks.last;
        if reactions.stream == INSTALLATION {
            ticks.all = tick;
        } else {
            ticks.own.insert(reactions.stream, tick);
        }
    }

    /// The last tick that concerns an organization.
    pub(super) fn tick_of(&self, organization: Uuid) -> u64 {
        let ticks = lock(&self.ticks);
        let own = ticks.own.get(&organization).copied();
        own.unwrap_or(0).max(ticks.all)
    }

    /// Wakes those whom a write concerns.
    pub(super) fn wake(&self, reactions: &Reactions<'_>) {
        if !reactions.has_feeds() {
            return;
        }
        let mut wakers = lock(&self.wakers);
        if reactions.stream == INSTALLATION {
            wakers.retain(|_, waker| waker.send(()).is_ok());
        } else if wakers
            .get(&reactions.stream)
            .is_some_and(|waker| waker.send(()).is_err())
        {
            wakers.remove(&reactions.stream);
        }
    }

    /// Wakes at every change that some node of the organization is to hear of.
    pub(super) fn changes(&self, organization: Uuid) -> watch::Receiver<()> {
        let mut wakers = lock(&self.wakers);
        wakers.entry(organization).or_default().subscribe()
    }

    /// Turns true when the server stops.
    pub(super) fn ending(&self) -> watch::Receiver<bool> {
        self.ended.subscribe()
    }

    /// Ends all feeds.
    pub(super) fn end(&self) {
        self.ended.send_replace(true);
    }
}
