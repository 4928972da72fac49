//! What is kept of the ended leases of a stream, compared with the entries that ended them.

use lictor_core::Timestamp;
use lictor_core::facts::lease::EndedLease;
use uuid::Uuid;

/// The comparison of one stream.
pub(crate) struct EndedLeases {
    stream: Uuid,
    /// Whether the organization is gone, and what was kept with it.
    removed: bool,
    /// After which position, and from which instant on, none may be missing.
    kept_from: (u64, Timestamp),
    /// How many were found.
    found: u64,
}

impl EndedLeases {
    /// Begins. After the position and from the instant `kept_from` on, none may be missing, unless the
    /// organization was removed.
    pub(crate) fn new(stream: Uuid, removed: bool, kept_from: (u64, Timestamp)) -> Self {
        Self {
            stream,
            removed,
            kept_from,
            found: 0,
        }
    }

    /// Compares one: as its entry has it, and as it was found.
    pub(crate) fn compare(
        &mut self,
        expected: &EndedLease,
        found: Option<EndedLease>,
        differences: &mut Vec<String>,
    ) {
        let (stream, id) = (self.stream, expected.id);
        match found {
            Some(found) => {
                self.found += 1;
                let same = EndedLease {
                    holder: None,
                    ..found
                };
                if same != *expected {
                    differences.push(format!(
                        "stream {stream}: the record of ended lease {id} differs from the ledger"
                    ));
                }
            }
            None if self.may_be_gone(expected) => {}
            None => differences.push(format!(
                "stream {stream}: the record of ended lease {id} is missing"
            )),
        }
    }

    fn may_be_gone(&self, lease: &EndedLease) -> bool {
        let (position, since) = self.kept_from;
        self.removed || lease.position <= position || lease.until < since
    }

    /// Ends: of `count` that are kept, all must have been found.
    pub(crate) fn finish(self, count: u64, differences: &mut Vec<String>) {
        let more = count.saturating_sub(self.found);
        if more > 0 {
            differences.push(format!(
                "stream {}: {more} records of ended leases are not in the ledger",
                self.stream
            ));
        }
    }
}
