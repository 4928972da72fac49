//! The permits that an operation needs, as types, so that a handler cannot be without them.

use std::marker::PhantomData;

use lictor_core::facts::right::{Action, Resource, Right};

/// What a permit is about.
pub trait About {
    /// The resource.
    const RESOURCE: Resource;
}

/// What a permit lets somebody do.
pub trait Doing {
    /// The action.
    const ACTION: Action;
}

/// Looking at it.
#[derive(Debug)]
pub enum Read {}

/// Changing it.
#[derive(Debug)]
pub enum Write {}

impl Doing for Read {
    const ACTION: Action = Action::Read;
}

impl Doing for Write {
    const ACTION: Action = Action::Write;
}

/// The permit to do `A` to `R`, as a row names it.
#[derive(Debug)]
pub struct Permit<R, A>(PhantomData<fn() -> (R, A)>);

/// One permit, or several that are all needed.
pub trait Permits {
    /// The rights that they come to.
    const RIGHTS: &'static [Right];
}

impl<R: About, A: Doing> Permits for Permit<R, A> {
    const RIGHTS: &'static [Right] = &[Right {
        resource: R::RESOURCE,
        action: A::ACTION,
    }];
}

impl<R: About, A: Doing, R2: About, A2: Doing> Permits for (Permit<R, A>, Permit<R2, A2>) {
    const RIGHTS: &'static [Right] = &[
        Right {
            resource: R::RESOURCE,
            action: A::ACTION,
        },
        Right {
            resource: R2::RESOURCE,
            action: A2::ACTION,
        },
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

impl About for Licenses {
    const RESOURCE: Resource = Resource::Licenses;
}

impl About for Applications {
    const RESOURCE: Resource = Resource::Applications;
}

impl About for Organizations {
    const RESOURCE: Resource = Resource::Organizations;
}

impl About for Trust {
    const RESOURCE: Resource = Resource::Trust;
}

impl About for Tokens {
    const RESOURCE: Resource = Resource::Tokens;
}

impl About for Usage {
    const RESOURCE: Resource = Resource::Usage;
}

impl About for Corrections {
    const RESOURCE: Resource = Resource::Corrections;
}

impl About for Ledger {
    const RESOURCE: Resource = Resource::Ledger;
}

impl About for Report {
    const RESOURCE: Resource = Resource::Report;
}

impl About for Backup {
    const RESOURCE: Resource = Resource::Backup;
}

impl About for Accounts {
    const RESOURCE: Resource = Resource::Accounts;
}

impl About for Seats {
    const RESOURCE: Resource = Resource::Seats;
}

impl About for Leases {
    const RESOURCE: Resource = Resource::Leases;
}

impl About for Census {
    const RESOURCE: Resource = Resource::Census;
}

impl About for Clients {
    const RESOURCE: Resource = Resource::Clients;
}

impl About for Nodes {
    const RESOURCE: Resource = Resource::Nodes;
}
