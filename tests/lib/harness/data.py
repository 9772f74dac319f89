"""Where test inputs are.  tests/data holds what may be published; the rest stays in a folder that
MILLRACE_SHARED names, and a test over it is skipped where that is not set."""
import gzip
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .paths import BUILD, ROOT

DATA = ROOT / "tests" / "data"
# Not ours to publish: see tests/data/README.md.
SHARED_SETS = ("tweets", "taxis", "stocks", "iris", "neuro")


class Skip(Exception):
    """Raised by a test that cannot run here; the text says why."""


def shared_path(relative):
    """A file of the folder that MILLRACE_SHARED names, below its data/."""
    shared = os.environ.get("MILLRACE_SHARED", "")
    if not shared:
        raise Skip("MILLRACE_SHARED is not set")
    path = Path(shared) / "data" / relative
    if not path.exists():
        raise Skip(f"{relative} is not in MILLRACE_SHARED")
    return path


def dataset(name):
    """Path of an input; unpacks or converts it into the build directory when first asked for."""
    if name.split("/")[0] in SHARED_SETS:
        raw = shared_path
    else:
        def raw(relative):
            return DATA / relative
    made = {
        "wikipedia/edits.jsonl": ("wikipedia/wikiticker-2015-09-12-sampled.json.gz", None),
        "weblog/requests.csv": ("weblog/apache_logs", ["weblog", "csv"]),
        "weblog/requests.jsonl": ("weblog/apache_logs", ["weblog", "jsonl"]),
        "flights/flights.jsonl": ("flights/flights-20k.json", ["flights", "jsonl"]),
        "neuro/voxels.csv": ("neuro/fish_series.csv.gz", ["neuro", "csv"]),
        "tweets/tweets.jsonl": ("tweets/tweets-2019-04-08.jsonl", ["tweets", "jsonl"]),
    }
    if name not in made:
        return raw(name)
    source, conversion = made[name]
    source = raw(source)
    target = BUILD / "test-data" / name
    if target.exists() and target.stat().st_mtime >= source.stat().st_mtime \
            and target.stat().st_mtime >= (DATA / "convert.py").stat().st_mtime:
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(f".{os.getpid()}.partial")
    with open(partial, "wb") as out:
        if conversion is None:
            with gzip.open(source, "rb") as packed:
                shutil.copyfileobj(packed, out)
        else:
            subprocess.run([sys.executable, DATA / "convert.py", *conversion, source],
                           stdout=out, check=True)
    partial.replace(target)
    return target


def expected_path(relative):
    """An answer: ours, or that of a set which is not ours to publish."""
    if relative.split("/")[0] in SHARED_SETS:
        return shared_path("expected/" + relative)
    return DATA / "expected" / relative
