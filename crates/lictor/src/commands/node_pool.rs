//! `lictor node enroll --pool` and `lictor node pool`: one token that many nodes join by.

use std::marker::PhantomData;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::node::span_of;
use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, text_of};
use crate::time_parsers::span;

const REVOKE_EXAMPLES: &str = "\
Nobody joins by its token any more. The nodes that have a place go on, and keep
it for as long as they do: one that leaves, or is silent for too long, cannot
come back. `lictor node revoke` ends one of them at once.

Example:
  lictor node pool revoke edge";

/// The options of `lictor node enroll` that make a pool.
#[derive(Args, Debug)]
pub(crate) struct NewPool {
    /// Make a pool with this name instead of one node
    #[arg(long, value_name = "NAME", requires = "uses")]
    pool: Option<String>,
    /// How many nodes may be in the pool at once
    #[arg(long, value_name = "N", requires = "pool")]
    uses: Option<u64>,
    /// How long nodes can join with the pool's token: a number and s, m, h or d [default: 30d]
    #[arg(long, value_name = "TIME", value_parser = span, requires = "pool")]
    ttl: Option<i64>,
    /// How long a node may be silent before it gives its place back, at least 10s [default: 1h]. Below 3m a
    /// node reports three times in that time, so that it is heard even where no feed gets through
    #[arg(long, value_name = "TIME", value_parser = span, requires = "pool")]
    forget_after: Option<i64>,
}

/// `lictor node pool …`
#[derive(Subcommand, Debug)]
pub(crate) enum Pool {
    /// List the pools, and how many of their places are taken
    #[command(after_help = "Example:\n  lictor node pool list")]
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Revoke a pool's token; its nodes keep working
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        /// The pool's name or id
        #[arg(id = "pool", value_name = "NAME")]
        name: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Makes a pool, and prints its token alone.
pub(super) async fn make(
    new: &NewPool,
    application: Option<&str>,
    api: &Api,
    as_json: bool,
) -> Outcome {
    let body = json!({
        "name": new.pool,
        "application": application,
        "limit": new.uses,
        "ttl_seconds": new.ttl,
        "forget_after_seconds": new.forget_after,
    });
    let reply = Client::new(api)?.post(&["node-pools"], &body).await?;
    let name = reply.str("name");
    let unseen = format!("revoke pool {name} with `lictor node pool revoke {name}`");
    let token = reply.str("enrollment_token");
    output::secret(&reply.text, token, as_json, &unseen)
}

/// Runs it.
pub(super) async fn run(command: Pool, as_json: bool) -> Outcome {
    match command {
        Pool::List { api } => list(&api, as_json).await,
        Pool::Revoke { name, api } => {
            Client::new(&api)?.delete(&["node-pools", &name]).await?;
            let done = format!("no node can join pool {name} any more; its nodes keep working");
            output::done("revoked", &name, &done, as_json)
        }
    }
}

async fn list(api: &Api, as_json: bool) -> Outcome {
    let listing = Listing {
        of: PhantomData,
        path: vec!["node-pools"],
        filter: vec![],
        headings: &["NAME", "APPLICATION", "TAKEN#", "USES#"],
        nothing: "no pools yet; make one with `lictor node enroll --pool NAME --uses N`",
    };
    let add = |rows: &mut Rows, pool: &Value| {
        let figure = |name: &str| pool[name].as_u64().map(output::figure);
        rows.row([
            text_of(&pool["name"]),
            text_of(&pool["application"]),
            figure("used").unwrap_or_default(),
            figure("limit").unwrap_or_default(),
        ]);
        rows.below(standing(pool));
    };
    listing.print(&Client::new(api)?, as_json, add).await
}

/// How many places of a pool are taken, and until when more nodes can join.
pub(super) fn standing(pool: &Value) -> String {
    let (taken, uses) = (text_of(&pool["used"]), text_of(&pool["limit"]));
    let until = text_of(&pool["token_expires_at"]);
    // To the minute is enough for people.
    let minute = until.get(..16).unwrap_or(&until).replace('T', " ");
    let token = match pool["token_expired"].as_bool() {
        Some(true) => "its token has expired",
        Some(false) | None => "its token ends",
    };
    let silence = span_of(&pool["forget_after_seconds"]);
    format!("{taken} of {uses} places taken; {token} {minute}Z; forgets after {silence}")
}
