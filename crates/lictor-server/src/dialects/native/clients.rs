//! Create, show and remove OAuth clients, and make grant codes. Secrets leave this file once and are kept nowhere.

use lictor_api::answer::{Created, Done, Shown};
use lictor_api::clients::{ChangeClient, Client, Code, CreateClient, CreatedClient, WrittenClient};
use lictor_api::list::List;
use lictor_api::permits::{Clients, Permit, Read, Write};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_api::values::{Nothing, Written};
use lictor_core::facts::right::{Resource, Right};
use uuid::Uuid;

use super::error::{Problem, shown_already};
use super::frame::{Answered, Ask, Kept};
use super::paging::Paging;
use super::wire::clients;

const READ: Right = Right::read(Resource::Clients);

pub(super) async fn list(
    ask: Ask<Permit<Clients, Read>, Page, NoBody, Shown<List<Client>>>,
) -> Result<Answered<Shown<List<Client>>>, Problem> {
    let permit = ask.permit()?;
    let page = Paging::of(&ask.query, permit, None)?;
    let (after, rows) = (page.after()?, page.rows());
    let found = ask.server.authority.clients(permit, after, rows).await?;
    page.cut(found, |client| client.id.to_string(), clients::client)
}

pub(super) async fn show(
    ask: Ask<Permit<Clients, Read>, NoQuery, NoBody, Shown<Client>>,
) -> Result<Answered<Shown<Client>>, Problem> {
    let authority = &ask.server.authority;
    let found = authority.client(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Shown(clients::client(found)))
}

pub(super) async fn create(
    mut ask: Ask<Permit<Clients, Write>, NoQuery, CreateClient, Created<CreatedClient>>,
) -> Result<Answered<Created<CreatedClient>>, Problem> {
    let body = std::mem::take(&mut ask.body);
    let account = match &body.account {
        Some(name) => {
            let named = ask.server.authority.account_named(ask.permit()?, name);
            Some(named.await?)
        }
        None => None,
    };
    let request = clients::request(body, account.as_ref())?;
    ask.keep(|id: &Uuid| {
        let detail = "this request created the client and showed its secrets, which are not kept; \
                      if the answer was lost, remove the client and create another";
        Kept::Problem(shown_already(detail, Some(id.to_string())))
    });
    let authority = &ask.server.authority;
    let issued = authority.create_client(ask.permit()?, request).await?;
    ask.answer(&Created(clients::created(issued)))
}

pub(super) async fn create_code(
    mut ask: Ask<Permit<Clients, Write>, NoQuery, Nothing, Created<Code>>,
) -> Result<Answered<Created<Code>>, Problem> {
    ask.keep(|(): &()| {
        let detail = "this request made the code and showed it, and it is not kept; if the \
                      answer was lost, make another";
        Kept::Problem(shown_already(detail, None))
    });
    let authority = &ask.server.authority;
    let code = authority.create_code(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Created(clients::code(code)))
}

pub(super) async fn set(
    ask: Ask<Permit<Clients, Write>, NoQuery, ChangeClient, Shown<WrittenClient>>,
) -> Result<Answered<Shown<WrittenClient>>, Problem> {
    let (authority, name) = (&ask.server.authority, ask.body.name.clone());
    let client = authority
        .rename_client(ask.permit()?, ask.name(0), name)
        .await?;
    // What else it is, is for whoever may read it.
    ask.answer(&Shown(match ask.call.has(READ) {
        true => Written::Whole(clients::client(client)),
        false => Written::Part(ask.body.clone()),
    }))
}

pub(super) async fn remove(
    ask: Ask<Permit<Clients, Write>, NoQuery, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let authority = &ask.server.authority;
    authority.remove_client(ask.permit()?, ask.name(0)).await?;
    ask.answer(&Done)
}
