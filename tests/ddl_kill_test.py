#!/usr/bin/env python3
"""tests/ddl_kill_test.py - a death at every point of a DDL statement leaves it done or not done.

The server dies at the point when it is passed for the first time, the second, … until the statement lives.
After each death the server starts again: every view shows what its stored text answers, takes further rows,
and the statement, said once more, is done or says that it was.
"""
import collections
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness import ROOT  # noqa: E402
from harness.tables import sqlite_table  # noqa: E402

import psycopg  # noqa: E402

PASSES_MAX = 40
DEATHS = 2 if harness.quick() or harness.sanitized() else PASSES_MAX
SETUP = (
    "CREATE STREAM s (k int, v int)",
    "INSERT INTO s SELECT i % 3, i FROM generate_series(1, 8) AS i",
    "CREATE VIEW even AS SELECT k, v FROM s WHERE v % 2 = 0",
    "CREATE VIEW chosen AS SELECT * FROM even",
    "CREATE MATERIALIZED VIEW m AS SELECT k, v FROM chosen",
    "CREATE MATERIALIZED VIEW counts AS SELECT k, count(*) AS v FROM m GROUP BY k",
    "REFRESH MATERIALIZED VIEW m",
    "COMMENT ON MATERIALIZED VIEW m IS 'kept'",
    "CREATE INDEX of_v ON m (v)",
    "CREATE TABLE t (id int PRIMARY KEY, k int, w int DEFAULT 8, x int DEFAULT 9, CONSTRAINT one UNIQUE (k, id))",
    "CREATE MATERIALIZED VIEW groups AS SELECT k, count(*) AS n FROM t GROUP BY k",
    "CREATE MATERIALIZED VIEW nines AS SELECT x, count(*) AS n FROM t GROUP BY x",
    "CREATE MATERIALIZED VIEW nine AS SELECT max(x) AS x FROM nines",
    "CREATE INDEX of_k ON t (k)",
    "INSERT INTO t SELECT i, i % 4 FROM generate_series(1, 20) AS i",
    "CREATE ALERT a NOTIFY a AS SELECT k, count(*) AS n FROM s GROUP BY k",
)
# A statement, and what it may say when the death came behind its end.
STATEMENTS = (
    ("CREATE MATERIALIZED VIEW n AS SELECT k, max(v) AS v FROM even GROUP BY k", "42P07"),
    ("CREATE OR REPLACE VIEW even AS SELECT k, v FROM s WHERE v % 2 = 1", None),
    ("CREATE OR REPLACE MATERIALIZED VIEW m AS SELECT k, v FROM s WHERE v % 3 = 0", None),
    ("REFRESH MATERIALIZED VIEW m", None),
    ("ALTER MATERIALIZED VIEW m RENAME TO other", "42P01"),
    ("ALTER MATERIALIZED VIEW m SET (batch_interval = '1 ms')", None),
    ("CREATE INDEX of_k_v ON m (k, v)", "42P07"),
    ("ALTER INDEX of_v RENAME TO of_value", "42P01"),
    ("DROP INDEX of_v", "42704"),
    ("CREATE UNIQUE INDEX of_id_k ON t (k, id)", "42P07"),
    ("DROP INDEX of_k", "42704"),
    ("ALTER TABLE t ALTER k SET NOT NULL, ADD CONSTRAINT few CHECK (k < 9), ADD UNIQUE (id, k)", "42710"),
    ("ALTER TABLE t ADD c int DEFAULT 3 CHECK (c > 1), ADD d int UNIQUE", "42701"),
    ("ALTER TABLE t DROP CONSTRAINT one", "42704"),
    ("ALTER TABLE t RENAME CONSTRAINT one TO two", "42704"),
    ("ALTER TABLE t DROP COLUMN w", "42703"),
    ("ALTER TABLE t DROP COLUMN x CASCADE, ADD y int DEFAULT 1", "42703"),
    ("ALTER STREAM s ADD COLUMN x int DEFAULT 7", "42701"),
    ("ALTER STREAM s RENAME TO r", "42P01"),
    ("DROP MATERIALIZED VIEW m CASCADE", "42P01"),
    ("CREATE ALERT b NOTIFY b FROM m", "42P07"),
    ("DROP ALERT a", "42P01"),
    ("ALTER ALERT a RENAME TO c", "42P01"),
)


def points():
    """Those of DDL, by name, as the source has them."""
    found = set()
    for path in (ROOT / "server").glob("*.c"):
        found |= set(re.findall(r'mr_fault_point\("(ddl\.\w+)"\)', path.read_text()))
    return sorted(found) + ["catalog.before_commit", "catalog.after_commit"]


def bag(rows):
    return collections.Counter(rows)


def check_views(server, after):
    """Every view answers as its text does over the rows that are there."""
    with server.connect() as connection:
        connection.execute("FLUSH")
        for name, in connection.execute("SELECT name FROM millrace.queries").fetchall():
            text, = connection.execute(f"SHOW CREATE MATERIALIZED VIEW {name}").fetchone()
            wanted = bag(connection.execute(re.split(r"\bAS\s", text, maxsplit=1)[1].rstrip("; \n")).fetchall())
            got = bag(connection.execute(f"SELECT * FROM {name}").fetchall())
            assert got == wanted, f"{after}: {name} has {got}, its text answers {wanted}\n{text}"


def check_indexes(server, after):
    """The target has the indexes that the catalogue has, and a table answers by its own as without."""
    with server.connect() as connection:
        listed = bag(connection.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename IN (SELECT matviewname FROM pg_matviews)"
            " AND indexname LIKE 'of%'").fetchall())
        by_index = connection.execute("SELECT count(*) FROM t WHERE k = 3").fetchone()
        by_rows = connection.execute("SELECT count(*) FROM t WHERE k + 0 = 3").fetchone()
    rows = sqlite_table(server.main_db(),
                        "SELECT name FROM sqlite_schema WHERE type = 'index' AND name LIKE 'of%'")
    there = bag(tuple(row) for row in rows)
    assert listed == there, f"{after}: the catalogue has the indexes {listed}, the target {there}"
    assert by_index == by_rows, f"{after}: {by_index} rows by index, {by_rows} without"
    check_constraints(server, after)


def check_constraints(server, after):
    """The table refuses what the catalogue says that it refuses, and nothing else."""
    with server.connect(autocommit=True) as connection:
        there = {name for name, in connection.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = 't'::regclass").fetchall()}
        not_null, = connection.execute("SELECT attnotnull FROM pg_attribute WHERE attrelid = 't'::regclass "
                                       "AND attname = 'k'").fetchone()
        for row, is_refused in (("(900, 9)", "few" in there), ("(900, NULL)", not_null)):
            try:
                connection.execute(f"INSERT INTO t (id, k) VALUES {row}")
                connection.execute("DELETE FROM t WHERE id = 900")
                assert not is_refused, f"{after}: t took {row}"
            except psycopg.errors.IntegrityError:
                assert is_refused, f"{after}: t refused {row}"


def feed(server):
    stream = server.execute("SELECT name FROM millrace.streams")[0][0]
    server.execute(f"INSERT INTO {stream} (k, v) VALUES (1, 12), (2, 15)")


def say(server, sql, may_say=None):
    """True: it was done, or the server says that it had been."""
    try:
        server.execute(sql)
    except psycopg.OperationalError:
        return False
    except psycopg.Error as error:
        assert may_say is not None and error.sqlstate == may_say, f"{sql}: {error}"
    return True


def die_once(sql, may_say, fault):
    """False when the point is not passed so often."""
    with harness.Server() as server:
        for statement in SETUP:
            server.execute(statement)
        server.stop()
        try:
            server.start(env={"MILLRACE_FAULT": f"{fault}:die"})
            if say(server, sql):
                check_views(server, sql)
                check_indexes(server, sql)
                return False
        except harness.ServerDied:
            server.process = None       # a point of the start
        server.kill()
        server.start()
        after = f"{sql} with a death at {fault}"
        check_views(server, after)
        check_indexes(server, after)
        feed(server)
        check_views(server, after)
        assert say(server, sql, may_say)
        feed(server)
        check_views(server, after + ", said again")
        check_indexes(server, after + ", said again")
        return True


def die_at_each(sql, may_say, point):
    hits = 0
    while hits < DEATHS and die_once(sql, may_say, f"{point}:{hits + 1}"):
        hits += 1
    assert hits < PASSES_MAX, f"{sql} passes {point} without end"
    print(f"# died {hits} times at {point}")


def test_deaths():
    for sql, may_say in STATEMENTS:
        for point in points():
            yield f"{sql}, die at {point}", lambda s=sql, m=may_say, p=point: die_at_each(s, m, p)


def move(source, target):
    for end in ("", "-wal", "-shm"):
        if os.path.exists(f"{source}{end}"):
            os.rename(f"{source}{end}", f"{target}{end}")


def test_refused_drop():
    """A DROP that the target refuses leaves the view as it was, also for the next start."""
    with harness.Server() as server:
        for statement in SETUP:
            server.execute(statement)
        server.execute("FLUSH")
        here, away = server.main_db(), f"{server.main_db()}.away"
        move(here, away)
        with open(here, "wb"):
            pass                        # another file in the place of the target's
        try:
            server.execute("DROP MATERIALIZED VIEW counts")
            raise AssertionError("dropped a table that is not there")
        except psycopg.Error as error:
            assert "was moved" in str(error), error
        server.kill()
        os.unlink(here)
        move(away, here)
        server.start()
        feed(server)
        check_views(server, "a refused DROP")
        assert server.execute("SELECT state FROM millrace.queries WHERE name = 'counts'") == [("RUNNING",)]


harness.main(globals())
