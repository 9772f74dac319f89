"""Where things are, and how thorough a run is.  The environment comes from ./check."""
import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("MILLRACE_BUILD", ROOT / "build" / "check")).resolve()


def quick():
    """Whether the run was asked to be short (./check --quick)."""
    return os.environ.get("MILLRACE_QUICK", "") == "1"


def full():
    """Whether the run was asked to be thorough (./check --full, .ci/run)."""
    return os.environ.get("MILLRACE_FULL", "") == "1"


def sanitized():
    """'asan', 'tsan' or '': slower servers get smaller inputs and longer patience."""
    return os.environ.get("MILLRACE_SANITIZER", "")


def patience(seconds):
    """A limit for a wait that nothing reaches but what hangs: `seconds` are those of a quick, idle machine,
    and a test that passes never waits for them."""
    return seconds * (30 if sanitized() else 6) * float(os.environ.get("MILLRACE_PATIENCE", "1"))
