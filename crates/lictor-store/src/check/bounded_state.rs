//! The state of a stream in bounded memory: of the things of which there may be many, some are in memory and the
//! rest in a scratch file.

use std::collections::BTreeMap;
use std::fmt::Display;

use lictor_core::change::{Change, Step, Subject};
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
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::scratch::{Pair, Scratch};
use crate::open_error::OpenError;

/// How many things are in memory at most: some 40 MB of them.
pub(super) const MOST: usize = 100_000;

/// That an entry names a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named;

/// The state of a stream as far as it was replayed.
pub(crate) struct BoundedState {
    pub(super) state: State,
    /// The hashes of all payloads that the entries name, also those of licenses that are gone.
    pub(super) payloads: BTreeMap<Digest, Named>,
    scratch: Box<dyn Scratch>,
    /// Whether anything was ever put into it.
    has_spilled: bool,
    /// How many things are in memory at most.
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
    fn of(state: &mut BoundedState) -> &mut BTreeMap<Self::Key, Self>;
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

            fn of(state: &mut BoundedState) -> &mut BTreeMap<Uuid, Self> {
                &mut state.state.$of
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

    fn of(state: &mut BoundedState) -> &mut BTreeMap<SeatId, Self> {
        &mut state.state.seats
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

    fn of(state: &mut BoundedState) -> &mut BTreeMap<Digest, Self> {
        &mut state.payloads
    }
}

impl BoundedState {
    /// An empty state with so many things in memory at most.
    pub(super) fn new(most: usize, scratch: Box<dyn Scratch>) -> Self {
        Self {
            state: State::default(),
            payloads: BTreeMap::new(),
            scratch,
            has_spilled: false,
            most,
        }
    }

    /// Brings back what a change alters. Whatever else it creates takes the place of what is there.
    pub(super) fn load(&mut self, change: &Change) -> Result<(), OpenError> {
        if !self.has_spilled {
            return Ok(());
        }
        let (subject, step) = change.about();
        match subject {
            // Of one that a license replaces, its application counts one less.
            Subject::License(id) => self.back::<LicenseState>(id),
            Subject::Seat {
                application,
                account,
            } => {
                self.back::<AccountState>(account)?;
                if step == Step::Begins {
                    return Ok(());
                }
                self.back::<SeatState>(SeatId {
                    application: application.to_owned(),
                    account,
                })
            }
            _ if step == Step::Begins => Ok(()),
            Subject::Token(id) => self.back::<TokenState>(id),
            Subject::Account(id) => self.back::<AccountState>(id),
            Subject::Lease(id) => self.back::<LeaseState>(id),
            Subject::Client(id) => self.back::<ClientState>(id),
            Subject::Grant(id) => self.back::<GrantState>(id),
            Subject::Node(id) => self.back::<NodeState>(id),
            Subject::Stream
            | Subject::Organization
            | Subject::Key
            | Subject::Application
            | Subject::NodePool
            | Subject::Usage => Ok(()),
        }
    }

    fn back<M: Many>(&mut self, key: M::Key) -> Result<(), OpenError> {
        if M::of(self).contains_key(&key) {
            return Ok(());
        }
        if let Some(value) = self.scratch.take(M::KIND, &M::bytes(&key))? {
            let value = serde_json::from_slice(&value).map_err(unreadable)?;
            M::of(self).insert(key, value);
        }
        Ok(())
    }

    /// Puts all into the scratch file if it is more than may be in memory.
    pub(super) fn spill_if_many(&mut self) -> Result<(), OpenError> {
        let state = &self.state;
        let count = state.organizations.len()
            + state.tokens.len()
            + state.licenses.len()
            + state.accounts.len()
            + state.leases.len()
            + state.clients.len()
            + state.grants.len()
            + state.nodes.len()
            + state.seats.len()
            + self.payloads.len();
        if count > self.most {
            self.spill_all()?;
        }
        Ok(())
    }

    fn spill_all(&mut self) -> Result<(), OpenError> {
        self.spill::<OrganizationState>()?;
        self.spill::<TokenState>()?;
        self.spill::<LicenseState>()?;
        self.spill::<AccountState>()?;
        self.spill::<LeaseState>()?;
        self.spill::<ClientState>()?;
        self.spill::<GrantState>()?;
        self.spill::<NodeState>()?;
        self.spill::<SeatState>()?;
        self.spill::<Named>()
    }

    fn spill<M: Many>(&mut self) -> Result<(), OpenError> {
        self.has_spilled = true;
        let all = std::mem::take(M::of(self)).into_iter();
        let mut pairs = all.map(|(key, value)| -> Result<Pair, OpenError> {
            let value = serde_json::to_vec(&value).map_err(unreadable)?;
            Ok((M::bytes(&key), value))
        });
        self.scratch.put(M::KIND, &mut pairs)
    }

    /// Gives all of a kind to `read` in order of the keys, wherever they are, and forgets those in memory.
    pub(super) fn read_all<M: Many>(
        &mut self,
        mut read: impl FnMut(&mut Ordered<'_, M>) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        if !self.has_spilled {
            let all = std::mem::take(M::of(self)).into_iter();
            return read(&mut Ordered(Box::new(all.map(Ok)), None));
        }
        self.spill::<M>()?;
        self.scratch.read_all(M::KIND, &mut |pairs| {
            read(&mut Ordered(Box::new(pairs.map(decoded::<M>)), None))
        })
    }
}

fn decoded<M: Many>(pair: Result<Pair, OpenError>) -> Result<(M::Key, M), OpenError> {
    let (key, value) = pair?;
    let key = M::key(&key).ok_or_else(|| unreadable(serde::de::Error::custom("not a key")))?;
    Ok((key, serde_json::from_slice(&value).map_err(unreadable)?))
}

type Keyed<M> = (<M as Many>::Key, M);

/// Things of one kind in order of their keys, and the next one, once it was looked at.
pub(super) struct Ordered<'a, M: Many>(
    Box<dyn Iterator<Item = Result<Keyed<M>, OpenError>> + 'a>,
    Option<Keyed<M>>,
);

impl<M: Many> Ordered<'_, M> {
    /// The next one.
    pub(super) fn next(&mut self) -> Result<Option<Keyed<M>>, OpenError> {
        match self.1.take() {
            Some(next) => Ok(Some(next)),
            None => self.0.next().transpose(),
        }
    }

    /// The next one if its key comes before this one.
    pub(super) fn before(&mut self, key: &M::Key) -> Result<Option<Keyed<M>>, OpenError> {
        self.next_if(|next| next < key)
    }

    /// The one with this key, if it is the next.
    pub(super) fn at(&mut self, key: &M::Key) -> Result<Option<M>, OpenError> {
        let found = self.next_if(|next| next == key)?;
        Ok(found.map(|(_, found)| found))
    }

    fn next_if(
        &mut self,
        is_it: impl FnOnce(&M::Key) -> bool,
    ) -> Result<Option<Keyed<M>>, OpenError> {
        let next = self.next()?;
        if next.as_ref().is_some_and(|(key, _)| is_it(key)) {
            return Ok(next);
        }
        self.1 = next;
        Ok(None)
    }
}

/// What was put aside is not what comes back. The place may be of any kind, so no path is named.
fn unreadable(error: serde_json::Error) -> OpenError {
    tracing::debug!(%error, "what a check put aside is unreadable");
    OpenError::UnreadableAside {
        source: error.into(),
    }
}
