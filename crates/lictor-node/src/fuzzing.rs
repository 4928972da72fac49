//! Access for fuzz targets to the parsers of streams and journals. Only fuzzing builds have it.

use std::sync::Arc;

use crate::counters::journal;
use crate::counters::{Entry, JournalStart, Key};
use crate::sse::Parser;

/// Names and data of the events of a stream that comes in these pieces, each event with at most so
/// many bytes of data. `None` if the stream cannot be read.
pub fn events<'a>(
    pieces: impl IntoIterator<Item = &'a [u8]>,
    most: usize,
) -> Option<Vec<(String, String)>> {
    let mut parser = Parser::new(most);
    let mut events = Vec::new();
    for piece in pieces {
        let more = parser.push(piece).ok()?;
        events.extend(more.into_iter().map(|event| (event.name, event.data)));
    }
    Some(events)
}

/// A journal's counts: service, month and number.
pub type Counts = Vec<(String, String, u64)>;

/// A journal, as a process writes it that adds these counts one after the other.
pub fn write_journal(epoch: &str, counts: &[(&str, &str, u64)]) -> Vec<u8> {
    let epoch: Arc<str> = epoch.into();
    let mut bytes = journal::first_line(&epoch, &JournalStart::default()).unwrap_or_default();
    for (service, month, count) in counts {
        let key = Key {
            epoch: Arc::clone(&epoch),
            month: (*month).into(),
            service: (*service).into(),
        };
        let entry = Entry {
            count: *count,
            as_other: false,
        };
        bytes.extend(journal::lines(&[(key, entry)]).unwrap_or_default());
    }
    bytes
}

/// The counts of a journal, and whether it is undamaged.
pub fn read_journal(bytes: &[u8]) -> (Counts, bool) {
    let read = journal::read(bytes);
    let counts = read.counts.into_iter();
    let counts = counts.map(|(key, entry)| {
        let (service, month) = (key.service.to_string(), key.month.to_string());
        (service, month, entry.count)
    });
    (counts.collect(), !read.damaged)
}
