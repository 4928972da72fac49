//! What Lictor persists, and nothing that decides: the [`Store`] trait, a family of reads and one
//! write that runs a pure rule under the lock of a stream.

mod at_once;
mod breather;
mod check;
mod database;
mod effects;
mod facts;
mod head_row;
mod licenses;
mod maintenance;
mod open_error;
mod outcome;
mod places;
mod plan;
mod queue;
mod reads;
mod recent;
mod rule;
mod spans;
mod sqlite;
mod turns;
mod watch;

use async_trait::async_trait;
use lictor_core::Error;

pub use at_once::FORGOTTEN_ENDED_LEASES;
pub use breather::Breather;
pub use check::CheckReport;
pub use database::{
    New, Restored, checked_backup, is_in, open, open_temporary, removed_accounts, restore,
    watched_check,
};
pub use licenses::{Choose, Dates, Licenses, Look, Which};
pub use maintenance::{Batches, DatabaseCopy, Maintenance, Sizes};
pub use open_error::{OpenError, of_file_system};
pub use outcome::Outcome;
pub use reads::{
    AccountReads, InstallationReads, LedgerReads, LicenseReads, NodeReads, SeatReads, TokenReads,
    UsageReads,
};
pub use recent::RecentStreams;
pub use rule::{
    ANSWER_KEPT_SECONDS, Answer, Bounds, EndedFilter, EndedKey, Fact, Figures, Grown,
    IdempotencyKey, Idempotent, LeftNode, NodePlaces, NodesBasis, Observer, PoolBy, PoolNode,
    RefusalSum, Refused, RefusedKey, Render, Rule, SumKey, UsageFigures, UsagePage, Write, Written,
};
pub use watch::{Step, Watch};

/// Where a page of rows of any size ends at the latest, in bytes: 2 MiB.
pub const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// A database of Lictor's. Every backend keeps the same promises, which the battery in
/// `tests/battery` puts to each of them:
///
/// - a write is durable before it is acknowledged, and is seen by every read that begins after;
/// - the rule decides on facts read under the stream's lock, so writes to one stream are one
///   after the other, and a rule may run more than once before one run counts;
/// - changes, ledger entries, records and the idempotency record are stored together or not at all;
/// - a refused rule changes nothing.
///
/// Its reads stand in traits by noun.
#[async_trait]
pub trait Store:
    LicenseReads
    + AccountReads
    + SeatReads
    + InstallationReads
    + TokenReads
    + NodeReads
    + UsageReads
    + LedgerReads
    + Maintenance
{
    /// Runs a rule on one stream and stores what it decides.
    ///
    /// # Errors
    /// What the rule refused with; [`Error::NotFound`] for a stream that does not exist or whose
    /// organization was removed; [`Error::IdempotencyTwin`] where the idempotency key is taken;
    /// [`Error::StorageFull`], [`Error::ReadOnly`] or [`Error::Internal`].
    async fn write(&self, write: Write) -> Result<Written, Error>;

    /// From now on tells `observer` of each stored write, for as long as the store is open.
    fn observe(&self, observer: Observer);

    /// Whether writes would be taken: the database answers and no write to the disk has failed.
    async fn ready(&self) -> Result<(), Error>;

    /// Whether nobody else can write what is stored here while this is open, so that what was read
    /// once holds until it is written here.
    fn is_exclusive(&self) -> bool;
}
