//! Functions of the core that SQL statements call: the rows that are there get what new ones get.

use lictor_core::Validity;
use lictor_core::facts::email::Email;
use lictor_core::facts::lease;
use lictor_core::rules::license;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};

use super::rows::Sql;

/// Makes them known to a connection.
pub(super) fn register(connection: &Connection) -> Sql<()> {
    let pure = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    // The key of an e-mail; null for one that would not be taken today.
    connection.create_scalar_function("email_key", 1, pure, |context| {
        let email: Option<String> = context.get(0)?;
        Ok(email.and_then(|email| Some(Email::parse(&email).ok()?.key)))
    })?;
    // The form in which two spellings of a holder are the same.
    connection.create_scalar_function("holder_key", 1, pure, |context| {
        let holder: Option<String> = context.get(0)?;
        Ok(holder.map(|holder| lease::holder_key(&holder)))
    })?;
    // When the license in a payload begins and ends; null for what is no license.
    connection.create_scalar_function("license_begins_at", 1, pure, |context| {
        Ok(validity(context)?.map(|validity| validity.begins_at))
    })?;
    connection.create_scalar_function("license_ends_at", 1, pure, |context| {
        Ok(validity(context)?.map(|validity| validity.expires_at))
    })
}

fn validity(context: &Context<'_>) -> Sql<Option<Validity>> {
    let payload: Option<String> = context.get(0)?;
    Ok(payload.and_then(|payload| license::validity_of(&payload).ok()))
}
