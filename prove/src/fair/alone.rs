//! The tenant on its own: no answer that it can ask for is large or takes long.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::tenants::Site;
use crate::peer::Peer;
use crate::promise::Promise;

const MOST_BYTES: usize = 8_000_000;
const LONGEST: Duration = Duration::from_millis(100);

/// The same for a tenth, which runs beside other things.
const TENTH_LONGEST: Duration = Duration::from_millis(250);

/// How often each is asked for; the shortest counts, as the machine does other things too.
const TIMES: u32 = 5;

/// Every read whose answer depends on what the tenant has, as long as it may be asked for.
const READS: [&str; 27] = [
    "/v1/licenses?limit=1000",
    "/v1/applications?limit=1000",
    "/v1/applications/gateway",
    "/v1/applications/gateway/seats?limit=1000",
    "/v1/applications/gateway/leases?limit=1000",
    "/v1/applications/gateway/leases/ended?limit=1000",
    "/v1/accounts?limit=1000",
    "/v1/counts",
    "/v1/counts?application=gateway",
    "/v1/refusals?limit=1000",
    "/v1/refusals/by-hour?limit=1000",
    "/v1/census",
    "/v1/organizations",
    "/v1/organizations/tenant",
    "/v1/trust",
    "/v1/tokens?limit=1000",
    "/v1/clients?limit=1000",
    "/v1/nodes?limit=1000",
    "/v1/usage?limit=1000",
    "/v1/ledger?limit=1000",
    "/v1/report",
    "/licenses?size=1000",
    "/license/report",
    "/rest/api/3/instance/license",
    "/rest/api/3/license/approximateLicenseCount",
    "/crm/v7/__features/user_licenses",
    "/crm/v7/users/actions/count",
];

pub(super) fn promises(site: &Site, is_release: bool) -> Result<Vec<Promise>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (mut refused, mut large, mut long) = (Vec::new(), Vec::new(), Vec::new());
    let longest = if is_release { LONGEST } else { TENTH_LONGEST };
    println!("alone:");
    for path in READS {
        let mut peer = Peer::new(&site.tenant.address, &site.tenant.tokens[0]);
        let line = format!("GET {path}");
        let (mut shortest, mut answer) = (Duration::MAX, None);
        for _ in 0..TIMES {
            let begun = Instant::now();
            answer = Some(runtime.block_on(peer.ask(&line, "", b""))?);
            shortest = shortest.min(begun.elapsed());
        }
        let Some(answer) = answer else { continue };
        println!("  {path}: {} bytes in {shortest:.1?}", answer.length);
        if answer.status != 200 {
            refused.push(format!("{path}: {}", answer.status));
        }
        if answer.length >= MOST_BYTES {
            large.push(format!("{path}: {} bytes", answer.length));
        }
        if shortest >= longest {
            long.push(format!("{path}: {shortest:.1?}"));
        }
    }
    Ok(vec![
        ("every read is answered", refused),
        ("every answer is under 8 MB", large),
        ("every answer comes in time", long),
    ])
}
