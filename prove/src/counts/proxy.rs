//! A proxy between a node and the control plane that loses answers, repeats, delays and reorders reports, and cuts connections.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::super::random::Random;

/// The one request that is tampered with.
const REPORT: &[u8] = b"POST /v1/feed/report ";

const LONGEST_DELAY_MILLISECONDS: u64 = 700;

const PATIENCE: Duration = Duration::from_secs(20);

/// What becomes of a report.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Passed,
    /// It arrives, and the node never hears so.
    AnswerLost,
    SentTwice,
    /// It arrives behind newer ones; the node hears nothing.
    HeldBack,
    Delayed,
    /// It never arrives.
    Cut,
    /// Only a part of it arrives.
    CutWithin,
}

impl Fate {
    const ALL: [Self; 7] = [
        Self::Passed,
        Self::AnswerLost,
        Self::SentTwice,
        Self::HeldBack,
        Self::Delayed,
        Self::Cut,
        Self::CutWithin,
    ];

    /// Every second report passes, or nothing would ever come of them; the others meet each fate in
    /// turn, so that none is left out.
    fn of(number: usize) -> Self {
        match number % 2 {
            0 => Self::Passed,
            _ => Self::ALL[1 + number / 2 % (Self::ALL.len() - 1)],
        }
    }
}

/// A proxy of one node. Its threads end with the connections that they serve.
pub(super) struct Proxy {
    /// Where the node reaches it.
    pub(super) address: String,
    shared: Arc<Shared>,
}

struct Shared {
    /// Where the control plane is now.
    upstream: Mutex<String>,
    random: Mutex<Random>,
    honest: AtomicBool,
    ended: AtomicBool,
    /// How many reports came, from where this proxy began to count.
    reports: AtomicUsize,
    /// How many arrived.
    arrived: AtomicUsize,
    /// Reports that did not arrive yet, for all their node knows.
    held: Mutex<Vec<Vec<u8>>>,
    fates: [AtomicU64; Fate::ALL.len()],
}

impl Proxy {
    /// The proxy of the node with this number: each begins with another fate.
    pub(super) fn start(upstream: &str, number: usize, seed: u64) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?.to_string();
        let shared = Arc::new(Shared {
            upstream: Mutex::new(upstream.to_owned()),
            random: Mutex::new(Random::new(seed ^ number as u64)),
            honest: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            reports: AtomicUsize::new(2 * number),
            arrived: AtomicUsize::new(0),
            held: Mutex::default(),
            fates: Default::default(),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.ended.load(Ordering::SeqCst) {
                    return;
                }
                let shared = Arc::clone(&serving);
                // A connection that breaks is what this is for.
                thread::spawn(move || shared.serve(stream).ok());
            }
        });
        Ok(Self { address, shared })
    }

    /// The control plane has moved.
    pub(super) fn lead_to(&self, upstream: &str) {
        lock(&self.shared.upstream).replace_range(.., upstream);
    }

    /// How many reports have arrived, in one way or another.
    pub(super) fn arrived(&self) -> usize {
        self.shared.arrived.load(Ordering::SeqCst)
    }

    /// From now on every report passes.
    pub(super) fn be_honest(&self) {
        self.shared.honest.store(true, Ordering::SeqCst);
    }

    /// From now on reports meet their fates again.
    pub(super) fn be_dishonest(&self) {
        self.shared.honest.store(false, Ordering::SeqCst);
    }

    /// Sends what was held back so long; how many reports that were.
    pub(super) fn deliver_held(&self) -> io::Result<usize> {
        let held = std::mem::take(&mut *lock(&self.shared.held));
        for report in &held {
            self.shared.exchange(report)?;
        }
        Ok(held.len())
    }

    /// How often each thing became of a report.
    pub(super) fn fates(&self) -> Vec<(String, u64)> {
        let fates = Fate::ALL.iter().zip(&self.shared.fates);
        fates
            .map(|(fate, times)| (format!("{fate:?}"), times.load(Ordering::SeqCst)))
            .collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::SeqCst);
        // The listener wakes up once more, and sees.
        TcpStream::connect(&self.address).ok();
    }
}

impl Shared {
    /// One request of a connection; then it is closed, so that each is decided on anew.
    fn serve(&self, mut stream: TcpStream) -> io::Result<()> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let request = read_request(&mut stream)?;
        if !request.starts_with(REPORT) || self.honest.load(Ordering::SeqCst) {
            return self.relay(&request, &mut stream);
        }
        let fate = Fate::of(self.reports.fetch_add(1, Ordering::SeqCst));
        self.fates[fate as usize].fetch_add(1, Ordering::SeqCst);
        match fate {
            Fate::Passed => self.relay(&request, &mut stream)?,
            Fate::AnswerLost => self.exchange(&request)?,
            Fate::SentTwice => {
                self.exchange(&request)?;
                self.relay(&request, &mut stream)?;
            }
            Fate::HeldBack => {
                lock(&self.held).push(request);
                return Ok(());
            }
            Fate::Delayed => {
                let delay = lock(&self.random).below(LONGEST_DELAY_MILLISECONDS);
                thread::sleep(Duration::from_millis(delay));
                self.relay(&request, &mut stream)?;
            }
            Fate::Cut => return Ok(()),
            Fate::CutWithin => {
                let part = &request[..request.len() - request.len() / 8];
                return self.connect()?.write_all(part);
            }
        }
        self.arrived.fetch_add(1, Ordering::SeqCst);
        self.deliver_an_older_one()
    }

    fn deliver_an_older_one(&self) -> io::Result<()> {
        let mut held = lock(&self.held);
        // The first one stays for the very end.
        if held.len() < 2 || lock(&self.random).below(2) == 0 {
            return Ok(());
        }
        let report = held.remove(1);
        drop(held);
        let sent = self.exchange(&report);
        if sent.is_err() {
            lock(&self.held).push(report);
        }
        sent
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let upstream = TcpStream::connect(&*lock(&self.upstream))?;
        upstream.set_nodelay(true)?;
        Ok(upstream)
    }

    /// Sends a request and reads its whole answer for nobody.
    fn exchange(&self, request: &[u8]) -> io::Result<()> {
        let mut upstream = self.connect()?;
        upstream.set_read_timeout(Some(PATIENCE))?;
        upstream.write_all(request)?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer)?;
        match answer.starts_with(b"HTTP/1.1 200 ") {
            true => Ok(()),
            false => Err(io::Error::other(
                String::from_utf8_lossy(&answer).into_owned(),
            )),
        }
    }

    /// Sends a request and passes its answer on as it comes.
    fn relay(&self, request: &[u8], stream: &mut TcpStream) -> io::Result<()> {
        let mut upstream = self.connect()?;
        upstream.write_all(request)?;
        let copied = io::copy(&mut upstream, stream);
        stream.shutdown(Shutdown::Both)?;
        copied.map(|_| ())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads one request, and has it ask for the connection to be closed behind it.
fn read_request(stream: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut request = Vec::new();
    let mut part = [0; 4_096];
    let end = loop {
        if let Some(end) = request.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        read_more(stream, &mut part, &mut request)?;
    };
    let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length
        .and_then(|length| length.trim().parse().ok())
        .unwrap_or(0);
    while request.len() < end + 4 + length {
        read_more(stream, &mut part, &mut request)?;
    }
    request.splice(end..end, *b"\r\nconnection: close");
    Ok(request)
}

fn read_more(stream: &mut impl Read, part: &mut [u8], into: &mut Vec<u8>) -> io::Result<()> {
    match stream.read(part)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        read => {
            into.extend_from_slice(&part[..read]);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_to_its_end_and_asks_to_close() {
        let wire = b"POST /v1/feed/report HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}";
        let read = read_request(&mut &wire[..]).unwrap();
        let closing =
            b"POST /v1/feed/report HTTP/1.1\r\nContent-Length: 2\r\nconnection: close\r\n\r\n{}";
        assert_eq!(read, closing);
        assert!(read_request(&mut &wire[..wire.len() - 1]).is_err());
    }
}
