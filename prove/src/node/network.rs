//! Two network namespaces and the link between them, for as long as the value lives, and the ways to cut that link.

use std::ffi::OsStr;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::programs::shown;

use crate::random::Random;

/// The control plane's address. Other runs may have the same: each is in namespaces of its own.
pub(super) const CONTROL_PLANE: &str = "10.231.0.1";
const NODE: &str = "10.231.0.2";

/// The device at both ends of the link.
const DEVICE: &str = "feed";

/// How the link is cut.
#[derive(Clone, Copy, Debug)]
pub(super) enum Cut {
    /// Nothing passes.
    Both,
    /// What the node sends is lost.
    FromNode,
    /// What is sent to the node is lost.
    ToNode,
    /// Each packet is answered with a reset, and lost.
    Reset,
    /// Of the packets each way, half are lost.
    Lossy,
}

impl Cut {
    pub(super) const ALL: [Self; 5] = [
        Self::Both,
        Self::FromNode,
        Self::ToNode,
        Self::Reset,
        Self::Lossy,
    ];

    /// Those after which the node hears nothing. In one direction states still come for a while, as
    /// the control plane does not know that nobody confirms them.
    pub(super) const DEAF: [Self; 3] = [Self::Both, Self::ToNode, Self::Reset];

    /// One of these, each as likely.
    pub(super) fn pick(cuts: &[Self], random: &mut Random) -> Self {
        cuts[random.below(cuts.len() as u64) as usize]
    }

    /// Rules for the node's namespace.
    fn rules(self) -> String {
        let chain = |hook: &str, side: &str, action: &str| {
            format!(
                "chain {hook} {{ type filter hook {hook} priority 0; {side}ifname {DEVICE} {action}; }}\n"
            )
        };
        let reset = |side: &str| {
            format!("meta l4proto tcp reject with tcp reset; {side}ifname {DEVICE} drop")
        };
        let half = || "numgen random mod 2 == 0 drop".to_owned();
        let (input, output) = match self {
            Self::Both => ("drop".to_owned(), "drop".to_owned()),
            Self::FromNode => ("accept".to_owned(), "drop".to_owned()),
            Self::ToNode => ("drop".to_owned(), "accept".to_owned()),
            Self::Reset => (reset("i"), reset("o")),
            Self::Lossy => (half(), half()),
        };
        let (input, output) = (chain("input", "i", &input), chain("output", "o", &output));
        format!("table inet cut\ndelete table inet cut\ntable inet cut {{\n{input}{output}}}\n")
    }
}

/// The two ends and what is between them.
pub(super) struct Link {
    pub(super) control_plane: Namespace,
    pub(super) node: Namespace,
}

impl Link {
    /// `name` tells it from the other links of this run.
    pub(super) fn create(name: &str) -> Result<Self> {
        let link = Self {
            control_plane: Namespace::create(&format!("{name}-c"))?,
            node: Namespace::create(&format!("{name}-n"))?,
        };
        let (one, other) = (&link.control_plane, &link.node);
        let ends = ["netns", &one.name, "type", "veth", "peer", "name", DEVICE];
        let mut add = ip(&["link", "add", DEVICE]);
        run(add.args(ends).args(["netns", &other.name]))?;
        for (end, address) in [(one, CONTROL_PLANE), (other, NODE)] {
            let address = format!("{address}/30");
            run(&mut end.ip(&["address", "add", &address, "dev", DEVICE]))?;
            run(&mut end.ip(&["link", "set", "lo", "up"]))?;
            run(&mut end.ip(&["link", "set", DEVICE, "up"]))?;
        }
        Ok(link)
    }

    /// Cuts the link, in this way alone.
    pub(super) fn cut(&self, cut: Cut) -> Result<()> {
        self.rules(&cut.rules())
    }

    /// Everything passes again.
    pub(super) fn heal(&self) -> Result<()> {
        self.rules("table inet cut\ndelete table inet cut\n")
    }

    fn rules(&self, rules: &str) -> Result<()> {
        let mut nft = self.node.command("nft");
        nft.args(["-f", "-"]).stdin(Stdio::piped());
        let mut child = nft.spawn().context("nft")?;
        let mut input = child.stdin.take().context("nft takes no input")?;
        input.write_all(rules.as_bytes())?;
        drop(input);
        let status = child.wait()?;
        ensure!(status.success(), "nft ended with {status} on {rules}");
        Ok(())
    }
}

/// A network namespace. Dropping it deletes it, also after a failure.
pub(super) struct Namespace {
    name: String,
}

impl Namespace {
    fn create(name: &str) -> Result<Self> {
        let name = format!("lictor-{}-{name}", std::process::id());
        let made = run(&mut ip(&["netns", "add", &name]));
        made.context("this experiment makes network namespaces, which needs root")?;
        Ok(Self { name })
    }

    /// A command that runs in it; it is one process, the command's own.
    pub(super) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let file = PathBuf::from("/run/netns").join(&self.name);
        let mut command = Command::new("nsenter");
        let mut entered = std::ffi::OsString::from("--net=");
        entered.push(file);
        command.arg(entered).arg("--").arg(program);
        command
    }

    fn ip(&self, arguments: &[&str]) -> Command {
        let mut command = ip(&["-n", &self.name]);
        command.args(arguments);
        command
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let deleted = ip(&["netns", "delete", &self.name]).status();
        if !deleted.is_ok_and(|status| status.success()) {
            println!("the network namespace {} is left over", self.name);
        }
    }
}

fn ip(arguments: &[&str]) -> Command {
    let mut command = Command::new("ip");
    command.args(arguments);
    command
}

/// Runs a command that says nothing unless it fails.
fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| shown(command))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let status = output.status;
    ensure!(
        status.success(),
        "{} ended with {status}: {said}",
        shown(command)
    );
    Ok(())
}
