//! Who may do what: who a caller is, and the one function that decides.

use std::sync::Arc;

use uuid::Uuid;

use crate::elapsed::Now;
use crate::error::Error;
use crate::facts::account::Account;
use crate::facts::right::Right;
use crate::facts::role::Role;
use crate::facts::scope::Scope;
use crate::facts::token::Token;
use crate::time::Timestamp;

impl Role {
    /// What an account may do in its organization.
    pub fn of(account: &Account) -> Self {
        if account.state.administrator {
            Self::Admin
        } else {
            Self::Reader
        }
    }
}

/// The caller, identified by a live token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The token's id; of an access token its client's.
    pub token: Uuid,
    /// The token's name, if it has one.
    pub name: Option<String>,
    /// The token's role.
    pub role: Role,
    /// The organization it belongs to. `None` for operators.
    pub organization: Option<Uuid>,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Scope>,
    /// When the token ends. `None` if never.
    pub expires_at: Option<Timestamp>,
    /// The account that owns the token. `None` if it has no owner.
    pub account: Option<Arc<Account>>,
    /// The one application that the token shows. `None` for all.
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
    /// `organization` is `None`. The default is no.
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

impl Token {
    /// What it may do: never more than its owner.
    fn role(&self) -> Role {
        let owners = self.account.as_ref().map(|account| Role::of(account));
        owners.map_or(self.role, |owners| owners.min(self.role))
    }

    /// Why it cannot be used, if [`actor`](Self::actor) is `None`.
    pub fn refusal(&self, now: &Now) -> Error {
        let unowned = Self {
            account: None,
            ..self.clone()
        };
        match &self.account {
            Some(owner) if unowned.is_live(now) => Error::OwnerInactive(owner.state.status),
            Some(_) | None => Error::Unauthenticated,
        }
    }

    /// Who a caller is that shows this token. `None` once it is revoked or has expired.
    pub fn actor(&self, now: &Now) -> Option<Actor> {
        self.is_live(now).then(|| Actor {
            token: self.id,
            name: self.name.clone(),
            role: self.role(),
            organization: self.organization,
            scopes: self.scopes.clone(),
            expires_at: self.expires_at.or(self.ends.map(|end| now.shown(end))),
            account: self.account.clone(),
            application: self.application.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elapsed::Elapsed;
    use crate::facts::right::{Action, Resource};

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

    #[test]
    fn a_token_lives_until_its_last_second_or_until_it_is_revoked() {
        let live = Token {
            id: Uuid::from_u128(1),
            organization: None,
            name: None,
            role: Role::Operator,
            scopes: Vec::new(),
            created_at: 0,
            expires_at: Some(100),
            ends: None,
            revoked_at: None,
            account: None,
            application: None,
            origin: None,
        };
        let actor = live.actor(&Now::at(99)).expect("it lives");
        assert!(live.is_live(&Now::at(99)) && actor.expires_at == Some(100));
        assert!(!live.is_live(&Now::at(100)) && live.actor(&Now::at(100)).is_none());
        assert!(
            Token {
                expires_at: None,
                ..live.clone()
            }
            .is_live(&Now::at(Timestamp::MAX))
        );
        let revoked = Token {
            revoked_at: Some(50),
            ..live
        };
        assert!(
            !revoked.is_live(&Now::at(0)),
            "a clock that steps back brings nothing back"
        );
    }

    #[test]
    fn a_token_with_a_date_goes_by_the_wall_clock_and_one_with_a_span_by_elapsed_time() {
        let token = Token {
            id: Uuid::from_u128(1),
            organization: None,
            name: None,
            role: Role::Admin,
            scopes: Vec::new(),
            created_at: 0,
            expires_at: Some(100),
            ends: None,
            revoked_at: None,
            account: None,
            application: None,
            origin: None,
        };
        let span = Token {
            expires_at: None,
            ends: Some(Elapsed::from_seconds(100)),
            ..token.clone()
        };
        let at = |wall: i64, elapsed: i64| {
            let Now { reading, .. } = Now::at(wall);
            let elapsed = elapsed * 1_000;
            Now { reading, elapsed }
        };
        for (now, date_lives, span_lives) in [
            (at(99, 99), true, true),
            (at(7_299, 99), false, true),
            (at(99, 100), true, false),
            (at(100, 100), false, false),
        ] {
            assert_eq!(token.is_live(&now), date_lives, "{now:?}");
            assert_eq!(span.is_live(&now), span_lives, "{now:?}");
        }
        let actor = span.actor(&at(7_299, 99)).expect("it lives");
        assert_eq!(actor.expires_at, Some(7_300), "as the wall clock has it");
    }
}
