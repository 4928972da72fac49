//! The variable segments of paths.

use crate::row::Variable;

const fn variable(name: &'static str, example: &'static str, about: &'static str) -> Variable {
    Variable {
        name,
        about,
        example,
    }
}

pub(super) const LICENSE: Variable = variable(
    "license",
    "019dd0a8-5c00-7000-8000-000000000001",
    "The license's id.",
);
pub(super) const APPLICATION: Variable =
    variable("application", "konnect", "The application's key.");
pub(super) const ACCOUNT: Variable = variable(
    "account",
    "ada@example.com",
    "The account, by its id or its e-mail in any spelling.",
);
pub(super) const LEASE: Variable = variable(
    "lease",
    "019dd0a8-5c00-7000-8000-000000000004",
    "The lease's id.",
);
pub(super) const HOLDER: Variable = variable(
    "holder",
    "build-7",
    "The holder, as given at the check-out.",
);
pub(super) const ORGANIZATION: Variable =
    variable("organization", "acme", "The organization's key.");
pub(super) const KEY: Variable = variable("key", "0123456789abcdef", "The key's id.");
pub(super) const TOKEN: Variable = variable(
    "token",
    "019dd0a8-5c00-7000-8000-000000000005",
    "The token's id.",
);
pub(super) const CLIENT: Variable = variable(
    "client",
    "1000.K7W2Q5ZJ8RX4TB9MN3VHC6PYDA2EFG",
    "The client, by its `id` or its `client_id`.",
);
pub(super) const NODE: Variable = variable("node", "edge-1", "The node, by its name or id.");
pub(super) const POOL: Variable = variable("pool", "edge", "The pool, by its name or id.");
