//! One server for one test, and requests of which only a part is sent.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lictor_core::{Claims, Date};
pub(crate) use lictor_testkit::TestServer as Server;
use lictor_testkit::{Answer, Folder, OPERATOR, Running, serve, sign};
use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// How much more is sent of a request that drips, and how often: 40 kB a second.
const DRIP_BYTES: usize = 4 * 1024;
const SIP_BYTES: u32 = 24 * 1024;
const DRIP_PAUSE: Duration = Duration::from_millis(100);

/// Requests that are sent on, little by little, until this is dropped.
pub(crate) struct Dripping {
    streams: Arc<Mutex<Vec<TcpStream>>>,
    thread: Option<JoinHandle<()>>,
}

impl Dripping {
    /// Lets one more drip.
    pub(crate) fn add(&self, stream: TcpStream) {
        self.streams.lock().expect("no panic").push(stream);
    }
}

impl Drop for Dripping {
    fn drop(&mut self) {
        self.streams = Arc::default();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("no panic");
        }
    }
}

/// What is there at last: what is sent is not at once what is read, nor what is closed given back.
pub(crate) fn until<T>(mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if let Some(found) = found() {
            return found;
        }
    }
    panic!("it does not come");
}

/// A server whose clients hold what they can.
pub(crate) trait Bounded {
    /// One that may have so many files open.
    fn with_files(files: u32, options: &[&str]) -> Self;

    /// What a server says that does not start with these options.
    fn refused(options: &[&str]) -> String;

    /// A connection on which the operator asks for this path again and again.
    fn keep_asking(&self, path: &str) -> Asker;

    /// Stores so many licenses of about 60 kB each. Each ends before the one before it, so that all
    /// of them can be in force some day.
    fn large_licenses(&self, count: usize);

    /// Asks over HTTP/2 for so many answers, of which it takes nothing but their heads.
    fn ask_and_take_nothing(&self, path: &str, times: u32) -> TcpStream;

    /// Begins a request with a body of `length` bytes, and sends `sent` of them.
    fn begin(&self, head: &str, length: usize, sent: usize) -> TcpStream;

    /// Requests of which more is sent every now and then: who stands still lets go for who waits.
    fn dripping(&self) -> Dripping;

    /// Answers of [`Server::ask_and_take_nothing`], two to a connection, of which a little is taken every
    /// now and then.
    fn sipping(&self) -> Dripping;

    /// What is answered to a request of which nothing but the head is sent.
    fn asked_by_head(&self, method: &str, path: &str, headers: &str) -> String;
}

impl Bounded for Server {
    fn with_files(files: u32, options: &[&str]) -> Self {
        let folder = Folder::new();
        let served = serve(&folder.path().join("data"));
        let mut command = Command::new("sh");
        let script = format!("ulimit -n {files} && exec \"$0\" \"$@\"");
        command.arg("-c").arg(script).arg(served.get_program());
        command.args(served.get_args()).args(options);
        for (name, value) in served.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.env("LICTOR_ADMIN_TOKEN", OPERATOR);
        let running = Running::start(&mut command);
        Self {
            url: running.listening(),
            running,
            folder,
        }
    }

    fn refused(options: &[&str]) -> String {
        let folder = Folder::new();
        let mut command = serve(&folder.path().join("data"));
        let output = command.args(options).output().expect("lictor starts");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn keep_asking(&self, path: &str) -> Asker {
        let host = self.url.strip_prefix("http://").expect("plain HTTP");
        let stream = TcpStream::connect(host).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {OPERATOR}\r\n\r\n"
        );
        Asker { stream, request }
    }

    fn large_licenses(&self, count: usize) {
        for number in 0..count {
            let end = Date::parse(&format!("{}-01-01", 2_999 - number)).expect("a date");
            let document = sign(&Claims::new("Some Product", end));
            let payload = format!("{document}{}", " ".repeat(60_000 + number));
            self.add(&payload);
        }
    }

    fn ask_and_take_nothing(&self, path: &str, times: u32) -> TcpStream {
        let host = self.url.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(host).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        // SETTINGS_INITIAL_WINDOW_SIZE = 0
        bytes.extend(frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]));
        let token = format!("Bearer {OPERATOR}");
        // GET, http, then literals: a path, a host, a credential.
        let mut head = vec![0x82, 0x86, 0x04];
        literal(&mut head, path);
        head.push(0x01);
        literal(&mut head, host);
        head.extend([0x0f, 0x08]);
        literal(&mut head, &token);
        for number in 0..times {
            // With the ends of the head and of the request.
            bytes.extend(frame(1, 0x5, 2 * number + 1, &head));
        }
        stream.write_all(&bytes).expect("it is taken");
        stream
    }

    fn begin(&self, head: &str, length: usize, sent: usize) -> TcpStream {
        let host = self.url.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(host).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = format!(
            "{head} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {OPERATOR}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is taken");
        stream.write_all(&vec![b' '; sent]).expect("it is taken");
        stream
    }

    fn dripping(&self) -> Dripping {
        sending_on(vec![b' '; DRIP_BYTES])
    }

    fn sipping(&self) -> Dripping {
        let little = |stream| frame(8, 0, stream, &SIP_BYTES.to_be_bytes());
        sending_on([little(0), little(1), little(3)].concat())
    }

    fn asked_by_head(&self, method: &str, path: &str, headers: &str) -> String {
        let host = self.url.strip_prefix("http://").expect("plain HTTP");
        let mut stream = TcpStream::connect(host).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\
             Content-Type: application/json\r\nContent-Length: 4097\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).expect("it is taken");
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).expect("text")
    }
}

fn sending_on(bytes: Vec<u8>) -> Dripping {
    let streams = Arc::<Mutex<Vec<TcpStream>>>::default();
    let dripped = Arc::downgrade(&streams);
    let thread = thread::spawn(move || {
        while let Some(streams) = dripped.upgrade() {
            for mut stream in streams.lock().expect("no panic").iter() {
                // It may have been turned away.
                let _ = stream.write_all(&bytes);
                let _ = stream.set_nonblocking(true);
                while stream.read(&mut [0; 64 * 1024]).is_ok_and(|read| read > 0) {}
            }
            drop(streams);
            thread::sleep(DRIP_PAUSE);
        }
    });
    Dripping {
        streams,
        thread: Some(thread),
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short one");
    let [_, high, middle, low] = length.to_be_bytes();
    let mut bytes = vec![high, middle, low, kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A text without Huffman's code, of less than 127 bytes.
fn literal(head: &mut Vec<u8>, text: &str) {
    head.push(u8::try_from(text.len()).expect("a short one"));
    head.extend(text.as_bytes());
}

/// Who keeps a connection.
pub(crate) struct Asker {
    stream: TcpStream,
    request: String,
}

impl Asker {
    /// The status of the next answer, which is short.
    pub(crate) fn ask(&mut self) -> u16 {
        let request = self.request.as_bytes();
        self.stream.write_all(request).expect("it is taken");
        let mut answer = [0; 4096];
        let read = self.stream.read(&mut answer).expect("an answer");
        let answer = String::from_utf8_lossy(&answer[..read]);
        let status = answer.get(9..12).and_then(|status| status.parse().ok());
        status.unwrap_or_else(|| panic!("no answer: {answer:?}"))
    }
}

/// Asserts that the server had no memory for it, and says so where this dialect looks.
#[track_caller]
pub(crate) fn is_turned_away(answer: &Answer, member: &str, said: &str) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"), "{answer:?}");
    let body = answer.value();
    let text = body.pointer(member).and_then(Value::as_str);
    assert!(text.is_some_and(|text| text.contains(said)), "{answer:?}");
}
