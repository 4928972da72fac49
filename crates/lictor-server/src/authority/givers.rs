//! Who did what: the ledger has the id of the token or client that did it, and here it gets a name.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::Error;
use lictor_core::facts::account::Account;
use uuid::Uuid;

use super::{Authority, Call};

/// Who gave a seat, as far as the caller may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Giver {
    /// The id of the token or client.
    pub token: Uuid,
    /// Its name. That of an operator's token only operators see.
    pub name: Option<String>,
    /// The account it belongs to.
    pub account: Option<Arc<Account>>,
}

impl Authority {
    /// Who made the entries at these positions, by position; what the server did by itself is left
    /// out.
    pub(super) async fn givers(
        &self,
        call: &Call,
        positions: Vec<u64>,
    ) -> Result<BTreeMap<u64, Arc<Giver>>, Error> {
        let stream = call.organization.id;
        let actors = self.store.actors(stream, positions).await?;
        // Many seats are given by few.
        let mut known: BTreeMap<Uuid, Arc<Giver>> = BTreeMap::new();
        for actor in actors.values() {
            if !known.contains_key(actor) {
                known.insert(*actor, Arc::new(self.giver(call, *actor).await?));
            }
        }
        let named = |(position, actor)| Some((position, known.get(&actor)?.clone()));
        Ok(actors.into_iter().filter_map(named).collect())
    }

    async fn giver(&self, call: &Call, id: Uuid) -> Result<Giver, Error> {
        let mut giver = Giver {
            token: id,
            name: None,
            account: None,
        };
        if let Some(token) = self.find_token(call, id).await? {
            (giver.name, giver.account) = (token.name, token.account);
        } else if let Some(client) = self.store.client(call.organization.id, id).await? {
            giver.name = client.name.or(Some(client.client_id));
            if let Some(account) = client.state.account {
                let found = self.store.account(call.organization.id, account).await?;
                giver.account = found.map(Arc::new);
            }
        }
        Ok(giver)
    }
}
