"""How cost grows: with groups, with the ratio of size to slide, with queries of one shape."""
import statistics
import time

import bids
import machine
import psycopg

DISCARD = "CREATE CONNECTION nowhere WITH (type = 'discard')"
GROUPS = (10, 1_000, 100_000, 1_000_000)
RATIOS = (1, 10, 100, 3_600)
QUERIES = (1, 10, 100, 1_000)
FEW_KEYS = 100


def target(running):
    """Results are counted and thrown away where that can be: it is the engine that is looked at."""
    try:
        running.execute(DISCARD)
        return "nowhere."
    except psycopg.Error:
        return ""


def load(context, running, keys):
    path = bids.generate(context, "csv", keys)
    with running.connect() as connection:
        connection.execute(bids.stream_sql(path=path))
        connection.execute("FLUSH")


def cost(context, running, views):
    """CPU nanoseconds a row of views over rows in memory, made and dropped."""
    pid = running.process.pid
    with running.connect() as connection:
        cpu = machine.cpu_seconds(pid)
        for name, sql in views:
            connection.execute(f"CREATE MATERIALIZED VIEW {name} AS {sql}")
        connection.execute("FLUSH")
        spent = machine.cpu_seconds(pid) - cpu
        for name, _ in views:
            connection.execute(f"DROP MATERIALIZED VIEW {name.split('.')[-1]}")
    return spent * 1e9 / context.rows


def repeat(context, call):
    return [call() for _ in range(context.runs)]


def groups(context):
    first = None
    for count in GROUPS:
        with bids.server(context, log_cache="8GB") as running:
            load(context, running, count)
            where = target(running)
            sql = "SELECT auction, count(*) AS bids, sum(price) AS total FROM bids GROUP BY auction"
            runs = repeat(context, lambda: cost(context, running, [(f"{where}grown", sql)]))
        first = first or statistics.median(runs)
        context.figures.add(f"growth-groups.{count}", f"growth, {count} groups: CPU a row", runs, "ns",
                            better="low", note=f"{statistics.median(runs) / first:.1f} x of {GROUPS[0]}")


def slides(context):
    first = None
    with bids.server(context, log_cache="8GB") as running:
        load(context, running, FEW_KEYS)
        where = target(running)
        for ratio in RATIOS:
            sql = ("SELECT window_start, auction, count(*) AS bids, sum(price) AS total "
                   f"FROM HOP(bids, at, INTERVAL '1 second', INTERVAL '{ratio} seconds') "
                   "GROUP BY window_start, auction EMIT ON WINDOW CLOSE")
            runs = repeat(context, lambda: cost(context, running, [(f"{where}grown", sql)]))
            first = first or statistics.median(runs)
            context.figures.add(f"growth-slide.{ratio}", f"growth, size/slide {ratio}: CPU a row", runs,
                                "ns", better="low", note=f"{statistics.median(runs) / first:.1f} x of 1")


def like_shaped(context):
    first = None
    with bids.server(context, log_cache="8GB") as running:
        load(context, running, 10 * max(QUERIES))
        where = target(running)
        for count in QUERIES:
            views = [(f"{where}grown_{n}",
                      "SELECT window_start, count(*) AS bids, sum(price) AS total "
                      f"FROM TUMBLE(bids, at, INTERVAL '1 second') WHERE auction = {1000 + n} "
                      "GROUP BY window_start EMIT ON WINDOW CLOSE") for n in range(count)]
            start = time.monotonic()
            runs = [cost(context, running, views)]
            seconds = time.monotonic() - start
            first = first or runs[0]
            context.figures.add(f"growth-queries.{count}", f"growth, {count} like-shaped queries: CPU a row",
                                runs, "ns", better="low",
                                note=f"{runs[0] / first:.1f} x of one; {seconds:.1f} s with DDL")


def all_cases(context):
    groups(context)
    slides(context)
    like_shaped(context)
