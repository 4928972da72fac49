//! The names of actors: the ledger has the id of the token or client that did something, and here it gets a name.

use std::collections::BTreeMap;
use std::sync::Arc;

use lictor_core::Error;
use lictor_core::facts::account::Account;
use uuid::Uuid;

use super::{Authority, Call};

/// Who did something, as far as the caller may know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActorName {
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
    pub(super) async fn actor_names(
        &self,
        call: &Call,
        positions: Vec<u64>,
    ) -> Result<BTreeMap<u64, Arc<ActorName>>, Error> {
        let stream = call.organization.id;
        let actors = self.store.actors(stream, positions).await?;
        // Few actors make most of the entries.
        let mut known: BTreeMap<Uuid, Arc<ActorName>> = BTreeMap::new();
        for actor in actors.values() {
            if !known.contains_key(actor) {
                known.insert(*actor, Arc::new(self.actor_name(call, *actor).await?));
            }
        }
        let named = |(position, actor)| Some((position, known.get(&actor)?.clone()));
        Ok(actors.into_iter().filter_map(named).collect())
    }

    async fn actor_name(&self, call: &Call, id: Uuid) -> Result<ActorName, Error> {
        let mut found = ActorName {
            token: id,
            name: None,
            account: None,
        };
        if let Some(token) = self.find_token(call, id).await? {
            (found.name, found.account) = (token.name, token.account);
        } else if let Some(client) = self.store.client(call.organization.id, id).await? {
            found.name = client.name.or(Some(client.client_id));
            if let Some(account) = client.state.account {
                let account = self.store.account(call.organization.id, account).await?;
                found.account = account.map(Arc::new);
            }
        }
        Ok(found)
    }
}
