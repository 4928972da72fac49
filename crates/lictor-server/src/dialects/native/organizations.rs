//! Create, show and remove organizations, and set their quotas. What an organization has is in the other files.

use std::sync::Arc;

use lictor_api::answer::{Created, Done, Shown};
use lictor_api::list::List;
use lictor_api::organizations::{
    ChangeOrganization, CreateOrganization, Organization, OrganizationDetails, WrittenOrganization,
};
use lictor_api::permits::{InstallationPermit, Organizations, Permit, Read, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::values::Written;
use lictor_core::facts::organization::Organization as Stored;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::names::clean_name;

use super::error::Problem;
use super::frame::{Answered, Ask, Kept};
use super::paging::Paging;
use super::wire::organizations;

const READ: Right = Right::read(Resource::Organizations);

pub(super) async fn list(
    ask: Ask<Permit<Organizations, Read>, Page, NoBody, Shown<List<Organization>>>,
) -> Result<Answered<Shown<List<Organization>>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, None)?;
    let authority = &ask.server.authority;
    let found = authority.organizations(permit, page.after_text(), page.rows());
    page.cut(
        found,
        |organization: &Arc<Stored>| organization.key.clone(),
        |organization| organizations::organization(&organization),
    )
}

pub(super) async fn show(
    ask: Ask<Permit<Organizations, Read>, NoQuery, NoBody, Shown<OrganizationDetails>>,
) -> Result<Answered<Shown<OrganizationDetails>>, Problem> {
    let authority = &ask.server.authority;
    let (organization, bounds) = authority.bounds(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Shown(organizations::details(&organization, &bounds)))
}

pub(super) async fn set(
    ask: Ask<
        InstallationPermit<Organizations, Write>,
        NoQuery,
        ChangeOrganization,
        Shown<WrittenOrganization>,
    >,
) -> Result<Answered<Shown<WrittenOrganization>>, Problem> {
    let limits = organizations::limits(ask.body.limits.clone())?;
    let (authority, name) = (&ask.server.authority, ask.body.name.clone());
    let (organization, bounds) = authority
        .set_organization(ask.permit()?, ask.name(0), name, limits)
        .await?;
    // What it has, and what else it may have, is for whoever may read it.
    ask.answer(&Shown(match ask.call.has_in_installation(READ) {
        true => Written::Whole(organizations::details(&organization, &bounds)),
        false => Written::Part(ask.body.clone()),
    }))
}

pub(super) async fn create(
    mut ask: Ask<
        InstallationPermit<Organizations, Write>,
        NoQuery,
        CreateOrganization,
        Created<Organization>,
    >,
) -> Result<Answered<Created<Organization>>, Problem> {
    // Before the key is looked at.
    let name = ask.body.name.as_deref().map(clean_name).transpose()?;
    ask.keep(|made: &Stored| Kept::Answer(Created(organizations::organization(made))));
    let authority = &ask.server.authority;
    let made = authority
        .create_organization(ask.permit()?, &ask.body.key, name.as_deref())
        .await?;
    ask.answer(&Created(organizations::organization(&made)))
}

pub(super) async fn remove(
    ask: Ask<InstallationPermit<Organizations, Write>, NoQuery, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let authority = &ask.server.authority;
    authority
        .remove_organization(ask.permit()?, ask.name(0))
        .await?;
    ask.answer(&Done)
}
