//! Rows whose key another row has, from before two spellings of one name were the same: who they
//! are, and whether all other keys are what they should be.

use rusqlite::Connection;
use uuid::Uuid;

use super::reads::many;
use super::rows::Sql;

/// How many rows of each kind the log names when a database is opened.
const LOGGED: u32 = 10;

/// A sentence for each account and lease that is found by its own spelling alone, at most `limit` of
/// each kind.
pub(super) fn notes(view: &Connection, limit: u32) -> Sql<Vec<String>> {
    let accounts = "SELECT apart.id, email_key(apart.email) IS NOT NULL, other.id
         FROM accounts AS apart INDEXED BY accounts_apart LEFT JOIN accounts AS other
             ON other.organization_id = apart.organization_id
             AND other.email_key = email_key(apart.email)
         WHERE apart.email_key IS NULL AND apart.email IS NOT NULL
         ORDER BY apart.organization_id, apart.id LIMIT ?1";
    let mut notes = many(view, accounts, [limit], |row| {
        let (id, other): (Uuid, Option<Uuid>) = (row.get(0)?, row.get(2)?);
        Ok(match (other, row.get(1)?) {
            (Some(other), _) => format!(
                "account {id}: account {other} has its e-mail in another spelling, and each is \
                 found by its own alone; remove one of them, or give it another e-mail"
            ),
            (None, true) => format!(
                "account {id}: its e-mail is found by its own spelling alone; give it the same \
                 e-mail again"
            ),
            (None, false) => format!(
                "account {id}: its e-mail would not be taken today, and is found by its own \
                 spelling alone; give it another"
            ),
        })
    })?;
    let leases = "SELECT id, application FROM leases INDEXED BY leases_apart
         WHERE holder_key IS NULL AND holder IS NOT NULL
         ORDER BY organization_id, id LIMIT ?1";
    notes.extend(many(view, leases, [limit], |row| {
        let (id, application): (Uuid, String) = (row.get(0)?, row.get(1)?);
        Ok(format!(
            "lease {id} of {application}: another lease has its holder in another spelling, and \
             each takes a seat until it ends"
        ))
    })?);
    Ok(notes)
}

/// A sentence for each account and lease whose key is that of another name.
pub(super) fn check_keys(view: &Connection, differences: &mut Vec<String>) -> Sql<()> {
    let wrong = "SELECT 'account', id, 'e-mail' FROM accounts
             WHERE email_key IS NOT NULL AND email_key IS NOT email_key(email)
         UNION ALL SELECT 'lease', id, 'holder' FROM leases
             WHERE holder_key IS NOT NULL AND holder_key IS NOT holder_key(holder)
         UNION ALL SELECT 'refusal in', organization_id, 'holder' FROM refusals
             WHERE kind = 'lease' AND holder <> '' AND holder_key IS NOT holder_key(holder)
         UNION ALL SELECT 'ended lease', id, 'holder' FROM ended_leases
             WHERE holder_key IS NOT holder_key(holder)";
    differences.extend(many(view, wrong, [], |row| {
        let (kind, id): (String, Uuid) = (row.get(0)?, row.get(1)?);
        let what: String = row.get(2)?;
        Ok(format!(
            "{kind} {id}: it is found under the key of another {what}"
        ))
    })?);
    Ok(())
}

/// Tells the log of rows that are found by their own spelling alone.
pub(super) fn log(database: &Connection) -> Sql<()> {
    for note in notes(database, LOGGED)? {
        tracing::warn!("{note}; `lictor check` names all such");
    }
    Ok(())
}
