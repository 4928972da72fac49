"""What the Python clients share: one printed line per case, an exit status, and the documents to send."""

import os
import sys
from pathlib import Path

BASE = os.environ["LICTOR_BASE"]
TOKEN = os.environ["LICTOR_TOKEN"]
LICENSES = Path(os.environ["LICTOR_LICENSES"])
SCRATCH = Path(os.environ["LICTOR_SCRATCH"])

MISSING_ID = "0d6f5f8e-6f0a-4b59-9d6c-0b3f4e1a2c77"

_failures = 0


def document(name):
    """The exact text of one license document, its last line feed included."""
    return (LICENSES / f"{name}.json").read_bytes().decode()


def case(name, holds, seen=""):
    """Reports one case. `seen` is what was there instead, printed only when the case fails."""
    global _failures
    if holds:
        print(f"ok {name}", flush=True)
    else:
        _failures += 1
        print(f"FAIL {name}: {seen!r}", flush=True)
    return holds


def finish():
    """Ends the process: 0 when every case held, else 1."""
    sys.exit(1 if _failures else 0)
