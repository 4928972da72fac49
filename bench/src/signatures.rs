//! The table of signatures: documents signed and checked per second on one core, beside bare ed25519-dalek.

use std::fmt::Write as _;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::contestant::{SERVER_CORE, pinned};
use super::rounds::Samples;

/// What is done, by us and by the library alone, as `signatures` names it.
const WORK: [(&str, &str, &str); 2] = [
    ("sign a document", "lictor-sign", "dalek-sign"),
    ("parse and verify one", "lictor-verify", "dalek-verify"),
];

pub(super) fn measure(bench: &Bench) -> Result<String> {
    let mut command = Command::new(bench.contestant("signatures"));
    command.args([
        bench.rounds.count.to_string(),
        bench.rounds.seconds.to_string(),
    ]);
    let output = pinned(SERVER_CORE, &command).output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let said = String::from_utf8(output.stdout)?;
    let rates = |name: &str| -> Result<Samples> {
        let rates = said
            .lines()
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .map(|rate| Ok(rate.parse()?))
            .collect::<Result<Vec<f64>>>()?;
        ensure!(!rates.is_empty(), "no figure for {name}");
        Ok(Samples::of(&rates, |rate| *rate))
    };
    let mut text = String::from(
        "| work | Lictor, per second | bare ed25519-dalek, per second | ratio |\n|---|---|---|---|\n",
    );
    for (work, ours, bare) in WORK {
        let (ours, bare) = (rates(ours)?, rates(bare)?);
        writeln!(
            text,
            "| {work} | {} | {} | {} |",
            ours.cell(),
            bare.cell(),
            ours.ratio(&bare).cell()
        )?;
    }
    let bytes = said.lines().find_map(|line| line.strip_prefix("bytes "));
    let (payload, document) = bytes
        .and_then(|bytes| bytes.split_once(' '))
        .context("no size")?;
    writeln!(
        text,
        "\nThe payload has {payload} bytes, the document {document}."
    )?;
    Ok(text)
}
