//! Applies changes of seats and leases, and detects one that breaks the limit.

use crate::change::Change;
use crate::facts::application::OverLimit;
use crate::facts::lease::LeaseState;
use crate::facts::seats::{SeatId, SeatState};
use crate::state::State;
use crate::time::Timestamp;

impl State {
    pub(super) fn apply_to_seats(&mut self, position: u64, at: Timestamp, change: &Change) {
        match change {
            Change::SeatAssigned {
                application,
                account,
                ..
            } => {
                let seat = SeatId {
                    application: application.clone(),
                    account: *account,
                };
                let state = SeatState {
                    since: at,
                    revision: position,
                };
                self.seats.insert(seat, state);
                self.alter_application(application, |application| application.seats += 1);
                self.alter_account(*account, |account| account.seats += 1);
            }
            Change::SeatReleased {
                application,
                account,
            } => {
                let seat = SeatId {
                    application: application.clone(),
                    account: *account,
                };
                if self.seats.remove(&seat).is_some() {
                    self.alter_application(application, |application| application.seats -= 1);
                    self.alter_account(*account, |account| account.seats -= 1);
                }
            }
            Change::LeaseCheckedOut {
                id, application, ..
            } => {
                let lease = LeaseState {
                    application: application.clone(),
                    since: at,
                    revision: position,
                };
                self.leases.insert(*id, lease);
                self.alter_application(application, |application| application.leases += 1);
            }
            Change::LeaseEnded {
                id, application, ..
            } => {
                self.lease_terms.remove(id);
                if self.leases.remove(id).is_some() {
                    self.alter_application(application, |application| application.leases -= 1);
                }
            }
            _ => {}
        }
    }

    /// What is wrong with a change that was just applied, if it breaks the one rule that must never
    /// be broken: used seats exceed the limit only where the application allows it.
    pub fn breach(&self, change: &Change) -> Option<String> {
        let (Change::SeatAssigned {
            application,
            limit,
            used,
            ..
        }
        | Change::LeaseCheckedOut {
            application,
            limit,
            used,
            ..
        }) = change
        else {
            return None;
        };
        let stored = self.applications.get(application)?;
        let over = limit.is_some_and(|limit| stored.used() > u64::from(limit));
        if stored.used() != *used {
            let counted = stored.used();
            return Some(format!(
                "{application} has {counted} seats in use, not {used}"
            ));
        }
        (over && stored.over_limit == OverLimit::Refuse)
            .then(|| format!("{application} has {used} seats in use, more than its limit"))
    }
}
