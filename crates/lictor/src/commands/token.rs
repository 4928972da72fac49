//! `lictor token`: who may use a server.

use clap::Subcommand;
use lictor_core::access::{Role, Scope};
use lictor_server::clock::Clock;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::{Client, Reply};
use crate::config::span;
use crate::exit::{Failure, Outcome};
use crate::output::{self, text_of};

const CREATE_EXAMPLES: &str = "\
The token is printed once and stored nowhere.

Roles: `reader` reads one organization, `admin` also changes it, `operator` runs
the installation. Scopes narrow a role further: RESOURCE, RESOURCE:read or
RESOURCE:write, as in licenses:read.

Examples:
  lictor token create --name dashboard
  lictor token create --role admin --scope licenses,usage:read --expires 30d
  lictor token create --account ada@example.com
  lictor token create --organization acme --role admin";

/// `lictor token …`
#[derive(Subcommand, Debug)]
pub(crate) enum Token {
    /// Create a token; prints it alone, this once
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// What it may do at most: operator, admin or reader
        /// [default: reader; with --account what the account may do]
        #[arg(long)]
        role: Option<Role>,
        /// The account that owns it, by e-mail or id: it may do no more than that one
        #[arg(long, value_name = "EMAIL")]
        account: Option<String>,
        /// What it is narrowed to; several separated by commas
        #[arg(long, value_name = "SCOPE", value_delimiter = ',')]
        scope: Vec<Scope>,
        /// When it ends: a number and s, m, h, d or w [default: never]
        #[arg(long, value_name = "30d", value_parser = seconds)]
        expires: Option<i64>,
        /// What to call it
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        api: Api,
    },
    /// List the tokens of an organization
    #[command(after_help = "Examples:\n  lictor token list --organization acme\n  \
        lictor token list --operators")]
    List {
        /// Those of the operators instead
        #[arg(long)]
        operators: bool,
        #[command(flatten)]
        api: Api,
    },
    /// Revoke a token; it is dead at once
    #[command(after_help = "Example:\n  \
        lictor token revoke 01a2019d-a8f0-7bc8-b575-b74ced08cd9a")]
    Revoke {
        /// The token's id, as `lictor token list` shows it
        id: String,
        #[command(flatten)]
        api: Api,
    },
}

fn seconds(text: &str) -> Result<i64, String> {
    // Beyond a century, leave it out instead.
    match span(text)? {
        0 => Err("a token that has expired already is of no use".to_owned()),
        total if total <= 3_155_760_000 => Ok(total),
        _ => Err("more than a century; leave it out for no end".to_owned()),
    }
}

/// Runs it.
pub(crate) async fn run(command: Token, json: bool) -> Outcome {
    match command {
        Token::Create {
            role,
            scope,
            expires,
            name,
            account,
            api,
        } => {
            let mut body = json!({ "role": role.map(Role::as_str), "account": account });
            if !scope.is_empty() {
                body["scopes"] = scope.iter().map(ToString::to_string).collect();
            }
            if let Some(seconds) = expires {
                body["expires_at"] = instant(Clock::System.now() + seconds)?.into();
            }
            if let Some(name) = name {
                body["name"] = name.into();
            }
            let reply = create(&Client::new(&api)?, &body).await?;
            output::result(&reply.text, reply.str("secret"), json)
        }
        Token::List { operators, api } => list(&api, operators, json).await,
        Token::Revoke { id, api } => {
            Client::new(&api)?.delete(&["tokens", &id]).await?;
            output::done("revoked", &id, &format!("token {id} is revoked"), json)
        }
    }
}

/// Creates a token.
pub(crate) async fn create(client: &Client, body: &Value) -> Outcome<Reply> {
    client.post(&["tokens"], body).await
}

fn instant(seconds: i64) -> Outcome<String> {
    let instant = jiff::Timestamp::from_second(seconds)
        .map_err(|error| Failure::Usage(format!("--expires: {error}")))?;
    Ok(instant.to_string())
}

async fn list(api: &Api, operators: bool, json: bool) -> Outcome {
    let filter: &[(&str, &str)] = if operators {
        &[("operators", "true")]
    } else {
        &[]
    };
    let reply = Client::new(api)?.list(&["tokens"], filter).await?;
    if json {
        return output::json(&reply.text);
    }
    if reply.rows().is_empty() {
        output::note("no tokens yet; create one with `lictor token create`");
        return Ok(());
    }
    let mut rows = output::Rows::new(&["ID", "ROLE", "ENDS", "NAME (SCOPES)~"]);
    for token in reply.rows() {
        let scopes = token["scopes"].as_array().into_iter().flatten();
        let scopes: Vec<String> = scopes.map(text_of).collect();
        let name = match (text_of(&token["name"]), scopes.join(", ")) {
            (name, scopes) if scopes.is_empty() => name,
            (name, scopes) if name.is_empty() => format!("({scopes})"),
            (name, scopes) => format!("{name} ({scopes})"),
        };
        rows.row([
            text_of(&token["id"]),
            text_of(&token["role"]),
            end(token),
            name,
        ]);
    }
    rows.print()
}

fn end(token: &Value) -> String {
    let day = token["expires_at"]
        .as_str()
        .and_then(|at| at.split('T').next());
    match (token["live"] == true, day) {
        (true, None) => "never".to_owned(),
        (true, Some(day)) => day.to_owned(),
        (false, _) if !token["revoked_at"].is_null() => "revoked".to_owned(),
        (false, _) => "expired".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        for (text, span) in [
            ("30d", 2_592_000),
            ("12h", 43_200),
            ("2w", 1_209_600),
            ("5m", 300),
            ("1s", 1),
        ] {
            assert_eq!(seconds(text), Ok(span), "{text}");
        }
        for text in [
            "",
            "d",
            "30",
            "-1d",
            "+1d",
            "1.5d",
            "30 d",
            "30y",
            "0d",
            "99999999999d",
            "1é",
        ] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
