//! `lictor demo`: a server with example data, to look around.

use clap::Args;

use crate::exit::{Failure, Outcome};

/// `lictor demo`
#[derive(Args, Debug)]
pub(crate) struct DemoOptions {}

/// Not there yet.
pub(crate) async fn run(_options: DemoOptions, _json: bool) -> Outcome {
    Err(Failure::Usage("not there yet".to_owned()))
}
