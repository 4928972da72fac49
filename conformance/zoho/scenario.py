"""What runs a scenario, in a process and a folder of its own, and judges what came of it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from organization import BASE, SCRATCH

SDK = os.environ["LICTOR_SDK"]
HERE = Path(__file__).parent

_failures = 0


def case(name, seen, **wanted):
    """Every member that is wanted must be there, and exactly so: 7 is neither 7.0 nor "7"."""
    global _failures
    found = {key: seen.get(key) for key in wanted}
    holds = json.dumps(found, sort_keys=True) == json.dumps(wanted, sort_keys=True)
    _failures += not holds
    # All that was seen, as what stands beside it may say why.
    print(f"ok {name}" if holds else f"FAIL {name}: expected {wanted!r}, seen {seen!r}", flush=True)


def sdk(token, call="count", of=None, base=BASE, find_user=True, refreshes=0):
    """Asks the SDK under test for one thing, and gives what it printed."""
    plan = {
        "base": base,
        "accounts": BASE,
        "token": token,
        "call": call,
        "of": of,
        "find_user": find_user,
        "refreshes": refreshes,
    }
    ended = run(HERE / ("sdk.py" if SDK == "python" else "sdk.mjs"), json.dumps(plan))
    lines = ended.stdout.splitlines()
    if ended.returncode != 0 or not lines:
        return {"ended": ended.returncode, "said": ended.stdout + ended.stderr}
    return json.loads(lines[-1])


def run(program, words="", **environment):
    """Runs a program of the SDK's language in a new folder."""
    folder = Path(tempfile.mkdtemp(dir=SCRATCH))
    if program.suffix == ".py":
        command = [sys.executable, "-B", program]
    else:
        # An ES module finds its packages from where it stands.
        (folder / "node_modules").symlink_to(os.environ["LICTOR_NODE_MODULES"])
        command = ["node", shutil.copy(program, folder)]
    return subprocess.run(
        command,
        input=words,
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | environment,
    )


def finish():
    """Ends the process: 0 when every case held, else 1."""
    sys.exit(1 if _failures else 0)
