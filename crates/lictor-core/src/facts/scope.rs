//! Scopes: what a token or an OAuth client is narrowed to.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::facts::right::{Action, Resource, Right};
use crate::invalid::InvalidInput;

/// A narrowing of a token: `licenses:read`, `licenses:write`, or `licenses` for both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    resource: Resource,
    action: Option<Action>,
}

/// Names of scopes in other products, and the rights that they mean.
pub const NAMES_ELSEWHERE: [(&str, Right); 3] = [
    ("ZohoCRM.features.READ", Right::read(Resource::Seats)),
    ("ZohoCRM.users.READ", Right::read(Resource::Accounts)),
    ("ZohoCRM.org.READ", Right::read(Resource::Organizations)),
];

/// The most scopes of one token or client.
pub const MAX_SCOPES: usize = 64;

/// Refuses an endless list of scopes.
///
/// # Errors
/// [`InvalidInput`].
pub(crate) fn check_scopes(scopes: &[Scope]) -> Result<(), InvalidInput> {
    if scopes.len() <= MAX_SCOPES {
        return Ok(());
    }
    Err(InvalidInput {
        field: "scopes",
        reason: format!("give at most {MAX_SCOPES}"),
    })
}

impl Scope {
    /// The scope that includes this right alone.
    pub fn of(right: Right) -> Self {
        Self {
            resource: right.resource,
            action: Some(right.action),
        }
    }

    /// Whether the scope includes the right.
    pub fn includes(&self, right: Right) -> bool {
        self.resource == right.resource && self.action.is_none_or(|action| action == right.action)
    }
}

/// The names that other products have for what these scopes include.
pub fn names_elsewhere(scopes: &[Scope]) -> impl Iterator<Item = &'static str> {
    let is_included = |right| scopes.iter().any(|scope| scope.includes(right));
    let named = NAMES_ELSEWHERE.into_iter();
    named.filter_map(move |(name, right)| is_included(right).then_some(name))
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource.as_str())?;
        match self.action {
            Some(action) => write!(f, ":{action}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    /// Reads our word or another product's; the case of those does not matter: where they come from
    /// it varies.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut elsewhere = NAMES_ELSEWHERE.iter();
        if let Some((_, right)) = elsewhere.find(|(name, _)| name.eq_ignore_ascii_case(text)) {
            return Ok(Self::of(*right));
        }
        let (word, action) = match text.split_once(':') {
            Some((word, action)) => (word, action.parse().ok().map(Some)),
            None => (text, Some(None)),
        };
        match (word.parse(), action) {
            (Ok(resource), Some(action)) => Ok(Self { resource, action }),
            _ => {
                let words = Resource::ALL.map(Resource::as_str).join(", ");
                let same = |(name, right)| format!("{name} for {}", Self::of(right));
                let elsewhere = NAMES_ELSEWHERE.map(same).join(", ");
                Err(format!(
                    "`{text}` is not a scope; use RESOURCE, RESOURCE:read or RESOURCE:write, where RESOURCE is one of {words}; or {elsewhere}"
                ))
            }
        }
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

impl TryFrom<String> for Scope {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// Everything that the scopes include.
pub(crate) fn rights(scopes: &[Scope]) -> impl Iterator<Item = Right> {
    let all = Resource::ALL.into_iter().flat_map(|resource| {
        [Action::Read, Action::Write].map(|action| Right { resource, action })
    });
    all.filter(move |right| scopes.iter().any(|scope| scope.includes(*right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_read_by_its_name_elsewhere_and_shown_by_ours() {
        for (name, ours) in [
            ("ZohoCRM.features.READ", "seats:read"),
            ("ZohoCRM.Users.READ", "accounts:read"),
            ("zohocrm.org.read", "organizations:read"),
        ] {
            let scope: Scope = name.parse().expect("a scope");
            assert_eq!(scope.to_string(), ours);
        }
        for name in ["ZohoCRM.users.ALL", "ZohoCRM.features", "features.READ"] {
            let message = name.parse::<Scope>().expect_err("none");
            for (name, right) in NAMES_ELSEWHERE {
                let equivalent = format!("{name} for {}", Scope::of(right));
                assert!(message.contains(&equivalent), "{message}");
            }
        }
    }
}
