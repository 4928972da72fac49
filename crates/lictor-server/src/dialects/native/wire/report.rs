//! The usage report, between the authority and the contract.

use lictor_api::report::{MonthOfRequests, Report, System};
use lictor_api::values::Instant;
use lictor_authority::Report as Made;

pub(in crate::dialects::native) fn report(made: Made, hostname: String) -> Report {
    let total_requests = made.total_requests();
    let license = made.current_license;
    let requests = made.requests.into_iter();
    Report {
        at: Instant(made.at),
        requests: requests
            .map(|(month, count)| MonthOfRequests { month, count })
            .collect(),
        total_requests,
        license_expiration_date: license.as_ref().map(|license| license.expiration_date),
        license_key: license
            .map(|license| license.license_key)
            .filter(|key| !key.is_empty()),
        token_owners: made.users as u64,
        services: made.services as u64,
        organizations: made.organizations as u64,
        connected_nodes: made.connected_nodes.map(|nodes| nodes as u64),
        engine: made.engine,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        system: System {
            cores: made.system.cores as u64,
            hostname,
            uname: made.system.uname,
        },
    }
}
