//! The command line: every command, and the options that clients of a server share.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::builder::FalseyValueParser;
use clap::{ArgMatches, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::commands::{
    account, application, backup, check, client, count, demo, forget, key, lease, license, node,
    openapi, organization, report, restore, seat, token, trust, usage,
};
use crate::config::{Configured, ServeOptions};
use crate::exit::{Failure, Outcome};
use crate::{exit, misplaced_secrets};

const EXAMPLES: &str = "\
Try it:
  lictor demo

Get started:
  lictor key generate --out vendor
  lictor serve --data ./data --trust vendor.pub --admin-token-file token

In another terminal:
  export LICTOR_TOKEN=$(cat token)
  lictor license issue --key vendor.key --customer 'Acme Ltd' \\
    --product 'Gateway' --seats 10 --expires 2030-01-01 > acme.json
  lictor license add acme.json
  lictor license list

Exit codes: 0 done; 1 refused, not valid or not found; 2 wrong usage or
configuration; 3 the server does not answer; 4 it needs another token.";

/// A self-hosted license server: issue, verify, store, count and report
#[derive(Parser, Debug)]
#[command(name = "lictor", version, after_help = EXAMPLES, max_term_width = 80)]
pub(crate) struct Cli {
    /// Print JSON instead of text
    #[arg(
        long,
        global = true,
        env = "LICTOR_JSON",
        hide_env = true,
        display_order = 900,
        value_parser = FalseyValueParser::new()
    )]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the command line and the environment, where a variable that is set to nothing is not
    /// set.
    ///
    /// # Errors
    /// The exit code, once it is said why; also behind the help that was asked for.
    pub(crate) fn read() -> Result<Self, ExitCode> {
        let mut parser = without_empty_variables(Self::command());
        let as_json = wants_json();
        let checked = misplaced_secrets::check(&parser, std::env::args_os().skip(1));
        if let Err(failure) = checked.and_then(|()| refuse_dashed()) {
            return Err(exit::code(Err(failure), as_json));
        }
        let parsed = parser.try_get_matches_from_mut(std::env::args_os());
        let parsed = parsed.and_then(|mut given: ArgMatches| {
            Self::from_arg_matches_mut(&mut given).map_err(|error| error.format(&mut parser))
        });
        parsed.map_err(|error| exit::of_parser(&error, as_json))
    }
}

/// Whether answers are to be JSON, as far as that can be told before the command line is understood.
fn wants_json() -> bool {
    let mut options = std::env::args_os().skip(1).take_while(|word| word != "--");
    let told = || std::env::var_os("LICTOR_JSON").filter(|value| !value.is_empty());
    let is_yes = |value: OsString| {
        let no = ["n", "no", "f", "false", "off", "0"];
        !no.contains(&&*value.to_string_lossy().to_lowercase())
    };
    options.any(|word| word == "--json") || told().is_some_and(is_yes)
}

/// Refuses what begins as `-h` does and goes on: it would be help, and was meant for a name.
///
/// # Errors
/// A usage error that shows how it is given.
fn refuse_dashed() -> Outcome {
    let words = std::env::args_os().skip(1).take_while(|word| word != "--");
    let texts = words.filter_map(|word| word.into_string().ok());
    let mut dashed = texts.filter(|word| word.len() > 2 && word.starts_with("-h"));
    match dashed.next() {
        None => Ok(()),
        Some(word) => Err(Failure::Usage(format!(
            "`{word}` begins with a dash, so it is read as an option; if it is a name, put `--` \
             before it: `-- {word}`; if it is an option's value, write `--OPTION={word}`"
        ))),
    }
}

fn without_empty_variables(command: clap::Command) -> clap::Command {
    command
        .mut_args(|option| {
            let value = option.get_env().and_then(std::env::var_os);
            match value {
                Some(value) if value.is_empty() => option.env(None::<&'static str>),
                _ => option,
            }
        })
        .mut_subcommands(without_empty_variables)
}

/// The commands.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Run the server
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(Configured<ServeOptions>),
    /// Run a server with example data to try it out; removes it all at the end
    Demo(demo::DemoOptions),
    /// Make the key pair that licenses are signed with
    #[command(subcommand)]
    Key(key::Key),
    /// Issue and verify licenses, and manage those in a server
    #[command(subcommand)]
    License(license::License),
    /// The public keys that a server trusts
    #[command(subcommand)]
    Trust(trust::Trust),
    /// The tokens that give access to a server
    #[command(subcommand)]
    Token(token::Token),
    /// OAuth clients, which exchange an id and a secret for access tokens
    #[command(subcommand)]
    Client(client::Client),
    /// The organizations (tenants) of a server
    #[command(subcommand)]
    Organization(organization::Organization),
    /// The products that licenses and seats are for
    #[command(subcommand)]
    Application(application::Application),
    /// The people and services of an organization
    #[command(subcommand)]
    Account(Box<account::Account>),
    /// Named seats: who has one
    #[command(subcommand)]
    Seat(seat::Seat),
    /// Leases: floating seats for a limited time
    #[command(subcommand)]
    Lease(lease::Lease),
    /// Erase a holder's name from ended leases and refusals
    #[command(after_help = forget::EXAMPLES)]
    Forget(forget::Forget),
    /// Nodes (data planes), which enforce licenses and count on their own
    #[command(subcommand)]
    Node(node::Node),
    /// What was bought, what is used and what is left
    #[command(after_help = count::EXAMPLES)]
    Count(count::Count),
    /// Counted requests by source, service and month
    #[command(subcommand)]
    Usage(usage::Usage),
    /// The usage report of an organization
    #[command(after_help = report::EXAMPLES)]
    Report(report::Report),
    /// Copy the database of a running server to a file
    #[command(after_help = backup::EXAMPLES)]
    Backup(backup::Backup),
    /// Restore a backup into a data folder
    #[command(after_help = restore::EXAMPLES)]
    Restore(restore::Restore),
    /// Compare a database with its ledger; works beside a running server
    #[command(after_help = check::EXAMPLES)]
    Check(check::Check),
    /// Print the description of the native API (OpenAPI 3.1); needs no server
    #[command(after_help = openapi::EXAMPLES)]
    Openapi,
}

const SERVE_EXAMPLES: &str = "\
The first start creates the organization `default` and an operator token, which
is printed once, or written to --admin-token-file. If all tokens are lost, set
LICTOR_ADMIN_TOKEN (32 visible ASCII characters or more) to a new one: it is
valid from that start on.

Every option is also an environment variable (--tls-cert is LICTOR_TLS_CERT) and
a key of the configuration file, if there is one. A flag overrides the
environment, and the environment overrides the file:

  data = \"/var/lib/lictor\"
  listen = \"127.0.0.1:8001\"
  trust = [\"/etc/lictor/vendor.pub\"]

Examples:
  lictor serve --data ./data --trust vendor.pub --admin-token-file token
  lictor serve --data ./data --listen 0.0.0.0:8443 \\
    --tls-cert cert.pem --tls-key key.pem";

/// Which server to ask, and with which token.
#[derive(Args, Debug, Clone)]
#[command(next_help_heading = "Server")]
pub(crate) struct Api {
    /// Address of the server
    #[arg(
        long,
        value_name = "URL",
        env = "LICTOR_URL",
        hide_env_values = true,
        default_value = "http://127.0.0.1:8001"
    )]
    pub url: String,
    /// Token to use; the environment hides it from other users of the machine
    #[arg(
        long,
        value_name = "TOKEN",
        env = "LICTOR_TOKEN",
        hide_env_values = true
    )]
    pub token: Option<String>,
    /// Organization to act in, for operators [default: default]
    #[arg(
        long,
        value_name = "KEY",
        env = "LICTOR_ORGANIZATION",
        hide_env_values = true
    )]
    pub organization: Option<String>,
    /// Connect directly, whatever `HTTPS_PROXY`, `HTTP_PROXY` and `ALL_PROXY` say
    #[arg(
        long,
        env = "LICTOR_NO_PROXY",
        hide_env = true,
        value_parser = FalseyValueParser::new()
    )]
    pub no_proxy: bool,
}
