//! A control plane and its nodes, each behind a proxy of its own; how they are killed, and what they report about their counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lictor_testkit::{Connection, Installation, OPERATOR, Server};
use serde_json::Value;

use super::clients::{NodeClients, SERVICES};
use super::proxy::Proxy;
use crate::Trial;

/// How long it may take until all counts have arrived, once nothing stands in their way.
const PATIENCE: Duration = Duration::from_secs(60);

/// Requests by service, in the order of [`SERVICES`].
pub(super) type Sums = [u64; SERVICES.len()];

/// What the control plane has of one source, service and month.
pub(super) struct Row {
    pub(super) source: String,
    pub(super) service: String,
    pub(super) month: String,
    pub(super) count: u64,
}

/// A node, its clients, and its proxy.
pub(super) struct Node {
    pub(super) name: String,
    /// Whether it answers only when a count is on disk.
    pub(super) durable: bool,
    pub(super) clients: Arc<NodeClients>,
    pub(super) proxy: Proxy,
    folder: PathBuf,
    process: Option<lictor_testkit::Node>,
}

/// All of them.
pub(super) struct Fleet {
    installation: Installation,
    data: PathBuf,
    control_plane: Option<Server>,
    pub(super) nodes: Vec<Node>,
    plant: Option<String>,
}

impl Fleet {
    /// Starts so many durable nodes, and one that is not.
    pub(super) fn start(trial: &Trial, scratch: &Path, durable: usize) -> Result<Self> {
        let installation = Installation::create(&trial.binary, scratch)?;
        let mut fleet = Self {
            data: scratch.join("control-plane"),
            control_plane: None,
            nodes: Vec::new(),
            plant: trial.plant.clone(),
            installation,
        };
        fleet.start_control_plane()?;
        let document = fleet
            .installation
            .issue("Customer", "2025-01-01", "2099-12-31")?;
        let file = scratch.join("license.json");
        fs::write(&file, document)?;
        fleet.operator(&["license", "add", &file.display().to_string()])?;
        for number in 0..=durable {
            let name = format!("edge-{number}");
            let token = fleet.operator(&["node", "enroll", "--name", &name])?;
            fleet.nodes.push(Node {
                durable: number < durable,
                clients: Arc::default(),
                proxy: Proxy::start(fleet.address()?, number, trial.seed)?,
                folder: scratch.join(&name),
                process: None,
                name,
            });
            fleet.start_node(number, Some(token.trim()))?;
            fleet.open(number)?;
        }
        Ok(fleet)
    }

    /// Kills the control plane, and starts it again after a while.
    pub(super) fn restart_control_plane(&mut self, off: Duration) -> Result<()> {
        self.kill_control_plane()?;
        thread::sleep(off);
        self.bring_control_plane_back()
    }

    /// Kills the control plane.
    pub(super) fn kill_control_plane(&mut self) -> Result<()> {
        let server = self.control_plane.take();
        server.context("it does not run")?.kill()
    }

    /// Starts a control plane that was killed.
    pub(super) fn bring_control_plane_back(&mut self) -> Result<()> {
        self.start_control_plane()?;
        let address = self.address()?.to_owned();
        self.nodes
            .iter()
            .for_each(|node| node.proxy.lead_to(&address));
        Ok(())
    }

    /// Kills a node and starts it again after a while. Its clients stay away meanwhile.
    pub(super) fn restart_node(&mut self, number: usize, off: Duration) -> Result<()> {
        let node = &mut self.nodes[number];
        node.clients.close();
        node.process.take().context("it does not run")?.kill()?;
        thread::sleep(off);
        self.start_node(number, None)
    }

    /// Puts an older copy of a node's folder back while it is down; everything that it counted was told.
    pub(super) fn put_back(&mut self, number: usize, anew: bool) -> Result<()> {
        let node = &mut self.nodes[number];
        node.clients.close();
        node.process.take().context("it does not run")?.kill()?;
        if anew {
            fs::remove_dir_all(&node.folder)?;
        }
        copy(&node.folder.with_extension("kept"), &node.folder)?;
        self.start_node(number, None)
    }

    /// Keeps a copy of a node's folder as it is while the node runs.
    pub(super) fn keep(&self, number: usize) -> Result<()> {
        let folder = &self.nodes[number].folder;
        copy(folder, &folder.with_extension("kept"))
    }

    /// Runs a copy of a node's folder beside it, as the last of the nodes.
    pub(super) fn run_copy(&mut self, number: usize, seed: u64) -> Result<()> {
        let copied = self.nodes.len();
        let of = &self.nodes[number];
        let folder = of.folder.with_extension(format!("copy-{copied}"));
        copy(&of.folder, &folder)?;
        let node = Node {
            name: of.name.clone(),
            durable: true,
            clients: Arc::default(),
            // Nowhere, while the control plane is away.
            proxy: Proxy::start(self.address().unwrap_or_default(), copied, seed)?,
            folder,
            process: None,
        };
        self.nodes.push(node);
        self.start_node(copied, None)?;
        self.open(copied)
    }

    /// Ends a node for good.
    pub(super) fn end_last(&mut self) -> Result<Node> {
        let mut node = self.nodes.pop().context("there is none")?;
        node.clients.close();
        node.process.take().context("it does not run")?.kill()?;
        Ok(node)
    }

    /// Waits until everything of a node is told.
    pub(super) fn settle_one(&self, number: usize) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            let status = self.status(number)?;
            if status["unsent"] == 0 && status["unjournaled"] == 0 {
                return Ok(());
            }
            ensure!(Instant::now() < until, "counts did not arrive: {status}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// What the control plane says of the node of this name.
    pub(super) fn shown(&self, name: &str) -> Result<Value> {
        self.get(&format!("/v1/nodes/{name}"))
    }

    /// Lets the clients of a node in.
    pub(super) fn open(&self, number: usize) -> Result<()> {
        let node = &self.nodes[number];
        let server = node.process.as_ref().context("it does not run")?;
        node.clients.open(&server.address);
        Ok(())
    }

    /// What a node's own journal has counted.
    pub(super) fn own(&self, number: usize) -> Result<Sums> {
        let status = self.status(number)?;
        Ok(SERVICES.map(|service| status["requests"][service].as_u64().unwrap_or(0)))
    }

    /// What the control plane has of a node.
    pub(super) fn known(&self, number: usize) -> Result<Sums> {
        let prefix = format!("{}@", self.nodes[number].name);
        let mut sums = Sums::default();
        for row in self.usage()? {
            let service = SERVICES.iter().position(|service| *service == row.service);
            if row.source.starts_with(&prefix) {
                sums[service.context("a service that nobody counts")?] += row.count;
            }
        }
        Ok(sums)
    }

    /// All that the control plane has.
    pub(super) fn usage(&self) -> Result<Vec<Row>> {
        let (mut rows, mut path) = (Vec::new(), "/v1/usage?limit=1000".to_owned());
        loop {
            let page = self.get(&path)?;
            for row in page["data"].as_array().context("no rows")? {
                let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
                rows.push(Row {
                    source: text("source"),
                    service: text("service"),
                    month: text("month"),
                    count: row["count"].as_u64().context("no count")?,
                });
            }
            let Some(cursor) = page["next_cursor"].as_str() else {
                return Ok(rows);
            };
            path = format!("/v1/usage?limit=1000&cursor={cursor}");
        }
    }

    /// What Kong's report says of each month.
    pub(super) fn report(&self) -> Result<BTreeMap<String, u64>> {
        let report = self.get("/license/report?format=3.4")?;
        let buckets = report["counters"]["buckets"]
            .as_array()
            .context("no buckets")?;
        let months = buckets.iter().map(|bucket| {
            let month = bucket["bucket"].as_str().context("no month")?;
            Ok((
                month.to_owned(),
                bucket["request_count"].as_u64().context("no count")?,
            ))
        });
        months.collect()
    }

    /// Waits until no node has anything left to tell.
    pub(super) fn settle(&self) -> Result<()> {
        (0..self.nodes.len()).try_for_each(|number| self.settle_one(number))
    }

    pub(super) fn status(&self, number: usize) -> Result<Value> {
        let server = self.nodes[number]
            .process
            .as_ref()
            .context("it does not run")?;
        let answer = Connection::open(&server.address)?.get("/status")?;
        Ok(serde_json::from_slice(&answer.body)?)
    }

    fn get(&self, path: &str) -> Result<Value> {
        let answer = Connection::open(self.address()?)?.get(path)?;
        ensure!(
            answer.status == 200,
            "{path} was answered {}",
            answer.status
        );
        Ok(serde_json::from_slice(&answer.body)?)
    }

    fn address(&self) -> Result<&str> {
        let server = self.control_plane.as_ref().context("it does not run")?;
        Ok(&server.address)
    }

    fn operator(&self, arguments: &[&str]) -> Result<String> {
        let url = format!("http://{}", self.address()?);
        self.installation
            .lictor(&[arguments, &["--url", &url, "--token", OPERATOR]].concat())
    }

    fn start_control_plane(&mut self) -> Result<()> {
        let environment = planted(self.plant.as_deref());
        self.control_plane = Some(self.installation.serve(&self.data, &environment)?);
        Ok(())
    }

    fn start_node(&mut self, number: usize, token: Option<&str>) -> Result<()> {
        let node = &mut self.nodes[number];
        let durability = if node.durable { "request" } else { "5s" };
        let mut options = vec!["--count-durability", durability];
        if let Some(token) = token {
            options.extend(["--enroll", token]);
        }
        node.process = Some(lictor_testkit::Node::start_in(
            &planted(self.plant.as_deref()),
            &self.installation.binary,
            &format!("http://{}", node.proxy.address),
            &node.folder,
            &options,
        )?);
        Ok(())
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        // What is written beside a file may be in its place by now.
        match fs::copy(file.path(), to.join(file.file_name())) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

fn planted(fault: Option<&str>) -> Vec<(&str, &str)> {
    fault
        .into_iter()
        .map(|fault| ("LICTOR_PLANT", fault))
        .collect()
}
