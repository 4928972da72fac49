//! `POST /v1/feed/join`: a node trades its enrollment token for a place.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use lictor_core::Error;
use lictor_core::facts::grant::GrantRefusal;
use lictor_core::feed::{FORMAT, FailureCode, Join};
use lictor_planted as planted;

use super::error::Refusal;
use super::wire;
use crate::http::budget::{NoRoom, Owner};
use crate::http::call::bearer;
use crate::settings::Server;

pub(super) async fn handle(
    server: &Server,
    from: IpAddr,
    request: Request,
) -> Result<Response, Refusal> {
    let (parts, body) = request.into_parts();
    let unknown = || {
        Refusal::new(
            FailureCode::EnrollmentRefused,
            "this enrollment token is not known here; make one with `lictor node enroll`",
        )
    };
    let body = match planted::is("body-before-credential") {
        true => wire::read_first(body).await,
        false => body,
    };
    let token = bearer(&parts.headers).ok_or_else(unknown)?;
    let enrolled = match server.authority.enrolled(token, from).await {
        Err(Error::Unauthenticated) => return Err(unknown()),
        Err(Error::GrantRefused(GrantRefusal::TooManyFailures)) => {
            return Err(Refusal::too_many_failures());
        }
        other => other?,
    };
    let join: Join = wire::read(server, enrolled.organization(), &parts, body).await?;
    if !join.formats.is_empty() && !join.formats.contains(&FORMAT) {
        let reason = format!("this control plane speaks only format {FORMAT} of the state");
        return Err(Refusal::new(FailureCode::UnsupportedFormat, reason));
    }
    match server.authority.join(&enrolled, &join).await {
        Ok(joined) => {
            let answer = wire::json(StatusCode::CREATED, &joined);
            let owner = Owner::Organization(enrolled.organization());
            let handed_over = server.budgets.hand_over(owner, answer).await;
            handed_over.map_err(|NoRoom| Refusal::busy())
        }
        Err(Error::Unauthenticated) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}
