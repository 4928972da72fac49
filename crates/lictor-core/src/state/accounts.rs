//! Applies changes of accounts, and keeps the counts of them.

use uuid::Uuid;

use crate::change::Change;
use crate::facts::account::{AccountState, AccountStatus};
use crate::state::State;
use crate::time::Timestamp;

impl State {
    pub(super) fn apply_to_account(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::AccountCreated {
                id,
                number,
                kind,
                status,
                administrator,
                language,
            } => {
                let account = AccountState {
                    number: *number,
                    kind: *kind,
                    status: *status,
                    administrator: *administrator,
                    language: language.clone(),
                    seats: 0,
                    created_at: at,
                    revision: position,
                };
                self.counts.add(&account);
                self.accounts.insert(*id, account);
            }
            Change::AccountSet {
                id,
                status,
                administrator,
                language,
            } => self.alter_account(*id, |account| {
                account.status = *status;
                account.administrator = *administrator;
                account.language.clone_from(language);
                account.revision = position;
            }),
            Change::AccountRemoved { id } => self.alter_account(*id, |account| {
                account.status = AccountStatus::Removed;
                account.revision = position;
            }),
            _ => {}
        }
    }

    /// Alters an account, and the counts with it.
    pub(super) fn alter_account(&mut self, id: Uuid, alter: impl FnOnce(&mut AccountState)) {
        if let Some(account) = self.accounts.get_mut(&id) {
            self.counts.subtract(account);
            alter(account);
            self.counts.add(account);
        }
    }
}
