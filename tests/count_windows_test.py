#!/usr/bin/env python3
"""tests/count_windows_test.py - windows of rows over rows that a view gives as its windows close: they are
in order of the records that closed them, and those of one record in order of the view's key, whatever the
micro-batches, the workers and crashes; and the same SELECT at the prompt gives the same.  The oracle is the rows
with their places, in the order of Python."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.ledger import EPOCH, timestamp  # noqa: E402
from harness.tables import plain  # noqa: E402

SEED = harness.seed()
SMALL = harness.quick() or bool(harness.sanitized())
ROWS = 600 if SMALL else 3000
KEYS = "zyxwvu"

CLOSED = {
    # name: its SELECT, and how its key is written over its columns (ended, k, v)
    "sums": "SELECT window_end AS ended, k, sum(v) AS v FROM TUMBLE(s, at, INTERVAL '10 seconds') "
            "GROUP BY window_start, window_end, k",
    # Keys that are not shown order the rows all the same.
    "hidden": "SELECT sum(v) AS v FROM TUMBLE(s, at, INTERVAL '10 seconds') "
              "GROUP BY window_start, window_end, k",
    "stays": "SELECT window_end AS ended, k, count(*) AS v FROM SESSION(s PARTITION BY k, at, INTERVAL '4 seconds') "
             "GROUP BY window_start, window_end, k",
}


def feed(server, rng):
    """Statements of several rows, each a record of the log; some move W over several windows."""
    at = EPOCH
    sent = 0
    crash_at = ROWS // 2
    while sent < ROWS:
        rows = []
        for _ in range(rng.choice((1, 2, 7, 60))):
            at += rng.choice((0, 0, 1, 1, 2, 13))
            rows.append(f"('{timestamp(at - rng.choice((0, 1, 3)))}', '{rng.choice(KEYS)}', {rng.randrange(100)})")
        server.execute("INSERT INTO s VALUES " + ", ".join(rows))
        sent += len(rows)
        if crash_at is not None and sent >= crash_at:
            crash_at = None
            yield
    server.execute("ADVANCE WATERMARK OF s TO 'infinity'")


def windows(rows, size, slide, full):
    """Lists of `size` rows, one beginning every `slide` rows; those that are not full too, or not."""
    starts = range(0, len(rows), slide)
    return [rows[i:i + size] for i in starts if not full or i + size <= len(rows)]


def at_prompt(server, select, columns):
    """The same SELECT, once, over what is there: as rows of texts."""
    shown = ", ".join(f"{column}::text" for column in columns)
    return sorted(server.execute(f"SELECT {shown} FROM ({select}) q"))


def run(batch_rows, workers, crash, history):
    settings = {"batch_rows": batch_rows, "workers": workers, "checkpoint_interval": "50ms"}
    with harness.Server(settings=settings) as server:
        server.execute("CREATE STREAM s (at timestamp, k text, v bigint, "
                       "WATERMARK FOR at AS at - INTERVAL '2 seconds')")

        selects = {}

        def create_windows(name, select, close=""):
            server.execute(f"CREATE MATERIALIZED VIEW {name} AS {select}{close}")
            if not close:
                selects.setdefault(name, []).append(select)

        def create():
            for name, select in CLOSED.items():
                ended, k = ("ended, ", "k, ") if name != "hidden" else ("", "")
                by_k, group = ("PARTITION BY k", ", k") if k else ("", "")
                server.execute(f"CREATE MATERIALIZED VIEW {name} AS {select} EMIT ON WINDOW CLOSE")
                server.execute(f"CREATE MATERIALIZED VIEW {name}_placed AS "
                               f"SELECT _seq AS place, {ended}{k}v FROM {name}")
                of_subquery = f"SELECT window_start AS w, array_agg(v) AS vs FROM COUNT_WINDOW(({select}), 3) GROUP BY window_start"
                server.execute(f"CREATE MATERIALIZED VIEW {name}_subquery AS {of_subquery} EMIT ON WINDOW CLOSE")
                selects.setdefault(f"{name}_all", []).append(of_subquery)
                for close in ("", " EMIT ON WINDOW CLOSE"):
                    suffix = "_close" if close else ""
                    create_windows(f"{name}_all{suffix}", "SELECT window_start AS w, array_agg(v) AS vs "
                                   f"FROM COUNT_WINDOW({name}, 3) GROUP BY window_start", close)
                    create_windows(f"{name}_keys{suffix}", f"SELECT window_end AS w{group}, array_agg(v) AS vs "
                                   f"FROM COUNT_WINDOW({name} {by_k}, 4, 2) GROUP BY window_end{group}", close)
                    create_windows(f"{name}_rows{suffix}", f"SELECT {k}v "
                                   f"FROM COUNT_WINDOW({name} {by_k}, 5, 2) WHERE v % 2 = 0", close)
            # Windows of the rows of windows; a filter in between.
            create_windows("twice", "SELECT window_start AS w, array_agg(v) AS vs FROM "
                           "COUNT_WINDOW((SELECT v FROM sums_rows_close WHERE v > 50), 3) GROUP BY window_start")
        if not history:
            create()
        for _ in feed(server, random.Random(SEED)):
            if crash:
                server.restart(crash=True)
        if history:
            create()
        server.execute("FLUSH")
        tables = {}
        for name, in server.execute("SELECT name FROM millrace.queries"):
            columns = [column for column, in harness.sqlite_table(
                server.main_db(), f"SELECT name FROM pragma_table_info('{name}') WHERE name NOT IN ('w', 'mr_key')")]
            tables[name] = sorted([plain(cell) for cell in row] for row in harness.sqlite_table(
                server.main_db(), f"SELECT {', '.join(columns)} FROM {name}"))
            for select in selects.get(name, ()):
                there = sorted(tuple(f"{cell:.0f}" if isinstance(cell, (int, float)) else cell for cell in row)
                               for row in tables[name])
                assert at_prompt(server, select, columns) == there, f"{name} is another at the prompt"
        return tables


def check_against_places(tables):
    def lists(rows):
        return "{" + ",".join(str(row[-1]) for row in rows) + "}"

    for name in ("sums", "stays"):
        placed = tables[f"{name}_placed"]       # place, ended, k, v: the end says as much as the start
        rows = sorted(placed, key=lambda row: (row[0], row[1], row[2]))
        keys = sorted({row[2] for row in rows})
        for suffix, full in (("", False), ("_close", True)):
            assert tables[f"{name}_all{suffix}"] == sorted(
                [lists(w)] for w in windows(rows, 3, 3, full)), f"{name}_all{suffix}"
            per_key = {k: [row for row in rows if row[2] == k] for k in keys}
            assert tables[f"{name}_keys{suffix}"] == sorted(
                [k, lists(w)] for k in keys for w in windows(per_key[k], 4, 2, full)), f"{name}_keys{suffix}"
            assert tables[f"{name}_rows{suffix}"] == sorted(
                [k, row[3]] for k in keys for w in windows(per_key[k], 5, 2, full) for row in w
                if row[3] % 2 == 0), f"{name}_rows{suffix}"
    for name in CLOSED:
        assert tables[f"{name}_subquery"] == tables[f"{name}_all_close"], f"{name}_subquery"
    assert len(tables["sums_all_close"]) > 20 and len(tables["twice"]) > 5, "too few windows to say anything"


def test_order_of_closed_rows():
    print(f"# seed {SEED}, {ROWS} rows")
    first = {}
    runs = [(batch_rows, workers, crash, False) for batch_rows in (1, 7, 100000) for workers in (1, 2)
            for crash in ((False, True) if not SMALL else (workers == 2,))]
    runs += [(7, 1, False, True), (100000, 2, False, True)]

    def check(batch_rows, workers, crash, history):
        tables = run(batch_rows, workers, crash, history)
        if not first:
            first.update(tables)
        check_against_places(tables)
        for name, rows in tables.items():
            if history and name.endswith("_placed"):
                continue                        # statements that make views have places of the log too
            assert rows == first[name], f"{name} differs from the first run's"

    for batch_rows, workers, crash, history in runs:
        yield (f"batch_rows={batch_rows} workers={workers}"
               f"{', crash in the middle' if crash else ''}{', from history' if history else ''}",
               lambda b=batch_rows, w=workers, c=crash, h=history: check(b, w, c, h))


harness.main(globals())
