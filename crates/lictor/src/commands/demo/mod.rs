//! `lictor demo`: a server with example data, to look around; it leaves nothing behind.

mod data;
mod guide;

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use lictor_authority::System;
use lictor_node::{Listen, Local, LocalSocket, Node, Options, serve_local};
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::node_run::DEFAULT_LISTEN;
use crate::args::Api;
use crate::client::Client;
use crate::config::ServeOptions;
use crate::exit::{Failure, Outcome};
use crate::server::{self, resolve};
use crate::{output, signals};

/// `lictor demo`
#[derive(Args, Debug)]
pub(crate) struct DemoOptions {}

/// What there is to show.
pub(crate) struct Demo<'a> {
    url: &'a str,
    operator_token: &'a str,
    acme_token: &'a str,
    /// The token of the account that administers the first organization.
    administrator_token: &'a str,
    /// A client of that account.
    client: &'a data::OauthClient,
    /// Where the node answers.
    node_url: &'a str,
    folder: &'a Path,
}

/// Serves example data until Ctrl-C.
pub(crate) async fn run(_options: DemoOptions, json: bool) -> Outcome {
    let shutdown = signals::to_stop()?;
    let folder = tempfile::Builder::new()
        .prefix("lictor-demo-")
        .tempdir()
        .map_err(|error| Failure::Usage(format!("cannot make a temporary folder: {error}")))?;
    let served = tokio::select! {
        served = serve(&folder, json) => served,
        () = shutdown => Ok(()),
    };
    remove(&folder.keep()).await?;
    output::note("\nthe demo is over, and its data is gone");
    served
}

/// Removes the folder. What was under way when the node and the server ended may still write into it for a
/// moment.
async fn remove(folder: &Path) -> Outcome {
    const PAUSE: Duration = Duration::from_millis(50);
    let mut left = 100;
    while let Err(error) = std::fs::remove_dir_all(folder) {
        if left == 0 || error.kind() != ErrorKind::DirectoryNotEmpty {
            let text = format!("{} could not be removed: {error}", folder.display());
            return Err(Failure::Usage(text));
        }
        left -= 1;
        tokio::time::sleep(PAUSE).await;
    }
    Ok(())
}

/// Dropped at any point, it leaves only the folder behind.
async fn serve(folder: &TempDir, json: bool) -> Outcome {
    let options = ServeOptions {
        data: Some(folder.path().join("data")),
        ..ServeOptions::default()
    };
    let mut operator_token = String::new();
    let announce = |token: &str| {
        token.clone_into(&mut operator_token);
        Ok(())
    };
    let listener = listen().await?;
    let prepared = server::prepare(options, Some(listener), None, announce).await?;
    let url = prepared.url.clone();
    let (stop, stopped) = oneshot::channel::<()>();
    let ended = async {
        let _ = stopped.await;
    };
    let show = async {
        let client = client(&url, &operator_token)?;
        let tokens = data::fill(&client, folder.path()).await?;
        let node = run_node(&client, &url, folder.path()).await?;
        let demo = Demo {
            url: &url,
            operator_token: &operator_token,
            acme_token: &tokens.acme,
            administrator_token: &tokens.administrator,
            client: &tokens.client,
            node_url: &node.url,
            folder: folder.path(),
        };
        if json {
            output::json(&demo.to_json())?;
        } else {
            output::raw(guide::text(&demo).as_bytes())?;
        }
        drop(client);
        std::future::pending::<Outcome>().await
    };
    let shown = tokio::select! {
        served = prepared.serve(ended) => served,
        shown = show => shown,
    };
    drop(stop);
    shown
}

impl Demo<'_> {
    fn to_json(&self) -> String {
        let shown = json!({
            "url": self.url,
            "operator_token": self.operator_token,
            "acme_token": self.acme_token,
            "administrator": data::ADMINISTRATOR,
            "administrator_token": self.administrator_token,
            "client_id": self.client.id,
            "client_secret": self.client.secret,
            "refresh_token": self.client.refresh_token,
            "node_url": self.node_url,
            "folder": self.folder.display().to_string(),
        });
        shown.to_string()
    }
}

/// A node in this process, as `lictor node run` runs one.
struct RunningNode {
    url: String,
    _local: Local,
    _node: Arc<Node>,
}

/// Enrolls a node for the first license's application, and runs it.
async fn run_node(client: &Client, url: &str, folder: &Path) -> Outcome<RunningNode> {
    let body = json!({ "name": data::NODE, "application": data::NODE_APPLICATION });
    let enrolled = client.post(&["nodes"], &body).await?;
    let mut options = Options::new(url, folder.join("node"));
    let token = enrolled.str("enrollment_token").parse();
    options.enroll = Some(token.map_err(|why: &str| Failure::Refused(why.to_owned()))?);
    options.host = System::here().hostname;
    let node = Node::start(options).await?;
    let anywhere = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 0)));
    let usual = resolve(DEFAULT_LISTEN).await.map(Listen::Tcp);
    let socket = match LocalSocket::bind(usual?, None).await {
        Ok(socket) => socket,
        Err(_) => LocalSocket::bind(anywhere, None).await?,
    };
    let local = serve_local(&node, socket);
    let url = match local.address() {
        Listen::Tcp(address) => format!("http://{address}"),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    Ok(RunningNode {
        url,
        _local: local,
        _node: node,
    })
}

async fn listen() -> Outcome<TcpListener> {
    let usual = TcpListener::bind(server::DEFAULT_ADDRESS).await;
    let listener = match usual {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind("127.0.0.1:0").await,
    };
    listener.map_err(|error| Failure::Usage(format!("no port to listen on: {error}")))
}

fn client(url: &str, token: &str) -> Outcome<Client> {
    Client::new(&Api {
        url: url.to_owned(),
        token: Some(token.to_owned()),
        organization: None,
        no_proxy: false,
    })
}
