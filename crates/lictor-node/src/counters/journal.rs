//! The journal `counters.log`: lines that are appended, each after the first 16 hex digits of the
//! SHA-256 of its JSON. The first names the epoch and the start that counts, each other holds counts as
//! they were then.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::Arc;

use lictor_core::digest::Digest;
use lictor_core::facts::usage::MAX_COUNT;
use lictor_core::feed::epoch_of;
use serde::{Deserialize, Serialize};

use super::{Entry, Key, Start, Whole};
use crate::folder::{Folder, JOURNAL, of_file_system};
use crate::planted;

/// From this length on a journal is written anew, if that makes it much shorter; 1 MiB.
const LONG: u64 = 1 << 20;

/// How many counts a line holds at most.
const PER_LINE: usize = 500;

#[derive(Default, Serialize, Deserialize)]
struct Line {
    epoch: Arc<str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    counts: Vec<(Arc<str>, Arc<str>, u64)>,
    /// Those that are told among the others from now on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    as_other: Vec<(Arc<str>, Arc<str>, u64)>,
    /// In the first line: who counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<Start>,
    /// What its epoch held when that one began, until it was judged. A version that does not count it by
    /// itself until then counts on from there, and tells no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    base: Vec<(Arc<str>, Arc<str>, u64)>,
}

/// What was read from a journal.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    /// The epoch that it counts in; none: a new one is due.
    pub epoch: Option<Arc<str>>,
    /// What could be read.
    pub counts: BTreeMap<Key, Entry>,
    /// Who counted last; none: a version that did not say so.
    pub start: Option<Start>,
    /// What its epoch held when it began, if it was not judged yet.
    pub base: BTreeMap<Key, u64>,
    /// Whether something could not.
    pub damaged: bool,
}

/// The journal as it is written.
pub(crate) struct Journal {
    folder: Arc<Folder>,
    /// None: the last write failed, and a new file is due.
    file: Option<File>,
    length: u64,
    compact: u64,
}

/// Reads a journal. The rest of a last line that was cut short was never on disk for certain, so
/// that nobody was told of it; anything else that does not fit is damage.
pub(crate) fn read(bytes: &[u8]) -> Read {
    let mut read = Read::default();
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
    put_apart(&mut read);
    read
}

/// Puts what a start that nobody judged counted in the epoch of its journal, as an earlier version does,
/// to what it counts by itself.
fn put_apart(read: &mut Read) {
    // Of a build that writes no base nothing of the epoch is the start's.
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

fn take(read: &mut Read, line: Line) {
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
pub(crate) fn first_line(epoch: &Arc<str>, start: &Start) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let line = Line {
        epoch: Arc::clone(epoch),
        start: Some(start.clone()),
        ..Line::default()
    };
    write_line(&mut text, &line)?;
    Ok(text)
}

/// The lines of what the epoch of a start held when that began, while nobody judged it: it counts by itself.
fn base_lines(whole: &Whole) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    if !whole.start.pending {
        return Ok(text);
    }
    let base = whole.all.iter().filter(|(key, _)| key.epoch == whole.epoch);
    let base: Vec<_> = base
        .map(|(key, entry)| {
            let (service, month) = (Arc::clone(&key.service), Arc::clone(&key.month));
            (service, month, entry.count)
        })
        .collect();
    for some in base.chunks(PER_LINE) {
        let line = Line {
            epoch: Arc::clone(&whole.epoch),
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

    /// Whether the whole file is to be written anew: the last write failed, or it became long.
    pub(crate) fn is_due(&self) -> bool {
        self.file.is_none() || (self.length > LONG && self.length > 2 * self.compact)
    }

    /// Writes the whole file anew, durably.
    ///
    /// # Errors
    /// It cannot be written; then the old one is still there, and a new one is due.
    pub(crate) fn rewrite(&mut self, whole: &Whole) -> io::Result<()> {
        self.file = None;
        let mut text = first_line(&whole.epoch, &whole.start)?;
        text.extend(base_lines(whole)?);
        text.extend(lines(&whole.all)?);
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

    /// Appends counts, durably.
    ///
    /// # Errors
    /// They cannot be written. Nothing is appended after a line that may be torn: a new file is due.
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
