//! Store, replace, remove and show licenses. Which of them counts is not decided here.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use lictor_api::answer::{Created, CreatedOrThere, Done, Shown, ShownIfChanged};
use lictor_api::licenses::{AddLicense, AddedLicense, License, PutLicense};
use lictor_api::list::{List, Next};
use lictor_api::permits::{Licenses, Permit, Read, Write};
use lictor_api::query::{NoQuery, OfApplication};
use lictor_api::row::NoBody;
use lictor_authority::permits::{Permit as Given, PermittedCall};
use lictor_authority::{
    Authority, Breather, Call, Candidate, NewLicense, StandingLicense, Succession, WrittenLicense,
    payload_bytes, written_in_place,
};
use lictor_core::error::Kind;
use lictor_core::facts::license::License as Stored;
use lictor_core::facts::right::{Resource, Right};
use lictor_core::{Document, Error};
use uuid::Uuid;

use super::auth::single;
use super::conditions::{self, Condition, Shown as AsShown};
use super::error::{Problem, invalid};
use super::frame::{Answered, Ask, Kept};
use super::paging::{Paging, ended};
use super::wire::licenses;
use crate::dialects::pages::PageTurn;

const READ: Right = Right::read(Resource::Licenses);

pub(super) async fn list(
    ask: Ask<Permit<Licenses, Read>, OfApplication, NoBody, Shown<List<License>>>,
) -> Result<Answered<Shown<List<License>>>, Problem> {
    let (permit, filter) = (ask.permit()?, ask.query.application.as_deref());
    let page = Paging::of(&ask.query.page, permit, filter)?;
    let (after, rows) = (page.after()?, page.rows());
    let authority = &ask.server.authority;
    let turn = PageTurn::take(&ask.server, &ask.call, rows).await?;
    let found = authority.licenses(permit, filter, after, rows).await?;
    let entitlements = authority.entitlements_of(permit, &found).await?;
    let answered = written_in_place(payload_bytes(&found), || {
        let mut breather = Breather::new();
        let key = |license: &Stored| license.id.to_string();
        let (text, next_cursor) = page.fill(found, key, |license| {
            breather.breathe();
            let standing = authority.standing_by(permit, license, &entitlements)?;
            Ok(licenses::license(standing))
        })?;
        ended(text, &Next { next_cursor })
    });
    Ok(answered?.in_turn(turn))
}

pub(super) async fn show(
    ask: Ask<Permit<Licenses, Read>, NoQuery, NoBody, ShownIfChanged<License>>,
) -> Result<Answered<ShownIfChanged<License>>, Problem> {
    let id = ask.id(Kind::License)?;
    let authority = &ask.server.authority;
    let permit = ask.permit()?;
    let license = authority.license(permit, id).await?;
    let license = license.ok_or_else(|| Error::no_license(id))?;
    let standing = authority.standing(permit, Stored::clone(&license)).await?;
    let view = licenses::license(standing);
    ask.if_changed(view.revision, &view)
}

pub(super) async fn add(
    mut ask: Ask<Permit<Licenses, Write>, NoQuery, AddLicense, Created<AddedLicense>>,
) -> Result<Answered<Created<AddedLicense>>, Problem> {
    let id = ask.body.id;
    let payload: Arc<str> = std::mem::take(&mut ask.body.payload).into();
    let adding = Arc::new(Adding {
        before: licenses_before(&ask.server.authority, ask.permit()?, &payload).await?,
        authority: ask.server.authority.clone(),
        call: ask.call.clone().permitted()?,
    });
    let kept = adding.clone();
    ask.keep(
        move |added: &WrittenLicense| match kept.answer(added.license.clone()) {
            Ok(answer) => Kept::Answer(answer),
            Err(error) => Kept::Problem(error.into()),
        },
    );
    let authority = &ask.server.authority;
    let added = authority.add_license(ask.permit()?, id, new_license(payload));
    let license = added.await?;
    ask.answer(&adding.answer(license)?)
}

pub(super) async fn put(
    mut ask: Ask<Permit<Licenses, Write>, NoQuery, PutLicense, CreatedOrThere<License>>,
) -> Result<Answered<CreatedOrThere<License>>, Problem> {
    let id = Uuid::try_parse(ask.name(0)).map_err(|_| invalid("id", "it is not a UUID"))?;
    let new = new_license(std::mem::take(&mut ask.body.payload).into());
    let (authority, permit) = (&ask.server.authority, ask.permit()?);
    // After the body, which may take long: what a tag says besides the revision may change meanwhile.
    let expected = expected_by_put(authority, permit, id, ask.headers()).await?;
    let put = authority.put_license(permit, id, new, expected).await;
    let may_read = ask.call.has(READ);
    let WrittenLicense { license, added } =
        put.map_err(|error| conditions::told(error, may_read))?;
    let standing = authority.standing(permit, license).await?;
    let view = view_of_written(&ask.call, standing);
    ask.answer(&match added {
        true => CreatedOrThere::Created(view),
        false => CreatedOrThere::There(view),
    })
}

pub(super) async fn remove(
    ask: Ask<Permit<Licenses, Write>, NoQuery, NoBody, Done>,
) -> Result<Answered<Done>, Problem> {
    let id = ask.id(Kind::License)?;
    let (authority, permit) = (&ask.server.authority, ask.permit()?);
    let may_read = ask.call.has(READ);
    let expected = match Condition::of(ask.headers())? {
        // Without a license there is nothing to remove anyway.
        None | Some(Condition::Any) => None,
        Some(condition) => {
            let stored = stored(authority, permit, id).await?;
            Some(condition.expect_to_write(stored.as_ref(), may_read)?)
        }
    };
    let removed = authority.remove_license(permit, id, expected).await;
    match removed.map_err(|error| conditions::told(error, may_read))? {
        true => ask.answer(&Done),
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
    fn answer(&self, license: Stored) -> Result<Created<AddedLicense>, Error> {
        let permit = self.call.as_permit();
        let (standing, place) =
            self.authority
                .standing_when_written(permit, license, &self.before)?;
        let place = if self.call.has(READ) {
            place
        } else {
            Succession::default()
        };
        Ok(Created(AddedLicense {
            license: view_of_written(&self.call, standing),
            place: licenses::place(&place, &self.before),
        }))
    }
}

/// A license for who wrote it. Whoever may not read licenses is not told of those around it.
fn view_of_written(call: &Call, standing: StandingLicense) -> License {
    let mut view = licenses::license(standing);
    if !call.has(READ) {
        view.covered_until = None;
        view.superseded_by = None;
    }
    view
}

/// The licenses that the document's application has now. A document that cannot be read has none; the
/// authority says what is wrong with it.
async fn licenses_before(
    authority: &Authority,
    permit: Given<'_, Licenses, Write>,
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
    permit: Given<'_, Licenses, Write>,
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
    permit: Given<'_, Licenses, Write>,
    id: Uuid,
) -> Result<Option<AsShown>, Error> {
    let call = permit.call();
    let Some(license) = authority.license_to_change(permit, id).await? else {
        return Ok(None);
    };
    let standing = authority.standing(permit, Stored::clone(&license)).await?;
    let view = view_of_written(call, standing);
    AsShown::of(view.revision, &view).map(Some)
}
