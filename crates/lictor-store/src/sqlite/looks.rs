//! An application's licenses as they are looked through: the statements of each order, in one transaction.

use std::cmp::Reverse;
use std::ops::ControlFlow;

use lictor_core::facts::entitlement::ApplicationBasis;
use lictor_core::facts::license::License;
use lictor_core::facts::organization::INSTALLATION;
use lictor_core::{Error, Timestamp};
use rusqlite::{Connection, OptionalExtension as _};
use uuid::Uuid;

use super::reads::{basis_in, license, licenses, written};
use super::rows::Sql;
use super::{applications, heads, nodes};
use crate::{Choose, Dates, Licenses, Look, NodesBasis, Which};

/// Lets `look` look through an application's licenses, and says what an entitlement may rest on then.
pub(super) fn through(
    database: &Connection,
    organization: Uuid,
    application: &str,
    look: Look,
) -> Result<ApplicationBasis, Error> {
    let view = database.unchecked_transaction().map_err(Error::internal)?;
    let basis = basis_of(&view, organization, application).map_err(Error::internal)?;
    look(&Seen {
        database: &view,
        organization,
        application,
    })?;
    Ok(basis)
}

/// What an application's entitlement may rest on.
fn basis_of(view: &Connection, organization: Uuid, application: &str) -> Sql<ApplicationBasis> {
    let stored = applications::one(view, organization, application)?;
    let state = stored.map(|stored| stored.state).unwrap_or_default();
    let installation = heads::one(view, INSTALLATION)?;
    Ok(ApplicationBasis {
        licenses: state.licenses,
        revisions: state.license_revisions,
        trust: installation.map_or(0, |row| row.basis_changed),
    })
}

/// An application's licenses in an open transaction.
pub(super) struct Seen<'a> {
    pub(super) database: &'a Connection,
    pub(super) organization: Uuid,
    pub(super) application: &'a str,
}

impl Licenses for Seen<'_> {
    fn some(&self, which: Which, limit: usize) -> Result<Vec<License>, Error> {
        let (database, organization, application) =
            (self.database, self.organization, self.application);
        let found = match which {
            Which::Newest { before, dates } => {
                newest_licenses(database, organization, application, before, dates, limit)
            }
            Which::LastToEnd(dates) => {
                last_to_end(database, organization, application, dates, limit)
            }
            Which::Waiting(now) => {
                waiting_licenses(database, organization, application, now, limit)
            }
        };
        found.map_err(Error::internal)
    }

    fn one(&self, id: Uuid) -> Result<Option<License>, Error> {
        license(self.database, self.organization, id).map_err(Error::internal)
    }
}

/// A page of an application's licenses, the newest first.
fn newest_licenses(
    database: &Connection,
    organization: Uuid,
    application: &str,
    before: Option<(Timestamp, u64)>,
    dates: Dates,
    limit: usize,
) -> Sql<Vec<License>> {
    let (updated_at, revision) = before.unwrap_or((Timestamp::MAX, i64::MAX.unsigned_abs()));
    if dates == Dates::default() {
        let rest = "application = ?2 AND (updated_at, revision) < (?3, ?4)
                    ORDER BY updated_at DESC, revision DESC LIMIT ?5";
        let parameters = (organization, application, updated_at, revision, limit);
        return licenses(database, rest, parameters);
    }
    // Those that are passed over are read in the index alone.
    let rest = "licenses.id IN (SELECT one.id
                    FROM licenses AS one INDEXED BY licenses_newest_of_application
                    WHERE one.organization_id = ?1 AND one.application = ?2
                        AND (one.updated_at, one.revision) < (?3, ?4)
                        AND (?6 IS NULL OR one.ends_at > ?6)
                        AND (?7 IS NULL OR one.begins_at <= ?7)
                        AND (?8 IS NULL OR one.begins_at > ?8)
                    ORDER BY one.updated_at DESC, one.revision DESC LIMIT ?5)";
    let parameters = (
        organization,
        application,
        updated_at,
        revision,
        limit,
        dates.ends_after,
        dates.begun_by,
        dates.begins_after,
    );
    let mut found = licenses(database, rest, parameters)?;
    found.sort_unstable_by_key(|license| Reverse(written(license)));
    Ok(found)
}

/// How many licenses are chosen from at once.
const CHOICES: usize = 32;

/// An application's licenses, the newest first, as far as they are wanted.
pub(super) fn choose_licenses(
    database: &Connection,
    organization: Uuid,
    application: &str,
    mut choose: Choose,
) -> Sql<NodesBasis> {
    let view = database.unchecked_transaction()?;
    let (mut before, mut dates) = (None, Dates::default());
    loop {
        let page = newest_licenses(&view, organization, application, before, dates, CHOICES)?;
        before = page.get(CHOICES - 1).map(written);
        match choose(page) {
            ControlFlow::Continue(wanted) if before.is_some() => dates.ends_after = wanted,
            ControlFlow::Continue(_) | ControlFlow::Break(()) => break,
        }
        // Else all the others would be passed over one by one.
        if last_to_end(&view, organization, application, dates, 1)?.is_empty() {
            break;
        }
    }
    Ok(NodesBasis {
        basis: basis_in(&view, organization)?,
        settings: nodes::settings(&view, organization)?,
        rotations: nodes::rotations(&view)?,
    })
}

/// Those of an application's licenses that end last.
fn last_to_end(
    database: &Connection,
    organization: Uuid,
    application: &str,
    dates: Dates,
    limit: usize,
) -> Sql<Vec<License>> {
    let rest = "licenses.id IN (SELECT one.id FROM licenses AS one INDEXED BY licenses_by_end
                    WHERE one.organization_id = ?1 AND one.application = ?2
                        AND one.ends_at > coalesce(?3, -9223372036854775808)
                        AND (?4 IS NULL OR one.begins_at <= ?4)
                        AND (?6 IS NULL OR one.begins_at > ?6)
                    ORDER BY one.ends_at DESC LIMIT ?5)";
    let Dates {
        ends_after,
        begun_by,
        begins_after,
    } = dates;
    let parameters = (
        organization,
        application,
        ends_after,
        begun_by,
        limit,
        begins_after,
    );
    licenses(database, rest, parameters)
}

/// Of an application's licenses that begin after an instant the newest of each two dates.
fn waiting_licenses(
    database: &Connection,
    organization: Uuid,
    application: &str,
    now: Timestamp,
    limit: usize,
) -> Sql<Vec<License>> {
    let mut next = database.prepare_cached(
        "SELECT begins_at, ends_at FROM licenses INDEXED BY licenses_waiting
         WHERE organization_id = ?1 AND application = ?2 AND begins_at > updated_at
             AND (begins_at, ends_at) > (?3, ?4)
         ORDER BY begins_at, ends_at LIMIT 1",
    )?;
    let newest = "licenses.id = (SELECT one.id FROM licenses AS one INDEXED BY licenses_waiting
                      WHERE one.organization_id = ?1 AND one.application = ?2
                          AND one.begins_at > one.updated_at
                          AND one.begins_at = ?3 AND one.ends_at = ?4
                      ORDER BY one.updated_at DESC, one.revision DESC LIMIT 1)";
    let (mut found, mut dates) = (Vec::new(), (now, Timestamp::MAX));
    while found.len() < limit {
        let behind = (organization, application, dates.0, dates.1);
        let read = next.query_row(behind, |row| Ok((row.get(0)?, row.get(1)?)));
        let Some(two) = read.optional()? else { break };
        dates = two;
        let parameters = (organization, application, dates.0, dates.1);
        found.extend(licenses(database, newest, parameters)?);
    }
    Ok(found)
}
