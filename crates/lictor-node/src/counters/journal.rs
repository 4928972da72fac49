//! The journal `counters.log`, a file that lines are appended to. Each line begins with the first 16 hex
//! digits of the SHA-256 of its JSON. The first line names the epoch and the running start; each other line
//! contains counts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use lictor_core::digest::Digest;
use lictor_core::facts::usage::MAX_COUNT;
use lictor_core::feed::epoch_of;
use serde::{Deserialize, Serialize};

use super::{Entry, JournalSnapshot, JournalStart, Key};
use crate::folder::{Folder, JOURNAL, of_file_system};
use crate::planted;

/// The length above which a journal is rewritten if that makes it much shorter: 1 MiB.
const LONG: u64 = 1 << 20;

/// The most counts in one line.
const PER_LINE: usize = 500;

#[derive(Default, Serialize, Deserialize)]
struct Line {
    epoch: Arc<str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<(Arc<str>, Arc<str>, u64)>,
    /// The counts that are reported as other services from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    as_other: Vec<(Arc<str>, Arc<str>, u64)>,
    /// In the first line: the running start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<JournalStart>,
    /// The counts of the epoch when an undecided start began. A version that does not keep its counts apart
    /// continues from them, and reports no more than them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    base: Vec<(Arc<str>, Arc<str>, u64)>,
}

/// What was read from a journal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct JournalContents {
    /// The epoch that it counts in. `None` if a new one is needed.
    pub epoch: Option<Arc<str>>,
    /// The counts that could be read.
    pub counts: BTreeMap<Key, Entry>,
    /// The start that counted last. `None` if the version did not record it.
    pub start: Option<JournalStart>,
    /// The counts of the epoch when that start began, if it is undecided.
    pub base: BTreeMap<Key, u64>,
    /// Whether something could not be read.
    pub damaged: bool,
}

/// The journal as it is written.
pub(crate) struct Journal {
    folder: Arc<Folder>,
    /// `None` if the last write failed and a new file is needed.
    file: Option<File>,
    length: u64,
    compact: u64,
}

/// Reads a journal. An incomplete last line was never confirmed to be on disk, so nothing of it was
/// reported; it is ignored. Anything else that cannot be read is damage.
pub(crate) fn read(bytes: &[u8]) -> JournalContents {
    let mut read = JournalContents::default();
    let mut rest = bytes;
    let mut first = true;
    while !rest.is_empty() {
        let (line, ended) = match rest.iter().position(|byte| *byte == b'\n') {
            Some(end) => {
                let (line, following) = rest.split_at(end);
                rest = &following[1..];
                (line, true)
            }
            None => (std::mem::take(&mut rest), false),
        };
        // The last byte may be a line's end that was changed.
        let found = parse(line).or_else(|| parse(line.split_last()?.1).filter(|_| !ended));
        match found {
            Some(line) if first => {
                read.epoch = Some(Arc::clone(&line.epoch));
                read.start = line.start;
            }
            Some(line) => take(&mut read, line),
            None => read.damaged |= ended,
        }
        first = false;
    }
    // It is never written without its first line.
    read.damaged |= read.epoch.is_none();
    if read.damaged {
        read.epoch = None;
    }
    separate_pending(&mut read);
    read
}

/// Moves what an undecided start counted in the epoch of its journal, as an earlier version does, to the
/// start's own epoch.
fn separate_pending(read: &mut JournalContents) {
    // A build that writes no base counted nothing of this start in the journal's epoch.
    let start = read.start.as_ref();
    let start = start.filter(|start| start.pending && !read.base.is_empty());
    let (Some(epoch), Some(start)) = (&read.epoch, start) else {
        return;
    };
    let own: Arc<str> = epoch_of(start.id).into();
    let mut apart = Vec::new();
    for (key, entry) in &mut read.counts {
        let base = read.base.get(key).copied().unwrap_or_default();
        if key.epoch == *epoch && base < entry.count {
            let key = Key {
                epoch: Arc::clone(&own),
                ..key.clone()
            };
            apart.push((key, entry.count - base));
            entry.count = base;
        }
    }
    for (key, more) in apart {
        let entry = read.counts.entry(key).or_default();
        entry.count = entry.count.saturating_add(more).min(MAX_COUNT);
    }
}

fn take(read: &mut JournalContents, line: Line) {
    let key = |service, month| Key {
        epoch: Arc::clone(&line.epoch),
        month,
        service,
    };
    for (as_other, some) in [(false, line.counts), (true, line.as_other)] {
        for (service, month, count) in some {
            let known = read.counts.entry(key(service, month)).or_default();
            known.count = count.min(MAX_COUNT).max(known.count);
            known.as_other |= as_other;
        }
    }
    for (service, month, count) in line.base {
        read.base.insert(key(service, month), count);
    }
}

fn parse(line: &[u8]) -> Option<Line> {
    let (sum, rest) = line.split_at_checked(17)?;
    let json = std::str::from_utf8(rest).ok()?;
    (sum == checksum(json).as_bytes()).then(|| serde_json::from_str(json).ok())?
}

fn checksum(json: &str) -> String {
    let mut digest = Digest::of(json.as_bytes()).to_string();
    digest.truncate(16);
    digest.push(' ');
    digest
}

fn write_line(into: &mut Vec<u8>, line: &Line) -> io::Result<()> {
    let json = serde_json::to_string(line)?;
    into.extend_from_slice(checksum(&json).as_bytes());
    into.extend_from_slice(json.as_bytes());
    into.push(b'\n');
    Ok(())
}

/// The line that every journal begins with.
pub(crate) fn first_line(epoch: &Arc<str>, start: &JournalStart) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let line = Line {
        epoch: Arc::clone(epoch),
        start: Some(start.clone()),
        ..Line::default()
    };
    write_line(&mut text, &line)?;
    Ok(text)
}

/// The lines with the counts of the epoch when its undecided start began.
fn base_lines(snapshot: &JournalSnapshot) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if !snapshot.start.pending {
        return Ok(text);
    }
    let base = snapshot
        .all
        .iter()
        .filter(|(key, _)| key.epoch == snapshot.epoch);
    let base: Vec<_> = base
        .map(|(key, entry)| {
            let (service, month) = (Arc::clone(&key.service), Arc::clone(&key.month));
            (service, month, entry.count)
        })
        .collect();
    for some in base.chunks(PER_LINE) {
        let line = Line {
            epoch: Arc::clone(&snapshot.epoch),
            base: some.to_vec(),
            ..Line::default()
        };
        write_line(&mut text, &line)?;
    }
    Ok(text)
}

/// The lines of counts.
pub(crate) fn lines(counts: &[(Key, Entry)]) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    for same in counts.chunk_by(|(one, _), (other, _)| one.epoch == other.epoch) {
        for some in same.chunks(PER_LINE) {
            let of = |as_other| {
                let some = some
                    .iter()
                    .filter(move |(_, entry)| entry.as_other == as_other);
                let some = some.map(|(key, entry)| {
                    let (service, month) = (Arc::clone(&key.service), Arc::clone(&key.month));
                    (service, month, entry.count)
                });
                some.collect()
            };
            let line = Line {
                epoch: Arc::clone(&some[0].0.epoch),
                counts: of(false),
                as_other: of(true),
                ..Line::default()
            };
            write_line(&mut text, &line)?;
        }
    }
    Ok(text)
}

impl Journal {
    /// A journal whose file is yet to be written, by [`Journal::rewrite`].
    pub(crate) fn new(folder: Arc<Folder>) -> Self {
        Self {
            folder,
            file: None,
            length: 0,
            compact: 0,
        }
    }

    /// Whether the file must be rewritten, because the last write failed or it became long.
    pub(crate) fn is_due(&self) -> bool {
        self.file.is_none() || (self.length > LONG && self.length > 2 * self.compact)
    }

    /// Rewrites the file durably.
    ///
    /// # Errors
    /// It cannot be written. The old file is then still there, and must be rewritten.
    pub(crate) fn rewrite(&mut self, snapshot: &JournalSnapshot) -> io::Result<()> {
        self.file = None;
        let mut text = first_line(&snapshot.epoch, &snapshot.start)?;
        text.extend(base_lines(snapshot)?);
        text.extend(lines(&snapshot.all)?);
        let file = self.folder.write_beside(JOURNAL, &text)?;
        planted::point("journal-rewritten");
        self.folder.put_in_place(JOURNAL)?;
        planted::point("journal-renamed");
        self.folder.sync()?;
        self.length = text.len() as u64;
        self.compact = self.length;
        self.file = Some(file);
        Ok(())
    }

    /// Appends counts durably.
    ///
    /// # Errors
    /// They cannot be written. Nothing is appended to a line that may be incomplete: the file must then be
    /// rewritten.
    pub(crate) fn append(&mut self, counts: &[(Key, Entry)]) -> io::Result<()> {
        let text = lines(counts)?;
        let Some(mut file) = self.file.take() else {
            return Err(io::Error::other("the journal is to be written anew"));
        };
        let mut written = file.write_all(&text);
        planted::point("journal-appended");
        if written.is_ok() && !planted::is("node-journal-unsynced") {
            written = file.sync_data().map_err(of_file_system);
        }
        planted::point("journal-synced");
        if !planted::is("node-flush-ignored") {
            written?;
        }
        self.length += text.len() as u64;
        self.file = Some(file);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
