//! Applies changes of licenses, and keeps what they add to their application.

use crate::change::Change;
use crate::facts::license::LicenseState;
use crate::state::State;

impl State {
    /// Applies a change of a license.
    pub(super) fn apply_to_licenses(&mut self, position: u64, change: &Change) {
        match change {
            Change::LicenseWritten {
                id,
                application,
                payload_sha256,
                created_at,
                updated_at,
                replaces: _,
            } => {
                let license = LicenseState {
                    application: application.clone(),
                    payload_sha256: *payload_sha256,
                    created_at: *created_at,
                    updated_at: *updated_at,
                    revision: position,
                };
                if let Some(before) = self.licenses.insert(*id, license) {
                    self.without_license(&before);
                }
                self.alter_application(application, |application| {
                    application.licenses += 1;
                    application.license_revisions += position;
                });
                self.newest_updated_at = self.newest_updated_at.max(*updated_at);
                self.basis_changed = position;
            }
            Change::LicenseRemoved { id } => {
                if let Some(before) = self.licenses.remove(id) {
                    self.without_license(&before);
                    self.basis_changed = position;
                }
            }
            _ => {}
        }
    }

    fn without_license(&mut self, license: &LicenseState) {
        self.alter_application(&license.application, |application| {
            application.licenses = application.licenses.saturating_sub(1);
            application.license_revisions = application
                .license_revisions
                .saturating_sub(license.revision);
        });
    }
}
