//! Figures of the server itself for Prometheus: counters that cost a request a few atomic additions.
//! Who may read them is the router's business.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use lictor_authority::clock::ClockFigures;
use lictor_authority::{LicenseEnd, NodesOf, Sizes};
use lictor_core::exposition::{Exposition, Format, Kind, Section};

use super::traffic::{Connections, Cut, Traffic};

const METHODS: [&str; 8] = [
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other",
];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// The upper bounds of the latency buckets, in seconds; the last bucket has none.
const BOUNDS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
];

/// How often the store committed, and how many writes were in these commits.
pub type StoreFigures = dyn Fn() -> (u64, u64) + Send + Sync;

/// What is told of nodes.
#[derive(Debug)]
pub struct Nodes {
    /// How many run more than once at a time.
    pub copied: usize,
    /// How many each application has, and is granted.
    pub of: Vec<NodesOf>,
}

/// The database.
pub struct Database {
    /// The engine and its version.
    pub engine: String,
    /// How large it is.
    pub sizes: Sizes,
    /// How often a stored license was looked at.
    pub licenses_looked_at: u64,
}

/// The counters of one server.
pub struct Metrics {
    dialects: Vec<Counters>,
    store: Box<StoreFigures>,
    process: Box<Section>,
    connections: Arc<Connections>,
}

/// The counters of one dialect.
#[derive(Default)]
struct Counters {
    name: &'static str,
    requests: [[AtomicU64; CLASSES.len()]; METHODS.len()],
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Metrics {
    /// All counters at zero, by the names of the dialects; `store` and `process` are asked when they
    /// are read.
    pub fn new(dialects: &[&'static str], store: Box<StoreFigures>, process: Box<Section>) -> Self {
        let counters = |name: &&'static str| Counters {
            name,
            ..Counters::default()
        };
        Self {
            dialects: dialects.iter().map(counters).collect(),
            store,
            process,
            connections: Arc::default(),
        }
    }

    /// What its connections are counted by.
    pub fn connections(&self) -> Arc<Connections> {
        Arc::clone(&self.connections)
    }

    /// Connections and requests since the server started.
    pub fn traffic(&self) -> Traffic {
        let classes = self.dialects.iter().flat_map(|dialect| &dialect.requests);
        let counts = classes.flatten();
        let requests = counts.map(|count| count.load(Ordering::Relaxed)).sum();
        self.connections.with(requests)
    }

    /// Counts one answered request of the n-th dialect.
    pub fn count(&self, dialect: usize, method: &Method, status: StatusCode, took: Duration) {
        let Some(counters) = self.dialects.get(dialect) else {
            return;
        };
        let name = method.as_str();
        let method = METHODS.iter().position(|known| *known == name);
        let method = method.unwrap_or(METHODS.len() - 1);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        counters.requests[method][class].fetch_add(1, Ordering::Relaxed);
        let bucket = BOUNDS.partition_point(|bound| *bound < took.as_secs_f64());
        counters.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        counters
            .nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
    }

    /// All figures, with the ends of the licenses in force, as text.
    pub fn text(
        &self,
        format: Format,
        database: &Database,
        licenses: &[LicenseEnd],
        clock: ClockFigures,
        quotas: &[(&'static str, u64)],
        nodes: &Nodes,
    ) -> String {
        let mut text = Exposition::new(format);
        self.requests(&mut text);
        self.cuts(&mut text);
        self.writes(&mut text);
        text.family(
            "lictor_licenses_looked_at",
            Kind::Counter,
            "Times that a stored license was looked at to find the one in force",
        )
        .sample(&[], database.licenses_looked_at);
        clock_figures(&mut text, &clock);
        let help = "Requests refused because they would exceed a quota";
        let mut family = text.family("lictor_quota_refusals", Kind::Counter, help);
        for (quota, refused) in quotas {
            family.sample(&[("quota", *quota)], *refused);
        }
        text.gauge(
            "lictor_nodes_copied",
            "Nodes that run more than once at a time, as their folders were copied, or in an older folder \
             that was put back",
            nodes.copied,
        );
        places(&mut text, &nodes.of);
        of_store(&mut text, &database.sizes);
        ends(&mut text, licenses);
        (self.process)(&mut text);
        let build = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("engine", &*database.engine),
        ];
        text.family(
            "lictor_build",
            Kind::Info,
            "The version that runs, and its database",
        )
        .sample(&build, 1);
        text.finish()
    }

    fn writes(&self, text: &mut Exposition) {
        let (commits, writes) = (self.store)();
        text.family(
            "lictor_store_commits",
            Kind::Counter,
            "Transactions committed",
        )
        .sample(&[], commits);
        text.family(
            "lictor_store_writes",
            Kind::Counter,
            "Writes stored in these transactions",
        )
        .sample(&[], writes);
    }

    fn cuts(&self, text: &mut Exposition) {
        let help = "Connections and HTTP/2 streams that the server ended early";
        let mut family = text.family("lictor_cut", Kind::Counter, help);
        for cut in Cut::ALL {
            family.sample(&cut.labels(), self.connections.cut(cut));
        }
    }

    fn requests(&self, text: &mut Exposition) {
        let mut requests = text.family("lictor_requests", Kind::Counter, "Requests answered");
        for dialect in &self.dialects {
            for (method, classes) in METHODS.iter().zip(&dialect.requests) {
                for (class, count) in CLASSES.iter().zip(classes) {
                    let count = count.load(Ordering::Relaxed);
                    if count > 0 {
                        let labels = [
                            ("dialect", dialect.name),
                            ("method", method),
                            ("status", class),
                        ];
                        requests.sample(&labels, count);
                    }
                }
            }
        }
        let mut latency = text.family(
            "lictor_request_duration_seconds",
            Kind::Histogram,
            "Time to the head of the answer",
        );
        for dialect in &self.dialects {
            let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
            let buckets: Vec<(f64, u64)> = bounds
                .zip(dialect.buckets.iter().map(|n| n.load(Ordering::Relaxed)))
                .collect();
            let sum = Duration::from_nanos(dialect.nanoseconds.load(Ordering::Relaxed));
            latency.histogram(&[("dialect", dialect.name)], &buckets, sum.as_secs_f64());
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

/// What elapsed time says of the wall clock.
fn clock_figures(text: &mut Exposition, clock: &ClockFigures) {
    text.family(
        "lictor_clock_steps",
        Kind::Counter,
        "Times that the wall clock was set by more than 10 seconds",
    )
    .sample(&[], clock.steps);
    text.family(
        "lictor_clock_ahead_seconds",
        Kind::Gauge,
        "Seconds that the wall clock is ahead of elapsed time",
    )
    .sample(&[], clock.ahead);
}

/// How many nodes each application has and is granted.
fn places(text: &mut Exposition, nodes: &[NodesOf]) {
    let mut family = |name, help, figure: fn(&NodesOf) -> Option<u64>| {
        let mut family = text.family(name, Kind::Gauge, help);
        for of in nodes {
            let labels = [
                ("organization", of.organization.as_str()),
                ("application", of.application.as_str()),
            ];
            if let Some(figure) = figure(of) {
                family.sample(&labels, figure);
            }
        }
    };
    family(
        "lictor_nodes_enrolled",
        "Nodes that take a place, of each application that has any",
        |of| Some(of.enrolled),
    );
    family(
        "lictor_nodes_granted",
        "Nodes that the license in force grants it, where it limits them",
        |of| of.granted.map(u64::from),
    );
}

/// How large what is stored is.
fn of_store(text: &mut Exposition, sizes: &Sizes) {
    text.gauge(
        "lictor_database_bytes",
        "Bytes of the database's file",
        sizes.database,
    );
    text.gauge(
        "lictor_database_free_bytes",
        "Free bytes in it, reused before it grows",
        sizes.free,
    );
    text.gauge(
        "lictor_database_log_bytes",
        "Bytes of the log beside it, which goes into it now and then",
        sizes.log,
    );
    text.gauge(
        "lictor_ledger_bytes",
        "Bytes of all ledger entries, without what finds them",
        sizes.ledger,
    );
    text.gauge(
        "lictor_payload_bytes",
        "Bytes of the payloads of licenses, of those that are gone too",
        sizes.payloads,
    );
}

/// Both ends of each application's license: its own, and that of what follows it.
fn ends(text: &mut Exposition, licenses: &[LicenseEnd]) {
    let mut family = |name, help, seconds: fn(&LicenseEnd) -> i64| {
        let mut family = text.family(name, Kind::Gauge, help);
        for license in licenses {
            let labels = [
                ("organization", license.organization.as_str()),
                ("application", license.application.as_str()),
            ];
            family.sample(&labels, seconds(license));
        }
    };
    family(
        "lictor_license_expires_seconds",
        "Seconds until the license in force ends, whatever follows it; 0: none is in force",
        |license| license.seconds_left,
    );
    family(
        "lictor_license_covered_seconds",
        "Seconds until no license is in force, including stored renewals; alert on this",
        |license| license.covered_seconds,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_dialect_method_and_class() {
        let metrics = Metrics::new(
            &["first", "second"],
            Box::new(|| (2, 7)),
            Box::new(|text| text.gauge("of_the_process", "A figure", 5)),
        );
        let took = Duration::from_millis(3);
        metrics.count(1, &Method::GET, StatusCode::OK, took);
        metrics.count(1, &Method::GET, StatusCode::NO_CONTENT, took);
        metrics.count(0, &Method::TRACE, StatusCode::NOT_FOUND, took);
        let open = metrics.connections().open();
        metrics.connections().note_cut(Cut::SlowHead);
        let traffic = metrics.traffic();
        assert_eq!((traffic.open, traffic.requests), (1, 3));
        drop(open);
        let end = LicenseEnd {
            organization: "default".to_owned(),
            application: "editor".to_owned(),
            seconds_left: 86_400,
            covered_seconds: 172_800,
        };
        let nodes = NodesOf {
            organization: "default".to_owned(),
            application: "editor".to_owned(),
            enrolled: 10,
            granted: Some(2),
        };
        let clock = ClockFigures {
            steps: 3,
            ahead: -7_200,
        };
        let sizes = Sizes {
            database: 9_000,
            log: 800,
            free: 70,
            ledger: 6_000,
            payloads: 500,
        };
        let text = metrics.text(
            Format::OpenMetrics,
            &Database {
                engine: "sqlite 3".to_owned(),
                sizes,
                licenses_looked_at: 6,
            },
            &[end],
            clock,
            &[("tokens", 4)],
            &Nodes {
                copied: 2,
                of: vec![nodes],
            },
        );
        for line in [
            r#"lictor_requests_total{dialect="second",method="GET",status="2xx"} 2"#,
            r#"lictor_requests_total{dialect="first",method="other",status="4xx"} 1"#,
            r#"lictor_request_duration_seconds_bucket{le="0.0025",dialect="second"} 0"#,
            r#"lictor_request_duration_seconds_bucket{le="0.005",dialect="second"} 2"#,
            r#"lictor_request_duration_seconds_count{dialect="second"} 2"#,
            r#"lictor_cut_total{what="connection",reason="slow-head"} 1"#,
            r#"lictor_cut_total{what="stream",reason="untaken"} 0"#,
            "lictor_store_commits_total 2",
            "lictor_store_writes_total 7",
            "lictor_licenses_looked_at_total 6",
            "lictor_clock_steps_total 3",
            r#"lictor_quota_refusals_total{quota="tokens"} 4"#,
            "lictor_clock_ahead_seconds -7200",
            "lictor_nodes_copied 2",
            r#"lictor_nodes_enrolled{organization="default",application="editor"} 10"#,
            r#"lictor_nodes_granted{organization="default",application="editor"} 2"#,
            "lictor_database_bytes 9000",
            "lictor_database_free_bytes 70",
            "lictor_database_log_bytes 800",
            "lictor_ledger_bytes 6000",
            "lictor_payload_bytes 500",
            "of_the_process 5",
            r#"lictor_license_expires_seconds{organization="default",application="editor"} 86400"#,
            r#"lictor_license_covered_seconds{organization="default",application="editor"} 172800"#,
            concat!(
                r#"lictor_build_info{version=""#,
                env!("CARGO_PKG_VERSION"),
                r#"",engine="sqlite 3"} 1"#
            ),
            "# EOF",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
