//! `lictor node`: data planes, which enforce and count on their own. Its `run` is in `node_run`.

use std::cell::RefCell;
use std::marker::PhantomData;

use clap::Subcommand;
use lictor_core::feed::Mode;
use serde_json::{Value, json};

use super::node_pool::{self, NewPool, Pool};
use super::node_run;
use crate::args::Api;
use crate::client::{Client, Page};
use crate::config::{Configured, NodeOptions};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Exceeded, Rows, Widths, text_of};
use crate::time_parsers::span;

const ENROLL_EXAMPLES: &str = "\
Prints a token alone, which one node can join with, once, within a day. It
names the control plane's key, so that the node knows whom it speaks with.

With --pool it is one token for many nodes: as many may be there at once as
--uses says, and each has a name of its own, the pool's and a part of its id.
A place is free again once its node said goodbye, which it does with
`lictor node run --leave-on-stop`, or was silent for --forget-after.

Examples:
  lictor node enroll --name edge-1
  lictor node enroll --name edge-2 --application gateway-pro
  lictor node enroll --pool edge --uses 200 --ttl 30d";

const REVOKE_EXAMPLES: &str = "\
A node that left its pool cannot come back once it is revoked.

Example:
  lictor node revoke edge-1";

const ADOPT_EXAMPLES: &str = "\
After a control plane was restored from a backup, nodes know a newer state than
it does. They keep that, and `lictor node list` shows them as `ahead`. This
raises the revision of what is stored now above theirs, so that they take it.
Nodes that joined under another control plane key take nothing all the same.
It needs an operator's token.

Example:
  lictor node list && lictor node adopt";

const POLICY_EXAMPLES: &str = "\
Without options it shows the policy. Changing it needs an operator's token.

A node is `fresh` while its state was signed a short time ago, and `stale` after
--stale-after without another. When the state expires, the node goes on for
--grace; after that it is `restricted` and allows nothing.

Examples:
  lictor node policy
  lictor node policy --stale-after 1m --grace 7d";

/// `lictor node …`
#[derive(Subcommand, Debug)]
pub(crate) enum Node {
    /// Enroll a node; prints the token that it joins with, only this once
    #[command(after_help = ENROLL_EXAMPLES)]
    Enroll {
        /// What to call it: lower-case letters, digits, hyphens and dots
        #[arg(
            id = "node",
            long = "name",
            value_name = "NAME",
            required_unless_present = "pool",
            conflicts_with = "pool"
        )]
        name: Option<String>,
        #[command(flatten)]
        pool: NewPool,
        /// The application that it serves [default: the only one]
        #[arg(long, value_name = "KEY")]
        application: Option<String>,
        #[command(flatten)]
        api: Api,
    },
    /// Pools of nodes, which join with one token
    #[command(subcommand)]
    Pool(Pool),
    /// Run a node
    #[command(after_help = node_run::EXAMPLES)]
    Run(Configured<NodeOptions>),
    /// List the nodes: what they apply, what they counted, and what is wrong
    #[command(after_help = "Example:\n  lictor node list")]
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Revoke a node: its feed ends, and it denies all requests
    #[command(after_help = REVOKE_EXAMPLES)]
    Revoke {
        /// The node's name or id
        #[arg(id = "node", value_name = "NAME")]
        name: String,
        #[command(flatten)]
        api: Api,
    },
    /// Make nodes that hold a newer state accept the restored one
    #[command(after_help = ADOPT_EXAMPLES)]
    Adopt {
        #[command(flatten)]
        api: Api,
    },
    /// Show or set how long nodes keep working without news
    #[command(after_help = POLICY_EXAMPLES)]
    Policy {
        /// When a node becomes stale: a number and s, m, h or d
        #[arg(long, value_name = "TIME", value_parser = span)]
        stale_after: Option<i64>,
        /// How long a state is valid
        #[arg(long, value_name = "TIME", value_parser = span)]
        expires_after: Option<i64>,
        /// How long a node keeps working after that
        #[arg(long, value_name = "TIME", value_parser = span)]
        grace: Option<i64>,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Node, json: bool) -> Outcome {
    match command {
        Node::Enroll {
            name: None,
            pool,
            application,
            api,
        } => node_pool::make(&pool, application.as_deref(), &api, json).await,
        Node::Pool(pool) => node_pool::run(pool, json).await,
        Node::Enroll {
            name: Some(name),
            pool: _,
            application,
            api,
        } => {
            let body = json!({ "name": name, "application": application });
            let reply = Client::new(&api)?.post(&["nodes"], &body).await?;
            let name = reply.str("name");
            let unseen = format!("revoke node {name} with `lictor node revoke {name}`");
            output::secret(&reply.text, reply.str("enrollment_token"), json, &unseen)
        }
        Node::Run(run) => node_run::run(&run).await,
        Node::List { api } => list(&api, json).await,
        Node::Revoke { name, api } => {
            let client = Client::new(&api)?;
            // For the words alone: a token that may write may not read, and revokes all the same.
            let before = client.get(&["nodes", &name]).await.ok();
            client.delete(&["nodes", &name]).await?;
            let done = match before.as_ref().map(|before| before.str("status")) {
                Some("left") => format!("node {name} had left its pool, and cannot come back"),
                _ => format!("node {name} is revoked"),
            };
            output::done("revoked", &name, &done, json)
        }
        Node::Adopt { api } => {
            let reply = Client::new(&api)?
                .post(&["node-adoptions"], &json!({}))
                .await?;
            if json {
                return output::json(&reply.text);
            }
            output::note(&match reply.value["adopted"].as_u64() {
                Some(0) => "no node holds a newer state; nothing was changed".to_owned(),
                Some(1) => "1 node held a newer state, and accepts what is stored here as soon \
                            as it is connected"
                    .to_owned(),
                Some(count) => format!(
                    "{count} nodes held a newer state, and accept what is stored here as soon as \
                     they are connected"
                ),
                // Whoever may not read nodes is not told.
                None => "nodes that hold a newer state accept what is stored here as soon as \
                         they are connected"
                    .to_owned(),
            });
            Ok(())
        }
        Node::Policy {
            stale_after,
            expires_after,
            grace,
            api,
        } => policy(&api, [stale_after, expires_after, grace], json).await,
    }
}

/// The members of a policy, and what people call them.
const SPANS: [(&str, &str); 3] = [
    ("stale_after_seconds", "stale after"),
    ("expires_after_seconds", "expires after"),
    ("grace_seconds", "grace"),
];

async fn policy(api: &Api, given: [Option<i64>; 3], json: bool) -> Outcome {
    let client = Client::new(api)?;
    let mut reply = client.get(&["node-policy"]).await?;
    if given.iter().any(Option::is_some) {
        let mut policy = reply.value.clone();
        for ((member, _), span) in SPANS.iter().zip(given) {
            if let Some(span) = span {
                policy[*member] = span.into();
            }
        }
        reply = client.put(&["node-policy"], &policy).await?;
    }
    if json {
        return output::json(&reply.text);
    }
    let rows = SPANS.map(|(member, name)| (name, span_of(&reply.value[member])));
    output::details(&rows)
}

/// A span as people write it, in the greatest unit that it is whole in.
pub(super) fn span_of(seconds: &Value) -> String {
    let seconds = seconds.as_i64().unwrap_or_default();
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm')];
    let whole = units
        .iter()
        .find(|(unit, _)| seconds > 0 && seconds % unit == 0);
    match whole {
        Some((unit, letter)) => format!("{}{letter}", seconds / unit),
        None => format!("{seconds}s"),
    }
}

// Names are long, and are to be copied: whatever else there is to say stands below them.
const HEADINGS: [&str; 4] = ["NAME", "STATUS", "REVISION#", "REQUESTS#"];

async fn list(api: &Api, json: bool) -> Outcome {
    let nodes = Listing {
        of: PhantomData,
        path: vec!["nodes"],
        filter: vec![],
        headings: &HEADINGS,
        nothing: "no nodes yet; enroll one with `lictor node enroll --name NAME`",
    };
    let client = Client::new(api)?;
    if json {
        return nodes.print_json(&client).await;
    }
    let mut widths = Widths::default();
    let Some(pools) = pools(&client, &mut widths).await? else {
        return Ok(());
    };
    let exceeded = RefCell::new(Exceeded::default());
    let add = |rows: &mut Rows, node: &Value| {
        add(rows, node);
        exceeded
            .borrow_mut()
            .see(text_of(&node["application"]), output::beyond_of(node));
    };
    let end = |rows: &mut Rows, _: &Page| {
        exceeded.borrow().tell(rows);
        Ok(())
    };
    nodes
        .print_below(&client, &mut widths, pools, add, end)
        .await?;
    if widths.are_unknown() {
        output::note(nodes.nothing);
    }
    Ok(())
}

/// Prints the pools, which come before the nodes, except their last page. `None` if nobody reads on.
async fn pools(client: &Client, widths: &mut Widths) -> Outcome<Option<Rows>> {
    let pools = Listing {
        of: PhantomData,
        path: vec!["node-pools"],
        filter: vec![],
        headings: &HEADINGS,
        nothing: "",
    };
    let add = |rows: &mut Rows, pool: &Value| {
        let (name, status) = (text_of(&pool["name"]), "pool".to_owned());
        rows.row([name, status, String::new(), String::new()]);
        rows.below(node_pool::standing(pool));
    };
    pools.print_but_last(client, widths, add).await
}

fn add(rows: &mut Rows, node: &Value) {
    rows.row([
        text_of(&node["name"]),
        text_of(&node["status"]),
        text_of(&node["applied_revision"]),
        node["requests_this_month"]
            .as_u64()
            .map(output::figure)
            .unwrap_or_default(),
    ]);
    let facts = facts(node);
    if !facts.is_empty() {
        rows.below(facts.join("; "));
    }
    wrong(node).into_iter().for_each(|text| rows.below(text));
}

/// What a node said of itself.
fn facts(node: &Value) -> Vec<String> {
    let mut facts = Vec::new();
    if let Some(at) = node["seen_at"].as_str() {
        // To the minute is enough for people.
        let minute = at.get(..16).unwrap_or(at).replace('T', " ");
        facts.push(format!("seen {}Z", output::printable(&minute)));
    }
    if node["connected"] == false && node["joined_at"].is_string() {
        facts.push("not connected".to_owned());
    }
    if let Some(host) = node["host"].as_str() {
        let version = text_of(&node["version"]);
        facts.push(format!("{} (lictor {version})", output::printable(host)));
    }
    match node["mode"].as_str() {
        Some(mode) if mode != Mode::Fresh.as_str() => facts.push(output::printable(mode)),
        Some(_) | None => {}
    }
    if node["seen_at"].is_string() {
        facts.push(match node["license"].as_str() {
            Some(license) => format!("license {}", output::printable(license)),
            None => "no license in force".to_owned(),
        });
    }
    facts
}

/// Why a node is not up to date, and every problem that it reported.
fn wrong(node: &Value) -> Vec<String> {
    let mut wrong: Vec<String> = node["detail"]
        .as_str()
        .into_iter()
        .map(output::printable)
        .collect();
    for problem in node["problems"].as_array().into_iter().flatten() {
        let problem = text_of(problem);
        if !wrong.contains(&problem) {
            wrong.push(problem);
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_shown_as_they_are_given() {
        for (seconds, text) in [
            (0, "0s"),
            (90, "90s"),
            (300, "5m"),
            (7_200, "2h"),
            (86_400, "1d"),
            (2_592_000, "30d"),
        ] {
            assert_eq!(span_of(&json!(seconds)), text);
            assert_eq!(span(text), Ok(seconds));
        }
    }
}
