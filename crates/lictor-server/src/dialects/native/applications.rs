//! What the organization's applications are, are entitled to, and use.

use lictor_api::answer::{Created, Done, Shown};
use lictor_api::applications::{
    Application, ChangeApplication, CreateApplication, Outlook, WrittenApplication,
};
use lictor_api::list::List;
use lictor_api::permits::{Applications, Permit, Read, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::values::Written;
use lictor_authority::Enrolled;
use lictor_core::facts::application::{Application as Stored, ApplicationState};
use lictor_core::facts::entitlement::Entitlement;
use lictor_core::facts::figures::ApplicationFigures;
use lictor_core::names::clean_name;

use super::error::Problem;
use super::frame::{Answered, Ask, Kept, read};
use super::paging::Paging;
use super::wire::applications;

pub(super) async fn list(
    ask: Ask<Permit<Applications, Read>, Page, NoBody, Shown<List<Application>>>,
) -> Result<Answered<Shown<List<Application>>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, None)?;
    let all = ask.server.authority.figures(permit).await?;
    let nodes = ask.server.authority.enrolled_nodes(permit).await?;
    let now = ask.call.now.wall();
    page.cut(
        all.after(page.after_text()),
        |(figures, _)| figures.application.key.clone(),
        |(figures, entitlement)| applications::application(figures, entitlement, &nodes, now),
    )
}

pub(super) async fn show(
    ask: Ask<Permit<Applications, Read>, NoQuery, NoBody, Shown<Application>>,
) -> Result<Answered<Shown<Application>>, Problem> {
    let permit = ask.permit()?;
    let authority = &ask.server.authority;
    let (figures, entitlement) = authority.application(permit, ask.name(0)).await?;
    let nodes = authority.enrolled_nodes(permit).await?;
    let now = ask.call.now.wall();
    let shown = applications::application(&figures, &entitlement, &nodes, now);
    ask.answer(&Shown(shown))
}

pub(super) async fn outlook(
    ask: Ask<Permit<Applications, Read>, NoQuery, NoBody, Shown<Outlook>>,
) -> Result<Answered<Shown<Outlook>>, Problem> {
    let key = ask.name(0);
    let outlook = ask.server.authority.outlook(ask.permit()?, key).await?;
    ask.answer(&Shown(applications::outlook(key, &outlook)))
}

pub(super) async fn create(
    mut ask: Ask<Permit<Applications, Write>, NoQuery, CreateApplication, Created<Application>>,
) -> Result<Answered<Created<Application>>, Problem> {
    let over_limit = ask.body.over_limit.as_ref();
    let over_limit = over_limit
        .map(|text| read("over_limit", text))
        .transpose()?;
    let over_limit = over_limit.unwrap_or_default();
    let key = std::mem::take(&mut ask.body.key);
    // As it will be stored.
    let name = ask.body.name.as_deref().map(clean_name).transpose()?;
    let now = ask.call.now.wall();
    let none = Entitlement::of(&key, &[], now);
    let application = Stored {
        key: key.clone(),
        name: name.clone(),
        state: ApplicationState {
            over_limit,
            ..ApplicationState::default()
        },
    };
    let figures = ApplicationFigures::of(&application, &none);
    let answer = Created(applications::application(
        &figures,
        &none,
        &Enrolled::new(),
        now,
    ));
    let kept = answer.clone();
    ask.keep(move |(): &()| Kept::Answer(kept.clone()));
    let authority = &ask.server.authority;
    authority
        .create_application(ask.permit()?, &key, name.as_deref(), over_limit)
        .await?;
    ask.answer(&answer)
}

pub(super) async fn set(
    ask: Ask<Permit<Applications, Write>, NoQuery, ChangeApplication, Shown<WrittenApplication>>,
) -> Result<Answered<Shown<WrittenApplication>>, Problem> {
    let over_limit = ask.body.over_limit.clone().required("over_limit")?;
    let over_limit = over_limit
        .map(|text| read("over_limit", &text))
        .transpose()?;
    let authority = &ask.server.authority;
    let (figures, entitlement) = authority
        .set_application(
            ask.permit()?,
            ask.name(0),
            ask.body.name.clone(),
            over_limit,
        )
        .await?;
    // What it is entitled to and uses is for whoever may read it.
    let Ok(permit) = ask.call.permit() else {
        return ask.answer(&Shown(Written::Part(ask.body.clone())));
    };
    let nodes = authority.enrolled_nodes(permit).await?;
    let now = ask.call.now.wall();
    let shown = applications::application(&figures, &entitlement, &nodes, now);
    ask.answer(&Shown(Written::Whole(shown)))
}

pub(super) async fn remove(
    ask: Ask<Permit<Applications, Write>, NoQuery, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let authority = &ask.server.authority;
    let removed = authority
        .remove_application(ask.permit()?, ask.name(0))
        .await;
    removed.map_err(|error| ask.told.problem(error))?;
    ask.answer(&Done)
}
