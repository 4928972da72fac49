//! What a node remembers on disk of the states that it took, and how both are written so that a crash
//! at any moment leaves a state that may be served.

use std::io;

use lictor_core::digest::Digest;
use lictor_core::feed::{Pinned, Ratchet};
use serde::{Deserialize, Serialize};

use crate::folder::{Folder, PREVIOUS, RATCHET, STATE, beside};
use crate::trusted::KeptTime;
use crate::{planted, sealed};

/// What `ratchet.json` holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// The newest state that was taken; none: nothing is known of any.
    pub ratchet: Option<Ratchet>,
    /// The SHA-256 of its text.
    pub current: Option<Digest>,
    /// The SHA-256 of the text of the state before it.
    pub previous: Option<Digest>,
    /// The vendor keys that are trusted.
    pub pinned: Pinned,
    /// Trusted time when it was written.
    pub time: KeptTime,
    /// Whether the node was revoked.
    pub revoked: bool,
}

impl Kept {
    /// Reads it; none: it is not there, or it is damaged.
    pub(crate) fn read(folder: &Folder) -> Option<Self> {
        if planted::is("node-state-in-memory") {
            return None;
        }
        let bytes = folder.read(RATCHET).ok()??;
        sealed::open(&bytes)
    }

    /// Writes it, durably.
    ///
    /// # Errors
    /// It cannot be written; then the old one is still there.
    pub(crate) fn write(&self, folder: &Folder) -> io::Result<()> {
        folder.replace(RATCHET, sealed::seal(self)?.as_bytes())?;
        Ok(())
    }
}

/// Writes a new state and what is remembered of it, durably. `kept` names it as the current one, and
/// is told which text becomes the previous one; `before` is what was on disk until now.
///
/// What is remembered goes first: a crash after it leaves an older state that is served, and a node
/// that does not take that older one as new.
///
/// # Errors
/// It cannot be written. What is on disk then still fits together.
pub(crate) fn write_state(
    folder: &Folder,
    before: &Kept,
    kept: &mut Kept,
    text: &str,
) -> io::Result<()> {
    let on_disk = folder.read(STATE)?.map(|bytes| Digest::of(&bytes));
    let known = [before.current, before.previous];
    let good = on_disk.filter(|digest| known.contains(&Some(*digest)));
    kept.previous = good.or(before.previous);
    folder.write_beside(RATCHET, sealed::seal(kept)?.as_bytes())?;
    folder.write_beside(STATE, text.as_bytes())?;
    planted::point("node-state-written");
    let again = folder.read(&beside(STATE))?;
    if again.as_deref() != Some(text.as_bytes()) {
        return Err(io::Error::other(
            "the disk returns other bytes than were written",
        ));
    }
    folder.put_in_place(RATCHET)?;
    planted::point("node-ratchet-renamed");
    if good.is_some() {
        folder.rename(STATE, PREVIOUS)?;
        planted::point("node-state-kept");
    }
    folder.put_in_place(STATE)?;
    planted::point("node-state-renamed");
    folder.sync()
}

/// The stored states' texts, the likeliest first.
pub(crate) fn read_states(folder: &Folder) -> Vec<String> {
    if planted::is("node-state-in-memory") {
        return Vec::new();
    }
    let names = [STATE.to_owned(), beside(STATE), PREVIOUS.to_owned()];
    let texts = names.iter().filter_map(|name| folder.read(name).ok()?);
    texts
        .filter_map(|bytes| String::from_utf8(bytes).ok())
        .collect()
}

/// Ends a change of files that a crash cut short, if there was one.
///
/// # Errors
/// A file cannot be renamed.
pub(crate) fn finish(folder: &Folder, kept: &Kept) -> io::Result<()> {
    let digest = |name: &str| -> io::Result<Option<Digest>> {
        Ok(folder.read(name)?.map(|bytes| Digest::of(&bytes)))
    };
    let in_place = digest(STATE)?;
    if in_place == kept.current || digest(&beside(STATE))? != kept.current {
        return Ok(());
    }
    if in_place.is_some() && in_place == kept.previous {
        folder.rename(STATE, PREVIOUS)?;
    }
    folder.put_in_place(STATE)?;
    folder.sync()
}
