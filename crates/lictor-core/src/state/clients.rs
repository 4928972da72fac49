//! Applies changes of OAuth clients and their grants.

use crate::change::Change;
use crate::facts::client::ClientState;
use crate::facts::grant::GrantState;
use crate::state::State;
use crate::time::Timestamp;

impl State {
    /// Applies a change of clients and their grants.
    pub(super) fn apply_to_clients(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::ClientCreated {
                id,
                scopes,
                account,
                application,
            } => {
                let client = ClientState {
                    account: *account,
                    application: application.clone(),
                    scopes: scopes.clone(),
                    created_at: at,
                    removed_at: None,
                };
                self.clients.insert(*id, client);
            }
            Change::ClientRemoved { id } => {
                if let Some(client) = self.clients.get_mut(id) {
                    client.removed_at = Some(at);
                }
            }
            Change::GrantCreated {
                id,
                client,
                by_code,
            } => {
                let grant = GrantState {
                    client: *client,
                    by_code: *by_code,
                    created_at: at,
                    revision: position,
                    revoked_at: None,
                };
                self.grants.insert(*id, grant);
            }
            Change::GrantRevoked { id } => {
                if let Some(grant) = self.grants.get_mut(id) {
                    grant.revoked_at = Some(at);
                }
            }
            _ => {}
        }
    }
}
