//! What each record does to rows, and what comes and goes with it.

use lictor_core::Timestamp;
use lictor_core::elapsed::Now;
use lictor_core::facts::lease::holder_key;
use lictor_core::facts::quota::Quota;
use lictor_core::facts::seats::{Holder, SeatRefusal};
use lictor_core::facts::usage::UsageKey;
use lictor_core::record::Record;
use lictor_core::rules::quota;
use lictor_core::state::State;
use uuid::Uuid;

use super::{
    Add, BatchError, Carried, Counted, Ended, Identity, Measured, Named, Put, RefusalRow, Remove,
    Rows, loaded,
};
use crate::at_once::{
    DROPPED_ANSWERS, DROPPED_ENDED_LEASES, ERASED_NAMES, EXPIRED_MINUTES, EXPIRED_ROWS,
    FORGOTTEN_REFUSALS,
};
use crate::spans::Spans;

/// Carries out what a record does that goes with the changes, which `state` has applied, and with the records
/// before it; and counts what comes and goes.
///
/// # Errors
/// What the database says, and that a rule changed what it had not asked for.
pub(crate) fn carry_out_record<R: Rows>(
    rows: &mut R,
    stream: Uuid,
    now: &Now,
    state: &State,
    record: &Record,
    counted: &mut Counted,
) -> Carried<R> {
    match record {
        Record::Payload { sha256, text } => {
            let stored = rows.measure(stream, &Measured::Payload(*sha256, text))?;
            counted.payload_bytes += (stored * text.len()) as u64;
        }
        Record::LicenseDates { id, validity } => {
            let license = loaded(state.licenses.get(id), "license")?;
            rows.put(stream, &Put::DatedLicense(*id, license, *validity))?;
        }
        Record::TokenSecret { id, sha256, name } => {
            rows.put(stream, &Put::TokenSecret(*id, sha256, name.as_deref()))?;
        }
        Record::TokenOrigin { id, origin } => {
            rows.put(stream, &Put::TokenOrigin(*id, *origin))?;
        }
        Record::OrganizationName { id, name } => {
            rows.put(stream, &Put::OrganizationName(*id, name.as_deref()))?;
        }
        Record::Usage {
            key,
            reported,
            counted_in,
        } => {
            let service = Measured::UsageService(&key.service);
            if counted_in.is_some() && rows.measure(stream, &service)? == 1 {
                rows.add(stream, &Add::Service)?;
            }
            rows.put(stream, &Put::Usage(key, *reported))?;
        }
        Record::UsageEpoch {
            series,
            epoch,
            state,
        } => {
            rows.put(stream, &Put::UsageEpoch(series, epoch, *state))?;
        }
        Record::UsageMerged { from, into } => merge_usage(rows, stream, from, into)?,
        Record::UsageEpochForgotten { series, epoch } => {
            rows.remove(stream, &Remove::UsageEpoch(series, epoch))?;
        }
        Record::ApplicationName { key, name } => {
            rows.put(stream, &Put::ApplicationName(key, name.as_deref()))?;
        }
        Record::Identity { id, email, name } => {
            let identity = Identity {
                id: *id,
                email: email.as_ref(),
                name: name
                    .as_ref()
                    .into_change()
                    .map(|name| name.map(String::as_str)),
            };
            put_identity(rows, stream, identity, counted)?;
        }
        Record::IdentityErased { id } => {
            let answers = Measured::AnswersNamingAccount(*id, DROPPED_ANSWERS);
            let dropped = rows.measure(stream, &answers)?;
            counted.fewer(stream, Quota::KeptAnswers, dropped);
            counted.has_erased = true;
            rows.remove(stream, &Remove::Identity(*id))?;
        }
        Record::Lease { id, terms } => {
            let lease = loaded(state.leases.get(id), "lease")?;
            let put = match state.lease_terms.contains_key(id) {
                true => Put::LeaseTerms(*id, terms),
                false => Put::NewLease(*id, lease, terms),
            };
            rows.put(stream, &put)?;
        }
        Record::HolderOfEndedForgotten(lease) => {
            counted.has_erased = true;
            rows.remove(stream, &Remove::HolderOfEnded(lease))?;
        }
        Record::HolderOfRefusalsForgotten { key } => {
            let refusals = Measured::HolderOfRefusals(key, FORGOTTEN_REFUSALS);
            let merged = rows.measure(stream, &refusals)?;
            counted.fewer(stream, Quota::Refusals, merged);
            counted.has_erased = true;
        }
        Record::AnswersNamingHolderDropped { key } => {
            let answers = Measured::AnswersNamingHolder(key, DROPPED_ANSWERS);
            let dropped = rows.measure(stream, &answers)?;
            counted.fewer(stream, Quota::KeptAnswers, dropped);
            counted.has_erased |= dropped > 0;
        }
        Record::ExpiredDropped => drop_ended(rows, now, counted)?,
        Record::NamesOfRemovedErased { organization } => {
            erase_names(rows, stream, *organization, counted)?;
        }
        Record::EndedLeasesDropped {
            organization,
            application,
            before,
        } => {
            drop_ended_leases(rows, stream, (*organization, application), *before, counted)?;
        }
        Record::Refusal(refusal) => {
            let beyond = quota::room(state, Quota::Refusals, state.used.of(Quota::Refusals));
            let new = count_refusal(rows, stream, refusal, beyond.is_ok(), now)?;
            counted.add(stream, Quota::Refusals, i64::from(new));
        }
        Record::ClientSecret {
            id,
            client_id,
            sha256,
            name,
        } => {
            let put = Put::ClientSecret {
                id: *id,
                client_id,
                sha256: *sha256,
                name: name.as_deref(),
            };
            rows.put(stream, &put)?;
        }
        Record::ClientName { id, name } => {
            rows.put(stream, &Put::ClientName(*id, name.as_deref()))?;
        }
        Record::GrantSecret {
            id,
            refresh_sha256,
            code_sha256,
            given_at,
        } => {
            if let Some(code) = code_sha256 {
                rows.remove(stream, &Remove::Code(*code))?;
            }
            let put = Put::GrantSecret {
                id: *id,
                refresh: *refresh_sha256,
                code: *code_sha256,
                given_at: *given_at,
            };
            rows.put(stream, &put)?;
        }
        Record::Code {
            sha256,
            client,
            expires_at,
        } => {
            rows.put(stream, &Put::NewCode(*sha256, *client, *expires_at))?;
        }
        Record::Access { sha256, access } => {
            rows.put(stream, &Put::NewAccess(*sha256, access))?;
        }
        Record::AccessEnded { sha256 } => {
            rows.put(stream, &Put::AccessEnded(*sha256))?;
        }
        Record::NodeIdentity { id, identity } => {
            rows.put(stream, &Put::NodeIdentity(*id, identity))?;
        }
        Record::NodePoolIdentity { id, identity } => {
            rows.put(stream, &Put::PoolIdentity(*id, identity))?;
        }
        Record::NodeSeen { id, seen } => {
            rows.put(stream, &Put::NodeSeen(*id, seen))?;
        }
        Record::NodeStarts {
            id,
            counting,
            apart: _,
            own: _,
        } => {
            rows.put(stream, &Put::NodeStarts(*id, counting))?;
        }
        Record::KeyRotation(rotation) => {
            rows.put(stream, &Put::KeyRotation(rotation))?;
        }
    }
    Ok(())
}

/// Puts a count to another source. Sums stay; where both were there, there is one count less.
fn merge_usage<R: Rows>(rows: &mut R, stream: Uuid, from: &UsageKey, into: &str) -> Carried<R> {
    if rows.measure(stream, &Measured::UsageSource(from, into))? == 0 {
        rows.add(stream, &Add::UsageMerged(from, into))?;
        rows.add(stream, &Add::SeriesMerged(&from.month))?;
        rows.remove(stream, &Remove::Usage(from))?;
    }
    Ok(())
}

/// Stores an e-mail and a name, and notes whether they take the place of others, which must leave no trace.
fn put_identity<R: Rows>(
    rows: &mut R,
    stream: Uuid,
    identity: Identity<'_>,
    counted: &mut Counted,
) -> Carried<R> {
    if rows.measure(stream, &Measured::NewIdentity(identity))? != 1 {
        rows.put(stream, &Put::Identity(identity))?;
        counted.has_erased = true;
    }
    Ok(())
}

/// Drops some of an application's leases that ended before an instant.
fn drop_ended_leases<R: Rows>(
    rows: &mut R,
    stream: Uuid,
    (organization, application): (Uuid, &str),
    before: Timestamp,
    counted: &mut Counted,
) -> Carried<R> {
    rows.put(stream, &Put::EndedLeasesKept(organization, before))?;
    let leases = Measured::EndedLeases {
        organization,
        application,
        before,
        most: DROPPED_ENDED_LEASES,
    };
    let dropped = rows.measure(stream, &leases)?;
    counted.fewer(organization, Quota::EndedLeases, dropped);
    counted.has_erased |= dropped > 0;
    Ok(())
}

/// Counts a refusal, once in the row of its minute and once in the sum of its hour; says whether the row is
/// new. One whose holder is not to be kept goes into the row of the holder where there is one, and else into
/// one without a holder.
fn count_refusal<R: Rows>(
    rows: &mut R,
    stream: Uuid,
    refusal: &SeatRefusal,
    keep_holder: bool,
    now: &Now,
) -> Result<bool, BatchError<R::Error>> {
    let mut row = RefusalRow {
        minute: now.wall().div_euclid(60),
        holder: refusal.holder.text(),
        key: match &refusal.holder {
            Holder::Account(_) => None,
            Holder::Lease(holder) => Some(holder_key(holder)),
        },
        refusal,
    };
    let mut known = rows.is_refused(stream, &row)?;
    if !known && !keep_holder {
        row.holder = match refusal.holder {
            Holder::Account(_) => Uuid::nil().to_string(),
            Holder::Lease(_) => String::new(),
        };
        row.key = None;
        known = rows.is_refused(stream, &row)?;
    }
    rows.put(stream, &Put::Refusal(&row))?;
    let sum = Add::RefusalSum {
        hour: now.wall().div_euclid(3_600),
        application: &refusal.application,
        reason: refusal.reason,
    };
    rows.add(stream, &sum)?;
    Ok(!known)
}

/// Drops some of what is kept for a span that is over.
fn drop_ended<R: Rows>(rows: &mut R, now: &Now, counted: &mut Counted) -> Result<(), R::Error> {
    let spans = Spans::at(now);
    let (answers, refusals) = (Some(Quota::KeptAnswers), Some(Quota::Refusals));
    for (ended, most, quota) in [
        (Ended::Answers(spans.ended), EXPIRED_ROWS, answers),
        (Ended::Codes(spans.codes), EXPIRED_ROWS, None),
        (Ended::AccessTokens(spans.ended), EXPIRED_ROWS, None),
        (
            Ended::Refusals(spans.first_minute),
            EXPIRED_MINUTES,
            refusals,
        ),
    ] {
        let dropped = rows.drop_ended(ended, most)?;
        counted.has_erased |= dropped.rows > 0;
        for organization in dropped.whose {
            if let Some(quota) = quota {
                counted.add(organization, quota, -1);
            }
        }
    }
    Ok(())
}

/// Erases some of the names in a removed organization, and notes when none is left.
fn erase_names<R: Rows>(
    rows: &mut R,
    stream: Uuid,
    organization: Uuid,
    counted: &mut Counted,
) -> Carried<R> {
    let mut erased = 0;
    for (named, quota) in [
        (Named::Accounts, None),
        (Named::AccountsApart, None),
        (Named::Leases, None),
        (Named::Refusals, Some(Quota::Refusals)),
        (Named::Answers, Some(Quota::KeptAnswers)),
    ] {
        let names = Measured::Names(organization, named, ERASED_NAMES);
        let gone = rows.measure(stream, &names)?;
        if let Some(quota) = quota {
            counted.fewer(organization, quota, gone);
        }
        erased += gone;
    }
    if erased == 0 {
        rows.put(stream, &Put::OrganizationErased(organization))?;
    }
    counted.has_erased |= erased > 0;
    Ok(())
}
