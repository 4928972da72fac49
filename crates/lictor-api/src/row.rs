//! What a row of the table of operations says.

use std::marker::PhantomData;

use lictor_core::facts::right::Right;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::answer::{Answer, Outcome, Unread};
use crate::permits::{Permits, Place};
use crate::query::{Given, Parameter, Query};
use crate::values::Object;

/// The method of a request. HEAD works where GET does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Method {
    /// Reads.
    Get,
    /// Makes something, or does something that is no state of an object.
    Post,
    /// Puts an object in a place.
    Put,
    /// Changes what is given.
    Patch,
    /// Takes something away.
    Delete,
}

impl Method {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A variable segment of a path.
#[derive(Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// What it names.
    pub about: &'static str,
    /// One that examples have.
    pub example: &'static str,
}

/// A header beyond those that every request and answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Header {
    /// `Idempotency-Key` of the request: the first answer is given again.
    IdempotencyKey,
    /// `If-Match` of the request.
    IfMatch,
    /// `If-None-Match` of the request.
    IfNoneMatch,
    /// `ETag` of the answer, of who may read the object.
    ETag,
    /// `Location` of the answer 201.
    Location {
        /// The path, as the table has it, under which what was made is found.
        path: &'static str,
        /// The member of the answer that its last variable is.
        member: &'static str,
    },
}

/// What a request must send besides for a permit to be needed.
#[derive(Debug)]
pub struct Sample {
    /// After the question mark.
    pub query: Option<&'static str>,
    /// The body.
    pub body: Option<&'static str>,
}

/// A permit that is needed for some requests alone.
#[derive(Debug)]
pub struct Depends {
    /// The right.
    pub right: Right,
    /// Where it is needed.
    pub place: Place,
    /// For which requests.
    pub when: &'static str,
    /// One of them.
    pub sample: Sample,
}

/// A request and its answer, as JSON.
#[derive(Debug)]
pub struct Example {
    /// After the question mark.
    pub query: Option<&'static str>,
    /// The body of the request.
    pub body: Option<&'static str>,
    /// The answer's status, if it is not the first that the operation has.
    pub status: Option<u16>,
    /// The body of the answer.
    pub answer: Option<&'static str>,
}

impl Example {
    /// Nothing is sent, and nothing comes back.
    pub const NONE: Self = Self {
        query: None,
        body: None,
        status: None,
        answer: None,
    };

    /// What comes back where nothing is sent.
    pub const fn answer(answer: &'static str) -> Self {
        Self {
            answer: Some(answer),
            ..Self::NONE
        }
    }

    /// What is sent and comes back.
    pub const fn sent(body: &'static str, answer: &'static str) -> Self {
        Self {
            body: Some(body),
            answer: Some(answer),
            ..Self::NONE
        }
    }
}

/// Where somebody meets the operation without a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// Here: commands of `lictor`, or a page of the console.
    At(&'static [&'static str]),
    /// Nowhere, for this reason.
    Nowhere(&'static str),
}

/// All that a row says besides its types.
#[derive(Debug)]
pub struct Facts {
    /// Its id, unique and stable.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The path after `/v1`.
    pub path: &'static str,
    /// The variable segments of the path, in their order.
    pub variables: &'static [Variable],
    /// One sentence: what it does.
    pub summary: &'static str,
    /// More to know, in sentences; may be empty.
    pub details: &'static str,
    /// The permits that depend on what is sent.
    pub depends: &'static [Depends],
    /// Its headers.
    pub headers: &'static [Header],
    /// The names of the problems that it has beyond the common ones.
    pub problems: &'static [&'static str],
    /// An example.
    pub example: Example,
    /// The commands that use it.
    pub command: Met,
    /// The console's page for it.
    pub page: Met,
}

impl Facts {
    /// A row that says nothing yet. What a row must say is left empty, which the tests of the table find.
    pub const EMPTY: Self = Self {
        id: "",
        method: Method::Get,
        path: "",
        variables: &[],
        summary: "",
        details: "",
        depends: &[],
        headers: &[],
        problems: &[],
        example: Example::NONE,
        command: Met::Nowhere(""),
        page: Met::Nowhere(""),
    };

    /// The segments of the path, with these names in the places of its variables; none if there are not as many.
    pub fn segments<'n>(&self, names: &[&'n str]) -> Option<Vec<&'n str>> {
        let mut names = names.iter().copied();
        let path: &'static str = self.path;
        let segments = path
            .split('/')
            .skip(1)
            .map(|part| match part.starts_with('{') {
                true => names.next(),
                false => Some(part),
            });
        let segments: Option<Vec<&'n str>> = segments.collect();
        segments.filter(|_| names.next().is_none())
    }
}

/// What an operation takes as its body, as both sides know it.
pub trait Body: Sized {
    /// Whether a body is sent at all.
    const IS_SENT: bool;

    /// Its schema; none: it has no body.
    fn schema(generator: &mut SchemaGenerator) -> Option<Schema>;

    /// Reads one. Where nothing is sent, an empty object is.
    ///
    /// # Errors
    /// It is none that the operation takes.
    fn read(text: &str) -> Result<Self, serde_json::Error>;

    /// Writes it; none: nothing is sent.
    ///
    /// # Errors
    /// None in practice: every body has a JSON form.
    fn write(&self) -> Result<Option<String>, serde_json::Error>;
}

/// A request without a body. What is sent all the same is not looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NoBody;

impl Body for NoBody {
    const IS_SENT: bool = false;

    fn schema(_: &mut SchemaGenerator) -> Option<Schema> {
        None
    }

    fn read(_: &str) -> Result<Self, serde_json::Error> {
        Ok(Self)
    }

    fn write(&self) -> Result<Option<String>, serde_json::Error> {
        Ok(None)
    }
}

/// A request with a JSON object.
pub trait Sent: Serialize + DeserializeOwned + JsonSchema {}

impl<T: Sent> Body for T {
    const IS_SENT: bool = true;

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }

    fn read(text: &str) -> Result<Self, serde_json::Error> {
        let text = if text.is_empty() { "{}" } else { text };
        serde_json::from_str::<Object<T>>(text).map(|Object(body)| body)
    }

    fn write(&self) -> Result<Option<String>, serde_json::Error> {
        serde_json::to_string(self).map(Some)
    }
}

/// The types of an operation, of which it holds no value.
type Types<P, Q, B, A> = PhantomData<fn() -> (P, Q, B, A)>;

/// An operation: a row, and the types of what it needs, takes and gives.
pub struct Operation<P, Q, B, A> {
    facts: Facts,
    of: Types<P, Q, B, A>,
}

impl<P, Q, B, A> Operation<P, Q, B, A> {
    /// The operation that this row describes.
    pub const fn new(facts: Facts) -> Self {
        Self {
            facts,
            of: PhantomData,
        }
    }

    /// What the row says.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// A row, whatever its types.
pub trait Row: Sync {
    /// What it says.
    fn facts(&self) -> &Facts;

    /// The rights that every request needs, and where each is needed.
    fn rights(&self) -> &'static [(Right, Place)];

    /// The parameters after the question mark.
    fn parameters(&self) -> &'static [Parameter];

    /// Whether it takes this after the question mark.
    ///
    /// # Errors
    /// What is wrong with it.
    fn takes_query(&self, query: &str) -> Result<(), lictor_core::invalid::InvalidInput>;

    /// The schema of its body; none: it has none.
    fn body(&self, generator: &mut SchemaGenerator) -> Option<Schema>;

    /// A body, read and written again; none: it has none.
    ///
    /// # Errors
    /// It is none that the operation takes.
    fn body_again(&self, text: &str) -> Result<Option<String>, serde_json::Error>;

    /// Its answers.
    fn outcomes(&self, generator: &mut SchemaGenerator) -> Vec<Outcome>;

    /// An answer, read and written again.
    ///
    /// # Errors
    /// It is none that the operation gives.
    fn answer_again(&self, status: u16, body: &[u8]) -> Result<Vec<u8>, Unread>;
}

impl<P: Permits, Q: Query, B: Body, A: Answer> Row for Operation<P, Q, B, A> {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn rights(&self) -> &'static [(Right, Place)] {
        P::RIGHTS
    }

    fn parameters(&self) -> &'static [Parameter] {
        Q::PARAMETERS
    }

    fn takes_query(&self, query: &str) -> Result<(), lictor_core::invalid::InvalidInput> {
        let mut given = Given::parse(query);
        Q::read(&mut given)?;
        given.finish()
    }

    fn body(&self, generator: &mut SchemaGenerator) -> Option<Schema> {
        B::schema(generator)
    }

    fn body_again(&self, text: &str) -> Result<Option<String>, serde_json::Error> {
        B::read(text)?.write()
    }

    fn outcomes(&self, generator: &mut SchemaGenerator) -> Vec<Outcome> {
        A::outcomes(generator)
    }

    fn answer_again(&self, status: u16, body: &[u8]) -> Result<Vec<u8>, Unread> {
        A::read(status, body)?.body().map_err(Unread::Body)
    }
}
