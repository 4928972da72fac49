//! `lictor organization`: the tenants of a server.

use clap::Subcommand;
use lictor_api::answer::{Created, Shown};
use lictor_api::operations::{
    CHANGE_ORGANIZATION, CREATE_ORGANIZATION, LIST_ORGANIZATIONS, REMOVE_ORGANIZATION,
    SHOW_ORGANIZATION,
};
use lictor_api::organizations::{ChangeOrganization, CreateOrganization, Organization as Shows};
use lictor_api::query::{NoQuery, Page};
use lictor_api::row::NoBody;
use lictor_core::patch_field::PatchField;

use crate::args::Api;
use crate::client::{Client, Said};
use crate::exit::Outcome;
use crate::listing::Listing;
use crate::output::{self, Rows, day, figure, shown, shown_if};
use crate::quota_options::Limits;
use crate::value_parsers::new_name;

const SHOW_EXAMPLES: &str = "\
Of what is counted for each application alone, USED is not one figure.

Example:
  lictor organization show acme";

const SET_EXAMPLES: &str = "\
Only an operator may. What there is stays, whatever the limit; what is beyond
it is refused with 409, and the answer names the option.

Examples:
  lictor organization set acme --name 'Acme Ltd'
  lictor organization set acme --max-accounts 5000000
  lictor organization set acme --max-tokens 100 --max-nodes default";

/// `lictor organization …`
#[derive(Subcommand, Debug)]
pub(crate) enum Organization {
    /// Create an organization; prints its id
    #[command(after_help = "Example:\n  lictor organization create acme --name 'Acme Ltd'")]
    Create {
        /// Its key in paths and commands: lower-case letters, digits and hyphens
        key: String,
        /// What people call it
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        api: Api,
    },
    /// List the organizations that the token may see
    List {
        #[command(flatten)]
        api: Api,
    },
    /// Show an organization, its usage and its quotas
    #[command(after_help = SHOW_EXAMPLES)]
    Show {
        /// Its key
        key: String,
        #[command(flatten)]
        api: Api,
    },
    /// Name an organization, and set its quotas
    #[command(after_help = SET_EXAMPLES)]
    Set {
        /// Its key
        key: String,
        /// What people call it; '' removes the name
        #[arg(long)]
        name: Option<String>,
        #[command(flatten)]
        limits: Limits,
        #[command(flatten)]
        api: Api,
    },
    /// Remove an organization that has no licenses
    #[command(after_help = "Example:\n  lictor organization remove acme")]
    Remove {
        /// Its key
        key: String,
        #[command(flatten)]
        api: Api,
    },
}

/// Runs it.
pub(crate) async fn run(command: Organization, json: bool) -> Outcome {
    match command {
        Organization::Create { key, name, api } => {
            let said = create(&Client::new(&api)?, &key, name.as_deref()).await?;
            let Created(organization) = &said.answer;
            output::result(&said.text, &organization.id.to_string(), json)
        }
        Organization::List { api } => list(&api, json).await,
        Organization::Show { key, api } => show(&api, &key, json).await,
        Organization::Set {
            key,
            name,
            limits,
            api,
        } => {
            let body = ChangeOrganization {
                limits: PatchField::Value(limits.into_limits(name.is_some())?),
                name: new_name(name),
            };
            let client = Client::new(&api)?;
            let said = client
                .call(&CHANGE_ORGANIZATION, &[&key], &NoQuery, &body)
                .await?;
            output::result(&said.text, &key, json)
        }
        Organization::Remove { key, api } => {
            let client = Client::new(&api)?;
            client
                .call(&REMOVE_ORGANIZATION, &[&key], &NoQuery, &NoBody)
                .await?;
            output::done(
                "removed",
                &key,
                &format!("organization {key} is removed"),
                json,
            )
        }
    }
}

/// Creates an organization.
pub(crate) async fn create(
    client: &Client,
    key: &str,
    name: Option<&str>,
) -> Outcome<Said<Created<Shows>>> {
    let body = CreateOrganization {
        key: key.to_owned(),
        name: name.map(str::to_owned),
    };
    client
        .call(&CREATE_ORGANIZATION, &[], &NoQuery, &body)
        .await
}

async fn list(api: &Api, json: bool) -> Outcome {
    let listing = Listing::of(
        &LIST_ORGANIZATIONS,
        &[],
        &Page::default(),
        &["ID", "KEY~", "NAME~"],
        "no organizations that this token may see",
    );
    let add = |rows: &mut Rows, organization: &Shows| {
        rows.row([
            shown(organization.id),
            shown(&organization.key),
            shown_if(organization.name.as_ref()),
        ]);
    };
    listing.print(&Client::new(api)?, json, add).await
}

async fn show(api: &Api, key: &str, json: bool) -> Outcome {
    let client = Client::new(api)?;
    let said = client
        .call(&SHOW_ORGANIZATION, &[key], &NoQuery, &NoBody)
        .await?;
    if json {
        return output::json(&said.text);
    }
    let Shown(details) = said.answer;
    let (organization, ledger) = (details.organization, details.ledger);
    output::details(&[
        ("key", shown(organization.key)),
        ("name", shown_if(organization.name)),
        ("id", shown(organization.id)),
        ("number", shown(organization.number)),
        ("created", day(Some(organization.created_at))),
        ("ledger entries", figure(ledger.entries)),
        ("ledger bytes", figure(ledger.entry_bytes)),
        ("payload bytes", figure(ledger.payload_bytes)),
        ("ended leases dropped", figure(ledger.ended_leases_dropped)),
    ])?;
    output::line("")?;
    let mut rows = Rows::new(&["QUOTA", "USED#", "LIMIT#", "DEFAULT#"]);
    for quota in details.quotas {
        rows.row([
            shown(quota.name),
            quota.used.map(figure).unwrap_or_default(),
            figure(quota.limit),
            figure(quota.default),
        ]);
    }
    rows.print()
}
