//! What entitlements and the state of nodes are derived from.

use crate::facts::application::ApplicationState;
use crate::facts::entitlement::{ApplicationBasis, Basis};
use crate::state::State;

impl State {
    /// What an entitlement of this application must have been derived from to hold now.
    pub fn basis_of(&self, application: &ApplicationState) -> ApplicationBasis {
        ApplicationBasis {
            licenses: application.licenses,
            revisions: application.license_revisions,
            trust: self.trust_changed,
        }
    }

    /// What the state of nodes rests on now.
    pub fn basis(&self) -> Basis {
        Basis {
            licenses: self.basis_changed,
            trust: self.trust_changed,
        }
    }
}
