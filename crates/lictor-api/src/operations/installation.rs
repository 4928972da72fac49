//! The rows of organizations, the ledger, the report and backups.

use lictor_core::facts::right::{Resource, Right};

use super::variables::ORGANIZATION;
use crate::answer::{Created, Database, Done, File, Pem, Shown};
use crate::ledger::Entry;
use crate::list::List;
use crate::organizations::{
    ChangeOrganization, CreateOrganization, Organization, OrganizationDetails, WrittenOrganization,
};
use crate::permits::{
    Backup, InstallationPermit, Ledger, Organizations, Permit, Place, Read, Report, Write,
};
use crate::query::{Ledger as WhichEntries, NoQuery, Page};
use crate::report::Report as Shows;
use crate::row::{Depends, Example, Facts, Header, Met, Method, NoBody, Operation, Sample};

/// Lists organizations.
pub const LIST_ORGANIZATIONS: Operation<
    Permit<Organizations, Read>,
    Page,
    NoBody,
    Shown<List<Organization>>,
> = Operation::new(Facts {
    id: "listOrganizations",
    path: "/organizations",
    summary: "Lists the organizations: to operators all, to others their own.",
    example: Example::answer(
        r#"{"data": [{"id": "019dd0a8-5c00-7000-8000-000000000008", "key": "acme", "number": 123, "name": null,
 "created_at": "2026-11-22T04:00:00Z"}], "next_cursor": null}"#,
    ),
    command: Met::At(&["organization list"]),
    page: Met::At(&["Organizations"]),
    ..Facts::EMPTY
});

/// Creates an organization.
pub const CREATE_ORGANIZATION: Operation<
    InstallationPermit<Organizations, Write>,
    NoQuery,
    CreateOrganization,
    Created<Organization>,
> = Operation::new(Facts {
    id: "createOrganization",
    method: Method::Post,
    path: "/organizations",
    summary: "Creates an organization.",
    headers: &[
        Header::IdempotencyKey,
        Header::Location {
            path: "/organizations/{organization}",
            member: "key",
        },
    ],
    problems: &["already-exists"],
    example: Example::sent(
        r#"{"key": "acme", "name": "Acme Ltd"}"#,
        r#"{"id": "019dd0a8-5c00-7000-8000-000000000008", "key": "acme", "number": 123, "name": "Acme Ltd",
 "created_at": "2026-11-22T04:00:00Z"}"#,
    ),
    command: Met::At(&["organization create"]),
    page: Met::At(&["Organizations"]),
    ..Facts::EMPTY
});

/// An organization and its quotas, as examples show them.
const DETAILS_EXAMPLE: &str = r#"{"id": "019dd0a8-5c00-7000-8000-000000000008", "key": "acme", "number": 123,
 "name": "Acme Ltd", "created_at": "2026-11-22T04:00:00Z",
 "quotas": [{"name": "tokens", "limit": 50000, "default": 20000, "used": 2,
  "description": "tokens that are not revoked"},
  {"name": "codes", "limit": 10, "default": 10, "used": null,
   "description": "codes for one client within 10 minutes"}],
 "ledger": {"entries": 44, "entry_bytes": 9000, "payload_bytes": 800, "ended_leases_dropped": 0}}"#;

/// Shows an organization.
pub const SHOW_ORGANIZATION: Operation<
    Permit<Organizations, Read>,
    NoQuery,
    NoBody,
    Shown<OrganizationDetails>,
> = Operation::new(Facts {
    id: "showOrganization",
    path: "/organizations/{organization}",
    variables: &[ORGANIZATION],
    summary: "Shows an organization, how much it has, and its quotas.",
    example: Example::answer(DETAILS_EXAMPLE),
    command: Met::At(&["organization show"]),
    page: Met::At(&["Organizations"]),
    ..Facts::EMPTY
});

/// Changes an organization.
pub const CHANGE_ORGANIZATION: Operation<
    InstallationPermit<Organizations, Write>,
    NoQuery,
    ChangeOrganization,
    Shown<WrittenOrganization>,
> = Operation::new(Facts {
    id: "changeOrganization",
    method: Method::Patch,
    path: "/organizations/{organization}",
    variables: &[ORGANIZATION],
    summary: "Names an organization, and sets its quotas.",
    details: "What there is stays, whatever the limit.",
    example: Example::sent(
        r#"{"name": "Acme Ltd", "limits": {"tokens": 50000, "codes": null}}"#,
        DETAILS_EXAMPLE,
    ),
    command: Met::At(&["organization set"]),
    page: Met::At(&["Organizations"]),
    ..Facts::EMPTY
});

/// Removes an organization.
pub const REMOVE_ORGANIZATION: Operation<
    InstallationPermit<Organizations, Write>,
    NoQuery,
    NoBody,
    Done,
> = Operation::new(Facts {
    id: "removeOrganization",
    method: Method::Delete,
    path: "/organizations/{organization}",
    variables: &[ORGANIZATION],
    summary: "Removes an organization that has no licenses; its tokens end with it.",
    problems: &["organization-not-empty", "default-organization"],
    command: Met::At(&["organization remove"]),
    page: Met::At(&["Organizations"]),
    ..Facts::EMPTY
});

/// Lists the entries of the ledger.
pub const LIST_ENTRIES: Operation<Permit<Ledger, Read>, WhichEntries, NoBody, Shown<List<Entry>>> =
    Operation::new(Facts {
        id: "listEntries",
        path: "/ledger",
        summary: "Lists the entries of the ledger, from the first on.",
        depends: &[Depends {
            right: Right::read(Resource::Ledger),
            place: Place::Installation,
            when: "`stream` is `installation`",
            sample: Sample {
                query: Some("stream=installation"),
                body: None,
            },
        }],
        example: Example {
            query: Some("after=3&limit=1"),
            ..Example::answer(
                r#"{"data": [{"stream": "019dd0a8-5c00-7000-8000-000000000008", "position": 4,
 "at": "2026-11-22T04:00:00Z", "actor": null,
 "change": {"type": "license_removed", "id": "019dd0a8-5c00-7000-8000-000000000001"}}],
 "next_cursor": "eyJ2IjoxfQ"}"#,
            )
        },
        command: Met::Nowhere("programs read the ledger, entry by entry"),
        page: Met::At(&["Ledger"]),
        ..Facts::EMPTY
    });

/// Shows the usage report.
pub const SHOW_REPORT: Operation<Permit<Report, Read>, NoQuery, NoBody, Shown<Shows>> =
    Operation::new(Facts {
        id: "showReport",
        path: "/report",
        summary: "Shows the usage report of the organization.",
        example: Example::answer(
            r#"{"at": "2026-11-22T04:00:00Z", "requests": [{"month": "2026-11", "count": 12345}],
 "total_requests": 12345, "license_key": "K-1", "license_expiration_date": "2027-01-01", "token_owners": 2,
 "services": 1, "organizations": 1, "connected_nodes": null, "engine": "sqlite 3.54.1", "version": "0.1.0",
 "system": {"cores": 2, "hostname": "rack-1", "uname": "Linux x86_64"}}"#,
        ),
        command: Met::At(&["report"]),
        page: Met::At(&["Report"]),
        ..Facts::EMPTY
    });

/// Copies the database.
pub const COPY_DATABASE: Operation<
    InstallationPermit<Backup, Read>,
    NoQuery,
    NoBody,
    File<Database>,
> = Operation::new(Facts {
    id: "copyDatabase",
    path: "/backup",
    summary: "Copies the whole database, as `lictor restore` takes it.",
    details: "HEAD makes no copy.",
    command: Met::At(&["backup"]),
    page: Met::Nowhere("a backup goes to a file by a script, not through a browser"),
    ..Facts::EMPTY
});

/// Shows the key that states for nodes are signed with.
pub const SHOW_CONTROL_PLANE_KEY: Operation<
    InstallationPermit<Backup, Read>,
    NoQuery,
    NoBody,
    File<Pem>,
> = Operation::new(Facts {
    id: "showControlPlaneKey",
    path: "/backup/control-plane-key",
    summary: "Shows the private key that states for nodes are signed with, which no copy of the database has.",
    command: Met::At(&["backup --include-keys"]),
    page: Met::Nowhere("a private key is not shown in a browser"),
    ..Facts::EMPTY
});
