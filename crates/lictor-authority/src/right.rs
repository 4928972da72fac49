//! Rights as types: the resources and actions of the core, for the signatures of use cases.

use lictor_core::facts::right::{Action, Resource};

use super::permits::sealed::Sealed;

/// A resource as a type. There are no others than those below.
pub trait OnResource: Sealed {
    /// The resource.
    const RESOURCE: Resource;
}

/// An action as a type. There are no others than those below.
pub trait ToAct: Sealed {
    /// The action.
    const ACTION: Action;
}

/// Looking at it.
pub enum Read {}

/// Changing it.
pub enum Write {}

impl Sealed for Read {}

impl ToAct for Read {
    const ACTION: Action = Action::Read;
}

impl Sealed for Write {}

impl ToAct for Write {
    const ACTION: Action = Action::Write;
}

macro_rules! resources {
    ($($resource:ident)*) => {
        $(
            #[doc = concat!("[`Resource::", stringify!($resource), "`] as a type.")]
            pub enum $resource {}

            impl Sealed for $resource {}

            impl OnResource for $resource {
                const RESOURCE: Resource = Resource::$resource;
            }
        )*
    };
}

// `Metrics` is asked without a call: `Authority::may_read_metrics`.
resources! {
    Licenses Applications Organizations Trust Tokens Usage Corrections Ledger Report Backup
    Accounts Seats Leases Census Clients Nodes
}
