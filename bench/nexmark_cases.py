"""The queries of Nexmark: rows/s and rows per CPU-second from csv files and from memory, beside DuckDB."""
import contextlib
import statistics
import sys
import time
from pathlib import Path

import bids
import machine
import psycopg
from peer import Peer

sys.path.insert(0, str(Path(__file__).resolve().parent / "nexmark"))
import nexmark  # noqa: E402

US_PER_EVENT = 100   # 10 000 events a second, as published
DISCARD = "CREATE CONNECTION nowhere WITH (type = 'discard')"
# M rows/s from csv where both were measured on one machine: Flink, and DuckDB where that was run.
FLINK = {
    "q0": (0.87, 5.49), "q1": (0.80, None), "q2": (0.88, 7.80), "q3": (0.22, 3.57), "q4": (0.28, 3.71),
    "q5": (0.47, 4.35), "q7": (0.19, 2.58), "q8": (0.18, 3.68), "q9": (0.18, None), "q10": (0.59, None),
    "q11": (0.43, None), "q12": (0.71, 5.14), "q13": (0.57, None), "q14": (0.92, None), "q15": (0.32, None),
    "q16": (0.06, None), "q17": (0.61, 4.22), "q18": (0.34, 1.19), "q19": (0.34, None), "q20": (0.22, 4.32),
    "q21": (0.48, None), "q22": (0.68, 3.00),
}
TIMES_FLINK = 5
# Measured on window close, and on update beside it: the one writes a window once, the other as it grows.
WINDOWS = ("q5", "q7", "q8", "q11", "q12")
WINDOWS_RATIO = 0.5
# What PostgreSQL's functions are called there.
MACROS = (
    "date_bin(stride, moment, origin) AS time_bucket(stride, moment, origin)",
    "to_char(moment, form) AS CASE form WHEN 'YYYY-MM-DD' THEN strftime(moment, '%Y-%m-%d') "
    "ELSE strftime(moment, '%H:%M') END",
    "regexp_substr(words, pattern, start, number, flags, part) AS "
    "nullif(regexp_extract(words, pattern, part), '')",
)


def make_data(context):
    directory = context.work / f"nexmark-{context.rows}"
    done = directory / "done"
    if not done.exists():
        nexmark.generate(context.rows, US_PER_EVENT, directory, context.work / "nexmark-generate")
        done.touch()
    return directory


def rows_of(context, query):
    rounds = context.rows // nexmark.EVENTS_PER_ROUND
    return rounds * sum(nexmark.PER_ROUND[name] for name in query.reads)


# ---- the peer ------------------------------------------------------------------------------------

def prepare_peer(peer, directory):
    for macro in MACROS:
        peer.run("CREATE MACRO " + macro)
    for name, columns in nexmark.COLUMNS.items():
        peer.run(f"CREATE TABLE {name}_rows ({columns})")
        types = ", ".join(f"'{column.split()[0]}': '{column.split()[1]}'"
                          for column in columns.split(", "))
        peer.run(f"CREATE VIEW {name}_file AS SELECT * FROM read_csv('{directory}/{name}.csv', "
                 f"header = false, columns = {{{types}}})")
        peer.run(f"INSERT INTO {name}_rows SELECT * FROM {name}_file")
    peer.run("CREATE TABLE side_input (key bigint, value text)")
    for key, value in nexmark.side_rows():
        peer.run(f"INSERT INTO side_input VALUES ({key}, '{value}')")


def run_peer(peer, query, kind):
    for name in nexmark.COLUMNS:
        peer.run(f"CREATE OR REPLACE VIEW {name} AS SELECT * FROM {name}_{kind}")
    peer.run("CREATE OR REPLACE VIEW bid_arrival AS SELECT bidder, date_time AS arrival FROM bid")
    seconds, cpu = peer.run(f"CREATE OR REPLACE TEMP TABLE answer AS {query.batch}")
    return {"seconds": seconds, "cpu": cpu}


# ---- ours ----------------------------------------------------------------------------------------

@contextlib.contextmanager
def nexmark_server(context, **settings):
    with bids.server(context, **settings) as running:
        try:
            running.execute(DISCARD)
            where = "nowhere"
        except psycopg.Error:
            where = ""   # the default target, a SQLite file
        running.execute(f"CREATE TABLE {nexmark.SIDE_INPUT} ({nexmark.SIDE_COLUMNS})")
        for key, value in nexmark.side_rows():
            running.execute(f"INSERT INTO {nexmark.SIDE_INPUT} VALUES ({key}, '{value}')")
        yield running, where


@contextlib.contextmanager
def timed(running, run):
    pid = running.process.pid
    # To the nanosecond: few rows take less than a tick.
    cpu, start = machine.cpu_seconds_fine(pid), time.monotonic()
    yield
    run.update(seconds=time.monotonic() - start, cpu=machine.cpu_seconds_fine(pid) - cpu)


def emit_of(query):
    return "EMIT ON WINDOW CLOSE" if query.name in WINDOWS else ""


def run_file(context, query, directory, emit):
    run = {}
    with nexmark_server(context) as (running, where), running.connect() as connection:
        with timed(running, run):
            for name in query.reads:
                connection.execute(nexmark.stream_sql(
                    name, connector="file", format="csv", at_end="close",
                    path=f"{directory}/{name}.csv"))
            connection.execute(query.view_sql(where, emit=emit))
            connection.execute("FLUSH")
    return run


def run_memory(running, where, query):
    run = {}
    with running.connect() as connection:
        with timed(running, run):
            connection.execute(query.view_sql(where, emit=emit_of(query)))
            connection.execute("FLUSH")
        connection.execute(f"DROP MATERIALIZED VIEW {query.name}")
    return run


def floor_of(name, kind, peer_rate):
    """The least ratio to DuckDB from csv: five times Flink, whose own ratio to DuckDB stands in for it."""
    if kind != "file" or name not in FLINK:
        return None
    flink, duckdb = FLINK[name]
    least = TIMES_FLINK * flink / (duckdb or peer_rate / 1e6)
    return max(least, WINDOWS_RATIO) if name in WINDOWS else least


def add_figures(context, query, kind, ours, theirs):
    rows = rows_of(context, query)
    rate = [rows / run["seconds"] for run in ours]
    peer_rate = statistics.median(rows / run["seconds"] for run in theirs)
    per_cpu = statistics.median(rows / run["cpu"] for run in ours if run["cpu"] > 0)
    ratio, least = statistics.median(rate) / peer_rate, floor_of(query.name, kind, peer_rate)
    floor = f" (floor {least:.2f}{'' if ratio >= least else ', MISSED'})" if least else ""
    context.figures.add(
        f"nexmark-{kind}.{query.name}", f"Nexmark {query.name} from {kind}: rows/s", rate, "M/s", scale=1e-6,
        note=f"DuckDB {peer_rate / 1e6:.2f}, {ratio:.2f} x{floor}; "
             f"{per_cpu / 1e6:.2f} M rows a CPU-second")


def nexmark_case(context):
    directory = make_data(context)
    with Peer() as peer, nexmark_server(context, log_cache="8GB") as (running, where):
        prepare_peer(peer, directory)
        for name in nexmark.COLUMNS:
            running.execute(nexmark.stream_sql(name, connector="file", format="csv", at_end="close",
                                               path=f"{directory}/{name}.csv"))
        running.execute("FLUSH")
        for query in nexmark.queries():
            if context.queries and query.name not in context.queries:
                continue
            try:
                run_memory(running, where, query)
            except psycopg.Error as error:
                context.say(f"nexmark {query.name} cannot be run: {error.sqlstate} "
                            f"{error.diag.message_primary}")
                continue
            runs = {"memory": ([], []), "file": ([], [])}
            for _ in range(context.runs):
                runs["memory"][0].append(run_memory(running, where, query))
                runs["memory"][1].append(run_peer(peer, query, "rows"))
                runs["file"][0].append(run_file(context, query, directory, emit_of(query)))
                runs["file"][1].append(run_peer(peer, query, "file"))
            if query.name in WINDOWS:
                runs["file-update"] = ([run_file(context, query, directory, "EMIT ON UPDATE")],
                                       runs["file"][1])
            for kind, (ours, theirs) in runs.items():
                add_figures(context, query, kind, ours, theirs)
            context.say(f"nexmark {query.name}: done")
