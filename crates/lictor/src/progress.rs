//! Progress of long work, shown if standard error is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use lictor_store::{OpenError, Step, Watch};

use crate::exit::{Failure, Outcome};
use crate::signals;

/// How often a bar shows that it is alive.
const TICK: Duration = Duration::from_millis(200);

/// A bar for work of this size.
pub(crate) fn bar(size: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:40} {percent:>3} % {msg}, {eta} left");
    let bar = ProgressBar::new(size);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// Does long work while it is shown how far it is, and ends it when the process is told to stop; `left`
/// says what is left then.
pub(crate) async fn watched<T: Send + 'static>(
    left: &str,
    work: impl FnOnce(&Watch) -> Result<T, OpenError> + Send + 'static,
) -> Outcome<T> {
    let told_to_stop = signals::to_stop()?;
    let bar = bar(0);
    bar.enable_steady_tick(TICK);
    let shown = bar.clone();
    let watch = Watch::new(move |step| show(&shown, step));
    let working = watch.clone();
    let mut work = tokio::task::spawn_blocking(move || work(&working));
    let done = tokio::select! {
        done = &mut work => done,
        () = told_to_stop => {
            watch.stop();
            work.await
        }
    };
    bar.finish_and_clear();
    match done {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(OpenError::Stopped)) => Err(stopped(left)),
        Ok(Err(error)) => Err(error.into()),
        Err(error) => Err(Failure::Refused(format!("the work broke off: {error}"))),
    }
}

/// The message of work that was stopped.
pub(crate) fn stopped(left: &str) -> Failure {
    Failure::Refused(format!("told to stop; {left}"))
}

fn show(bar: &ProgressBar, step: Step) {
    let (words, done, of) = match step {
        Step::Copy { done, of } => ("copied", done, of),
        Step::File => ("the file is looked through", 0, 0),
        Step::Ledger { done, of } => ("of the ledger replayed", done, of),
        Step::Sums => ("the figures are added up", 1, 1),
    };
    if bar.message() != words {
        bar.reset();
        bar.set_message(words);
    }
    bar.set_length(of);
    bar.set_position(done);
}
