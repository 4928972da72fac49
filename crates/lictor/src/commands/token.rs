//! `lictor token`: who may use a server.

use clap::Subcommand;
use lictor_authority::clock::Clock;
use lictor_core::Timestamp;
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;
use lictor_core::facts::token::Origin;
use serde_json::{Value, json};

use crate::args::Api;
use crate::client::{Client, Reply};
use crate::exit::{Failure, Outcome};
use crate::listing::Listing;
use crate::output::{self, Rows, text_of};
use crate::time_parsers::{self, Moment};
use crate::value_parsers::listed;

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
    /// Create a token; prints only the token, only this once
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// What it may do at most: operator, admin or reader
        /// [default: reader; with --account what the account may do]
        #[arg(long)]
        role: Option<Role>,
        /// The account that owns it, by e-mail or id: the token may do no more than the account
        #[arg(long, value_name = "EMAIL")]
        account: Option<String>,
        /// What to narrow it to; several separated by commas
        #[arg(long, value_name = "SCOPE", value_delimiter = ',', value_parser = listed::<Scope>)]
        scope: Vec<Scope>,
        /// When it ends: a time from now such as 12h, 30d, 6mo or 1y (m are minutes), or a date
        /// [default: never]
        #[arg(long, value_name = "WHEN", value_parser = time_parsers::moment)]
        expires: Option<Moment>,
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
        /// List the operators' tokens instead
        #[arg(long)]
        operators: bool,
        #[command(flatten)]
        api: Api,
    },
    /// Revoke a token at once
    #[command(after_help = "Example:\n  \
        lictor token revoke 01a2019d-a8f0-7bc8-b575-b74ced08cd9a")]
    Revoke {
        /// The token's id, as `lictor token list` shows it
        id: String,
        /// Do it even if no administrator or operator token is left
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        api: Api,
    },
}

/// The end as the API has it. Beyond a century, leave it out instead.
fn end_of(when: &Moment, now: Timestamp) -> Result<String, &'static str> {
    const CENTURY: i64 = 3_155_760_000;
    let too_far = "more than a century from now; leave it out for no end";
    let end = when.after(now).ok_or(too_far)?;
    match end.saturating_sub(now) {
        ..=0 => Err("a token that has already expired is of no use"),
        1..=CENTURY => time_parsers::instant(end).ok_or(too_far),
        _ => Err(too_far),
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
            if let Some(when) = expires {
                let end = end_of(&when, Clock::System.now());
                let end = end.map_err(|why| Failure::Usage(format!("--expires: {why}")))?;
                body["expires_at"] = end.into();
            }
            if let Some(name) = name {
                body["name"] = name.into();
            }
            let reply = create(&Client::new(&api)?, &body).await?;
            let id = reply.str("id");
            let unseen = format!("revoke token {id} with `lictor token revoke {id}`");
            output::secret(&reply.text, reply.str("secret"), json, &unseen)
        }
        Token::List { operators, api } => list(&api, operators, json).await,
        Token::Revoke { id, force, api } => {
            let client = Client::new(&api)?;
            client.delete_with(&["tokens", &id], force).await?;
            output::done("revoked", &id, &format!("token {id} is revoked"), json)
        }
    }
}

/// Creates a token.
pub(crate) async fn create(client: &Client, body: &Value) -> Outcome<Reply> {
    client.post(&["tokens"], body).await
}

async fn list(api: &Api, operators: bool, json: bool) -> Outcome {
    let filter: &[(&str, &str)] = if operators {
        &[("operators", "true")]
    } else {
        &[]
    };
    let listing = Listing {
        path: &["tokens"],
        filter,
        headings: &["ID", "ROLE", "ENDS", "NAME (SCOPES)~"],
        nothing: "no tokens yet; create one with `lictor token create`",
    };
    let add = |rows: &mut Rows, token: &Value| {
        let scopes = token["scopes"].as_array().into_iter().flatten();
        let scopes: Vec<String> = scopes.map(text_of).collect();
        let from = match token["origin"].as_str().map(str::parse) {
            Some(Ok(Origin::Environment)) => " [of LICTOR_ADMIN_TOKEN]",
            Some(Ok(Origin::FirstStart)) => " [of the first start]",
            _ => "",
        };
        let name = match (text_of(&token["name"]), scopes.join(", ")) {
            (name, scopes) if scopes.is_empty() => name,
            (name, scopes) if name.is_empty() => format!("({scopes})"),
            (name, scopes) => format!("{name} ({scopes})"),
        };
        rows.row([
            text_of(&token["id"]),
            text_of(&token["role"]),
            end(token),
            format!("{name}{from}").trim().to_owned(),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
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
    fn a_token_ends_later_than_now_and_within_a_century() {
        let now = 1_800_000_000; // 2027-01-15T08:00:00Z
        for (text, end) in [
            ("30d", "2027-02-14T08:00:00Z"),
            ("+12h", "2027-01-15T20:00:00Z"),
            ("2w", "2027-01-29T08:00:00Z"),
            ("5m", "2027-01-15T08:05:00Z"),
            ("1s", "2027-01-15T08:00:01Z"),
            ("1mo", "2027-02-15T08:00:00Z"),
            ("1y", "2028-01-15T08:00:00Z"),
            ("2030-1-31", "2030-01-31T00:00:00Z"),
            ("2030-01-31T12:00:00+02:00", "2030-01-31T10:00:00Z"),
        ] {
            let when = time_parsers::moment(text).expect(text);
            assert_eq!(end_of(&when, now).as_deref(), Ok(end), "{text}");
        }
        for (text, said) in [
            ("0d", "already expired"),
            ("2027-01-15", "already expired"),
            ("101y", "a century"),
            ("9999-12-31", "a century"),
            ("9000y", "a century"),
        ] {
            let when = time_parsers::moment(text).expect(text);
            let refused = end_of(&when, now).expect_err(text);
            assert!(refused.contains(said), "{text}: {refused}");
        }
    }
}
