//! `/metrics`: the node's figures for Prometheus.

use hyper::HeaderMap;
use hyper::header::ACCEPT;
use lictor_core::exposition::{Exposition, Format, Kind};
use lictor_core::feed::Mode;

use super::responses::{self, LocalResponse};
use crate::shared::Shared;
use crate::status::Status;

/// Answers in the format that the headers of the request ask for.
pub(super) fn answer(shared: &Shared, headers: &HeaderMap) -> LocalResponse {
    let accept = headers.get_all(ACCEPT).iter();
    let format = Format::asked_for(accept.filter_map(|value| value.to_str().ok()));
    let mut text = Exposition::new(format);
    write(&mut text, &Status::of(shared));
    if let Some(more) = &shared.more_metrics {
        more(&mut text);
    }
    responses::metrics(format, text.finish())
}

fn write(text: &mut Exposition, status: &Status) {
    let mut modes = text.family("lictor_node_mode", Kind::Gauge, "The node's mode");
    for mode in Mode::ALL {
        modes.sample(&[("mode", mode.as_str())], u8::from(mode == status.mode));
    }
    if let Some(state) = &status.state {
        text.gauge(
            "lictor_node_state_age_seconds",
            "How long ago the state was signed",
            state.age_seconds,
        );
        text.gauge(
            "lictor_node_state_revision",
            "The revision of the state",
            state.revision,
        );
    }
    if let Some(license) = &status.license {
        text.gauge(
            "lictor_node_license_expires_seconds",
            "For how long the license in force is still valid, whatever follows it",
            license.expires_at.saturating_sub(status.trusted_time),
        );
        text.gauge(
            "lictor_node_license_covered_seconds",
            "For how long a license is in force, including the renewals that the node has; alert \
             on this",
            license.covered_until.saturating_sub(status.trusted_time),
        );
    }
    requests(text, status);
    flags(text, status);
}

fn requests(text: &mut Exposition, status: &Status) {
    let mut requests = text.family(
        "lictor_node_requests",
        Kind::Counter,
        "Requests counted this month",
    );
    for (service, count) in &status.requests {
        requests.sample(&[("service", service)], count);
    }
    let mut denied = text.family(
        "lictor_node_denied",
        Kind::Counter,
        "Requests denied since the start",
    );
    for (reason, count) in &status.requests_denied {
        denied.sample(&[("reason", reason)], count);
    }
    let mut refused = text.family(
        "lictor_node_states_refused",
        Kind::Counter,
        "States refused since the start",
    );
    for (reason, count) in &status.states_refused {
        refused.sample(&[("reason", reason)], count);
    }
}

fn flags(text: &mut Exposition, status: &Status) {
    text.gauge(
        "lictor_node_allows",
        "Whether requests that name no feature or other application are allowed",
        u8::from(status.denied.is_none()),
    );
    text.gauge(
        "lictor_node_connected",
        "Whether the feed is open",
        u8::from(status.connected),
    );
    text.gauge(
        "lictor_node_lives",
        "How many starts of the node run at once; more than one where its folder was copied",
        status.lives,
    );
    text.gauge(
        "lictor_node_copied",
        "Whether its folder is a copy, or an older one that was put back",
        u8::from(status.copied),
    );
    text.gauge(
        "lictor_node_beyond_license",
        "Whether more nodes of its application are enrolled than the license grants",
        u8::from(status.beyond_license),
    );
    text.gauge(
        "lictor_node_unsent",
        "Counts that were not reported as they are on disk",
        status.unsent,
    );
    text.gauge(
        "lictor_node_unjournaled",
        "Requests that are not on disk yet",
        status.unjournaled,
    );
    text.gauge(
        "lictor_node_clock_difference_seconds",
        "By how much the machine's clock is ahead of trusted time",
        status.clock_difference_seconds,
    );
    text.gauge(
        "lictor_node_clock_ahead",
        "Whether that is more than is believed",
        u8::from(status.clock_ahead),
    );
    text.gauge(
        "lictor_node_clock_behind",
        "Whether it is behind by more than a minute",
        u8::from(status.clock_behind),
    );
    text.gauge(
        "lictor_node_problems",
        "How many problems the node has",
        status.problems.len(),
    );
}
