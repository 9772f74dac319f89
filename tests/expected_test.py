#!/usr/bin/env python3
"""tests/expected_test.py - standing queries over real inputs give the known right answers.

Each set of inputs is loaded the way a user would load it (psql's \\copy, COPY by psycopg, HTTP, the
file connector) and is answered into SQLite and into PostgreSQL, EMIT ON UPDATE and ON WINDOW CLOSE,
by views that were there before the rows and by views that start from history.  Every answer is
compared with tests/data/expected (made by DuckDB) and with PostgreSQL computing it over the same rows.
"""
import csv
import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "lib"))
import harness  # noqa: E402

TOLERANCE_FILE = 2e-6     # the files are rounded to 6 places
TOLERANCE_POSTGRES = 1e-9
# A target, a way to emit, and whether the view is there before the rows.
PLACES = (("main", "ON UPDATE", True), ("pg", "ON WINDOW CLOSE", True),
          ("main", "ON WINDOW CLOSE", False), ("pg", "ON UPDATE", False))


BOTH = ("ON UPDATE", "ON WINDOW CLOSE")
ON_UPDATE = BOTH[:1]


class Query:
    """A question as a SELECT over {source}: a TUMBLE or HOP here, a subquery for PostgreSQL; without a
    window the stream itself.  `oracle` is PostgreSQL's way to write it, where that is another."""

    def __init__(self, name, answer, window, select, key, emits=BOTH, oracle=None):
        self.name, self.answer, self.window = name, answer, window
        self.select, self.key, self.emits = select, key, emits
        self.oracle = oracle or select

    def millrace(self, stream, time):
        if self.window is None:
            return self.select.format(source=stream)
        kind, *widths = self.window
        sizes = ", ".join(f"INTERVAL '{width}'" for width in widths)
        return self.select.format(source=f"{kind}({stream}, {time}, {sizes})")

    def postgres(self, table, time):
        if self.window is None:
            return self.oracle.format(source=table)
        kind, *widths = self.window
        slide, size = widths[0], widths[-1]
        start = f"date_bin('{slide}', {time}, TIMESTAMP '1970-01-01')"
        return self.oracle.format(source=f"""(
            SELECT s.*, w AS window_start, w + INTERVAL '{size}' AS window_end
            FROM {table} s, LATERAL generate_series({start} - INTERVAL '{size}' + INTERVAL '{slide}',
                                                    {start}, INTERVAL '{slide}') w) windows""")


class Sessions(Query):
    """Sessions of `gap` per `keys`; PostgreSQL finds them by the distance from the row before."""

    def __init__(self, name, answer, gap, keys, select, key):
        super().__init__(name, answer, ("SESSION", gap), select, key)
        self.gap, self.keys = gap, keys

    def millrace(self, stream, time):
        partition = f" PARTITION BY {self.keys}" if self.keys else ""
        return self.select.format(source=f"SESSION({stream}{partition}, {time}, "
                                         f"INTERVAL '{self.gap}')")

    def postgres(self, table, time):
        partition = f"PARTITION BY {self.keys}" if self.keys else ""
        within = f"PARTITION BY {self.keys + ', ' if self.keys else ''}session"
        return self.select.format(source=f"""(
            SELECT s.*, min({time}) OVER ({within}) AS window_start,
                   max({time}) OVER ({within}) + INTERVAL '{self.gap}' AS window_end
            FROM (SELECT n.*, sum(is_new) OVER ({partition} ORDER BY {time}) AS session
                  FROM (SELECT t.*, CASE WHEN {time} - lag({time}) OVER ({partition} ORDER BY {time})
                                              < INTERVAL '{self.gap}' THEN 0 ELSE 1 END AS is_new
                        FROM {table} t) n) s) sessions""")


class Set:
    """A stream, what fills it, and what is asked of it.  `time` None: the rows have none.  `tables`: of
    (name, columns, rows), there before the stream."""

    def __init__(self, stream, time, columns, delay, load, rows, queries, tables=(), places=PLACES):
        self.stream, self.time, self.columns, self.delay = stream, time, columns, delay
        (self.options, self.fill), self.rows, self.queries = load, rows, queries
        self.tables, self.places = tables, places

    def ddl(self):
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        if self.time is None:
            return f"CREATE STREAM {self.stream} ({columns}){self.options()}"
        return (f"CREATE STREAM {self.stream} ({columns}, WATERMARK FOR {self.time} AS "
                f"{self.time} - INTERVAL '{self.delay}'){self.options()}")


# -- ways of loading: (options of the stream, a call that delivers the rows and counts them) -------

def load_http(path):
    """JSON lines by HTTP POST, in pieces as a log shipper would send them."""
    def fill(server, inputs):
        lines = path().read_bytes().splitlines(keepends=True)
        for start in range(0, len(lines), 5000):
            status, text = server.post(inputs.stream, b"".join(lines[start:start + 5000]))
            assert status == 200, f"POST answered {status}: {text}"
        return len(lines)
    return lambda: "", fill


def load_psql(path):
    """\\copy of psql."""
    def fill(server, inputs):
        done = server.psql("-c", f"\\copy {inputs.stream} FROM '{path()}' CSV HEADER")
        assert done.stdout.startswith("COPY "), done.stdout + done.stderr
        return int(done.stdout.split()[1])
    return lambda: "", fill


def load_copy(path):
    """COPY … FROM STDIN by psycopg."""
    def fill(server, inputs):
        return server.copy(f"COPY {inputs.stream} FROM STDIN (FORMAT csv, HEADER)",
                           path().read_bytes())
    return lambda: "", fill


def load_file(path):
    """The file connector: the server reads the file itself and closes the windows at its end."""
    def fill(server, inputs):
        return sum(1 for _ in open(path(), "rb"))
    return lambda: f" WITH (connector = 'file', format = 'json', path = '{path()}', " \
        "at_end = 'close')", fill


def csv_rows(path):
    def rows():
        with open(path(), newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            next(reader)
            for row in reader:
                yield [None if cell == "" else cell for cell in row]
    return rows


def json_rows(path, names):
    def rows():
        with open(path(), encoding="utf-8", newline="\n") as file:
            for line in file:
                row = json.loads(line)
                yield [row.get(name) for name in names]
    return rows


def lines(name):
    """A file of one value a line, each once."""
    def rows():
        with open(harness.dataset(name), encoding="utf-8") as file:
            return [[value] for value in dict.fromkeys(line.strip() for line in file) if value]
    return rows


def terms():
    return [[value] for value in dict.fromkeys(row[0].lower() for row in lines("tweets/terms1.txt")())]


def labels(series):
    """The labelled spans of a series."""
    def rows():
        with open(harness.dataset("nab/combined_windows.json"), encoding="utf-8") as file:
            return json.load(file)[series]
    return rows


def lazy(name):
    return lambda: harness.dataset(name)


# -- the sets -------------------------------------------------------------------------------------

WIKIPEDIA = ["time", "channel", "cityName", "comment", "countryIsoCode", "countryName",
             "isAnonymous", "isMinor", "isNew", "isRobot", "isUnpatrolled", "metroCode", "namespace",
             "page", "regionIsoCode", "regionName", "user", "delta", "added", "deleted"]


def wikipedia_type(name):
    if name == "time":
        return "timestamp"
    if name.startswith("is"):
        return "boolean"
    return "bigint" if name in ("metroCode", "delta", "added", "deleted") else "text"


SETS = {
    "wikipedia": Set(
        "edits", "time", [(f'"{name}"', wikipedia_type(name)) for name in WIKIPEDIA], "10 seconds",
        load_http(lazy("wikipedia/edits.jsonl")),
        json_rows(lazy("wikipedia/edits.jsonl"), WIKIPEDIA),
        [Query("w1", "wikipedia/w1_tumble_1h_totals.csv", ("TUMBLE", "1 hour"), """
            SELECT window_start, window_end, count(*) AS edits, sum(added) AS added,
                   sum(deleted) AS deleted, sum(delta) AS delta, count(DISTINCT "user") AS users,
                   count(*) FILTER (WHERE "isRobot") AS robot_edits
            FROM {source} GROUP BY window_start, window_end""", (0, 1)),
         Query("w3", "wikipedia/w3_hop_1h_15m_robots.csv", ("HOP", "15 minutes", "1 hour"), """
            SELECT window_start, window_end, "isRobot", count(*) AS edits, sum(added) AS added,
                   max(deleted) AS max_deleted
            FROM {source} GROUP BY window_start, window_end, "isRobot" """, (0, 1, 2)),
         Query("w6", "wikipedia/w6_tumble_10m_anonymous_by_country.csv",
               ("TUMBLE", "10 minutes"), """
            SELECT window_start, "countryIsoCode", count(*) AS edits, avg(delta) AS avg_delta,
                   min(delta) AS min_delta, max(delta) AS max_delta
            FROM {source} WHERE "isAnonymous" AND "countryIsoCode" IS NOT NULL
            GROUP BY window_start, "countryIsoCode" HAVING count(*) >= 5""", (0, 1)),
         Query("w2", "wikipedia/w2_tumble_1h_top5_channels.csv", ("TUMBLE", "1 hour"), """
            SELECT window_start, window_end, rank, channel, edits, delta FROM (
                SELECT *, row_number() OVER (PARTITION BY window_start, window_end
                                             ORDER BY edits DESC, channel COLLATE "C") AS rank
                FROM (SELECT window_start, window_end, channel, count(*) AS edits,
                             sum(delta) AS delta
                      FROM {source} GROUP BY window_start, window_end, channel) c) r
            WHERE rank <= 5""", (0, 2)),
         Query("w5", "wikipedia/w5_tumble_6h_top3_pages_by_users.csv", ("TUMBLE", "6 hours"), """
            SELECT window_start, window_end, rank, page, users, edits FROM (
                SELECT *, row_number() OVER (PARTITION BY window_start, window_end
                                             ORDER BY users DESC, edits DESC, page COLLATE "C") AS rank
                FROM (SELECT window_start, window_end, page, count(DISTINCT "user") AS users,
                             count(*) AS edits
                      FROM {source} GROUP BY window_start, window_end, page
                      HAVING count(DISTINCT "user") >= 2) c) r
            WHERE rank <= 3""", (0, 2)),
         Sessions("w4", "wikipedia/w4_session_30m_users.csv", "30 minutes", '"user"', """
            SELECT "user", window_start AS session_start, window_end AS session_end,
                   count(*) AS edits, count(DISTINCT page) AS pages, sum(delta) AS delta
            FROM {source} GROUP BY "user", window_start, window_end
            HAVING count(*) >= 20""", (0, 1))]),
    "weblog": Set(
        "requests", "ts",
        [("ts", "timestamp"), ("ip", "text"), ("method", "text"), ("url", "text"),
         ("protocol", "text"), ("status", "integer"), ("bytes", "bigint"), ("referrer", "text"),
         ("agent", "text")], "1 minute",
        load_psql(lazy("weblog/requests.csv")), csv_rows(lazy("weblog/requests.csv")),
        [Query("l1", "weblog/l1_tumble_1h_status.csv", ("TUMBLE", "1 hour"), """
            SELECT window_start, status, count(*) AS requests, sum(bytes) AS bytes,
                   count(bytes) AS with_bytes
            FROM {source} GROUP BY window_start, status""", (0, 1)),
         Query("l4", "weblog/l4_hop_1h_20m_errors.csv", ("HOP", "20 minutes", "1 hour"), """
            SELECT window_start, window_end, count(*) AS requests,
                   count(*) FILTER (WHERE status >= 400) AS errors,
                   100.0 * count(*) FILTER (WHERE status >= 400) / count(*) AS pct
            FROM {source} GROUP BY window_start, window_end
            HAVING 100.0 * count(*) FILTER (WHERE status >= 400) / count(*) > 4""", (0, 1)),
         Query("l5", "weblog/l5_tumble_6h_distinct.csv", ("TUMBLE", "6 hours"), """
            SELECT window_start, count(*) AS requests, count(DISTINCT ip) AS visitors,
                   count(DISTINCT url) AS urls, count(*) FILTER (WHERE method <> 'GET') AS not_get
            FROM {source} GROUP BY window_start""", (0,)),
         Query("l2", "weblog/l2_tumble_1d_top5_urls.csv", ("TUMBLE", "1 day"), """
            SELECT window_start, rank, url, requests, visitors FROM (
                SELECT *, row_number() OVER (PARTITION BY window_start
                                             ORDER BY requests DESC, url COLLATE "C") AS rank
                FROM (SELECT window_start, url, count(*) AS requests,
                             count(DISTINCT ip) AS visitors
                      FROM {source} GROUP BY window_start, url) c) r
            WHERE rank <= 5""", (0, 1)),
         Sessions("l3", "weblog/l3_session_30m_ip.csv", "30 minutes", "ip", """
            SELECT ip, window_start AS session_start, window_end AS session_end,
                   count(*) AS requests, count(DISTINCT url) AS urls, sum(bytes) AS bytes
            FROM {source} GROUP BY ip, window_start, window_end
            HAVING count(*) >= 15""", (0, 1))]),
    "flights": Set(
        "flights", "ts",
        [("ts", "timestamp"), ("delay", "integer"), ("distance", "integer"), ("origin", "text"),
         ("destination", "text")], "100 days",
        load_file(lazy("flights/flights.jsonl")),
        json_rows(lazy("flights/flights.jsonl"),
                  ["ts", "delay", "distance", "origin", "destination"]),
        [Query("f1", "flights/f1_tumble_1d.csv", ("TUMBLE", "1 day"), """
            SELECT window_start, count(*) AS flights, avg(delay) AS avg_delay,
                   min(delay) AS min_delay, max(delay) AS max_delay,
                   stddev_samp(delay) AS sd_delay, sum(distance) AS miles
            FROM {source} GROUP BY window_start""", (0,)),
         Query("f2", "flights/f2_hop_7d_1d_origin.csv", ("HOP", "1 day", "7 days"), """
            SELECT window_start, window_end, origin, count(*) AS flights, avg(delay) AS avg_delay
            FROM {source} GROUP BY window_start, window_end, origin HAVING count(*) >= 60""",
               (0, 1, 2)),
         Query("f3", "flights/f3_tumble_1d_top3_delay.csv", ("TUMBLE", "1 day"), """
            SELECT window_start, rank, origin, flights,
                   total_delay::double precision / flights AS avg_delay FROM (
                SELECT *, row_number() OVER (PARTITION BY window_start ORDER BY
                       total_delay::double precision / flights DESC, origin) AS rank
                FROM (SELECT window_start, origin, count(*) AS flights, sum(delay) AS total_delay
                      FROM {source} GROUP BY window_start, origin HAVING count(*) >= 5) c) r
            WHERE rank <= 3""", (0, 1))]),
    "taxi_count": Set(
        "passengers", "ts", [("ts", "timestamp"), ("value", "double precision")], "1 hour",
        load_copy(lazy("nab/nyc_taxi.csv")), csv_rows(lazy("nab/nyc_taxi.csv")),
        [Query("n1", "nab/n1_taxi_tumble_1d.csv", ("TUMBLE", "1 day"), """
            SELECT window_start, count(*) AS row_count, min(value) AS min_value,
                   max(value) AS max_value, avg(value) AS avg_value, sum(value) AS total
            FROM {source} GROUP BY window_start""", (0,)),
         Query("n2", "nab/n2_taxi_zscore_alerts.csv", None, """
            SELECT ts, value, m AS mean_48, sd AS sd_48, (value - m) / sd AS z FROM (
                SELECT ts, value, count(*) OVER w AS n, avg(value) OVER w AS m,
                       stddev_samp(value) OVER w AS sd
                FROM {source} WINDOW w AS (ORDER BY ts ROWS BETWEEN 48 PRECEDING AND 1 PRECEDING)) z
            WHERE n = 48 AND abs((value - m) / sd) > 2.4""", (0,)),
         Query("n5", "nab/n5_alerts_in_labelled_windows.csv", None, """
            SELECT l.window_from, l.window_to, count(a.ts) AS alerts, min(a.ts) AS first_alert
            FROM labels l LEFT JOIN (
                SELECT ts FROM (
                    SELECT ts, value, count(*) OVER w AS n, avg(value) OVER w AS m,
                           stddev_samp(value) OVER w AS sd
                    FROM {source} WINDOW w AS (ORDER BY ts ROWS BETWEEN 48 PRECEDING AND 1 PRECEDING)) z
                WHERE n = 48 AND abs((value - m) / sd) > 2.4) a
            ON a.ts BETWEEN l.window_from AND l.window_to
            GROUP BY l.window_from, l.window_to""", (0, 1), ON_UPDATE)],
        [("labels", "window_from timestamp, window_to timestamp",
          labels("realKnownCause/nyc_taxi.csv"))]),
    "latency": Set(
        "latency", "ts", [("ts", "timestamp"), ("value", "double precision")], "1 hour",
        load_copy(lazy("nab/ec2_request_latency_system_failure.csv")),
        csv_rows(lazy("nab/ec2_request_latency_system_failure.csv")),
        [Query("n4", "nab/n4_latency_spikes.csv", None, """
            SELECT ts, value, m AS mean_12, value / m AS ratio FROM (
                SELECT ts, value, count(*) OVER w AS n, avg(value) OVER w AS m FROM {source}
                WINDOW w AS (ORDER BY ts, value ROWS BETWEEN 12 PRECEDING AND 1 PRECEDING)) z
            WHERE n = 12 AND value > 1.2 * m""", (0, 1))]),
    "mentions": Set(
        "mentions", "ts", [("ts", "timestamp"), ("value", "double precision")], "1 hour",
        load_psql(lazy("nab/Twitter_volume_AAPL.csv")), csv_rows(lazy("nab/Twitter_volume_AAPL.csv")),
        [Query("n6", "nab/n6_tweet_volume_jumps.csv", ("TUMBLE", "1 hour"), """
            SELECT window_start, mentions, previous FROM (
                SELECT window_start, mentions, lag(mentions) OVER (ORDER BY window_start) AS previous
                FROM (SELECT window_start, sum(value)::bigint AS mentions FROM {source}
                      GROUP BY window_start) h) p
            WHERE mentions > 4 * previous AND mentions >= 200""", (0,))]),
    "stocks": Set(
        "prices", "ts", [("symbol", "text"), ("ts", "timestamp"), ("price", "double precision")],
        "7400 days", load_copy(lazy("stocks/stocks.csv")), csv_rows(lazy("stocks/stocks.csv")),
        [Query("s1", "stocks/s1_moving_average_3.csv", None, """
            SELECT symbol, ts, price,
                   avg(price) OVER (PARTITION BY symbol ORDER BY ts ROWS 2 PRECEDING) AS avg_3,
                   100 * (price / lag(price) OVER (PARTITION BY symbol ORDER BY ts) - 1)
                       AS change_pct
            FROM {source}""", (0, 1)),
         Query("s4", "stocks/s4_self_join_same_month.csv", None, """
            WITH d AS (SELECT symbol, ts, price,
                              price - lag(price) OVER (PARTITION BY symbol ORDER BY ts) AS change
                       FROM {source})
            SELECT a.ts, a.price AS aapl, a.change AS aapl_change, m.price AS msft,
                   m.change AS msft_change
            FROM d a JOIN d m ON m.ts = a.ts AND m.symbol = 'MSFT'
            WHERE a.symbol = 'AAPL' AND a.change > 0 AND m.change < 0""", (0,), ON_UPDATE)]),
    "sp500": Set(
        "sp500", "ts",
        [("ts", "timestamp"), ("open", "double precision"), ("high", "double precision"),
         ("low", "double precision"), ("close", "double precision"),
         ("adjclose", "double precision"), ("volume", "bigint")], "1 day",
        load_copy(lazy("stocks/sp500-2000.csv")), csv_rows(lazy("stocks/sp500-2000.csv")),
        [Query("s2", "stocks/s2_tumble_30d_ohlc.csv", ("TUMBLE", "30 days"), """
            SELECT window_start, count(*) AS trading_days, first_value(open, ts) AS open,
                   max(high) AS high, min(low) AS low, last_value(close, ts) AS close,
                   sum(volume) AS volume
            FROM {source} GROUP BY window_start""", (0,), oracle="""
            SELECT window_start, count(*) AS trading_days, (array_agg(open ORDER BY ts))[1] AS open,
                   max(high) AS high, min(low) AS low, (array_agg(close ORDER BY ts DESC))[1] AS close,
                   sum(volume) AS volume
            FROM {source} GROUP BY window_start"""),
         Query("s3", "stocks/s3_crossovers_50_200.csv", None, """
            SELECT ts, close, f AS avg_50, s AS avg_200,
                   CASE WHEN f > s THEN 'up' ELSE 'down' END AS direction FROM (
                SELECT *, lag(f) OVER (ORDER BY ts) AS pf, lag(s) OVER (ORDER BY ts) AS ps FROM (
                    SELECT ts, close, count(*) OVER (ORDER BY ts) AS n,
                           avg(close) OVER (ORDER BY ts ROWS 49 PRECEDING) AS f,
                           avg(close) OVER (ORDER BY ts ROWS 199 PRECEDING) AS s
                    FROM {source}) a WHERE n >= 200) c
            WHERE (pf <= ps AND f > s) OR (pf >= ps AND f < s)""", (0,))]),
    "temperature": Set(
        "temperature", "ts", [("ts", "timestamp"), ("value", "double precision")], "2 hours",
        load_psql(lazy("nab/machine_temperature_system_failure.csv")),
        csv_rows(lazy("nab/machine_temperature_system_failure.csv")),
        [Query("n3", "nab/n3_machine_temperature_hop.csv", ("HOP", "15 minutes", "1 hour"), """
            SELECT window_start, window_end, count(*) AS row_count, avg(value) AS avg_value,
                   min(value) AS min_value
            FROM {source} GROUP BY window_start, window_end HAVING avg(value) < 50""", (0, 1))]),
    "requests_of_a_balancer": Set(
        "balancer", "ts", [("ts", "timestamp"), ("value", "double precision")], "10 minutes",
        load_copy(lazy("nab/elb_request_count_8c0756.csv")),
        csv_rows(lazy("nab/elb_request_count_8c0756.csv")),
        [Sessions("n7", "nab/n7_elb_sessions.csv", "10 minutes", "", """
            SELECT window_start AS session_start, window_end AS session_end,
                   count(*) AS row_count, sum(value) AS requests
            FROM {source} GROUP BY window_start, window_end""", (0,))]),
    "taxis": Set(
        "trips", "pickup",
        [("pickup", "timestamp"), ("dropoff", "timestamp"), ("passengers", "integer"),
         ("distance", "double precision"), ("fare", "double precision"),
         ("tip", "double precision"), ("tolls", "double precision"),
         ("total", "double precision"), ("color", "text"), ("payment", "text"),
         ("pickup_zone", "text"), ("dropoff_zone", "text"), ("pickup_borough", "text"),
         ("dropoff_borough", "text")], "40 days",
        load_copy(lazy("taxis/taxis.csv")), csv_rows(lazy("taxis/taxis.csv")),
        [Query("x1", "taxis/x1_tumble_6h_color.csv", ("TUMBLE", "6 hours"), """
            SELECT window_start, color, count(*) AS trips, count(payment) AS paid,
                   sum(passengers) AS passengers, sum(fare) AS fare, avg(distance) AS avg_distance
            FROM {source} GROUP BY window_start, color""", (0, 1)),
         Query("x3", "taxis/x3_hop_12h_3h_tip_rate.csv", ("HOP", "3 hours", "12 hours"), """
            SELECT window_start, window_end, pickup_borough, count(*) AS trips,
                   sum(tip) / sum(fare) AS tip_rate
            FROM {source} WHERE payment = 'credit card' AND pickup_borough IS NOT NULL
            GROUP BY window_start, window_end, pickup_borough HAVING count(*) >= 10""",
               (0, 1, 2)),
         Query("x2", "taxis/x2_tumble_1d_top3_zones.csv", ("TUMBLE", "1 day"), """
            SELECT window_start, rank, pickup_zone, trips FROM (
                SELECT *, row_number() OVER (PARTITION BY window_start
                                             ORDER BY trips DESC, pickup_zone COLLATE "C") AS rank
                FROM (SELECT window_start, pickup_zone, count(*) AS trips FROM {source}
                      WHERE pickup_zone IS NOT NULL GROUP BY window_start, pickup_zone) c) r
            WHERE rank <= 3""", (0, 1))]),
    "tweets": Set(
        "tweets", "ts",
        [("ts", "timestamp"), ("node_id", "bigint"), ("message_id", "bigint"), ("text", "text")],
        "5 minutes",
        load_http(lazy("tweets/tweets.jsonl")),
        json_rows(lazy("tweets/tweets.jsonl"), ["ts", "node_id", "message_id", "text"]),
        [Query("t2", "tweets/t2_hop_10m_2m_volume.csv", ("HOP", "2 minutes", "10 minutes"), """
            SELECT window_start, window_end, count(*) AS tweets,
                   count(*) FILTER (WHERE text ~ '#[0-9A-Za-z_]') AS with_hashtag,
                   count(DISTINCT node_id) AS authors
            FROM {source} GROUP BY window_start, window_end""", (0, 1)),
         Query("t1", "tweets/t1_tumble_15m_top10_hashtags.csv", ("TUMBLE", "15 minutes"), """
            SELECT window_start, window_end, rank, hashtag, uses FROM (
                SELECT *, row_number() OVER (PARTITION BY window_start
                                             ORDER BY uses DESC, hashtag COLLATE "C") AS rank
                FROM (SELECT window_start, window_end, lower(m[1]) AS hashtag, count(*) AS uses
                      FROM {source}, regexp_matches(text, '#([0-9A-Za-z_]+)', 'g') AS m
                      GROUP BY window_start, window_end, lower(m[1])) c) r
            WHERE rank <= 10""", (0, 2)),
         Sessions("t3", "tweets/t3_session_5m_authors.csv", "5 minutes", "node_id", """
            SELECT node_id, window_start AS session_start, window_end AS session_end,
                   count(*) AS tweets
            FROM {source} GROUP BY node_id, window_start, window_end
            HAVING count(*) >= 3""", (0, 1)),
         Query("t4", "tweets/t4_tumble_30m_join_group.csv", ("TUMBLE", "30 minutes"), """
            SELECT window_start, g.node_id IS NOT NULL AS member, count(*) AS tweets,
                   count(DISTINCT t.node_id) AS authors
            FROM (SELECT * FROM {source}) t LEFT JOIN members g ON g.node_id = t.node_id
            GROUP BY window_start, g.node_id IS NOT NULL""", (0, 1), ON_UPDATE),
         Query("t5", "tweets/t5_tumble_1h_terms.csv", ("TUMBLE", "1 hour"), """
            SELECT window_start, term, count(*) AS tweets
            FROM (SELECT * FROM {source}) t JOIN terms ON position(term IN lower(t.text)) > 0
            GROUP BY window_start, term""", (0, 1), ON_UPDATE),
         Query("t6", "tweets/t6_lateness_by_row.csv", None, """
            SELECT (floor(extract(epoch FROM late) / 10) * 10)::bigint AS late_from_s,
                   count(*) AS row_count, max(extract(epoch FROM late)::bigint) AS max_late_s
            FROM (SELECT max(ts) OVER (ORDER BY _seq ROWS UNBOUNDED PRECEDING) - ts AS late
                  FROM {source}) l
            GROUP BY 1""", (0,), ON_UPDATE)],
        [("members", "node_id bigint PRIMARY KEY", lines("tweets/nodes1.txt")),
         ("terms", "term text PRIMARY KEY", terms)]),
    "iris": Set(
        "iris", None,
        [("sepal_length", "double precision"), ("sepal_width", "double precision"),
         ("petal_length", "double precision"), ("petal_width", "double precision"),
         ("species", "text")], None,
        load_psql(lazy("iris/iris.csv")), csv_rows(lazy("iris/iris.csv")),
        [Query("i4", "iris/i4_group_statistics.csv", None, """
            SELECT species, count(*) AS points, avg(sepal_length) AS avg_sepal_length,
                   stddev_samp(sepal_length) AS sd_sepal_length,
                   stddev_pop(petal_length) AS sdp_petal_length,
                   var_samp(petal_width) AS var_petal_width,
                   percentile_cont(0.5) WITHIN GROUP (ORDER BY petal_length) AS median_petal_length,
                   corr(sepal_length, petal_length) AS corr_sepal_petal
            FROM {source} GROUP BY species""", (0,), ON_UPDATE)]),
    "neuro": Set(
        "voxels", "ts",
        [("ts", "timestamp"), ("x", "integer"), ("y", "integer"), ("z", "integer"),
         ("value", "integer")], "10 minutes",
        load_psql(lazy("neuro/voxels.csv")), csv_rows(lazy("neuro/voxels.csv")),
        [Query("b1", "neuro/b1_mean_per_frame.csv", ("TUMBLE", "1 second"), """
            SELECT extract(epoch FROM window_start)::bigint AS t, count(*) AS voxels,
                   avg(value) AS mean, min(value) AS least, max(value) AS greatest
            FROM {source} GROUP BY window_start""", (0,)),
         Query("b2", "neuro/b2_top20_voxels_by_sd.csv", None, """
            SELECT x, y, z, avg(value) AS mean, stddev_pop(value) AS sd FROM {source}
            GROUP BY x, y, z ORDER BY stddev_pop(value) DESC, x, y, z LIMIT 20""", (0, 1, 2),
               ON_UPDATE),
         Query("b3", "neuro/b3_window_20_frames_plane.csv", ("TUMBLE", "20 seconds"), """
            SELECT extract(epoch FROM window_start)::bigint AS window_start, z,
                   count(*) AS row_count, avg(value) AS mean, stddev_pop(value) AS sd
            FROM {source} GROUP BY window_start, z""", (0, 1))],
        places=(PLACES[0], PLACES[1])),
}


def fill_postgres(pg, inputs):
    """The same rows in a PostgreSQL table, for the answers it computes itself."""
    columns = ", ".join(f"{name} {kind}" for name, kind in inputs.columns)
    count = 0
    with pg.connect() as connection:
        connection.execute("CREATE SCHEMA IF NOT EXISTS oracle")
        for name, kinds, rows in inputs.tables:
            connection.execute(f"CREATE TABLE {name} ({kinds})")
            with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                for row in rows():
                    copy.write_row(row)
        connection.execute(f"CREATE TABLE oracle.{inputs.stream} ({columns}, _seq bigserial)")
        names = ", ".join(name for name, _ in inputs.columns)
        with connection.cursor().copy(f"COPY oracle.{inputs.stream} ({names}) FROM STDIN") as copy:
            for row in inputs.rows():
                copy.write_row(row)
                count += 1
    return count


def view_sql(inputs, query, connection, emit):
    place = "" if connection == "main" else connection + "."
    name = f"{query.name}_{connection}_{'update' if emit == 'ON UPDATE' else 'close'}"
    return name, (f"CREATE MATERIALIZED VIEW {place}{name} AS "
                  f"{query.millrace(inputs.stream, inputs.time)} EMIT {emit}")


def fill_tables(server, inputs):
    for name, kinds, rows in inputs.tables:
        server.execute(f"CREATE TABLE {name} ({kinds})")
        text = "".join("\t".join(row) + "\n" for row in rows())
        server.copy(f"COPY {name} FROM STDIN", text.encode())


def check_set(inputs, server, pg):
    """Loads one set and yields the checks of its answers."""
    answers = {query.name: harness.read_csv(harness.expected_path(query.answer))
               for query in inputs.queries}
    views = {}

    def create(is_before):
        for connection, emit, before in inputs.places:
            for query in inputs.queries:
                if before == is_before and emit in query.emits:
                    name, sql = view_sql(inputs, query, connection, emit)
                    server.execute(sql)
                    views[query.name, connection, emit] = name

    sent = fill_postgres(pg, inputs)
    fill_tables(server, inputs)
    server.execute(inputs.ddl())
    create(True)
    acknowledged = inputs.fill(server, inputs)
    assert acknowledged == sent, f"{acknowledged} rows were acknowledged, {sent} sent"
    create(False)       # these start from history
    server.execute("FLUSH")
    if inputs.time is not None and "at_end" not in inputs.options():
        server.execute(f"ADVANCE WATERMARK OF {inputs.stream} TO 'infinity'")
    server.execute("FLUSH")

    def check(query, connection, emit):
        name = views[query.name, connection, emit]
        names, expected = answers[query.name]
        columns = ", ".join(f'"{column}"' for column in names)
        if connection == "main":
            rows = harness.sqlite_table(server.main_db(), f"SELECT {columns} FROM {name}")
        else:
            rows = pg.execute(f"SELECT {columns} FROM {name}")
        harness.compare_tables(rows, expected, query.key, TOLERANCE_FILE, names,
                               f"{name} against {query.answer}")
        oracle = pg.execute(query.postgres("oracle." + inputs.stream, inputs.time))
        harness.compare_tables(rows, oracle, query.key, TOLERANCE_POSTGRES, names,
                               f"{name} against PostgreSQL")

    def check_ad_hoc(query):
        names, expected = answers[query.name]
        rows = server.execute(query.millrace(inputs.stream, inputs.time))
        harness.compare_tables(rows, expected, query.key, TOLERANCE_FILE, names,
                               f"{query.name} ad hoc against {query.answer}")

    for query in inputs.queries:
        for connection, emit, _ in inputs.places:
            if emit in query.emits:
                yield (f"{query.name} into {connection}, EMIT {emit}",
                       lambda q=query, c=connection, e=emit: check(q, c, e))
        yield f"{query.name} ad hoc", lambda q=query: check_ad_hoc(q)


def set_test(inputs):
    def cases():
        for query in inputs.queries:
            harness.expected_path(query.answer)     # a set that is not here is skipped at once
        with harness.Postgres() as pg, harness.Server(http=True) as server:
            for statement in pg.connection_sql():
                server.execute(statement)
            yield from check_set(inputs, server, pg)
    return cases


for _name, _inputs in SETS.items():
    globals()["test_" + _name] = set_test(_inputs)

# k-means is not among the queries of this version.
NOT_ASKED = {"i1", "i2", "i3"}


def test_every_answer_is_asked():
    """The queries of data/expected that run as standing queries, here or in expected_join_test.py."""
    asked = {query.answer for inputs in SETS.values() for query in inputs.queries}
    joins = Path(__file__).with_name("expected_join_test.py").read_text(encoding="utf-8")
    asked |= set(re.findall(r'"([a-z]+/[a-z][0-9]_[a-z0-9_]+\.csv)"', joins))
    folder = harness.shared_path("expected")
    answers = {str(path.relative_to(folder)) for path in folder.glob("*/*.csv")}
    names = sorted(Path(answer).name.split("_")[0] for answer in answers & asked)
    left = {Path(answer).name.split("_")[0] for answer in answers - asked}
    print(f"# {len(names)} of {len(answers)} run: {' '.join(names)}; not: {' '.join(sorted(left))}")
    assert left == NOT_ASKED, f"nobody asks {sorted(left - NOT_ASKED)}"


harness.main(globals())
