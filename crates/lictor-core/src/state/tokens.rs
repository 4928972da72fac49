//! Applies changes of tokens.

use crate::change::Change;
use crate::facts::token::TokenState;
use crate::state::State;
use crate::time::Timestamp;

impl State {
    /// Applies a change of a token.
    pub(super) fn apply_to_tokens(&mut self, at: Timestamp, change: &Change) {
        match change {
            Change::TokenCreated {
                id,
                role,
                scopes,
                expires_at,
                account,
            } => {
                let token = TokenState {
                    account: *account,
                    role: *role,
                    scopes: scopes.clone(),
                    created_at: at,
                    expires_at: *expires_at,
                    revoked_at: None,
                };
                self.tokens.insert(*id, token);
            }
            Change::TokenRevoked { id } => {
                if let Some(token) = self.tokens.get_mut(id) {
                    token.revoked_at = Some(at);
                }
            }
            _ => {}
        }
    }
}
