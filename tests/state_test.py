#!/usr/bin/env python3
"""tests/state_test.py - what a long stream leaves behind: the state of every window kind and of every
join that time bounds stays flat, ON UPDATE and ON WINDOW CLOSE, while rows with ever new keys run through."""
import os
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402

ROUNDS = 24 if harness.quick() or harness.sanitized() else 120
ROUND_SECONDS, ROWS = 60, 1500      # of each stream, per round
SLACK = 1.25
GROUPED = "SELECT window_start, window_end, k, count(*) AS n, max(v) AS top FROM {} GROUP BY window_start, window_end, k"
TOP = ("SELECT * FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY window_start, window_end ORDER BY v DESC) AS rn "
       "FROM {}) x WHERE rn <= 3")

# name, query, whether it has a form ON WINDOW CLOSE
QUERIES = (
    ("tumble", GROUPED.format("TUMBLE(a, ts, INTERVAL '10 seconds')"), True),
    ("hop", GROUPED.format("HOP(a, ts, INTERVAL '5 seconds', INTERVAL '20 seconds')"), True),
    ("cumulate", GROUPED.format("CUMULATE(a, ts, INTERVAL '5 seconds', INTERVAL '20 seconds')"), True),
    ("session", GROUPED.format("SESSION(a PARTITION BY k, ts, INTERVAL '5 seconds')"), True),
    ("session_rows", "SELECT k, v, window_end FROM SESSION(a PARTITION BY k, ts, INTERVAL '5 seconds')", True),
    ("by_expression", "SELECT date_trunc('minute', ts) AS minute, k, sum(v) AS v FROM a GROUP BY 1, 2", True),
    ("distinct_calls", "SELECT window_start, count(DISTINCT k) AS k, array_agg(v) AS v "
                       "FROM TUMBLE(a, ts, INTERVAL '10 seconds') GROUP BY window_start", True),
    ("of_windows", "SELECT window_start, sum(n) AS n FROM TUMBLE((SELECT k, window_end AS e, count(*) AS n FROM "
                   "TUMBLE(a, ts, INTERVAL '10 seconds') GROUP BY k, window_start, window_end), e, INTERVAL '1 minute') "
                   "GROUP BY window_start", True),
    ("session_ends", "SELECT window_end, count(*) AS n FROM (SELECT window_start, window_end, k FROM SESSION(a PARTITION BY k, ts, "
                     "INTERVAL '5 seconds') GROUP BY 1, 2, 3) x GROUP BY window_end", True),
    ("grouped_windows", "SELECT l.window_start, r.window_end, count(*) AS n FROM TUMBLE(a, ts, INTERVAL '10 seconds') l "
                        "JOIN TUMBLE(b, ts, INTERVAL '10 seconds') r ON l.k = r.k AND l.window_start = r.window_start "
                        "AND l.window_end = r.window_end GROUP BY 1, 2", True),
    ("arrival", GROUPED.format("TUMBLE(a, _arrival, INTERVAL '10 seconds')"), True),
    ("top_of_tumble", TOP.format("TUMBLE(a, ts, INTERVAL '10 seconds')"), True),
    ("top_of_hop", TOP.format("HOP(a, ts, INTERVAL '5 seconds', INTERVAL '20 seconds')"), True),
    ("interval_join", "SELECT a.k, a.v, b.v AS w FROM a JOIN b ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '10 seconds'", False),
    ("interval_left", "SELECT a.k, a.v, b.v AS w FROM a LEFT JOIN b ON a.k = b.k AND b.ts BETWEEN a.ts AND a.ts + INTERVAL '10 seconds'", True),
    ("window_join", "SELECT l.k, l.v, r.v AS w FROM TUMBLE(a, ts, INTERVAL '10 seconds') l JOIN TUMBLE(b, ts, INTERVAL '10 seconds') r "
                    "ON l.k = r.k AND l.window_start = r.window_start AND l.window_end = r.window_end", False),
    ("asof", "SELECT a.k, a.v, b.v AS w FROM a ASOF LEFT JOIN b ON a.g = b.g AND b.ts <= a.ts", True),
    ("asof_tolerant", "SELECT a.k, a.v, b.v AS w FROM a ASOF LEFT JOIN b ON a.g = b.g AND b.ts <= a.ts AND b.ts > a.ts - INTERVAL '20 seconds' "
                      "AND b.v <> a.v", True),
    ("version", "SELECT a.k, a.v, b.v AS w FROM a JOIN b FOR SYSTEM_TIME AS OF a.ts ON a.g = b.g", True),
)


def rows_of(number):
    """Rows of one round, some out of order: k is new every few seconds, g is one of twenty."""
    for i in range(ROWS):
        at = number * ROUND_SECONDS + i * ROUND_SECONDS / ROWS
        at -= (i * 7919 % 3000) / 1000          # up to three seconds late
        yield f"{max(at, 0):.3f}", int(at // 4) * 60 + i % 60, i % 20, i


def feed(connection, number):
    for stream in ("a", "b"):
        with connection.cursor().copy(f"COPY {stream} FROM STDIN") as copy:
            for at, k, g, v in rows_of(number):
                minute, second = divmod(float(at), 60)
                hour, minute = divmod(int(minute), 60)
                copy.write(f"2026-01-01 {hour:02}:{minute:02}:{second:06.3f}\t{k}\t{g}\t{v}\n")


def set_clock(server, number):
    """Rows come at the end of their round, so that they are neither old nor ahead."""
    minutes = (number + 1) * ROUND_SECONDS // 60
    server.execute(f"SET CLOCK TO '2026-01-01 {minutes // 60:02}:{minutes % 60:02}:00+00'")


def measure(server):
    server.execute("FLUSH")
    rows = server.execute("SELECT name, state, state_bytes, groups FROM millrace.queries")
    assert all(state == "RUNNING" for _, state, _, _ in rows), rows
    return {name: (state_bytes, groups) for name, _, state_bytes, groups in rows}


def is_flat(name, measures):
    """The second half needs no more than the end of the first quarter did."""
    quarter = len(measures) // 4
    early = max(measures[quarter // 2:quarter + 1])
    late = max(measures[len(measures) // 2:])
    assert early[1] > 0, f"{name} has kept nothing: {measures}"
    for what, before, after in zip(("bytes", "groups"), early, late):
        assert after <= before * SLACK, f"{name}: {after} {what} of state, {before} after a quarter: {measures}"


def check(name, measures):
    is_flat(name, measures[name])


def test_state():
    with tempfile.TemporaryDirectory(), harness.Server(virtual_clock=True) as server, server.connect() as connection:
        server.execute("SET CLOCK TO '2026-01-01 00:00:00+00'")
        for stream in ("a", "b"):
            server.execute(f"CREATE STREAM {stream} (ts timestamp, k integer, g integer, v integer, "
                           "WATERMARK FOR ts AS ts - INTERVAL '5 seconds') WITH (idle_timeout = '1 hour')")
        server.execute("CREATE CONNECTION nowhere WITH (type = 'discard')")
        for name, query, closes in QUERIES:
            server.execute(f"CREATE MATERIALIZED VIEW nowhere.{name}_update AS {query}")
            if closes:
                server.execute(f"CREATE MATERIALIZED VIEW nowhere.{name}_close WITH (allowed_lateness = '5 seconds') AS {query} EMIT ON WINDOW CLOSE")
        measures = {}
        for number in range(ROUNDS):
            set_clock(server, number)
            feed(connection, number)
            for name, value in measure(server).items():
                measures.setdefault(name, []).append(value)
    for name in measures:
        yield name, lambda name=name: check(name, measures)


if __name__ == "__main__":
    harness.main(globals())
