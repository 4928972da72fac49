//! `lictor node run`.

use clap::Args;

use crate::exit::Outcome;

/// Examples of the command.
pub(super) const EXAMPLES: &str = "x";

/// `lictor node run`
#[derive(Args, Debug)]
pub(crate) struct Run {}

/// Runs it.
pub(super) async fn run(_run: Run) -> Outcome {
    Ok(())
}
