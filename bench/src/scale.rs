//! The table of scale: the same counts of few accounts and of many, and of one organization and of many.

use std::fmt::Write as _;

use anyhow::Result;
use lictor_testkit::Server;
use lictor_testkit::usage::megabytes;

use super::Bench;
use super::load::{ANY_ID, Kind, Load, Turn};
use super::rounds::{Samples, whole};
use super::seated::{Count, listed};

const CONNECTIONS: usize = 32;

/// Accounts of the smallest server, and organizations of the one with the most.
const FEW_ACCOUNTS: usize = 100;
const MANY_ORGANIZATIONS: usize = 10_000;

/// A server with what is stored in it, and who asks.
struct Contestant<'a> {
    server: &'a Server,
    accounts: usize,
    organizations: usize,
    /// The tokens of those who ask in turn.
    tokens: &'a [String],
}

impl Contestant<'_> {
    fn load(&self, bench: &Bench, count: Count) -> Result<Load> {
        let [token] = self.tokens else {
            let file = bench.scratch.join("credentials");
            let all = self.tokens.iter().map(|token| count.credentials(token));
            listed(&file, all)?;
            return Ok(Load {
                kind: Kind::GetAny(file),
                ..count.load(ANY_ID, CONNECTIONS)
            });
        };
        Ok(count.load(&count.credentials(token), CONNECTIONS))
    }
}

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let (few, few_token) = bench.seated("few-accounts", FEW_ACCOUNTS)?;
    let (many, many_token) = bench.seated("many-accounts", bench.accounts)?;
    let (tenants, tenant) = bench.seated("many-organizations", FEW_ACCOUNTS)?;
    let all = bench.add_organizations(&tenants, MANY_ORGANIZATIONS)?;
    // What they needed in order to be filled is none of what they hold.
    let few = bench.again(few, "few-accounts")?;
    let many = bench.again(many, "many-accounts")?;
    let tenants = bench.again(tenants, "many-organizations")?;
    let contestant = |server, accounts, organizations, tokens| Contestant {
        server,
        accounts,
        organizations,
        tokens,
    };
    let (few_token, many_token, tenant) = ([few_token], [many_token], [tenant]);
    let mut contestants = [
        contestant(&few, FEW_ACCOUNTS, 1, &few_token[..]),
        contestant(&many, bench.accounts, 1, &many_token),
        contestant(&tenants, FEW_ACCOUNTS, MANY_ORGANIZATIONS, &tenant),
        contestant(&tenants, FEW_ACCOUNTS, MANY_ORGANIZATIONS, &all),
    ];
    let mut text = String::from(
        "| request | accounts | organizations | asked by | requests/s | per server CPU-second | \
         of the first | resident after it, MB |\n|---|---|---|---|---|---|---|---|\n",
    );
    for count in Count::ALL {
        let results = bench.rounds.interleave(&mut contestants, |one| {
            let (address, process) = (&one.server.address, one.server.id());
            let turn = one.load(bench, count)?.turn(
                &bench.scratch,
                address,
                process,
                bench.rounds.seconds,
            )?;
            Ok((turn, megabytes(process, "VmRSS")?))
        })?;
        let cost = |index: usize| Samples::of(&results[index], |(turn, _)| turn.per_cpu_second());
        for (index, one) in contestants.iter().enumerate() {
            let rate = Samples::of(&results[index], |(turn, _)| Turn::per_second(turn));
            writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} | {} | {} |",
                count.name(),
                whole(one.accounts),
                whole(one.organizations),
                whole(one.tokens.len()),
                rate.cell(),
                cost(index).cell(),
                cost(index).ratio(&cost(0)).cell(),
                Samples::of(&results[index], |(_, resident)| *resident).cell(),
            )?;
        }
    }
    for server in [few, many, tenants] {
        server.stop()?;
    }
    Ok(text)
}

impl Bench {
    /// Stops a server and starts it again on the same folder.
    fn again(&self, server: Server, folder: &str) -> Result<Server> {
        server.stop()?;
        self.serve(folder)
    }
}
