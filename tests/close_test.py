#!/usr/bin/env python3
"""tests/close_test.py - EMIT ON WINDOW CLOSE through joins, windows of windows and sessions: at every cut
the rows that are out are among those of the final answer, and all whose window W has passed; in the end they are
the ad-hoc answer. Random rows out of order, cuts, kills. The seed is printed: MILLRACE_SEED=n repeats a run."""
import collections
import datetime
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402

SEED = harness.seed()
ROUNDS = 3 if harness.quick() or harness.sanitized() else 15
CUTS = 6
START = datetime.datetime(2026, 1, 1)
PAIR = ("{0}(s, at, {1}) x {2} JOIN {0}(r, at, {1}) y ON x.k = y.k AND x.window_start = y.window_start "
        "AND x.window_end = y.window_end")
TUMBLE, HOP = "INTERVAL '10 s'", "INTERVAL '5 s', INTERVAL '20 s'"
GROUPED = "(SELECT window_start, window_end, k, count(*) AS n FROM TUMBLE({}, at, INTERVAL '10 s') GROUP BY 1, 2, 3)"
SESSIONS = "(SELECT window_start, window_end, k, count(*) AS n FROM SESSION(s PARTITION BY k, at, INTERVAL '3 s') GROUP BY 1, 2, 3) x"
BOUNDED = "x.k = y.k AND y.at BETWEEN x.at AND x.at + INTERVAL '7 s'"

# name, query, the column that says when its window closes (None: a bound of a join holds it back)
QUERIES = (
    ("pair_start", f"SELECT x.window_end AS e, x.window_start AS a, count(*) AS n FROM {PAIR.format('TUMBLE', TUMBLE, '')} GROUP BY 1, 2", "e"),
    ("pair_one", f"SELECT x.window_start AS a, sum(y.v) AS v FROM {PAIR.format('TUMBLE', TUMBLE, '')} GROUP BY 1", None),
    ("pair_left", f"SELECT x.window_start AS a, x.window_end AS e, count(y.v) AS n FROM {PAIR.format('TUMBLE', TUMBLE, 'LEFT')} GROUP BY 1, 2", "e"),
    ("pair_hop", f"SELECT x.window_start AS a, x.window_end AS e, count(*) AS n FROM {PAIR.format('HOP', HOP, '')} GROUP BY 1, 2", "e"),
    ("pair_two", f"SELECT x.window_end AS e, y.window_start AS a, x.window_start AS b, count(*) AS n FROM {PAIR.format('TUMBLE', TUMBLE, '')} GROUP BY 1, 2, 3", "e"),
    ("grouped_two", f"SELECT c.window_start AS a, d.window_start AS b, sum(c.n * d.n) AS n FROM {GROUPED.format('s')} c JOIN {GROUPED.format('r')} d "
                    "ON c.k = d.k AND c.window_start = d.window_start GROUP BY 1, 2", None),
    ("bounded_two", f"SELECT x.window_start AS a, y.window_start AS b, count(*) AS n FROM TUMBLE(s, at, INTERVAL '10 s') x "
                    f"JOIN TUMBLE(r, at, INTERVAL '20 s') y ON {BOUNDED} GROUP BY 1, 2", None),
    ("bounded_start", f"SELECT x.window_start AS a, count(*) AS n FROM TUMBLE(s, at, INTERVAL '10 s') x JOIN r y ON {BOUNDED} GROUP BY 1", None),
    ("session_ends", f"SELECT window_end AS e, count(*) AS c, sum(n) AS n FROM {SESSIONS} GROUP BY 1", "e"),
    ("session_bounds", f"SELECT window_end AS e, window_start AS a, count(*) AS c FROM {SESSIONS} GROUP BY 1, 2", "e"),
    ("session_values", "SELECT v, window_end AS e, count(*) AS n FROM SESSION(s PARTITION BY k, at, INTERVAL '3 s') x GROUP BY 1, 2", "e"),
    ("session_all", "SELECT window_start AS a, window_end AS e, count(*) AS n FROM SESSION(s PARTITION BY k, at, INTERVAL '3 s') x GROUP BY 1, 2", "e"),
    ("session_quarters", "SELECT date_bin('15 s', window_end, '2026-01-01') AS a, v, count(*) AS n FROM "
                         "SESSION(s PARTITION BY k, at, INTERVAL '3 s') x WHERE v > 2 GROUP BY 1, 2", None),
    ("session_hours", f"SELECT date_bin('15 s', window_end, '2026-01-01') AS a, count(*) AS c FROM {SESSIONS} GROUP BY 1", None),
)


def bag(rows):
    return collections.Counter(tuple(row) for row in rows)


class Round:
    def __init__(self, number):
        self.number, self.rng, self.second = number, random.Random(SEED * 1000003 + number), 10

    def feed(self, connection):
        for _ in range(self.rng.randint(1, 8)):
            values = []
            for _ in range(self.rng.randint(1, 9)):
                self.second += self.rng.choice((0, 0, 0, 1, 1, 2, 6))
                at = START + datetime.timedelta(seconds=self.second - self.rng.randint(0, 4))   # never late
                values.append(f"('{at}', {self.rng.randint(1, 3)}, {self.rng.randint(0, 9)})")
            connection.execute(f"INSERT INTO {self.rng.choice('sr')} VALUES {', '.join(values)}")

    def check(self, connection, closed):
        connection.execute("FLUSH")
        watermarks = [connection.execute(f"SELECT greatest(current_watermark('{name}')::timestamp, '2000-01-01')").fetchone()[0]
                      for name in "sr"]
        for name, _, _ in QUERIES:
            closed.setdefault(name, []).append((bag(connection.execute(f"SELECT * FROM {name}").fetchall()), watermarks))

    def judge(self, name, query, column, cuts, connection):
        final = bag(connection.execute(query).fetchall())
        where = f"MILLRACE_SEED={SEED} round {self.number}: {query}"
        shown = query[len("SELECT "):query.index(" FROM ")].split(", ")
        place = [part.split(" AS ")[1] if " AS " in part else part for part in shown]
        for rows, watermarks in cuts:
            assert not rows - final, f"{where}\nout before its time {list((rows - final).items())[:4]}"
            if column is None:
                continue
            at = place.index(column)
            least = min(watermarks if name.startswith("pair") else watermarks[:1])
            due = collections.Counter({row: n for row, n in final.items() if row[at] <= least})
            assert not due - rows, f"{where}\nstill waits at {least}: {list((due - rows).items())[:4]}"
        assert cuts[-1][0] == final, f"{where}\nmissing {list((final - cuts[-1][0]).items())[:4]}"

    def run(self):
        settings = {"batch_rows": self.rng.choice((1, 5, 100000)), "workers": self.rng.choice((1, 2)),
                    "checkpoint_interval": self.rng.choice(("30ms", "1h"))}
        closed = {}
        with harness.Server(settings=settings) as server:
            connection = server.connect()
            for name in "sr":
                connection.execute(f"CREATE STREAM {name} (at timestamp, k integer, v integer, WATERMARK FOR at AS at - INTERVAL '4 s')")
            for name, query, _ in QUERIES:
                connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {query} EMIT ON WINDOW CLOSE")
            for _ in range(CUTS):
                self.feed(connection)
                if self.rng.random() < 0.4:
                    connection.close()
                    server.restart(crash=True)
                    connection = server.connect()
                self.check(connection, closed)
            for name in "sr":
                connection.execute(f"ADVANCE WATERMARK OF {name} TO '2030-01-01'")
            self.check(connection, closed)
            for name, query, column in QUERIES:
                self.judge(name, query, column, closed[name], connection)
            assert connection.execute("SELECT sum(late_rows) FROM millrace.queries").fetchone()[0] == 0
            connection.close()


def test_rounds():
    print(f"# seed {SEED}")
    only = os.environ.get("MILLRACE_ROUND")
    for number in [int(only)] if only else range(ROUNDS):
        yield f"round {number}", lambda number=number: Round(number).run()


if __name__ == "__main__":
    harness.main(globals())
