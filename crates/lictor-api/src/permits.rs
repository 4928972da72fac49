//! The permits that an operation needs, as types, so that a handler cannot be without them.

use std::marker::PhantomData;

use lictor_core::facts::right::{Action, Resource, Right};

/// A resource as a type.
pub trait OnResource {
    /// The resource.
    const RESOURCE: Resource;
}

/// An action as a type.
pub trait ToAct {
    /// The action.
    const ACTION: Action;
}

/// Looking at it.
#[derive(Debug)]
pub enum Read {}

/// Changing it.
#[derive(Debug)]
pub enum Write {}

impl ToAct for Read {
    const ACTION: Action = Action::Read;
}

impl ToAct for Write {
    const ACTION: Action = Action::Write;
}

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

/// Stored licenses.
#[derive(Debug)]
pub enum Licenses {}

/// Applications and their entitlements.
#[derive(Debug)]
pub enum Applications {}

/// Organizations.
#[derive(Debug)]
pub enum Organizations {}

/// The trusted keys.
#[derive(Debug)]
pub enum Trust {}

/// Tokens.
#[derive(Debug)]
pub enum Tokens {}

/// Usage counters.
#[derive(Debug)]
pub enum Usage {}

/// Corrections of usage counters.
#[derive(Debug)]
pub enum Corrections {}

/// The ledger.
#[derive(Debug)]
pub enum Ledger {}

/// The usage report.
#[derive(Debug)]
pub enum Report {}

/// Copies of the whole store.
#[derive(Debug)]
pub enum Backup {}

/// Accounts.
#[derive(Debug)]
pub enum Accounts {}

/// Named seats, the figures of applications, and refusals.
#[derive(Debug)]
pub enum Seats {}

/// Leases.
#[derive(Debug)]
pub enum Leases {}

/// How many distinct accounts count.
#[derive(Debug)]
pub enum Census {}

/// OAuth clients.
#[derive(Debug)]
pub enum Clients {}

/// Nodes.
#[derive(Debug)]
pub enum Nodes {}

impl OnResource for Licenses {
    const RESOURCE: Resource = Resource::Licenses;
}

impl OnResource for Applications {
    const RESOURCE: Resource = Resource::Applications;
}

impl OnResource for Organizations {
    const RESOURCE: Resource = Resource::Organizations;
}

impl OnResource for Trust {
    const RESOURCE: Resource = Resource::Trust;
}

impl OnResource for Tokens {
    const RESOURCE: Resource = Resource::Tokens;
}

impl OnResource for Usage {
    const RESOURCE: Resource = Resource::Usage;
}

impl OnResource for Corrections {
    const RESOURCE: Resource = Resource::Corrections;
}

impl OnResource for Ledger {
    const RESOURCE: Resource = Resource::Ledger;
}

impl OnResource for Report {
    const RESOURCE: Resource = Resource::Report;
}

impl OnResource for Backup {
    const RESOURCE: Resource = Resource::Backup;
}

impl OnResource for Accounts {
    const RESOURCE: Resource = Resource::Accounts;
}

impl OnResource for Seats {
    const RESOURCE: Resource = Resource::Seats;
}

impl OnResource for Leases {
    const RESOURCE: Resource = Resource::Leases;
}

impl OnResource for Census {
    const RESOURCE: Resource = Resource::Census;
}

impl OnResource for Clients {
    const RESOURCE: Resource = Resource::Clients;
}

impl OnResource for Nodes {
    const RESOURCE: Resource = Resource::Nodes;
}
