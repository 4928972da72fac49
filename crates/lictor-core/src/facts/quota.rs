//! Quotas: how much a tenant may have of each kind of thing. Options, the API and tables are made from
//! this one table.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::words::listed;

/// The greatest limit that can be set: 2^53 - 1, the largest whole number that every JSON reader
/// keeps.
pub const MAX_LIMIT: u64 = (1 << 53) - 1;

/// What is bounded of a tenant. Its words are stored for ever: they are added, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quota {
    /// Accounts.
    Accounts,
    /// Licenses.
    Licenses,
    /// Licenses of one application.
    LicensesPerApplication,
    /// Applications.
    Applications,
    /// Tokens.
    Tokens,
    /// OAuth clients.
    Clients,
    /// Nodes.
    Nodes,
    /// Pools of nodes.
    NodePools,
    /// Seats.
    Seats,
    /// Leases.
    Leases,
    /// Services × sources of usage in a month.
    UsageSeries,
    /// Running totals that are remembered.
    UsageEpochs,
    /// Codes for a client within ten minutes.
    Codes,
    /// Answers kept for repeated requests.
    KeptAnswers,
    /// Rows of refusals.
    Refusals,
    /// Records of ended leases.
    EndedLeases,
    /// Ledger entries in a day.
    EntriesPerDay,
}

/// What a quota limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whole {
    /// Of the organization, as its ledger has it: one counter.
    Organization,
    /// Of the organization, of what no ledger entry says: one counter.
    Records,
    /// Of each of its applications.
    Application,
    /// Of each of its clients, within ten minutes.
    Client,
    /// Of each month.
    Month,
    /// Of each day: one counter of the organization, which starts again from 0.
    Day,
}

/// The properties of a quota.
#[derive(Debug)]
pub struct Facts {
    /// Which one.
    pub quota: Quota,
    /// What it limits.
    pub whole: Whole,
    /// The option that sets it: `--max-`, then its name.
    pub option: &'static str,
    /// The limit where none is set.
    pub default: u64,
    /// What it counts.
    pub counts: &'static str,
    /// What a tenant can do to get below it again.
    pub relief: &'static str,
}

const fn facts(
    quota: Quota,
    whole: Whole,
    (option, default): (&'static str, u64),
    counts: &'static str,
    relief: &'static str,
) -> Facts {
    Facts {
        quota,
        whole,
        option,
        default,
        counts,
        relief,
    }
}

/// All quotas, in the order of their variants.
const TABLE: [Facts; Quota::COUNT] = [
    facts(
        Quota::Accounts,
        Whole::Organization,
        ("max-accounts", 2_000_000),
        "accounts that are not removed",
        "remove accounts that are not needed",
    ),
    facts(
        Quota::Licenses,
        Whole::Organization,
        ("max-licenses", 100_000),
        "stored licenses",
        "remove licenses that are not needed",
    ),
    facts(
        Quota::LicensesPerApplication,
        Whole::Application,
        ("max-licenses-per-application", 10_000),
        "stored licenses of one application",
        "remove licenses that are not needed",
    ),
    facts(
        Quota::Applications,
        Whole::Organization,
        ("max-applications", 20_000),
        "applications",
        "remove applications that are not needed",
    ),
    facts(
        Quota::Tokens,
        Whole::Organization,
        ("max-tokens", 20_000),
        "tokens that are not revoked",
        "revoke tokens that are not needed",
    ),
    facts(
        Quota::Clients,
        Whole::Organization,
        ("max-clients", 20_000),
        "OAuth clients that are not removed",
        "remove clients that are not needed",
    ),
    facts(
        Quota::Nodes,
        Whole::Organization,
        ("max-nodes", 20_000),
        "nodes that are not revoked, except those that left a pool",
        "revoke nodes that are not needed",
    ),
    facts(
        Quota::NodePools,
        Whole::Organization,
        ("max-node-pools", 1_000),
        "pools of nodes that are not revoked",
        "revoke pools that are not needed",
    ),
    facts(
        Quota::Seats,
        Whole::Organization,
        ("max-seats", 20_000_000),
        "named seats",
        "release seats that are not needed",
    ),
    facts(
        Quota::Leases,
        Whole::Organization,
        ("max-leases", 1_000_000),
        "leases that have not ended",
        "release leases that are not needed",
    ),
    facts(
        Quota::UsageSeries,
        Whole::Month,
        ("max-usage-series", 200_000),
        "services × sources of usage in a month; months before the last one count as one",
        "report under fewer names of services and sources",
    ),
    facts(
        Quota::UsageEpochs,
        Whole::Records,
        ("max-usage-epochs", 1_000_000),
        "running totals of usage that are remembered",
        "keep one epoch for as long as a total continues",
    ),
    facts(
        Quota::Codes,
        Whole::Client,
        ("max-codes", 10),
        "codes for one client within 10 minutes",
        "wait ten minutes",
    ),
    facts(
        Quota::KeptAnswers,
        Whole::Records,
        ("max-kept-answers", 1_000_000),
        "answers kept for requests with an Idempotency-Key, each for 24 hours",
        "wait until older ones end",
    ),
    facts(
        Quota::Refusals,
        Whole::Records,
        ("max-refusals", 1_000_000),
        "rows of refusals, kept for 90 days; beyond, they are merged without their holders",
        "wait until older ones end",
    ),
    facts(
        Quota::EndedLeases,
        Whole::Records,
        ("max-ended-leases", 10_000_000),
        "records of leases that ended; beyond, the oldest go",
        "keep them for a shorter time",
    ),
    facts(
        Quota::EntriesPerDay,
        Whole::Day,
        ("max-entries-per-day", 5_000_000),
        "ledger entries in a day, except those that only take something away",
        "wait until the next day",
    ),
];

impl Quota {
    /// How many there are.
    pub const COUNT: usize = 17;

    /// Its properties.
    pub fn facts(self) -> &'static Facts {
        &TABLE[self as usize]
    }

    /// All quotas.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|facts| facts.quota)
    }

    /// Those that are one counter of the organization.
    pub fn counted() -> impl Iterator<Item = Self> {
        Self::all().filter(|quota| quota.is_counted())
    }

    /// Whether it is one counter of the organization.
    pub fn is_counted(self) -> bool {
        let whole = self.facts().whole;
        matches!(whole, Whole::Organization | Whole::Records | Whole::Day)
    }

    /// Whether what is used of it is one figure.
    pub fn is_figure(self) -> bool {
        self.is_counted() || self.facts().whole == Whole::Month
    }

    /// Those of the counters that follow from the ledger.
    pub fn of_ledger() -> impl Iterator<Item = Self> {
        Self::all().filter(|quota| quota.facts().whole == Whole::Organization)
    }

    /// Its name: the word for it in answers and in the ledger.
    pub fn name(self) -> &'static str {
        let option = self.facts().option;
        option.strip_prefix("max-").unwrap_or(option)
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Quota {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::all().find(|quota| quota.name() == text);
        known.ok_or_else(|| format!("`{text}` is not a quota; use {}", listed(Self::all())))
    }
}

/// The limits of one organization: those that were set, and the defaults of all others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas([Option<u64>; Quota::COUNT]);

impl Quotas {
    /// The limit.
    pub fn limit(&self, quota: Quota) -> u64 {
        self.set_to(quota).unwrap_or(quota.facts().default)
    }

    /// What it was set to. `None` if it is the default.
    pub fn set_to(&self, quota: Quota) -> Option<u64> {
        self.0[quota as usize]
    }

    /// Sets a limit, or goes back to the default.
    pub fn set(&mut self, quota: Quota, limit: Option<u64>) {
        self.0[quota as usize] = limit;
    }
}

/// How much an organization has of what is counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Used([u64; Quota::COUNT]);

impl Used {
    /// How much there is.
    pub fn of(&self, quota: Quota) -> u64 {
        self.0[quota as usize]
    }

    /// Says how much there is.
    pub fn put(&mut self, quota: Quota, count: u64) {
        self.0[quota as usize] = count;
    }

    /// Counts more, or fewer where it is negative.
    pub fn add(&mut self, quota: Quota, by: i64) {
        self.put(quota, self.of(quota).saturating_add_signed(by));
    }

    /// Counts one more.
    pub fn more(&mut self, quota: Quota) {
        self.put(quota, self.of(quota).saturating_add(1));
    }

    /// Counts one less.
    pub fn less(&mut self, quota: Quota) {
        self.put(quota, self.of(quota).saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_its_variants_and_says_each_word_once() {
        for (index, facts) in TABLE.iter().enumerate() {
            let name = facts.quota.name();
            assert_eq!(facts.quota as usize, index, "{name}");
            assert_eq!(facts.option, format!("max-{name}"));
            let stored = serde_json::to_string(&facts.quota).expect("a word");
            assert_eq!(stored, format!("{name:?}"), "it is stored for ever");
            assert_eq!(name.parse(), Ok(facts.quota));
            assert!(facts.default <= MAX_LIMIT);
        }
        assert!("max-accounts".parse::<Quota>().is_err());
    }
}
