//! `lictor application`: what licenses and seats are for.

use std::cell::RefCell;

use clap::Subcommand;
use lictor_api::answer::{Created, Shown};
use lictor_api::applications::{Application as Shows, ChangeApplication, CreateApplication};
use lictor_api::licenses::Plan;
use lictor_api::operations::{
    CHANGE_APPLICATION, CREATE_APPLICATION, LIST_APPLICATIONS, REMOVE_APPLICATION, SHOW_OUTLOOK,
};
use lictor_api::query::{NoQuery, Page as Query};
use lictor_api::row::NoBody;
use lictor_core::facts::application::OverLimit;
use lictor_core::feed::NodeOverage;
use lictor_core::patch_field::PatchField;
use lictor_core::rules::outlook::Reason;

use crate::args::Api;
use crate::client::{Client, Page};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Exceeded, Rows, day, limit, shown, shown_if};
use crate::value_parsers::{self, new_name};

const CREATE_EXAMPLES: &str = "\
A license for an unknown application creates it; create it yourself to name it,
or to allow more seats than were bought.

Examples:
  lictor application create editor --name 'The Editor'
  lictor application create viewer --over-limit allow";

const LIST_EXAMPLES: &str = "\
ENDS is the end of the license in force, COVERED that of what is stored and
follows it without a gap: the day by which a renewal is needed.

Example:
  lictor application list";

const OUTLOOK_EXAMPLES: &str = "\
It goes by the licenses that are stored and the keys that are trusted now.
A license is in force from then on because it is the current one, begins, or
follows: the one before it has ended. In a gap none is in force.

Example:
  lictor application outlook editor";

/// What happens when no seat is left, and what that means.
const OVER_LIMIT: [(OverLimit, &str); 2] = [
    (OverLimit::Refuse, "The request is refused"),
    (
        OverLimit::Allow,
        "It is granted, recorded and shown, while a license is in force",
    ),
];

/// `lictor application …`
#[derive(Subcommand, Debug)]
pub(crate) enum Application {
    /// Create an application
    #[command(after_help = CREATE_EXAMPLES)]
    Create {
        /// Its key in licenses and commands: lower-case letters, digits, hyphens
        key: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        /// What happens when no seat is left [default: refuse]
        #[arg(long, value_parser = value_parsers::word(OVER_LIMIT, OverLimit::as_str))]
        over_limit: Option<OverLimit>,
        #[command(flatten)]
        api: Api,
    },
    /// List the applications with their plans and seats
    #[command(after_help = LIST_EXAMPLES)]
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Show which license will be in force, and where the gaps are
    #[command(after_help = OUTLOOK_EXAMPLES)]
    Outlook {
        /// Its key
        key: String,
        #[command(flatten)]
        api: Api,
    },
    /// Change an application
    #[command(after_help = "Example:\n  lictor application set editor --over-limit allow")]
    Set {
        /// Its key
        key: String,
        /// What people call it; '' removes the name
        #[arg(long)]
        name: Option<String>,
        /// What happens when no seat is left
        #[arg(long, value_parser = value_parsers::word(OVER_LIMIT, OverLimit::as_str))]
        over_limit: Option<OverLimit>,
        #[command(flatten)]
        api: Api,
    },
    /// Remove an application that has no licenses and whose seats are all free
    #[command(after_help = "Example:\n  lictor application remove editor")]
    Remove {
        /// Its key
        key: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Application, json: bool) -> Outcome {
    match command {
        Application::Create {
            key,
            name,
            over_limit,
            api,
        } => {
            let body = CreateApplication {
                key,
                name,
                over_limit: over_limit.map(Into::into),
            };
            let client = Client::new(&api)?;
            let said = client
                .call(&CREATE_APPLICATION, &[], &NoQuery, &body)
                .await?;
            let Created(application) = &said.answer;
            output::result(&said.text, &application.key, json)
        }
        Application::List { api } => list(&api, json).await,
        Application::Outlook { key, api } => outlook(&key, &api, json).await,
        Application::Set {
            key,
            name,
            over_limit,
            api,
        } => {
            let body = ChangeApplication {
                name: new_name(name),
                over_limit: over_limit
                    .map_or(PatchField::Absent, |word| PatchField::Value(word.into())),
            };
            let client = Client::new(&api)?;
            let said = client
                .call(&CHANGE_APPLICATION, &[&key], &NoQuery, &body)
                .await?;
            output::result(&said.text, &key, json)
        }
        Application::Remove { key, api } => {
            let client = Client::new(&api)?;
            client
                .call(&REMOVE_APPLICATION, &[&key], &NoQuery, &NoBody)
                .await?;
            let text = format!("application {key} is removed");
            output::done("removed", &key, &text, json)
        }
    }
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing::of(
        &LIST_APPLICATIONS,
        &[],
        &Query::default(),
        &[
            "KEY~", "PLAN", "LIMIT#", "USED#", "ENDS", "COVERED", "NAME~",
        ],
        "no applications yet; the first license for one creates it",
    );
    let exceeded = RefCell::new(Exceeded::default());
    let add = |rows: &mut Rows, application: &Shows| {
        rows.row([
            shown(&application.key),
            shown(&application.plan),
            limit(application.limit),
            application.used.to_string(),
            day(application.expires_at),
            day(application.covered_until),
            shown_if(application.name.as_ref()),
        ]);
        let key = shown(&application.key);
        exceeded.borrow_mut().see(key, beyond(application));
    };
    let end = |rows: &mut Rows, _: &Page| {
        exceeded.borrow().tell(rows);
        Ok(())
    };
    let client = Client::new(api)?;
    listing.print_with(&client, json, add, end).await
}

/// By how many nodes it is beyond what its license grants. Without one no node decides anything.
fn beyond(application: &Shows) -> Option<NodeOverage> {
    let granted = application.node_limit?;
    match application.plan.is(Plan::Unlicensed) {
        true => None,
        false => NodeOverage::of(application.nodes, Some(granted)),
    }
}

async fn outlook(key: &str, api: &Api, json: bool) -> Outcome {
    let client = Client::new(api)?;
    let said = client
        .call(&SHOW_OUTLOOK, &[key], &NoQuery, &NoBody)
        .await?;
    if json {
        return output::json(&said.text);
    }
    let Shown(outlook) = said.answer;
    let mut rows = Rows::new(&["FROM", "UNTIL", "LIMIT#", "REASON", "LICENSE"]);
    for segment in outlook.segments {
        let until = day(segment.until);
        if segment.reason.is(Reason::Gap) {
            let gap =
                format!("No license is in force until {until}: store one that fills the gap.");
            rows.at_end(&gap);
        }
        rows.row([
            day(Some(segment.from)),
            until,
            limit(segment.limit),
            shown(&segment.reason),
            shown_if(segment.license),
        ]);
    }
    if let Some(known_until) = outlook.known_until {
        let end = day(Some(known_until));
        rows.at_end(&format!("More follows from {end} on."));
    }
    rows.print()
}
