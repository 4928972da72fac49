//! Applies changes of applications.

use crate::change::Change;
use crate::facts::application::ApplicationState;
use crate::state::State;

impl State {
    /// Applies a change of an application.
    pub(super) fn apply_to_applications(&mut self, change: &Change) {
        match change {
            Change::ApplicationCreated { key } => {
                self.applications
                    .insert(key.clone(), ApplicationState::default());
            }
            Change::ApplicationSet { key, over_limit } => {
                if let Some(application) = self.applications.get_mut(key) {
                    application.over_limit = *over_limit;
                }
            }
            Change::ApplicationRemoved { key } => {
                self.applications.remove(key);
            }
            _ => {}
        }
    }

    pub(super) fn alter_application(
        &mut self,
        key: &str,
        alter: impl FnOnce(&mut ApplicationState),
    ) {
        if let Some(application) = self.applications.get_mut(key) {
            alter(application);
        }
    }
}
