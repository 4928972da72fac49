//! The text that the demo prints: its addresses, and lines to copy that show what it can do.

use std::fmt::Write as _;

use super::{Demo, data};

/// The whole text.
pub(super) fn text(demo: &Demo<'_>) -> String {
    [setup(demo), requests(), commands()].concat()
}

/// Where the demo is, and the variables for the lines to copy.
fn setup(demo: &Demo<'_>) -> String {
    let folder = demo.folder.display();
    format!(
        "\
Lictor demo: a server with example data. Ctrl-C ends it and leaves nothing
behind.

  address           {url}
  operator token    {operator}
  example files     {folder}

Copy this into another terminal first:

  export LICTOR_URL={url}
  export LICTOR_TOKEN={operator}
  export ACME_TOKEN={acme}
  export ADA_TOKEN={administrator}
  export CLIENT_ID={client_id}
  export CLIENT_SECRET={client_secret}
  export REFRESH_TOKEN={refresh_token}
  export NODE_URL={node}
  export DEMO={folder}
{command}
",
        url = demo.url,
        operator = demo.operator_token,
        acme = demo.acme_token,
        administrator = demo.administrator_token,
        client_id = demo.client.id,
        client_secret = demo.client.secret,
        refresh_token = demo.client.refresh_token,
        node = demo.node_url,
        command = command().unwrap_or_default(),
    )
}

/// Requests to every interface.
fn requests() -> String {
    let new_license = data::NEW_LICENSE;
    format!(
        "\
Licenses, as Kong's tools ask for them:

  curl -sH \"Kong-Admin-Token: $LICTOR_TOKEN\" $LICTOR_URL/licenses
  curl -sH \"Kong-Admin-Token: $LICTOR_TOKEN\" $LICTOR_URL/licenses \\
    -F \"payload=<$DEMO/{new_license}\"
  curl -sH \"Kong-Admin-Token: $LICTOR_TOKEN\" $LICTOR_URL/license/report

The second organization, acme, by its own admin:

  curl -sH \"Kong-Admin-Token: $ACME_TOKEN\" $LICTOR_URL/acme/licenses

Seats, as a Jira administrator asks for them:

  curl -su \"{ada}:$ADA_TOKEN\" \\
    $LICTOR_URL/rest/api/3/license/approximateLicenseCount

And as a client of Zoho CRM does, which trades its refresh token first:

  ZOHO_TOKEN=$(curl -s $LICTOR_URL/oauth/v2/token -d grant_type=refresh_token \\
    -d client_id=$CLIENT_ID -d client_secret=$CLIENT_SECRET \\
    -d refresh_token=$REFRESH_TOKEN | cut -d'\"' -f4)
  curl -sH \"Authorization: Zoho-oauthtoken $ZOHO_TOKEN\" \\
    $LICTOR_URL/crm/v7/__features/user_licenses

The native API: the same figures, what is in force, the usage, and the record
of every change:

  curl -sH \"Authorization: Bearer $LICTOR_TOKEN\" $LICTOR_URL/v1/counts
  curl -sH \"Authorization: Bearer $LICTOR_TOKEN\" $LICTOR_URL/v1/applications
  curl -sH \"Authorization: Bearer $LICTOR_TOKEN\" $LICTOR_URL/v1/usage
  curl -sH \"Authorization: Bearer $LICTOR_TOKEN\" $LICTOR_URL/v1/usage \\
    -H 'Content-Type: application/json' \\
    -d '{{\"counts\": [{{\"service\": \"orders\", \"count\": 500000}}]}}'
  curl -sH \"Authorization: Bearer $LICTOR_TOKEN\" $LICTOR_URL/v1/ledger

A node beside the product decides and counts by itself, also when the server is
gone; 204 is allowed, 403 is not:

  curl -si \"$NODE_URL/check?service=orders\"
  curl -si \"$NODE_URL/check?feature=vault\" | grep -i lictor-reason
  curl -s $NODE_URL/status
  lictor node list

",
        ada = data::ADMINISTRATOR,
    )
}

/// The same by commands.
fn commands() -> String {
    let new_license = data::NEW_LICENSE;
    format!(
        "\
The same by commands:

  lictor license list
  lictor count
  lictor seat list gateway-pro
  lictor seat refusals
  lictor lease checkout gateway-pro laptop-7
  lictor license verify --trust $DEMO/vendor.pub $DEMO/{new_license}
  lictor report
"
    )
}

/// Makes the word `lictor` work where it is not installed.
fn command() -> Option<String> {
    let own = std::env::current_exe().ok()?;
    let installed = std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join("lictor") == own)
    });
    if installed {
        return None;
    }
    let mut text = String::new();
    writeln!(text, "  lictor() {{ '{}' \"$@\"; }}", own.display()).ok()?;
    Some(text)
}
