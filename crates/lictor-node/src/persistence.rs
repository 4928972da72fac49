//! The state and the ratchet on disk: written so that a crash at any moment leaves a state that may be
//! served.

use std::io;

use lictor_core::digest::Digest;
use lictor_core::feed::{PinnedKeys, Ratchet};
use serde::{Deserialize, Serialize};

use crate::folder::{Folder, PREVIOUS, RATCHET, STATE, beside};
use crate::trusted_time::SavedTime;
use crate::{checksum, planted};

/// The content of `ratchet.json`: what the node remembers of the states that it accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RatchetFile {
    /// The newest state that was accepted, if there was one.
    pub ratchet: Option<Ratchet>,
    /// The SHA-256 of its text.
    pub current: Option<Digest>,
    /// The SHA-256 of the text of the state before it.
    pub previous: Option<Digest>,
    /// The trusted vendor keys.
    pub pinned: PinnedKeys,
    /// Trusted time when the file was written.
    pub time: SavedTime,
    /// Whether the node was revoked.
    pub revoked: bool,
}

impl RatchetFile {
    /// Reads the file. `None` if it is missing or damaged.
    pub(crate) fn read(folder: &Folder) -> Option<Self> {
        if planted::is("node-state-in-memory") {
            return None;
        }
        let bytes = folder.read(RATCHET).ok()??;
        checksum::decode(&bytes)
    }

    /// Writes the file durably.
    ///
    /// # Errors
    /// It cannot be written. The old file is then still there.
    pub(crate) fn write(&self, folder: &Folder) -> io::Result<()> {
        folder.replace(RATCHET, checksum::encode(self)?.as_bytes())?;
        Ok(())
    }
}

/// Writes a new state and its ratchet durably. `new` names the state as the current one; this fills in
/// which text becomes the previous one. `on_disk` is the file as it was until now.
///
/// The ratchet is written first. After a crash the node then serves the older state, but does not accept
/// it as new.
///
/// # Errors
/// It cannot be written. The files on disk are then still consistent.
pub(crate) fn write_state(
    folder: &Folder,
    on_disk: &RatchetFile,
    new: &mut RatchetFile,
    text: &str,
) -> io::Result<()> {
    let stored = folder.read(STATE)?.map(|bytes| Digest::of(&bytes));
    let known = [on_disk.current, on_disk.previous];
    let good = stored.filter(|digest| known.contains(&Some(*digest)));
    new.previous = good.or(on_disk.previous);
    folder.write_beside(RATCHET, checksum::encode(new)?.as_bytes())?;
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

/// The texts of the stored states, the likeliest first.
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

/// Completes a write that a crash interrupted, if there was one.
///
/// # Errors
/// A file cannot be renamed.
pub(crate) fn complete_write(folder: &Folder, stored: &RatchetFile) -> io::Result<()> {
    let digest = |name: &str| -> io::Result<Option<Digest>> {
        Ok(folder.read(name)?.map(|bytes| Digest::of(&bytes)))
    };
    let in_place = digest(STATE)?;
    if in_place == stored.current || digest(&beside(STATE))? != stored.current {
        return Ok(());
    }
    if in_place.is_some() && in_place == stored.previous {
        folder.rename(STATE, PREVIOUS)?;
    }
    folder.put_in_place(STATE)?;
    folder.sync()
}
