//! Check-outs by scripts in Redis, over its own protocol.

use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use super::TTL;

const CHECK_OUT: &str = include_str!("check_out.lua");
const RELEASE: &str = include_str!("release.lua");

/// The names by which the server knows the scripts, and the keys that they use.
#[derive(Clone)]
pub(crate) struct Scripts {
    check_out: Arc<str>,
    release: Arc<str>,
    /// The application, its leases by holder, and all leases by their end.
    keys: Arc<[String; 3]>,
}

impl Scripts {
    /// Hands them to the server.
    pub(crate) async fn load(address: &str, application: &str) -> Result<Self> {
        let mut stream = BufReader::new(TcpStream::connect(address).await?);
        let check_out = ask(&mut stream, &["SCRIPT", "LOAD", CHECK_OUT]).await?;
        let release = ask(&mut stream, &["SCRIPT", "LOAD", RELEASE]).await?;
        let name = |reply: Vec<String>| reply.into_iter().next().context("no name");
        Ok(Self {
            check_out: name(check_out)?.into(),
            release: name(release)?.into(),
            keys: Arc::new([
                format!("application:{application}"),
                format!("holders:{application}"),
                "ends".to_owned(),
            ]),
        })
    }
}

/// One connection.
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    scripts: Scripts,
    /// How many leases were checked out over it: a part of their ids.
    count: u64,
}

impl Client {
    pub(crate) fn new(stream: TcpStream, scripts: Scripts) -> Self {
        Self {
            stream: BufReader::new(stream),
            scripts,
            count: 0,
        }
    }

    /// Returns the id and the fence of the lease.
    pub(crate) async fn check_out(&mut self, holder: &str) -> Result<(String, u64)> {
        self.count += 1;
        // As long as a UUID.
        let id = format!("{holder:-<16}{:020}", self.count);
        let Scripts {
            check_out, keys, ..
        } = &self.scripts;
        let [application, holders, ends] = &**keys;
        let ttl = TTL.to_string();
        let command = [
            "EVALSHA",
            check_out,
            "3",
            application,
            holders,
            ends,
            &id,
            holder,
            &ttl,
        ];
        let reply = ask(&mut self.stream, &command).await?;
        let [id, fence] = reply.as_slice() else {
            bail!("a check-out was answered {reply:?}");
        };
        Ok((id.clone(), fence.parse()?))
    }

    pub(crate) async fn release(&mut self, holder: &str, id: &str, fence: u64) -> Result<()> {
        let Scripts { release, keys, .. } = &self.scripts;
        let [application, holders, ends] = &**keys;
        let fence = fence.to_string();
        let command = [
            "EVALSHA",
            release,
            "3",
            application,
            holders,
            ends,
            id,
            holder,
            &fence,
        ];
        let reply = ask(&mut self.stream, &command).await?;
        ensure!(reply == ["1"], "a release was answered {reply:?}");
        Ok(())
    }
}

/// Sends a command and returns its reply, the parts of it if it is a list.
async fn ask(stream: &mut BufReader<TcpStream>, command: &[&str]) -> Result<Vec<String>> {
    let mut request = format!("*{}\r\n", command.len());
    for word in command {
        request += &format!("${}\r\n{word}\r\n", word.len());
    }
    stream.get_mut().write_all(request.as_bytes()).await?;
    let mut parts = Vec::new();
    let mut left = 1;
    while left > 0 {
        left -= 1;
        let line = line(stream).await?;
        match (line.get(..1), line.get(1..)) {
            (Some("*"), Some(count)) => left += count.parse::<usize>()?,
            (Some("$"), Some(length)) => {
                let mut bytes = vec![0; length.parse::<usize>()? + 2];
                stream.read_exact(&mut bytes).await?;
                bytes.truncate(bytes.len() - 2);
                parts.push(String::from_utf8(bytes)?);
            }
            (Some(":" | "+"), Some(value)) => parts.push(value.to_owned()),
            _ => bail!("the server said {line}"),
        }
    }
    Ok(parts)
}

async fn line(stream: &mut BufReader<TcpStream>) -> Result<String> {
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let line = line.strip_suffix("\r\n").context("half a reply")?;
    Ok(line.to_owned())
}
