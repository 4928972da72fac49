//! `lictor openapi`: the description of the native API, as a server of this version has it at `/v1/openapi.json`.

use lictor_api::openapi;

use crate::exit::Outcome;
use crate::output;

/// Examples of the command.
pub(crate) const EXAMPLES: &str = "\
It is JSON with and without --json, and what a server of this version answers at
/v1/openapi.json to everybody.

Example:
  lictor openapi > lictor.openapi.json";

/// Prints it.
pub(crate) fn run() -> Outcome {
    output::raw(openapi::document().as_bytes())
}
