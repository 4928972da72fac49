//! Answers that are kept for repeated requests: stored with the write that they answer, found again,
//! and dropped when a name in them is to go.

use lictor_core::Error;
use lictor_core::elapsed::Elapsed;
use rusqlite::{Connection, OptionalExtension as _, Row};
use uuid::Uuid;

use super::rows::Sql;
use crate::plan::{Found, KeptAnswer, Subject};
use crate::{Answer, IdempotencyKey};

/// The answer kept under an idempotency key.
pub(super) fn answered(
    database: &Connection,
    key: &IdempotencyKey,
    now: Elapsed,
) -> Result<Option<Answer>, Error> {
    let sql = "SELECT request_sha256, status, body FROM answers
               WHERE token = ?1 AND route = ?2 AND key = ?3 AND expires_at > ?4";
    let read = |row: &Row<'_>| {
        Ok((
            row.get::<_, [u8; 32]>(0)?,
            Answer {
                status: row.get(1)?,
                body: row.get(2)?,
            },
        ))
    };
    let found = database
        .prepare_cached(sql)
        .and_then(|mut sql| {
            sql.query_row((key.token, &key.route, &key.key, now.seconds()), read)
                .optional()
        })
        .map_err(Error::internal)?;
    match found {
        Some((request, answer)) if request == key.request_sha256 => Ok(Some(answer)),
        Some(_) => Err(Error::IdempotencyMismatch),
        None => Ok(None),
    }
}

/// Whether there is an answer under an idempotency key.
pub(super) fn find(database: &Connection, key: &IdempotencyKey, now: Elapsed) -> Sql<Found> {
    let found = database
        .prepare_cached(
            "SELECT expires_at > ?4 FROM answers WHERE token = ?1 AND route = ?2 AND key = ?3",
        )?
        .query_row((key.token, &key.route, &key.key, now.seconds()), |row| {
            row.get(0)
        })
        .optional()?;
    Ok(match found {
        Some(true) => Found::Valid,
        Some(false) => Found::Expired,
        None => Found::Nothing,
    })
}

/// Keeps an answer.
pub(super) fn keep(database: &Connection, kept: &KeptAnswer<'_>) -> Sql<usize> {
    let KeptAnswer { key, answer, .. } = kept;
    let subject = kept.subject.as_ref().map(|subject| match subject {
        Subject::Holder(key) => of_a_holder(key),
        Subject::Account(id) => of_an_account(*id),
    });
    database
        .prepare_cached(
            "INSERT OR REPLACE INTO answers
                 (token, route, key, request_sha256, status, body, expires_at, organization_id,
                  subject)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute((
            key.token,
            &key.route,
            &key.key,
            key.request_sha256,
            answer.status,
            &answer.body,
            kept.expires_at.seconds(),
            kept.stream,
            subject,
        ))
}

fn of_a_holder(key: &str) -> String {
    format!("holder {key}")
}

fn of_an_account(id: Uuid) -> String {
    format!("account {id}")
}

/// How many answers name a holder, counted up to `most`.
pub(super) fn of_holder(
    database: &Connection,
    organization: Uuid,
    key: &str,
    most: usize,
) -> Sql<u64> {
    database
        .prepare_cached(
            "SELECT count(*) FROM (SELECT 1 FROM answers
             WHERE organization_id = ?1 AND subject = ?2 LIMIT ?3)",
        )?
        .query_row((organization, of_a_holder(key), most), |row| row.get(0))
}

/// Drops at most so many of the answers that name a holder.
pub(super) fn drop_naming_holder(
    database: &Connection,
    organization: Uuid,
    key: &str,
    most: usize,
) -> Sql<usize> {
    drop_naming(database, organization, &of_a_holder(key), most)
}

/// Drops at most so many of the answers that name an account.
pub(super) fn drop_naming_account(
    database: &Connection,
    organization: Uuid,
    id: Uuid,
    most: usize,
) -> Sql<usize> {
    drop_naming(database, organization, &of_an_account(id), most)
}

fn drop_naming(
    database: &Connection,
    organization: Uuid,
    subject: &str,
    most: usize,
) -> Sql<usize> {
    database
        .prepare_cached(
            "DELETE FROM answers WHERE rowid IN (SELECT rowid FROM answers
             WHERE organization_id = ?1 AND subject = ?2 LIMIT ?3)",
        )?
        .execute((organization, subject, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::open;

    #[test]
    fn answers_from_before_go_with_the_names_in_them() {
        let mut database = open::migrated(9).expect("migrates");
        let organization = Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001);
        let bodies = [
            ("lease", r#"{"id":"1","holder":"Ada ","fence":1}"#),
            (
                "account",
                r#"{"id":"00000000-0000-0000-0000-000000000005","email":"a@b.c"}"#,
            ),
            ("license", r#"{"id":"7"}"#),
            ("damaged", "{"),
        ];
        for (key, body) in bodies {
            for route in [
                format!("POST /v1/x {organization}"),
                "POST /v1/x".to_owned(),
            ] {
                database
                    .execute(
                        "INSERT INTO answers (token, route, key, request_sha256, status, body,
                             expires_at)
                         VALUES (zeroblob(16), ?1, ?2, zeroblob(32), 201, ?3, 9)",
                        (route, key, body),
                    )
                    .expect("inserts");
            }
        }
        open::migrate(&mut database).expect("migrates");
        assert_eq!(
            of_holder(&database, organization, "ada", 9).expect("reads"),
            1
        );
        for (dropped, id) in [(1, 5), (0, 7)] {
            let found = drop_naming_account(&database, organization, Uuid::from_u128(id), 9);
            assert_eq!(found.expect("writes"), dropped);
        }
        let found = drop_naming_holder(&database, organization, "ada", 9);
        assert_eq!(found.expect("writes"), 1);
        let left: i64 = database
            .query_row("SELECT count(*) FROM answers", [], |row| row.get(0))
            .expect("counts");
        assert_eq!(left, 6);
    }
}
