//! Folders that are copied and put back at random, with and without answers of the control plane: what it
//! has in the end is what was counted.

use std::collections::BTreeMap;

use lictor_core::feed::{self, SplitReason, source};
use lictor_core::record::Record;
use lictor_core::rules::node;
use lictor_core::state::State;
use uuid::Uuid;

use super::*;

const NODE: Uuid = Uuid::from_u128(7);

/// Numbers that look random, the same for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    fn one_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }
}

/// What is on the disk of a folder.
#[derive(Clone)]
struct Disk {
    epoch: Arc<str>,
    start: JournalStart,
    all: Vec<(Key, Entry)>,
}

impl Disk {
    fn of(counters: &Counters) -> Self {
        let snapshot = counters.snapshot();
        counters.note_snapshot(&snapshot);
        Self {
            epoch: snapshot.epoch,
            start: snapshot.start,
            all: snapshot.all,
        }
    }
}

struct Running {
    counters: Counters,
    disk: Disk,
    lock_location: u64,
}

#[derive(Default)]
struct World {
    control_plane: State,
    folders: Vec<Running>,
    starts: u64,
    places: u64,
    counted: u64,
    log: Vec<String>,
}

impl World {
    fn new() -> Self {
        let mut world = Self::default();
        let lock_location = world.place();
        let start =
            JournalStart::on(None, world.start_id(), Some(lock_location.to_string())).anew();
        let counters = Counters::new("00000000000000aa", "2026-11", BTreeMap::new()).started(start);
        let disk = Disk::of(&counters);
        world.folders.push(Running {
            counters,
            disk,
            lock_location,
        });
        world
    }

    fn place(&mut self) -> u64 {
        self.places += 1;
        self.places
    }

    fn start_id(&mut self) -> Uuid {
        self.starts += 1;
        Uuid::from_u128(u128::from(self.starts))
    }

    fn run(&mut self, disk: &Disk, lock_location: u64) -> Running {
        let start = JournalStart::on(
            Some(&disk.start),
            self.start_id(),
            Some(lock_location.to_string()),
        );
        let counts = disk.all.iter().cloned().collect();
        let counters = Counters::new(&disk.epoch, "2026-11", counts).started(start);
        let disk = Disk::of(&counters);
        Running {
            counters,
            disk,
            lock_location,
        }
    }

    fn restart(&mut self, at: usize, disk: &Disk, lock_location: u64) {
        self.folders[at] = self.run(disk, lock_location);
    }

    fn restart_in_place(&mut self) {
        let (disk, lock_location) = (self.folders[0].disk.clone(), self.folders[0].lock_location);
        self.restart(0, &disk, lock_location);
    }

    fn count(&mut self, at: usize, more: u64) {
        let folder = &mut self.folders[at];
        folder.counters.add(&folder.counters.counter("a"), more);
        flush(folder);
        self.counted += more;
    }

    /// A report; whether its answer comes, and whether it is on disk before the process ends.
    fn report(
        &mut self,
        at: usize,
        leaving: bool,
        answered: bool,
        settled: bool,
    ) -> Option<SplitReason> {
        let folder = &mut self.folders[at];
        let claim = folder.counters.claim().expect("on disk");
        let sent = folder.counters.unsent(99, false);
        let start = feed::NodeStart {
            id: claim.id,
            number: 1,
            answered: 0,
            epoch: claim.epoch.to_string(),
            after: claim.after,
            ended: claim.ended,
            counted: claim.counted,
            parts: claim.parts,
            copied: false,
        };
        let state = &mut self.control_plane;
        let decision = node::begin(state, NODE, "edge", &start, leaving).expect("in order");
        let Some(Record::NodeStarts {
            counting,
            apart,
            own,
            ..
        }) = decision.records.into_iter().next()
        else {
            panic!("no record");
        };
        state.node_starts.insert(NODE, counting);
        for count in &sent {
            let stored = state.usage_by_source.entry(source("edge", &count.epoch));
            let stored = stored.or_default();
            *stored = count.count.max(*stored);
        }
        self.log.push(format!(
            "{at}: {start:?} told {sent:?}: {apart:?}, {own:?}, {answered}, {settled}"
        ));
        if answered {
            folder.counters.note_reported(&sent);
            let rest = (apart.is_some() && own.is_empty()).then(|| {
                self.starts += 1;
                Arc::from(format!("{:016x}", (1 << 40) + self.starts))
            });
            let judged = folder
                .counters
                .assign(&start.epoch, EpochAssignment { own, rest });
            if judged && settled {
                folder.counters.apply_assignment();
                folder.disk = Disk::of(&folder.counters);
            }
        }
        apart
    }

    fn tell_all(&mut self, at: usize) {
        for _ in 0..4 {
            self.report(at, false, true, true);
        }
        let folder = &self.folders[at];
        assert!(folder.counters.all_reported(), "{:#?}", self.log);
    }

    fn stored(&self) -> u64 {
        self.control_plane.usage_by_source.values().sum()
    }
}

fn flush(folder: &mut Running) {
    let written = folder.counters.unjournaled();
    folder.counters.note_journaled(&written);
    folder.disk = Disk::of(&folder.counters);
}

/// One of the things that may happen to a folder.
fn happen(world: &mut World, random: &mut Random, kept: &mut Vec<(usize, Disk)>) {
    let at = random.below(world.folders.len() as u64) as usize;
    let (disk, lock_location) = (
        world.folders[at].disk.clone(),
        world.folders[at].lock_location,
    );
    match random.below(12) {
        0..4 => world.count(at, 1 + random.below(9)),
        4..6 => {
            let (answered, settled) = (random.one_in(2), random.one_in(2));
            world.report(at, false, answered, settled);
            if !settled {
                // It was killed before that was on disk, or goes on without an answer.
                let disk = world.folders[at].disk.clone();
                world.restart(at, &disk, lock_location);
            }
        }
        6..8 => world.restart(at, &disk, lock_location),
        8 => {
            // The machine was started again, or the folder moved.
            if random.one_in(2) {
                world.report(at, true, random.one_in(2), true);
            }
            let (disk, lock_location) = (world.folders[at].disk.clone(), world.place());
            world.restart(at, &disk, lock_location);
        }
        9 if world.folders.len() < 4 => {
            let lock_location = world.place();
            let copy = world.run(&disk, lock_location);
            world.folders.push(copy);
        }
        10 => kept.push((at, disk)),
        _ => {
            let of = kept.iter().rposition(|(of, _)| *of == at);
            if let Some(of) = of {
                // What was told to nobody is lost with the files.
                world.tell_all(at);
                let (_, older) = kept.remove(of);
                let lock_location = if random.one_in(2) {
                    lock_location
                } else {
                    world.place()
                };
                world.restart(at, &older, lock_location);
            }
        }
    }
}

#[test]
fn whatever_is_copied_and_put_back_each_request_counts_once() {
    for seed in 1..3_000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut world = World::new();
        let mut kept = Vec::new();
        for _ in 0..8 + random.below(30) {
            happen(&mut world, &mut random, &mut kept);
        }
        for at in 0..world.folders.len() {
            world.tell_all(at);
        }
        let (stored, counted) = (world.stored(), world.counted);
        assert_eq!(stored, counted, "seed {seed}: {:#?}", world.log);
    }
}

#[test]
fn a_control_plane_that_was_put_back_knows_a_folder_that_was_started_since() {
    let mut world = World::new();
    world.count(0, 50);
    world.report(0, false, true, true);
    let backup = world.control_plane.clone();
    for _ in 0..3 {
        world.restart_in_place();
        world.count(0, 5);
        world.tell_all(0);
    }
    world.control_plane = backup;
    world.count(0, 1);
    // The answer is lost, so that nobody knows what became of the counts.
    assert_eq!(world.report(0, false, false, false), None);
    assert_eq!(world.report(0, false, true, true), None);
    world.folders[0].counters.report_all_again();
    world.tell_all(0);
    assert_eq!(world.stored(), 66, "{:#?}", world.log);
    assert_eq!(world.control_plane.usage_by_source.len(), 1);
}

#[test]
fn a_start_whose_answer_was_lost_is_known_however_many_follow_it() {
    let mut world = World::new();
    world.count(0, 50);
    world.report(0, false, true, true);
    world.restart_in_place();
    world.count(0, 5);
    assert_eq!(world.report(0, false, false, false), None);
    for _ in 0..40 {
        world.restart_in_place();
        world.count(0, 1);
    }
    assert_eq!(world.report(0, false, true, true), None);
    world.tell_all(0);
    assert_eq!(world.stored(), 95, "{:#?}", world.log);
    assert_eq!(world.control_plane.usage_by_source.len(), 1);
}

#[test]
fn a_journal_names_no_more_starts_than_have_their_place() {
    let mut world = World::new();
    for _ in 0..100 {
        world.restart_in_place();
        world.tell_all(0);
    }
    for _ in 0..200 {
        world.restart_in_place();
    }
    let claim = world.folders[0].counters.claim().expect("on disk");
    assert_eq!((claim.after.len(), claim.parts.len()), (64, 33));
}
