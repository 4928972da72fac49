//! `/licenses` and `/licenses/{id}`: each verb as a call of the authority. No rule of its own.

use axum::http::StatusCode;
use axum::response::Response;
use lictor_authority::permits::Permit;
use lictor_authority::right::{Licenses, Write};
use lictor_authority::{NewLicense, Patch, payload_bytes, written_in_place};
use lictor_core::Error;
use lictor_core::facts::right::{Resource, Right};
use uuid::Uuid;

use super::error::{Refusal, license_reason};
use super::page::Page;
use super::schema::{self, Fields, Violations};
use super::{Ask, headers, wire};
use crate::dialects::pages::PageTurn;

const READ: Right = Right::read(Resource::Licenses);

/// `GET /licenses`
pub(super) async fn list(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let page = Page::read(ask.query)?;
    let size = page.size();
    // One more than fits tells whether there is a next page, also when this one is exactly full.
    let (authority, rows) = (&ask.server.authority, size + 1);
    let permit = ask.call.permit()?;
    let turn = PageTurn::take(ask.server, ask.call, rows).await?;
    let licenses = authority.licenses(permit, None, page.after, rows).await?;
    let shown = &licenses[..wire::fitting(&licenses).min(size)];
    let next = match shown.last() {
        Some(last) if licenses.len() > shown.len() => {
            Some(page.next(&ask.path_of("licenses"), last.id))
        }
        Some(_) | None => None,
    };
    let mut answer = written_in_place(payload_bytes(shown), || wire::page(shown, next.as_ref()));
    turn.end(&mut answer);
    Ok(answer)
}

/// `POST /licenses`
pub(super) async fn add(
    ask: &Ask<'_>,
    permit: Permit<'_, Licenses, Write>,
    fields: Fields,
    violations: Violations,
) -> Result<Response, Refusal> {
    let id = fields.id;
    let new = ask.new_license(permit, fields, violations)?;
    let added = ask.server.authority.add_license(permit, id, new).await?;
    Ok(wire::license(StatusCode::CREATED, &added))
}

/// `GET /licenses/{id}`
pub(super) async fn show(ask: &Ask<'_>) -> Result<Response, Refusal> {
    let id = ask.id()?;
    let permit = ask.call.permit()?;
    let found = ask.server.authority.license(permit, id).await?;
    let license = found.ok_or(Refusal::NotFound)?;
    Ok(wire::kept_license(&license))
}

/// `PUT /licenses/{id}`
pub(super) async fn put(
    ask: &Ask<'_>,
    permit: Permit<'_, Licenses, Write>,
    fields: Fields,
    violations: Violations,
) -> Result<Response, Refusal> {
    let id = ask.id()?;
    let new = ask.new_license(permit, fields, violations)?;
    let authority = &ask.server.authority;
    let put = authority.put_license(permit, id, new, None).await?;
    Ok(wire::license(StatusCode::OK, &put.license))
}

/// `PATCH /licenses/{id}`
pub(super) async fn patch(
    ask: &Ask<'_>,
    permit: Permit<'_, Licenses, Write>,
    fields: Fields,
    violations: Violations,
) -> Result<Response, Refusal> {
    let id = ask.id()?;
    if !violations.is_empty() {
        // One that is not there is said before what is wrong with its fields.
        if let Ok(reads) = ask.call.permit()
            && let Ok(None) = ask.server.authority.license(reads, id).await
        {
            return Err(Error::no_license(id).into());
        }
        return Err(ask.refuse(permit, &fields, violations));
    }
    let patch = Patch {
        payload: fields.payload,
        created_at: fields.created_at,
    };
    let authority = &ask.server.authority;
    let knows_payload = patch.payload.is_some() || ask.call.has(READ);
    let changed = authority.patch_license(permit, id, patch).await?;
    Ok(match knows_payload {
        true => wire::license(StatusCode::OK, &changed),
        false => wire::touched_license(&changed),
    })
}

/// `DELETE /licenses/{id}`: also of one that is not there, for clients repeat it.
pub(super) async fn remove(
    ask: &Ask<'_>,
    permit: Permit<'_, Licenses, Write>,
) -> Result<Response, Refusal> {
    let id = ask.id()?;
    let authority = &ask.server.authority;
    authority.remove_license(permit, id, None).await?;
    Ok(headers::empty(StatusCode::NO_CONTENT))
}

impl Ask<'_> {
    fn id(&self) -> Result<Uuid, Refusal> {
        schema::parse_id(self.id).ok_or(Refusal::InvalidKey)
    }

    fn new_license(
        &self,
        permit: Permit<'_, Licenses, Write>,
        fields: Fields,
        violations: Violations,
    ) -> Result<NewLicense, Refusal> {
        match fields.payload {
            Some(payload) if violations.is_empty() => Ok(NewLicense {
                payload,
                created_at: fields.created_at,
            }),
            Some(_) | None => Err(self.refuse(permit, &fields, violations)),
        }
    }

    /// What is wrong with the fields and, if there is one, with the document.
    fn refuse(
        &self,
        permit: Permit<'_, Licenses, Write>,
        fields: &Fields,
        mut violations: Violations,
    ) -> Refusal {
        let document = fields.payload.clone();
        let examined = document.map(|payload| {
            let authority = &self.server.authority;
            authority.check_license(permit, payload)
        });
        match examined {
            None | Some(Ok(())) => {}
            Some(Err(Error::InvalidDocument(reason))) => {
                violations.entity.push(license_reason(&reason));
            }
            Some(Err(Error::InvalidInput { field, reason })) => {
                violations.fields.insert(field.to_owned(), reason);
            }
            Some(Err(error)) => return error.into(),
        }
        Refusal::Schema(violations)
    }
}
