//! The journal: what was acknowledged is read again, a torn end is cut off, and damage begins a new
//! epoch.

use std::fs;

use super::*;
use crate::counters::Counters;
use crate::counters::flush::flush;
use crate::folder::with_advice;

const EPOCH: &str = "00000000000000aa";

struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn journal(&self) -> Journal {
        Journal::new(Arc::new(Folder::open(self.0.path()).expect("the folder")))
    }

    fn bytes(&self) -> Vec<u8> {
        fs::read(self.0.path().join(JOURNAL)).expect("there")
    }
}

fn key(service: &str) -> Key {
    Key {
        epoch: Arc::from(EPOCH),
        month: Arc::from("2026-11"),
        service: Arc::from(service),
    }
}

fn entry(count: u64) -> Entry {
    Entry {
        count,
        as_other: false,
    }
}

/// A journal of three flushes.
fn three() -> (Disk, Journal) {
    let disk = Disk::new();
    let mut journal = disk.journal();
    let counters = Counters::new(EPOCH, "2026-11", BTreeMap::new());
    for count in 1..=3 {
        counters.add(&counters.counter("a"), count);
        counters.add(&counters.counter("b\"ü"), 1);
        assert!(flush(&counters, &mut journal).expect("written"));
        assert!(!flush(&counters, &mut journal).expect("nothing to write"));
    }
    (disk, journal)
}

#[test]
fn what_was_written_is_read_again() {
    let (disk, _journal) = three();
    let found = read(&disk.bytes());
    assert_eq!(found.epoch.as_deref(), Some(EPOCH));
    let expected = BTreeMap::from([(key("a"), entry(6)), (key("b\"ü"), entry(3))]);
    assert_eq!((found.counts, found.damaged), (expected, false));
    assert!(read(b"").damaged);
}

#[test]
fn a_torn_end_is_cut_off() {
    let (disk, _journal) = three();
    let bytes = disk.bytes();
    let first = bytes
        .iter()
        .position(|byte| *byte == b'\n')
        .expect("a line");
    for at in first..=bytes.len() {
        let found = read(&bytes[..at]);
        assert!(!found.damaged, "cut at {at}");
        assert_eq!(found.epoch.as_deref(), Some(EPOCH));
        // A line counts as soon as it is whole.
        let snapshot = bytes[..at].iter().filter(|byte| **byte == b'\n').count();
        let least = [0, 0, 1, 3, 6][snapshot];
        let a = found.counts.get(&key("a")).map_or(0, |entry| entry.count);
        assert!(a >= least, "cut at {at}: {a}");
    }
    for at in 1..first {
        assert!(read(&bytes[..at]).damaged, "the first line is never torn");
    }
}

fn own(service: &str, start: u128) -> Key {
    Key {
        epoch: epoch_of(uuid::Uuid::from_u128(start)).into(),
        ..key(service)
    }
}

#[test]
fn what_an_earlier_version_counted_for_a_start_in_its_epoch_is_its_own() {
    let lines = [
        r#"{"epoch":"00000000000000aa","start":{"id":"00000000-0000-0000-0000-0000000000ff","after":["00000000-0000-0000-0000-000000000001"],"ended":true,"pending":true}}"#,
        r#"{"epoch":"00000000000000aa","base":[["a","2026-11",50]]}"#,
        r#"{"epoch":"00000000000000aa","counts":[["a","2026-11",80],["b","2026-11",3]]}"#,
    ];
    let text = lines.map(|json| format!("{}{json}\n", checksum(json)));
    let found = read(text.concat().as_bytes());
    let expected = BTreeMap::from([
        (key("a"), entry(50)),
        (key("b"), entry(0)),
        (own("a", 0xff), entry(30)),
        (own("b", 0xff), entry(3)),
    ]);
    assert_eq!((found.counts, found.damaged), (expected, false));
}

#[test]
fn an_earlier_version_is_told_what_the_epoch_held_when_a_start_began() {
    let disk = Disk::new();
    let mut journal = disk.journal();
    let before = JournalStart {
        id: uuid::Uuid::from_u128(1),
        ..JournalStart::default()
    };
    let start = JournalStart::on(Some(&before), uuid::Uuid::from_u128(2), None);
    let counts = BTreeMap::from([(key("a"), entry(6))]);
    let counters = Counters::new(EPOCH, "2026-11", counts).started(start);
    for _ in 0..2 {
        counters.add(&counters.counter("a"), 4);
        flush(&counters, &mut journal).expect("written");
    }
    let found = read(&disk.bytes());
    assert_eq!(found.base, BTreeMap::from([(key("a"), 6)]));
    let expected = BTreeMap::from([(key("a"), entry(6)), (own("a", 2), entry(8))]);
    assert_eq!(found.counts, expected);
}

#[test]
fn damage_keeps_what_can_be_read_and_ends_the_epoch() {
    let (disk, _journal) = three();
    let bytes = disk.bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[at] ^= 1 << bit;
            let found = read(&changed);
            if found.epoch.is_some() {
                let all = BTreeMap::from([(key("a"), entry(6)), (key("b\"ü"), entry(3))]);
                assert_eq!(found.counts, all, "byte {at}, bit {bit}");
            } else {
                assert!(found.damaged, "byte {at}, bit {bit}");
                assert!(
                    found
                        .counts
                        .get(&key("a"))
                        .is_none_or(|entry| entry.count <= 6)
                );
            }
        }
    }
}

#[test]
fn a_journal_is_written_anew_after_a_failure_and_when_it_is_long() {
    let disk = Disk::new();
    let mut journal = disk.journal();
    let counters = Counters::new(EPOCH, "2026-11", BTreeMap::new());
    let hindrance = disk.0.path().join(crate::folder::beside(JOURNAL));
    fs::create_dir(&hindrance).expect("a folder in the way");
    counters.add(&counters.counter("a"), 7);
    assert!(flush(&counters, &mut journal).is_err());
    assert_eq!(counters.unsent(9, false), [], "it is on no disk");
    fs::remove_dir(hindrance).expect("there");
    assert!(flush(&counters, &mut journal).expect("written"));
    assert_eq!(counters.unsent(9, false)[0].count, 7);
    let mut longest = 0;
    for _ in 0..30_000 {
        counters.add(&counters.counter("a"), 1);
        let changed = counters.unjournaled();
        // As a flush does, without waiting for the disk.
        journal.length += lines(&changed).expect("a text").len() as u64;
        longest = longest.max(journal.length);
        if journal.is_due() {
            flush(&counters, &mut journal).expect("written");
        }
    }
    assert!((LONG..LONG + 200).contains(&longest), "{longest}");
    assert!(disk.bytes().len() < 300);
    flush(&counters, &mut journal).expect("written");
    assert_eq!(read(&disk.bytes()).counts[&key("a")], entry(30_007));
}

#[test]
fn a_new_epoch_goes_on_beside_the_old() {
    let (disk, mut journal) = three();
    let old = read(&disk.bytes()).counts;
    let counters = Counters::new("00000000000000bb", "2026-11", old);
    let epoch: Arc<str> = Arc::from("00000000000000bb");
    counters.add(&counters.counter("a"), 2);
    let snapshot = counters.snapshot();
    journal.rewrite(&snapshot).expect("written");
    let found = read(&disk.bytes());
    assert_eq!(found.epoch, Some(Arc::clone(&epoch)));
    assert_eq!(found.counts[&key("a")], entry(6));
    assert_eq!(found.counts[&Key { epoch, ..key("a") }], entry(2));
    assert_eq!(counters.totals().unsent, 2);
    counters.note_snapshot(&snapshot);
    assert_eq!(counters.totals().this_month["a"], 8);
}

#[test]
fn what_is_told_among_the_others_stays_so_over_a_restart_and_a_torn_end() {
    let (disk, mut journal) = three();
    let counters = Counters::new(EPOCH, "2026-11", read(&disk.bytes()).counts);
    let told = |counters: &Counters| -> Vec<(String, u64)> {
        let told = counters.unsent(9, true).into_iter();
        told.map(|count| (count.service, count.count)).collect()
    };
    let named = [("a".to_owned(), 6), ("b\"ü".to_owned(), 3)];
    assert_eq!(told(&counters), named);
    counters.note_no_room(&counters.unsent(1, false));
    // Not before it is on disk: another process would tell both.
    assert_eq!(told(&counters), named[1..]);
    assert_eq!(counters.totals().unsent, 2);
    counters.add(&counters.counter("a"), 1);
    let snapshot = disk.bytes();
    flush(&counters, &mut journal).expect("written");
    let others = [("(other)".to_owned(), 7), named[1].clone()];
    assert_eq!(told(&counters), others);
    counters.add(&counters.counter("a"), 2);
    flush(&counters, &mut journal).expect("written");
    let others = [("(other)".to_owned(), 9), named[1].clone()];
    assert_eq!(told(&counters), others);
    counters.note_reported(&counters.unsent(9, false));
    assert_eq!(told(&counters), []);
    counters.report_all_again();
    assert_eq!(told(&counters), others);
    // The process ends, here and before it came to write.
    let bytes = disk.bytes();
    let last = bytes[..bytes.len() - 1]
        .iter()
        .rposition(|byte| *byte == b'\n');
    for (bytes, told_then) in [
        (&bytes[..], &others[..]),
        (
            &bytes[..last.expect("a line") + 5],
            &[("(other)".to_owned(), 7), named[1].clone()],
        ),
        (&snapshot, &named),
    ] {
        let again = Counters::new(EPOCH, "2026-11", read(bytes).counts);
        assert_eq!(told(&again), told_then);
    }
}

#[test]
fn a_file_system_that_does_not_sync_counts_is_named() {
    let (_disk, mut journal) = three();
    // It takes what is written, and cannot be synced.
    let nowhere = File::options().append(true).open("/dev/null");
    journal.file = Some(nowhere.expect("Linux"));
    let refused = journal.append(&[(key("a"), entry(4))]);
    let said = with_advice(&refused.expect_err("not durable"));
    assert!(
        said.contains("its file system refuses to lock or to sync files"),
        "{said}"
    );
    assert!(!said.contains("free space"), "{said}");
    let full = with_advice(&io::Error::from_raw_os_error(28));
    assert!(full.contains("free space on its disk"), "{full}");
}
