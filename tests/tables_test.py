#!/usr/bin/env python3
"""tests/tables_test.py - changeable tables against PostgreSQL, under kill -9, and from many clients.

Random statements (INSERT, ON CONFLICT, UPDATE, DELETE, TRUNCATE, COPY, transactions) go to our server and
to PostgreSQL: the same tag or SQLSTATE, the same RETURNING, the same rows, and standing queries in SQLite
and in PostgreSQL that hold what PostgreSQL's SELECT says.  MILLRACE_SEED=n repeats a run.
"""
import collections
import decimal
import os
import random
import re
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.tables import plain  # noqa: E402

SEED = harness.seed()
ROUNDS = 8 if harness.full() else 2 if harness.quick() or harness.sanitized() else 4
STATEMENTS = 150
KILLS = 40 if harness.full() else 6 if harness.quick() or harness.sanitized() else 12

TABLES = (
    "CREATE TABLE keyed (id integer PRIMARY KEY, g text, v bigint, n numeric(12,2) DEFAULT 1.5, "
    "twice bigint GENERATED ALWAYS AS (v * 2) STORED)",
    "CREATE TABLE pairs (a text NOT NULL, b date NOT NULL, v integer NOT NULL CHECK (v < 60), PRIMARY KEY (b, a), "
    "CHECK (length(a) + v <> 7))",
    "CREATE TABLE bag (a integer, b text)",
)
# name, columns, SELECT
VIEWS = (
    ("v_groups", "g, n, total, least, most", "SELECT g, count(*) AS n, sum(v) AS total, min(v) AS least, "
     "max(n) AS most FROM keyed GROUP BY g"),
    ("v_rows", "id, w", "SELECT id, coalesce(v, 0) + 1 AS w FROM keyed WHERE g <> 'b' OR v > 10"),
    ("v_key", "g, twice", "SELECT g, twice FROM keyed WHERE v IS NOT NULL"),
    ("v_whole", "n, total, kinds", "SELECT count(*) AS n, sum(n) AS total, count(DISTINCT g) AS kinds FROM keyed"),
    ("v_having", "g, n", "SELECT g, count(*) AS n FROM keyed GROUP BY g HAVING count(*) > 2 AND max(v) < 900"),
    ("v_distinct", "b, v", "SELECT DISTINCT b, v FROM pairs"),
    ("v_nested", "n, groups", "SELECT n, count(*) AS groups FROM "
     "(SELECT a, count(*) AS n FROM pairs GROUP BY a) x GROUP BY n"),
    ("v_pairs", "a, b, v", "SELECT a, b, v * 3 AS v FROM pairs WHERE v % 2 = 0"),
    ("v_bag", "a, b", "SELECT a, b FROM bag WHERE a IS NULL OR a < 50"),
    ("v_bags", "b, n, least", "SELECT b, count(a) AS n, min(a) AS least FROM bag GROUP BY b"),
)
NAMES = ("a", "b", "c", "it's", "", "a longer name than fits a view", "another of the longer names")


def canonical(rows):
    """A multiset of rows in one form for SQLite, PostgreSQL and us."""
    def cell(value):
        value = plain(value)
        return f"{float(value):.9g}" if isinstance(value, (int, float, decimal.Decimal)) else value
    return collections.Counter(tuple(map(cell, row)) for row in rows)


class Statements:
    """Random statements that both sides take, errors included."""

    def __init__(self, rng):
        self.rng = rng

    def text(self):
        return "NULL" if self.rng.random() < 0.1 else "'" + self.rng.choice(NAMES).replace("'", "''") + "'"

    def number(self, most=1000):
        return "NULL" if self.rng.random() < 0.05 else str(self.rng.randint(-5, most))

    def date(self):
        return f"date '2026-01-{self.rng.randint(1, 9):02d}'"

    def keyed_rows(self, fresh):
        """Now and then a key twice, or none."""
        count = self.rng.choice((1, 1, 2, 5, 30))
        ids = self.rng.sample(range(200), count) if fresh else [self.rng.randrange(200) for _ in range(count)]
        rows = [f"({i if self.rng.random() > 0.01 else 'NULL'}, {self.text()}, {self.number()}, "
                f"{self.rng.choice(('DEFAULT', '2.25', '-1', 'NULL'))})" for i in ids]
        return ", ".join(rows)

    def keyed(self):
        rng, kind = self.rng, self.rng.randrange(9)
        where = rng.choice((f"id < {rng.randrange(200)}", f"g = {self.text()}", f"v > {rng.randrange(1000)}",
                            f"id = {rng.randrange(200)}", "n IS NULL", f"id % 7 = {rng.randrange(7)}"))
        returning = rng.choice(("", "", " RETURNING *", " RETURNING id + 1, g || '!', twice"))
        if kind <= 1:
            return f"INSERT INTO keyed (id, g, v, n) VALUES {self.keyed_rows(False)}{returning}"
        if kind == 2:
            return f"INSERT INTO keyed (id, g, v, n) VALUES {self.keyed_rows(False)} ON CONFLICT DO NOTHING{returning}"
        if kind == 3:
            sets = rng.choice(("v = excluded.v, g = excluded.g", "v = k.v + 1", "(g, n) = (excluded.g, DEFAULT)"))
            only = rng.choice(("", " WHERE k.v IS DISTINCT FROM excluded.v", " WHERE k.id % 2 = 0"))
            return (f"INSERT INTO keyed AS k (id, g, v, n) VALUES {self.keyed_rows(rng.random() < 0.8)} "
                    f"ON CONFLICT (id) DO UPDATE SET {sets}{only}{returning}")
        if kind <= 6:
            sets = rng.choice(("v = v + 1", f"g = {self.text()}", "n = n * 2, v = id", "v = NULL", "n = DEFAULT",
                               f"v = CASE WHEN id % 3 = 0 THEN {self.number()} ELSE v END", "v = 100 / (v - 1)"))
            return f"UPDATE keyed SET {sets} WHERE {where}{returning}"
        if kind == 7:
            return f"UPDATE keyed SET id = {rng.choice(('id + 1000', str(rng.randrange(200))))} WHERE id = " \
                   f"{rng.randrange(200)}{returning}"
        return f"DELETE FROM keyed WHERE {where}{returning}"

    def pairs(self):
        rng, kind = self.rng, self.rng.randrange(6)
        rows = ", ".join(f"({self.text()}, {self.date()}, {self.number(20)})" for _ in range(rng.choice((1, 2, 9))))
        if kind <= 1:
            return f"INSERT INTO pairs VALUES {rows} ON CONFLICT (a, b) DO NOTHING"
        if kind == 2:
            return f"INSERT INTO pairs VALUES {rows} ON CONFLICT (a, b) DO UPDATE SET v = pairs.v + excluded.v"
        if kind == 3:
            return f"UPDATE pairs SET v = {self.number(20)} WHERE b = {self.date()}"
        if kind == 4:
            return f"DELETE FROM pairs WHERE a = {self.text()} OR v > {rng.randrange(20)}"
        return "TRUNCATE pairs" if rng.random() < 0.2 else f"INSERT INTO pairs VALUES {rows}"

    def bag(self):
        rng, kind = self.rng, self.rng.randrange(6)
        rows = ", ".join(f"({self.number(100)}, {self.text()})" for _ in range(rng.choice((1, 3, 20))))
        if kind <= 2:
            return f"INSERT INTO bag VALUES {rows}"
        if kind == 3:
            return f"UPDATE bag SET a = a + 1, b = {self.text()} WHERE a % 3 = {rng.randrange(3)}"
        if kind == 4:
            return "INSERT INTO bag SELECT a, b || '.' FROM bag WHERE a = 7"
        return f"DELETE FROM bag WHERE a > {rng.randrange(100)}"

    def within(self):
        """Changes in WITH, of one table or of several."""
        rng, kind = self.rng, self.rng.randrange(5)
        where = rng.choice((f"id < {rng.randrange(200)}", f"g = {self.text()}", f"id = {rng.randrange(200)}"))
        if kind == 0:
            return f"WITH gone AS (DELETE FROM keyed WHERE {where} RETURNING v, g) INSERT INTO bag SELECT v, g FROM gone"
        if kind == 1:
            return (f"WITH taken AS (DELETE FROM bag WHERE a > {rng.randrange(100)} RETURNING a), made AS (INSERT INTO keyed "
                    "(id, v) SELECT a, count(*) FROM taken WHERE a IS NOT NULL GROUP BY a ON CONFLICT (id) DO NOTHING "
                    "RETURNING id, twice) SELECT * FROM made")
        if kind == 2:
            return (f"WITH u AS (UPDATE keyed SET v = v + 1 WHERE {where} RETURNING id, v) "
                    f"SELECT k.id, k.v, u.v FROM keyed k JOIN u ON k.id = u.id")
        if kind == 3:
            return (f"WITH i AS (INSERT INTO pairs VALUES ({self.text()}, {self.date()}, {self.number(20)}) ON CONFLICT DO NOTHING), "
                    f"d AS (DELETE FROM pairs WHERE v > {rng.randrange(20)} RETURNING a, v) UPDATE bag SET a = d.v "
                    f"FROM (SELECT a, max(v) AS v FROM d GROUP BY a) AS d "
                    f"WHERE d.a = bag.b AND bag.a = {rng.randrange(100)} RETURNING bag.b")
        return (f"WITH d AS (DELETE FROM keyed WHERE {where} RETURNING id, v) INSERT INTO keyed (id, v) "
                "SELECT id, v * 2 FROM d RETURNING id, v, twice")

    def one(self):
        return getattr(self, self.rng.choice(("keyed", "keyed", "pairs", "bag", "within")))()


def run(connection, sql):
    """(tag, rows) or (SQLSTATE, None)."""
    try:
        cursor = connection.execute(sql)
        return cursor.statusmessage, canonical(cursor.fetchall()) if cursor.description else None
    except psycopg.Error as error:
        return error.sqlstate, None


class Round:
    def __init__(self, pg, seed):
        self.rng, self.pg = random.Random(seed), pg
        self.statements = Statements(self.rng)
        self.done = []

    def compare(self, server, ours, theirs):
        for table in ("keyed", "pairs", "bag"):
            got, wanted = (canonical(c.execute(f"SELECT * FROM {table}").fetchall()) for c in (ours, theirs))
            assert got == wanted, self.told(f"table {table}", got, wanted)
        ours.execute("FLUSH")
        for name, columns, select in VIEWS:
            wanted = canonical(theirs.execute(select).fetchall())
            for place, rows in (
                    ("SQLite", harness.sqlite_table(server.main_db(), f"SELECT {columns} FROM {name}")),
                    ("PostgreSQL", theirs.execute(f"SELECT {columns} FROM results.p_{name}").fetchall()),
                    ("the prompt", ours.execute(select).fetchall())):
                got = canonical(rows)
                assert got == wanted, self.told(f"{name} in {place}", got, wanted)

    def told(self, what, got, wanted):
        return (f"{what}: unexpected {list((got - wanted).items())[:5]}, missing "
                f"{list((wanted - got).items())[:5]}, after\n" + "\n".join(self.done[-12:]))

    def asked(self, sql, got, wanted):
        assert got == wanted, f"{sql}: {got}, PostgreSQL says {wanted}, after\n" + "\n".join(self.done[-12:])

    def transaction(self, ours, theirs):
        """Each statement of it finds what the session has done, ROLLBACK TO takes it back."""
        names = []
        for number in range(self.rng.randint(1, 7)):
            kind = self.rng.random()
            if number == 0:
                sql = "BEGIN"
            elif kind < 0.15:
                names.append(f"s{number}")
                sql = f"SAVEPOINT {names[-1]}"
            elif kind < 0.3 and names:
                sql = f"ROLLBACK TO {self.rng.choice(names)}"
                del names[names.index(sql.split()[-1]) + 1:]
            elif kind < 0.5:
                sql = self.rng.choice(("SELECT * FROM keyed", "SELECT * FROM pairs", "SELECT a, count(*) FROM bag GROUP BY a",
                                       f"SELECT v FROM keyed WHERE id = {self.rng.randrange(200)}"))
            else:
                sql = self.statements.one()
            self.done.append(sql)
            self.asked(sql, run(ours, sql), run(theirs, sql))
        sql = self.rng.choice(("COMMIT", "COMMIT", "ROLLBACK"))
        self.done.append(sql)
        self.asked(sql, run(ours, sql), run(theirs, sql))

    def rivals(self, ours, theirs, other):
        """Another session commits while one thinks: what this was told is what it would have been told had all of
        it run at COMMIT, or it ends with 40001."""
        others, own = [], []
        ours.execute("BEGIN")
        for _ in range(self.rng.randint(2, 5)):
            own.append((sql := self.statements.one(), run(ours, sql)))
            if own[-1][1][1] is None and own[-1][1][0][0].isdigit():
                break
            if self.rng.random() < 0.6:
                others.append((sql := self.statements.one(), run(other, sql)))
        end = run(ours, "COMMIT")
        self.done += [f"other: {sql}" for sql, _ in others] + [f"{sql} -- {told[0]}" for sql, told in own] + [f"COMMIT -- {end[0]}"]
        for sql, told in others:
            self.asked(sql, told, run(theirs, sql))
        theirs.execute("BEGIN")
        failed = own[-1][1][0] == "40001" or end[0] == "40001"
        for sql, told in own if not failed else ():
            self.asked(sql, told, run(theirs, sql))
        theirs.execute("ROLLBACK" if failed else "COMMIT")

    def rival(self, ours, theirs):
        with self.server.connect(autocommit=True) as other:
            self.rivals(ours, theirs, other)

    def single(self, ours, theirs):
        sql = self.statements.one()
        self.done.append(sql)
        got, wanted = run(ours, sql), run(theirs, sql)
        assert got == wanted, f"{got}, PostgreSQL says {wanted}, after\n" + "\n".join(self.done[-8:])

    def copy(self, ours, theirs):
        rows = [(self.rng.randint(0, 60), self.rng.choice((*NAMES, None))) for _ in range(self.rng.randint(1, 40))]
        for connection in (ours, theirs):
            with connection.cursor().copy("COPY bag FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        self.done.append(f"COPY bag, {len(rows)} rows")

    def create(self, server):
        with server.connect() as connection:
            for sql in (*TABLES, *self.pg.connection_sql()):
                connection.execute(sql)
            for name, _, select in VIEWS[::2] + VIEWS[1::2]:
                connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {select}")
                connection.execute(f"CREATE MATERIALIZED VIEW pg.results.p_{name} AS {select}")

    def run(self):
        settings = {"batch_rows": self.rng.choice((1, 7, 100000)), "workers": self.rng.choice((1, 2)),
                    "checkpoint_interval": self.rng.choice(("50ms", "10s")), "log_segment_size": "1MB"}
        with harness.Server(settings=settings) as server, self.pg.connect(autocommit=True) as theirs:
            theirs.execute("DROP SCHEMA IF EXISTS oracle CASCADE; DROP SCHEMA IF EXISTS results CASCADE; "
                           "DROP SCHEMA IF EXISTS millrace CASCADE; CREATE SCHEMA oracle; CREATE SCHEMA results; "
                           "SET search_path = oracle")
            for sql in TABLES:
                theirs.execute(sql)
            self.server = server
            self.create(server)
            ours = server.connect(autocommit=True)
            for number in range(STATEMENTS):
                step = self.rng.choice((self.single,) * 8 + (self.transaction,) * 2 + (self.rival, self.copy))
                step(ours, theirs)
                if number % 10 == 9:
                    self.compare(server, ours, theirs)
                if self.rng.random() < 0.04:
                    ours.close()
                    server.kill()
                    server.start()
                    ours = server.connect(autocommit=True)
                    self.compare(server, ours, theirs)
            self.compare(server, ours, theirs)
            ours.close()


def test_random_statements():
    print(f"# seed {SEED}, {ROUNDS} rounds of {STATEMENTS} statements")
    with harness.Postgres() as pg:
        for number in range(ROUNDS):
            yield f"round {number}", Round(pg, SEED + number).run


# -- kill -9 ----------------------------------------------------------------------------------------

class Writer(threading.Thread):
    """Transactions of its own: each adds three rows and one to its counter, then is noted when acknowledged."""

    def __init__(self, server, number):
        super().__init__(daemon=True)
        self.server, self.number, self.sent, self.acknowledged = server, number, 0, 0
        self.ends = threading.Event()

    def transaction(self, connection):
        name, number = self.number, self.sent + 1
        self.sent = number
        if number % 2:
            with connection.transaction():
                connection.execute(f"INSERT INTO parts VALUES ({name}, {number}, 1), ({name}, {number}, 2)")
                connection.execute(f"UPDATE counters SET n = n + 1 WHERE writer = {name}")
                connection.execute(f"INSERT INTO parts VALUES ({name}, {number}, 3)")
        else:
            connection.execute(f"INSERT INTO parts VALUES ({name}, {number}, 1), ({name}, {number}, 2), "
                               f"({name}, {number}, 3); UPDATE counters SET n = n + 1 WHERE writer = {name}")
        self.acknowledged = number

    def run(self):
        try:
            with self.server.connect(autocommit=True) as connection:
                while not self.ends.is_set():
                    self.transaction(connection)
        except psycopg.OperationalError:
            pass                    # the server was killed


def check_writers(server, acknowledged, sent):
    """Whole transactions only, all that were acknowledged, and what stands over them agrees."""
    with server.connect() as connection:
        connection.execute("FLUSH")
        parts = connection.execute("SELECT writer, tx, count(*) FROM parts GROUP BY writer, tx").fetchall()
        assert all(count == 3 for _, _, count in parts), "a transaction is there in part"
        counters = dict(connection.execute("SELECT writer, n FROM counters").fetchall())
        for writer, last in acknowledged.items():
            there = {tx for name, tx, _ in parts if name == writer}
            assert counters[writer] == len(there), f"writer {writer}: {counters[writer]} of {len(there)}"
            assert set(last) <= there, f"writer {writer}: lost {sorted(set(last) - there)[:5]}"
            assert there <= set(sent[writer]), f"writer {writer}: never sent"
        rows = harness.sqlite_table(server.main_db(), "SELECT writer, n, last FROM tallies")
        wanted = {}
        for name, tx, _ in parts:
            n, last = wanted.get(name, (0, 0))
            wanted[name] = (n + 3, max(last, tx))
        assert {row[0]: (row[1], row[2]) for row in rows} == wanted, "the standing query disagrees"


def test_kill():
    """kill -9 at random moments and between the log's record and the contents, under several writers."""
    rng = random.Random(SEED)
    acknowledged, sent = collections.defaultdict(list), collections.defaultdict(list)
    with harness.Server(settings={"checkpoint_interval": "100ms", "log_segment_size": "1MB",
                                  "table_checkpoint_rows": "10"}) as server:
        for sql in ("CREATE TABLE parts (writer integer, tx integer, part integer, PRIMARY KEY (tx, writer, part))",
                    "CREATE TABLE counters (writer integer PRIMARY KEY, n integer)",
                    "INSERT INTO counters VALUES (0, 0), (1, 0), (2, 0)",
                    "CREATE MATERIALIZED VIEW tallies AS SELECT writer, count(*) AS n, max(tx) AS last "
                    "FROM parts GROUP BY writer"):
            server.execute(sql)
        counts = [0, 0, 0]
        for number in range(KILLS):
            writers = [Writer(server, i) for i in range(3)]
            if number % 2:
                server.kill()
                server.start({"MILLRACE_FAULT": f"table.before_state:{rng.randint(1, 60)}:die"})
            for writer in writers:
                writer.sent = counts[writer.number]
                writer.start()
            deadline = time.monotonic() + (2 if number % 2 else rng.uniform(0.05, 0.4))
            while server.running() and time.monotonic() < deadline:
                time.sleep(0.01)
            server.kill()
            for writer in writers:
                writer.ends.set()
                writer.join()
                first = counts[writer.number] + 1
                sent[writer.number] += range(first, writer.sent + 1)
                acknowledged[writer.number] += range(first, writer.acknowledged + 1)
                counts[writer.number] = writer.sent
            server.start()
            check_writers(server, acknowledged, sent)


def checkpoint_of(server, name, beyond=0):
    """The table's checkpoint, once there is one beyond a sequence."""
    def sequence():
        with server.connect(autocommit=True) as connection:
            return connection.execute("SELECT checkpoint_sequence FROM millrace.tables WHERE name = %s",
                                      [name]).fetchone()[0]
    wait_until(lambda: sequence() > beyond, 30, "a checkpoint")
    return sequence()


def test_checkpoint():
    """A start takes the table's checkpoint and what came behind it: rows, their order of numbers, its indexes; after
    kill -9 and after a clean stop.  A damaged file costs time only; files of what is gone go."""
    def everything(server):
        with server.connect(autocommit=True) as connection:
            connection.execute("FLUSH")
            return [connection.execute(sql).fetchall() for sql in (
                "SELECT * FROM items ORDER BY id", "SELECT * FROM bag ORDER BY a, b",
                "SELECT id FROM items WHERE code = 'code 77'", "SELECT count(*), sum(n) FROM items",
                "SELECT code, n FROM tally ORDER BY code")]
    with harness.Server(settings={"table_checkpoint_rows": "2000"}) as server:
        for sql in ("CREATE TABLE items (id integer PRIMARY KEY, code text UNIQUE, n integer DEFAULT 5)",
                    "CREATE TABLE bag (a integer, b text)", "CREATE INDEX ON items (n)",
                    "CREATE MATERIALIZED VIEW tally AS SELECT code, n FROM items WHERE id < 20",
                    "INSERT INTO items SELECT i, 'code ' || i, i FROM generate_series(1, 1000) AS g(i)",
                    "INSERT INTO bag SELECT i, repeat('x', i % 40) FROM generate_series(1, 500) AS g(i)",
                    "UPDATE items SET n = n + 1", "UPDATE items SET n = n + 1 WHERE id > 500",
                    "DELETE FROM items WHERE id % 10 = 3"):
            server.execute(sql)
        first = checkpoint_of(server, "items")
        server.execute("UPDATE items SET n = -n WHERE id % 7 = 0")
        server.execute("ALTER TABLE items ADD COLUMN more text DEFAULT 'm'")
        server.execute("INSERT INTO items (id, code) VALUES (5000, 'last')")
        wanted = everything(server)
        for crash in (True, False):
            server.restart(crash=crash)
            for got, before in zip(everything(server), wanted):
                assert got == before, (got[:20], before[:20])
            assert checkpoint_of(server, "items") == first
        starts = re.findall(r"has 901 rows: checkpoint at sequence (\d+), (\d+) changes behind it", server.log_text())
        assert [int(at) for at, _ in starts] == [first, first], starts
        assert all(int(behind) < 1500 for _, behind in starts), starts
        with server.connect(autocommit=True) as connection:
            try:
                connection.execute("INSERT INTO items VALUES (6000, 'code 77')")
                raise AssertionError("a unique index knows nothing of the checkpoint's rows")
            except psycopg.errors.UniqueViolation:
                pass
        files = sorted(Path(server.data, "checkpoints").glob("table-*.ckpt"))
        assert len(files) == 1, files
        server.kill()
        data = bytearray(files[0].read_bytes())
        data[len(data) // 2] ^= 1
        files[0].write_bytes(data)
        stray = files[0].with_name(re.sub(r"-\d+-", "-0000004711-", files[0].name))
        stray.write_bytes(data)
        beyond = files[0].with_name(re.sub(r"-\d+\.", "-00000000000099999999.", files[0].name))
        beyond.write_bytes(data)
        server.start()
        assert everything(server) == wanted
        assert "checkpoint.skipped" in server.log_text()
        # The damaged one and the strays are gone; all changes are behind nothing, and a new one is written.
        server.execute("UPDATE items SET n = n WHERE id = 1")
        assert checkpoint_of(server, "items") > first
        left = list(Path(server.data, "checkpoints").glob("table-*"))
        assert len(left) == 1 and left[0] not in (stray, beyond), left
        server.restart(crash=True)
        assert everything(server) == wanted
        server.execute("DROP MATERIALIZED VIEW tally")
        server.execute("DROP TABLE items")
        assert not list(Path(server.data, "checkpoints").glob("table-*"))


def test_many_clients():
    """Statements of many sessions run one after the other: no change is lost."""
    with harness.Server() as server:
        server.execute("CREATE TABLE counter (id integer PRIMARY KEY, n integer)")
        server.execute("INSERT INTO counter VALUES (1, 0), (2, 0)")

        def count():
            with server.connect(autocommit=True) as connection:
                for number in range(25):
                    if number % 5 == 0:
                        with connection.transaction():
                            connection.execute("UPDATE counter SET n = n + 1 WHERE id = 1")
                            connection.execute("UPDATE counter SET n = n + 1 WHERE id = 2")
                    else:
                        connection.execute("UPDATE counter SET n = n + 1")
        threads = [threading.Thread(target=count) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.execute("SELECT n FROM counter ORDER BY id") == [(200,), (200,)]


def test_two_sessions():
    """What one has not committed only it sees, by key too; who thinks holds up nobody."""
    with harness.Server() as server, server.connect(autocommit=True) as a, server.connect(autocommit=True) as b:
        b.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
        b.execute("INSERT INTO t VALUES (1, 10), (2, 20), (3, 30)")

        def seen(session):
            by_key = [session.execute(f"SELECT v FROM t WHERE id = {i}").fetchone() for i in (1, 2, 3, 4)]
            assert sorted(session.execute("SELECT v FROM t")) == sorted(row for row in by_key if row), by_key
            return [row[0] if row else None for row in by_key]

        a.execute("BEGIN")
        assert a.execute("UPDATE t SET v = v + 1 WHERE id = 1 RETURNING v").fetchall() == [(11,)]
        a.execute("DELETE FROM t WHERE id = 2; INSERT INTO t VALUES (4, 40); UPDATE t SET v = v + 1 WHERE id = 1")
        assert (seen(a), seen(b)) == ([12, None, 30, 40], [10, 20, 30, None])
        b.execute("UPDATE t SET v = v + 5 WHERE id = 3")            # another row: it goes first, and nobody minds
        assert (seen(b), seen(a)) == ([10, 20, 35, None], [12, None, 35, 40])
        a.execute("SAVEPOINT s; DELETE FROM t")
        b.execute("UPDATE t SET v = v + 5 WHERE id = 3")
        assert (seen(a), seen(b)) == ([None] * 4, [10, 20, 40, None])
        a.execute("ROLLBACK TO s")
        assert seen(a) == [12, None, 40, 40]
        a.execute("COMMIT")
        assert seen(a) == seen(b) == [12, None, 40, 40]

        for mine, others in (("UPDATE t SET v = 8 WHERE id = 4 RETURNING (SELECT v FROM t WHERE id = 1)",
                              "UPDATE t SET v = 6 WHERE id = 1"),
                             ("UPDATE t SET v = v + 1 WHERE id = 1 RETURNING v", "UPDATE t SET v = 7 WHERE id = 1"),
                             ("DELETE FROM t WHERE id = 3", "DELETE FROM t WHERE id = 3"),
                             ("INSERT INTO t VALUES (2, 9)", "INSERT INTO t VALUES (2, 8)")):
            a.execute("BEGIN")
            a.execute(mine)
            b.execute(others)
            before = seen(b)
            assert run(a, "COMMIT")[0] == "40001", mine
            assert seen(a) == before
        a.execute("BEGIN")                                          # a count that stays the same is no lie
        a.execute("UPDATE t SET v = v + 1 WHERE id = 1")
        b.execute("UPDATE t SET v = v * 2 WHERE id = 1")
        a.execute("COMMIT")
        assert seen(a)[0] == 15
        a.execute("BEGIN; UPDATE t SET v = 0 WHERE id = 1")
        b.execute("SET lock_timeout = '1min'; UPDATE t SET v = 1 WHERE id = 1")
        b.execute("DROP TABLE t")
        assert run(a, "COMMIT")[0] == "42P01"


def test_constraints_beside():
    """Another's transaction and a new constraint: it is refused while rows are not committed; what is done again
    later is under it, whatever it was planned by."""
    with harness.Server() as server, server.connect(autocommit=True) as a, server.connect(autocommit=True) as b:
        b.execute("CREATE TABLE other (a integer)")
        for mine, ddl in (("INSERT INTO t VALUES (3, 9)", "ADD CHECK (v < 5)"),
                          ("UPDATE t SET v = NULL WHERE id = 1", "ALTER v SET NOT NULL"),
                          ("UPDATE t SET v = 7", "ADD UNIQUE (v)")):
            b.execute("DROP TABLE IF EXISTS t")
            b.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
            b.execute("INSERT INTO t VALUES (1, 1), (2, 2)")
            a.execute("BEGIN")
            a.execute(mine)
            assert run(b, f"ALTER TABLE t {ddl}")[0] == "55006", ddl
            b.execute("INSERT INTO other VALUES (1)")                   # it has the turn now
            b.execute(f"ALTER TABLE t {ddl}")
            assert run(a, "COMMIT")[0] == "40001", ddl
            assert b.execute("SELECT * FROM t ORDER BY id").fetchall() == [(1, 1), (2, 2)]


def test_dropped_column():
    """COPY of every format, rows as JSON and prepared rows, around a column that is not there any more."""
    with harness.Server() as server, server.connect(autocommit=True) as connection:
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, x text, v integer)")
        connection.execute("INSERT INTO t VALUES (1, 'x', 1), (2, 'y', 2)")
        connection.execute("ALTER TABLE t DROP COLUMN x")
        for form in ("", "(FORMAT csv, HEADER)", "(FORMAT json)", "(FORMAT binary)"):
            with connection.cursor().copy(f"COPY t TO STDOUT {form}") as copy:
                data = b"".join(bytes(part) for part in copy)
            connection.execute("DELETE FROM t")
            with connection.cursor().copy(f"COPY t FROM STDIN {form}") as copy:
                copy.write(data)
            assert connection.execute("SELECT * FROM t ORDER BY id").fetchall() == [(1, 1), (2, 2)], form
        with connection.cursor() as cursor:
            cursor.executemany("INSERT INTO t VALUES (%s, %s)", [(3, 3), (4, 4)])
        assert connection.execute("SELECT row_to_json(t) FROM t WHERE id = 4").fetchone() == ({"id": 4, "v": 4},)
        connection.execute("ALTER TABLE t ADD CHECK (v < 10)")
        try:
            connection.execute("INSERT INTO t VALUES (5, 50)")
            raise AssertionError("took 50")
        except psycopg.errors.CheckViolation as error:
            assert "(5, 50)" in str(error), error


def test_altered_beside():
    """DDL of a table that a transaction has changed: it ends with an error, or does what it said."""
    many = 5000                                                     # whole chunks: a wrong column is read beyond its end
    with harness.Server() as server, server.connect(autocommit=True) as a, server.connect(autocommit=True) as b:
        for session in (a, b):
            session.prepare_threshold = None
        b.execute("CREATE TABLE other (a integer)")

        def told(mine, ddl, is_put_aside):
            b.execute("DROP TABLE IF EXISTS t")
            b.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
            b.execute("CREATE UNIQUE INDEX t_v ON t (v)")
            b.execute(f"INSERT INTO t SELECT g, g FROM generate_series(1, {many}) AS g")
            a.execute("BEGIN")
            a.execute(mine)
            if is_put_aside:
                b.execute("INSERT INTO other VALUES (1)")
            b.execute(ddl)
            return run(a, "COMMIT")[0]

        for mine in ("UPDATE t SET v = -v", "DELETE FROM t WHERE v > 7", "DELETE FROM t USING other WHERE v > 7",
                     f"INSERT INTO t VALUES ({many} + 1, 0)"):
            for kind in ("bool", "text"):
                assert told(mine, f"ALTER TABLE t ADD COLUMN x {kind}", True) == "40001", mine
                assert b.execute("SELECT count(*), sum(v), count(x) FROM t").fetchone() == (
                    many, many * (many + 1) // 2, 0)
            for is_put_aside in (False, True):
                assert told(mine, "DROP TABLE t", is_put_aside) == "42P01", mine
        b.execute("CREATE TABLE t (id integer PRIMARY KEY)")
        for sql, tag in (("BEGIN", "BEGIN"), ("INSERT INTO t VALUES (1)", "INSERT 0 1"), ("DROP TABLE t", "DROP TABLE"),
                         ("INSERT INTO other VALUES (9)", "INSERT 0 1"), ("COMMIT", "COMMIT")):
            assert run(a, sql)[0] == tag, sql
        met = f"INSERT INTO t VALUES ({many} + 1, 3) ON CONFLICT (v) DO UPDATE SET v = -1"
        assert told(met, "DROP INDEX t_v", True) == "40001"
        assert b.execute("SELECT count(*), min(v) FROM t").fetchone() == (many, 1)
        assert told(met, "DROP INDEX t_v", False) == "COMMIT"       # it had met the row before
        assert b.execute("SELECT count(*), min(v) FROM t").fetchone() == (many, -1)


AT_ONCE = (
    "BEGIN", "COMMIT", "COMMIT", "ROLLBACK", "SAVEPOINT a", "ROLLBACK TO a", "RELEASE a", "RESET ALL",
    "UPDATE t SET v = v + 1 WHERE id = {0} RETURNING *", "UPDATE t SET v = v + 1 WHERE id % 7 = {0} % 7",
    "UPDATE t SET v = v + 1", "DELETE FROM t WHERE id = {0}", "INSERT INTO t VALUES ({0}, 5, NULL)",
    "INSERT INTO t VALUES ({0}, 1, {1}) ON CONFLICT (id) DO UPDATE SET v = t.v + excluded.v",
    "SELECT count(*), sum(v) FROM t", "SELECT * FROM t WHERE id = {0}", "SELECT * FROM t WHERE u = {1}",
    "INSERT INTO bag VALUES ({0} % 5)", "INSERT INTO bag SELECT a FROM bag LIMIT 3", "TRUNCATE bag",
    "DELETE FROM bag WHERE a = {0} % 5 RETURNING a", "INSERT INTO s VALUES (1)", "DECLARE c CURSOR FOR SELECT * FROM t",
    "FETCH 10 FROM c", "SELECT pg_advisory_xact_lock(5)", "SELECT pg_sleep(0.02)", "SET lock_timeout = '200ms'",
    "SET statement_timeout = '30ms'", "CREATE TABLE IF NOT EXISTS made (a int)", "INSERT INTO made VALUES (1)",
    "DROP TABLE IF EXISTS made")


def test_sessions_at_once():
    """Transactions, timeouts, locks, DDL and lost clients of several sessions: the server lives, and views agree."""
    end = time.monotonic() + (10 if harness.full() else 4)
    told = collections.Counter()

    def work(server, rng):
        while time.monotonic() < end:
            with server.connect(autocommit=True) as connection:
                for _ in range(60):
                    told[run(connection, rng.choice(AT_ONCE).format(rng.randint(1, 3500), rng.randint(1, 9000)))[0]] += 1
                connection.close() if rng.random() < 0.5 else None

    with harness.Server() as server:
        for sql in ("CREATE TABLE t (id int PRIMARY KEY, v int CHECK (v < 1000000), u int UNIQUE)",
                    "CREATE TABLE bag (a int)", "CREATE STREAM s (a int)",
                    "CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n, sum(v) AS v FROM t",
                    "CREATE MATERIALIZED VIEW bags AS SELECT a, count(*) AS n FROM bag GROUP BY a",
                    "INSERT INTO t SELECT g, g, g FROM generate_series(1, 3000) AS g"):
            server.execute(sql)
        threads = [threading.Thread(target=work, args=(server, random.Random(SEED + n))) for n in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert told["UPDATE 1"] and not told["XX000"], told
        for _ in range(2):
            server.execute("FLUSH")
            for select, shown in (("SELECT count(*), sum(v) FROM t", "SELECT n, v FROM sums"),
                                  ("SELECT a, count(*) FROM bag GROUP BY a", "SELECT a, n FROM bags")):
                wanted, got = server.execute(select), harness.sqlite_table(server.main_db(), shown)
                assert canonical(wanted) == canonical(got), (select, wanted, got)
            server.kill()
            server.start()


def test_large_statements():
    """A statement over many rows is worked off in pieces: others read what was, a cancel at any of them leaves nothing."""
    many = 60000 if harness.sanitized() else 200000
    rng = random.Random(SEED)
    with harness.Server() as server, server.connect(autocommit=True) as a, server.connect(autocommit=True) as b:
        a.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer CHECK (v < 1000))")
        a.execute("CREATE MATERIALIZED VIEW sums AS SELECT count(*) AS n, sum(v) AS v FROM t")
        a.execute(f"INSERT INTO t SELECT g, 0 FROM generate_series(1, {many}) AS g")
        ended, state = collections.Counter(), (many, 0)
        for number in range(12):
            a.execute(f"SET statement_timeout = '{rng.choice((0, 0, 20, 60, 120))}ms'")
            sql, after = rng.choice((
                ("UPDATE t SET v = v + 1", (state[0], state[1] + state[0])),
                ("UPDATE t SET v = v + 1 RETURNING id", (state[0], state[1] + state[0])),
                ("UPDATE t SET v = v + 1 RETURNING (SELECT max(v) FROM t)", (state[0], state[1] + state[0])),
                ("INSERT INTO t SELECT id, v FROM t ON CONFLICT (id) DO UPDATE SET v = t.v + 1", (state[0], state[1] + state[0])),
                ("INSERT INTO t SELECT id, v FROM t ON CONFLICT (id) DO UPDATE SET v = t.v + (SELECT min(v) FROM t WHERE id = 1) "
                 "- (SELECT v FROM t WHERE id = 1) + 1", (state[0], state[1] + state[0])),
                (f"UPDATE t SET v = CASE id WHEN {many} THEN 1000 ELSE v + 1 END", None),
                (f"UPDATE t SET id = CASE id WHEN {many} THEN 1 ELSE id END", None)))
            timer = threading.Timer(rng.uniform(0.01, 0.4), a.cancel) if rng.random() < 0.4 else None
            if timer:
                timer.start()
            told = run(a, sql)[0]
            if timer:
                timer.join()
            a.execute("SET statement_timeout = 0") if run(a, "SELECT 1")[0] != "57014" else None
            ended[told] += 1
            state = after if told.startswith(("UPDATE", "INSERT")) else state
            assert told in ("57014", "23514", "23505") or after, (sql, told)
            assert b.execute("SELECT count(*), sum(v) FROM t").fetchone() == state, (sql, told)
        print("# " + ", ".join(f"{n} x {told}" for told, n in sorted(ended.items())))
        server.kill()
        server.start()
        assert server.execute("SELECT count(*), sum(v) FROM t") == [state]
        server.execute("FLUSH")
        assert server.execute("SELECT n, v FROM sums") == [state]


def test_cancelled_again():
    """A timeout in the midst of what runs again: ROLLBACK TO a later savepoint keeps all of it, or COMMIT fails."""
    many = 40000
    with harness.Server() as server, server.connect(autocommit=True) as a, server.connect(autocommit=True) as b:
        b.execute("CREATE TABLE other (a integer)")
        b.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
        told = collections.Counter()
        for number in range(12):
            b.execute("TRUNCATE t")
            b.execute(f"INSERT INTO t SELECT g, 0 FROM generate_series(1, {many}) AS g")
            mine, count, total = (("DELETE FROM t WHERE id > 7", 7, 0), ("UPDATE t SET v = v + 1", many, many),
                                  ("UPDATE t SET v = v + 1 RETURNING (SELECT max(v) FROM t)", many, many),
                                  (f"INSERT INTO t SELECT {many} + g, 1 FROM generate_series(1, {many}) AS g",
                                   2 * many, many))[number % 4]
            for sql in ("BEGIN", mine, "SAVEPOINT a"):
                a.execute(sql)
            b.execute("INSERT INTO other VALUES (1)")                   # it has the turn now
            a.execute(f"SET statement_timeout = '{(5, 15, 30, 60)[number // 3]}ms'")
            told[run(a, "SELECT count(*) FROM t")[0]] += 1
            a.execute("ROLLBACK TO a")
            a.execute("SET LOCAL statement_timeout = 0")
            assert a.execute("SELECT count(*), sum(v) FROM t").fetchone() == (count, total), mine
            a.execute("COMMIT")
            assert b.execute("SELECT count(*), sum(v) FROM t").fetchone() == (count, total), mine
        print("# " + ", ".join(f"{n} x {what}" for what, n in sorted(told.items())))


def test_executemany():
    """psycopg's pipelines, in a transaction and without."""
    rows = [(i, f"name {i}") for i in range(3000)]
    for autocommit in (True, False):
        with harness.Server() as server:
            server.execute("CREATE TABLE names (id integer PRIMARY KEY, name text)")
            with server.connect(autocommit=autocommit) as connection:
                with connection.cursor() as cursor:
                    cursor.executemany("INSERT INTO names VALUES (%s, %s)", rows)
                    cursor.executemany("UPDATE names SET name = %s WHERE id = %s", [("x", i) for i in range(50)])
            assert server.execute("SELECT count(*), sum(id) FROM names") == [(3000, sum(i for i, _ in rows))]
            assert server.execute("SELECT count(*) FROM names WHERE name = 'x'") == [(50,)]


if __name__ == "__main__":
    harness.main(globals())
