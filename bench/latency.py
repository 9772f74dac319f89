"""Time from when an INSERT was due to when its row can be read in the target, at 1 000 rows/s."""
import contextlib
import json
import sqlite3
import statistics
import subprocess
import time

import bids
from harness import Postgres

RATE = 1000
TABLES = {"sqlite": "seen", "postgres": "pg.seen"}
BOUNDS = {"sqlite": (10.0, 3.0), "postgres": (15.0, 5.0)}
PATIENCE_SECONDS = 60
# A reader that never sleeps takes one of the two cores from what is measured.
PAUSE_SECONDS = 0.0001


def watch(newest, count, process):
    """Polls `newest()`, the greatest id that is visible; returns by id when it was first seen."""
    seen, last, deadline = [0] * (count + 1), 0, time.monotonic() + PATIENCE_SECONDS
    while last < count:
        greatest = newest() or 0
        now = time.monotonic_ns()
        if greatest > last:
            seen[last + 1:greatest + 1] = [now] * (greatest - last)
            last = greatest
        elif now > deadline * 1e9:
            raise AssertionError(f"{last} of {count} rows are visible after {PATIENCE_SECONDS} s")
        elif process.poll() not in (None, 0):
            raise AssertionError("insert_client failed")
        time.sleep(PAUSE_SECONDS)
    return seen


def spread(values):
    values = sorted(values)
    return {"p50": values[len(values) // 2], "p99": values[len(values) * 99 // 100],
            "max": values[-1]}


@contextlib.contextmanager
def sqlite_reader(running):
    """Rows of this view are appended in log order, so the rowid of the newest is its id: one seek."""
    with contextlib.closing(sqlite3.connect(f"file:{running.main_db()}?mode=ro", uri=True,
                                            isolation_level=None)) as db:
        yield (lambda: db.execute("SELECT max(rowid) FROM seen").fetchone()[0],
               lambda: db.execute("SELECT count(*), sum(id <> rowid) FROM seen").fetchone())


@contextlib.contextmanager
def postgres_reader(pg):
    with pg.connect() as db:
        # A user's index on a result table, as users would add one.
        db.execute("CREATE INDEX ON seen (id)")
        yield (lambda: db.execute("SELECT max(id) FROM seen", prepare=True).fetchone()[0],
               lambda: db.execute("SELECT count(*), count(*) - count(DISTINCT id) "
                                  "FROM seen").fetchone())


def run_once(context, target, pg):
    with bids.server(context) as running:
        running.execute("CREATE STREAM clicks (id bigint NOT NULL, k integer NOT NULL)")
        for sql in pg.connection_sql() if pg else ():
            running.execute(sql)
        running.execute(f"CREATE MATERIALIZED VIEW {TABLES[target]} AS SELECT id, k FROM clicks")
        running.execute("FLUSH")
        count = RATE * context.latency_seconds
        with postgres_reader(pg) if pg else sqlite_reader(running) as (newest, totals):
            client = subprocess.Popen(
                [context.work / "insert_client", running.dsn(), str(RATE), str(count), "clicks"],
                stdout=subprocess.PIPE, text=True)
            try:
                seen = watch(newest, count, client)
                sent = json.loads(client.communicate(timeout=PATIENCE_SECONDS)[0])
            finally:
                client.kill()
                client.wait()
            there, wrong = totals()
        if (there, wrong) != (count, 0):
            raise AssertionError(f"{target}: {there} rows of {count}, {wrong} of them wrong")
        if pg:
            running.execute(f"DROP MATERIALIZED VIEW {TABLES[target]}")
    visible = spread((seen[i + 1] - sent["start_ns"] - i * sent["interval_ns"]) / 1e6
                     for i in range(count))
    return {"visible": visible, "acknowledged": sent["ack_ms"], "send_late": sent["send_late_ms"]}


def measure(context, target, pg=None):
    runs = []
    for number in range(context.runs):
        runs.append(run_once(context, target, pg))
        context.say(f"latency-{target} {number + 1}/{context.runs}: " + ", ".join(
            f"{name} {value:.2f} ms" for name, value in runs[-1]["visible"].items()))
    title = {"sqlite": "SQLite", "postgres": "PostgreSQL"}[target]
    floor, goal = BOUNDS[target]
    acknowledged = statistics.median(run["acknowledged"]["p50"] for run in runs)
    for name in ("p50", "p99", "max"):
        context.figures.add(
            f"latency-{target}.{name}", f"INSERT to visible in {title}: {name}",
            [run["visible"][name] for run in runs], "ms", better="low",
            floor=floor if name == "p99" else None, goal=goal if name == "p99" else None,
            note=f"acknowledged after {acknowledged:.2f}" if name == "p50" else "")
    context.figures.detail(f"latency-{target}", runs)


def sqlite(context):
    measure(context, "sqlite")


def postgres(context):
    with Postgres(settings={"fsync": "on", "synchronous_commit": "on"}) as pg:
        measure(context, "postgres", pg)
