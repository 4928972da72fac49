//! How an application's licenses are looked through: some of them at a time, in one of a few orders.

use std::ops::ControlFlow;

use lictor_core::facts::license::License;
use lictor_core::{Error, Timestamp};
use uuid::Uuid;

/// An application's licenses as they are at one instant. What is passed over costs next to nothing.
pub trait Licenses {
    /// At most `limit` licenses: those that are meant, in their order.
    ///
    /// # Errors
    /// A fault of the store.
    fn some(&self, which: Which, limit: usize) -> Result<Vec<License>, Error>;

    /// One license of the organization, whatever its application.
    ///
    /// # Errors
    /// A fault of the store.
    fn one(&self, id: Uuid) -> Result<Option<License>, Error>;
}

/// Looks through an application's licenses. It runs on a thread that may wait for the disk.
pub type Look = Box<dyn FnOnce(&dyn Licenses) -> Result<(), Error> + Send>;

/// Which of an application's licenses are read, and in which order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The greatest (`updated_at`, revision) first.
    Newest {
        /// Beginning after this one.
        before: Option<(Timestamp, u64)>,
        /// Those alone that have such dates.
        dates: Dates,
    },
    /// Those with such dates that end last, in no order.
    LastToEnd(Dates),
    /// Of those that begin after this instant the newest of each that begin and end alike; the first to
    /// begin first. One whose `updated_at` is after the instant may be missing.
    Waiting(Timestamp),
}

/// When licenses begin and end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dates {
    /// After this instant they end.
    pub ends_after: Option<Timestamp>,
    /// By this instant they have begun.
    pub begun_by: Option<Timestamp>,
    /// After this instant they begin.
    pub begins_after: Option<Timestamp>,
}

/// Takes a page of an application's licenses, the newest first, and says whether it wants to see older ones:
/// all, or those alone that end after an instant.
pub type Choose = Box<dyn FnMut(Vec<License>) -> ControlFlow<(), Option<Timestamp>> + Send>;
