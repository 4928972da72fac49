//! How every operation is answered, by its row: sign-in, permit, conditions, parameters, body, a repeated request and
//! the answer. A handler gets what its row says, and can answer nothing else.

mod answered;
mod repeat;

use std::marker::PhantomData;

use axum::extract::{FromRequestParts as _, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method as HttpMethod};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use bytes::Bytes;
use lictor_api::answer::{Answer, ShownIfChanged};
use lictor_api::permits::{self as named, Permits};
use lictor_api::query::{Given, Query};
use lictor_api::row::{Body, Facts, Header, Method, Operation, Row as _};
use lictor_api::values::{Meaning, Text};
use lictor_authority::right::{OnResource, ToAct};
use lictor_authority::{Call, permits};
use lictor_core::Error;
use lictor_core::error::Kind;
use serde::Serialize;
use uuid::Uuid;

pub(super) use self::answered::Answered;
pub(super) use self::repeat::{Kept, Running};
use self::repeat::{Repeat, client_key};
use super::error::{Problem, invalid, missing};
use super::told::Told;
use super::{auth, conditions, json};
use crate::settings::Server;

/// The permits of a row, as the authority gives them.
pub(super) trait Granted: Permits + 'static {
    /// Lent the call that was asked.
    type Of<'c>: Send;

    /// Asks for them.
    ///
    /// # Errors
    /// As [`Call::permit`].
    fn ask(call: &Call) -> Result<Self::Of<'_>, Error>;
}

impl<R: OnResource + 'static, A: ToAct + 'static> Granted for named::Permit<R, A> {
    type Of<'c> = permits::Permit<'c, R, A>;

    fn ask(call: &Call) -> Result<Self::Of<'_>, Error> {
        call.permit()
    }
}

impl<R: OnResource + 'static, A: ToAct + 'static> Granted for named::InstallationPermit<R, A> {
    type Of<'c> = permits::InstallationPermit<'c, R, A>;

    fn ask(call: &Call) -> Result<Self::Of<'_>, Error> {
        call.permit()
    }
}

impl<P: Granted, P2: Granted> Granted for (P, P2)
where
    (P, P2): Permits,
{
    type Of<'c> = (P::Of<'c>, P2::Of<'c>);

    fn ask(call: &Call) -> Result<Self::Of<'_>, Error> {
        Ok((P::ask(call)?, P2::ask(call)?))
    }
}

/// A request that may be carried out: what its row says, and nothing else.
pub(super) struct Ask<P, Q, B, A> {
    pub(super) server: Server,
    pub(super) call: Call,
    pub(super) query: Q,
    pub(super) body: B,
    /// How much may be told of what it writes.
    pub(super) told: Told,
    names: Vec<String>,
    /// Whether only the head of the answer is asked for.
    pub(super) is_head: bool,
    headers: HeaderMap,
    repeat: Option<Repeat>,
    /// Its memory is kept for as long as what was made of it is there.
    text: Bytes,
    of: PhantomData<fn() -> (P, A)>,
}

impl<P: Granted, Q, B, A: Answer> Ask<P, Q, B, A> {
    /// The permits that were asked for before anything else of the request was looked at.
    pub(super) fn permit(&self) -> Result<P::Of<'_>, Problem> {
        Ok(P::ask(&self.call)?)
    }

    /// A variable of the path, by its place in the row.
    pub(super) fn name(&self, index: usize) -> &str {
        self.names.get(index).map_or("", String::as_str)
    }

    /// The first variable of the path as the id of such a thing.
    pub(super) fn id(&self, kind: Kind) -> Result<Uuid, Problem> {
        let text = self.name(0);
        Uuid::try_parse(text).map_err(|_| missing(kind, text))
    }

    /// What the request expects of the object, where its row takes conditions.
    pub(super) fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Does what is to be done with each row of a large body.
    pub(super) async fn long_work<W: Send + 'static>(
        &self,
        work: impl FnOnce() -> W + Send + 'static,
    ) -> Result<W, Problem> {
        let (organization, bytes) = (self.call.organization.id, self.text.len());
        let work = self.server.authority.long_work(organization, bytes, work);
        Ok(work.await?)
    }

    /// The answer, written.
    pub(super) fn answer(&self, answer: &A) -> Result<Answered<A>, Problem> {
        Ok(Answered::of(answer)?)
    }
}

impl<P: Granted, Q, B, T: Serialize> Ask<P, Q, B, ShownIfChanged<T>> {
    /// The object with this revision, unless the request says that it is known already.
    pub(super) fn if_changed(
        &self,
        revision: u64,
        object: &T,
    ) -> Result<Answered<ShownIfChanged<T>>, Problem> {
        let (body, tag) = conditions::Shown::of(revision, object)?.read(&self.headers)?;
        Ok(Answered::if_changed(body, tag))
    }
}

/// What a word of a request stands for.
pub(super) fn read<T: Meaning>(field: &'static str, text: &Text<T>) -> Result<T, Problem> {
    text.read().map_err(|reason| invalid(field, reason))
}

/// A row that is served.
pub(super) struct Served {
    pub(super) facts: &'static Facts,
    pub(super) methods: MethodRouter<Server>,
}

/// Puts the names that a request has into the answer to an earlier one like it, which was kept without them.
pub(super) type Naming<B, A> = fn(B, A) -> A;

/// Serves an operation by its handler.
pub(super) fn serve<P, Q, B, A, H, F>(row: &'static Operation<P, Q, B, A>, handler: H) -> Served
where
    P: Granted,
    Q: Query + Send + 'static,
    B: Body + Send + 'static,
    A: Answer + 'static,
    H: Fn(Ask<P, Q, B, A>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answered<A>, Problem>> + Send + 'static,
{
    serve_naming(row, None, handler)
}

/// The same where what is kept of an answer lacks the names that the request has.
pub(super) fn serve_naming<P, Q, B, A, H, F>(
    row: &'static Operation<P, Q, B, A>,
    naming: Option<Naming<B, A>>,
    handler: H,
) -> Served
where
    P: Granted,
    Q: Query + Send + 'static,
    B: Body + Send + 'static,
    A: Answer + 'static,
    H: Fn(Ask<P, Q, B, A>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Answered<A>, Problem>> + Send + 'static,
{
    let filter = match row.facts().method {
        Method::Get => MethodFilter::GET,
        Method::Post => MethodFilter::POST,
        Method::Put => MethodFilter::PUT,
        Method::Patch => MethodFilter::PATCH,
        Method::Delete => MethodFilter::DELETE,
    };
    let answer = move |State(server): State<Server>, request: Request| {
        let handler = handler.clone();
        async move {
            let answered = answered(row, naming, server, request, handler).await;
            answered.unwrap_or_else(Problem::into_response)
        }
    };
    Served {
        facts: row.facts(),
        methods: on(filter, answer),
    }
}

/// In the order in which a request is refused: who asks, what there is no route for, the right, conditions,
/// parameters, the body, what was answered before.
async fn answered<P, Q, B, A, H, F>(
    row: &'static Operation<P, Q, B, A>,
    naming: Option<Naming<B, A>>,
    server: Server,
    request: Request,
    handler: H,
) -> Result<Response, Problem>
where
    P: Granted,
    Q: Query + Send + 'static,
    B: Body + Send + 'static,
    A: Answer + 'static,
    H: Fn(Ask<P, Q, B, A>) -> F,
    F: Future<Output = Result<Answered<A>, Problem>>,
{
    let facts = row.facts();
    let (mut parts, body) = request.into_parts();
    let call = auth::call(&server.authority, &parts.headers).await?;
    let names = names(facts, &mut parts, &server).await?;
    P::ask(&call)?;
    check_conditions(facts, &parts.headers)?;
    let query = query_of::<Q>(parts.uri.query().unwrap_or_default())?;
    let key = client_key(facts, &parts.headers)?;
    let (body, text) = json::body::<B>(&server, &call, &parts, body).await?;
    let repeat = Repeat::of(key, &call, &parts, &text)?;
    if let Some(repeat) = &repeat
        && let Some(kept) = repeat.answered(&server, &call).await?
    {
        let naming = naming.map(|naming| move |answer| naming(body, answer));
        return answered::again(facts, kept, naming);
    }
    let told = Told::of_row(&call, row.rights());
    let ask = Ask {
        server,
        call,
        query,
        body,
        told,
        names,
        is_head: parts.method == HttpMethod::HEAD,
        headers: parts.headers,
        repeat,
        text,
        of: PhantomData,
    };
    Ok(handler(ask).await?.into_response(facts))
}

async fn names(facts: &Facts, parts: &mut Parts, server: &Server) -> Result<Vec<String>, Problem> {
    if facts.variables.is_empty() {
        return Ok(Vec::new());
    }
    let names = Path::<Vec<String>>::from_request_parts(parts, server).await;
    names
        .map(|Path(names)| names)
        .map_err(|_| missing(Kind::Route, parts.uri.path()))
}

/// Refuses the conditions that the row does not take: left out without a word they would seem to hold.
fn check_conditions(facts: &Facts, headers: &HeaderMap) -> Result<(), Problem> {
    let takes = |header: Header| facts.headers.contains(&header);
    match facts.method {
        Method::Get => Ok(()),
        _ if !takes(Header::IfMatch) => conditions::refuse(headers),
        _ if !takes(Header::IfNoneMatch) => conditions::refuse_none_match(headers),
        _ => Ok(()),
    }
}

/// The parameters after the question mark.
pub(super) fn query_of<Q: Query>(text: &str) -> Result<Q, Problem> {
    let mut given = Given::parse(text);
    let query = Q::read(&mut given)?;
    given.finish()?;
    Ok(query)
}
