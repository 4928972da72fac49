//! Messages in the words of Lictor: what is wrong and what to do, and no library's own text.

use std::net::TcpListener;

use lictor_testkit::{
    Answer, Folder, Request, assert_none_of_a_library, command, lictor, refusal, result, serve,
};

use super::server::Server;
use super::{issue, vendor, write};

fn assert_ours(said: &str, cause: &str) {
    assert!(said.contains(cause), "{cause}: {said}");
    assert_none_of_a_library(said);
}

fn posted(server: &Server, path: &str, body: &str) -> Answer {
    let post = Request::new(server.url(), "POST", path).token(server.token());
    let mut post = post.header("Content-Type", "application/json");
    post.body = body.into();
    post.send()
}

#[test]
fn a_document_that_is_cut_or_no_json_is_refused_with_the_place() {
    let server = Server::start(&[]);
    let (key, public) = vendor(server.data().parent().expect("a folder"), "vendor");
    result(&server.lictor(&["trust", "add", &public]));
    let document = issue(&key, &[]);
    let file = server.file("license.json");
    for (text, cause) in [
        (
            &document[..100],
            "it is cut short: it ends in line 1, column 100",
        ),
        (
            "garbage",
            "no JSON can go on as it does in line 1, column 1",
        ),
        ("{\n\"license\" 1}", "line 2, column 11"),
        (
            &format!("{document}{document}"),
            "something follows its end",
        ),
        ("[]", "an object is wanted, not a list"),
        ("{\"license\":7}", "an object is wanted, not this number"),
        ("{\"license\":{\"a\":1,\"a\":1}}", "appears twice"),
    ] {
        write(&file, text);
        for words in [
            &["license", "add", &file][..],
            &["license", "verify", "--trust", &public, &file],
        ] {
            assert_ours(&refusal(&server.lictor(words), 1), cause);
        }
        for path in ["/v1/licenses", "/licenses"] {
            let body = serde_json::json!({ "payload": text }).to_string();
            let answer = posted(&server, path, &body);
            assert_eq!(answer.status, 400, "{}", answer.text());
            let said = serde_json::from_str::<serde_json::Value>(answer.text()).expect("JSON");
            assert_ours(&said.to_string(), cause);
        }
        let rotation = ["trust", "add", &public, "--rotation", &file];
        let output = server.lictor(&rotation);
        assert!(!output.status.success());
        assert_ours(&String::from_utf8_lossy(&output.stderr), "");
    }
}

#[test]
fn a_body_of_the_native_api_is_refused_with_the_member_and_the_place() {
    let server = Server::start(&[]);
    for (body, cause) in [
        (
            "{\"payload\":",
            "it is cut short: it ends in line 1, column 11",
        ),
        ("hello", "no JSON can go on as it does in line 1, column 1"),
        ("{}", "the member `payload` is missing"),
        (
            "{\"payload\":7}",
            "text is wanted, not this number (line 1, column 12)",
        ),
        (
            "{\"payload\":\"\",\"pay\":1}",
            "there is no member `pay`; there are `payload`",
        ),
        ("[]", "an object is wanted, not a list"),
    ] {
        let answer = posted(&server, "/v1/licenses", body);
        assert_eq!(answer.status, 400, "{}", answer.text());
        assert_ours(answer.text(), cause);
    }
}

#[test]
fn a_damaged_key_file_is_refused_with_what_is_wrong_with_it() {
    let folder = Folder::new();
    let (key, public) = vendor(folder.path(), "vendor");
    let (private_pem, public_pem) = (
        std::fs::read_to_string(&key).expect("a key"),
        std::fs::read_to_string(&public).expect("a key"),
    );
    let damaged = |pem: &str| {
        let line = pem.lines().nth(1).expect("a line").to_owned();
        [
            (pem.replace(&line, &line[..30]), "it is damaged between"),
            (
                pem.replace(&line, &line.replace('A', "!")),
                "it is damaged between",
            ),
            (
                pem.replace(&line, &format!("AAAA{}", &line[4..])),
                "another kind than Ed25519",
            ),
            (pem[..pem.len() - 10].to_owned(), "it is cut short"),
        ]
    };
    for (pem, cause) in damaged(&public_pem) {
        write(&public, &pem);
        let verify = lictor(&["license", "verify", "--trust", &public, "x.json"]);
        assert_ours(&refusal(&verify, 2), cause);
        assert_ours(&refusal(&lictor(&["trust", "add", &public]), 2), cause);
    }
    for (pem, cause) in damaged(&private_pem) {
        write(&key, &pem);
        let issued = lictor(&[
            "license",
            "issue",
            "--key",
            &key,
            "--customer",
            "A",
            "--product",
            "B",
            "--expires",
            "1y",
        ]);
        let said = refusal(&issued, 2);
        assert_ours(&said, cause);
        assert!(!said.contains(&pem[40..48]), "{said}");
    }
}

#[test]
fn files_for_tls_that_cannot_be_used_are_refused_with_what_to_give() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let made = |name: &str| {
        let pair = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("made");
        write(&path(&format!("{name}.pem")), &pair.cert.pem());
        let key = path(&format!("{name}.key"));
        write(&key, &pair.signing_key.serialize_pem());
        std::process::Command::new("chmod")
            .args(["600", &key])
            .status()
            .expect("runs");
        (pair.cert.pem(), pair.signing_key.serialize_pem())
    };
    let (certificate, _) = made("one");
    made("two");
    write(&path("cut.pem"), &certificate[..certificate.len() - 40]);
    let line = certificate.lines().nth(2).expect("a line").to_owned();
    write(
        &path("bad.pem"),
        &certificate.replace(&line, &line.replace('A', "!!")),
    );
    write(
        &path("odd.pem"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    );
    for (cert, key, ca, cause) in [
        (
            "one.pem",
            "two.key",
            None,
            "the key belongs to another certificate",
        ),
        ("cut.pem", "one.key", None, "it is cut short"),
        ("bad.pem", "one.key", None, "is damaged"),
        (
            "odd.pem",
            "one.key",
            None,
            "the first certificate is damaged",
        ),
        (
            "one.pem",
            "one.key",
            Some("odd.pem"),
            "give those of the authority",
        ),
    ] {
        let mut start = serve(&folder.path().join("data"));
        start.env("LICTOR_LISTEN", "nowhere");
        start.args(["--tls-cert", &path(cert), "--tls-key", &path(key)]);
        if let Some(ca) = ca {
            start.args(["--node-ca", &path(ca)]);
        }
        assert_ours(&refusal(&start.output().expect("runs"), 2), cause);
    }
}

#[test]
fn a_server_that_does_not_answer_is_spoken_of_by_the_cause() {
    let server = Server::start(&[]);
    let at = server.url().trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let free = listener.local_addr().expect("an address").to_string();
    drop(listener);
    for (url, cause) in [
        (format!("https://{at}"), "is its address http:// instead?"),
        (format!("http://{free}"), "Connection refused"),
        (
            "http://no-such-host.invalid:1".to_owned(),
            "its name is unknown here",
        ),
    ] {
        let mut list = command();
        list.args(["license", "list", "--url", &url, "--token", "x"]);
        assert_ours(&refusal(&list.output().expect("runs"), 3), cause);
    }
}

/// Answers one request with that, whoever asks, and tells what was asked for.
fn answering(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut asked = [0; 4096];
        let read = stream.read(&mut asked).expect("a request");
        stream.write_all(answer.as_bytes()).expect("it takes it");
        String::from_utf8_lossy(&asked[..read]).into_owned()
    });
    (address, thread)
}

#[test]
fn a_proxy_that_fails_is_named_and_can_be_left_out() {
    let list = |url: &str, proxy: &str, more: &[&str]| {
        let mut list = command();
        list.args(["license", "list", "--token", "x", "--url", url])
            .args(more);
        for name in ["HTTPS_PROXY", "HTTP_PROXY"] {
            list.env(name, format!("http://somebody:secret@{proxy}"));
        }
        list.env_remove("NO_PROXY").env_remove("no_proxy");
        refusal(&list.output().expect("runs"), 3)
    };
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let closed = listener.local_addr().expect("an address").to_string();
    drop(listener);
    for url in ["https://lictor.invalid", "http://lictor.invalid"] {
        let said = list(url, &closed, &[]);
        assert_ours(&said, &format!("by the proxy {closed}, which HTTPS_PROXY"));
        assert!(
            said.contains("Connection refused") && said.contains("--no-proxy"),
            "{said}"
        );
        assert!(!said.contains("secret"), "{said}");
        let said = list(url, &closed, &["--no-proxy"]);
        assert_ours(&said, "its name is unknown here");
        assert!(!said.contains("by the proxy"), "{said}");
    }
    for (status, cause) in [
        ("502 Bad Gateway", "a proxy between answers 502"),
        (
            "407 Proxy Authentication Required",
            "requires a name and a password",
        ),
    ] {
        let answer: &'static str = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").leak();
        let (address, asked) = answering(answer);
        let said = list("http://lictor.invalid", &address, &[]);
        assert_ours(&said, cause);
        assert!(
            !said.contains("into HTTPS_PROXY"),
            "HTTP_PROXY counts: {said}"
        );
        let asked = asked.join().expect("asked");
        assert!(
            asked.starts_with("GET http://lictor.invalid/v1/licenses"),
            "{asked}"
        );
    }
}

#[test]
fn a_gateway_before_the_server_is_told_from_it() {
    let folder = Folder::new();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let (copy, document) = (file("copy.db"), file("license.json"));
    write(&document, "{}");
    let id = "019a0000-0000-7000-8000-000000000000";
    let page = "<html><title>Sign in</title></html>";
    let elsewhere = "does not speak Lictor's API";
    for (status, body, said) in [
        ("502 Bad Gateway", "", "a proxy between answers 502"),
        (
            "502 Bad Gateway",
            r#"{"message":"no upstream"}"#,
            "a proxy between answers 502",
        ),
        (
            "503 No",
            r#"{"title":"Unavailable","detail":"no upstream"}"#,
            "a proxy between answers 503",
        ),
        (
            "500 No",
            r#"{"message":"no upstream"}"#,
            "is not Lictor: status 500",
        ),
        ("401 Unauthorized", page, "a proxy between answers 401"),
        (
            "401 Unauthorized",
            r#"{"message":"no key"}"#,
            "a proxy between answers 401",
        ),
        ("403 Forbidden", page, "a proxy between answers 403"),
        (
            "403 Forbidden",
            r#"{"type":"about:blank","title":"No"}"#,
            "a proxy between answers 403",
        ),
        (
            "407 No",
            r#"{"message":"no name"}"#,
            "requires a name and a password",
        ),
        ("413 Too Large", page, "what is sent is too large for it"),
        (
            "429 Too Many",
            r#"{"message":"slow down"}"#,
            "a proxy between answers 429",
        ),
        (
            "400 Bad Request",
            r#"{"message":"no","request_id":"7"}"#,
            elsewhere,
        ),
        ("404 Not Found", r#"{"message":"no route"}"#, elsewhere),
        ("302 Found", "", elsewhere),
        ("200 OK", page, elsewhere),
    ] {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
        let answer: &'static str = format!("{head}\r\n\r\n{body}").leak();
        for words in [
            &["license", "list"][..],
            &["license", "add", &document],
            &["license", "remove", id],
            &["lease", "release", id, "--fence", "1"],
            &["backup", &copy],
            &["backup", "--include-keys", &copy],
        ] {
            let (address, _) = answering(answer);
            let mut command = command();
            let url = format!("http://{address}");
            command.args(words).args(["--token", "x", "--url", &url]);
            assert_ours(&refusal(&command.output().expect("runs"), 3), said);
        }
    }
    // What no route sees is refused by the server itself, and that is its word.
    let (address, _) = answering(
        "HTTP/1.1 414 URI Too Long\r\ncontent-length: 22\r\n\r\n{\"message\":\"Ask less\"}",
    );
    let url = format!("http://{address}");
    let said = lictor(&["license", "list", "--token", "x", "--url", &url]);
    assert_ours(&refusal(&said, 1), "Ask less");
    // It has no word for a head that it does not read to the end.
    for status in ["414 URI Too Long", "431 Request Header Fields Too Large"] {
        let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: 0");
        let (address, _) = answering(format!("{head}\r\n\r\n").leak());
        let url = format!("http://{address}");
        let said = lictor(&["license", "list", "--token", "x", "--url", &url]);
        assert_ours(&refusal(&said, 1), "is too long for it");
    }
}

#[test]
fn an_option_that_cannot_be_read_is_refused_with_the_forms_of_it() {
    let folder = Folder::new();
    let config = folder.path().join("lictor.toml").display().to_string();
    for (option, value, cause) in [
        ("--log", "=", "write error, warn, info, debug, trace or off"),
        (
            "--log",
            "a=b=c",
            "write error, warn, info, debug, trace or off",
        ),
        ("--listen", "nowhere", "ADDRESS:PORT"),
        ("--connections-per-address", "x", "not a whole number"),
        ("--rate-limit", "5", "500/s"),
        ("--trusted-proxy", "10.0.0.0/40", "10.0.0.0/8"),
        ("--body-memory", "5", "96MB"),
        (
            "--census-max-age",
            "9z",
            "write a number and s, m, h, d or w",
        ),
        ("--trust-policy", "lax", "use verified or structural"),
    ] {
        let mut start = serve(&folder.path().join("data"));
        start.env("LICTOR_LISTEN", "nowhere").args([option, value]);
        assert_ours(&refusal(&start.output().expect("runs"), 2), cause);
    }
    for (line, cause) in [
        ("listen = 8001", "text is wanted, not this number"),
        ("listen = [\"a\"]", "text is wanted, not a list"),
        (
            "insecure-http = \"yes\"",
            "a boolean (true or false) is wanted, not text",
        ),
        ("trust = \"a.pub\"", "a list is wanted, not text"),
        ("trust-policy = \"lax\"", "verified"),
        (
            "lisen = \"x\"",
            "there is no member `lisen`; there are `data`, `new`, `listen`",
        ),
        ("listen = ", "this is not TOML"),
        ("listen : \"x\"", "this is not TOML"),
        ("[serve", "this is not TOML"),
        ("listen = \"x\"\nlisten = \"y\"", "a duplicate"),
    ] {
        write(&config, &format!("\n{line}\n"));
        let mut start = command();
        start
            .env("LICTOR_LISTEN", "nowhere")
            .args(["serve", "--config", &config]);
        let said = refusal(&start.output().expect("runs"), 2);
        assert!(said.contains(", line "), "{said}");
        assert_ours(&said, cause);
    }
}

#[test]
fn a_database_that_cannot_be_used_is_refused_with_what_to_do_and_no_word_of_sqlite() {
    let (_, _, folder) = Server::start(&[]).stop();
    let data = folder.path().join("data");
    let file = data.join("lictor.db");
    // Where a reader was closed last, what was written is still in the log beside the file.
    let database = rusqlite::Connection::open(&file).expect("opens");
    let emptied = database.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0));
    assert_eq!(emptied, Ok(0));
    drop(database);
    let good = std::fs::read(&file).expect("a database");
    let started = |options: &[&str]| {
        let mut start = serve(&data);
        start.args(options).output().expect("runs")
    };
    // A server that did not start can leave its log beside the file.
    let put = |bytes: &[u8]| {
        for name in ["lictor.db-wal", "lictor.db-shm"] {
            std::fs::remove_file(data.join(name)).ok();
        }
        std::fs::write(&file, bytes).expect("writes");
    };
    let altered = |sql: &str| {
        put(&good);
        let database = rusqlite::Connection::open(&file).expect("opens");
        database.execute_batch(sql).expect("is SQL");
    };
    let zeroed = |from: usize| {
        let mut bytes = good.clone();
        bytes[from..].fill(0);
        put(&bytes);
    };
    let advice = "restore a backup";
    zeroed(4_096);
    let refused = started(&[]);
    assert_ours(&refusal(&refused, 1), "the database is damaged");
    assert_ours(&refusal(&refused, 1), advice);
    for (sql, cause) in [
        (
            "DROP TABLE refinery_schema_history; PRAGMA user_version = 1",
            "could not be brought to the form of this version, and is as it was",
        ),
        ("DROP TABLE heads", "lictor check"),
        (
            "PRAGMA ignore_check_constraints = 1; UPDATE tokens SET role = 'x'",
            "lictor check",
        ),
        (
            "PRAGMA ignore_check_constraints = 1; UPDATE settings SET value = 'x'",
            "lictor check",
        ),
    ] {
        altered(sql);
        let said = refusal(&started(&[]), 1);
        assert_ours(&said, cause);
        assert_ours(&said, advice);
    }
    // Whoever wants the library's own words finds them in the log.
    altered("DROP TABLE heads");
    let output = started(&["--log", "debug"]);
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("no such table"),
        "{output:?}"
    );
    let folder = data.display().to_string();
    let check = |cause: &str| {
        let output = lictor(&["check", "--data", &folder]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = [output.stdout, output.stderr].concat();
        assert_ours(&String::from_utf8_lossy(&said), cause);
    };
    altered("DROP TABLE heads");
    check("restore a backup");
    altered("PRAGMA ignore_check_constraints = 1; UPDATE tokens SET secret_sha256 = x'00'");
    check("the table tokens holds what it may not");
    zeroed(8_192);
    check("no longer fit together");
    let copy = folder.replace("/data", "/restored");
    let restored = lictor(&["restore", &file.display().to_string(), "--data", &copy]);
    assert_ours(&refusal(&restored, 1), "damaged");
}
