//! `lictor forget`: takes a holder's name from what is kept of leases that ended.

use clap::Args;
use lictor_api::answer::Shown;
use lictor_api::operations::FORGET_HOLDER;
use lictor_api::query::NoQuery;
use lictor_api::row::NoBody;

use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::output::{self, counted, printable};

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
What is kept of ended leases and of refusals stays, without the name, so that
figures stay true. A holder that still has a lease is not forgotten: release it
first with `lictor lease release ID --force`. An account and its e-mail are
erased with `lictor account remove`.

Examples:
  lictor forget build-7
  lictor forget ada@example.com";

/// `lictor forget`
#[derive(Args, Debug)]
pub(crate) struct Forget {
    /// The holder, as it was given at the check-out
    holder: String,
    #[command(flatten)]
    api: Api,
}

/// Forgets.
pub(crate) async fn run(forget: &Forget, json: bool) -> Outcome {
    let holder = &forget.holder;
    let client = Client::new(&forget.api)?;
    let said = client
        .call(&FORGET_HOLDER, &[holder], &NoQuery, &NoBody)
        .await?;
    if json {
        return output::json(&said.text);
    }
    let Shown(forgotten) = said.answer;
    let (leases, refusals) = (forgotten.ended_leases, forgotten.refusals);
    let holder = printable(holder);
    if leases + refusals == 0 {
        output::note(&format!("nothing is stored about {holder}"));
        return Ok(());
    }
    let (leases, refusals) = (counted(leases, "ended lease"), counted(refusals, "refusal"));
    output::note(&format!(
        "{holder} is forgotten: the name is gone from {leases} and {refusals}"
    ));
    Ok(())
}
