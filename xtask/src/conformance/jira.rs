//! `cargo xtask conformance jira`: installs Jira's clients, fills a server through the command line of
//! Lictor, and runs each client against it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Installation, OPERATOR, Server, Tally, Workspace};

use super::clients::{self, path_with, script};
use super::{Subject, Suite};

const ADMIN: &str = "root@example.com";
const OTHER: &str = "other@example.com";

pub(super) const SUITE: Suite = Suite {
    name: "jira",
    faults: &[],
    run,
};

/// Runs all clients on one server. One that cannot be installed is an error, never a skip.
fn run(workspace: &Workspace, subject: &Subject) -> Result<Tally> {
    let cases = workspace.root.join("conformance").join("jira");
    let tools = workspace.target.join("conformance");
    fs::create_dir_all(&tools)?;
    let programs = clients::python(&tools, "jira-python", &cases)?;
    let modules = clients::node(&tools, "jira-node", &cases, &programs)?;
    let scratch = workspace.scratch("conformance")?;
    let installation = Installation::create(&subject.binary, &scratch)?;
    let server = installation.serve(&scratch.join("data"), &[])?;
    let site = Site::fill(&installation, &server)?;

    println!("\natlassian-python-api");
    let mut python = script(
        &programs.join("python"),
        &cases.join("atlassian_python_api.py"),
    );
    site.tell(&mut python);
    let mut tally = clients::run("atlassian-python-api", python)?;
    println!("\njira");
    let mut pycontribs = script(&programs.join("python"), &cases.join("pycontribs_jira.py"));
    site.tell(&mut pycontribs);
    tally.add(clients::run("jira", pycontribs)?);
    println!("\nJIRA::REST");
    let mut perl = Command::new("perl");
    perl.arg(cases.join("jira_rest.pl"));
    site.tell(&mut perl);
    tally.add(clients::run("JIRA::REST", perl)?);
    println!("\njira.js");
    let mut node = Command::new(programs.join("node"));
    node.arg(cases.join("jirajs.cjs"))
        .env("NODE_PATH", modules.join("node_modules"))
        .env("PATH", path_with(&programs)?);
    site.tell(&mut node);
    tally.add(clients::run("jira.js", node)?);
    drop(server);
    scratch.end(tally)
}

/// What the clients are told of the server.
struct Site {
    base: String,
    cloud: String,
    admin: String,
    other: String,
    narrow: String,
}

impl Site {
    /// Licenses, accounts, seats and tokens, by the commands that an operator would use.
    fn fill(installation: &Installation, server: &Server) -> Result<Self> {
        let base = server.base();
        let lictor = |arguments: &[&str]| {
            let server = ["--url", &base, "--token", OPERATOR];
            let printed = installation.lictor(&[arguments, &server].concat())?;
            Ok::<_, anyhow::Error>(printed.trim().to_owned())
        };
        for (application, plan) in [
            ("jira-core", "PAID"),
            ("jira-servicedesk", "FREE"),
            ("jira-software", "PAID"),
        ] {
            let file = issue(installation, application, plan)?;
            lictor(&["license", "add", &file])?;
        }
        lictor(&["account", "add", ADMIN, "--administrator"])?;
        lictor(&["account", "add", OTHER])?;
        let people = installation.folder.join("people.csv");
        fs::write(
            &people,
            "email,seats\na@example.com,jira-core\nb@example.com,jira-core jira-software\n\
             c@example.com,jira-core jira-software\nd@example.com,jira-software\n",
        )?;
        lictor(&["account", "import", path(&people)?])?;
        lictor(&["account", "add", "e@example.com"])?;
        lictor(&["seat", "assign", "jira-software", "e@example.com"])?;
        let organizations = lictor(&["organization", "list", "--json"])?;
        let cloud = organizations
            .split_once("\"id\": \"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(id, _)| id.to_owned());
        let narrow = ["--account", ADMIN, "--scope", "licenses:read"];
        Ok(Self {
            admin: lictor(&["token", "create", "--account", ADMIN])?,
            other: lictor(&["token", "create", "--account", OTHER])?,
            narrow: lictor(&[&["token", "create"], &narrow[..]].concat())?,
            cloud: cloud.context("the organization has no id")?,
            base,
        })
    }

    fn tell(&self, client: &mut Command) {
        client
            .env("LICTOR_BASE", &self.base)
            .env("LICTOR_CLOUD", &self.cloud)
            .env("LICTOR_ADMIN_EMAIL", ADMIN)
            .env("LICTOR_OTHER_EMAIL", OTHER)
            .env("LICTOR_ADMIN_TOKEN", &self.admin)
            .env("LICTOR_OTHER_TOKEN", &self.other)
            .env("LICTOR_NARROW_TOKEN", &self.narrow);
    }
}

/// Writes a license for the application into a file, and gives its name.
fn issue(installation: &Installation, application: &str, plan: &str) -> Result<String> {
    let key = installation.folder.join("vendor.key");
    let document = installation.lictor(&[
        "license",
        "issue",
        "--key",
        path(&key)?,
        "--customer",
        "A Customer",
        "--product",
        "Jira",
        "--claim",
        &format!("application={application}"),
        "--claim",
        &format!("plan={plan}"),
        "--seats",
        "100",
        "--expires",
        "2099-12-31",
    ])?;
    ensure!(document.contains("\"license\""), "no document: {document}");
    let file = installation.folder.join(format!("{application}.json"));
    fs::write(&file, document)?;
    Ok(path(&file)?.to_owned())
}

fn path(file: &Path) -> Result<&str> {
    file.to_str().context("a path that is no text")
}
