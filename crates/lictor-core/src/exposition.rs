//! Metrics in the formats that Prometheus and similar tools read.

use std::fmt::{Display, Write as _};

/// A format that metrics can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Prometheus' text format, the default.
    Text,
    /// `OpenMetrics` text.
    OpenMetrics,
}

/// How two media ranges compare that both fit: the more exact one counts.
const EXACT: u8 = 2;

/// The weight of a media range that says none.
const FULL_WEIGHT: f32 = 1.0;

impl Format {
    /// The format that these values of `Accept` headers ask for. `OpenMetrics` goes only to who names it,
    /// and does not weigh plain text higher.
    pub fn asked_for<'a>(accept: impl IntoIterator<Item = &'a str>) -> Self {
        let mut open_metrics: f32 = 0.0;
        let mut text = (0, 0.0);
        for range in accept.into_iter().flat_map(|value| value.split(',')) {
            let mut parameters = range.split(';').map(str::trim);
            let media = parameters.next().unwrap_or_default().to_ascii_lowercase();
            let parameters: Vec<_> = parameters.filter_map(parameter).collect();
            let weight = weight(&parameters);
            let exactness = match media.as_str() {
                "application/openmetrics-text" if is_known_version(&parameters) => {
                    open_metrics = open_metrics.max(weight);
                    continue;
                }
                "text/plain" => EXACT,
                "text/*" => 1,
                "*/*" => 0,
                _ => continue,
            };
            text = match text {
                (known, _) if exactness > known => (exactness, weight),
                (known, heaviest) if exactness == known => (known, weight.max(heaviest)),
                heavier => heavier,
            };
        }
        if open_metrics > 0.0 && open_metrics >= text.1 {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }

    /// The content type of a text in this format.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The name, in lower case, and the value of a parameter.
fn parameter(text: &str) -> Option<(String, &str)> {
    let (name, value) = text.split_once('=')?;
    let value = value.trim().trim_matches('"');
    Some((name.trim().to_ascii_lowercase(), value))
}

/// The weight of a media range, 0 to 1; one that cannot be read counts for nothing.
fn weight(parameters: &[(String, &str)]) -> f32 {
    let given = parameters.iter().find(|(name, _)| name == "q");
    given.map_or(FULL_WEIGHT, |(_, value)| {
        let value: f32 = value.parse().unwrap_or_default();
        if (0.0..=FULL_WEIGHT).contains(&value) {
            value
        } else {
            0.0
        }
    })
}

fn is_known_version(parameters: &[(String, &str)]) -> bool {
    let given = parameters.iter().find(|(name, _)| name == "version");
    given.is_none_or(|(_, version)| matches!(*version, "1.0.0" | "0.0.1"))
}

/// What kind of figure a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It only rises, but for a new start; its samples' names end in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many observations were at most so large.
    Histogram,
    /// It is in the labels, its value always 1; its sample's name ends in `_info`.
    Info,
}

/// What adds metrics of its own, such as those of a process to those of the server in it.
pub type Section = dyn Fn(&mut Exposition) + Send + Sync;

/// Metrics that are being written.
#[derive(Debug)]
pub struct Exposition {
    format: Format,
    text: String,
}

impl Exposition {
    /// Begins with none.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            text: String::new(),
        }
    }

    /// Begins the metric `name`, which says nothing of its kind; `help` is one line that ends without
    /// a point.
    pub fn family(&mut self, name: &str, kind: Kind, help: &str) -> Family<'_> {
        let sample = match kind {
            Kind::Counter => format!("{name}_total"),
            Kind::Info => format!("{name}_info"),
            Kind::Gauge | Kind::Histogram => name.to_owned(),
        };
        // Prometheus' own format knows no ends of names, and no `info`.
        let (name, kind) = match (self.format, kind) {
            (Format::Text, Kind::Counter) => (sample.as_str(), "counter"),
            (Format::Text, Kind::Info) => (sample.as_str(), "gauge"),
            (Format::OpenMetrics, Kind::Counter) => (name, "counter"),
            (Format::OpenMetrics, Kind::Info) => (name, "info"),
            (_, Kind::Gauge) => (name, "gauge"),
            (_, Kind::Histogram) => (name, "histogram"),
        };
        // Writing to a text never fails.
        let _ = write!(self.text, "# HELP {name} {help}.\n# TYPE {name} {kind}\n");
        Family {
            text: &mut self.text,
            sample,
        }
    }

    /// A gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &str, value: impl Display) {
        self.family(name, Kind::Gauge, help).sample(&[], value);
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

/// The samples of one metric.
#[derive(Debug)]
pub struct Family<'a> {
    text: &'a mut String,
    sample: String,
}

impl Family<'_> {
    /// A sample with these labels.
    pub fn sample(&mut self, labels: &[(&str, &str)], value: impl Display) -> &mut Self {
        self.write("", labels, value);
        self
    }

    /// All samples of a histogram: how many observations fell below each bound and above the one
    /// before it, the last bound infinite, and the sum of all.
    pub fn histogram(&mut self, labels: &[(&str, &str)], buckets: &[(f64, u64)], sum: f64) {
        let mut count = 0_u64;
        for (bound, within) in buckets {
            count = count.saturating_add(*within);
            let bound = match bound.is_finite() {
                true => format!("{bound:?}"),
                false => "+Inf".to_owned(),
            };
            let labels = [&[("le", bound.as_str())], labels].concat();
            self.write("_bucket", &labels, count);
        }
        self.write("_sum", labels, sum);
        self.write("_count", labels, count);
    }

    fn write(&mut self, end: &str, labels: &[(&str, &str)], value: impl Display) {
        self.text.push_str(&self.sample);
        self.text.push_str(end);
        for (number, (name, of)) in labels.iter().enumerate() {
            let of = of.replace('\\', "\\\\").replace('"', "\\\"");
            let of = of.replace('\n', "\\n");
            let before = if number == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{name}=\"{of}\"");
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_metrics_go_to_who_asks_for_them_and_text_to_all_others() {
        let prometheus = "application/openmetrics-text;version=1.0.0,\
             application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let newer = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
             text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for accept in [
            prometheus,
            newer,
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; Version=\"1.0.0\"",
            "application/openmetrics-text;q=0.2, */*;q=0.1",
            "application/openmetrics-text, text/plain",
            "application/openmetrics-text;q=0.5, */*;q=0.9, text/plain;q=0.4",
            "application/openmetrics-text;q=0.1, text/plain;q=0",
        ] {
            assert_eq!(Format::asked_for([accept]), Format::OpenMetrics, "{accept}");
        }
        for accept in [
            "",
            "*/*",
            "application/*",
            "text/plain",
            "text/html, */*;q=0.8",
            "text/plain;version=0.0.4;q=0.5, application/openmetrics-text;q=0.4",
            "text/*;q=0.5, application/openmetrics-text;q=0.4, */*;q=0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=2",
            "application/openmetrics-text;q=x",
            "application/openmetrics-text;version=2.0.0",
            "application/json",
        ] {
            assert_eq!(Format::asked_for([accept]), Format::Text, "{accept}");
        }
        let two = ["text/plain;q=0.3", "application/openmetrics-text;q=0.6"];
        assert_eq!(Format::asked_for(two), Format::OpenMetrics);
        assert_eq!(Format::asked_for([]), Format::Text);
    }

    fn some(format: Format) -> String {
        let mut some = Exposition::new(format);
        let mut requests = some.family("requests", Kind::Counter, "Requests");
        requests.sample(&[("service", "a\"\\\n"), ("status", "2xx")], 3);
        some.gauge("age_seconds", "Age", 0.5);
        let buckets = [(0.5, 1), (1.0, 0), (f64::INFINITY, 2)];
        let mut took = some.family("took_seconds", Kind::Histogram, "Time");
        took.histogram(&[("of", "x")], &buckets, 2.5);
        let mut build = some.family("build", Kind::Info, "Version");
        build.sample(&[("version", "1")], 1);
        some.finish()
    }

    #[test]
    fn each_format_says_what_kind_a_metric_is_in_its_own_words() {
        let samples = [
            "requests_total{service=\"a\\\"\\\\\\n\",status=\"2xx\"} 3",
            "age_seconds 0.5",
            "took_seconds_bucket{le=\"0.5\",of=\"x\"} 1",
            "took_seconds_bucket{le=\"1.0\",of=\"x\"} 1",
            "took_seconds_bucket{le=\"+Inf\",of=\"x\"} 3",
            "took_seconds_sum{of=\"x\"} 2.5",
            "took_seconds_count{of=\"x\"} 3",
            "build_info{version=\"1\"} 1",
        ];
        for (format, types) in [
            (
                Format::Text,
                [
                    "# TYPE requests_total counter",
                    "# TYPE age_seconds gauge",
                    "# TYPE took_seconds histogram",
                    "# TYPE build_info gauge",
                ],
            ),
            (
                Format::OpenMetrics,
                [
                    "# TYPE requests counter",
                    "# TYPE age_seconds gauge",
                    "# TYPE took_seconds histogram",
                    "# TYPE build info",
                ],
            ),
        ] {
            let text = some(format);
            let lines: Vec<_> = text.lines().collect();
            for line in samples.iter().chain(&types) {
                assert!(lines.contains(line), "{line}\n{text}");
            }
            let helped = lines.iter().filter(|line| line.starts_with("# HELP"));
            assert_eq!(helped.count(), types.len());
            let ends = text.ends_with("\n# EOF\n");
            assert_eq!(ends, format == Format::OpenMetrics);
        }
    }
}
