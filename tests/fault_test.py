#!/usr/bin/env python3
"""tests/fault_test.py - every write, fsync and rename fails once and dies once: acknowledged rows
stay, refused ones do not appear, and a start without the fault puts everything right."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.ledger import Ledger  # noqa: E402

SEED = harness.seed()
PER_KIND = 100 if harness.full() else 12 if harness.quick() or harness.sanitized() else 40
KINDS = ("die", "tear", "short", "eio", "enospc")
SETTINGS = {"checkpoint_interval": "30ms", "log_segment_size": "1MB", "workers": 1}


def session(server, ledger, fault):
    """A whole life of a server with one fault in it; returns whether it ended before its time."""
    try:
        server.launch(env={"MILLRACE_FAULT": fault})
        server.wait_ready()
        ledger.create()
        with server.connect() as connection:
            for _ in range(6):
                try:
                    ledger.write_one(connection)
                except psycopg.Error:
                    if connection.closed or not server.running():
                        raise
            connection.execute("FLUSH")
        server.stop()
    except harness.ServerDied:
        server.kill()
        return True
    except psycopg.Error:
        return server.kill() is not None
    return False


def promise_holds(fault):
    """One session with the fault, then one without, which must find everything right."""
    server = harness.Server(settings=SETTINGS)
    try:
        ledger = Ledger(server, None, SEED, rows_max=300)
        died = session(server, ledger, fault)
        server.start()
        ledger.create()             # what of the DDL was not acknowledged is repeated
        with server.connect() as connection:
            ledger.write_one(connection)
        ledger.check()
        server.restart()
        ledger.check()
        server.stop()
        return died
    except BaseException:
        print(f"# {fault}: end of the log:")
        for line in server.log_tail(15).splitlines():
            print("#   " + line)
        raise
    finally:
        server.destroy()


def calls_of_a_session():
    """How many file calls a session makes, found by dying at ever later ones."""
    low, high = 1, 2
    while promise_holds(f"io:{high}:die"):
        low, high = high, high * 2
    while high - low > max(2, low // 20):
        middle = (low + high) // 2
        if promise_holds(f"io:{middle}:die"):
            low = middle
        else:
            high = middle
    return low


def test_file_calls():
    total = calls_of_a_session()
    print(f"# seed {SEED}, about {total} file calls in a session; {PER_KIND} of them per kind of fault")
    assert total > 20, "a session makes fewer file calls than it can"
    rng = random.Random(SEED)
    for kind in KINDS:
        places = range(1, total + 1)
        if len(places) > PER_KIND:
            # One from each of PER_KIND equal stretches.
            places = sorted({1 + int((i + rng.random()) * total / PER_KIND)
                             for i in range(PER_KIND)})

        def check(kind=kind, places=places):
            problems = []
            for place in places:
                try:
                    promise_holds(f"io:{place}:{kind}")
                except (AssertionError, psycopg.Error) as error:
                    problems.append(f"io:{place}:{kind}: {error}")
            assert not problems, f"{len(problems)} of {len(places)}\n" + "\n".join(problems[:10])
        yield f"{kind} at {len(list(places))} file calls", check


harness.main(globals())
