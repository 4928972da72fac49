//! Attackers that stall: they read little or nothing, send nothing useful, or repeat themselves. The server cuts each off in its time.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use anyhow::{Result, anyhow};
use lictor_testkit::OPERATOR;
use lictor_testkit::limits::give_way;
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::http2;

/// What is granted beyond a deadline on a busy machine.
const SLACK: Duration = Duration::from_secs(15);

/// Between two attempts of one attacker.
const PAUSE: Duration = Duration::from_millis(200);

/// Between two drops.
const DROP: Duration = Duration::from_secs(2);

/// Streams of one who has signed in, and of one who has not.
const STREAMS: u32 = 10;
const CROWD: u32 = 100;

type Attempt = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// One way to stand still, which ends when the server ends it.
struct StalledAttack {
    name: &'static str,
    granted: Duration,
    /// By its address and a token of a tenant.
    once: fn(String, String) -> Attempt,
}

const ATTACKS: [StalledAttack; 8] = [
    StalledAttack {
        name: "with windows of 0",
        granted: Duration::from_secs(75),
        once: |address, _| Box::pin(windows_of_zero(address)),
    },
    StalledAttack {
        name: "who take a byte of each answer",
        granted: Duration::from_secs(75),
        once: |address, token| Box::pin(taken_in_part(address, token)),
    },
    StalledAttack {
        name: "who ask over and over and take nothing",
        granted: Duration::from_secs(75),
        once: |address, _| Box::pin(asked_in_vain(address)),
    },
    StalledAttack {
        name: "with many streams and no token",
        granted: Duration::from_secs(75),
        once: |address, _| Box::pin(crowded(address)),
    },
    StalledAttack {
        name: "who take drops",
        granted: Duration::from_secs(75),
        once: |address, _| Box::pin(taken_in_drops(address)),
    },
    StalledAttack {
        name: "who send empty lines",
        granted: Duration::from_secs(5),
        once: |address, _| Box::pin(empty_lines(address)),
    },
    StalledAttack {
        name: "who say nothing",
        granted: Duration::from_secs(10),
        once: |address, _| Box::pin(silent(address)),
    },
    StalledAttack {
        name: "who send frames that carry nothing",
        granted: Duration::from_secs(1),
        once: |address, _| Box::pin(empty_frames(address)),
    },
];

/// All attackers, who do not come again when dropped.
pub(super) struct Stalled {
    ended: Arc<AtomicBool>,
    runner: Option<JoinHandle<Result<Vec<AttackResult>>>>,
}

/// What came of one way.
struct AttackResult {
    name: &'static str,
    came: usize,
    held: usize,
}

impl Stalled {
    /// Lets `each` attackers begin in every way.
    pub(super) fn begin(address: &str, token: &str, each: usize) -> Self {
        let ended = Arc::new(AtomicBool::new(false));
        let (address, own) = ((address.to_owned(), token.to_owned()), Arc::clone(&ended));
        let runner = spawn(move || attack(&address, each, &own));
        Self {
            ended,
            runner: Some(runner),
        }
    }

    /// Lets them come no more.
    pub(super) fn leave(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Waits until all are cut off or have been held for too long, and names
    /// the ways in which any was.
    pub(super) fn outlast(mut self) -> Result<Vec<String>> {
        self.leave();
        let runner = self.runner.take().ok_or_else(|| anyhow!("ended before"))?;
        let told = runner
            .join()
            .map_err(|_| anyhow!("an attacker panicked"))??;
        for AttackResult { name, came, held } in &told {
            println!("attackers {name}: came {came} times, held too long {held} times");
        }
        let late = |told: &AttackResult| {
            let nobody = if told.came == 0 { "nobody came " } else { "" };
            (told.held > 0 || told.came == 0)
                .then(|| format!("{nobody}{} {}", told.held, told.name))
        };
        Ok(told.iter().filter_map(late).collect())
    }
}

impl Drop for Stalled {
    fn drop(&mut self) {
        self.leave();
    }
}

fn attack(
    address: &(String, String),
    each: usize,
    ended: &Arc<AtomicBool>,
) -> Result<Vec<AttackResult>> {
    give_way()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut attackers = JoinSet::new();
        for (number, way) in ATTACKS.iter().enumerate() {
            for _ in 0..each {
                let (address, ended) = (address.clone(), Arc::clone(ended));
                attackers.spawn(async move { (number, again(way, address, &ended).await) });
            }
        }
        let mut told: Vec<AttackResult> = ATTACKS
            .iter()
            .map(|way| AttackResult {
                name: way.name,
                came: 0,
                held: 0,
            })
            .collect();
        while let Some(ended) = attackers.join_next().await {
            let (number, (came, held)) = ended.map_err(|_| anyhow!("an attacker panicked"))?;
            told[number].came += came;
            told[number].held += held;
        }
        Ok(told)
    })
}

/// How often it came, and how often it was held for longer than it should have been.
async fn again(
    way: &StalledAttack,
    (address, token): (String, String),
    ended: &AtomicBool,
) -> (usize, usize) {
    let (mut came, mut held) = (0, 0);
    while !ended.load(Ordering::Relaxed) {
        came += 1;
        let once = timeout(
            way.granted + SLACK,
            (way.once)(address.clone(), token.clone()),
        );
        held += usize::from(once.await.is_err());
        sleep(PAUSE).await;
    }
    (came, held)
}

/// Asks on some streams, takes nothing, and answers every PING.
async fn windows_of_zero(address: String) -> Result<()> {
    still(address, "/licenses?size=10", OPERATOR, (STREAMS, 0)).await
}

/// The same with as many streams as there may be, of each of which a byte is taken.
async fn taken_in_part(address: String, token: String) -> Result<()> {
    still(address, "/v1/applications", &token, (CROWD, 1)).await
}

/// The same by somebody without a token, with as many streams as there may be.
async fn crowded(address: String) -> Result<()> {
    still(address, "/healthz", "nobody's", (CROWD, 0)).await
}

async fn still(
    address: String,
    path: &str,
    token: &str,
    (streams, window): (u32, usize),
) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    let mut bytes = http2::opening(window);
    for number in 0..streams {
        let head = http2::Head {
            method: "GET",
            path,
            token,
        };
        bytes.extend(head.frame(number, true));
    }
    stream.write_all(&bytes).await?;
    loop {
        let (kind, flags, payload) = http2::read(&mut stream).await?;
        if let Some(answer) = http2::answer(kind, flags, &payload) {
            stream.write_all(&answer).await?;
        }
    }
}

/// The kernel takes next to nothing for this peer.
async fn connect_narrowly(address: &str) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.set_recv_buffer_size(4_096)?;
    Ok(socket.connect(address.parse()?).await?)
}

/// Sends requests for as long as the server takes them, without a token, and reads no answer.
async fn asked_in_vain(address: String) -> Result<()> {
    let mut stream = connect_narrowly(&address).await?;
    let requests = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500);
    let (heard, mut said) = stream.split();
    let asking = async { while said.write_all(requests.as_bytes()).await.is_ok() {} };
    tokio::select! {
        reset = heard.ready(Interest::ERROR) => {
            reset?;
        }
        () = asking => {}
    }
    Ok(())
}

/// Takes 500 bytes a second of a long list.
async fn taken_in_drops(address: String) -> Result<()> {
    let mut stream = connect_narrowly(&address).await?;
    let request = format!(
        "GET /licenses?size=1000 HTTP/1.1\r\nHost: a\r\nKong-Admin-Token: {OPERATOR}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut drop = [0; 1_000];
    loop {
        stream.read_exact(&mut drop).await?;
        sleep(DROP).await;
    }
}

async fn empty_lines(address: String) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    loop {
        stream.write_all(b"\r\n").await?;
        sleep(DROP / 4).await;
    }
}

async fn silent(address: String) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.read_u8().await?;
    Ok(())
}

async fn empty_frames(address: String) -> Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(&http2::opening(0)).await?;
    let frames = http2::priority().repeat(500);
    loop {
        stream.write_all(&frames).await?;
    }
}
