//! The comparison behind `lictor check`: a stream's entries, replayed, against its rows, in little memory
//! however much there is.

mod aside;
mod held;

use std::collections::BTreeMap;

use lictor_core::change::Change;
use lictor_core::digest::Digest;
use lictor_core::facts::lease::EndedLease;
use lictor_core::facts::quota::Quota;
use lictor_core::ledger::{Entry, Head};
use lictor_core::state::State;
use uuid::Uuid;

use self::held::Held;
pub(crate) use self::held::{Many, Named};

/// What a check found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// How many streams were checked.
    pub streams: u64,
    /// How many ledger entries were replayed.
    pub entries: u64,
    /// How many stored licenses were compared.
    pub licenses: u64,
    /// What differs, a sentence each; empty: all is well.
    pub differences: Vec<String>,
    /// What is as it should be, but wants somebody's decision, a sentence each.
    pub notes: Vec<String>,
}

/// Replays one stream: takes its entries in order, then compares with its rows.
pub(crate) struct Replay {
    stream: Uuid,
    head: Head,
    held: Held,
    differences: Vec<String>,
}

impl Replay {
    /// Begins with an empty state.
    pub(crate) fn new(stream: Uuid) -> Self {
        Self::holding(stream, held::MOST)
    }

    /// The same, with so many things in memory at most.
    fn holding(stream: Uuid, most: usize) -> Self {
        Self {
            stream,
            head: Head::EMPTY,
            held: Held::new(most),
            differences: Vec::new(),
        }
    }

    /// Takes the next stored entry: the columns it was found under and its text. One that ended a
    /// lease gives what its record must say, but for the holder.
    ///
    /// # Errors
    /// What the scratch database said.
    pub(crate) fn entry(
        &mut self,
        position: u64,
        hash: [u8; 32],
        body: &str,
    ) -> rusqlite::Result<Option<EndedLease>> {
        let next = self.head.next(body);
        let place = format_args!("stream {}, position {position}", self.stream);
        if position != next.position {
            self.differences
                .push(format!("{place}: expected position {}", next.position));
        }
        if hash != next.hash.0 {
            self.differences
                .push(format!("{place}: the hash chain is broken"));
        }
        // The rest is still compared: go on from what is stored.
        self.head = Head {
            position,
            hash: Digest(hash),
        };
        match Entry::from_body(body) {
            Ok(entry) if entry.stream == self.stream && entry.position == position => {
                return self.apply(&entry);
            }
            Ok(_) => self
                .differences
                .push(format!("{place}: the entry belongs elsewhere")),
            Err(error) => self
                .differences
                .push(format!("{place}: unreadable entry: {error}")),
        }
        Ok(None)
    }

    fn apply(&mut self, entry: &Entry) -> rusqlite::Result<Option<EndedLease>> {
        self.held.load(&entry.change)?;
        let ended = self.ended(entry);
        let state = &mut self.held.state;
        state.apply(entry.position, entry.at, &entry.change);
        if let Some(breach) = state.breach(&entry.change) {
            self.differences.push(format!(
                "stream {}, position {}: {breach}",
                self.stream, entry.position
            ));
        }
        if let Change::LicenseWritten { payload_sha256, .. } = entry.change {
            self.held.payloads.insert(payload_sha256, Named);
        }
        self.held.put_aside_if_many()?;
        Ok(ended)
    }

    fn ended(&self, entry: &Entry) -> Option<EndedLease> {
        let Change::LeaseEnded {
            id,
            application,
            reason,
        } = &entry.change
        else {
            return None;
        };
        Some(EndedLease {
            id: *id,
            application: application.clone(),
            holder: None,
            since: self.held.state.leases.get(id)?.since,
            until: entry.at,
            reason: *reason,
            position: entry.position,
        })
    }

    /// Compares with the head row.
    pub(crate) fn compare_head(&mut self, head: Head) {
        if self.head != head {
            self.differences.push(format!(
                "stream {}: the entries end at {}, the head row at {}",
                self.stream, self.head.position, head.position
            ));
        }
    }

    /// Compares with what the rows say of that of which there is little.
    pub(crate) fn compare_state(&mut self, rows: &State) {
        let State {
            policy,
            keys,
            organizations: _,
            removed,
            tokens: _,
            applications,
            licenses: _,
            newest_updated_at,
            basis_changed,
            accounts: _,
            counts,
            seats: _,
            leases: _,
            clients: _,
            grants: _,
            nodes: _,
            node_pools,
            node_settings,
            corrections,
            quotas,
            used,
            position: _,
            trust_changed: _,
            newest_licenses: _,
            emails: _,
            emails_apart: _,
            lease_terms: _,
            refusals_of_holder: _,
            answers_of_holder: _,
            codes: _,
            refresh_tokens: _,
            grants_given: _,
            access_tokens: _,
            node_identities: _,
            pool_identities: _,
            nodes_to_join: _,
            node_starts: _,
            usage_by_source: _,
            usage: _,
            usage_sum: _,
            usage_months: _,
            usage_moved: _,
            codes_made: _,
            usage_epochs: _,
        } = &self.held.state;
        let stream = self.stream;
        let mut found = Vec::new();
        let mut plain = |what: &str, same: bool| {
            if !same {
                found.push(format!("stream {stream}: {what} differs from the ledger"));
            }
        };
        plain("the trust policy", *policy == rows.policy);
        plain("whether it was removed", *removed == rows.removed);
        plain(
            "the last change that the state of nodes rests on",
            *basis_changed == rows.basis_changed,
        );
        plain("the count of accounts", *counts == rows.counts);
        plain("the set of its quotas", *quotas == rows.quotas);
        for quota in Quota::of_ledger() {
            let what = format!("the count of {quota}");
            plain(&what, used.of(quota) == rows.used.of(quota));
        }
        plain(
            "the settings of nodes",
            *node_settings == rows.node_settings,
        );
        plain(
            "the greatest updated_at",
            *newest_updated_at == rows.newest_updated_at,
        );
        compare("key", stream, keys, &rows.keys, &mut found);
        compare(
            "application",
            stream,
            applications,
            &rows.applications,
            &mut found,
        );
        compare(
            "pool of nodes",
            stream,
            node_pools,
            &rows.node_pools,
            &mut found,
        );
        compare(
            "usage correction",
            stream,
            corrections,
            &rows.corrections,
            &mut found,
        );
        self.differences.append(&mut found);
    }

    /// Compares with the rows of one kind, which come in order of their keys, and says how many those
    /// are.
    ///
    /// # Errors
    /// What a database said.
    pub(crate) fn compare_many<M: Many>(
        &mut self,
        rows: impl Iterator<Item = rusqlite::Result<(M::Key, M)>>,
    ) -> rusqlite::Result<u64> {
        let (stream, kind) = (self.stream, M::NAME);
        let (mut count, mut found, mut unknown) = (0, Vec::new(), Vec::new());
        let missing = |key| format!("stream {stream}: {kind} {key} is missing");
        self.held.each::<M>(|ledger| {
            for row in rows {
                let (key, row) = row?;
                count += 1;
                while let Some((key, _)) = ledger.before(&key)? {
                    found.push(missing(key));
                }
                match ledger.at(&key)? {
                    Some(known) if known == row => {}
                    Some(_) => found.push(format!(
                        "stream {stream}: {kind} {key} differs from the ledger"
                    )),
                    None => unknown.push(format!(
                        "stream {stream}: {kind} {key} is not in the ledger"
                    )),
                }
            }
            while let Some((key, _)) = ledger.next()? {
                found.push(missing(key));
            }
            Ok(())
        })?;
        self.differences.append(&mut found);
        self.differences.append(&mut unknown);
        Ok(count)
    }

    /// Adds to the report.
    pub(crate) fn finish(mut self, report: &mut CheckReport) {
        report.streams += 1;
        report.entries += self.head.position;
        report.differences.append(&mut self.differences);
    }
}

fn compare<K: Ord + std::fmt::Display, V: PartialEq>(
    kind: &str,
    stream: Uuid,
    ledger: &BTreeMap<K, V>,
    rows: &BTreeMap<K, V>,
    found: &mut Vec<String>,
) {
    for (key, value) in ledger {
        match rows.get(key) {
            Some(row) if row == value => {}
            Some(_) => found.push(format!(
                "stream {stream}: {kind} {key} differs from the ledger"
            )),
            None => found.push(format!("stream {stream}: {kind} {key} is missing")),
        }
    }
    for key in rows.keys().filter(|key| !ledger.contains_key(key)) {
        found.push(format!(
            "stream {stream}: {kind} {key} is not in the ledger"
        ));
    }
}

#[cfg(test)]
mod tests;
