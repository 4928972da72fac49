//! The kinds of problems: when each comes, with which status, and which facts it has.

/// A kind of problem.
#[derive(Debug)]
pub struct Kind {
    /// The last word of its type. It is stable.
    pub name: &'static str,
    /// The statuses that it comes with.
    pub statuses: &'static [u16],
    /// When it comes.
    pub about: &'static str,
    /// The facts that it has.
    pub facts: &'static [&'static str],
    /// Which requests can have it.
    pub of: Of,
}

/// Which requests can have a problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All.
    All,
    /// All that write.
    Writes,
    /// All with a body.
    Bodies,
    /// Those that take an idempotency key.
    Idempotent,
    /// Those that take `If-Match`.
    Conditional,
    /// Those whose rows name it.
    Named,
    /// None: it is the answer where there is no operation.
    NoOperation,
}

const fn kind(
    name: &'static str,
    statuses: &'static [u16],
    of: Of,
    facts: &'static [&'static str],
    about: &'static str,
) -> Kind {
    Kind {
        name,
        statuses,
        about,
        facts,
        of,
    }
}

/// All of them.
pub const KINDS: &[Kind] = &[
    kind(
        "unauthenticated",
        &[401],
        Of::All,
        &[],
        "There is no valid token. `WWW-Authenticate` says how to send one.",
    ),
    kind(
        "owner-inactive",
        &[401],
        Of::All,
        &[],
        "The account that owns the token is not active.",
    ),
    kind(
        "forbidden",
        &[403],
        Of::All,
        &["right"],
        "The token may not do this.",
    ),
    kind(
        "not-found",
        &[404],
        Of::All,
        &["kind", "name"],
        "What the request names is not there, or belongs to another organization.",
    ),
    kind(
        "method-not-allowed",
        &[405],
        Of::NoOperation,
        &["method"],
        "The path has no such method. `Allow` lists those that it has.",
    ),
    kind(
        "invalid-input",
        &[400],
        Of::All,
        &["field"],
        "A member, parameter or header is not allowed as it is.",
    ),
    kind(
        "invalid-json",
        &[400],
        Of::Bodies,
        &[],
        "The body is not UTF-8, not JSON or no object, or has wrong, unknown, missing or doubled members.",
    ),
    kind(
        "body-too-large",
        &[413],
        Of::Bodies,
        &["max_bytes"],
        "The body is too large.",
    ),
    kind(
        "unsupported-media-type",
        &[415],
        Of::Bodies,
        &[],
        "The body is not sent as `application/json` in UTF-8, or is encoded.",
    ),
    kind(
        "invalid-document",
        &[400],
        Of::Named,
        &["reason", "key_id", "organization", "claim"],
        "The license document is refused.",
    ),
    kind(
        "already-exists",
        &[409],
        Of::Named,
        &["kind", "name"],
        "What the request would make is there already.",
    ),
    kind(
        "last-administrator",
        &[409],
        Of::Named,
        &[],
        "No administrator or operator token would be left. `?force=true` does it all the same.",
    ),
    kind(
        "key-revoked",
        &[409],
        Of::Named,
        &["key_id"],
        "The key was revoked, which cannot be undone.",
    ),
    kind(
        "seat-refused",
        &[409],
        Of::Named,
        &["application", "reason", "limit", "used", "position"],
        "There is no seat for whoever asks. `limit` and `used` are for whoever may read seats.",
    ),
    kind(
        "fence-mismatch",
        &[409],
        Of::Named,
        &["fence"],
        "The lease was checked out again.",
    ),
    kind(
        "node-limit",
        &[409],
        Of::Named,
        &["application", "node_limit", "nodes"],
        "No more nodes are licensed. The figures are for whoever may read nodes.",
    ),
    kind(
        "quota-reached",
        &[409, 429],
        Of::Writes,
        &["quota", "limit", "application", "retry_after_seconds"],
        "The organization has as much of something as it may have. 429 has `Retry-After`.",
    ),
    kind(
        "application-in-use",
        &[409],
        Of::Named,
        &["application", "seats", "leases", "nodes"],
        "The application has seats, leases, nodes or licenses. The figures are for whoever may read applications.",
    ),
    kind(
        "holder-has-leases",
        &[409],
        Of::Named,
        &["lease_ids"],
        "The holder still has leases.",
    ),
    kind(
        "outdated",
        &[409],
        Of::Named,
        &[],
        "Keys or licenses kept changing meanwhile. Ask again.",
    ),
    kind(
        "organization-not-empty",
        &[409],
        Of::Named,
        &["key"],
        "The organization still has licenses.",
    ),
    kind(
        "default-organization",
        &[409],
        Of::Named,
        &[],
        "The organization `default` cannot be removed.",
    ),
    kind(
        "revision-mismatch",
        &[412],
        Of::Conditional,
        &["revision"],
        "The object is not in the state that the request expects.",
    ),
    kind(
        "idempotency-in-progress",
        &[409],
        Of::Idempotent,
        &[],
        "The same request is still running.",
    ),
    kind(
        "idempotency-mismatch",
        &[422],
        Of::Idempotent,
        &[],
        "The idempotency key was used for another request.",
    ),
    kind(
        "secret-already-shown",
        &[409],
        Of::Named,
        &["id"],
        "The first request with this idempotency key showed a secret, which is stored nowhere.",
    ),
    kind(
        "storage-full",
        &[507],
        Of::Writes,
        &["rows_stored", "rows_sent"],
        "The disk is full. Nothing was changed but what `rows_stored` says.",
    ),
    kind(
        "read-only",
        &[503],
        Of::Writes,
        &[],
        "A write to the disk failed before.",
    ),
    kind(
        "busy",
        &[503],
        Of::All,
        &["done"],
        "There is no memory for the request or its answer, or too many writes wait. `Retry-After` is there unless it was done.",
    ),
    kind(
        "too-many-requests",
        &[429],
        Of::All,
        &[],
        "More requests than `--rate-limit` of the server allows. `Retry-After` says when to come again.",
    ),
    kind(
        "internal",
        &[500],
        Of::All,
        &[],
        "A fault. The server's log says why.",
    ),
];

/// The kind with this name.
pub fn named(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}
