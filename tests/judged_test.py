#!/usr/bin/env python3
"""tests/judged_test.py - rows of groups that cannot be computed: the same rows in millrace.row_errors,
of the same records, and the same tables, for every cut into micro-batches, every number of workers,
with and without a crash in the middle."""
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402

SEED = harness.seed()
SMALL = harness.quick() or bool(harness.sanitized())
RECORDS = 120 if SMALL else 400

TUMBLE = "TUMBLE(s, at, INTERVAL '10' SECOND)"
HOP = "HOP(s, at, INTERVAL '5' SECOND, INTERVAL '15' SECOND)"
VIEWS = {
    "ratio": "SELECT k, sum(a) / sum(b) AS q FROM s GROUP BY k",
    "two": "SELECT k, 10 / sum(a) AS p, sum(a) AS a, 10 % sum(b) AS q FROM s GROUP BY k",
    "guarded": "SELECT k, sum(a) AS a FROM s GROUP BY k HAVING 10 / sum(b) > -3",
    "twice": "SELECT k, 7 / (sum(a) - 2) AS a FROM s GROUP BY k HAVING 10 / sum(b) > -3",
    "above": "SELECT k, n, 1 / (n - 5) AS m FROM (SELECT k, 12 / sum(b) AS n FROM s GROUP BY k) AS q "
             "WHERE 6 / (n + 1) < 7",
    "whole": "SELECT 1 AS one, 10 / ((count(*) + 1) % 7) AS q FROM s WHERE k < 2",
    "sets": "SELECT k, grouping(k) AS g, sum(a) / sum(b) AS q FROM s GROUP BY GROUPING SETS ((k), ())",
    "seen": "SELECT k, count(*) / (count(DISTINCT a) - 3) AS q FROM s GROUP BY k",
    "windows": f"SELECT k, window_start, sum(a) / sum(b) AS q FROM {TUMBLE} GROUP BY k, window_start",
    "hops": f"SELECT k, window_start, sum(a) / sum(b) AS q FROM {HOP} GROUP BY k, window_start",
    "closed": f"SELECT k, window_start, sum(a) / sum(b) AS q FROM {TUMBLE} GROUP BY k, window_start",
    "again": "SELECT n, 3 / (count(*) - 2) AS q FROM (SELECT k, count(*) AS n FROM s GROUP BY k) AS x "
             "GROUP BY n",
    "never": "SELECT k, sum(a) / count(a) AS q FROM s GROUP BY k",
}


def create(server):
    server.execute("CREATE STREAM s (at timestamptz, k int, a int, b int, "
                   "WATERMARK FOR at AS at - INTERVAL '2' SECOND)")
    for name, sql in VIEWS.items():
        emit = " EMIT ON WINDOW CLOSE" if name == "closed" else ""
        server.execute(f"CREATE MATERIALIZED VIEW {name} AS {sql}{emit}")


def make_records():
    rng = random.Random(SEED)
    records, second = [], 0
    for _ in range(RECORDS):
        lines = []
        for _ in range(rng.choice((1, 1, 1, 2, 5, 40))):
            second += rng.random() * 0.5
            at = f"2026-01-01 00:{int(second) // 60 % 60:02}:{int(second) % 60:02}+00"
            a, b = rng.choice(("", "0", "1", "2", "-1")), rng.choice(("", "0", "1", "-1"))
            lines.append(f"{at},{rng.randrange(9)},{a},{b}\n")
        records.append("".join(lines))
    return records


def run(records, batch_rows, workers, crash, history):
    """Feeds the records; every view's table, and the rows that failed."""
    settings = {"batch_rows": batch_rows, "workers": workers, "checkpoint_interval": "50ms",
                "error_limit": 10000}
    with harness.Server(settings=settings) as server:
        create(server)
        if history:
            for name in VIEWS:
                server.execute(f"ALTER MATERIALIZED VIEW {name} SUSPEND")
        for i, record in enumerate(records):
            server.copy("COPY s FROM STDIN WITH (FORMAT csv)", record)
            if crash and i == len(records) // 2:
                server.restart(crash=True)
        if history:
            for name in VIEWS:
                server.execute(f"ALTER MATERIALIZED VIEW {name} RESUME")
        server.execute("FLUSH")
        tables = {name: sorted(repr(list(row)) for row in
                               harness.sqlite_table(server.main_db(), f"SELECT * FROM {name}"))
                  for name in VIEWS}
        counts = dict(server.execute("SELECT name, failed_rows FROM millrace.queries"))
        errors = sorted(repr(row) for row in server.execute(
            "SELECT query, sequence, sqlstate, message FROM millrace.row_errors"))
        return tables, counts, errors


def test_the_same_rows_fail():
    print(f"# seed {SEED}, {RECORDS} records")
    records = make_records()
    first = run(records, 1, 1, False, False)
    assert first[1]["never"] == 0, first[1]
    assert all(first[1][name] > 0 for name in VIEWS if name != "never"), first[1]
    for batch_rows, workers, crash, history in (
            (7, 1, False, False), (100000, 1, False, True), (100000, 2, False, True),
            (7, 2, False, False), (100000, 2, True, False), (1, 1, True, False)):
        what = f"batch_rows {batch_rows}, workers {workers}, crash {crash}, history {history}"
        tables, counts, errors = run(records, batch_rows, workers, crash, history)
        for name in VIEWS:
            assert tables[name] == first[0][name], f"{what}: {name}"
        assert counts == first[1], f"{what}: {counts} against {first[1]}"
        if not crash:  # the list is the server's memory
            assert errors == first[2], f"{what}: {set(errors) ^ set(first[2])}"


if __name__ == "__main__":
    harness.main(globals())
