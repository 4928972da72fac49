//! Who may do what: roles, scopes and the one function that decides.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::Account;
use crate::error::Error;
use crate::time::Timestamp;

/// What a token may do at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Reads one organization.
    Reader,
    /// Reads and changes one organization.
    Admin,
    /// Runs the installation, and may act in any organization.
    Operator,
}

impl Role {
    /// All roles, the least powerful first.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Admin, Self::Operator];

    /// What an account may do in its organization.
    pub fn of(account: &Account) -> Self {
        if account.state.administrator {
            Self::Admin
        } else {
            Self::Reader
        }
    }

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::Admin => "admin",
            Self::Operator => "operator",
        }
    }

    /// Whether the role includes the right, in the place where the role holds.
    pub fn includes(self, right: Right) -> bool {
        match self {
            Self::Operator => true,
            Self::Admin => right.within_organization(),
            Self::Reader => right.within_organization() && right.for_readers(),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|role| role.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is not a role; use operator, admin or reader"))
    }
}

/// What rights are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Stored licenses.
    Licenses,
    /// Applications and their entitlements.
    Applications,
    /// Organizations.
    Organizations,
    /// The trusted keys.
    Trust,
    /// Tokens.
    Tokens,
    /// Usage counters.
    Usage,
    /// Corrections of usage counters, which who reports them need not be trusted with.
    Corrections,
    /// The ledger.
    Ledger,
    /// The usage report.
    Report,
    /// Copies of the whole store.
    Backup,
    /// Metrics of the server itself.
    Metrics,
    /// Accounts.
    Accounts,
    /// Named seats, the figures of applications, and refusals.
    Seats,
    /// Leases.
    Leases,
    /// How many distinct accounts count.
    Census,
    /// OAuth clients.
    Clients,
    /// Nodes.
    Nodes,
}

impl Resource {
    /// All resources.
    pub const ALL: [Self; 17] = [
        Self::Licenses,
        Self::Applications,
        Self::Organizations,
        Self::Trust,
        Self::Tokens,
        Self::Usage,
        Self::Corrections,
        Self::Ledger,
        Self::Report,
        Self::Backup,
        Self::Metrics,
        Self::Accounts,
        Self::Seats,
        Self::Leases,
        Self::Census,
        Self::Clients,
        Self::Nodes,
    ];

    /// The word for it in scopes and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Licenses => "licenses",
            Self::Applications => "applications",
            Self::Organizations => "organizations",
            Self::Trust => "trust",
            Self::Tokens => "tokens",
            Self::Usage => "usage",
            Self::Corrections => "corrections",
            Self::Ledger => "ledger",
            Self::Report => "report",
            Self::Backup => "backup",
            Self::Metrics => "metrics",
            Self::Accounts => "accounts",
            Self::Seats => "seats",
            Self::Leases => "leases",
            Self::Census => "census",
            Self::Clients => "clients",
            Self::Nodes => "nodes",
        }
    }
}

/// What is done to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Looking at it.
    Read,
    /// Changing it.
    Write,
}

/// One right: an action on a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Right {
    /// What it is about.
    pub resource: Resource,
    /// What is done.
    pub action: Action,
}

impl Right {
    /// The right to look at `resource`.
    pub const fn read(resource: Resource) -> Self {
        Self {
            resource,
            action: Action::Read,
        }
    }

    /// The right to change `resource`.
    pub const fn write(resource: Resource) -> Self {
        Self {
            resource,
            action: Action::Write,
        }
    }

    fn within_organization(self) -> bool {
        match self.resource {
            Resource::Licenses
            | Resource::Applications
            | Resource::Tokens
            | Resource::Usage
            | Resource::Corrections
            | Resource::Ledger
            | Resource::Report
            | Resource::Accounts
            | Resource::Seats
            | Resource::Leases
            | Resource::Census
            | Resource::Clients
            | Resource::Nodes => true,
            Resource::Organizations | Resource::Trust => self.action == Action::Read,
            Resource::Backup | Resource::Metrics => false,
        }
    }

    fn for_readers(self) -> bool {
        let open = !matches!(
            self.resource,
            Resource::Tokens
                | Resource::Ledger
                | Resource::Report
                | Resource::Backup
                | Resource::Census
                | Resource::Clients
        );
        self.action == Action::Read && open
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = match self.action {
            Action::Read => "read",
            Action::Write => "change",
        };
        write!(f, "{verb} {}", self.resource.as_str())
    }
}

/// A narrowing of a token: `licenses:read`, `licenses:write`, or `licenses` for both.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope {
    resource: Resource,
    action: Option<Action>,
}

/// What other products call a scope, and which of ours it is.
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
/// [`Error::InvalidInput`].
pub(crate) fn check_scopes(scopes: &[Scope]) -> Result<(), Error> {
    if scopes.len() <= MAX_SCOPES {
        return Ok(());
    }
    Err(Error::InvalidInput {
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

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.resource.as_str())?;
        match self.action {
            Some(Action::Read) => f.write_str(":read"),
            Some(Action::Write) => f.write_str(":write"),
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
            Some((word, "read")) => (word, Some(Action::Read)),
            Some((word, "write")) => (word, Some(Action::Write)),
            Some((word, _)) => (word, None),
            None => (text, None),
        };
        let known = Resource::ALL
            .into_iter()
            .find(|resource| resource.as_str() == word);
        match (known, text.contains(':') && action.is_none()) {
            (Some(resource), false) => Ok(Self { resource, action }),
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

/// Who asks: what a live token stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The token's id; of an access token its client's.
    pub token: Uuid,
    /// The token's name, if it has one.
    pub name: Option<String>,
    /// The token's role.
    pub role: Role,
    /// The organization it belongs to; none for operators.
    pub organization: Option<Uuid>,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Scope>,
    /// When the token ends; none: never.
    pub expires_at: Option<Timestamp>,
    /// The account that owns the token; none: nobody's.
    pub account: Option<Arc<Account>>,
    /// The one application that the token shows; none: all.
    pub application: Option<String>,
}

impl Actor {
    /// Whether the token shows this application.
    pub fn sees(&self, application: &str) -> bool {
        self.application
            .as_ref()
            .is_none_or(|only| only == application)
    }

    /// What to call the caller in messages.
    pub fn display_name(&self) -> String {
        self.name
            .clone()
            .unwrap_or_else(|| format!("token {}", self.token))
    }

    /// Decides whether the actor has a right in an organization, or in the installation where
    /// `organization` is none. Default is no.
    ///
    /// # Errors
    /// [`Error::NotFound`] for another tenant's organization, [`Error::OutOfScope`] for what the
    /// token's scopes leave out, else [`Error::Forbidden`].
    pub fn may(&self, right: Right, organization: Option<Uuid>) -> Result<(), Error> {
        match (self.organization, organization) {
            (Some(own), Some(asked)) if own != asked => {
                return Err(Error::no_organization(asked.to_string()));
            }
            (Some(_), None) => return Err(Error::Forbidden(right)),
            (None, _) if self.role != Role::Operator => return Err(Error::Forbidden(right)),
            (Some(_), Some(_)) | (None, _) => {}
        }
        if self.has(right) {
            Ok(())
        } else if !self.in_scope(right) {
            Err(Error::OutOfScope(right))
        } else {
            Err(Error::Forbidden(right))
        }
    }

    /// Whether role and scopes include the right, wherever they hold.
    pub fn has(&self, right: Right) -> bool {
        self.role.includes(right) && self.in_scope(right)
    }

    fn in_scope(&self, right: Right) -> bool {
        self.scopes.is_empty() || self.scopes.iter().any(|scope| scope.includes(right))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(role: Role, organization: Option<Uuid>, scopes: &str) -> Actor {
        let scopes = scopes
            .split_terminator(',')
            .map(|text| text.parse().expect("a scope"));
        Actor {
            token: Uuid::nil(),
            name: None,
            role,
            organization,
            scopes: scopes.collect(),
            expires_at: None,
            account: None,
            application: None,
        }
    }

    #[test]
    fn roles_grow_and_default_is_no() {
        let own = Uuid::from_u128(1);
        for resource in Resource::ALL {
            for right in [Right::read(resource), Right::write(resource)] {
                let reads = actor(Role::Reader, Some(own), "")
                    .may(right, Some(own))
                    .is_ok();
                let admin = actor(Role::Admin, Some(own), "")
                    .may(right, Some(own))
                    .is_ok();
                let operator = actor(Role::Operator, None, "")
                    .may(right, Some(own))
                    .is_ok();
                assert!(operator, "{right}");
                assert!(admin || !reads, "{right}");
                assert!(!reads || right.action == Action::Read, "{right}");
            }
        }
        let reader = actor(Role::Reader, Some(own), "");
        assert!(matches!(
            reader.may(Right::write(Resource::Licenses), Some(own)),
            Err(Error::Forbidden(_))
        ));
    }

    #[test]
    fn another_tenant_is_not_found_and_the_installation_is_forbidden() {
        let (own, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let admin = actor(Role::Admin, Some(own), "");
        let right = Right::read(Resource::Licenses);
        assert!(matches!(
            admin.may(right, Some(other)),
            Err(Error::NotFound { .. })
        ));
        assert!(matches!(admin.may(right, None), Err(Error::Forbidden(_))));
    }

    #[test]
    fn without_an_organization_only_operators_may_anything() {
        let right = Right::read(Resource::Licenses);
        for organization in [None, Some(Uuid::from_u128(1))] {
            for role in [Role::Reader, Role::Admin] {
                let refused = actor(role, None, "").may(right, organization);
                assert!(matches!(refused, Err(Error::Forbidden(_))), "{role}");
            }
            assert!(
                actor(Role::Operator, None, "")
                    .may(right, organization)
                    .is_ok()
            );
        }
    }

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

    #[test]
    fn scopes_narrow_and_never_widen() {
        let own = Some(Uuid::from_u128(1));
        let narrow = actor(Role::Admin, own, "licenses:read,usage");
        assert!(narrow.may(Right::read(Resource::Licenses), own).is_ok());
        assert!(narrow.may(Right::write(Resource::Licenses), own).is_err());
        assert!(narrow.may(Right::write(Resource::Usage), own).is_ok());
        assert!(narrow.may(Right::read(Resource::Tokens), own).is_err());
        let reader = actor(Role::Reader, own, "licenses:write");
        assert!(reader.may(Right::write(Resource::Licenses), own).is_err());
        for text in [
            "",
            "license",
            "licenses:",
            "licenses:delete",
            "Licenses",
            "licenses:read ",
        ] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
    }
}
