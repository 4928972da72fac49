//! `/v1/licenses`: store, replace, remove and show licenses. Which of them counts is not decided here.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{IF_NONE_MATCH, LOCATION};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use lictor_authority::permits::{Permit, PermittedCall};
use lictor_authority::right::{Licenses, Write};
use lictor_authority::{
    Answer, Authority, Breather, Call, NewLicense, StandingLicense, WrittenLicense, payload_bytes,
    written_in_place,
};
use lictor_authority::{Candidate, Succession};
use lictor_core::error::Kind;
use lictor_core::facts::license::License;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::{Document, Error};
use uuid::Uuid;

use super::auth::{Caller, single};
use super::conditions::{self, Condition, Shown};
use super::error::{Problem, invalid, missing};
use super::idempotency::{Begun, Post};
use super::json;
use super::page::{Page, Query};
use super::path::Segment;
use super::wire::added::AddedLicense;
use super::wire::{self, LicenseView};
use crate::dialects::pages::PageTurn;
use crate::settings::Server;

const READ: Right = Right::read(Resource::Licenses);
pub(super) async fn list(
    State(server): State<Server>,
    Caller(call): Caller,
    uri: Uri,
) -> Result<Response, Problem> {
    let (permit, mut query) = Query::begin(&call, &uri)?;
    let application = query.take("application")?;
    let filter = application.as_deref();
    let page = Page::take(query, &call, filter)?;
    let (after, rows) = (page.after()?, page.rows());
    let authority = &server.authority;
    let turn = PageTurn::take(&server, &call, rows).await?;
    let licenses = authority.licenses(permit, filter, after, rows).await?;
    let entitlements = authority.entitlements_of(permit, &licenses).await?;
    let list = written_in_place(payload_bytes(&licenses), || {
        let (mut filling, mut breather) = (page.begin(), Breather::new());
        for license in licenses {
            let key = license.id.to_string();
            let standing = authority.standing_by(permit, license, &entitlements)?;
            if !filling.add(key, || LicenseView::from_standing(standing))? {
                break;
            }
            breather.breathe();
        }
        Ok::<_, Problem>(filling.end())
    })?;
    let mut answer = list.into_response();
    turn.end(&mut answer);
    Ok(answer)
}

pub(super) async fn show(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (permit, id) = segment.id(&call, Kind::License)?;
    let license = server.authority.license(permit, id).await?;
    let license = license.ok_or_else(|| Error::no_license(id))?;
    let standing = server
        .authority
        .standing(permit, License::clone(&license))
        .await?;
    let view = LicenseView::from_standing(standing);
    Shown::of(view.revision, &view)?.read(&headers)
}

pub(super) async fn add(
    State(server): State<Server>,
    request: Request,
) -> Result<Response, Problem> {
    let mut post = match Post::<wire::NewLicense, _>::begin(&server, "id", request).await? {
        Begun::First(post) => post,
        Begun::Answered(response) => return Ok(response),
    };
    let id = post.request.id;
    let payload: Arc<str> = std::mem::take(&mut post.request.payload).into();
    let adding = Arc::new(Adding {
        before: licenses_before(&server.authority, post.permit(), &payload).await?,
        authority: server.authority.clone(),
        call: PermittedCall::clone(&post.call),
    });
    let kept = adding.clone();
    post.keep(move |added: &WrittenLicense| kept.answer(added.license.clone()));
    let new = new_license(payload);
    let license = server.authority.add_license(post.permit(), id, new).await?;
    Ok(post.respond(adding.answer(license)))
}

pub(super) async fn put(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
    request: Request,
) -> Result<Response, Problem> {
    let (permit, text) = segment.of_conditioned(&call)?;
    let id = Uuid::try_parse(&text).map_err(|_| invalid("id", "it is not a UUID"))?;
    let (parts, body) = request.into_parts();
    let (put, _held) = json::object(&server, &call, &parts, body).await?;
    let wire::PutLicense { payload } = put;
    // After the body, which may take long: what a tag says besides the revision may change meanwhile.
    let expected = expected_by_put(&server.authority, permit, id, &parts.headers).await?;
    let new = new_license(payload.into());
    let authority = &server.authority;
    let put = authority.put_license(permit, id, new, expected).await;
    let may_read = call.has(READ);
    let WrittenLicense { license, added } =
        put.map_err(|error| conditions::told(error, may_read))?;
    let standing = server.authority.standing(permit, license).await?;
    let view = view_of_written(&call, standing);
    let answer = Shown::of(view.revision, &view)?.answer()?;
    Ok(if added {
        let location = [(LOCATION, format!("/v1/licenses/{id}"))];
        (StatusCode::CREATED, location, answer).into_response()
    } else {
        answer
    })
}

pub(super) async fn remove(
    State(server): State<Server>,
    Caller(call): Caller,
    segment: Segment,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    let (permit, text) = segment.of_conditioned(&call)?;
    let id = Uuid::try_parse(&text).map_err(|_| missing(Kind::License, text))?;
    conditions::refuse_none_match(&headers)?;
    let may_read = call.has(READ);
    let expected = match Condition::of(&headers)? {
        // Without a license there is nothing to remove anyway.
        None | Some(Condition::Any) => None,
        Some(condition) => {
            let stored = stored(&server.authority, permit, id).await?;
            Some(condition.expect_to_write(stored.as_ref(), may_read)?)
        }
    };
    let removed = server.authority.remove_license(permit, id, expected).await;
    match removed.map_err(|error| conditions::told(error, may_read))? {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Error::no_license(id).into()),
    }
}

/// What the answer to an added license is made of, within the write as well as after it.
struct Adding {
    authority: Arc<Authority>,
    call: PermittedCall<Licenses, Write>,
    before: Arc<[Candidate]>,
}

impl Adding {
    fn answer(&self, license: License) -> Answer {
        let standing =
            self.authority
                .standing_when_written(self.call.as_permit(), license, &self.before);
        match standing {
            Ok((standing, place)) => {
                let place = if self.call.has(READ) {
                    place
                } else {
                    Succession::default()
                };
                let license = view_of_written(&self.call, standing);
                wire::answer(201, &AddedLicense::new(license, &place, &self.before))
            }
            Err(error) => Problem::from(error).into_answer(),
        }
    }
}

/// A license for who wrote it. Whoever may not read licenses is not told of those around it.
fn view_of_written(call: &Call, standing: StandingLicense) -> LicenseView {
    let view = LicenseView::from_standing(standing);
    match call.has(READ) {
        true => view,
        false => view.alone(),
    }
}

/// The licenses that the document's application has now. A document that cannot be read has none; the
/// authority says what is wrong with it.
async fn licenses_before(
    authority: &Authority,
    permit: Permit<'_, Licenses, Write>,
    payload: &str,
) -> Result<Arc<[Candidate]>, Error> {
    let claims = Document::parse(payload).and_then(|document| document.claims());
    match claims {
        Ok(claims) => {
            let around = authority.licenses_around(permit, &claims.application, claims.validity());
            around.await
        }
        Err(_) => Ok(Arc::default()),
    }
}

fn new_license(payload: Arc<str>) -> NewLicense {
    NewLicense {
        payload,
        created_at: None,
    }
}

/// The revision that must be stored for a PUT to be carried out; 0: none may be there.
async fn expected_by_put(
    authority: &Authority,
    permit: Permit<'_, Licenses, Write>,
    id: Uuid,
    headers: &HeaderMap,
) -> Result<Option<u64>, Problem> {
    let if_none_match = single(headers, &IF_NONE_MATCH)?;
    match (Condition::of(headers)?, if_none_match) {
        (None, None) => Ok(None),
        (None, Some("*")) => Ok(Some(0)),
        (Some(condition), None) => {
            let stored = stored(authority, permit, id).await?;
            let may_read = permit.call().has(READ);
            let expected = condition.expect_to_write(stored.as_ref(), may_read);
            expected.map(Some)
        }
        (_, Some(_)) => Err(invalid(
            "If-None-Match",
            "PUT takes only `*`, and no If-Match with it",
        )),
    }
}

/// The license as it would be shown now to who may write it.
async fn stored(
    authority: &Authority,
    permit: Permit<'_, Licenses, Write>,
    id: Uuid,
) -> Result<Option<Shown>, Error> {
    let call = permit.call();
    let Some(license) = authority.license_to_change(permit, id).await? else {
        return Ok(None);
    };
    let standing = authority.standing(permit, License::clone(&license)).await?;
    let view = view_of_written(call, standing);
    Shown::of(view.revision, &view).map(Some)
}
