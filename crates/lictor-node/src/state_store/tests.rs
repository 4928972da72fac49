//! States on disk: whatever is cut, changed or lost, an older one is never taken, and what cannot be
//! read restricts and is healed.

use std::fs;
use std::path::Path;

use lictor_core::feed::{Mode, StateError};

use super::*;
use crate::folder::{PREVIOUS, RATCHET, STATE, beside};
use crate::testing::{NOW, clock, content, evaluator_of, identity, key, signed, state};

/// A folder that is opened again and again.
struct Disk(tempfile::TempDir);

impl Disk {
    /// The states of these revisions were taken there, one after the other.
    fn with(revisions: &[u64]) -> Self {
        let disk = Self(tempfile::tempdir().expect("a folder"));
        let (store, evaluator, _folder) = disk.open();
        for (later, revision) in (0..).zip(revisions) {
            let text = state(*revision, NOW + later);
            assert_eq!(store.accept(&text, &evaluator), Ok(Accepted::New));
        }
        disk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self) -> (StateStore, Evaluator, Arc<Folder>) {
        let folder = Arc::new(Folder::open(self.path()).expect("the folder"));
        let loaded = StateStore::load(Arc::clone(&folder), identity(), &[]);
        let evaluator = evaluator_of(&loaded, &clock());
        (loaded.store, evaluator, folder)
    }

    fn copy(&self) -> Self {
        let copy = Self(tempfile::tempdir().expect("a folder"));
        for name in [RATCHET, STATE, PREVIOUS] {
            if let Ok(bytes) = fs::read(self.path().join(name)) {
                fs::write(copy.path().join(name), bytes).expect("written");
            }
        }
        copy
    }

    fn damage(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut bytes = fs::read(self.path().join(name)).expect("there");
        change(&mut bytes);
        fs::write(self.path().join(name), bytes).expect("written");
    }
}

fn revision(evaluator: &Evaluator) -> Option<u64> {
    evaluator.state().0.map(|state| state.ratchet.revision)
}

fn older(held: u64, received: u64) -> Result<Accepted, StateError> {
    Err(StateError::Older { held, received })
}

#[test]
fn what_was_taken_is_held_again_after_a_restart() {
    let disk = Disk::with(&[5, 6]);
    let (store, evaluator, _folder) = disk.open();
    assert_eq!(revision(&evaluator), Some(6));
    assert_eq!(store.accept(&state(5, NOW + 9), &evaluator), older(6, 5));
    assert_eq!(
        store.accept(&state(6, NOW + 1), &evaluator),
        Ok(Accepted::Unchanged)
    );
    assert_eq!(
        store.accept(&state(6, NOW + 2), &evaluator),
        Ok(Accepted::New)
    );
    assert_eq!(
        evaluator.times().now,
        NOW + 9,
        "also a refused state tells the time"
    );
}

#[test]
fn a_refused_state_leaves_the_last_good_one() {
    let disk = Disk::with(&[5]);
    let (store, evaluator, _folder) = disk.open();
    let good = state(6, NOW + 1);
    let other = signed(5, NOW + 1, false, &content(Vec::new()));
    let expired = state(9, NOW - 86_400);
    for (text, word) in [
        (&good[..good.len() / 2], "unreadable"),
        (&good.replace("editor", "editox"), "bad_signature"),
        (&expired, "expired"),
        (&state(4, NOW + 1), "older"),
        (&other, "other_content"),
        (&state(5, NOW - 1), "repeated"),
    ] {
        let refused = store.accept(text, &evaluator).expect_err(word);
        assert_eq!(refused.word(), word);
        assert_eq!(revision(&evaluator), Some(5), "{word}");
        assert_eq!(evaluator.decide(), Ok(()));
    }
    assert_eq!(store.accept(&good, &evaluator), Ok(Accepted::New));
}

#[test]
fn a_revocation_restricts_at_once_and_for_good() {
    let disk = Disk::with(&[5]);
    let revoked = |at| signed(5, at, true, &content(vec![]));
    {
        let (store, evaluator, _folder) = disk.open();
        // Signed in the same second as the state before.
        let same = crate::testing::license(1, "2027-03-01", "");
        let text = signed(5, NOW, true, &content(vec![same]));
        assert_eq!(store.accept(&text, &evaluator), Ok(Accepted::New));
        assert_eq!(evaluator.decision().mode, Mode::Restricted);
        assert_eq!(
            store.accept(&state(5, NOW), &evaluator),
            Err(StateError::Repeated(5))
        );
        assert_eq!(
            store.accept(&revoked(NOW), &evaluator),
            Err(StateError::OtherContent(5))
        );
    }
    let (_, evaluator, folder) = disk.open();
    assert_eq!(evaluator.decision().mode, Mode::Restricted);
    drop(folder);
    disk.damage(STATE, |bytes| bytes[9] ^= 1);
    let (_, evaluator, _folder) = disk.open();
    assert_eq!(evaluator.decision().mode, Mode::Restricted, "the older one");
}

#[test]
fn a_file_that_is_cut_or_changed_is_never_served_and_is_healed() {
    let whole = Disk::with(&[5, 6, 7]);
    for name in [RATCHET, STATE, PREVIOUS] {
        let length = fs::read(whole.path().join(name)).expect("there").len();
        let cuts = (0..length).map(|at| (at, None));
        let flips = (0..length).step_by(7).map(|at| (at, Some(1 << (at % 8))));
        let disk = whole.copy();
        for (at, flip) in cuts.chain(flips) {
            for name in [RATCHET, STATE, PREVIOUS] {
                let bytes = fs::read(whole.path().join(name)).expect("there");
                fs::write(disk.path().join(name), bytes).expect("written");
            }
            disk.damage(name, |bytes| match flip {
                Some(bit) => bytes[at] ^= bit,
                None => bytes.truncate(at),
            });
            let (store, evaluator, _folder) = disk.open();
            let current = revision(&evaluator);
            let expected = if name == STATE { 6 } else { 7 };
            // A change that changes nothing, as of a digit to a capital, does no harm.
            assert!(
                current == Some(expected) || current == Some(7),
                "{name} {at} {flip:?}: {current:?}"
            );
            assert_eq!(evaluator.decide(), Ok(()), "{name} {at} {flip:?}");
            assert_eq!(store.accept(&state(6, NOW + 9), &evaluator), older(7, 6));
            if at % 64 > 0 {
                continue;
            }
            // The very state that was lost heals it, and a newer one anyway.
            assert!(
                store.accept(&state(7, NOW + 2), &evaluator).is_ok(),
                "{name} {at}"
            );
            assert_eq!(revision(&evaluator), Some(7));
        }
    }
}

#[test]
fn where_both_states_are_lost_the_node_is_restricted_and_the_ratchet_holds() {
    let disk = Disk::with(&[5, 6]);
    disk.damage(STATE, |bytes| bytes.truncate(100));
    disk.damage(PREVIOUS, |bytes| bytes[200] ^= 4);
    let (store, evaluator, folder) = disk.open();
    assert_eq!(revision(&evaluator), None);
    assert_eq!(evaluator.decision().mode, Mode::Restricted);
    assert_eq!(store.accept(&state(5, NOW + 9), &evaluator), older(6, 5));
    assert_eq!(
        store.accept(&state(6, NOW + 1), &evaluator),
        Ok(Accepted::New)
    );
    assert_eq!(evaluator.decide(), Ok(()));
    drop((store, folder));
    let (_, evaluator, _folder) = disk.open();
    assert_eq!(revision(&evaluator), Some(6));
}

#[test]
fn a_lost_memory_is_made_anew_from_the_states() {
    let disk = Disk::with(&[5, 6]);
    fs::remove_file(disk.path().join(RATCHET)).expect("there");
    let folder = Arc::new(Folder::open(disk.path()).expect("the folder"));
    let loaded = StateStore::load(folder, identity(), &[]);
    assert!(loaded.ratchet_lost);
    let evaluator = evaluator_of(&loaded, &clock());
    assert_eq!(revision(&evaluator), Some(6));
    assert_eq!(
        loaded.store.accept(&state(5, NOW + 9), &evaluator),
        older(6, 5)
    );
    assert_eq!(evaluator.decide(), Ok(()));
}

#[test]
fn a_crash_between_any_two_steps_leaves_a_state_that_is_served() {
    let before = Disk::with(&[5, 6]);
    let after = before.copy();
    {
        let (store, evaluator, _folder) = after.open();
        assert!(store.accept(&state(7, NOW + 9), &evaluator).is_ok());
    }
    let read = |disk: &Disk, name: &str| fs::read(disk.path().join(name)).expect("there");
    let (ratchet, new) = (read(&after, RATCHET), read(&after, STATE));
    let (old, oldest) = (read(&before, STATE), read(&before, PREVIOUS));
    let beside_state = beside(STATE);
    let half = &new[..new.len() / 2];
    // What is in the folder after each step: the ratchet, the state, the one before, the new one.
    let before_ratchet = read(&before, RATCHET);
    let (old, new, oldest) = (old.as_slice(), new.as_slice(), oldest.as_slice());
    let steps = [
        (&before_ratchet, Some(old), oldest, Some(half), 6),
        (&before_ratchet, Some(old), oldest, Some(new), 6),
        (&ratchet, Some(old), oldest, Some(new), 7),
        (&ratchet, None, old, Some(new), 7),
        (&ratchet, Some(new), old, None, 7),
    ];
    for (step, (ratchet, current, previous, new, expected)) in steps.into_iter().enumerate() {
        let disk = Disk(tempfile::tempdir().expect("a folder"));
        let files = [
            (RATCHET, Some(ratchet.as_slice())),
            (STATE, current),
            (PREVIOUS, Some(previous)),
            (beside_state.as_str(), new),
        ];
        for (name, bytes) in files {
            if let Some(bytes) = bytes {
                fs::write(disk.path().join(name), bytes).expect("written");
            }
        }
        for _ in 0..2 {
            let (store, evaluator, _folder) = disk.open();
            assert_eq!(revision(&evaluator), Some(expected), "step {step}");
            assert_eq!(evaluator.decide(), Ok(()));
            let least = state(expected - 1, NOW + 99);
            assert!(store.accept(&least, &evaluator).is_err(), "step {step}");
        }
        // And where the new one is lost too, the one before it is served.
        if expected == 7 && step < 4 {
            let _ = fs::remove_file(disk.path().join(STATE));
            let (_, evaluator, _folder) = disk.open();
            assert_eq!(revision(&evaluator), Some(6), "step {step}");
        }
    }
}

#[test]
fn a_state_that_cannot_be_saved_is_in_force_and_saved_later() {
    let disk = Disk::with(&[5]);
    {
        let (store, evaluator, _folder) = disk.open();
        let hindrance = disk.path().join(beside(STATE));
        fs::create_dir(&hindrance).expect("a folder in the way");
        assert_eq!(
            store.accept(&state(6, NOW + 1), &evaluator),
            Ok(Accepted::New)
        );
        assert_eq!(revision(&evaluator), Some(6));
        assert!(store.unsaved().is_some());
        assert!(store.save(&evaluator).is_err());
        assert_eq!(store.accept(&state(5, NOW + 9), &evaluator), older(6, 5));
        fs::remove_dir(hindrance).expect("it was there");
        assert!(store.save(&evaluator).is_ok());
        assert_eq!(store.unsaved(), None);
    }
    let (_, evaluator, _folder) = disk.open();
    assert_eq!(revision(&evaluator), Some(6));
}

#[test]
fn a_license_counts_only_under_a_key_that_the_node_pinned() {
    let disk = Disk::with(&[5]);
    let (store, evaluator, _folder) = disk.open();
    let mut foreign = content(vec![crate::testing::license(2, "2027-03-01", "")]);
    let payload = r#"{"license_expiration_date":"2027-03-01","application":"editor"}"#;
    foreign.licenses[0].payload = key(2).sign(payload);
    foreign.keys[0].public_key = key(2).public_key();
    foreign.policy = lictor_core::TrustPolicy::Structural;
    let text = signed(6, NOW + 1, false, &foreign);
    assert_eq!(store.accept(&text, &evaluator), Ok(Accepted::New));
    assert_eq!(evaluator.decide(), Err(crate::error::Reason::Unlicensed));
    // Its operator may name the key.
    drop((store, _folder));
    let folder = Arc::new(Folder::open(disk.path()).expect("the folder"));
    let loaded = StateStore::load(folder, identity(), &[key(2).public_key()]);
    assert_eq!(evaluator_of(&loaded, &clock()).decide(), Ok(()));
}

#[test]
fn a_state_is_in_force_only_once_it_is_on_disk() {
    let disk = Disk::with(&[5]);
    let (store, evaluator, folder) = disk.open();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::SeqCst) {
                let current = evaluator.state().0.expect("a state").ratchet;
                let stored = RatchetFile::read(&folder).expect("whole at any time");
                let on_disk = stored.ratchet.expect("a state").revision;
                assert!(
                    on_disk >= current.revision,
                    "{on_disk} < {}",
                    current.revision
                );
            }
        });
        for revision in 6..40 {
            let text = state(revision, NOW + 1);
            assert_eq!(store.accept(&text, &evaluator), Ok(Accepted::New));
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
        watch.join().expect("never ahead of the disk");
    });
}
