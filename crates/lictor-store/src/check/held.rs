//! The things of which there may be many in a stream: a replay holds some of them in memory and puts the
//! rest aside.

use std::collections::BTreeMap;
use std::fmt::Display;

use lictor_core::change::Change;
use lictor_core::digest::Digest;
use lictor_core::facts::account::AccountState;
use lictor_core::facts::client::ClientState;
use lictor_core::facts::grant::GrantState;
use lictor_core::facts::lease::LeaseState;
use lictor_core::facts::license::LicenseState;
use lictor_core::facts::node::NodeState;
use lictor_core::facts::organization::OrganizationState;
use lictor_core::facts::seats::{SeatId, SeatState};
use lictor_core::facts::token::TokenState;
use lictor_core::state::State;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::aside::Aside;

/// How many things are held in memory at most: some 40 MB of them.
pub(super) const MOST: usize = 100_000;

/// That an entry names a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named;

/// The state of a stream as far as it was replayed, most of it in memory or most of it aside.
pub(crate) struct Held {
    pub(super) state: State,
    /// The hashes of all payloads that the entries name, also those of licenses that are gone.
    pub(super) payloads: BTreeMap<Digest, Named>,
    aside: Aside,
    most: usize,
}

/// Something of which there may be many.
pub(crate) trait Many: Serialize + DeserializeOwned + PartialEq + Sized {
    /// What it is known by, in the order of its bytes.
    type Key: Ord + Display;
    /// The number of the kind.
    const KIND: u8;
    /// The word for it.
    const NAME: &'static str;

    /// The key as bytes, which are in the order of the keys.
    fn bytes(key: &Self::Key) -> Vec<u8>;

    /// The key of these bytes.
    fn key(bytes: &[u8]) -> Option<Self::Key>;

    /// Those that are in memory.
    fn of(held: &mut Held) -> &mut BTreeMap<Self::Key, Self>;
}

macro_rules! many {
    ($type:ty, $kind:literal, $name:literal, $of:ident) => {
        impl Many for $type {
            type Key = Uuid;
            const KIND: u8 = $kind;
            const NAME: &'static str = $name;

            fn bytes(key: &Uuid) -> Vec<u8> {
                key.as_bytes().to_vec()
            }

            fn key(bytes: &[u8]) -> Option<Uuid> {
                Uuid::from_slice(bytes).ok()
            }

            fn of(held: &mut Held) -> &mut BTreeMap<Uuid, Self> {
                &mut held.state.$of
            }
        }
    };
}

many!(OrganizationState, 1, "organization", organizations);
many!(TokenState, 2, "token", tokens);
many!(LicenseState, 3, "license", licenses);
many!(AccountState, 4, "account", accounts);
many!(LeaseState, 5, "lease", leases);
many!(ClientState, 6, "client", clients);
many!(GrantState, 7, "grant", grants);
many!(NodeState, 8, "node", nodes);

impl Many for SeatState {
    type Key = SeatId;
    const KIND: u8 = 9;
    const NAME: &'static str = "seat";

    fn bytes(key: &SeatId) -> Vec<u8> {
        let application = key.application.as_bytes();
        [application, &[0], key.account.as_bytes()].concat()
    }

    fn key(bytes: &[u8]) -> Option<SeatId> {
        let (application, account) = bytes.split_last_chunk::<16>()?;
        let application = application.strip_suffix(&[0])?;
        Some(SeatId {
            application: String::from_utf8(application.to_vec()).ok()?,
            account: Uuid::from_bytes(*account),
        })
    }

    fn of(held: &mut Held) -> &mut BTreeMap<SeatId, Self> {
        &mut held.state.seats
    }
}

impl Many for Named {
    type Key = Digest;
    const KIND: u8 = 10;
    const NAME: &'static str = "payload";

    fn bytes(key: &Digest) -> Vec<u8> {
        key.0.to_vec()
    }

    fn key(bytes: &[u8]) -> Option<Digest> {
        bytes.try_into().ok().map(Digest)
    }

    fn of(held: &mut Held) -> &mut BTreeMap<Digest, Self> {
        &mut held.payloads
    }
}

impl Held {
    pub(super) fn new(most: usize) -> Self {
        Self {
            state: State::default(),
            payloads: BTreeMap::new(),
            aside: Aside::empty(),
            most,
        }
    }

    /// Brings back what a change alters. What it creates takes the place of what is there.
    pub(super) fn load(&mut self, change: &Change) -> rusqlite::Result<()> {
        if !self.aside.is_used() {
            return Ok(());
        }
        match change {
            Change::TokenRevoked { id } => self.back::<TokenState>(*id),
            Change::LicenseWritten { id, .. } | Change::LicenseRemoved { id } => {
                self.back::<LicenseState>(*id)
            }
            Change::AccountSet { id, .. } | Change::AccountRemoved { id } => {
                self.back::<AccountState>(*id)
            }
            Change::SeatAssigned { account, .. } => self.back::<AccountState>(*account),
            Change::SeatReleased {
                application,
                account,
            } => {
                self.back::<AccountState>(*account)?;
                self.back::<SeatState>(SeatId {
                    application: application.clone(),
                    account: *account,
                })
            }
            Change::LeaseEnded { id, .. } => self.back::<LeaseState>(*id),
            Change::ClientRemoved { id } => self.back::<ClientState>(*id),
            Change::GrantRevoked { id } => self.back::<GrantState>(*id),
            Change::NodeJoined { id }
            | Change::NodeRevoked { id }
            | Change::NodeLeft { id, .. }
            | Change::NodeReturned { id, .. }
            | Change::NodeBarred { id }
            | Change::NodeRemoved { id } => self.back::<NodeState>(*id),
            Change::NodePoolCreated { .. }
            | Change::NodePoolRevoked { .. }
            | Change::PolicySet { .. }
            | Change::OrganizationCreated { .. }
            | Change::OrganizationRemoved
            | Change::KeyTrusted { .. }
            | Change::KeyRetired { .. }
            | Change::KeyRevoked { .. }
            | Change::TokenCreated { .. }
            | Change::ApplicationCreated { .. }
            | Change::ApplicationSet { .. }
            | Change::ApplicationRemoved { .. }
            | Change::AccountCreated { .. }
            | Change::LeaseCheckedOut { .. }
            | Change::ClientCreated { .. }
            | Change::GrantCreated { .. }
            | Change::NodeEnrolled { .. }
            | Change::NodePolicySet { .. }
            | Change::NodesAdopted { .. }
            | Change::UsageCorrected { .. }
            | Change::QuotaSet { .. } => Ok(()),
        }
    }

    fn back<M: Many>(&mut self, key: M::Key) -> rusqlite::Result<()> {
        if M::of(self).contains_key(&key) {
            return Ok(());
        }
        if let Some(value) = self.aside.take(M::KIND, &M::bytes(&key))? {
            let value = serde_json::from_slice(&value).map_err(unreadable)?;
            M::of(self).insert(key, value);
        }
        Ok(())
    }

    /// Puts all aside if it is more than is held.
    pub(super) fn put_aside_if_many(&mut self) -> rusqlite::Result<()> {
        let state = &self.state;
        let held = state.organizations.len()
            + state.tokens.len()
            + state.licenses.len()
            + state.accounts.len()
            + state.leases.len()
            + state.clients.len()
            + state.grants.len()
            + state.nodes.len()
            + state.seats.len()
            + self.payloads.len();
        if held > self.most {
            self.put_aside()?;
        }
        Ok(())
    }

    fn put_aside(&mut self) -> rusqlite::Result<()> {
        self.put::<OrganizationState>()?;
        self.put::<TokenState>()?;
        self.put::<LicenseState>()?;
        self.put::<AccountState>()?;
        self.put::<LeaseState>()?;
        self.put::<ClientState>()?;
        self.put::<GrantState>()?;
        self.put::<NodeState>()?;
        self.put::<SeatState>()?;
        self.put::<Named>()
    }

    fn put<M: Many>(&mut self) -> rusqlite::Result<()> {
        let all = std::mem::take(M::of(self));
        let put = "INSERT OR REPLACE INTO aside (kind, key, value) VALUES (?1, ?2, ?3)";
        let mut put = self.aside.database()?.prepare_cached(put)?;
        for (key, value) in all {
            let value = serde_json::to_vec(&value).map_err(unreadable)?;
            put.execute((M::KIND, M::bytes(&key), value))?;
        }
        Ok(())
    }

    /// Hands out all of a kind in order of the keys, wherever they are, and forgets those in memory.
    pub(super) fn each<M: Many>(
        &mut self,
        take: impl FnOnce(&mut Ordered<'_, M>) -> rusqlite::Result<()>,
    ) -> rusqlite::Result<()> {
        if self.aside.is_used() {
            self.put::<M>()?;
        }
        let held = std::mem::take(M::of(self)).into_iter();
        let Some(mut all) = self.aside.all()? else {
            return take(&mut Ordered(Box::new(held.map(Ok)), None));
        };
        let all = all.query_map([M::KIND], |row| {
            let (key, value) = (row.get_ref(0)?.as_blob()?, row.get_ref(1)?.as_blob()?);
            let key = M::key(key).ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            Ok((key, serde_json::from_slice(value).map_err(unreadable)?))
        })?;
        take(&mut Ordered(Box::new(all), None))
    }
}

type Pair<M> = (<M as Many>::Key, M);

/// Things of one kind in order of their keys, and the next one, once it was looked at.
pub(super) struct Ordered<'a, M: Many>(
    Box<dyn Iterator<Item = rusqlite::Result<Pair<M>>> + 'a>,
    Option<Pair<M>>,
);

impl<M: Many> Ordered<'_, M> {
    /// The next one.
    pub(super) fn next(&mut self) -> rusqlite::Result<Option<Pair<M>>> {
        match self.1.take() {
            Some(next) => Ok(Some(next)),
            None => self.0.next().transpose(),
        }
    }

    /// The next one if its key comes before this one.
    pub(super) fn before(&mut self, key: &M::Key) -> rusqlite::Result<Option<Pair<M>>> {
        self.next_if(|next| next < key)
    }

    /// The one with this key, if it is the next.
    pub(super) fn at(&mut self, key: &M::Key) -> rusqlite::Result<Option<M>> {
        let found = self.next_if(|next| next == key)?;
        Ok(found.map(|(_, found)| found))
    }

    fn next_if(
        &mut self,
        is_it: impl FnOnce(&M::Key) -> bool,
    ) -> rusqlite::Result<Option<Pair<M>>> {
        let next = self.next()?;
        if next.as_ref().is_some_and(|(key, _)| is_it(key)) {
            return Ok(next);
        }
        self.1 = next;
        Ok(None)
    }
}

fn unreadable(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, error.into())
}
