#!/usr/bin/env python3
"""tests/random_test.py - random standing queries over random changes, against PostgreSQL.

A round is a random schema, some standing queries over it (in SQLite and in PostgreSQL), and some cuts: at
each, rows come (out of order, late, NULL, twice), tables change, sometimes the server is killed; FLUSH; then
every target is compared with PostgreSQL running the same SELECT over the same prefix, and the same SELECT ad
hoc.  The seed is printed: MILLRACE_SEED=n repeats a run, MILLRACE_ROUND=r one round of it, MILLRACE_SHAPES=a,b
only some shapes.
"""
import collections
import concurrent.futures
import contextlib
import decimal
import os
import queue
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.tables import plain  # noqa: E402
from random_sql import KINDS, Maker, World, random_partition, random_query  # noqa: E402

import psycopg  # noqa: E402

SEED = harness.seed()
QUERIES = int(os.environ.get("MILLRACE_QUERIES", "5000" if harness.full() else
                             "150" if harness.quick() or harness.sanitized() else "500"))
PER_ROUND, CUTS, PARTITIONS = 20, 5, 5
WORKERS = 2                     # most of a round is waiting
SHAPES = [name for name in os.environ.get("MILLRACE_SHAPES", "").split(",") if name]
TABLES = os.environ.get("MILLRACE_TABLES", "1") == "1"


def canonical(row):
    """A row in a form in which SQLite's and PostgreSQL's values of one meaning are equal."""
    cells = []
    for cell in row:
        cell = plain(cell)
        if cell in ("true", "false"):
            cell = int(cell == "true")
        if isinstance(cell, (int, float, decimal.Decimal)):
            cell = f"{float(cell):.9g}".replace("-0", "0") if float(cell) == 0 else f"{float(cell):.9g}"
        cells.append(cell)
    return tuple(cells)


def bag(rows):
    return collections.Counter(map(canonical, rows))


class Standing:
    """A query that stands, and where its answer can be read."""

    def __init__(self, query, name, in_postgres):
        self.query, self.name, self.in_postgres = query, name, in_postgres

    def create_sql(self):
        return (f"CREATE MATERIALIZED VIEW {'pg.' if self.in_postgres else ''}{self.name} AS "
                f"{self.query.ours}{self.query.emit}")

    def rows(self, server, pg):
        sql = f"SELECT {', '.join(self.query.columns)} FROM {self.name}"
        return pg.execute(sql).fetchall() if self.in_postgres \
            else harness.sqlite_table(server.main_db(), sql)


class Round:
    def __init__(self, number, postgres):
        self.number, self.rng = number, random.Random(SEED * 1000003 + number)
        self.postgres, self.queries, self.refused = postgres, [], collections.Counter()

    def run(self):
        rng = self.rng
        settings = {"batch_rows": rng.choice((1, 7, 100000)), "workers": rng.choice((1, 2)),
                    "checkpoint_interval": rng.choice(("50ms", "10s"))}
        with harness.Server(settings=settings) as server, self.postgres.connect() as target, \
                self.postgres.connect() as mirror:
            target.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public; "
                           "DROP SCHEMA IF EXISTS millrace CASCADE")
            world = World(rng, mirror, "mirror", TABLES)
            connection = server.connect()
            for sql in self.postgres.connection_sql():
                connection.execute(sql)
            for relation in world.relations:
                connection.execute(relation.ddl())
            from_history = rng.random() < 0.3
            if from_history:
                self.feed(world, connection)
            self.create(world, connection)
            for cut in range(CUTS):
                if rng.random() < 0.15:
                    connection.close()
                    server.restart(crash=True)
                    connection = server.connect()
                self.feed(world, connection)
                connection.execute("FLUSH")
                for standing in self.queries:
                    self.compare(standing, server, connection, target, mirror, cut)
            for _ in range(PARTITIONS):
                self.check_partition(random_partition(rng, world), connection)
            connection.close()
        return len(self.queries)

    def feed(self, world, connection):
        for _ in range(self.rng.randint(1, 6)):
            world.step(connection)

    def create(self, world, connection):
        for i in range(PER_ROUND):
            standing = Standing(random_query(self.rng, world, SHAPES), f"q{i}", self.rng.random() < 0.6)
            try:
                connection.execute(standing.create_sql())
            except psycopg.Error as error:
                if error.sqlstate == "0A000":
                    self.refused[str(error).split("\n")[0]] += 1
                    continue
                raise AssertionError(f"{self.place(standing)}\n{error}") from None
            self.queries.append(standing)

    def compare(self, standing, server, connection, target, mirror, cut):
        query = standing.query
        try:
            wanted = bag(mirror.execute(query.oracle()).fetchall())
        except psycopg.Error as error:
            raise AssertionError(f"{self.place(standing)}\nPostgreSQL refuses it: {error}") from None
        got = bag(standing.rows(server, target))
        if got != wanted:
            failed = connection.execute(
                "SELECT message FROM millrace.row_errors WHERE query = %s LIMIT 3", [standing.name]).fetchall()
            self.fail(standing, "the target", cut, got, wanted, failed)
        if query.close is None and self.rng.random() < 0.25:
            self.compare_adhoc(standing, connection, cut, wanted)

    def compare_adhoc(self, standing, connection, cut, wanted):
        got = bag(connection.execute(standing.query.ours).fetchall())
        if got != wanted:
            self.fail(standing, "the ad-hoc answer", cut, got, wanted, [])

    def check_partition(self, partition, connection):
        """TLP: a predicate, its negation and its NULLs part the rows.  NoREC: a condition keeps as many
        rows as it is true for.  (Rigger & Su, 2020)"""
        def ask(sql):
            return connection.execute(sql).fetchall()
        whole = bag(ask(partition.whole))
        parts = [bag(ask(sql)) for sql in partition.parts]
        assert sum(parts, collections.Counter()) == whole, \
            f"MILLRACE_SEED={SEED} MILLRACE_ROUND={self.number}: {partition.whole} is not {partition.parts}"
        kept, true = ask(partition.kept)[0][0], ask(partition.true)[0][0]
        assert kept == true, f"MILLRACE_SEED={SEED} MILLRACE_ROUND={self.number}: {kept} rows by " \
            f"{partition.kept}, {true} by {partition.true}"

    def place(self, standing):
        return (f"MILLRACE_SEED={SEED} MILLRACE_ROUND={self.number} {standing.query.shape}\n"
                f"{standing.create_sql()}")

    def fail(self, standing, what, cut, got, wanted, failed):
        missing, extra = list((wanted - got).items()), list((got - wanted).items())
        raise AssertionError(
            f"{self.place(standing)}\n{what} differs at cut {cut}: {len(missing)} rows missing, {len(extra)} "
            f"too many, {sum(wanted.values())} wanted\nmissing {missing[:4]}\ntoo many {extra[:4]}\n"
            f"row errors {failed}\noracle: {standing.query.oracle()}")


class Rounds:
    """Rounds on WORKERS threads, handed out in order: nothing of a round depends on who runs beside it."""

    def __init__(self, stack, numbers):
        self.refused = collections.Counter()
        self.postgreses = queue.SimpleQueue()
        for _ in range(min(WORKERS, len(numbers))):
            self.postgreses.put(stack.enter_context(harness.Postgres()))
        self.pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(WORKERS))
        self.numbers, self.waiting, self.running = numbers, collections.deque(numbers), {}
        stack.callback(self.waiting.clear)

    def _run(self, number):
        postgres = self.postgreses.get()
        try:
            round_ = Round(number, postgres)
            round_.run()
            return round_.refused
        finally:
            self.postgreses.put(postgres)

    def _submit(self):
        if self.waiting:
            number = self.waiting.popleft()
            self.running[number] = self.pool.submit(self._run, number)

    def result(self, number):
        """Waits for the round; some more are under way meanwhile."""
        while number not in self.running or (self.waiting and len(self.running) <= WORKERS):
            self._submit()
        self.refused += self.running.pop(number).result()


def test_random_queries():
    print(f"# seed {SEED}, {QUERIES} queries")
    only = os.environ.get("MILLRACE_ROUND")
    numbers = [int(only)] if only else range((QUERIES + PER_ROUND - 1) // PER_ROUND)
    with contextlib.ExitStack() as stack:
        rounds = Rounds(stack, numbers)
        for number in numbers:
            yield f"round {number}", lambda number=number: rounds.result(number)
        refused = rounds.refused
    print(f"# {len(numbers) * PER_ROUND} queries, {sum(refused.values())} refused")
    for message, count in refused.most_common(20):
        print(f"#   {count} x {message}")
    yield "nothing that the generator makes is refused", lambda: none_refused(refused)


def none_refused(refused):
    assert not refused, f"{sum(refused.values())} queries were refused: {refused.most_common(1)}"


# -- freely composed --------------------------------------------------------------------------------

COMPOSED_ROUNDS = 100 if harness.full() else 2 if harness.quick() or harness.sanitized() else 5
COMPOSED, COMPOSED_STANDING, COMPOSED_ROWS_MAX = 40, 8, 5000
LEFT_OUT = ("0A000", "54000")       # what is not there yet; more inputs than a plan may have


class Composed:
    """Queries of random_sql.compose over one world: ad hoc, and some of them standing through two cuts."""

    def __init__(self, number, postgres):
        self.number, self.rng = number, random.Random(SEED * 1000033 + number)
        self.postgres, self.standing, self.left_out = postgres, [], 0

    def run(self):
        rng = self.rng
        with harness.Server(settings={"batch_rows": rng.choice((1, 7, 100000)), "workers": rng.choice((1, 2))}) \
                as server, self.postgres.connect() as mirror:
            mirror.execute("SET statement_timeout = '5s'")
            world = World(rng, mirror, "mirror", TABLES)
            with server.connect() as connection:
                for relation in world.relations:
                    connection.execute(relation.ddl())
                world.step(connection)
                world.step(connection)
                maker = Maker(rng, [(r.name, [column for column in r.columns if column[1] in KINDS])
                                    for r in world.relations])
                for _ in range(COMPOSED):
                    self.ask(maker.whole(1)[0], connection, mirror)
                for cut in range(2):
                    world.step(connection)
                    world.step(connection)
                    connection.execute("FLUSH")
                    for name, text in self.standing:
                        self.compare(text, f"SELECT * FROM {name}", connection, mirror, f"cut {cut}")
        print(f"# round {self.number}: {COMPOSED} queries, {self.left_out} left out, {len(self.standing)} standing")

    def ask(self, text, connection, mirror):
        if self.compare(text, text, connection, mirror, "ad hoc") and len(self.standing) < COMPOSED_STANDING:
            name = f"m{len(self.standing)}"
            try:
                connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {text}")
            except psycopg.Error as error:
                assert error.sqlstate in LEFT_OUT, f"{self.place(text)}\n{error}"
                return
            self.standing.append((name, text))

    def compare(self, text, ours, connection, mirror, when):
        """False: the query is none for this test, because PostgreSQL is too slow or has too many rows."""
        try:
            rows, = mirror.execute(f"SELECT count(*) FROM ({text}) q").fetchone()
            wanted = bag(mirror.execute(text).fetchall()) if rows <= COMPOSED_ROWS_MAX else None
        except psycopg.Error:
            wanted = None
        if wanted is None:
            self.left_out += 1
            return False
        try:
            got = bag(connection.execute(ours).fetchall())
        except psycopg.Error as error:
            assert error.sqlstate in LEFT_OUT, f"{self.place(text)}\n{error}"
            self.left_out += 1
            return False
        missing, extra = list((wanted - got).items()), list((got - wanted).items())
        assert got == wanted, f"{self.place(text)}\n{when}: missing {missing[:4]}, too many {extra[:4]}"
        return True

    def place(self, text):
        return f"MILLRACE_SEED={SEED} MILLRACE_ROUND={self.number}\n{text}"


def test_composed_queries():
    only = os.environ.get("MILLRACE_ROUND")
    with harness.Postgres() as postgres:
        for number in [int(only)] if only else range(COMPOSED_ROUNDS):
            yield f"round {number}", lambda number=number: Composed(number, postgres).run()


harness.main(globals())
