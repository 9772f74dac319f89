#!/usr/bin/env python3
"""tests/expected_join_test.py - standing joins over real inputs give the known right answers.

Two streams bounded in time, a stream with a reference table, corrected and not, into SQLite and PostgreSQL;
the reference table and half of the rows are there before the views, the rest comes after, with a kill -9 in
the middle.  The answers are DuckDB's, in tests/data/expected.
"""
import csv
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import harness  # noqa: E402

TOLERANCE = 2e-6

TRIPS = ("pickup timestamp, dropoff timestamp, passengers integer, distance double precision, "
         "fare double precision, tip double precision, tolls double precision, total double precision, "
         "color text, payment text, pickup_zone text, dropoff_zone text, pickup_borough text, "
         "dropoff_borough text")
PAIRS = """
    SELECT window_start, zone, count(*) AS pairs, count(DISTINCT pickup) AS pickups
    FROM TUMBLE((SELECT p.pickup, p.pickup_zone AS zone FROM dropoffs d JOIN pickups p
                 ON p.pickup_zone = d.dropoff_zone AND p.pickup >= d.dropoff
                    AND p.pickup < d.dropoff + INTERVAL '30 minutes'), pickup, INTERVAL '1 day')
    GROUP BY window_start, zone HAVING count(*) >= 2"""
ZONES = """
    SELECT z.locationid AS location_id, z.zone, z.borough, count(*) AS trips
    FROM pickups t JOIN zones z ON z.zone = t.pickup_zone AND z.borough = t.pickup_borough
    GROUP BY z.locationid, z.zone, z.borough HAVING count(*) >= 60"""
STATES = """
    SELECT date_bin('7 days', ts, TIMESTAMP '1970-01-01') AS window_start, a.state, count(*) AS flights,
           count(*) FILTER (WHERE f.delay > 15) AS late_flights, max(f.distance) AS longest
    FROM flights f LEFT JOIN airports{at} a ON a.iata = f.origin GROUP BY 1, a.state"""


def read_rows(name):
    with open(harness.dataset(name), newline="", encoding="utf-8") as file:
        return list(csv.reader(file))[1:]


def as_csv(rows):
    return "".join(",".join('"' + cell.replace('"', '""') + '"' if cell != "" else "" for cell in row) + "\n"
                   for row in rows).encode()


def create(server, name, select, emit="ON UPDATE"):
    for connection in ("main", "pg"):
        server.execute(f"CREATE MATERIALIZED VIEW {connection}.{name}_{connection} AS {select} EMIT {emit}")


def check(server, pg, name, answer, key):
    names, expected = harness.read_csv(harness.expected_path(answer))
    columns = ", ".join(f'"{column}"' for column in names)
    for connection in ("main", "pg"):
        sql = f"SELECT {columns} FROM {name}_{connection}"
        rows = harness.sqlite_table(server.main_db(), sql) if connection == "main" else pg.execute(sql)
        harness.compare_tables(rows, expected, key, TOLERANCE, names, f"{name} in {connection}")


def feed(server, parts, halves, restart):
    for half in range(2):
        for stream, rows in parts:
            middle = len(rows) // 2
            some = rows[:middle] if half == 0 else rows[middle:]
            server.copy(f"COPY {stream} FROM STDIN (FORMAT csv)", as_csv(some))
        if half == 0:
            halves()
            restart()
    server.execute("FLUSH")
    for stream, _ in parts:
        server.execute(f"ADVANCE WATERMARK OF {stream} TO 'infinity'")
    server.execute("FLUSH")


def restart(server):
    server.execute("FLUSH")
    server.kill()
    server.start()


def test_taxis():
    harness.expected_path("taxis/x4_interval_join_reuse.csv")
    trips = read_rows("taxis/taxis.csv")
    with harness.Postgres() as pg, harness.Server() as server:
        for statement in pg.connection_sql():
            server.execute(statement)
        for stream, time in (("dropoffs", "dropoff"), ("pickups", "pickup")):
            server.execute(f"CREATE STREAM {stream} ({TRIPS}, WATERMARK FOR {time} AS {time} - INTERVAL '40 days')")
        server.execute("CREATE TABLE zones (locationid integer, zone text, borough text)")
        server.copy("COPY zones FROM STDIN (FORMAT csv)", as_csv(read_rows("taxis/taxi_zones.csv")))
        create(server, "x4_update", PAIRS)
        create(server, "x5_update", ZONES)
        feed(server, [("dropoffs", trips), ("pickups", trips)],
             lambda: create(server, "x4_close", PAIRS, "ON WINDOW CLOSE"), lambda: restart(server))
        for name in ("x4_update", "x4_close"):
            yield name, lambda n=name: check(server, pg, n, "taxis/x4_interval_join_reuse.csv", (0, 1))
        yield "x5_update", lambda: check(server, pg, "x5_update", "taxis/x5_join_zones_service.csv", (0,))

        def is_empty():
            kept = server.execute("SELECT sum(groups) FROM millrace.queries WHERE name LIKE 'x4_%'")
            assert int(kept[0][0]) == 0, f"{kept} rows and groups are kept when all time has passed"
        yield "the interval joins keep nothing", is_empty


def test_flights():
    harness.expected_path("flights/f4_tumble_7d_join_airports.csv")
    with open(harness.dataset("flights/flights.jsonl"), encoding="utf-8") as file:
        flights = [[str(row[name]) for name in ("ts", "delay", "distance", "origin", "destination")]
                   for row in map(json.loads, file)]
    with harness.Postgres() as pg, harness.Server() as server:
        for statement in pg.connection_sql():
            server.execute(statement)
        server.execute("CREATE STREAM flights (ts timestamp, delay integer, distance integer, origin text, "
                       "destination text, WATERMARK FOR ts AS ts - INTERVAL '100 days')")
        server.execute("CREATE TABLE airports (iata text PRIMARY KEY, name text, city text, state text, "
                       "country text, latitude double precision, longitude double precision)")
        airports = read_rows("flights/airports.csv")
        server.copy("COPY airports FROM STDIN (FORMAT csv)", as_csv(airports))
        create(server, "f4_update", STATES.format(at=""))
        create(server, "f4_close", STATES.format(at=" FOR SYSTEM_TIME AS OF PROCTIME()"), "ON WINDOW CLOSE")

        def change_and_back():
            """The reference table changes and changes back: what was counted moves with it."""
            server.execute("UPDATE airports SET state = 'XX' WHERE state = 'CA'")
            server.execute("FLUSH")
            server.execute("UPDATE airports SET state = 'CA' WHERE state = 'XX'")
        feed(server, [("flights", flights)], change_and_back, lambda: restart(server))
        for name in ("f4_update", "f4_close"):
            yield name, lambda n=name: check(server, pg, n, "flights/f4_tumble_7d_join_airports.csv", (0, 1))


harness.main(globals())
