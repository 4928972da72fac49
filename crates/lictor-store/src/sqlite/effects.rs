//! Which statement carries out which effect.

use rusqlite::Connection;
use uuid::Uuid;

use super::rows::{self, Sql};
use super::transaction::{BatchError, Transaction};
use super::{
    accounts, answers, applications, clients, ended, expired, node_pools, nodes, refusals, removed,
    seats, sums, usage,
};
use crate::effects::{Add, Dropped, Ended, Measured, Put, RefusalRow, Remove, Rows};

impl Rows for Transaction<'_> {
    fn put(&mut self, stream: Uuid, effect: &Put<'_>) -> Result<(), BatchError> {
        let changed = put(self.database, stream, effect)?;
        effect.touches().compare(changed)
    }

    fn remove(&mut self, stream: Uuid, effect: &Remove<'_>) -> Result<(), BatchError> {
        let changed = remove(self.database, stream, effect)?;
        effect.touches().compare(changed)
    }

    fn add(&mut self, stream: Uuid, effect: &Add<'_>) -> Result<(), BatchError> {
        let changed = add(self, stream, effect)?;
        effect.touches().compare(changed)
    }

    fn measure(&mut self, stream: Uuid, measured: &Measured<'_>) -> Sql<usize> {
        let database = self.database;
        match measured {
            Measured::Payload(sha256, text) => {
                rows::insert_payload(database, stream, *sha256, text)
            }
            Measured::NewIdentity(identity) => {
                accounts::put_identity(database, stream, identity, true)
            }
            Measured::UsageSource(from, into) => usage::rename(database, stream, from, into),
            Measured::UsageService(service) => sums::insert_service(database, stream, service),
            Measured::HolderOfRefusals(key, most) => refusals::forget(database, stream, key, *most),
            Measured::AnswersNamingHolder(key, most) => {
                answers::drop_naming_holder(database, stream, key, *most)
            }
            Measured::AnswersNamingAccount(id, most) => {
                answers::drop_naming_account(database, stream, *id, *most)
            }
            Measured::EndedLeases {
                organization,
                application,
                before,
                most,
            } => ended::drop_some(database, *organization, application, *before, *most),
            Measured::Names(organization, named, most) => {
                removed::erase(database, *organization, *named, *most)
            }
        }
    }

    fn is_refused(&mut self, stream: Uuid, row: &RefusalRow<'_>) -> Sql<bool> {
        refusals::is_there(self.database, stream, row)
    }

    fn drop_ended(&mut self, ended: Ended, most: usize) -> Sql<Dropped> {
        expired::drop_some(self.database, ended, most)
    }
}

fn put(database: &Connection, stream: Uuid, put: &Put<'_>) -> Sql<usize> {
    match put {
        Put::Policy(policy) => rows::put_policy(database, *policy),
        Put::NewHead(id) => rows::insert_head(database, *id),
        Put::NewOrganization(id, organization) => {
            rows::insert_organization(database, *id, organization)
        }
        Put::OrganizationRemoved => rows::remove_organization(database, stream),
        Put::OrganizationErased(id) => removed::note_erased(database, *id),
        Put::OrganizationName(id, name) => rows::name_organization(database, *id, *name),
        Put::Key(id, key) => rows::put_key(database, *id, key),
        Put::KeyRotation(rotation) => nodes::put_rotation(database, rotation),
        Put::NewToken(id, token) => rows::insert_token(database, stream, *id, token),
        Put::Token(id, token) => rows::update_token(database, stream, *id, token),
        Put::TokenSecret(id, sha256, name) => {
            rows::put_token_secret(database, stream, *id, sha256, *name)
        }
        Put::TokenOrigin(id, origin) => rows::put_token_origin(database, stream, *id, *origin),
        Put::License(id, license) => rows::update_license(database, stream, *id, license),
        Put::DatedLicense(id, license, dates) => {
            rows::put_license(database, stream, *id, license, *dates)
        }
        Put::NewAccount(id, account) => accounts::insert(database, stream, *id, account),
        Put::Account(id, account) => accounts::update(database, stream, *id, account),
        Put::AccountSeats(id, account) => seats::count_seats(database, stream, *id, account),
        Put::Identity(identity) => accounts::put_identity(database, stream, identity, false),
        Put::AccountCounts(counts) => accounts::put_counts(database, stream, counts),
        Put::NewApplication(key, application) => {
            applications::insert(database, stream, key, application)
        }
        Put::Application(key, application) => {
            applications::update(database, stream, key, application)
        }
        Put::ApplicationName(key, name) => applications::name(database, stream, key, *name),
        Put::ApplicationLicenses(key, application) => {
            applications::put_licenses(database, stream, key, application)
        }
        Put::NewSeat(application, account, seat) => {
            seats::insert_seat(database, stream, application, *account, *seat)
        }
        Put::NewLease(id, lease, terms) => seats::insert_lease(database, stream, *id, lease, terms),
        Put::LeaseTerms(id, terms) => seats::update_lease(database, stream, *id, terms),
        Put::EndedLeasesKept(organization, since) => {
            ended::put_kept_from(database, *organization, *since)
        }
        Put::Refusal(row) => refusals::count(database, stream, row),
        Put::NewClient(id, client) => clients::insert(database, stream, *id, client),
        Put::Client(id, client) => clients::update(database, stream, *id, client),
        Put::ClientSecret {
            id,
            client_id,
            sha256,
            name,
        } => clients::put_secret(database, stream, *id, (client_id, *sha256, *name)),
        Put::ClientName(id, name) => clients::name(database, stream, *id, *name),
        Put::NewGrant(id, grant) => clients::insert_grant(database, stream, *id, grant),
        Put::Grant(id, grant) => clients::update_grant(database, stream, *id, grant),
        Put::GrantSecret {
            id,
            refresh,
            code,
            given_at,
        } => clients::put_grant_secret(database, stream, *id, (*refresh, *code, *given_at)),
        Put::NewCode(sha256, client, ends) => {
            clients::insert_code(database, stream, *sha256, *client, *ends)
        }
        Put::NewAccess(sha256, access) => clients::hand_out(database, stream, *sha256, access),
        Put::AccessEnded(sha256) => clients::end_access(database, stream, *sha256),
        Put::NewNode(id, node) => nodes::insert(database, stream, *id, node),
        Put::Node(id, node) => nodes::update(database, stream, *id, node),
        Put::NodeIdentity(id, identity) => nodes::put_identity(database, stream, *id, identity),
        Put::NodeSeen(id, seen) => nodes::put_seen(database, stream, *id, seen),
        Put::NodeStarts(id, counting) => nodes::put_starts(database, stream, *id, counting),
        Put::NewPool(id, pool) => node_pools::insert(database, stream, *id, pool),
        Put::Pool(id, pool) => node_pools::update(database, stream, *id, pool),
        Put::PoolIdentity(id, identity) => {
            node_pools::put_identity(database, stream, *id, identity)
        }
        Put::NodePolicy(policy) => nodes::set_policy(database, stream, *policy),
        Put::Usage(key, reported) => usage::record(database, stream, key, reported),
        Put::UsageEpoch(series, epoch, state) => {
            usage::record_epoch(database, stream, series, epoch, *state)
        }
        Put::Correction {
            month,
            service,
            source,
            sum,
        } => usage::correct(database, stream, (month, service, source), *sum),
        Put::UsageSum(sum) => sums::put_sum(database, stream, *sum),
    }
}

fn remove(database: &Connection, stream: Uuid, remove: &Remove<'_>) -> Sql<usize> {
    match remove {
        Remove::License(id) => rows::delete_license(database, stream, *id),
        Remove::Identity(id) => accounts::erase(database, stream, *id),
        Remove::Application(key) => applications::delete(database, stream, key),
        Remove::Seat(application, account) => {
            seats::delete_seat(database, stream, application, *account)
        }
        Remove::Lease {
            id,
            until,
            position,
            reason,
        } => {
            let kept = ended::keep(database, stream, *id, (*until, *position), *reason)?;
            Ok(kept.min(seats::delete_lease(database, stream, *id)?))
        }
        Remove::HolderOfEnded(lease) => ended::forget(database, stream, lease),
        Remove::Code(sha256) => clients::delete_code(database, stream, *sha256),
        Remove::Node(id) => nodes::delete(database, stream, *id),
        Remove::Usage(key) => usage::delete(database, stream, key),
        Remove::UsageEpoch(series, epoch) => usage::forget_epoch(database, stream, series, epoch),
    }
}

fn add(transaction: &mut Transaction<'_>, stream: Uuid, add: &Add<'_>) -> Sql<usize> {
    let database = transaction.database;
    match add {
        Add::Taken {
            application,
            seats,
            leases,
            ceiling,
        } => applications::take(database, stream, application, (*seats, *leases), *ceiling),
        Add::Free {
            application,
            seats,
            leases,
        } => applications::give_back(database, stream, application, *seats, *leases),
        Add::Nodes {
            application,
            nodes,
            joined,
        } => nodes::count(database, stream, application, *nodes, *joined),
        Add::Places(pool, by) => node_pools::count(database, stream, *pool, *by),
        Add::Raised(raise) => nodes::add_to_raised(database, stream, *raise),
        Add::RefusalSum {
            hour,
            application,
            reason,
        } => refusals::add_to_sum(database, stream, *hour, application, *reason),
        Add::UsageMerged(from, into) => usage::add_merged(database, stream, from, into),
        Add::SeriesMerged(month) => usage::one_series_less(database, stream, month),
        Add::Series(month, more) => usage::add_to_month(database, stream, month, *more),
        Add::MonthSum(month, by) => sums::move_month(database, stream, month, *by),
        Add::Service => sums::add_service(database, stream),
        Add::Used(organization, quota, by) => {
            let heads = &mut transaction.heads;
            heads.add_used(database, *organization, (*quota, *by))
        }
    }
}
