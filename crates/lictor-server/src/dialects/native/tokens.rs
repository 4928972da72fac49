//! `/v1/tokens`: create, show and revoke tokens. A secret leaves this file once and is kept nowhere.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use lictor_core::error::Kind;
use lictor_core::facts::role::Role;
use uuid::Uuid;

use super::auth::Caller;
use super::conditions;
use super::error::{Problem, invalid, missing, shown_already};
use super::idempotency::{Begun, Post};
use super::page::{Page, Query};
use super::path::{Forceable, Segment};
use super::wire::{self, List, TokenView};
use crate::settings::Server;

pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<List, Problem> {
    let (permit, mut query) = Query::begin(&call, &uri)?;
    let operators = match query.take("operators")?.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(invalid("operators", "use true or false")),
    };
    let page = Page::take(query, &call, operators.then_some("operators"))?;
    let (after, rows) = (page.after()?, page.rows());
    let authority = &server.authority;
    let tokens = match operators {
        false => authority.tokens(permit, after, rows).await?,
        true => {
            let permit = call.permit()?;
            authority.tokens_of_operators(permit, after, rows).await?
        }
    };
    let view = |token| TokenView::from_token(token, &call.now, None);
    page.cut(tokens, |token| token.id.to_string(), view)
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
) -> Result<Json<TokenView>, Problem> {
    let (permit, id) = segment.id(&call, Kind::Token)?;
    let token = server.authority.token(permit, id).await?;
    Ok(Json(TokenView::from_token(token, &call.now, None)))
}

pub(super) async fn create(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<wire::NewToken, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let mut request = std::mem::take(&mut post.request);
    let owner = match request.account.take() {
        Some(name) => {
            let named = server.authority.account_named(post.permit(), &name);
            Some(named.await?)
        }
        None => None,
    };
    let request = request.into_request(owner.as_ref())?;
    post.keep(|id: &Uuid| {
        let detail = "this request created the token and showed its secret, which is not kept; \
                      if the answer was lost, revoke the token and create another";
        shown_already(detail, Some(id.to_string()))
    });
    let of_operator = (request.role == Role::Operator).then(|| post.call.permit());
    let of_operator = of_operator.transpose()?;
    let issued = server
        .authority
        .create_token(post.permit(), of_operator, request);
    let issued = issued.await?;
    let view = TokenView::from_token(issued.token, &post.call.now, Some(issued.secret));
    Ok(post.respond(wire::answer(201, &view)))
}

pub(super) async fn revoke(
    State(server): State<Server>,
    Caller(call): Caller,
    forceable: Forceable,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (permit, text, force) = forceable.name(&call)?;
    conditions::refuse(&headers)?;
    let id = Uuid::try_parse(&text).map_err(|_| missing(Kind::Token, text))?;
    server.authority.revoke_token(permit, id, force).await?;
    Ok(StatusCode::NO_CONTENT)
}
