//! A proxy in front of the server that refuses DELETE: its configuration, its start, and its end at the latest when dropped.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long a proxy may take to listen.
const READY: Duration = Duration::from_secs(20);

/// What a proxy answers to DELETE, which the server itself never does to the operator.
pub(in crate::conformance) const FORBIDDEN: u16 = 403;

/// A proxy process with a configuration of ours.
pub(in crate::conformance) struct Proxy {
    child: Child,
    /// Host and port where it listens.
    pub(in crate::conformance) address: String,
}

impl Proxy {
    /// nginx, in one process, which keeps connections to the server and passes bodies and hosts on
    /// as they come.
    pub(in crate::conformance) fn nginx(folder: &Path, server: &str) -> Result<Self> {
        let address = free_address()?;
        let at = folder.display();
        let file = folder.join("nginx.conf");
        fs::write(
            &file,
            format!(
                "daemon off;
                master_process off;
                pid {at}/nginx.pid;
                error_log {at}/nginx.log;
                events {{ worker_connections 256; }}
                http {{
                    access_log off;
                    client_body_temp_path {at}/body;
                    proxy_temp_path {at}/proxy;
                    fastcgi_temp_path {at}/fastcgi;
                    uwsgi_temp_path {at}/uwsgi;
                    scgi_temp_path {at}/scgi;
                    client_header_timeout 5s;
                    client_body_timeout 5s;
                    client_max_body_size 64m;
                    upstream lictor {{ server {server}; keepalive 8; }}
                    server {{
                        listen {address};
                        if ($request_method = DELETE) {{ return 403; }}
                        location / {{
                            proxy_pass http://lictor;
                            proxy_http_version 1.1;
                            proxy_set_header Connection \"\";
                            proxy_set_header Host $http_host;
                            proxy_request_buffering off;
                            proxy_read_timeout 5s;
                        }}
                    }}
                }}"
            ),
        )?;
        let mut command = Command::new("/usr/sbin/nginx");
        command
            .arg("-c")
            .arg(&file)
            .arg("-e")
            .arg(folder.join("nginx.log"));
        Self::start(command, address)
    }

    /// haproxy, which shares its connections to the server among all clients.
    pub(in crate::conformance) fn haproxy(folder: &Path, server: &str) -> Result<Self> {
        let address = free_address()?;
        let file = folder.join("haproxy.cfg");
        fs::write(
            &file,
            format!(
                "global
    maxconn 256
defaults
    mode http
    timeout connect 5s
    timeout client 5s
    timeout server 5s
    timeout http-keep-alive 5s
    http-reuse always
frontend clients
    bind {address}
    http-request deny if METH_DELETE
    default_backend lictor
backend lictor
    server lictor {server}
"
            ),
        )?;
        let mut command = Command::new("/usr/sbin/haproxy");
        // In the foreground, and no word but errors.
        command.args(["-db", "-q", "-f"]).arg(&file);
        Self::start(command, address)
    }

    /// Starts a proxy that is to listen at `address`, and waits until it does.
    pub(in crate::conformance) fn start(mut command: Command, address: String) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = command
            .spawn()
            .with_context(|| format!("{:?}", command.get_program()))?;
        let mut proxy = Self { child, address };
        let begun = Instant::now();
        while TcpStream::connect(&proxy.address).is_err() {
            if let Some(status) = proxy.child.try_wait()? {
                bail!("the proxy ended by itself: {status}");
            }
            if begun.elapsed() > READY {
                bail!("the proxy does not listen at {}", proxy.address);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(proxy)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Both fail only if the process is gone already.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A port that was free a moment ago: neither proxy can be asked which one it got.
pub(in crate::conformance) fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}
