//! What the server does by itself, which whoever opened the installation may have it do, and no dialect.

use std::ops::Deref;
use std::sync::Arc;

use lictor_core::Error;

use super::Authority;

/// An installation that was opened, for whoever opened it. Dialects are handed the authority alone, so that none of them
/// can do what no caller has a permit for.
pub struct Opened(Arc<Authority>);

impl Opened {
    pub(crate) fn new(authority: Authority) -> Self {
        Self(Arc::new(authority))
    }

    /// The authority, for those who act for callers.
    pub fn authority(&self) -> Arc<Authority> {
        Arc::clone(&self.0)
    }

    /// Ends leases when their time is over, for as long as it is polled.
    pub fn watch_leases(&self) -> impl Future<Output = ()> + Send + use<> {
        self.authority().watch_leases()
    }

    /// Drops what was kept long enough, and names of what was removed, for as long as it is polled.
    pub fn watch_kept(&self) -> impl Future<Output = ()> + Send + use<> {
        self.authority().watch_kept()
    }

    /// Logs which licenses in force end soon, for as long as it is polled.
    pub fn watch_expiry(&self) -> impl Future<Output = ()> + Send + use<> {
        self.authority().watch_expiry()
    }

    /// Looks which applications have more nodes than they are granted, for as long as it is polled.
    pub fn watch_node_places(&self) -> impl Future<Output = ()> + Send + use<> {
        self.authority().watch_node_places()
    }

    /// Gives places of silent nodes back for as long as it is polled.
    pub fn watch_pools(&self) -> impl Future<Output = ()> + Send + use<> {
        self.authority().watch_pools()
    }

    /// Ends the leases whose time is over.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn end_due_leases(&self) -> Result<(), Error> {
        self.0.end_due_leases().await
    }

    /// Drops the ended leases that were kept long enough.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn drop_ended_leases(&self) -> Result<(), Error> {
        self.0.drop_ended_leases().await
    }

    /// Drops the answers and refusals that were kept long enough.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn drop_expired(&self) -> Result<(), Error> {
        self.0.drop_expired().await
    }

    /// Removes the nodes that left long ago.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn remove_left_nodes(&self) -> Result<(), Error> {
        self.0.remove_left_nodes().await
    }

    /// Gives the places of nodes back that are silent for longer than their pools let them be. Returns in how many
    /// seconds to look again.
    ///
    /// # Errors
    /// A fault of the store.
    pub async fn forget_silent_nodes(&self) -> Result<i64, Error> {
        self.0.forget_silent_nodes().await
    }
}

impl Deref for Opened {
    type Target = Arc<Authority>;

    fn deref(&self) -> &Arc<Authority> {
        &self.0
    }
}
