//! Create, show and revoke tokens. A secret leaves this file once and is kept nowhere.

use lictor_api::answer::{Created, Done, Shown};
use lictor_api::list::List;
use lictor_api::permits::{Permit, Read, Tokens, Write};
use lictor_api::query::{Force, NoQuery, Tokens as Which};
use lictor_api::row::NoBody;
use lictor_api::tokens::{CreateToken, CreatedToken, Token};
use lictor_core::error::Kind;
use lictor_core::facts::role::Role;
use uuid::Uuid;

use super::error::{Problem, shown_already};
use super::frame::{Answered, Ask, Kept};
use super::paging::Paging;
use super::wire::tokens;

pub(super) async fn list(
    ask: Ask<Permit<Tokens, Read>, Which, NoBody, Shown<List<Token>>>,
) -> Result<Answered<Shown<List<Token>>>, Problem> {
    let permit = ask.permit()?;
    let operators = ask.query.operators;
    let page = Paging::of(&ask.query.page, permit, operators.then_some("operators"))?;
    let (after, rows) = (page.after()?, page.rows());
    let authority = &ask.server.authority;
    let found = match operators {
        false => authority.tokens(permit, after, rows).await?,
        true => {
            let permit = ask.call.permit()?;
            authority.tokens_of_operators(permit, after, rows).await?
        }
    };
    let now = &ask.call.now;
    page.cut(
        found,
        |token| token.id.to_string(),
        |token| tokens::token(token, now),
    )
}

pub(super) async fn show(
    ask: Ask<Permit<Tokens, Read>, NoQuery, NoBody, Shown<Token>>,
) -> Result<Answered<Shown<Token>>, Problem> {
    let id = ask.id(Kind::Token)?;
    let token = ask.server.authority.token(ask.permit()?, id).await?;
    ask.answer(&Shown(tokens::token(token, &ask.call.now)))
}

pub(super) async fn create(
    mut ask: Ask<Permit<Tokens, Write>, NoQuery, CreateToken, Created<CreatedToken>>,
) -> Result<Answered<Created<CreatedToken>>, Problem> {
    let body = std::mem::take(&mut ask.body);
    let owner = match &body.account {
        Some(name) => {
            let named = ask.server.authority.account_named(ask.permit()?, name);
            Some(named.await?)
        }
        None => None,
    };
    let request = tokens::request(body, owner.as_ref())?;
    ask.keep(|id: &Uuid| {
        let detail = "this request created the token and showed its secret, which is not kept; \
                      if the answer was lost, revoke the token and create another";
        Kept::Problem(shown_already(detail, Some(id.to_string())))
    });
    let of_operator = (request.role == Role::Operator).then(|| ask.call.permit());
    let of_operator = of_operator.transpose()?;
    let authority = &ask.server.authority;
    let issued = authority.create_token(ask.permit()?, of_operator, request);
    let issued = issued.await?;
    ask.answer(&Created(CreatedToken {
        token: tokens::token(issued.token, &ask.call.now),
        secret: issued.secret,
    }))
}

pub(super) async fn revoke(
    ask: Ask<Permit<Tokens, Write>, Force, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let (id, force) = (ask.id(Kind::Token)?, ask.query.force);
    let authority = &ask.server.authority;
    authority.revoke_token(ask.permit()?, id, force).await?;
    ask.answer(&Done)
}
