//! `lictor account`: the people and services of an organization. Reading files of them is in
//! `account_file.rs`.

use std::marker::PhantomData;

use clap::Subcommand;
use clap::builder::BoolishValueParser;
use lictor_core::facts::account::{AccountKind, AccountStatus};
use serde_json::{Value, json};

use super::account_file;
use crate::args::Api;
use crate::client::Client;
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, text_of};
use crate::value_parsers::{self, changes};

const ADD_EXAMPLES: &str = "\
Prints the account's id. A person may hold seats, a service may not.

Examples:
  lictor account add ada@example.com --name 'Ada Lovelace'
  lictor account add root@example.com --administrator
  lictor account add ci@example.com --kind service";

const IMPORT_EXAMPLES: &str = "\
The first line names the columns: email, and any of name, kind, status,
language, administrator, seats, in any case; `E-mail`, `Full name`, `Active` and
`Admin` are known too. --map 'email=User Email' says which of them a header is,
--map '=Phone' leaves a column out. One without a name may be there if it has no
values; --ignore 3 leaves the third out. `seats` names applications, separated by
blanks or commas. kind is person or service; status active or invited;
administrator, and a column `Active`, true, yes or 1, false, no or 0; all in any
case. The file is
UTF-8, or UTF-16 as spreadsheets write it; fields are separated by `,`, `;` or a
tab, whichever the first line has most, or as a line `sep=;` above it says.

An account that exists is left as it is, but for the seats that its row asks
for, so that an import can be repeated: one that ends early says what is stored,
and the same file again goes on after it. Accounts and seats are counted apart:
where a seat is refused, the account is created all the same. Rows without any
value are skipped. Rows that are refused, or a seat of theirs, are listed with
their line and the reason, and the exit code is 1.

--dry-run asks the server what it would do, which needs the same rights. It does
not foresee what others write meanwhile, nor that a row is there twice where
more than a thousand rows stand between.

  email,name,language,administrator,seats
  ada@example.com,Ada Lovelace,en_GB,true,editor viewer

Examples:
  lictor account import people.csv
  lictor account import people.csv --seat editor --dry-run
  lictor account import people.csv --seat editor
  lictor account import export.csv --map 'email=User Email' --map '=Phone'";

const REMOVE_EXAMPLES: &str = "\
Its seats are given back, its e-mail and name erased. Its id stays, as the
ledger names it.

Example:
  lictor account remove ada@example.com";

/// What stands behind an account, and what that means.
const KINDS: [(AccountKind, &str); 2] = [
    (AccountKind::Person, "A human being"),
    (AccountKind::Service, "A program"),
];

/// `lictor account …`
#[derive(Subcommand, Debug)]
pub(crate) enum Account {
    /// Create an account; prints its id
    #[command(after_help = ADD_EXAMPLES)]
    Add {
        /// Its e-mail
        email: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// What kind of account it is [default: person]
        #[arg(long, value_parser = value_parsers::word(KINDS, AccountKind::as_str))]
        kind: Option<AccountKind>,
        /// Its language, such as `de_DE` [default: `en_US`]
        #[arg(long, value_name = "xx_YY")]
        language: Option<String>,
        /// It administers its organization
        #[arg(long)]
        administrator: bool,
        /// It is only invited: it counts, but its tokens do not work yet
        #[arg(long)]
        invited: bool,
        #[command(flatten)]
        api: Api,
    },
    /// Create many accounts, and assign seats to them
    #[command(after_help = IMPORT_EXAMPLES)]
    Import {
        #[command(flatten)]
        import: account_file::ImportOptions,
        #[command(flatten)]
        api: Api,
    },
    /// List the accounts
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Change an account
    #[command(after_help = "Example:\n  lictor account set ada@example.com --administrator false")]
    Set {
        /// Its e-mail or id
        account: String,
        /// A new e-mail
        #[arg(long)]
        email: Option<String>,
        /// What people call it; '' removes the name
        #[arg(long)]
        name: Option<String>,
        /// Its language, such as `de_DE`
        #[arg(long, value_name = "xx_YY")]
        language: Option<String>,
        /// Whether it administers its organization
        #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", value_parser = BoolishValueParser::new())]
        administrator: Option<bool>,
        /// Do it even if no administrator or operator token is left
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        api: Api,
    },
    /// Deactivate an account; releases its seats
    Deactivate {
        /// Its e-mail or id
        account: String,
        /// Do it even if no administrator or operator token is left
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        api: Api,
    },
    /// Activate a deactivated or invited account; does not restore its seats
    Reactivate {
        /// Its e-mail or id
        account: String,
        #[command(flatten)]
        api: Api,
    },
    /// Remove an account
    #[command(after_help = REMOVE_EXAMPLES)]
    Remove {
        /// Its e-mail or id
        account: String,
        /// Do it even if no administrator or operator token is left
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        api: Api,
    },
    /// List the seats that an account has, which is why it counts
    Seats {
        /// Its e-mail or id
        account: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Account, json: bool) -> Outcome {
    match command {
        Account::Add {
            email,
            name,
            kind,
            language,
            administrator,
            invited,
            api,
        } => {
            let status = match invited {
                true => AccountStatus::Invited,
                false => AccountStatus::Active,
            };
            let body = json!({
                "email": email, "name": name, "kind": kind, "language": language,
                "administrator": administrator,
                "status": status,
            });
            let reply = Client::new(&api)?.post(&["accounts"], &body).await?;
            output::result(&reply.text, reply.str("id"), json)
        }
        Account::Import { import, api } => account_file::import(&api, &import, json).await,
        Account::List { api } => list(&api, json).await,
        Account::Set {
            account,
            email,
            name,
            language,
            administrator,
            force,
            api,
        } => {
            let body = json!({
                "email": email, "language": language, "administrator": administrator,
            });
            let body = changes(name, body);
            set(&api, &account, force, &body, json).await
        }
        Account::Deactivate {
            account,
            force,
            api,
        } => {
            let body = json!({ "status": AccountStatus::Deactivated });
            set(&api, &account, force, &body, json).await
        }
        Account::Reactivate { account, api } => {
            let body = json!({ "status": AccountStatus::Active });
            set(&api, &account, false, &body, json).await
        }
        Account::Remove {
            account,
            force,
            api,
        } => {
            let client = Client::new(&api)?;
            client.delete_with(&["accounts", &account], force).await?;
            let text = format!("account {account} is removed");
            output::done("removed", &account, &text, json)
        }
        Account::Seats { account, api } => seats(&api, &account, json).await,
    }
}

async fn set(api: &Api, account: &str, force: bool, body: &Value, json: bool) -> Outcome {
    let reply = Client::new(api)?
        .patch_with(&["accounts", account], force, body)
        .await?;
    if json {
        return output::json(&reply.text);
    }
    // Who may not read accounts is told what was sent alone.
    output::note(&match reply.value["status"].as_str() {
        Some(status) => format!("account {account} is {}", output::printable(status)),
        None => format!("account {account} is changed"),
    });
    Ok(())
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing {
        of: PhantomData,
        path: vec!["accounts"],
        filter: vec![],
        headings: &["EMAIL~", "KIND", "STATUS", "SEATS#", "ADMIN", "NAME~"],
        nothing: "no accounts yet; create one with `lictor account add EMAIL`",
    };
    listing
        .print(&Client::new(api)?, json, |rows, account: &Value| {
            let administrator = account["administrator"] == true;
            rows.row([
                text_of(&account["email"]),
                text_of(&account["kind"]),
                text_of(&account["status"]),
                text_of(&account["seats"]),
                if administrator { "yes" } else { "no" }.to_owned(),
                text_of(&account["name"]),
            ]);
        })
        .await
}

async fn seats(api: &Api, account: &str, json: bool) -> Outcome {
    let listing = Listing {
        of: PhantomData,
        path: vec!["accounts", account, "seats"],
        filter: vec![],
        headings: &["APPLICATION~", "SINCE", "LEDGER#"],
        nothing: "it has no seat, so it does not count",
    };
    let add = |rows: &mut Rows, seat: &Value| {
        rows.row([
            text_of(&seat["application"]),
            text_of(&seat["since"]),
            text_of(&seat["position"]),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}
