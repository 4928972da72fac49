//! What the suites with unmodified clients share: environments to install them into, and the count of
//! the lines that a client's script prints.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use lictor_testkit::Tally;
use lictor_testkit::programs::{run as succeed, shown};

/// Python, with whatever is installed for the system alone.
pub(super) const PYTHON: &str = "/usr/bin/python3";

/// A script that is run by an interpreter.
pub(super) fn script(python: &Path, file: &Path) -> Command {
    let mut command = Command::new(python);
    // No __pycache__ in the source tree.
    command.arg("-B").arg(file);
    command
}

/// A virtual environment with what `requirements.txt` of the suite names, made anew when that has
/// changed; its folder of programs.
pub(super) fn python(tools: &Path, name: &str, cases: &Path) -> Result<PathBuf> {
    let environment = tools.join(name);
    let programs = environment.join("bin");
    let python = programs.join("python");
    let list = cases.join("requirements.txt");
    let wanted = fs::read_to_string(&list)?;
    let stamp = environment.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|held| held == wanted) && python.exists() {
        return Ok(programs);
    }
    let make = ["-m", "venv", "--clear"];
    succeed(Command::new(PYTHON).args(make).arg(&environment))?;
    let mut install = Command::new(&python);
    let quietly = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    install.args(quietly).arg("--requirement").arg(&list);
    succeed(&mut install)?;
    fs::write(stamp, wanted)?;
    Ok(programs)
}

/// A folder with the packages that `package.json` of the suite names, installed by the `npm` of these
/// programs, and made anew when that has changed.
pub(super) fn node(tools: &Path, name: &str, cases: &Path, programs: &Path) -> Result<PathBuf> {
    let folder = tools.join(name);
    let list = fs::read_to_string(cases.join("package.json"))?;
    let stamp = folder.join("installed.json");
    if fs::read_to_string(&stamp).is_ok_and(|held| held == list) {
        return Ok(folder);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("package.json"), &list)?;
    let mut install = Command::new(programs.join("npm"));
    // A lock file would hold where each package was downloaded from.
    let quietly = ["--no-package-lock", "--no-audit", "--no-fund", "--silent"];
    install
        .arg("install")
        .args(quietly)
        .current_dir(&folder)
        .env("PATH", path_with(programs)?);
    succeed(&mut install)?;
    fs::write(stamp, list)?;
    Ok(folder)
}

/// The search path with these programs before all others.
pub(super) fn path_with(programs: &Path) -> Result<std::ffi::OsString> {
    let old = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs.to_owned()).chain(std::env::split_paths(&old));
    Ok(std::env::join_paths(all)?)
}

/// Runs a client to its end, and counts the cases that it prints.
pub(super) fn run(name: &str, mut command: Command) -> Result<Tally> {
    command.stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = command.output().with_context(|| shown(&command))?;
    let lines = String::from_utf8_lossy(&output.stdout);
    print!("{lines}");
    let mut tally = Tally::default();
    for line in lines.lines() {
        if line.starts_with("ok ") || line.starts_with("FAIL ") {
            tally.count(line.starts_with("ok "));
        }
    }
    ensure!(tally != Tally::default(), "no case ran ({})", output.status);
    let agree = output.status.success() == (tally.failed == 0);
    // A client that dies on the way has printed no FAIL line for it.
    if !agree {
        println!("FAIL {name} ended with {}", output.status);
        tally.failed += 1;
    }
    Ok(tally)
}
