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
PRICES = 10_000_000             # bids.c draws below it


def target(running):
    """Results are counted and thrown away where that can be: it is the engine that is looked at."""
    try:
        running.execute(DISCARD)
        return "nowhere."
    except psycopg.Error:
        return ""


def load(context, running, keys):
    """The rows in memory.  W stays where the last of them leaves it, so that no window is closed that
    a longer stream would not have closed by then."""
    path = bids.generate(context, "csv", keys)
    with running.connect() as connection:
        connection.execute(bids.stream_sql(path=path, at_end="wait"))
        connection.execute("FLUSH")


def cost(context, running, view, sql):
    """CPU nanoseconds a row of a view over rows in memory, made and dropped; bytes of state a group."""
    pid = running.process.pid
    with running.connect() as connection:
        cpu = machine.cpu_seconds_fine(pid)
        connection.execute(f"CREATE MATERIALIZED VIEW {view} AS {sql}")
        connection.execute("FLUSH")
        spent = machine.cpu_seconds_fine(pid) - cpu
        groups, size = connection.execute("SELECT groups, state_bytes FROM millrace.queries").fetchone()
        connection.execute(f"DROP MATERIALIZED VIEW {view.split('.')[-1]}")
    return spent * 1e9 / context.rows, size / max(groups, 1)


def repeat(context, call):
    return [call() for _ in range(context.runs)]


def groups(context):
    """Before output: the one window of each group stays open."""
    first = None
    for count in GROUPS:
        with bids.server(context, log_cache="8GB") as running:
            load(context, running, count)
            where = target(running)
            sql = ("SELECT window_start, auction, count(*) AS bids, sum(price) AS total "
                   "FROM TUMBLE(bids, at, INTERVAL '1 hour') GROUP BY window_start, auction "
                   "EMIT ON WINDOW CLOSE")
            runs = repeat(context, lambda: cost(context, running, f"{where}grown", sql))
        costs = [run for run, _ in runs]
        first = first or statistics.median(costs)
        context.figures.add(f"growth-groups.{count}", f"growth, {count} groups: CPU a row", costs, "ns",
                            better="low", note=f"{statistics.median(costs) / first:.1f} x of {GROUPS[0]}; "
                                               f"{runs[-1][1]:.0f} bytes a group")


def slides(context):
    first = None
    with bids.server(context, log_cache="8GB") as running:
        load(context, running, FEW_KEYS)
        where = target(running)
        for ratio in RATIOS:
            sql = ("SELECT window_start, auction, count(*) AS bids, sum(price) AS total "
                   f"FROM HOP(bids, at, INTERVAL '1 second', INTERVAL '{ratio} seconds') "
                   "GROUP BY window_start, auction EMIT ON WINDOW CLOSE")
            costs = [run for run, _ in
                     repeat(context, lambda: cost(context, running, f"{where}grown", sql))]
            first = first or statistics.median(costs)
            context.figures.add(f"growth-slide.{ratio}", f"growth, size/slide {ratio}: CPU a row", costs,
                                "ns", better="low", note=f"{statistics.median(costs) / first:.2f} x of 1")


# What they differ in: a key of ten that some query wants, and a bound that few rows are above.
SHAPES = {"equal": lambda n: f"auction = {1000 + n}",
          "above": lambda n: f"price > {PRICES - 10 * (n + 1)}"}


def create_alike(connection, where, condition, count):
    start = time.monotonic()
    for n in range(count):
        connection.execute(
            f"CREATE MATERIALIZED VIEW {where}grown_{n} AS "
            "SELECT window_start, count(*) AS bids, sum(price) AS total "
            f"FROM TUMBLE(bids, at, INTERVAL '1 hour') WHERE {condition(n)} "
            "GROUP BY window_start EMIT ON WINDOW CLOSE")
    return time.monotonic() - start


def alike_cost(context, condition, count):
    """CPU nanoseconds a row that is copied in while so many queries stand; and seconds of DDL. No window
    closes, so that nothing is written; a checkpoint of each query would be, after ten seconds."""
    path = bids.generate(context, "csv", 10 * max(QUERIES))
    with bids.server(context, checkpoint_interval="1h") as running:
        where = target(running)
        with running.connect() as connection:
            connection.execute(bids.stream_sql(durability="os"))
            seconds = create_alike(connection, where, condition, count)
            connection.execute("FLUSH")
        before = machine.cpu_seconds(running.process.pid)
        bids.copy_client(context, running, "-n", 100_000, running.dsn(), "bids", "csv", path, "FLUSH")
        spent = machine.cpu_seconds(running.process.pid) - before
    return spent * 1e9 / context.rows, seconds


def like_shaped(context):
    """Queries that stand while rows come: what the row costs in all, from the socket on."""
    for name, condition in SHAPES.items():
        first = None
        for count in QUERIES:
            runs = [alike_cost(context, condition, count) for _ in range(context.runs)]
            costs = [cost for cost, _ in runs]
            first = first or statistics.median(costs)
            context.figures.add(
                f"growth-queries-{name}.{count}", f"growth, {count} queries, {name}: CPU a row", costs, "ns",
                better="low", note=f"{statistics.median(costs) / first:.1f} x of one; "
                                   f"{statistics.median(seconds for _, seconds in runs):.1f} s of DDL")


def all_cases(context):
    groups(context)
    slides(context)
    like_shaped(context)
