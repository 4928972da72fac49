//! The signals that tell a process to stop.

use std::task::Poll;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Failure, Outcome};

/// Ready when the process must stop: after SIGTERM or Ctrl-C, or when its terminal is closed. The
/// signals are caught from now on.
pub(crate) fn to_stop() -> Outcome<impl Future<Output = ()> + use<>> {
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate()];
    // `nohup` wants it to go on without its terminal.
    if !is_ignored(SignalKind::hangup()) {
        kinds.push(SignalKind::hangup());
    }
    let caught: std::io::Result<Vec<Signal>> = kinds.into_iter().map(signal).collect();
    let mut signals =
        caught.map_err(|error| Failure::Usage(format!("cannot wait for signals: {error}")))?;
    Ok(std::future::poll_fn(move |context| {
        if signals
            .iter_mut()
            .any(|signal| signal.poll_recv(context).is_ready())
        {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }))
}

/// Whether the process was started with this signal ignored.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let bit = u32::try_from(kind.as_raw_value() - 1).ok();
    let bit = bit.and_then(|bit| 1_u64.checked_shl(bit));
    mask.zip(bit).is_some_and(|(mask, bit)| mask & bit != 0)
}
