"""Runs Debian's deck against the server: ping, dump in both formats, and a diff of what was dumped."""

import json
import os
import subprocess

from cases import BASE, SCRATCH, TOKEN, case, finish


def deck(command, *arguments, token=TOKEN, cwd=None):
    """One run of deck; its home is the scratch folder, so that no settings of the machine take part."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(SCRATCH)}
    server = ["--kong-addr", BASE, "--headers", f"Kong-Admin-Token:{token}"]
    return subprocess.run(
        ["deck", command, *server, *arguments],
        env=environment, cwd=cwd, capture_output=True, text=True, timeout=60,
    )


def main():
    run = deck("ping")
    case("ping connects and reads the version", run.returncode == 0 and "Kong version" in run.stdout, run)
    run = deck("ping", token="x" * 40)
    case("ping with a wrong token fails with 401", run.returncode != 0 and "401" in run.stderr, run)

    yaml = SCRATCH / "dump.yaml"
    run = deck("dump", "--output-file", str(yaml))
    case("dump writes a YAML file", run.returncode == 0 and yaml.exists(), run)
    run = deck("validate", "--state", str(yaml))
    case("the YAML file is valid to deck", run.returncode == 0, run)
    run = deck("diff", "--state", str(yaml))
    nothing = all(f"{verb}: 0" in run.stdout for verb in ("Created", "Updated", "Deleted"))
    case("a diff against it finds nothing to change", run.returncode == 0 and nothing, run)

    file = SCRATCH / "dump.json"
    run = deck("dump", "--format", "json", "--output-file", str(file))
    case("dump writes a JSON file", run.returncode == 0 and file.exists(), run)
    case("the JSON file parses", "_format_version" in json.loads(file.read_text()))
    yaml = SCRATCH / "workspace.yaml"
    run = deck("dump", "--workspace", "default", "--output-file", str(yaml))
    named = yaml.exists() and "_workspace: default" in yaml.read_text()
    case("dump of a workspace writes a file that names it", run.returncode == 0 and named, run)
    run = deck("diff", "--state", str(yaml))
    nothing = all(f"{verb}: 0" in run.stdout for verb in ("Created", "Updated", "Deleted"))
    case("a diff against it finds nothing to change", run.returncode == 0 and nothing, run)
    run = deck("dump", "--workspace", "missing", "--output-file", str(SCRATCH / "missing.yaml"))
    case("a missing workspace fails", run.returncode != 0 and "missing" in run.stderr, run)
    run = deck("dump", "--all-workspaces", cwd=SCRATCH)
    written = (SCRATCH / "default.yaml").exists()
    case("dump of all workspaces writes a file for each", run.returncode == 0 and written, run)

    run = deck("dump", "--output-file", str(SCRATCH / "refused.yaml"), token="x" * 40)
    case("dump with a wrong token fails with 401", run.returncode != 0 and "401" in run.stderr, run)
    finish()


main()
