//! The permits that an operation needs, as types, so that a handler cannot be without them.

use std::marker::PhantomData;

use lictor_core::facts::right::Right;
pub use lictor_core::facts::right::typed::*;

/// The permit to do `A` to `R` in the organization of the request, as a row names it.
#[derive(Debug)]
pub struct Permit<R, A>(PhantomData<fn() -> (R, A)>);

/// The permit to do `A` to `R` in the installation as a whole, as a row names it. Operators alone have it.
#[derive(Debug)]
pub struct InstallationPermit<R, A>(PhantomData<fn() -> (R, A)>);

/// Where a permit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the organization of the request.
    Organization,
    /// In the installation: operators alone have it.
    Installation,
}

/// One permit, or several that are all needed.
pub trait Permits {
    /// The rights that they come to, and where each holds.
    const RIGHTS: &'static [(Right, Place)];
}

const fn right<R: OnResource, A: ToAct>() -> Right {
    Right {
        resource: R::RESOURCE,
        action: A::ACTION,
    }
}

impl<R: OnResource, A: ToAct> Permits for Permit<R, A> {
    const RIGHTS: &'static [(Right, Place)] = &[(right::<R, A>(), Place::Organization)];
}

impl<R: OnResource, A: ToAct> Permits for InstallationPermit<R, A> {
    const RIGHTS: &'static [(Right, Place)] = &[(right::<R, A>(), Place::Installation)];
}

impl<R: OnResource, A: ToAct, R2: OnResource, A2: ToAct> Permits
    for (Permit<R, A>, Permit<R2, A2>)
{
    const RIGHTS: &'static [(Right, Place)] = &[
        (right::<R, A>(), Place::Organization),
        (right::<R2, A2>(), Place::Organization),
    ];
}
