//! Creating and revoking tokens. The secret itself never reaches the core.

use uuid::Uuid;

use crate::access::Actor;
use crate::change::Change;
use crate::decision::Decision;
use crate::error::{Error, Kind, LastWay};
use crate::facts::right::{Action, Resource, Right};
use crate::facts::role::Role;
use crate::facts::scope::{Scope, check_scopes};
use crate::facts::token::TokenState;
use crate::names::clean_name;
use crate::record::Record;
use crate::rules::account;
use crate::state::State;
use crate::time::{self, Timestamp};

/// What a new token is to be.
#[derive(Debug, Clone)]
pub struct NewToken {
    /// UUID v7.
    pub id: Uuid,
    /// The SHA-256 of the secret.
    pub secret_sha256: [u8; 32],
    /// Its display name.
    pub name: Option<String>,
    /// What it may do at most.
    pub role: Role,
    /// What it is narrowed to; empty: all that the role allows.
    pub scopes: Vec<Scope>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// The account that is to own it.
    pub account: Option<Uuid>,
}

/// Creates a token in the stream of its organization, or of the installation for an operator. Where
/// the quota is reached `state` contains some of those that have expired: they are revoked, and so give
/// way.
///
/// # Errors
/// [`Error::NotFound`] for an account that is not loaded or was removed, [`Error::InvalidInput`]
/// for a name out of bounds, too many scopes, or an end that has passed.
pub fn create(state: &State, new: &NewToken, now: Timestamp) -> Result<Decision, Error> {
    if let Some(account) = new.account {
        account::find(state, account)?;
    }
    let name = new.name.as_deref().map(clean_name).transpose()?;
    check_scopes(&new.scopes)?;
    if new.expires_at.is_some_and(|end| end <= now) {
        let reason = "it has passed already".to_owned();
        return Err(Error::InvalidInput {
            field: "expires_at",
            reason,
        });
    }
    let change = Change::TokenCreated {
        id: new.id,
        role: new.role,
        scopes: new.scopes.clone(),
        expires_at: new.expires_at,
        account: new.account,
    };
    let mut decision: Decision = expired(state, now).collect();
    decision.changes.push(change);
    decision.records.push(Record::TokenSecret {
        id: new.id,
        sha256: new.secret_sha256,
        name,
    });
    Ok(decision)
}

fn expired(state: &State, now: Timestamp) -> impl Iterator<Item = Change> {
    let counted = state.tokens.iter().filter(move |(_, token)| {
        token.revoked_at.is_none() && token.expires_at.is_some_and(|end| end <= now)
    });
    counted.map(|(id, _)| Change::TokenRevoked { id: *id })
}

/// Refuses a token that could do more than its creator.
///
/// # Errors
/// [`Error::Forbidden`] with the first right that the creator lacks.
pub fn check_no_wider(creator: &Actor, role: Role, scopes: &[Scope]) -> Result<(), Error> {
    let wanted = Actor {
        role,
        scopes: scopes.to_vec(),
        ..creator.clone()
    };
    for resource in Resource::ALL {
        for action in [Action::Read, Action::Write] {
            let right = Right { resource, action };
            if wanted.has(right) && !creator.has(right) {
                return Err(Error::Forbidden(right));
            }
        }
    }
    if role > creator.role {
        return Err(Error::Forbidden(Right::write(Resource::Organizations)));
    }
    Ok(())
}

/// Refuses a token that would live on when its creator has ended.
///
/// # Errors
/// [`Error::InvalidInput`] that says when the creator ends.
pub fn check_no_longer(creator: &Actor, expires_at: Option<Timestamp>) -> Result<(), Error> {
    match creator.expires_at {
        Some(last) if expires_at.is_none_or(|end| end > last) => {
            let shown = time::rfc3339(last);
            Err(Error::InvalidInput {
                field: "expires_at",
                reason: format!(
                    "the token that creates it ends at {shown}; choose that or an earlier time"
                ),
            })
        }
        Some(_) | None => Ok(()),
    }
}

/// Revokes a token. It is idempotent.
///
/// # Errors
/// [`Error::NotFound`].
pub fn revoke(state: &State, id: Uuid) -> Result<Decision, Error> {
    match state.tokens.get(&id) {
        Some(token) if token.revoked_at.is_some() => Ok(Decision::nothing()),
        Some(_) => Ok(Change::TokenRevoked { id }.into()),
        None => Err(Error::NotFound {
            kind: Kind::Token,
            name: id.to_string(),
        }),
    }
}

/// Refuses to revoke an operator's live token that is not narrowed, unless another such one lasts at least
/// as long: one that ends in a minute is no way in. `state` contains the last one to end, if there is one.
///
/// # Errors
/// [`Error::LastAdministrator`].
pub fn keep_an_operator(state: &State, id: Uuid, now: Timestamp) -> Result<(), Error> {
    let is_way_in = |token: &TokenState| {
        token.role == Role::Operator
            && token.scopes.is_empty()
            && token.revoked_at.is_none()
            && token.expires_at.is_none_or(|end| now < end)
    };
    let Some(own) = state.tokens.get(&id).filter(|token| is_way_in(token)) else {
        return Ok(());
    };
    let end = |token: &TokenState| token.expires_at.unwrap_or(Timestamp::MAX);
    let mut others = state.tokens.iter().filter(|(other, _)| **other != id);
    match others.any(|(_, token)| is_way_in(token) && end(token) >= end(own)) {
        true => Ok(()),
        false => Err(Error::LastAdministrator(LastWay::Token)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::scope::MAX_SCOPES;

    fn scopes(text: &str) -> Vec<Scope> {
        text.split_terminator(',')
            .map(|word| word.parse().expect("a scope"))
            .collect()
    }

    fn creator(role: Role, text: &str) -> Actor {
        let organization = (role != Role::Operator).then(|| Uuid::from_u128(1));
        Actor {
            token: Uuid::nil(),
            name: None,
            role,
            organization,
            scopes: scopes(text),
            expires_at: None,
            account: None,
            application: None,
        }
    }

    fn new(name: Option<&str>, expires_at: Option<Timestamp>) -> NewToken {
        NewToken {
            id: Uuid::from_u128(1),
            secret_sha256: [7; 32],
            name: name.map(str::to_owned),
            role: Role::Reader,
            scopes: scopes("licenses:read"),
            expires_at,
            account: None,
        }
    }

    #[test]
    fn a_token_is_never_wider_than_its_creator() {
        use Role::{Admin, Operator, Reader};
        for (role, narrowed, wanted, to, allowed) in [
            (Operator, "", Operator, "", true),
            (Operator, "", Admin, "", true),
            (Operator, "tokens", Operator, "", false),
            (Operator, "tokens", Operator, "tokens", true),
            (Operator, "tokens", Reader, "", false),
            (Operator, "tokens,licenses:read", Reader, "licenses", true),
            (Admin, "", Operator, "", false),
            (Admin, "", Operator, "licenses", false),
            (Admin, "", Admin, "", true),
            (Admin, "", Admin, "licenses:write", true),
            (Admin, "", Reader, "", true),
            (Admin, "tokens", Admin, "", false),
            (Admin, "tokens", Admin, "tokens,licenses:read", false),
            (Admin, "tokens,licenses:read", Admin, "licenses:read", true),
            (Admin, "tokens,licenses:read", Admin, "licenses", false),
            (Admin, "tokens,licenses:read", Reader, "licenses", true),
            (Admin, "tokens,licenses:write", Reader, "licenses", false),
            (Reader, "", Reader, "", true),
            (Reader, "", Reader, "licenses", true),
            (Reader, "", Admin, "licenses:read", false),
        ] {
            let checked = check_no_wider(&creator(role, narrowed), wanted, &scopes(to));
            assert_eq!(
                checked.is_ok(),
                allowed,
                "{role} [{narrowed}] makes {wanted} [{to}]"
            );
            assert!(matches!(checked, Ok(()) | Err(Error::Forbidden(_))));
        }
    }

    #[test]
    fn an_allowed_token_has_no_right_that_its_creator_lacks() {
        let words = [
            "",
            "tokens",
            "licenses:read",
            "licenses,tokens",
            "usage:write,trust:read",
        ];
        let makers = || {
            Role::ALL
                .into_iter()
                .flat_map(|role| words.map(|text| creator(role, text)))
        };
        for maker in makers() {
            for made in makers() {
                if check_no_wider(&maker, made.role, &made.scopes).is_err() {
                    continue;
                }
                for resource in Resource::ALL {
                    for right in [Right::read(resource), Right::write(resource)] {
                        assert!(
                            maker.has(right) || !made.has(right),
                            "{maker:?} {made:?} {right}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn a_token_never_outlives_its_creator() {
        let ends = |expires_at| Actor {
            expires_at,
            ..creator(Role::Admin, "")
        };
        for (creator_ends, wanted, allowed) in [
            (None, None, true),
            (None, Some(Timestamp::MAX), true),
            (Some(100), Some(99), true),
            (Some(100), Some(100), true),
            (Some(100), Some(101), false),
            (Some(100), None, false),
        ] {
            let checked = check_no_longer(&ends(creator_ends), wanted);
            assert_eq!(checked.is_ok(), allowed, "{creator_ends:?} {wanted:?}");
        }
        let refused = check_no_longer(&ends(Some(1_794_614_400)), None).expect_err("no end");
        assert!(
            refused.to_string().contains("2026-11-14T00:00:00Z"),
            "{refused}"
        );
    }

    #[test]
    fn a_token_has_no_endless_list_of_scopes() {
        let mut new = new(None, None);
        new.scopes = vec![new.scopes[0].clone(); MAX_SCOPES];
        assert!(create(&State::default(), &new, 0).is_ok());
        new.scopes.push(new.scopes[0].clone());
        let refused = create(&State::default(), &new, 0);
        assert!(matches!(
            refused,
            Err(Error::InvalidInput {
                field: "scopes",
                ..
            })
        ));
    }

    #[test]
    fn a_token_ends_later_and_its_name_and_secret_stay_out_of_the_ledger() {
        for end in [0, 99, 100] {
            let refused = create(&State::default(), &new(None, Some(end)), 100);
            assert!(matches!(
                refused,
                Err(Error::InvalidInput {
                    field: "expires_at",
                    ..
                })
            ));
        }
        let refused = create(&State::default(), &new(Some("a\nb"), Some(0)), 100);
        assert!(matches!(
            refused,
            Err(Error::InvalidInput { field: "name", .. })
        ));
        let created = create(&State::default(), &new(Some("ci"), Some(101)), 100).expect("a token");
        let change = Change::TokenCreated {
            id: Uuid::from_u128(1),
            role: Role::Reader,
            scopes: scopes("licenses:read"),
            expires_at: Some(101),
            account: None,
        };
        assert_eq!(created.changes, [change]);
        let record = Record::TokenSecret {
            id: Uuid::from_u128(1),
            sha256: [7; 32],
            name: Some("ci".to_owned()),
        };
        assert_eq!(created.records, [record]);
    }

    #[test]
    fn an_operators_token_is_kept_that_no_other_outlasts() {
        let token = |scopes_: &str, expires_at, revoked_at| TokenState {
            role: Role::Operator,
            scopes: scopes(scopes_),
            created_at: 0,
            expires_at,
            revoked_at,
            account: None,
        };
        let (id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let kept = |one: TokenState, others: Option<TokenState>| {
            let mut state = State::default();
            state.tokens.insert(id, one);
            state.tokens.extend(others.map(|token| (other, token)));
            keep_an_operator(&state, id, 100)
        };
        let (whole, ending) = (|| token("", None, None), |end| token("", Some(end), None));
        let last = Err(LastWay::Token);
        for (one, others, expected) in [
            (whole(), None, last),
            (whole(), Some(token("tokens", None, None)), last),
            (whole(), Some(ending(100)), last),
            (whole(), Some(token("", None, Some(1))), last),
            (whole(), Some(ending(101)), last),
            (whole(), Some(whole()), Ok(())),
            (ending(101), None, last),
            (ending(101), Some(ending(100)), last),
            (ending(101), Some(ending(101)), Ok(())),
            (ending(101), Some(whole()), Ok(())),
            (token("tokens", None, None), None, Ok(())),
            (ending(100), None, Ok(())),
        ] {
            let said = kept(one, others).map_err(|error| match error {
                Error::LastAdministrator(way) => way,
                other => panic!("{other}"),
            });
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn revoking_is_done_once() {
        let mut state = State::default();
        let id = Uuid::from_u128(1);
        let missing = revoke(&state, id);
        assert!(matches!(
            missing,
            Err(Error::NotFound {
                kind: Kind::Token,
                ..
            })
        ));
        let created = create(&State::default(), &new(None, None), 0).expect("a token");
        state.apply(1, 5, &created.changes[0]);
        let revoked = revoke(&state, id).expect("it is there");
        state.apply(2, 9, &revoked.changes[0]);
        assert_eq!(state.tokens[&id].revoked_at, Some(9));
        assert!(revoke(&state, id).expect("it is there").is_nothing());
    }
}
