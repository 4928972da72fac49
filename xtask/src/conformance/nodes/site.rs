//! nginx with the configuration that the page about nodes prints, and visitors of the site that it
//! serves.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::super::framing::proxy::{Proxy, free_address};

/// What stands in the page, and is put in the place of.
const LISTEN: &str = "listen 8080;";
const NODES: [&str; 2] = [
    "server 127.0.0.1:8002;",
    "server unix:/run/lictor/node.sock;",
];
const ROOT: &str = "root /var/www/html;";
const LOG: &str = "/var/log/nginx/licensed.log";

/// The page of the site.
const PAGE: &str = "A licensed site.\n";

/// A running nginx.
pub(super) struct Site {
    nginx: Proxy,
    log: PathBuf,
}

impl Site {
    /// Starts it with that block of `page`, from 0, of those that are marked as nginx's.
    pub(super) fn start(scratch: &Path, page: &str, number: usize, node: &str) -> Result<Self> {
        let folder = scratch.join(format!("nginx-{number}"));
        let root = folder.join("site");
        fs::create_dir_all(root.join("api"))?;
        fs::write(root.join("index.html"), PAGE)?;
        fs::write(root.join("api").join("index.html"), PAGE)?;
        // Its workers may run as another user.
        let log = folder.join("licensed.log");
        let address = free_address()?;
        let mut site = block(page, number)?.to_owned();
        for (printed, here) in [
            (LISTEN, format!("listen {address};")),
            (NODES[number], format!("server {node};")),
            (ROOT, format!("root {};", root.display())),
            (LOG, log.display().to_string()),
        ] {
            ensure!(
                site.matches(printed).count() == 1,
                "the page no longer says {printed:?} once"
            );
            site = site.replace(printed, &here);
        }
        fs::write(folder.join("licensed.conf"), site)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, frame(&folder))?;
        let mut command = Command::new("/usr/sbin/nginx");
        command.arg("-c").arg(&file);
        command.arg("-e").arg(folder.join("nginx.log"));
        let nginx = Proxy::start(command, address)?;
        Ok(Self { nginx, log })
    }

    /// The status that a path is answered with.
    pub(super) fn status(&self, path: &str) -> Result<u16> {
        Ok(self.ask(path)?.0)
    }

    /// A header of the answer, by its name in lower case.
    pub(super) fn header(&self, path: &str, name: &str) -> Result<Option<String>> {
        let (_, headers) = self.ask(path)?;
        let mut lines = headers.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        Ok(found.map(|(_, value)| value.trim().to_owned()))
    }

    /// The status that a path is answered with, sent as it stands, by a visitor who names a service.
    pub(super) fn status_of_meddler(&self, path: &str) -> Result<u16> {
        let more = ["--path-as-is", "--header", "Lictor-Service: meddled"];
        Ok(self.ask_with(path, &more)?.0)
    }

    /// Asks by curl, as people do; the status, and the head of the answer.
    fn ask(&self, path: &str) -> Result<(u16, String)> {
        self.ask_with(path, &[])
    }

    fn ask_with(&self, path: &str, more: &[&str]) -> Result<(u16, String)> {
        let url = format!("http://{}{path}", self.nginx.address);
        let mut curl = Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "20"]);
        curl.args(["--output", "/dev/null", "--dump-header", "-"]);
        let output = curl.args(more).arg(&url).output()?;
        let head = String::from_utf8_lossy(&output.stdout).into_owned();
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        let said = String::from_utf8_lossy(&output.stderr);
        Ok((status.with_context(|| format!("curl {url}: {said}"))?, head))
    }

    /// Waits until the site is answered with this status; false if it was not in time.
    pub(super) fn wait_for(&self, status: u16, patience: Duration) -> Result<bool> {
        wait(patience, || Ok(self.status("/")? == status))
    }

    /// Waits until a header of the answer says so.
    pub(super) fn wait_for_header(
        &self,
        name: &str,
        value: &str,
        patience: Duration,
    ) -> Result<bool> {
        wait(patience, || {
            Ok(self.header("/", name)?.as_deref() == Some(value))
        })
    }

    /// So many visitors at once make so many requests each; how many were served.
    pub(super) fn visit(&self, visitors: usize, requests: usize) -> Result<usize> {
        let address = &self.nginx.address;
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..visitors)
                .map(|_| scope.spawn(|| served(address, requests)))
                .collect();
            let mut all = 0;
            for thread in threads {
                let served = thread.join().ok().context("a visitor panicked")?;
                all += served?;
            }
            Ok(all)
        })
    }

    /// How many requests nginx logged for which it asked the node and went on: all that were not
    /// denied.
    pub(super) fn logged(&self) -> Result<u64> {
        let log = fs::read_to_string(&self.log)?;
        let served = |line: &&str| line.starts_with("200 ") || line.starts_with("404 ");
        Ok(log.lines().filter(served).count() as u64)
    }
}

fn wait(patience: Duration, mut is_so: impl FnMut() -> Result<bool>) -> Result<bool> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if is_so()? {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    is_so()
}

/// Requests on one kept connection; how many were answered with the page.
fn served(address: &str, requests: usize) -> Result<usize> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    stream
        .get_ref()
        .set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut served = 0;
    for _ in 0..requests {
        let request = format!("GET / HTTP/1.1\r\nHost: {address}\r\n\r\n");
        stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let is_served = line.starts_with("HTTP/1.1 200 ");
        let mut length = 0;
        while line != "\r\n" {
            line.clear();
            ensure!(stream.read_line(&mut line)? > 0, "nginx closed early");
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body)?;
        served += usize::from(is_served && body == PAGE.as_bytes());
    }
    Ok(served)
}

/// That block of the page.
fn block(page: &str, number: usize) -> Result<&str> {
    let mut blocks = page.split("```nginx\n").skip(1);
    let rest = blocks
        .nth(number)
        .context("the page has too few configurations of nginx")?;
    let (block, _) = rest.split_once("```").context("the block has no end")?;
    Ok(block)
}

/// What Debian's own `nginx.conf` does around the files of `conf.d`, in one process and one folder.
fn frame(folder: &Path) -> String {
    let at = folder.display();
    format!(
        "daemon off;
        master_process off;
        pid {at}/nginx.pid;
        error_log {at}/nginx.log;
        events {{ worker_connections 256; }}
        http {{
            default_type text/plain;
            client_body_temp_path {at}/body;
            proxy_temp_path {at}/proxy;
            fastcgi_temp_path {at}/fastcgi;
            uwsgi_temp_path {at}/uwsgi;
            scgi_temp_path {at}/scgi;
            include {at}/licensed.conf;
        }}"
    )
}
