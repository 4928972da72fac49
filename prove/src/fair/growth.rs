//! Whatever the tenant lets grow stops at its quotas.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::attacks::{ATTACK_KINDS, Attack};
use super::tenants::{Site, TENANT};
use crate::operator::Operator;
use crate::promise::Promise;

/// How long each way goes on against the quotas.
const EACH: Duration = Duration::from_millis(400);

/// What the ledger and payloads come to is theirs alone to bound.
const GROWS: &str = "entries-per-day";

/// Sets each limit to what is there, lets the tenant go on, and looks what is there then.
pub(super) fn promises(site: &Site, names: &Arc<AtomicU64>) -> Result<Vec<Promise>> {
    let mut operator = Operator::of(&site.server, TENANT)?;
    let path = format!("/v1/organizations/{TENANT}");
    let before = quotas(&operator.send("GET", &path, &Value::Null)?)?;
    let beyond = |all: &[Quota]| -> Vec<String> {
        let beyond = all.iter().filter(|quota| quota.used > quota.limit);
        beyond.map(Quota::shown).collect()
    };
    let mut broken = beyond(&before);
    let limits = before
        .iter()
        .map(|quota| (quota.name.clone(), json!(quota.used)));
    let limits: serde_json::Map<String, Value> = limits.collect();
    operator.send("PATCH", &path, &json!({ "limits": limits }))?;
    println!("at the quotas:");
    for way in &ATTACK_KINDS {
        let attack = Attack::begin(way, &site.tenant, names);
        std::thread::sleep(EACH);
        println!("  {}: the tenant was answered {}", way.name, attack.end()?);
    }
    let after = quotas(&operator.send("GET", &path, &Value::Null)?)?;
    broken.extend(beyond(&after));
    let grown: Vec<String> = before
        .iter()
        .filter(|quota| quota.used > 0)
        .map(Quota::shown)
        .collect();
    println!("  it has {}", grown.join(", "));
    let few = (grown.len() < 6).then(|| grown.join(", "));
    Ok(vec![
        ("what the tenant has ends at its quotas", broken),
        (
            "the tenant has enough to end at them",
            few.into_iter().collect(),
        ),
    ])
}

struct Quota {
    name: String,
    limit: u64,
    used: u64,
}

impl Quota {
    fn shown(&self) -> String {
        format!("{} {} of {}", self.used, self.name, self.limit)
    }
}

/// Those of which one figure is kept, but for what only grows.
fn quotas(organization: &Value) -> Result<Vec<Quota>> {
    let all = organization["quotas"].as_array().context("no quotas")?;
    let read = |quota: &Value| {
        Some(Quota {
            name: quota["name"].as_str()?.to_owned(),
            limit: quota["limit"].as_u64()?,
            used: quota["used"].as_u64()?,
        })
    };
    let known = all.iter().filter_map(read);
    Ok(known.filter(|quota| quota.name != GROWS).collect())
}
