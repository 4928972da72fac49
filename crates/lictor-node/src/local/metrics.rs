//! `/metrics`: how the node stands, as OpenMetrics text.

use std::fmt::{Display, Write as _};

use lictor_core::feed::Mode;

use super::answers::{self, Answer};
use crate::shared::Shared;
use crate::status::Status;

const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers.
pub(super) fn answer(shared: &Shared) -> Answer {
    answers::text(KIND, text(&Status::of(shared)))
}

/// A text that is being written.
struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) -> &mut Self {
        // Writing to a text never fails.
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self
    }

    fn value(&mut self, name: &str, value: impl Display) -> &mut Self {
        let _ = writeln!(self.0, "{name} {value}");
        self
    }

    fn labeled(&mut self, name: &str, label: &str, of: &str, value: impl Display) -> &mut Self {
        let of = of.replace('\\', "\\\\").replace('"', "\\\"");
        let of = of.replace('\n', "\\n");
        let _ = writeln!(self.0, "{name}{{{label}=\"{of}\"}} {value}");
        self
    }

    fn gauge(&mut self, name: &str, help: &str, value: impl Display) -> &mut Self {
        self.family(name, "gauge", help).value(name, value)
    }
}

fn text(status: &Status) -> String {
    let mut text = Text(String::new());
    text.family("lictor_node_mode", "gauge", "How the node stands.");
    for mode in Mode::ALL {
        let is = u8::from(mode == status.mode);
        text.labeled("lictor_node_mode", "mode", mode.as_str(), is);
    }
    if let Some(state) = &status.state {
        text.gauge(
            "lictor_node_state_age_seconds",
            "How long ago the state was signed.",
            state.age_seconds,
        );
        text.gauge(
            "lictor_node_state_revision",
            "The revision of the state.",
            state.revision,
        );
    }
    if let Some(license) = &status.license {
        text.gauge(
            "lictor_node_license_expires_seconds",
            "For how long the license in force still holds.",
            license.expires_at.saturating_sub(status.trusted_time),
        );
    }
    requests(&mut text, status);
    flags(&mut text, status);
    text.0.push_str("# EOF\n");
    text.0
}

fn requests(text: &mut Text, status: &Status) {
    let requests = "lictor_node_requests";
    text.family(requests, "counter", "Requests counted this month.");
    for (service, count) in &status.requests {
        text.labeled("lictor_node_requests_total", "service", service, count);
    }
    let denied = "lictor_node_denied";
    text.family(denied, "counter", "Requests denied since the start.");
    for (reason, count) in &status.requests_denied {
        text.labeled("lictor_node_denied_total", "reason", reason, count);
    }
    let refused = "lictor_node_states_refused";
    text.family(refused, "counter", "States refused since the start.");
    for (reason, count) in &status.states_refused {
        text.labeled("lictor_node_states_refused_total", "reason", reason, count);
    }
}

fn flags(text: &mut Text, status: &Status) {
    text.gauge(
        "lictor_node_connected",
        "Whether the feed is open.",
        u8::from(status.connected),
    )
    .gauge(
        "lictor_node_unsent",
        "Counts that were not reported as they are on disk.",
        status.unsent,
    )
    .gauge(
        "lictor_node_unjournaled",
        "Requests that are not on disk yet.",
        status.unjournaled,
    )
    .gauge(
        "lictor_node_clock_difference_seconds",
        "By how much the machine's clock is ahead of trusted time.",
        status.clock_difference_seconds,
    )
    .gauge(
        "lictor_node_clock_ahead",
        "Whether that is more than is believed.",
        u8::from(status.clock_ahead),
    )
    .gauge(
        "lictor_node_clock_behind",
        "Whether it is behind by more than a minute.",
        u8::from(status.clock_behind),
    )
    .gauge(
        "lictor_node_problems",
        "How many things are wrong.",
        status.problems.len(),
    );
}
