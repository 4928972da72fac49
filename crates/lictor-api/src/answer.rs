//! What an operation answers if it succeeds: a variant per status, with the type of its body.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The answers of an operation, as both sides know them.
pub trait Answer: Sized {
    /// The media type of those that succeed.
    const MEDIA_TYPE: &'static str = "application/json";

    /// Which there are.
    fn outcomes(generator: &mut SchemaGenerator) -> Vec<Outcome>;

    /// The status.
    fn status(&self) -> u16;

    /// The body; empty: it has none.
    ///
    /// # Errors
    /// None in practice: every body has a JSON form.
    fn body(&self) -> Result<Vec<u8>, serde_json::Error>;

    /// Reads one.
    ///
    /// # Errors
    /// It is none of the answers of this operation.
    fn read(status: u16, body: &[u8]) -> Result<Self, Unread>;
}

/// One of the answers of an operation.
#[derive(Debug)]
pub struct Outcome {
    /// Its status.
    pub status: u16,
    /// What it says.
    pub about: &'static str,
    /// Its body.
    pub content: Content,
}

/// The body of an answer.
#[derive(Debug)]
pub enum Content {
    /// None.
    Nothing,
    /// JSON.
    Json(Schema),
    /// Bytes of a media type.
    Bytes(&'static str),
}

/// Why an answer could not be read.
#[derive(Debug)]
pub enum Unread {
    /// The operation has no answer with this status.
    Status(u16),
    /// Its body is not what it should be.
    Body(serde_json::Error),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "no answer with status {status} is known here"),
            Self::Body(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Unread {}

/// An answer that is written. It can be made of an `A` alone, so that nobody answers what the row does not say.
pub struct Rendered<A> {
    status: u16,
    body: Vec<u8>,
    of: PhantomData<fn() -> A>,
}

impl<A: Answer> Rendered<A> {
    /// Writes an answer.
    ///
    /// # Errors
    /// None in practice: every body has a JSON form.
    pub fn of(answer: &A) -> Result<Self, serde_json::Error> {
        Ok(Self::written(answer.status(), answer.body()?))
    }
}

impl<A> Rendered<A> {
    pub(crate) fn written(status: u16, body: Vec<u8>) -> Self {
        let of = PhantomData;
        Self { status, body, of }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The body; empty: it has none.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body alone.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }
}

fn json<T: JsonSchema>(generator: &mut SchemaGenerator) -> Content {
    Content::Json(generator.subschema_for::<T>())
}

fn from_json<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unread> {
    serde_json::from_slice(body).map_err(Unread::Body)
}

/// 200 with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown<T>(pub T);

impl<T: JsonSchema + Serialize + DeserializeOwned> Answer for Shown<T> {
    fn outcomes(generator: &mut SchemaGenerator) -> Vec<Outcome> {
        vec![Outcome {
            status: 200,
            about: "Done, or as asked for.",
            content: json::<T>(generator),
        }]
    }

    fn status(&self) -> u16 {
        200
    }

    fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&self.0)
    }

    fn read(status: u16, body: &[u8]) -> Result<Self, Unread> {
        match status {
            200 => from_json(body).map(Self),
            other => Err(Unread::Status(other)),
        }
    }
}

/// 200 with a body, or 304 for who has it already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShownIfChanged<T> {
    /// The object.
    Shown(T),
    /// It is what `If-None-Match` names.
    Unchanged,
}

impl<T: JsonSchema + Serialize + DeserializeOwned> Answer for ShownIfChanged<T> {
    fn outcomes(generator: &mut SchemaGenerator) -> Vec<Outcome> {
        let mut outcomes = Shown::<T>::outcomes(generator);
        outcomes.push(Outcome {
            status: 304,
            about: "It is what `If-None-Match` names.",
            content: Content::Nothing,
        });
        outcomes
    }

    fn status(&self) -> u16 {
        match self {
            Self::Shown(_) => 200,
            Self::Unchanged => 304,
        }
    }

    fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        match self {
            Self::Shown(body) => serde_json::to_vec(body),
            Self::Unchanged => Ok(Vec::new()),
        }
    }

    fn read(status: u16, body: &[u8]) -> Result<Self, Unread> {
        match status {
            200 => from_json(body).map(Self::Shown),
            304 => Ok(Self::Unchanged),
            other => Err(Unread::Status(other)),
        }
    }
}

/// 201 with a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created<T>(pub T);

impl<T: JsonSchema + Serialize + DeserializeOwned> Answer for Created<T> {
    fn outcomes(generator: &mut SchemaGenerator) -> Vec<Outcome> {
        vec![Outcome {
            status: 201,
            about: "It was made.",
            content: json::<T>(generator),
        }]
    }

    fn status(&self) -> u16 {
        201
    }

    fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&self.0)
    }

    fn read(status: u16, body: &[u8]) -> Result<Self, Unread> {
        match status {
            201 => from_json(body).map(Self),
            other => Err(Unread::Status(other)),
        }
    }
}

/// 201 for what was made, 200 for what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CreatedOrThere<T> {
    /// It was made.
    Created(T),
    /// It was there: it stays, or was replaced.
    There(T),
}

impl<T: JsonSchema + Serialize + DeserializeOwned> Answer for CreatedOrThere<T> {
    fn outcomes(generator: &mut SchemaGenerator) -> Vec<Outcome> {
        vec![
            Outcome {
                status: 200,
                about: "It was there before.",
                content: json::<T>(generator),
            },
            Outcome {
                status: 201,
                about: "It was made.",
                content: json::<T>(generator),
            },
        ]
    }

    fn status(&self) -> u16 {
        match self {
            Self::Created(_) => 201,
            Self::There(_) => 200,
        }
    }

    fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        let (Self::Created(body) | Self::There(body)) = self;
        serde_json::to_vec(body)
    }

    fn read(status: u16, body: &[u8]) -> Result<Self, Unread> {
        match status {
            200 => from_json(body).map(Self::There),
            201 => from_json(body).map(Self::Created),
            other => Err(Unread::Status(other)),
        }
    }
}

/// 204 without a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done;

impl Answer for Done {
    fn outcomes(_: &mut SchemaGenerator) -> Vec<Outcome> {
        vec![Outcome {
            status: 204,
            about: "It is done.",
            content: Content::Nothing,
        }]
    }

    fn status(&self) -> u16 {
        204
    }

    fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        Ok(Vec::new())
    }

    fn read(status: u16, _: &[u8]) -> Result<Self, Unread> {
        match status {
            204 => Ok(Self),
            other => Err(Unread::Status(other)),
        }
    }
}

/// A media type of bytes that are no JSON.
pub trait MediaType {
    /// Its name.
    const NAME: &'static str;
}

/// A database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {}

impl MediaType for Database {
    const NAME: &'static str = "application/octet-stream";
}

/// A key as PEM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pem {}

impl MediaType for Pem {
    const NAME: &'static str = "application/x-pem-file";
}

/// 200 with bytes.
#[derive(Debug)]
pub struct File<M> {
    /// The bytes.
    pub bytes: Vec<u8>,
    of: PhantomData<fn() -> M>,
}

impl<M> File<M> {
    /// These bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        let of = PhantomData;
        Self { bytes, of }
    }
}

impl<M: MediaType> Answer for File<M> {
    const MEDIA_TYPE: &'static str = M::NAME;

    fn outcomes(_: &mut SchemaGenerator) -> Vec<Outcome> {
        vec![Outcome {
            status: 200,
            about: "The bytes.",
            content: Content::Bytes(M::NAME),
        }]
    }

    fn status(&self) -> u16 {
        200
    }

    fn body(&self) -> Result<Vec<u8>, serde_json::Error> {
        Ok(self.bytes.clone())
    }

    fn read(status: u16, body: &[u8]) -> Result<Self, Unread> {
        match status {
            200 => Ok(Self::new(body.to_vec())),
            other => Err(Unread::Status(other)),
        }
    }
}
