//! `lictor token`: who may use a server.

use clap::Subcommand;
use lictor_api::answer::Created;
use lictor_api::operations::{CREATE_TOKEN, LIST_TOKENS, REVOKE_TOKEN};
use lictor_api::query::{Force, NoQuery, Tokens};
use lictor_api::row::NoBody;
use lictor_api::tokens::{CreateToken, CreatedToken, Token as Shows, TokenOrigin};
use lictor_api::values::Text;
use lictor_authority::clock::Clock;
use lictor_core::Timestamp;
use lictor_core::facts::role::Role;
use lictor_core::facts::scope::Scope;

use crate::args::Api;
use crate::client::{Client, Said};
use crate::exit::{Failure, Outcome};
use crate::listing::Listing;
use crate::output::{self, Rows, day, shown, shown_if};
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
            let end = expires.map(|when| end_of(&when, Clock::System.now()));
            let end = end.transpose();
            let end = end.map_err(|why| Failure::Usage(format!("--expires: {why}")))?;
            let scopes: Vec<_> = scope.iter().map(Into::into).collect();
            let body = CreateToken {
                role: role.map(Into::into),
                scopes: Some(scopes).filter(|scopes| !scopes.is_empty()),
                expires_at: end.map(Text::new),
                name,
                account,
            };
            let said = create(&Client::new(&api)?, &body).await?;
            let Created(created) = said.answer;
            let id = created.token.id;
            let unseen = format!("revoke token {id} with `lictor token revoke {id}`");
            output::secret(&said.text, &created.secret, json, &unseen)
        }
        Token::List { operators, api } => list(&api, operators, json).await,
        Token::Revoke { id, force, api } => {
            let client = Client::new(&api)?;
            client
                .call(&REVOKE_TOKEN, &[&id], &Force { force }, &NoBody)
                .await?;
            output::done("revoked", &id, &format!("token {id} is revoked"), json)
        }
    }
}

/// Creates a token.
pub(crate) async fn create(
    client: &Client,
    body: &CreateToken,
) -> Outcome<Said<Created<CreatedToken>>> {
    client.call(&CREATE_TOKEN, &[], &NoQuery, body).await
}

async fn list(api: &Api, operators: bool, json: bool) -> Outcome {
    let query = Tokens {
        operators,
        ..Tokens::default()
    };
    let listing = Listing::of(
        &LIST_TOKENS,
        &[],
        &query,
        &["ID", "ROLE", "ENDS", "NAME (SCOPES)~"],
        "no tokens yet; create one with `lictor token create`",
    );
    let add = |rows: &mut Rows, token: &Shows| {
        let scopes: Vec<String> = token.scopes.iter().map(shown).collect();
        let origin = token.origin.as_ref().and_then(Text::known);
        let from = match origin {
            Some(TokenOrigin::Environment) => " [of LICTOR_ADMIN_TOKEN]",
            Some(TokenOrigin::FirstStart) => " [of the first start]",
            Some(TokenOrigin::Token) | None => "",
        };
        let name = match (shown_if(token.name.as_ref()), scopes.join(", ")) {
            (name, scopes) if scopes.is_empty() => name,
            (name, scopes) if name.is_empty() => format!("({scopes})"),
            (name, scopes) => format!("{name} ({scopes})"),
        };
        rows.row([
            shown(token.id),
            shown(&token.role),
            end(token),
            format!("{name}{from}").trim().to_owned(),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}

fn end(token: &Shows) -> String {
    match (token.live, token.expires_at) {
        (true, None) => "never".to_owned(),
        (true, at) => day(at),
        (false, _) if token.revoked_at.is_some() => "revoked".to_owned(),
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
