#!/usr/bin/env python3
"""tests/table_log_test.py - tables are kept as contents: however often their rows change, the log stays
small, and whoever begins later finds the rows that are there, with their places.  The oracle is a
dictionary of what was acknowledged, and the views' own texts asked at the prompt."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.server import wait_until  # noqa: E402

SEED = harness.seed()
SETTINGS = {"log_segment_size": "1MB", "checkpoint_interval": "50ms", "rewind_margin": "0"}
ROWS = 300
FILES = 5        # of a log that has become small: what is kept, what came since, one to go on in
VIEWS = (("sums", "SELECT g, count(*) AS n, sum(v)::bigint AS v FROM t GROUP BY g"),
         ("joined", "SELECT s.k, t.v FROM s JOIN t ON t.k = s.k WHERE t.g = 1"))
POINTS = ("log.before_net", "log.after_net")


def segments(server):
    return [name for name in os.listdir(os.path.join(server.data, "log")) if name.endswith(".seg")]


def create(server):
    server.execute("CREATE TABLE t (k integer PRIMARY KEY, g integer, v bigint, filler text)")
    server.execute("CREATE INDEX t_g ON t (g)")
    server.execute("CREATE TABLE keyless (v integer)")
    server.execute("CREATE STREAM s (k integer)")
    server.execute("INSERT INTO s SELECT g FROM generate_series(1, 50) AS g")
    for name, sql in VIEWS:
        server.execute(f"CREATE MATERIALIZED VIEW {name} AS {sql}")
    server.execute(f"INSERT INTO t SELECT g, g % 7, 0, repeat('x', 300) FROM generate_series(1, {ROWS}) AS g")


class Changes:
    """Changes of the table, and what they add up to."""
    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.rows = {k: (k % 7, 0) for k in range(1, ROWS + 1)}
        self.keyless = []
        self.number = 0

    def run(self, connection, count):
        for _ in range(count):
            self.number += 1
            n, low = self.number, self.rng.randrange(1, ROWS)
            connection.execute("UPDATE t SET v = %s WHERE k >= %s", (n, low))
            for k in [k for k in self.rows if k >= low]:
                self.rows[k] = (self.rows[k][0], n)
            if n % 5 == 0:
                gone = self.rng.randrange(1, ROWS + 1)
                connection.execute("DELETE FROM t WHERE k = %s", (gone,))
                self.rows.pop(gone, None)
                new = self.rng.randrange(1, ROWS + 1)
                if new not in self.rows:
                    connection.execute("INSERT INTO t VALUES (%s, %s, %s, repeat('y', 300))", (new, n % 7, n))
                    self.rows[new] = (n % 7, n)
                connection.execute("INSERT INTO keyless VALUES (%s), (%s)", (n, n))
                connection.execute("DELETE FROM keyless WHERE v < %s", (n - 20,))
                self.keyless = [v for v in self.keyless if v >= n - 20] + [n, n]

    def check(self, server, views):
        got = {k: (g, v) for k, g, v in server.execute("SELECT k, g, v FROM t")}
        assert got == self.rows, sorted(set(got.items()) ^ set(self.rows.items()))[:10]
        for g in range(7):
            by_index = {k for k, in server.execute(f"SELECT k FROM t WHERE g = {g}")}
            assert by_index == {k for k, row in self.rows.items() if row[0] == g}, g
        keyless = sorted(v for v, in server.execute("SELECT v FROM keyless"))
        assert keyless == sorted(self.keyless), (keyless, self.keyless)
        server.execute("FLUSH")
        for name, sql in views:
            columns = sql[len("SELECT "):sql.index(" FROM ")]
            held = sorted(server.execute(f"SELECT * FROM {name}"))
            asked = sorted(server.execute(sql))
            assert held == asked, (name, columns, held[:5], asked[:5])


def tick(server, clock):
    """Retention looks after the log."""
    clock[0] += 1
    server.execute(f"SET CLOCK TO '2026-01-{1 + clock[0] // 1440:02}"
                   f" {clock[0] // 60 % 24:02}:{clock[0] % 60:02}:00+00'")


def become_small(server, clock):
    """Queries write checkpoints by time: each look asks for it again."""
    def done():
        server.execute("UPDATE t SET v = v WHERE k < 10")
        server.execute("FLUSH")
        tick(server, clock)
        return len(segments(server)) <= FILES
    wait_until(done, 60, "the log to become small")


def test_log_stays_small():
    with harness.Server(settings=SETTINGS, virtual_clock=True) as server:
        create(server)
        changes, clock = Changes(SEED), [0]
        print(f"# seed {SEED}")
        counts, later = [], list(VIEWS)
        for number in range(5):
            with server.connect() as connection:
                changes.run(connection, 60)
            before = len(segments(server))
            become_small(server, clock)
            counts.append((before, len(segments(server))))
            name, sql = VIEWS[number % 2]
            later.append((f"{name}_{number}", sql))
            server.execute(f"CREATE MATERIALIZED VIEW {name}_{number} AS {sql}")
            changes.check(server, later)
            if number == 1:
                server.execute("ALTER TABLE t ADD COLUMN more integer DEFAULT 5")
            if number == 2:
                server.execute("ALTER TABLE keyless RENAME COLUMN v TO w")
                server.execute("ALTER TABLE keyless RENAME COLUMN w TO v")
                server.execute("ALTER TABLE t DROP COLUMN more")
            if number == 3:
                server.execute("ALTER TABLE keyless RENAME TO other")
                server.execute("ALTER TABLE other RENAME TO keyless")
            server.restart(crash=number % 2 == 0)
            changes.check(server, later)
        print(f"# files of the log before each round was left out of it, and after it: {counts}")
        assert len(counts) == 5 and all(before > FILES >= after for before, after in counts), counts
        assert server.execute("SELECT error FROM millrace.tables WHERE error IS NOT NULL") == []


def test_versions_are_said_to_be_gone():
    """SUBSCRIBE AFTER, and views over versions, say what is not there any more."""
    with harness.Server(settings=SETTINGS, virtual_clock=True) as server:
        create(server)
        changes, clock = Changes(SEED), [0]
        server.execute("CREATE TABLE kept (k integer PRIMARY KEY, v integer) WITH (retention = 'forever')")
        server.execute("INSERT INTO kept VALUES (1, 0)")
        with server.connect() as connection:
            for n in range(50):
                connection.execute("UPDATE kept SET v = %s", (n,))
            changes.run(connection, 60)
        become_small(server, clock)
        with server.connect() as connection:
            notices = []
            connection.add_notice_handler(lambda told: notices.append(told.message_primary))
            connection.execute("CREATE MATERIALIZED VIEW versions AS SELECT s.k, t.v FROM s "
                               "LEFT JOIN t FOR SYSTEM_TIME AS OF s._arrival ON t.k = s.k")
            assert any('"t" keeps its versions from sequence' in notice for notice in notices), notices
            try:
                connection.execute("SUBSCRIBE TO t AFTER 60")
                raise AssertionError("the changes are not there any more")
            except psycopg.Error as error:
                assert error.sqlstate == "53400", error
        held = server.execute("SELECT count(*) FROM s LEFT JOIN kept FOR SYSTEM_TIME AS OF s._arrival "
                              "ON kept.k = s.k")[0][0]
        assert held >= 50, held
        server.restart(crash=True)
        changes.check(server, VIEWS)


def test_a_query_that_stands_still_holds_changes():
    settings = {**SETTINGS, "log_limit": "12MB"}
    with harness.Server(settings=settings, virtual_clock=True) as server:
        create(server)
        changes, clock = Changes(SEED), [0]
        server.execute("FLUSH")
        server.execute("ALTER MATERIALIZED VIEW sums SUSPEND")
        tick(server, clock)
        told = None
        with server.connect() as connection:
            try:
                for _ in range(400):
                    connection.execute("UPDATE t SET v = v + 1")
            except psycopg.errors.DiskFull as error:
                told = error.diag.message_primary

            def is_held():      # once the other query, which runs on, has a checkpoint
                tick(server, clock)
                try:
                    connection.execute("UPDATE t SET v = v + 1")
                except psycopg.errors.DiskFull as error:
                    return 'held by query "sums"' in error.diag.message_primary
            assert told is not None
            wait_until(is_held, 30, "the holder to be named")
        server.execute("ALTER MATERIALIZED VIEW sums RESUME")
        changes.rows = {k: (g, v) for k, g, v in server.execute("SELECT k, g, v FROM t")}
        become_small(server, clock)
        changes.check(server, VIEWS)


def die_at(point):
    with harness.Server(settings=SETTINGS, virtual_clock=True) as server:
        create(server)
        changes, clock = Changes(SEED), [0]
        with server.connect() as connection:
            changes.run(connection, 60)
        server.stop()
        server.start(env={"MILLRACE_FAULT": f"{point}:1:die"})
        try:
            become_small(server, clock)
            raise AssertionError(f"{point} was not passed")
        except (psycopg.OperationalError, harness.ServerDied):
            pass
        server.kill()
        for _ in range(2):
            server.start()
            changes.check(server, VIEWS)
            server.stop()
        server.start()
        with server.connect() as connection:
            changes.run(connection, 30)
        become_small(server, clock)
        server.restart(crash=True)
        changes.check(server, VIEWS)


def test_deaths():
    for point in POINTS:
        yield f"die at {point}", lambda p=point: die_at(p)


if __name__ == "__main__":
    harness.main(globals())
