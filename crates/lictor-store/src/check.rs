//! The comparison that `lictor check` makes: the entries of a stream are replayed and compared with its rows, in
//! bounded memory. A backend reads both.

mod bounded_state;
mod ended;
mod scratch;

use std::collections::BTreeMap;
use std::fmt::Display;

use lictor_core::change::Change;
use lictor_core::digest::Digest;
use lictor_core::facts::lease::EndedLease;
use lictor_core::facts::quota::Quota;
use lictor_core::ledger::{Entry, Head};
use lictor_core::state::State;
use uuid::Uuid;

use self::bounded_state::BoundedState;
use crate::open_error::OpenError;

pub(crate) use self::bounded_state::{Many, Named};
pub(crate) use self::ended::EndedLeases;
pub(crate) use self::scratch::{Pair, Pairs, Scratch};

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
    replayed: BoundedState,
    differences: Vec<String>,
}

impl Replay {
    /// Begins with an empty state. What does not stay in memory goes into `scratch`.
    pub(crate) fn new(stream: Uuid, scratch: Box<dyn Scratch>) -> Self {
        Self::within(stream, bounded_state::MOST, scratch)
    }

    /// The same, with so many things in memory at most.
    fn within(stream: Uuid, most: usize, scratch: Box<dyn Scratch>) -> Self {
        Self {
            stream,
            head: Head::EMPTY,
            replayed: BoundedState::new(most, scratch),
            differences: Vec::new(),
        }
    }

    /// Takes the next stored entry: the columns it was found under and its text. One that ended a
    /// lease gives what its record must say, but for the holder.
    ///
    /// # Errors
    /// What the scratch file said.
    pub(crate) fn entry(
        &mut self,
        position: u64,
        hash: [u8; 32],
        body: &str,
    ) -> Result<Option<EndedLease>, OpenError> {
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

    fn apply(&mut self, entry: &Entry) -> Result<Option<EndedLease>, OpenError> {
        self.replayed.load(&entry.change)?;
        let ended = self.ended(entry);
        let state = &mut self.replayed.state;
        state.apply(entry.position, entry.at, &entry.change);
        if let Some(breach) = state.breach(&entry.change) {
            self.differences.push(format!(
                "stream {}, position {}: {breach}",
                self.stream, entry.position
            ));
        }
        if let Change::LicenseWritten { payload_sha256, .. } = entry.change {
            self.replayed.payloads.insert(payload_sha256, Named);
        }
        self.replayed.spill_if_many()?;
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
            since: self.replayed.state.leases.get(id)?.since,
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
            // Figures and settings, each compared below.
            policy,
            removed,
            newest_updated_at,
            basis_changed,
            counts,
            node_settings,
            quotas,
            used,
            // Of these there are few.
            keys,
            applications,
            node_pools,
            corrections,
            // Of these there may be many.
            organizations: _,
            tokens: _,
            licenses: _,
            accounts: _,
            seats: _,
            leases: _,
            clients: _,
            grants: _,
            nodes: _,
            // No entry vouches for these.
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
        } = &self.replayed.state;
        let mut little = Little {
            stream: self.stream,
            found: &mut self.differences,
        };
        little.figure("the trust policy", policy, &rows.policy);
        little.figure("whether it was removed", removed, &rows.removed);
        let basis = "the last change that the state of nodes rests on";
        little.figure(basis, basis_changed, &rows.basis_changed);
        little.figure("the count of accounts", counts, &rows.counts);
        little.figure("the set of its quotas", quotas, &rows.quotas);
        for quota in Quota::of_ledger() {
            let what = format!("the count of {quota}");
            little.figure(&what, &used.of(quota), &rows.used.of(quota));
        }
        little.figure("the settings of nodes", node_settings, &rows.node_settings);
        let newest = "the greatest updated_at";
        little.figure(newest, newest_updated_at, &rows.newest_updated_at);
        little.each("key", keys, &rows.keys);
        little.each("application", applications, &rows.applications);
        little.each("pool of nodes", node_pools, &rows.node_pools);
        little.each("usage correction", corrections, &rows.corrections);
    }

    /// Compares with the rows of one kind, which come in order of their keys, and says how many those
    /// are.
    ///
    /// # Errors
    /// What a database said.
    pub(crate) fn compare_many<M: Many>(
        &mut self,
        rows: impl Iterator<Item = Result<(M::Key, M), OpenError>>,
    ) -> Result<u64, OpenError> {
        let (stream, kind) = (self.stream, M::NAME);
        let (mut count, mut found, mut unknown) = (0, Vec::new(), Vec::new());
        let missing = |key| format!("stream {stream}: {kind} {key} is missing");
        let mut rows = rows;
        self.replayed.read_all::<M>(|ledger| {
            for row in rows.by_ref() {
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

/// The comparison of that of which there is little.
struct Little<'a> {
    stream: Uuid,
    found: &'a mut Vec<String>,
}

impl Little<'_> {
    /// Compares a figure or a setting.
    fn figure<V: PartialEq>(&mut self, what: &str, ledger: &V, rows: &V) {
        if ledger != rows {
            let stream = self.stream;
            self.found
                .push(format!("stream {stream}: {what} differs from the ledger"));
        }
    }

    /// Compares things of one kind.
    fn each<K: Ord + Display, V: PartialEq>(
        &mut self,
        kind: &str,
        ledger: &BTreeMap<K, V>,
        rows: &BTreeMap<K, V>,
    ) {
        let stream = self.stream;
        for (key, value) in ledger {
            match rows.get(key) {
                Some(row) if row == value => {}
                Some(_) => self.found.push(format!(
                    "stream {stream}: {kind} {key} differs from the ledger"
                )),
                None => self
                    .found
                    .push(format!("stream {stream}: {kind} {key} is missing")),
            }
        }
        for key in rows.keys().filter(|key| !ledger.contains_key(key)) {
            self.found.push(format!(
                "stream {stream}: {kind} {key} is not in the ledger"
            ));
        }
    }
}

#[cfg(test)]
mod tests;
