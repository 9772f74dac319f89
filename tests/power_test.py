#!/usr/bin/env python3
"""tests/power_test.py - a power cut forgets what was not synced; a byte on disk changes; two servers
believe that they own a view.  And: each bug that can be planted into the server is caught here."""
import os
import random
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness import oracle  # noqa: E402
from harness.ledger import Ledger  # noqa: E402
from harness.paths import patience  # noqa: E402
from harness.power import PowerServer  # noqa: E402
from harness.server import wait_until  # noqa: E402

SEED = harness.seed()
CUTS = 40 if harness.full() else 4 if harness.quick() else 12
SETTINGS = {"checkpoint_interval": "100ms", "log_segment_size": "1MB", "target_retry_max": "200ms"}

# What must be planted at least; more may be.
PLANTED = {"skip_fdatasync", "skip_directory_fsync", "ack_early", "no_compare_and_set",
           "progress_outside", "ignore_crc", "skip_late_test", "float_order"}


# -- the checks; each takes the environment of the server, into which a bug may be planted ---------

def power_cuts(env, pg=None, cuts=CUTS):
    rng = random.Random(SEED)
    server = PowerServer(settings=SETTINGS, env=env)
    try:
        server.start()
        ledger = Ledger(server, pg, SEED, rows_max=400)
        ledger.create()
        for _ in range(cuts):
            ledger.start_writing()
            time.sleep(rng.uniform(0.02, 0.3))      # the moment is what is random here
            server.cut()
            ledger.stop_writing()
            server.start()
            ledger.check()
        server.stop()
    finally:
        server.destroy()


def changed_byte(env):
    """A byte of an old log frame changes: rows must not silently change or vanish."""
    rng = random.Random(SEED)
    for _ in range(4):
        server = harness.Server(settings=SETTINGS, env=env)
        try:
            server.start()
            server.execute("CREATE STREAM s (a bigint, b text)")
            text = "".join(f"{i}\t{'row' * (i % 7)}\n" for i in range(40000)).encode()
            for _ in range(5):
                server.copy("COPY s FROM STDIN", text)
            server.stop()
            # A file of the log that is full: all of it but the last ones.
            segments = sorted((server.data / "log").glob("*.seg"), key=lambda path: path.name)
            assert len(segments) > 2, f"no full log segment among {[p.name for p in segments]}"
            place = rng.randrange(8192, segments[0].stat().st_size * 9 // 10)
            with open(segments[0], "r+b") as file:
                file.seek(place)
                byte = file.read(1)
                file.seek(place)
                file.write(bytes([byte[0] ^ (1 << rng.randrange(8))]))
            try:
                server.start()
            except harness.ServerDied:
                continue                            # refused to start: noticed
            try:
                rows = server.execute("SELECT count(*), sum(a), sum(length(b)) FROM s")
            except psycopg.Error as error:
                assert error.sqlstate == "XX001", error
                continue
            raise AssertionError(f"byte {place} of {segments[0].name} changed, and the stream "
                                 f"answers {rows}")
        finally:
            server.destroy()


def two_owners(env, target):
    """A copied data directory takes a view over; the first server is fenced off and writes nothing."""
    with_pg = harness.Postgres() if target == "pg" else None
    first = harness.Server(settings=SETTINGS, env=env)
    second = harness.Server(settings=SETTINGS, env=env)
    try:
        if with_pg:
            with_pg.start()
            with_pg.create_database()
            connection = with_pg.connection_sql("t")
        else:
            file = first.temp / "target.db"
            connection = [f"CREATE CONNECTION t WITH (type = 'sqlite', path = '{file}')"]
        first.start()
        for sql in connection + ["CREATE STREAM s (a bigint)",
                                 "CREATE MATERIALIZED VIEW t.v AS SELECT a FROM s",
                                 "INSERT INTO s VALUES (1), (2), (3)", "FLUSH"]:
            first.execute(sql)
        # Of the running server: a copy that was taken before its last attach is fenced at once.  It
        # stands still meanwhile, so that no checkpoint goes while it is copied.
        first.process.send_signal(signal.SIGSTOP)
        shutil.copytree(first.data, second.data, dirs_exist_ok=True,
                        ignore=lambda _, names: [n for n in names if n.startswith(".s.")])
        first.process.send_signal(signal.SIGCONT)
        os.chmod(second.data, 0o700)
        second.start()
        second.execute("FLUSH")                     # attached: the view is the second's now
        first.execute("INSERT INTO s VALUES (100)")

        def values():
            sql = "SELECT a FROM v ORDER BY a"
            return [row[0] for row in (with_pg.execute(sql) if with_pg else harness.sqlite_table(file, sql))]

        def fenced():
            state = first.execute("SELECT state FROM millrace.queries WHERE name = 'v'")[0][0].upper()
            return state == "FENCED" or 100 in values()
        wait_until(fenced, 20, "the first server to be FENCED")
        second.execute("INSERT INTO s VALUES (4)")
        second.execute("FLUSH")
        assert values() == [1, 2, 3, 4], values()
        first.kill()
        second.stop()
    finally:
        first.destroy()
        second.destroy()
        if with_pg:
            with_pg.destroy()


def cuts_and_workers(env):
    """Late rows and float sums: two cuts of one input, and the batch answer."""
    rows = oracle.make_rows(3000, SEED)
    answers = []
    for batch_rows, workers in ((7, 2), (100000, 1)):
        with harness.Server(settings={"batch_rows": batch_rows, "workers": workers},
                            env=env) as server:
            server.execute(oracle.stream_sql())
            for view in oracle.VIEWS:
                server.execute(view.create_sql())
            for at in range(0, len(rows), 500):
                server.copy("COPY s FROM STDIN", oracle.copy_text(rows[at:at + 500]))
            server.execute("FLUSH")
            answer = {}
            for view in oracle.VIEWS:
                got = harness.sqlite_table(server.main_db(),
                                           f"SELECT {view.columns} FROM {view.name}")
                harness.compare_tables(got, oracle.sqlite_answer(view, rows), view.key, 1e-9,
                                       what=view.name)
                answer[view.name] = sorted(map(repr, got))
            answers.append(answer)
    for name in answers[0]:
        assert answers[0][name] == answers[1][name], f"{name} depends on cuts or workers"


def kills(env, pg=None):
    rng = random.Random(SEED)
    with harness.Server(settings=SETTINGS, env=env) as server:
        ledger = Ledger(server, pg, SEED)
        ledger.create()
        for _ in range(12):
            ledger.start_writing()
            time.sleep(rng.uniform(0.02, 0.2))
            server.kill()
            ledger.stop_writing()
            server.start()
            ledger.check()


def kills_postgres(env):
    with harness.Postgres() as pg:
        kills(env, pg)


def answers_lost(env):
    """PostgreSQL goes away in the middle of transactions: was the COMMIT done or not?"""
    with harness.Postgres() as pg, harness.Server(settings=SETTINGS, env=env) as server:
        ledger = Ledger(server, pg, SEED)
        ledger.create()
        ledger.start_writing()
        try:
            for _ in range(4):
                time.sleep(0.2)
                pg.restart("immediate")
        finally:
            ledger.stop_writing()
        ledger.check()


def death_between(env):
    """Dies between the transactions of a target that keeps progress apart from rows."""
    planted = env.get("MILLRACE_FAULT")
    fault = ",".join(filter(None, [planted, "target.between:3:die"]))
    with harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, None, SEED)
        ledger.create()
        server.stop()
        for _ in range(3):
            try:
                server.start({"MILLRACE_FAULT": fault})
                ledger.start_writing()
                # Only a target with that bug passes there at all.
                deadline = time.monotonic() + (patience(10) if planted else 0.5)
                while server.running() and time.monotonic() < deadline:
                    time.sleep(0.01)
            except harness.ServerDied:
                pass
            server.kill()
            ledger.stop_writing()
            server.start()
            ledger.check()
            server.stop()
        server.start()


# Quick ones first: a planted bug meets them one after the other until it is caught.
CHECKS = [("a changed byte", changed_byte),
          ("two owners in SQLite", lambda env: two_owners(env, "main")),
          ("two owners in PostgreSQL", lambda env: two_owners(env, "pg")),
          ("cuts and workers", cuts_and_workers), ("power cuts", power_cuts),
          ("a death between", death_between), ("kills", kills),
          ("kills with PostgreSQL", kills_postgres), ("lost answers", answers_lost)]


# -- the tests ----------------------------------------------------------------------------------------

def test_right():
    print(f"# seed {SEED}")
    # A preloaded library and a sanitizer do not go together.
    for name, check in CHECKS[:4] if harness.sanitized() else CHECKS:
        yield name, lambda c=check: c({})


def test_power_cut_postgres():
    """The target keeps what it committed: it must never be ahead of the synced log."""
    if harness.sanitized():
        return
    with harness.Postgres() as pg:
        power_cuts({}, pg)


def planted_names():
    names = set()
    for room in ("common", "storage", "engine", "planner", "server"):
        for path in (harness.ROOT / room).rglob("*.c"):
            names.update(re.findall(r'mr_fault_planted\(\s*"([\w.]+)"\s*\)', path.read_text()))
    return sorted(names)


def test_planted_names():
    """A bug that is no longer planted, or that is not found in the source, would count as caught."""
    missing = PLANTED - set(planted_names())
    assert not missing, f"not planted: {sorted(missing)}"


def test_planted_bugs():
    if harness.sanitized() or harness.quick():
        return
    names, caught = planted_names(), {}
    for name in names:
        for title, check in CHECKS:
            try:
                check({"MILLRACE_FAULT": f"plant:{name}"})
            except Exception:       # however it shows: it was noticed
                caught[name] = title
                break
        print(f"# {name}: {'caught by ' + caught[name] if name in caught else 'NOT CAUGHT'}")
    print(f"# {len(caught)}/{len(names)} planted bugs caught")
    missed = [name for name in names if name not in caught]
    assert not missed, f"not caught: {missed}"


harness.main(globals())
