"""What views must show over a prefix of the log: late rows are taken out here by the rule of
docs/sql.md, then SQLite or PostgreSQL computes the batch answer over the rest.

Input rows are (k, v, x, at) with `at` in whole seconds, in the order of the log.
"""
import random
import sqlite3

from .ledger import EPOCH, timestamp

DELAY = 5


class View:
    """One standing query: its SELECT for us, its SELECT for the oracle, and its windows."""

    def __init__(self, name, select, oracle, columns, key, size=None, slide=None, close=False):
        self.name, self.select, self.oracle = name, select, oracle
        self.columns, self.key = columns, key
        self.size, self.slide, self.close = size, slide or size, close

    def create_sql(self, prefix="", suffix=""):
        emit = "ON WINDOW CLOSE" if self.close else "ON UPDATE"
        return (f"CREATE MATERIALIZED VIEW {prefix}{self.name}{suffix} AS {self.select} "
                f"EMIT {emit}")


_MEASURES = "count(*) AS n, sum(v) AS total, min(v) AS low, max(v) AS high, sum(x) AS sx, " \
            "avg(v) AS mean, count(DISTINCT v) AS dv"
_MEASURE_NAMES = "n, total, low, high, sx, mean, dv"
# avg of integers is numeric with us and in PostgreSQL, and a float in SQLite.
_TUMBLE = f"SELECT window_start, k, {_MEASURES} FROM TUMBLE(s, at, INTERVAL '60 seconds') " \
          "GROUP BY window_start, k"
_HOP = f"SELECT window_start, {_MEASURES} FROM HOP(s, at, INTERVAL '20 seconds', " \
       "INTERVAL '60 seconds') GROUP BY window_start"

VIEWS = [
    View("by_key", f"SELECT k, {_MEASURES} FROM s GROUP BY k",
         f"SELECT k, {_MEASURES} FROM s GROUP BY k", f"k, {_MEASURE_NAMES}", (0,)),
    View("tumble", _TUMBLE, f"SELECT ws, k, {_MEASURES} FROM s GROUP BY ws, k",
         f"window_start, k, {_MEASURE_NAMES}", (0, 1), 60),
    View("tumble_close", _TUMBLE, f"SELECT ws, k, {_MEASURES} FROM s GROUP BY ws, k",
         f"window_start, k, {_MEASURE_NAMES}", (0, 1), 60, close=True),
    View("hop", _HOP, f"SELECT ws, {_MEASURES} FROM s GROUP BY ws",
         f"window_start, {_MEASURE_NAMES}", (0,), 60, 20),
    View("hop_close", _HOP, f"SELECT ws, {_MEASURES} FROM s GROUP BY ws",
         f"window_start, {_MEASURE_NAMES}", (0,), 60, 20, close=True),
    View("with_having", "SELECT k, count(*) AS n FROM s GROUP BY k HAVING count(*) % 3 <> 0",
         "SELECT k, count(*) AS n FROM s GROUP BY k HAVING count(*) % 3 <> 0", "k, n", (0,)),
    View("distinct_v", "SELECT DISTINCT k, v % 5 AS r FROM s WHERE v > 0",
         "SELECT DISTINCT k, v % 5 AS r FROM s WHERE v > 0", "k, r", (0, 1)),
    View("sizes", "SELECT n, count(*) AS keys, sum(total) AS total FROM "
         "(SELECT k, count(*) AS n, sum(v) AS total FROM s GROUP BY k) per_key GROUP BY n",
         "SELECT n, count(*) AS keys, sum(total) AS total FROM "
         "(SELECT k, count(*) AS n, sum(v) AS total FROM s GROUP BY k) per_key GROUP BY n",
         "n, keys, total", (0,)),
    View("filtered", "SELECT id, v * 2 AS v2, upper('k' || k) AS name FROM s WHERE v % 2 = 0",
         "SELECT id, v * 2 AS v2, upper('k' || k) AS name FROM s WHERE v % 2 = 0",
         "id, v2, name", (0,)),
]


def stream_sql():
    return ("CREATE STREAM s (id bigint, k integer, v integer, x double precision, at timestamp, "
            f"WATERMARK FOR at AS at - INTERVAL '{DELAY} seconds')")


def make_rows(count, seed, keys=7):
    """Rows out of order by up to 20 s, now and then a stray from far back, NULLs among them."""
    rng = random.Random(seed)
    rows, now = [], EPOCH
    for i in range(1, count + 1):
        now += rng.choice((0, 0, 0, 1, 1, 2))
        at = now - (rng.randint(0, 20) if rng.random() < 0.3 else 0)
        if rng.random() < 0.02:
            at -= rng.randint(60, 600)
        rows.append((i, None if rng.random() < 0.05 else rng.randrange(keys),
                     None if rng.random() < 0.05 else rng.randint(-1000, 1000),
                     None if rng.random() < 0.05 else rng.uniform(-1, 1) * 10 ** rng.randint(-3, 9),
                     at))
    return rows


def copy_text(rows):
    """The rows in COPY's text format."""
    return "".join("\t".join("\\N" if cell is None else cell if isinstance(cell, str)
                             else repr(cell) for cell in (*row[:4], timestamp(row[4]))) + "\n"
                   for row in rows).encode()


def windows_of(view, row, watermark):
    """Starts of the windows in which a row counts, given W before it."""
    at = row[4]
    start = at // view.slide * view.slide
    starts = range(start - view.size + view.slide, start + 1, view.slide)
    return [ws for ws in starts if watermark is None or ws + view.size > watermark]


def batch_input(view, rows):
    """(rows with their windows, late rows) of a view over a prefix of the log."""
    counted, late, watermark = [], 0, None
    for row in rows:
        if view.size is None:
            counted.append((*row[:4], timestamp(row[4]), None, None))
        else:
            starts = windows_of(view, row, watermark)
            late += not starts
            for ws in starts:
                counted.append((*row[:4], timestamp(row[4]), timestamp(ws), ws + view.size))
        watermark = row[4] - DELAY if watermark is None else max(watermark, row[4] - DELAY)
    if view.close:
        counted = [row for row in counted if row[6] <= watermark]
    return [row[:6] for row in counted], late


def sqlite_answer(view, rows):
    """The batch answer by SQLite; floats are summed in the order of the log there as well."""
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE s (id INTEGER, k INTEGER, v INTEGER, x REAL, at TEXT, ws TEXT)")
    connection.executemany("INSERT INTO s VALUES (?, ?, ?, ?, ?, ?)", batch_input(view, rows)[0])
    answer = connection.execute(view.oracle).fetchall()
    connection.close()
    return answer


def postgres_answer(view, rows, pg):
    """The batch answer by PostgreSQL."""
    with pg.connect() as connection:
        connection.execute("CREATE TEMP TABLE s (id bigint, k integer, v integer, "
                           "x double precision, at timestamp, ws timestamp)")
        with connection.cursor().copy("COPY pg_temp.s FROM STDIN") as copy:
            for row in batch_input(view, rows)[0]:
                copy.write_row(row)
        return connection.execute(view.oracle).fetchall()
