"""What the Python peers share: checks told as TAP lines, and what tests/peers_test.py has set up.

The server speaks TLS and wants a password; PGHOST, PGPORT … say where it is.  Each peer has a stream
`<peer>_rides (city text, km bigint)` and two results of it, in SQLite and in PostgreSQL.
"""
import os
import sqlite3
import sys
import threading
import time
import traceback

NAME = os.environ["PEER"]
RIDES = NAME + "_rides"
SQLITE = os.environ["PEER_SQLITE"]
TARGET = os.environ["PEER_TARGET"]      # a conninfo of the PostgreSQL that has one of the results
URL = os.environ["PEER_URL"]            # of the server, for whoever wants a URL
PATIENCE = float(os.environ["PEER_PATIENCE"])     # seconds that only what hangs waits for


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def fails(kind, call):
    """The error of that class that `call` ends with."""
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


def until(condition, what):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.01)


def after(condition, act):
    """Does `act` on another thread once `condition` is true; returns the thread."""
    def run():
        until(condition, "the moment to act")
        act()
    thread = threading.Thread(target=run)
    thread.start()
    return thread


def sqlite_rows(sql):
    """What stands in the result's own SQLite file, read by the standard library."""
    with sqlite3.connect(f"file:{SQLITE}?mode=ro", uri=True) as connection:
        return connection.execute(sql).fetchall()


def run(checks):
    """Runs (name, call) pairs; the process ends with the number of those that failed."""
    failed = 0
    for name, call in checks:
        try:
            call()
        except BaseException:
            failed += 1
            print(f"not ok - {name}")
            for line in traceback.format_exc().splitlines()[-25:]:
                print("#   " + line)
        else:
            print(f"ok - {name}")
        sys.stdout.flush()
    sys.exit(min(failed, 100))
