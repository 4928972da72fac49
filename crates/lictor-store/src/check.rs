//! The comparison behind `lictor check`: a stream's entries, replayed, against its rows.

use std::collections::{BTreeMap, BTreeSet};

use lictor_core::change::Digest;
use lictor_core::{Change, EndedLease, Entry, Head, Quota, State};
use uuid::Uuid;

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
pub struct Replay {
    stream: Uuid,
    head: Head,
    state: State,
    /// The hashes of all payloads that the entries name, also those of licenses that are gone.
    payloads: BTreeSet<Digest>,
    differences: Vec<String>,
}

impl Replay {
    /// Begins with an empty state.
    pub fn new(stream: Uuid) -> Self {
        let (head, state) = (Head::EMPTY, State::default());
        Self {
            stream,
            head,
            state,
            payloads: BTreeSet::new(),
            differences: Vec::new(),
        }
    }

    /// Takes the next stored entry: the columns it was found under and its text. One that ended a
    /// lease gives what its record must say, but for the holder.
    pub fn entry(&mut self, position: u64, hash: [u8; 32], body: &str) -> Option<EndedLease> {
        let next = self.head.next(body);
        let place = format!("stream {}, position {position}", self.stream);
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
                let ended = self.ended(&entry);
                self.state.apply(position, entry.at, &entry.change);
                let breach = self.state.breach(&entry.change);
                self.differences
                    .extend(breach.map(|breach| format!("{place}: {breach}")));
                if let Change::LicenseWritten { payload_sha256, .. } = entry.change {
                    self.payloads.insert(payload_sha256);
                }
                return ended;
            }
            Ok(_) => self
                .differences
                .push(format!("{place}: the entry belongs elsewhere")),
            Err(error) => self
                .differences
                .push(format!("{place}: unreadable entry: {error}")),
        }
        None
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
            since: self.state.leases.get(id)?.since,
            until: entry.at,
            reason: *reason,
            position: entry.position,
        })
    }

    /// Compares with the head row, the state that the rows say and the payloads that are there, and
    /// adds to the report.
    pub fn finish(
        mut self,
        head: Head,
        rows: &State,
        payloads: &BTreeSet<Digest>,
        report: &mut CheckReport,
    ) {
        if self.head != head {
            self.differences.push(format!(
                "stream {}: the entries end at {}, the head row at {}",
                self.stream, self.head.position, head.position
            ));
        }
        self.compare_rows(rows);
        self.compare_payloads(payloads);
        report.streams += 1;
        report.entries += self.head.position;
        report.licenses += rows.licenses.len() as u64;
        report.differences.append(&mut self.differences);
    }

    fn compare_rows(&mut self, rows: &State) {
        let State {
            policy,
            keys,
            organizations,
            removed,
            tokens,
            applications,
            licenses,
            newest_updated_at,
            basis_changed,
            accounts,
            counts,
            seats,
            leases,
            clients,
            grants,
            nodes,
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
            node_starts: _,
            usage_by_source: _,
            usage: _,
            usage_sum: _,
            usage_months: _,
            usage_moved: _,
            codes_made: _,
            usage_epochs: _,
        } = &self.state;
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
            "organization",
            stream,
            organizations,
            &rows.organizations,
            &mut found,
        );
        compare("token", stream, tokens, &rows.tokens, &mut found);
        compare("license", stream, licenses, &rows.licenses, &mut found);
        compare(
            "application",
            stream,
            applications,
            &rows.applications,
            &mut found,
        );
        compare("account", stream, accounts, &rows.accounts, &mut found);
        compare("seat", stream, seats, &rows.seats, &mut found);
        compare("lease", stream, leases, &rows.leases, &mut found);
        compare("client", stream, clients, &rows.clients, &mut found);
        compare("grant", stream, grants, &rows.grants, &mut found);
        compare("node", stream, nodes, &rows.nodes, &mut found);
        compare(
            "usage correction",
            stream,
            corrections,
            &rows.corrections,
            &mut found,
        );
        self.differences.append(&mut found);
    }

    fn compare_payloads(&mut self, stored: &BTreeSet<Digest>) {
        let stream = self.stream;
        let missing = self.payloads.difference(stored);
        let unnamed = stored.difference(&self.payloads);
        self.differences
            .extend(missing.map(|sha256| format!("stream {stream}: payload {sha256} is missing")));
        self.differences.extend(
            unnamed.map(|sha256| format!("stream {stream}: payload {sha256} is not in the ledger")),
        );
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
