//! Taking states: what is refused and why, what is remembered of those that were taken, and what is
//! made at the start of what is on disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lictor_core::PublicKey;
use lictor_core::digest::Digest;
use lictor_core::feed::{MAX_STATE_BYTES, Ratchet, StateDocument, StateError};

use crate::folder::{Folder, with_advice};
use crate::held::Held;
use crate::identity::Identity;
use crate::judge::Judge;
use crate::kept::{self, Kept};
use crate::planted;
use crate::trusted::KeptTime;

/// Who takes states.
pub(crate) struct Keeper {
    folder: Arc<Folder>,
    identity: Identity,
    inner: Mutex<Inner>,
}

struct Inner {
    /// What is known; it may be ahead of the disk.
    kept: Kept,
    /// What is on disk.
    on_disk: Kept,
    /// The text of a state that could not be saved, and why.
    unsaved: Option<(String, String)>,
}

/// What became of a state that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Taken {
    /// It is held from now on.
    New,
    /// It is the one that is held.
    Known,
}

/// What was made of what is on disk.
pub(crate) struct Loaded {
    /// Who takes further states.
    pub keeper: Keeper,
    /// The state to decide by; none: none can be read.
    pub held: Option<Arc<Held>>,
    /// Whether the node was revoked.
    pub revoked: bool,
    /// Trusted time when it was last written.
    pub time: KeptTime,
    /// Whether the memory of states taken was lost, and made anew from the states that are left.
    pub ratchet_lost: bool,
    /// Whether the newest state that was taken cannot be read any more.
    pub newest_lost: bool,
}

impl Keeper {
    /// Begins with what is on disk, and trusts these keys too.
    pub(crate) fn load(folder: Arc<Folder>, identity: Identity, trust: &[PublicKey]) -> Loaded {
        let stored = Kept::read(&folder);
        let ratchet_lost = stored.is_none();
        if let Some(kept) = &stored
            && let Err(error) = kept::finish(&folder, kept)
        {
            tracing::warn!(%error, "a change of the stored state could not be ended");
        }
        let texts = kept::read_states(&folder);
        let mut states: Vec<(Digest, StateDocument<'_>)> = Vec::new();
        for text in &texts {
            let key = &identity.control_plane_key;
            if let Ok(document) = StateDocument::verify(text, key, identity.audience()) {
                states.push((Digest::of(text.as_bytes()), document));
            }
        }
        let on_disk = stored.unwrap_or_else(|| rebuilt(&identity, &states));
        let mut kept = on_disk.clone();
        trust.iter().for_each(|key| kept.pinned.add(key.clone()));
        let find = |digest| states.iter().find(|(known, _)| Some(*known) == digest);
        let state = find(kept.current).or_else(|| find(kept.previous));
        let held = state.map(|(digest, document)| {
            Arc::new(Held::of(document, *digest, &identity, &kept.pinned))
        });
        let said = state.is_some_and(|(_, document)| document.is_revoked());
        Loaded {
            held,
            revoked: kept.revoked || said,
            time: kept.time,
            ratchet_lost,
            newest_lost: state.is_none_or(|(digest, _)| Some(*digest) != kept.current),
            keeper: Self {
                folder,
                identity,
                inner: Mutex::new(Inner {
                    kept,
                    on_disk,
                    unsaved: None,
                }),
            },
        }
    }

    /// Takes a state, if it is good and newer. On disk, then in force: a crash never leaves a node
    /// with an older state than it has decided by. A state that cannot be saved is taken all the
    /// same, see [`Keeper::save`].
    ///
    /// # Errors
    /// Why it is refused; what was held stays in force.
    pub(crate) fn take(&self, text: &str, judge: &Judge) -> Result<Taken, StateError> {
        let mut inner = self.inner();
        let sha256 = Digest::of(text.as_bytes());
        let (held, _) = judge.held();
        if held.as_ref().is_some_and(|held| held.sha256 == sha256) {
            return Ok(Taken::Known);
        }
        if text.len() > MAX_STATE_BYTES {
            return Err(StateError::Unreadable(
                "it is longer than 16 MiB".to_owned(),
            ));
        }
        let identity = &self.identity;
        let document =
            StateDocument::verify(text, &identity.control_plane_key, identity.audience())?;
        if document.is_revoked() && !inner.kept.revoked {
            self.revoke(&mut inner, judge);
        }
        document.check_expiry(judge.times().now)?;
        if let Some(ratchet) = &inner.kept.ratchet
            && !planted::is("node-ratchet-unchecked")
            && let Err(error) = admit(ratchet, held.as_deref(), &document)
        {
            // Older or not, that time has come.
            judge.raise_to(document.issued_at());
            return Err(error);
        }
        let pinned = inner.kept.pinned.advanced_by(&document.content().keys);
        let held = Arc::new(Held::of(&document, sha256, identity, &pinned));
        if planted::is("node-state-in-force-early") {
            judge.hold(Arc::clone(&held), document.is_revoked());
            planted::point("node-state-in-force-early");
        }
        inner.kept = Kept {
            ratchet: Some(Ratchet::of(&document)),
            current: Some(sha256),
            previous: inner.on_disk.previous,
            pinned,
            time: judge.kept_time_from(document.issued_at()),
            revoked: document.is_revoked(),
        };
        // What went wrong is told by `save`.
        let _ = self.write_state(&mut inner, text);
        // On disk by now, so that no crash takes the time back.
        judge.raise_to(document.issued_at());
        judge.hold(held, document.is_revoked());
        Ok(Taken::New)
    }

    /// Saves a state that could not be saved, else trusted time.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn save(&self, judge: &Judge) -> std::io::Result<()> {
        let mut inner = self.inner();
        inner.kept.time = judge.kept_time();
        match inner.unsaved.take() {
            Some((text, _)) => self.write_state(&mut inner, &text),
            None => {
                inner.kept.write(&self.folder)?;
                inner.on_disk = inner.kept.clone();
                Ok(())
            }
        }
    }

    /// Why the state that is in force is not saved; none: it is.
    pub(crate) fn unsaved(&self) -> Option<String> {
        let inner = self.inner();
        inner.unsaved.as_ref().map(|(_, reason)| reason.clone())
    }

    /// Revokes, whatever the revision of the state that says so, and however late it comes: only the
    /// control plane can have signed that, and a node that knows better than a restored control plane
    /// is no exception. What is held otherwise stays.
    fn revoke(&self, inner: &mut Inner, judge: &Judge) {
        inner.kept.revoked = true;
        let mut on_disk = inner.on_disk.clone();
        on_disk.revoked = true;
        match on_disk.write(&self.folder) {
            Ok(()) => inner.on_disk = on_disk,
            // `save` tries again, and tells.
            Err(error) => tracing::warn!(%error, "the revocation could not be saved"),
        }
        judge.revoke();
    }

    fn write_state(&self, inner: &mut Inner, text: &str) -> std::io::Result<()> {
        let Inner { kept, on_disk, .. } = inner;
        let written = kept::write_state(&self.folder, on_disk, kept, text);
        match &written {
            Ok(()) => {
                inner.on_disk = inner.kept.clone();
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

/// Whether a state is newer. The very one that the ratchet stands at is taken again where it is not
/// held, as after its file was damaged; and a revocation, where both were signed in the same second.
fn admit(
    ratchet: &Ratchet,
    held: Option<&Held>,
    document: &StateDocument<'_>,
) -> Result<(), StateError> {
    let lost = held.is_none_or(|held| held.ratchet != *ratchet);
    match ratchet.check(document) {
        Err(StateError::Repeated(_))
            if *ratchet == Ratchet::of(document) && (lost || document.is_revoked()) =>
        {
            Ok(())
        }
        checked => checked,
    }
}

/// What can be known where the memory was lost: the newest of the states that are left, and the keys
/// that were trusted when the node joined.
fn rebuilt(identity: &Identity, states: &[(Digest, StateDocument<'_>)]) -> Kept {
    let newest = states
        .iter()
        .max_by_key(|(_, document)| (document.revision(), document.issued_at()));
    let mut kept = Kept {
        ratchet: None,
        current: None,
        previous: None,
        pinned: identity.keys.clone(),
        time: KeptTime::default(),
        revoked: false,
    };
    if let Some((digest, document)) = newest {
        kept.ratchet = Some(Ratchet::of(document));
        kept.current = Some(*digest);
        kept.pinned = kept.pinned.advanced_by(&document.content().keys);
        kept.time.signed = document.issued_at().saturating_mul(1_000);
        kept.revoked = document.is_revoked();
    }
    kept
}

#[cfg(test)]
mod tests;
