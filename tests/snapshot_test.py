#!/usr/bin/env python3
"""tests/snapshot_test.py - queries with snapshot = false over tables and views, against what they mean: of
the rows that FROM gives, those that it did not give at the start.  Random changes, cuts into micro-batches,
kills, checkpoints or none.  The seed is printed: MILLRACE_SEED=n repeats a run, MILLRACE_ROUND=r one round."""
import collections
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402

SEED = harness.seed()
ROUNDS = 6 if harness.quick() or harness.sanitized() else 40
CUTS = 8
PAGES = "abcdefgh"

DDL = (
    "CREATE STREAM edits (at timestamp, page text, added bigint, WATERMARK FOR at AS at - INTERVAL '10 s')",
    "CREATE TABLE owners (page text PRIMARY KEY, owner text)",
    "CREATE MATERIALIZED VIEW pages AS SELECT page, count(*) AS n, sum(added)::bigint AS added FROM edits GROUP BY page",
    "CREATE MATERIALIZED VIEW minutes AS SELECT window_start, page, count(*) AS n FROM "
    "TUMBLE(edits, at, INTERVAL '1 minute') GROUP BY window_start, page",
    "CREATE MATERIALIZED VIEW closed AS SELECT window_start, page, count(*) AS n FROM "
    "TUMBLE(edits, at, INTERVAL '1 minute') GROUP BY window_start, page EMIT ON WINDOW CLOSE",
    "CREATE MATERIALIZED VIEW large AS SELECT at, page, added FROM edits WHERE added > 4",
)

# name, what FROM and WHERE give (with all columns that tell rows apart), the columns that are shown, and
# those that are grouped by (None: the rows are shown as they are)
QUERIES = (
    ("t_rows", "SELECT page, owner FROM owners", "page, owner", None),
    ("t_groups", "SELECT page, owner FROM owners WHERE page <> 'c'", "owner", "owner"),
    ("v_rows", "SELECT page, n, added FROM pages", "page, n", None),
    ("v_groups", "SELECT page, n, added FROM pages WHERE added > 3", "n", "n"),
    ("v_windows", "SELECT window_start, page, n FROM minutes", "page", "page"),
    ("closed_rows", "SELECT window_start, page, n FROM closed", "page, n", None),
    ("large_groups", "SELECT at, page, added FROM large", "page", "page"),
    ("t_join", "SELECT pages.page, n, added, owner FROM pages JOIN owners ON pages.page = owners.page", "owner", "owner"),
    ("t_left", "SELECT owners.page, owner, n, added FROM owners LEFT JOIN pages ON pages.page = owners.page", "owner, n", None),
    ("t_exists", "SELECT page, owner FROM owners WHERE EXISTS (SELECT 1 FROM pages WHERE pages.page = owners.page)",
     "page, owner", None),
    ("t_not_in", "SELECT page, n, added FROM pages WHERE page NOT IN (SELECT page FROM owners)", "page, n", None),
)


def bag(rows):
    return collections.Counter(tuple(row) for row in rows)


def columns_of(sql):
    """The columns of a query as QUERIES has it, by the names under which it shows them."""
    return [name.split(".")[-1].strip() for name in sql[len("SELECT "):sql.index(" FROM ")].split(",")]


class Standing:
    def __init__(self, number, name, source, shown, grouped, connection):
        self.name, self.source, self.grouped = f"q{number}_{name}", source, grouped
        self.places = [columns_of(source).index(column.strip()) for column in shown.split(",")]
        qualified = source[len("SELECT "):source.index(" FROM ")].split(",")
        shown = ", ".join(qualified[place].strip() for place in self.places)
        # What counts is a row of FROM and WHERE, whatever of it is shown.
        tail = source[source.index(" FROM "):]
        sql = f"SELECT {shown}{tail}" if grouped is None else f"SELECT {shown}, count(*) AS rows{tail} GROUP BY {shown}"
        self.sql = f"CREATE MATERIALIZED VIEW {self.name} WITH (snapshot = false) AS {sql}"
        self.before = bag(connection.execute(source).fetchall())
        connection.execute(self.sql)

    def wanted(self, connection):
        rows = bag(connection.execute(self.source).fetchall()) - self.before
        shown = collections.Counter()
        for row, times in rows.items():
            shown[tuple(row[place] for place in self.places)] += times
        return shown if self.grouped is None else bag(key + (times,) for key, times in shown.items())


class Round:
    def __init__(self, number):
        self.number, self.rng, self.second, self.standing = number, random.Random(SEED * 1000003 + number), 0, []

    def change(self, connection):
        rng = self.rng
        page = rng.choice(PAGES)
        what = rng.random()
        if what < 0.5:
            values = []
            for _ in range(rng.randint(1, 12)):
                self.second += rng.randint(0, 9)
                values.append(f"(timestamp '2026-01-01 00:00:00' + {self.second} * interval '1 s', "
                              f"'{rng.choice(PAGES)}', {rng.randint(0, 9)})")
            connection.execute(f"INSERT INTO edits VALUES {', '.join(values)}")
        elif what < 0.75:
            connection.execute(f"INSERT INTO owners VALUES ('{page}', '{rng.choice('XYZ')}') "
                               "ON CONFLICT (page) DO UPDATE SET owner = EXCLUDED.owner")
        else:
            connection.execute(f"DELETE FROM owners WHERE page = '{page}'")

    def changes(self, connection):
        for _ in range(self.rng.randint(2, 10)):
            self.change(connection)

    def create(self, connection, share):
        connection.execute("FLUSH")
        for query in QUERIES:
            if self.rng.random() < share:
                self.standing.append(Standing(len(self.standing), *query, connection))

    def compare(self, connection, cut):
        connection.execute("FLUSH")
        for standing in self.standing:
            wanted = standing.wanted(connection)
            got = bag(connection.execute(f"SELECT * FROM {standing.name}").fetchall())
            assert got == wanted, (f"MILLRACE_SEED={SEED} MILLRACE_ROUND={self.number} cut {cut}\n{standing.sql}\n"
                                   f"missing {list((wanted - got).items())[:5]}\n"
                                   f"too many {list((got - wanted).items())[:5]}")

    def run(self):
        rng = self.rng
        settings = {"batch_rows": rng.choice((1, 5, 100000)), "workers": rng.choice((1, 2)),
                    "checkpoint_interval": rng.choice(("30ms", "1h"))}
        with harness.Server(settings=settings) as server:
            connection = server.connect()
            for sql in DDL:
                connection.execute(sql)
            self.changes(connection)
            self.create(connection, 1)
            for cut in range(CUTS):
                self.changes(connection)
                if rng.random() < 0.4:          # before the changes are in the target, mostly
                    connection.close()
                    server.restart(crash=True)
                    connection = server.connect()
                self.compare(connection, cut)
                if cut == CUTS // 2:
                    self.create(connection, 0.3)
            connection.close()


def test_rounds():
    print(f"# seed {SEED}")
    only = os.environ.get("MILLRACE_ROUND")
    for number in [int(only)] if only else range(ROUNDS):
        yield f"round {number}", lambda number=number: Round(number).run()


if __name__ == "__main__":
    harness.main(globals())
