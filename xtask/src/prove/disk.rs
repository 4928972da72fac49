//! `prove disk`

use anyhow::{Result, bail};

use super::{Experiment, Trial};
use crate::report::Tally;
use crate::workspace::Workspace;

pub(super) const EXPERIMENT: Experiment = Experiment {
    name: "disk",
    release: 10,
    faults: &["x"],
    run,
};

fn run(_workspace: &Workspace, _trial: &Trial) -> Result<Tally> {
    bail!("not built yet")
}
