"""Where things are, and how thorough a run is.  The environment comes from ./check."""
import os
import random
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


def seed():
    """Of a run of random tests: MILLRACE_SEED repeats one; otherwise another one each time, but where
    MILLRACE_SEED_DEFAULT is set (.ci/run): a change is judged by what it changes, not by luck."""
    return int(os.environ.get("MILLRACE_SEED") or os.environ.get("MILLRACE_SEED_DEFAULT")
               or random.SystemRandom().randrange(1 << 31))


def patience(seconds):
    """A limit for a wait that nothing reaches but what hangs: `seconds` are those of a quick, idle machine,
    and a test that passes never waits for them."""
    return seconds * (30 if sanitized() else 6) * float(os.environ.get("MILLRACE_PATIENCE", "1"))
