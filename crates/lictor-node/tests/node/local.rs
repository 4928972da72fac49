//! The local API over real sockets.

use std::time::Duration;

use lictor_node::{Listen, Local as Served, LocalError, LocalSocket, serve_local};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};

use crate::setting::{NOW, Setting, unlicensed, until};

/// The whole answer to one request.
async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer);
    let read = tokio::time::timeout(Duration::from_secs(20), read).await;
    read.expect("in time").expect("a text");
    answer
}

struct Local {
    local: lictor_node::Local,
    more: String,
}

impl Local {
    async fn start(setting: &Setting, token: Option<&str>) -> Self {
        let listen = Listen::Tcp("127.0.0.1:0".parse().expect("an address"));
        Self {
            local: serve(setting, listen, token).await.expect("it listens"),
            more: String::new(),
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> String {
        let Listen::Tcp(address) = self.local.address() else {
            panic!("a TCP address");
        };
        let (more, length) = (&self.more, body.len());
        let stream = TcpStream::connect(address).await.expect("it listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{more}content-length: \
             {length}\r\n\r\n{body}"
        );
        exchange(stream, &request).await
    }

    async fn status(&self, method: &str, path: &str, body: &str) -> u16 {
        let answer = self.ask(method, path, body).await;
        answer[9..12].parse().expect("a status")
    }
}

#[tokio::test]
async fn a_double_slash_is_one() {
    let setting = Setting::start().await;
    let mut local = Local::start(&setting, Some("secret")).await;
    let health = local.ask("GET", "//healthz", "").await;
    assert!(health.ends_with("ok\n"), "{health}");
    for (method, doubled, plain) in [
        ("GET", "//check", "/check"),
        ("POST", "///check", "/check"),
        ("GET", "http://x//check", "/check"),
        ("GET", "//check?feature=audit", "/check?feature=audit"),
        ("GET", "//check?service=//", "/check?service=//"),
        ("POST", "//usage", "/usage"),
        ("PUT", "//usage", "/usage"),
        ("GET", "//license", "/license"),
        ("HEAD", "//status", "/status"),
        ("GET", "//metrics", "/metrics"),
        ("GET", "//%2Fcheck", "/%2Fcheck"),
        ("GET", "//nothing//here", "/nothing/here"),
    ] {
        for token in ["", "authorization: Bearer secret\r\n"] {
            local.more = token.to_owned();
            let wanted = local.status(method, plain, "").await;
            let found = local.status(method, doubled, "").await;
            assert_eq!(found, wanted, "{method} {doubled}");
            assert_eq!(found == 401, token.is_empty(), "{method} {doubled}");
        }
    }
    let requests = || setting.node.status().requests;
    until("they are counted", || requests().get("//") == Some(&2)).await;
    assert_eq!(requests().get("editor"), Some(&6));
}

#[tokio::test]
async fn a_check_decides_and_counts() {
    let setting = Setting::start().await;
    let local = Local::start(&setting, None).await;
    let long = format!("/check?service={}", "x".repeat(129));
    for (path, expected) in [
        ("/check", 204),
        (
            "/check?service=se%61rch&application=editor&feature=sso",
            204,
        ),
        ("/check?application=other", 403),
        ("/check?feature=audit", 403),
        ("/check?service=", 400),
        ("/check?service=%00", 400),
        ("/check?service=%", 400),
        ("/check?service=a&service=a", 400),
        ("/check?x=1", 400),
        (&long, 400),
        ("/", 404),
        ("/checks", 404),
    ] {
        assert_eq!(local.status("GET", path, "").await, expected, "{path}");
    }
    for method in ["HEAD", "POST", "PURGE"] {
        assert_eq!(local.status(method, "/check", "").await, 204, "{method}");
        assert_eq!(local.status(method, "/healthz", "").await, 200, "{method}");
    }
    assert_eq!(local.status("PUT", "/usage", "").await, 405);
    assert_eq!(local.status("POST", "/status", "").await, 405);
    let requests = || setting.node.status().requests;
    until("it is counted", || requests().get("editor") == Some(&4)).await;
    assert_eq!(requests().get("search"), Some(&1));
    let denied = local.ask("GET", "/check?feature=audit", "").await;
    assert!(denied.contains("lictor-reason: feature\r\n"), "{denied}");
    assert!(denied.contains("{\"reason\":\"feature\""), "{denied}");
    setting.control_plane.push(6, NOW + 1, &unlicensed());
    until("it is taken", || setting.revision() == Some(6)).await;
    let denied = local.ask("GET", "/check", "").await;
    assert!(denied.contains("lictor-reason: unlicensed\r\n"), "{denied}");
}

#[tokio::test]
async fn usage_is_counted_as_a_whole_or_not_at_all() {
    let setting = Setting::start().await;
    let local = Local::start(&setting, None).await;
    let many = |count| {
        let counts = vec![r#"{"service":"x","count":0}"#; count].join(",");
        format!(r#"{{"counts":[{counts}]}}"#)
    };
    let long = format!("{}{}", " ".repeat(1 << 20), many(1));
    for (body, expected) in [
        (
            r#"{"counts":[{"service":"a","count":3},{"service":"b","count":1}]}"#,
            204,
        ),
        (r#"{"counts":[{"service":"a","count":2}]}"#, 204),
        (r#"{"counts":[{"service":"c","count":1e2}]}"#, 204),
        (r#"{"counts":[{"service":"c","count":3.0}]}"#, 204),
        (r#"{"counts":[{"service":"c","count":1.5}]}"#, 400),
        (r#"{"counts":[]}"#, 204),
        (&many(1_000), 204),
        (&many(1_001), 400),
        (
            r#"{"counts":[{"service":"a","count":1},{"service":"","count":1}]}"#,
            400,
        ),
        (r#"{"counts":[{"service":"a","count":-1}]}"#, 400),
        (
            r#"{"counts":[{"service":"a","count":9007199254740992}]}"#,
            400,
        ),
        (r#"{"counts":[{"service":"a","count":1,"x":1}]}"#, 400),
        (r#"{"counts":[],"x":1}"#, 400),
        ("", 400),
        (&long, 413),
    ] {
        let status = local.status("POST", "/usage", body).await;
        assert_eq!(status, expected, "{}", &body[..body.len().min(80)]);
    }
    let requests = || setting.node.status().requests;
    until("it is counted", || requests().get("a") == Some(&5)).await;
    assert_eq!(requests().get("b"), Some(&1));
    assert_eq!(requests().get("c"), Some(&103));
}

#[tokio::test]
async fn what_holds_is_shown() {
    let setting = Setting::start().await;
    let mut local = Local::start(&setting, None).await;
    let license = local.ask("GET", "/license", "").await;
    assert!(license.contains(r#""customer":"Acme""#), "{license}");
    assert!(
        license.contains(r#""expires_at":"2027-03-01T00:00:00Z""#),
        "{license}"
    );
    let status = local.ask("GET", "/status", "").await;
    for part in [
        r#""name":"edge""#,
        r#""mode":"fresh""#,
        r#""connected":true"#,
        r#""revision":5"#,
        r#""trusted_time":"2027-01-15T08:00:00Z""#,
    ] {
        assert!(status.contains(part), "{part}: {status}");
    }
    let metrics = local.ask("GET", "/metrics", "").await;
    assert!(
        metrics.contains("# TYPE lictor_node_denied_total counter\n") && !metrics.contains("# EOF"),
        "{metrics}"
    );
    local.more = "accept: application/openmetrics-text\r\n".to_owned();
    let metrics = local.ask("GET", "/metrics", "").await;
    local.more.clear();
    for line in [
        "# TYPE lictor_node_denied counter\n",
        "lictor_node_mode{mode=\"fresh\"} 1\n",
        "lictor_node_mode{mode=\"grace\"} 0\n",
        "lictor_node_state_revision 5\n",
        "lictor_node_denied_total{reason=\"expired\"} 0\n",
        "lictor_node_connected 1\n",
        "# EOF\n",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    setting.control_plane.push(6, NOW + 1, &unlicensed());
    until("it is taken", || setting.revision() == Some(6)).await;
    let license = local.ask("GET", "/license", "").await;
    assert!(
        license.ends_with("{\"license\":null,\"reason\":\"unlicensed\"}\n"),
        "{license}"
    );
}

#[tokio::test]
async fn who_has_no_token_is_told_nothing() {
    let setting = Setting::start().await;
    let mut local = Local::start(&setting, Some("secret")).await;
    for path in ["/check", "/status", "/metrics", "/nothing"] {
        assert_eq!(local.status("GET", path, "").await, 401, "{path}");
    }
    assert_eq!(local.status("GET", "/healthz", "").await, 200);
    for (token, expected) in [("secret", 204), ("secre", 401), ("secret ", 204), ("", 401)] {
        local.more = format!("authorization: Bearer {token}\r\n");
        assert_eq!(local.status("GET", "/check", "").await, expected, "{token}");
    }
    let open = Listen::Tcp("0.0.0.0:0".parse().expect("an address"));
    let refused = serve(&setting, open.clone(), None).await;
    assert!(matches!(refused, Err(LocalError::Open(_))));
    assert!(serve(&setting, open, Some("secret")).await.is_ok());
}

#[tokio::test]
async fn a_unix_socket_takes_the_place_of_one_that_was_left() {
    use std::os::unix::fs::PermissionsExt as _;
    let setting = Setting::start().await;
    let path = setting.folder.path().join("api.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("bound"));
    let local = serve(&setting, Listen::Unix(path.clone()), None).await;
    let local = local.expect("it listens");
    let mode = std::fs::metadata(&path)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o660);
    let second = serve(&setting, Listen::Unix(path.clone()), None).await;
    assert!(matches!(second, Err(LocalError::Listen { .. })));
    let stream = UnixStream::connect(&path).await.expect("it listens");
    let request = "GET /check HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert!(exchange(stream, request).await.starts_with("HTTP/1.1 204"));
    // A connection that was served and has no request ends with it.
    let mut idle = UnixStream::connect(&path).await.expect("it listens");
    let kept = request.replace("connection: close\r\n", "");
    idle.write_all(kept.as_bytes()).await.expect("sent");
    idle.read_exact(&mut [0; 12]).await.expect("an answer");
    local.stop().await;
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), idle.read_to_end(&mut rest)).await;
    assert!(ended.expect("in time").is_ok());
    assert!(!path.exists());
}

#[test]
fn an_address_is_read() {
    let tcp = Listen::Tcp("[::1]:8002".parse().expect("an address"));
    assert_eq!("[::1]:8002".parse(), Ok(tcp));
    assert_eq!("unix:/a b".parse(), Ok(Listen::Unix("/a b".into())));
    for bad in ["", "unix:", "8002", "localhost:8002", "/run/x"] {
        assert!(bad.parse::<Listen>().is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_slow_request_is_given_up_and_an_idle_connection_is_kept() {
    let setting = Setting::start().await;
    let local = Local::start(&setting, None).await;
    let Listen::Tcp(address) = local.local.address() else {
        panic!("a TCP address");
    };
    let mut idle = TcpStream::connect(address).await.expect("it listens");
    let request = b"GET /check HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut answer = [0; 12];
    idle.write_all(request).await.expect("sent");
    idle.read_exact(&mut answer).await.expect("an answer");
    let slow = TcpStream::connect(address).await.expect("it listens");
    // It is closed while the other goes on.
    assert_eq!(exchange(slow, "GET /check HT").await, "");
    let mut rest = vec![0; 4_096];
    let _ = idle.read(&mut rest).await.expect("the rest");
    idle.write_all(request).await.expect("sent");
    idle.read_exact(&mut answer).await.expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 204");
}

async fn serve(
    setting: &Setting,
    listen: Listen,
    token: Option<&str>,
) -> Result<Served, LocalError> {
    let socket = LocalSocket::bind(listen, token).await?;
    Ok(serve_local(&setting.node, socket))
}

#[tokio::test]
async fn the_service_may_come_in_a_header_and_never_differs_from_the_query() {
    let setting = Setting::start().await;
    let mut local = Local::start(&setting, None).await;
    for (header, query, status) in [
        ("Lictor-Service: orders\r\n", "", 204),
        ("lictor-service: orders\r\n", "?service=orders", 204),
        ("Lictor-Service: orders\r\n", "?application=editor", 204),
        ("Lictor-Service:\r\n", "?service=orders", 204),
        ("Lictor-Service: orders\r\n", "?service=", 400),
        ("Lictor-Service: orders\r\n", "?service=other", 400),
        (
            "Lictor-Service: orders\r\nLictor-Service: orders\r\n",
            "",
            400,
        ),
        ("Lictor-Service: a\u{202e}b\r\n", "", 400),
    ] {
        header.clone_into(&mut local.more);
        let path = format!("/check{query}");
        assert_eq!(
            local.status("GET", &path, "").await,
            status,
            "{header:?} {query}"
        );
    }
    local.more = String::new();
    until("4 requests", || {
        setting.node.status().requests.get("orders") == Some(&4)
    })
    .await;
    let requests = setting.node.status().requests;
    assert_eq!(requests.len(), 1, "{requests:?}");
}
