//! One client of seats and leases: its requests, and which answers a correct server can give to each.

use std::fmt;

use anyhow::{Context, Result, bail, ensure};
use lictor_testkit::{Answer, Connection};
use serde_json::{Value, json};

/// A lease's id, as a number and so without an allocation; shown as a UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct LeaseId(pub(super) u128);

impl fmt::Debug for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:032x}", self.0);
        let [a, b, c, d] = [&text[..8], &text[8..12], &text[12..16], &text[16..20]];
        write!(f, "{a}-{b}-{c}-{d}-{}", &text[20..])
    }
}

/// What a client asks for. Accounts and holders go by their numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Asked {
    CheckOut { holder: usize, ttl_seconds: u64 },
    Renew { lease: LeaseId, fence: u64 },
    Release { lease: LeaseId, fence: u64 },
    Force { lease: LeaseId },
    Assign { account: usize },
    Unassign { account: usize },
    Count,
}

/// What it gets.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    CheckedOut(CheckedOut),
    Renewed {
        fence: u64,
    },
    Assigned(Use),
    /// The account has a seat already.
    Had(Use),
    Done,
    Refused(Refusal),
    FenceMismatch {
        current: u64,
    },
    NotFound,
    Counted {
        seats: u64,
        leases: u64,
    },
}

/// A lease that was checked out: a new one, or with a fence above 1 the one that its holder has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct CheckedOut {
    pub(super) lease: LeaseId,
    pub(super) fence: u64,
    /// Where the ledger says that it was checked out.
    pub(super) position: u64,
    pub(super) after: Use,
}

/// How many seats there are, none for unlimited, and how many of them are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Use {
    pub(super) limit: Option<u64>,
    pub(super) used: u64,
}

/// Why there is no seat.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) reason: String,
    pub(super) then: Use,
    /// The ledger position that the decision saw.
    pub(super) position: u64,
}

/// A connection, and the application that it asks for seats of.
pub(super) struct Client<'a> {
    connection: Connection,
    application: &'a str,
    accounts: &'a [String],
}

impl<'a> Client<'a> {
    pub(super) fn open(
        address: &str,
        application: &'a str,
        accounts: &'a [String],
    ) -> Result<Self> {
        Ok(Self {
            connection: Connection::open(address)?,
            application,
            accounts,
        })
    }

    /// How many accounts there are to give seats to.
    pub(super) fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// Asks, and waits for the answer. A broken connection, and an answer that is none of those
    /// above, are errors.
    pub(super) fn ask(&mut self, asked: Asked) -> Result<Outcome> {
        let (verb, path, body) = self.request(asked);
        let answer = self.connection.send(verb, &path, &body)?;
        outcome(asked, &answer).with_context(|| {
            let said = String::from_utf8_lossy(&answer.body);
            format!("{asked:?} was answered {}: {said}", answer.status)
        })
    }

    fn request(&self, asked: Asked) -> (&'static str, String, String) {
        let application = self.application;
        let own = |rest: &str| format!("/v1/applications/{application}/{rest}");
        let lease = |id: LeaseId, verb: &str| format!("/v1/leases/{id:?}/{verb}");
        match asked {
            Asked::CheckOut {
                holder,
                ttl_seconds,
            } => {
                let body =
                    json!({ "holder": format!("holder-{holder}"), "ttl_seconds": ttl_seconds });
                ("POST", own("leases"), body.to_string())
            }
            Asked::Renew { lease: id, fence } => (
                "POST",
                lease(id, "renew"),
                json!({ "fence": fence }).to_string(),
            ),
            Asked::Release { lease: id, fence } => (
                "POST",
                lease(id, "release"),
                json!({ "fence": fence }).to_string(),
            ),
            Asked::Force { lease: id } => (
                "POST",
                lease(id, "release"),
                json!({ "force": true }).to_string(),
            ),
            Asked::Assign { account } => {
                let body = json!({ "account": self.accounts[account] });
                ("POST", own("seats"), body.to_string())
            }
            Asked::Unassign { account } => {
                let path = own(&format!("seats/{}", self.accounts[account]));
                ("DELETE", path, String::new())
            }
            Asked::Count => {
                let path = format!("/v1/counts?application={application}");
                ("GET", path, String::new())
            }
        }
    }
}

fn outcome(asked: Asked, answer: &Answer) -> Result<Outcome> {
    if answer.status == 204 {
        return Ok(Outcome::Done);
    }
    let said: Value = serde_json::from_slice(&answer.body)?;
    Ok(match (asked, answer.status) {
        (Asked::CheckOut { .. }, 201) => Outcome::CheckedOut(CheckedOut {
            lease: id(&said["id"])?,
            fence: number(&said, "fence")?,
            position: number(&said, "position")?,
            after: used(&said)?,
        }),
        (Asked::Renew { .. }, 200) => Outcome::Renewed {
            fence: number(&said, "fence")?,
        },
        (Asked::Assign { .. }, 201) => Outcome::Assigned(used(&said)?),
        (Asked::Assign { .. }, 200) => Outcome::Had(used(&said)?),
        (Asked::Count, 200) => {
            let row = &said["data"][0];
            Outcome::Counted {
                seats: number(row, "seats")?,
                leases: number(row, "leases")?,
            }
        }
        (_, 404) => Outcome::NotFound,
        (_, 409) => refused(&said)?,
        _ => bail!("that is no answer to it"),
    })
}

fn refused(said: &Value) -> Result<Outcome> {
    let problem = said["type"].as_str().unwrap_or_default();
    Ok(match problem.rsplit(':').next() {
        Some("seat-refused") => Outcome::Refused(Refusal {
            reason: said["reason"].as_str().context("no reason")?.to_owned(),
            then: used(said)?,
            position: number(said, "position")?,
        }),
        Some("fence-mismatch") => Outcome::FenceMismatch {
            current: number(said, "fence")?,
        },
        _ => bail!("{problem} is no answer to it"),
    })
}

/// The members `limit` and `used`.
pub(super) fn used(said: &Value) -> Result<Use> {
    let limit = said.get("limit").context("no limit")?;
    Ok(Use {
        limit: limit.as_u64(),
        used: number(said, "used")?,
    })
}

pub(super) fn number(said: &Value, name: &str) -> Result<u64> {
    said[name].as_u64().with_context(|| format!("no {name}"))
}

/// Reads a lease's id.
pub(super) fn id(said: &Value) -> Result<LeaseId> {
    let text = said.as_str().context("no id")?;
    ensure!(text.len() == 36, "{text} is no id");
    Ok(LeaseId(u128::from_str_radix(&text.replace('-', ""), 16)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_written_as_it_is_read() {
        let text = "0199aa00-0000-7000-8000-0000000000ff";
        assert_eq!(format!("{:?}", id(&json!(text)).unwrap()), text);
    }

    #[test]
    fn a_fault_of_the_server_is_no_answer() {
        let answer = Answer {
            status: 500,
            body: b"{}".to_vec(),
            ..Answer::default()
        };
        assert!(outcome(Asked::Count, &answer).is_err());
    }
}
