#!/usr/bin/env python3
"""tests/sqllogictest_test.py - SQLite's sqllogictest as ad-hoc queries over tables, through the wire.

One test per file of tests/data/sqllogictest, each on a server of its own.  Every record must pass
that tests/sqllogictest.rules does not set aside; how many did, and why others did not count, is
printed.  --quick leaves the large files out.
"""
import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
import sqllogictest  # noqa: E402

TESTS = Path(__file__).resolve().parent
DATA = TESTS / "data" / "sqllogictest"
RULES = TESTS / "sqllogictest.rules"
QUICK = ("in1", "in2", "slt_lang_aggfunc", "aggregates_slt_good_129", "select1")
SHOWN = 10


def files():
    found = sorted(DATA.glob("*.test.xz"))
    assert found, f"no files in {DATA}"
    return [path for path in found if not harness.quick() or path.name.split(".")[0] in QUICK]


def run_file(path):
    """Runs all records; (passed, {reason: records set aside})."""
    rules = sqllogictest.Rules(RULES)
    records = sqllogictest.parse(path)
    with harness.Server() as server, server.connect() as connection:
        runner = sqllogictest.Runner(connection, rules)
        runner.run(path, records)
    print(f"# {path.name}: {runner.passed} of {len(records)} records passed, {runner.aside} set aside")
    for reason, count in rules.used.most_common():
        print(f"#   {count:5} {reason}")
    failures = "\n\n".join(runner.failures[:SHOWN])
    assert not runner.failures, f"{len(runner.failures)} records failed, the first:\n{failures}"
    assert runner.passed + runner.aside == len(records)
    return runner.passed, rules.used


def test_files():
    for path in files():
        yield path.name.split(".")[0], lambda path=path: run_file(path)


def write(tmp, text):
    path = tmp / "a.test"
    path.write_text(text, encoding="utf-8")
    return path


def outcome(server, text):
    """(passed, aside, failed) of a file with this text."""
    rules = sqllogictest.Rules(RULES)
    path = write(server.temp, text)
    with server.connect() as connection:
        runner = sqllogictest.Runner(connection, rules)
        runner.run(path, sqllogictest.parse(path))
    return runner.passed, runner.aside, len(runner.failures)


def test_wrong_answers_fail():
    """The runner itself: what is wrong is found, and what is set aside is counted."""
    with harness.Server() as server:
        assert outcome(server, "query II rowsort\nVALUES (2, 3), (1, NULL)\n----\n1\nNULL\n2\n3\n") \
            == (1, 0, 0)
        assert outcome(server, "query I nosort\nSELECT 1\n----\n2\n") == (0, 0, 1)
        assert outcome(server, "query I nosort\nSELECT 1\n----\n1\n1\n") == (0, 0, 1)
        assert outcome(server, "query R nosort\nSELECT 2.0 / 3\n----\n0.667\n") == (1, 0, 0)
        assert outcome(server, "query T nosort\nSELECT ''\n----\n(empty)\n") == (1, 0, 0)
        hashed = "query I nosort\nSELECT g FROM generate_series(1, 3) g\n----\n" \
            "3 values hashing to "
        assert outcome(server, hashed + "5af5105dd42fe1dfb33f9a2dbbf9a3a9\n")[2] == 1
        assert outcome(server, hashed + "c0710d6b4f15dfa88f600b0e6b624077\n") == (1, 0, 0)
        assert outcome(server, "statement error\nSELECT nothing\n") == (1, 0, 0)
        assert outcome(server, "statement error\nSELECT 1\n") == (0, 0, 1)
        assert outcome(server, "statement ok\nSELECT nothing\n") == (0, 0, 1)
        assert outcome(server, "onlyif sqlite\nstatement ok\nSELECT nothing\n") == (0, 1, 0)
        assert outcome(server, "skipif mysql\nquery I nosort\nSELECT 1 IN ()\n----\n0\n") == (0, 1, 0)


harness.main(globals())
