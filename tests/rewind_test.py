#!/usr/bin/env python3
"""tests/rewind_test.py - targets that are put back to an older state, within the rewind margin: main.db from a copy
taken beside the running server, another file from another moment, tables and progress of a PostgreSQL by a transaction;
after kills, and with log and table versions freed in between.  Then every result is the batch answer over all rows,
by SQLite.  The seed is printed: MILLRACE_SEED=n repeats a run."""
import datetime
import decimal
import os
import random
import shutil
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness import oracle  # noqa: E402
from harness.ledger import EPOCH, timestamp  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.tables import plain  # noqa: E402

SEED = harness.seed()
SMALL = harness.quick() or bool(harness.sanitized())
STEPS = 40 if SMALL else 120        # minutes
MARGIN = 10                         # minutes
GAP = 10                            # seconds, of sessions
SETTINGS = {"log_segment_size": "1MB", "checkpoint_interval": "1s", "rewind_margin": f"{MARGIN}min",
            "idle_timeout": "1d"}   # no heartbeat makes rows late
START = datetime.datetime(2026, 1, 1)

# Over t, a table of which the log keeps the contents, and r, whose rows come in order.
# name, our query, SQLite's
OTHERS = (
    ("by_group", "SELECT g, count(*) AS n, sum(v) AS v FROM t GROUP BY g", None),
    ("rows_of_t", "SELECT k, g, v FROM t WHERE v % 3 <> 0", None),
    ("joined", "SELECT t.g, count(*) AS n, sum(r.v) AS v FROM r JOIN t ON t.k = r.k GROUP BY t.g", None),
    ("levels", "SELECT n, count(*) AS keys FROM by_key GROUP BY n",
     "SELECT n, count(*) AS keys FROM (SELECT k, count(*) AS n FROM s GROUP BY k) GROUP BY n"),
    ("sessions", "SELECT k, window_start, count(*) AS n FROM SESSION(r PARTITION BY k, at, "
     f"INTERVAL '{GAP} seconds') GROUP BY k, window_start, window_end",
     "SELECT k, min(at), count(*) FROM (SELECT k, at, sum(fresh) OVER (PARTITION BY k ORDER BY at, id) AS number "
     "FROM (SELECT k, at, id, coalesce(unixepoch(at) - unixepoch(lag(at) OVER (PARTITION BY k ORDER BY at, id)) "
     f">= {GAP}, 1) AS fresh FROM r)) GROUP BY k, number"),
    ("pairs", "SELECT x.k, count(*) AS n FROM r x JOIN r y ON x.k = y.k AND y.at BETWEEN x.at AND "
     "x.at + INTERVAL '7 seconds' GROUP BY x.k",
     "SELECT x.k, count(*) AS n FROM r x JOIN r y ON x.k = y.k AND unixepoch(y.at) - unixepoch(x.at) "
     "BETWEEN 0 AND 7 GROUP BY x.k"),
    ("now_and_then", "SELECT k, max(v) AS v FROM r GROUP BY k EMIT EVERY INTERVAL '90' SECOND",
     "SELECT k, max(v) AS v FROM r GROUP BY k"),
)


class World:
    """All that was sent, in a SQLite of our own."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.rows = oracle.make_rows(30 * STEPS + 2000, seed)
        self.sent, self.number, self.second = 0, 0, EPOCH
        self.sqlite = sqlite3.connect(":memory:")
        self.sqlite.execute("CREATE TABLE r (id INTEGER, k INTEGER, v INTEGER, at TEXT)")
        self.sqlite.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, g INTEGER, v INTEGER)")
        self.sqlite.execute("CREATE TABLE s (k INTEGER)")

    def create(self, server):
        server.execute(oracle.stream_sql() + " WITH (retention = '2 min')")
        server.execute("CREATE STREAM r (id bigint, k integer, v integer, at timestamp, WATERMARK FOR at AS at) "
                       "WITH (retention = '2 min')")
        server.execute("CREATE STREAM filler (a text) WITH (retention = '1 min')")
        server.execute("CREATE TABLE t (k integer PRIMARY KEY, g integer, v integer, "
                       "filler text DEFAULT repeat('y', 8000))")
        for sql in [f"INSERT INTO t (k, g, v) VALUES ({k}, {k % 4}, {k})" for k in range(40)]:
            server.execute(sql)
            self.sqlite.execute(sql)

    def change_table(self, connection):
        low, n = self.rng.randrange(40), self.number
        for sql in (f"UPDATE t SET v = v + {n} WHERE k > {low}",
                    f"DELETE FROM t WHERE k = {self.rng.randrange(40)}",
                    f"INSERT INTO t (k, g, v) VALUES ({self.rng.randrange(40)}, {n % 4}, {n}) ON CONFLICT (k) DO UPDATE "
                    "SET g = excluded.g"):
            connection.execute(sql)
            self.sqlite.execute(sql)

    def feed(self, connection):
        self.number += 1
        rows = self.rows[self.sent:self.sent + 30]
        self.sent += 30
        with connection.cursor().copy("COPY s FROM STDIN") as copy:
            copy.write(oracle.copy_text(rows))
        self.sqlite.executemany("INSERT INTO s VALUES (?)", [(row[1],) for row in rows])
        for _ in range(5):
            self.second += self.rng.choice((0, 1, 1, 3, 12))
            row = (self.number, self.rng.randrange(40), self.rng.randrange(100), timestamp(self.second))
            connection.execute("INSERT INTO r VALUES (%s, %s, %s, %s)", row)
            self.sqlite.execute("INSERT INTO r VALUES (?, ?, ?, ?)", row)
        self.change_table(connection)
        connection.execute("INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 200)")

    def answers(self):
        sent = self.rows[:self.sent]
        for view in oracle.VIEWS:
            yield view.name, view.columns, oracle.sqlite_answer(view, sent)
        for name, ours, theirs in OTHERS:
            columns = ", ".join(part.split(" AS ")[-1].split(".")[-1]
                                for part in ours[len("SELECT "):ours.index(" FROM ")].split(", "))
            yield name, columns, self.sqlite.execute(theirs or ours).fetchall()


def same(got, expected, what):
    def form(rows):
        return sorted([f"{float(cell):.9g}" if isinstance(cell, (int, float, decimal.Decimal)) else str(cell)
                       for cell in map(plain, row)] for row in rows)
    got, expected = form(got), form(expected)
    assert got == expected, (what, [row for row in got if row not in expected][:4],
                             [row for row in expected if row not in got][:4])


class Files:
    """main.db, and another file for some of the views, each copied and put back by itself."""

    def __init__(self, server):
        self.server, self.second = server, server.temp / "second.db"
        self.place = {}

    def create(self):
        self.server.execute(f"CREATE CONNECTION second WITH (type = 'sqlite', path = '{self.second}')")
        for number, (name, sql) in enumerate([(view.name, view.create_sql()) for view in oracle.VIEWS] + [
                (name, f"CREATE MATERIALIZED VIEW {name} AS {ours}") for name, ours, _ in OTHERS]):
            elsewhere = number % 3 == 2 and name != "by_key"
            self.place[name] = self.second if elsewhere else self.server.main_db()
            self.server.execute(sql.replace("VIEW ", "VIEW second.", 1) if elsewhere else sql)

    def paths(self):
        return self.server.main_db(), self.second

    def copy(self, name):
        for path in self.paths():
            with sqlite3.connect(path, timeout=60) as there, \
                    sqlite3.connect(self.server.temp / f"{path.stem}.{name}") as here:
                there.backup(here)

    def put_back(self, path, name):
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        shutil.copy(self.server.temp / f"{path.stem}.{name}", path)

    def rows(self, name, columns):
        return harness.sqlite_table(self.place[name], f"SELECT {columns} FROM {name}")


class Tables:
    """A PostgreSQL: the rows of tables and progress as they were, in one transaction beside the running server."""

    def __init__(self, server, pg):
        self.server, self.pg, self.names = server, pg, []

    def create(self):
        for sql in self.pg.connection_sql("pg"):
            self.server.execute(sql)
        for name, sql in [(view.name, view.create_sql()) for view in oracle.VIEWS] + [
                (name, f"CREATE MATERIALIZED VIEW {name} AS {ours}") for name, ours, _ in OTHERS]:
            self.names.append(name)
            self.server.execute(sql.replace("VIEW ", "VIEW pg.", 1))
        with self.pg.connect(user="postgres") as connection:
            connection.execute("CREATE SCHEMA backups AUTHORIZATION millrace")

    def all(self):
        return [(f"public.{name}", name) for name in self.names] + [("millrace.progress", "progress")]

    def copy(self, name):
        with self.pg.connect() as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            for table, short in self.all():
                connection.execute(f"CREATE TABLE backups.{short}_{name} AS TABLE {table}")
            connection.execute("COMMIT")

    def put_back(self, name):
        with self.pg.connect() as connection:
            connection.execute("BEGIN")
            connection.execute("LOCK TABLE millrace.progress")
            for table, short in self.all():
                connection.execute(f"DELETE FROM {table}")
                connection.execute(f"INSERT INTO {table} SELECT * FROM backups.{short}_{name}")
            connection.execute("COMMIT")

    def each(self, server, what):
        for name in self.names:
            server.execute(f"ALTER MATERIALIZED VIEW {name} {what}")

    def rows(self, name, columns):
        return self.pg.execute(f"SELECT {columns} FROM public.{name}")


def check(server, world, target, what):
    server.execute("FLUSH")
    failed = server.execute("SELECT name, state, error FROM millrace.queries WHERE state <> 'RUNNING'")
    assert not failed, (what, failed)
    for name, columns, expected in world.answers():
        same(target.rows(name, columns), expected, (what, name, f"seed {SEED}"))


def checkpoints(server):
    """Files of each query."""
    counts = {}
    for path in (server.data / "checkpoints").glob("*-*-*-*-*.ckpt"):
        counts[path.name[:36]] = counts.get(path.name[:36], 0) + 1
    return counts


def tick(server, minute):
    server.execute(f"SET CLOCK TO '{START + datetime.timedelta(minutes=minute)}+00'")


def step(server, world, minute):
    tick(server, minute)
    with server.connect() as connection:
        world.feed(connection)
    server.execute("FLUSH")
    counts = checkpoints(server)
    assert max(counts.values(), default=0) <= 4, counts


def judge_kept(server):
    """Most of what the tests are about has happened: rows are trimmed, and have gone
    from the files with what came and went of the table."""
    kept, = server.execute("SELECT count(*) FROM r")[0]
    assert kept < 60, kept
    assert "log.netted" in server.log_text(), server.log_tail()
    rewinds = server.execute("SELECT name, rewind_sequence, covered FROM millrace.queries")
    assert all(0 < sequence <= covered for _, sequence, covered in rewinds), rewinds


def files_go_back():
    rng = random.Random(SEED)
    print(f"# seed {SEED}")
    with harness.Server(settings=SETTINGS, virtual_clock=True) as server:
        world, target = World(SEED), Files(server)
        tick(server, 0)
        world.create(server)
        target.create()
        restores = 0
        for minute in range(1, STEPS):
            step(server, world, minute)
            target.copy(minute)
            if rng.random() < 0.25:
                server.restart(crash=rng.random() < 0.5)
                tick(server, minute)
            if rng.random() < 0.2 and minute > 2:
                (server.kill if rng.random() < 0.5 else server.stop)()
                for path in target.paths():
                    back = rng.randrange(max(1, minute - MARGIN), minute + 1)
                    target.put_back(path, back)
                server.start()
                tick(server, minute)
                restores += 1
                check(server, world, target, f"minute {minute}, put back")
        check(server, world, target, "at the end")
        judge_kept(server)
        print(f"# {restores} times put back")
        assert restores > 2, restores


def tables_go_back():
    rng = random.Random(SEED + 1)
    with harness.Postgres() as pg, harness.Server(settings=SETTINGS, virtual_clock=True) as server:
        world, target = World(SEED + 1), Tables(server, pg)
        tick(server, 0)
        world.create(server)
        target.create()
        restores, copies = 0, []
        for minute in range(1, STEPS):
            step(server, world, minute)
            if minute % 2 == 0:
                target.copy(minute)
                copies.append(minute)
            if rng.random() < 0.2:
                server.restart(crash=rng.random() < 0.5)
                tick(server, minute)
            if rng.random() < 0.3 and minute > 2:
                target.each(server, "SUSPEND")
                back = rng.choice([copy for copy in copies if copy >= minute - MARGIN])
                copies = [copy for copy in copies if copy <= back]      # epochs beside what comes now
                target.put_back(back)
                target.each(server, "RESUME")
                with server.connect() as connection:
                    world.feed(connection)
                restores += 1
                check(server, world, target, f"minute {minute}, put back")
        check(server, world, target, "at the end")
        judge_kept(server)
        assert restores > 2, restores


def beyond():
    """Older than what is kept: the views stop, change nothing, and go on with a newer copy."""
    with harness.Server(settings=SETTINGS, virtual_clock=True) as server:
        world, target = World(SEED + 2), Files(server)
        tick(server, 0)
        world.create(server)
        target.create()
        for minute in range(1, 3 * MARGIN):
            step(server, world, minute)
            if minute in (2, 2 * MARGIN + 5):
                target.copy(minute)
        server.stop()
        for path in target.paths():
            target.put_back(path, 2)
        server.start()
        tick(server, 3 * MARGIN)
        stopped = dict(server.execute("SELECT name, error FROM millrace.queries WHERE state = 'FAILED'"))
        assert set(stopped) >= {"by_key", "tumble", "sessions", "pairs"}, stopped
        assert all(error.startswith("MR002 ") for error in stopped.values()), stopped
        server.stop()
        for path in target.paths():
            target.put_back(path, 2 * MARGIN + 5)
        server.start()
        tick(server, 3 * MARGIN)
        check(server, world, target, "a newer copy")


def give_way():
    """Near log_limit the log is freed rather than rows refused, and what a restart needs is kept."""
    settings = {**SETTINGS, "log_limit": "8MB", "rewind_margin": "1h"}
    with harness.Server(settings=settings, virtual_clock=True) as server:
        world, target = World(SEED + 3), Files(server)
        tick(server, 0)
        world.create(server)
        target.create()
        for minute in range(1, 30):
            with server.connect() as connection:
                world.feed(connection)
            server.execute("FLUSH")
            wait_until(lambda m=minute: has_room(server, m), 60, "the log to be freed")
        server.restart(crash=True)
        tick(server, 30)
        check(server, world, target, "after the margin gave way")
        assert "nothing is kept for rewind_margin" in server.log_text(), server.log_tail()


def has_room(server, minute):
    """Looks at the log again a moment later, as the timer would."""
    has_room.looks += 1
    server.execute(f"SET CLOCK TO '{START + datetime.timedelta(minutes=minute, milliseconds=has_room.looks)}+00'")
    server.execute("FLUSH")
    return sum(path.stat().st_size for path in (server.data / "log").glob("*.seg")) < 7 << 20


has_room.looks = 0


def test_within_the_margin():
    yield "files", files_go_back
    yield "tables of PostgreSQL", tables_go_back


def test_beyond_it():
    beyond()


def test_near_the_limit():
    give_way()


harness.main(globals())
