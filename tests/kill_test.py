#!/usr/bin/env python3
"""tests/kill_test.py - kill -9 under load, at random moments and at every named fault point, and a
target that goes away: every acknowledged row counts exactly once, in SQLite and in PostgreSQL.

    kill_test.py            30 kills per target
    kill_test.py --full     100 kills per target (also by MILLRACE_FULL=1)
"""
import os
import random
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.ledger import Ledger  # noqa: E402
from harness.paths import patience  # noqa: E402
from harness.server import wait_until  # noqa: E402

SEED = harness.seed()
KILLS = 100 if "--full" in sys.argv or harness.full() else \
    10 if harness.sanitized() else 30
SETTINGS = {"checkpoint_interval": "150ms", "log_segment_size": "1MB", "target_retry_max": "200ms",
            "table_checkpoint_rows": "1"}
HITS = 2 if harness.quick() or harness.sanitized() else 5    # deaths at each fault point
OTHER_DDL = ("CREATE STREAM other (a integer)",
             "CREATE MATERIALIZED VIEW other_view AS SELECT a, count(*) AS n FROM other GROUP BY a",
             "INSERT INTO other VALUES (1), (2)",
             "CREATE MATERIALIZED VIEW other_sum AS SELECT sum(n) AS n FROM other_view",
             "CREATE OR REPLACE MATERIALIZED VIEW other_view AS SELECT 1 AS one, count(*) AS n FROM other",
             "ALTER MATERIALIZED VIEW other_view RENAME TO other_named",
             "ALTER MATERIALIZED VIEW other_named SET (batch_interval = '1 ms')",
             "REFRESH MATERIALIZED VIEW other_named",
             "CREATE INDEX other_index ON other_named (n)",
             "DROP INDEX other_index",
             "DROP MATERIALIZED VIEW other_named CASCADE",
             "DROP STREAM other",
             "CREATE TABLE other_table (a integer PRIMARY KEY, b integer)",
             "INSERT INTO other_table VALUES (1, 1), (2, 2)",
             "UPDATE other_table SET b = b + 1",
             "DROP TABLE other_table")
# Passed by a planted bug only (tests/power_test.py), or by retention (tests/table_log_test.py).
NOT_BY_LOAD = ("target.between", "log.before_net", "log.after_net")
DIED = 99                       # the exit code of a fault that dies (common/fault.h)
RECOVERY = "recovery."          # points of a start: passed once in each
RECOVERY_HITS = 5               # deaths at each of them: cheap, as a start is short


def kill_loop(pg, seed):
    """Kills a loaded server KILLS times, a quarter of them while it recovers."""
    rng = random.Random(seed)
    print(f"# seed {seed}, {KILLS} kills")
    with harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, pg, seed)
        ledger.create()
        ledger.start_writing()
        try:
            for number in range(KILLS):
                time.sleep(rng.uniform(0, 0.2))     # the moment is what is random here
                server.check_alive()
                server.kill()
                if rng.random() < 0.25:
                    server.launch()
                    time.sleep(rng.uniform(0, 0.1))
                    server.kill()
                server.start()
                if number % 10 == 9:
                    ledger.stop_writing()
                    ledger.check()
                    ledger.start_writing()
        finally:
            ledger.stop_writing()
        rows = ledger.check()
        # And a clean stop in between changes nothing either.
        server.restart()
        assert ledger.check() == rows
        print(f"# {rows} rows, {len(ledger.batches)} batches, {server.starts} starts")


def test_kill_sqlite():
    kill_loop(None, SEED)


def test_kill_postgres():
    with harness.Postgres() as pg:
        kill_loop(pg, SEED + 1)


# -- named fault points -----------------------------------------------------------------------------

def fault_points():
    """Names passed to mr_fault_point in the source, so that a new one is tested without a word here."""
    names = set()
    for room in ("common", "storage", "engine", "planner", "server"):
        for path in (harness.ROOT / room).rglob("*.c"):
            names.update(re.findall(r'mr_fault_point\(\s*"([\w.]+)"\s*\)', path.read_text()))
    return sorted(names)


def place_of(name, hit):
    """Which passing of a point to die at: frequent points later and later, rare ones at once."""
    return hit * 3 if name.startswith(("log", "target")) else 1


def live_with(server, ledger):
    """Everything that passes fault points: rows, DDL, a clean stop.  True when the server died."""
    ledger.start_writing()
    try:
        try:
            with server.connect() as connection:
                for sql in OTHER_DDL:
                    connection.execute(sql)
        except psycopg.OperationalError:
            pass                    # it died at that
        deadline = time.monotonic() + patience(20)
        while server.running() and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        ledger.stop_writing()
    if not server.running():
        return True
    try:
        server.stop()               # some points lie on the way out: the last checkpoint
    except harness.ServerDied:
        return True
    return False


def die_at(name, pg, seed):
    """Lets the server die HITS times at a point, each time going on from what the last death left."""
    with harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, pg, seed, rows_max=200)
        ledger.create()
        server.stop()
        deaths = 0
        for hit in range(1, HITS + 1):
            server.launch(env={"MILLRACE_FAULT": f"{name}:{place_of(name, hit)}:die"})
            try:
                server.wait_ready()
                deaths += live_with(server, ledger)
            except harness.ServerDied:
                deaths += 1         # a point of the start
            server.kill()
            server.start()
            server.execute("DROP STREAM IF EXISTS other CASCADE")
            server.execute("DROP TABLE IF EXISTS other_table CASCADE")
            ledger.check()
            server.stop()
        server.start()
        print(f"# died {deaths} times at {name}")
        assert deaths == HITS, f"the point {name} was passed by {deaths} of {HITS} lives only"


def die_in_recovery(name, pg, seed):
    """Lets a server that was killed under load die while it recovers, each time again."""
    with harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, pg, seed, rows_max=200)
        ledger.create()
        for hit in range(RECOVERY_HITS):
            acknowledged = len(ledger.batches)
            ledger.start_writing()
            try:
                wait_until(lambda n=acknowledged: len(ledger.batches) > n + 3, 30, "some rows")
                server.kill()
            finally:
                ledger.stop_writing()
            try:
                server.start(env={"MILLRACE_FAULT": f"{name}:1:die"})
                raise AssertionError(f"the start {hit + 1} did not pass the point {name}")
            except harness.ServerDied as death:
                assert f"ended with {DIED} " in str(death), death
            server.start()
            ledger.check()
        print(f"# died {RECOVERY_HITS} times at {name}")


def test_recovery():
    names = [name for name in fault_points() if name.startswith(RECOVERY)]
    assert len(names) >= 3, f"recovery has the points {names} only"
    for name in names:
        yield f"sqlite, die at {name}", lambda n=name: die_in_recovery(n, None, SEED)
    with harness.Postgres() as pg:
        for name in names:
            def call(n=name):
                clean(pg)
                die_in_recovery(n, pg, SEED)
            yield f"postgres, die at {name}", call


def test_fault_points():
    names = [name for name in fault_points()
             if name not in NOT_BY_LOAD and not name.startswith(RECOVERY)]
    if not names:
        raise AssertionError("no fault point in the source")
    for name in names:
        if name.startswith("postgres"):
            continue
        yield f"sqlite, die at {name}", lambda n=name: die_at(n, None, SEED)
    with harness.Postgres() as pg:
        for name in names:
            if name.startswith(("target", "sink", "postgres", "scheduler")):
                def call(n=name):
                    clean(pg)
                    die_at(n, pg, SEED)
                yield f"postgres, die at {name}", call


def refresh_suspended(point):
    """A suspended view that is made anew is suspended again, although the server dies in the swap."""
    with harness.Server() as server:
        server.execute("CREATE STREAM s (a integer)")
        server.execute("CREATE MATERIALIZED VIEW v AS SELECT a, count(*) AS n FROM s GROUP BY a")
        server.execute("ALTER MATERIALIZED VIEW v SUSPEND")
        server.stop()
        server.start(env={"MILLRACE_FAULT": f"{point}:1:die"})
        server.execute("INSERT INTO s VALUES (1), (1)")
        try:
            server.execute("REFRESH MATERIALIZED VIEW v")
            raise AssertionError(f"{point} was not passed")
        except psycopg.OperationalError:
            pass
        server.kill()
        for _ in range(2):
            server.start()
            assert state(server, "v") == "SUSPENDED", state(server, "v")
            assert server.execute("SELECT a, n FROM v") == [(1, 2)]
            server.stop()


def test_refresh_suspended():
    for point in ("ddl.before_swap", "ddl.after_swap"):
        yield f"a suspended view stays so, die at {point}", lambda p=point: refresh_suspended(p)


def clean(pg):
    with pg.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS millrace CASCADE")
        for table, in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(f'DROP TABLE "{table}"')


# -- targets that go away ---------------------------------------------------------------------------

def state(server, name):
    return server.execute(f"SELECT state FROM millrace.queries WHERE name = '{name}'")[0][0]


def test_postgres_restarts():
    """PostgreSQL crashes and comes back, several times, while rows keep coming."""
    with harness.Postgres() as pg, harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, pg, SEED)
        ledger.create()
        ledger.start_writing()
        try:
            rng = random.Random(SEED)
            for mode in ("immediate", "fast") * (5 if harness.full() else 2):
                time.sleep(rng.uniform(0.05, 0.3))
                pg.stop(mode)
                wait_until(lambda: "retrying" in state(server, "counts").lower(), 30,
                           "the view to be RETRYING")
                pg.start()
        finally:
            ledger.stop_writing()
        ledger.check()


def test_postgres_connections_cut():
    """The server's connections are terminated in the middle of whatever they do."""
    with harness.Postgres() as pg, harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, pg, SEED)
        ledger.create()
        ledger.start_writing()
        try:
            with pg.connect(user="postgres") as admin:
                for _ in range(40 if harness.full() else 12):
                    time.sleep(0.05)
                    admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                                  "WHERE usename = 'millrace'")
        finally:
            ledger.stop_writing()
        ledger.check()


def test_sqlite_locked():
    """Another program holds SQLite's write lock for a while: nothing is lost, nothing fails."""
    import sqlite3
    with harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, None, SEED)
        ledger.create()
        ledger.start_writing()
        try:
            for _ in range(4):
                other = sqlite3.connect(server.main_db(), timeout=30, isolation_level=None)
                other.execute("BEGIN IMMEDIATE")
                time.sleep(0.3)
                other.execute("ROLLBACK")
                other.close()
        finally:
            ledger.stop_writing()
        ledger.check()


def test_postgres_table_dropped():
    """A dropped target table stops its view by name; the others and the server go on."""
    with harness.Postgres() as pg, harness.Server(settings=SETTINGS) as server:
        ledger = Ledger(server, pg, SEED)
        ledger.create()
        with server.connect() as connection:
            ledger.write_one(connection)
            ledger.check()
            pg.execute("DROP TABLE counts")
            ledger.write_one(connection)
            wait_until(lambda: state(server, "counts").lower() == "blocked", 30,
                       "the view to be BLOCKED")
            rows, = connection.execute("SELECT count(*) FROM s").fetchone()
            wait_until(lambda: pg.execute("SELECT count(*) FROM appended") == [(rows,)], 30,
                       "the other view to go on")
            error = server.execute("SELECT error FROM millrace.queries WHERE name = 'counts'")
            assert "42P01" in str(error) or "does not exist" in str(error), error


harness.main(globals())
