//! What a write tells who asked for it: all of what was written to who may read it, and to others no more than
//! they sent and what they could not go on without.

use lictor_api::permits::Place;
use lictor_authority::Call;
use lictor_authority::right::OnResource;
use lictor_core::Error;
use lictor_core::facts::right::{Action, Resource, Right};

use super::error::Problem;

/// How much may be told of a write.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    all: bool,
}

impl Told {
    /// About what an operation with these rights writes.
    pub(super) fn of_row(call: &Call, rights: &[(Right, Place)]) -> Self {
        let mut rights = rights.iter();
        let written = rights.find(|(right, _)| right.action == Action::Write);
        match written {
            Some((written, _)) => Self::about_resource(call, written.resource),
            None => Self { all: true },
        }
    }

    /// About what is there of a resource, to who sent none of it.
    pub(super) fn about<R: OnResource>(call: &Call) -> Self {
        Self::about_resource(call, R::RESOURCE)
    }

    fn about_resource(call: &Call, resource: Resource) -> Self {
        let read = Right::read(match resource {
            // What is corrected is usage: who may correct it need not be told what it comes to.
            Resource::Corrections => Resource::Usage,
            written => written,
        });
        Self {
            all: call.has(read),
        }
    }

    /// Whether all may be told.
    pub(super) fn is_all(self) -> bool {
        self.all
    }

    /// What a refusal says, without figures where these may not be told.
    pub(super) fn said(self, error: &Error) -> String {
        let less = match self.is_all() {
            true => None,
            false => error.without_figures(),
        };
        less.unwrap_or_else(|| error.to_string())
    }

    /// The refusal that tells so much.
    pub(super) fn problem(self, error: Error) -> Problem {
        match error.without_figures() {
            Some(said) if !self.is_all() => Problem::from(error).without_figures(said),
            _ => error.into(),
        }
    }
}
