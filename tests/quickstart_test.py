#!/usr/bin/env python3
"""tests/quickstart_test.py - ./quickstart and examples/ do what they say, twice in a row."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.paths import patience  # noqa: E402


def quickstart(directory, *arguments):
    done = subprocess.run([harness.ROOT / "quickstart", "--dir", directory,
                           "--build-dir", harness.BUILD, *arguments],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=patience(600))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_quickstart():
    if shutil.which("sqlite3") is None:
        raise AssertionError("sqlite3 is not installed")
    directory = tempfile.mkdtemp(prefix="millrace-quickstart-")
    main_db = os.path.join(directory, "data", "main.db")

    def check_hours():
        names, expected = harness.read_csv(
            harness.expected_path("wikipedia/w1_tumble_1h_totals.csv"))
        wanted = [names.index(name) for name in
                  ("window_start", "edits", "added", "users", "robot_edits")]
        rows = harness.sqlite_table(
            main_db, "SELECT window_start, edits, added, users, by_robots FROM per_hour")
        harness.compare_tables(rows, [[row[i] for i in wanted] for row in expected], (0,))

    def check_channels():
        edits = harness.sqlite_table(main_db, "SELECT sum(edits) FROM channels")
        assert edits == [[39244]], edits

    def first():
        text = quickstart(directory)
        assert re.search(r"2015-09-12 0\d:00:00", text), text
        assert "CREATE CONNECTION mine" in text, text

    def again():
        quickstart(directory)
        check_hours()

    try:
        yield "a first run shows answers", first
        yield "hours are right", check_hours
        yield "channels are right", check_channels
        yield "a second run gives the same", again
        yield "--stop stops the server", lambda: quickstart(directory, "--stop")
    finally:
        quickstart(directory, "--stop")
        shutil.rmtree(directory, ignore_errors=True)


harness.main(globals())
