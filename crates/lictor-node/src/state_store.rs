//! The store of states: which states are accepted and which refused, what is remembered of them, and how
//! they are loaded from disk at the start.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lictor_core::PublicKey;
use lictor_core::digest::Digest;
use lictor_core::feed::{MAX_STATE_BYTES, Ratchet, StateDocument, StateError};

use crate::evaluator::Evaluator;
use crate::folder::{Folder, with_advice};
use crate::identity::Identity;
use crate::persistence::{self, RatchetFile};
use crate::planted;
use crate::trusted_time::SavedTime;
use crate::verified_state::VerifiedState;

/// Accepts states and saves them.
pub(crate) struct StateStore {
    folder: Arc<Folder>,
    identity: Identity,
    inner: Mutex<Inner>,
}

struct Inner {
    /// What is known. It may be newer than what is on disk.
    in_memory: RatchetFile,
    /// What is on disk.
    on_disk: RatchetFile,
    /// The text of a state that could not be saved, and the reason.
    unsaved: Option<(String, String)>,
}

/// What a state that arrived was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// A new one. The node now decides by it.
    New,
    /// The one that the node already decides by.
    Unchanged,
}

/// What was loaded from disk.
pub(crate) struct Loaded {
    /// The store, which accepts further states.
    pub store: StateStore,
    /// The state to decide by. `None` if no stored state can be read.
    pub state: Option<Arc<VerifiedState>>,
    /// Whether the node was revoked.
    pub revoked: bool,
    /// Trusted time when it was last saved.
    pub time: SavedTime,
    /// Whether `ratchet.json` was lost and rebuilt from the states that are left.
    pub ratchet_lost: bool,
    /// Whether the newest accepted state can no longer be read.
    pub newest_lost: bool,
}

impl StateStore {
    /// Loads what is on disk. The node also trusts the keys in `trust`.
    pub(crate) fn load(folder: Arc<Folder>, identity: Identity, trust: &[PublicKey]) -> Loaded {
        let stored = RatchetFile::read(&folder);
        let ratchet_lost = stored.is_none();
        if let Some(stored) = &stored
            && let Err(error) = persistence::complete_write(&folder, stored)
        {
            tracing::warn!(%error, "an interrupted write of the state could not be completed");
        }
        let texts = persistence::read_states(&folder);
        let mut states: Vec<(Digest, StateDocument<'_>)> = Vec::new();
        for text in &texts {
            let key = &identity.control_plane_key;
            if let Ok(document) = StateDocument::verify(text, key, identity.audience()) {
                states.push((Digest::of(text.as_bytes()), document));
            }
        }
        let on_disk = stored.unwrap_or_else(|| rebuild(&identity, &states));
        let mut in_memory = on_disk.clone();
        trust
            .iter()
            .for_each(|key| in_memory.pinned.add(key.clone()));
        let find = |digest| states.iter().find(|(known, _)| Some(*known) == digest);
        let found = find(in_memory.current).or_else(|| find(in_memory.previous));
        let state = found.map(|(digest, document)| {
            let pinned = &in_memory.pinned;
            Arc::new(VerifiedState::new(document, *digest, &identity, pinned))
        });
        let is_revoked = found.is_some_and(|(_, document)| document.is_revoked());
        Loaded {
            state,
            revoked: in_memory.revoked || is_revoked,
            time: in_memory.time,
            ratchet_lost,
            newest_lost: found.is_none_or(|(digest, _)| Some(*digest) != in_memory.current),
            store: Self {
                folder,
                identity,
                inner: Mutex::new(Inner {
                    in_memory,
                    on_disk,
                    unsaved: None,
                }),
            },
        }
    }

    /// Accepts a state if it is valid and newer. It is written to disk before the node decides by it, so
    /// that after a crash the node never has an older state than it has decided by. A state that cannot be
    /// saved is accepted all the same, see [`StateStore::save`].
    ///
    /// # Errors
    /// Why the state is refused. The state in force then stays.
    pub(crate) fn accept(&self, text: &str, evaluator: &Evaluator) -> Result<Accepted, StateError> {
        let mut inner = self.inner();
        let sha256 = Digest::of(text.as_bytes());
        let (current, _) = evaluator.state();
        if current.as_ref().is_some_and(|state| state.sha256 == sha256) {
            return Ok(Accepted::Unchanged);
        }
        if text.len() > MAX_STATE_BYTES {
            return Err(StateError::Unreadable(
                "it is longer than 16 MiB".to_owned(),
            ));
        }
        let identity = &self.identity;
        let document =
            StateDocument::verify(text, &identity.control_plane_key, identity.audience())?;
        if document.is_revoked() && !inner.in_memory.revoked {
            self.revoke(&mut inner, evaluator);
        }
        document.check_expiry(evaluator.times().now)?;
        if let Some(ratchet) = &inner.in_memory.ratchet
            && !planted::is("node-ratchet-unchecked")
            && let Err(error) = check_newer(ratchet, current.as_deref(), &document)
        {
            // Even an older state proves that this time has passed.
            evaluator.advance_time(document.issued_at());
            return Err(error);
        }
        let pinned = inner.in_memory.pinned.advanced_by(&document.content().keys);
        let state = Arc::new(VerifiedState::new(&document, sha256, identity, &pinned));
        if planted::is("node-state-in-force-early") {
            evaluator.set_state(Arc::clone(&state), document.is_revoked());
            planted::point("node-state-in-force-early");
        }
        inner.in_memory = RatchetFile {
            ratchet: Some(Ratchet::of(&document)),
            current: Some(sha256),
            previous: inner.on_disk.previous,
            pinned,
            time: evaluator.saved_time_at(document.issued_at()),
            revoked: document.is_revoked(),
        };
        // `unsaved` tells what went wrong, and `save` tries again.
        let _ = self.write_state(&mut inner, text);
        // Only after the write, so that a crash cannot turn the time back.
        evaluator.advance_time(document.issued_at());
        evaluator.set_state(state, document.is_revoked());
        Ok(Accepted::New)
    }

    /// Saves a state that could not be saved before; otherwise only trusted time.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn save(&self, evaluator: &Evaluator) -> std::io::Result<()> {
        let mut inner = self.inner();
        inner.in_memory.time = evaluator.saved_time();
        match inner.unsaved.take() {
            Some((text, _)) => self.write_state(&mut inner, &text),
            None => {
                inner.in_memory.write(&self.folder)?;
                inner.on_disk = inner.in_memory.clone();
                Ok(())
            }
        }
    }

    /// Why the state in force is not saved. `None` if it is saved.
    pub(crate) fn unsaved(&self) -> Option<String> {
        let inner = self.inner();
        inner.unsaved.as_ref().map(|(_, reason)| reason.clone())
    }

    /// Revokes the node, whatever the revision of the state that says so and however late it arrives.
    /// Only the control plane can have signed it, and this includes a control plane that was restored
    /// from a backup and is older than the node's state. Everything else stays as it is.
    fn revoke(&self, inner: &mut Inner, evaluator: &Evaluator) {
        inner.in_memory.revoked = true;
        let mut on_disk = inner.on_disk.clone();
        on_disk.revoked = true;
        match on_disk.write(&self.folder) {
            Ok(()) => inner.on_disk = on_disk,
            // `save` tries again.
            Err(error) => tracing::warn!(%error, "the revocation could not be saved"),
        }
        evaluator.revoke();
    }

    fn write_state(&self, inner: &mut Inner, text: &str) -> std::io::Result<()> {
        let Inner {
            in_memory, on_disk, ..
        } = inner;
        let written = persistence::write_state(&self.folder, on_disk, in_memory, text);
        match &written {
            Ok(()) => {
                inner.on_disk = inner.in_memory.clone();
                inner.unsaved = None;
            }
            Err(error) => {
                tracing::warn!(%error, "a state could not be saved");
                inner.unsaved = Some((text.to_owned(), with_advice(error)));
            }
        }
        written
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Refuses a state that is not newer. There are two exceptions. The state of the ratchet itself is accepted
/// again if the node has lost it, for example because its file was damaged. A revocation is accepted if both
/// states were signed in the same second.
fn check_newer(
    ratchet: &Ratchet,
    current: Option<&VerifiedState>,
    document: &StateDocument<'_>,
) -> Result<(), StateError> {
    let is_lost = current.is_none_or(|state| state.ratchet != *ratchet);
    match ratchet.check(document) {
        Err(StateError::Repeated(_))
            if *ratchet == Ratchet::of(document) && (is_lost || document.is_revoked()) =>
        {
            Ok(())
        }
        checked => checked,
    }
}

/// Rebuilds a lost `ratchet.json` from the newest of the states that are left and the keys that were
/// trusted when the node joined.
fn rebuild(identity: &Identity, states: &[(Digest, StateDocument<'_>)]) -> RatchetFile {
    let newest = states
        .iter()
        .max_by_key(|(_, document)| (document.revision(), document.issued_at()));
    let mut rebuilt = RatchetFile {
        ratchet: None,
        current: None,
        previous: None,
        pinned: identity.keys.clone(),
        time: SavedTime::default(),
        revoked: false,
    };
    if let Some((digest, document)) = newest {
        rebuilt.ratchet = Some(Ratchet::of(document));
        rebuilt.current = Some(*digest);
        rebuilt.pinned = rebuilt.pinned.advanced_by(&document.content().keys);
        rebuilt.time.signed = document.issued_at().saturating_mul(1_000);
        rebuilt.revoked = document.is_revoked();
    }
    rebuilt
}

#[cfg(test)]
mod tests;
