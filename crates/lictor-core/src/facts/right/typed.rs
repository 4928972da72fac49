//! Rights as types, for the signatures of use cases and the rows of operations.

use super::{Action, Resource};

use sealed::Sealed;

/// What only this file implements, so that nobody makes up a right.
mod sealed {
    /// See [`sealed`](self).
    pub trait Sealed {}
}

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
#[derive(Debug)]
pub enum Read {}

/// Changing it.
#[derive(Debug)]
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
            #[derive(Debug)]
            pub enum $resource {}

            impl Sealed for $resource {}

            impl OnResource for $resource {
                const RESOURCE: Resource = Resource::$resource;
            }
        )*
    };
}

// `Metrics` is asked without a call.
resources! {
    Licenses Applications Organizations Trust Tokens Usage Corrections Ledger Report Backup
    Accounts Seats Leases Census Clients Nodes
}
