"""A client that keeps a list of what was acknowledged to it: the oracle of every crash test.

One writer, so that rows stand in the log in the order of their ids.  Everything about a row follows
from its id; what the views must show follows from the rows that are there.
"""
import json
import random
import threading
import time

import psycopg

from .paths import patience
from .tables import compare_tables, sqlite_execute, sqlite_table

EPOCH = 1767225600          # 2026-01-01 00:00:00 UTC, in seconds
DELAY = 2                   # seconds of the watermark's delay
WINDOW = 10                 # seconds
ALIKE = (1, 2, 3, 5, 16)     # keys of views that differ in nothing else: their rows are looked up together


def key(i):
    return None if i % 23 == 0 else i % 17


def value(i):
    return i * 7919 % 1000 - 500


def seconds(i):
    """Event time: ten rows a second, every seventh up to 5 s out of order: some are late."""
    return EPOCH + i // 10 - (i * 31 % 6 if i % 7 == 0 else 0)


def timestamp(at):
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))


class Batch:
    """Rows that were sent as one atomic unit: acknowledged, refused, or in doubt."""

    def __init__(self, ids):
        self.ids, self.state = ids, "sent"


class Ledger:
    def __init__(self, server, pg=None, seed=1, rows_max=800):
        self.server, self.pg, self.rng = server, pg, random.Random(seed)
        self.prefix = "pg." if pg else ""
        self.rows_max = rows_max
        self.batches, self.next_id = [], 1
        self._stop = threading.Event()
        self._thread = None
        self.fault = None

    # -- set-up -----------------------------------------------------------------------------

    def create(self):
        with self.server.connect() as connection:
            if self.pg:
                for sql in self.pg.connection_sql():
                    connection.execute(sql)
            connection.execute(
                "CREATE STREAM IF NOT EXISTS s (id bigint, k integer, v bigint, ts timestamp, "
                f"WATERMARK FOR ts AS ts - INTERVAL '{DELAY} seconds')")
            connection.execute(f"CREATE MATERIALIZED VIEW IF NOT EXISTS {self.prefix}appended AS "
                               "SELECT id, v FROM s")
            connection.execute(f"CREATE MATERIALIZED VIEW IF NOT EXISTS {self.prefix}counts AS "
                               "SELECT k, count(*) AS n, sum(v) AS total, min(v) AS low, max(v) AS high "
                               "FROM s GROUP BY k")
            connection.execute(f"CREATE MATERIALIZED VIEW IF NOT EXISTS {self.prefix}closed "
                               "WITH (late_rows = 'table') AS "
                               "SELECT window_start, count(*) AS n, sum(v) AS total FROM "
                               f"TUMBLE(s, ts, INTERVAL '{WINDOW} seconds') GROUP BY window_start "
                               "EMIT ON WINDOW CLOSE")
            for k in ALIKE:
                connection.execute(f"CREATE MATERIALIZED VIEW IF NOT EXISTS {self.prefix}alike_{k} AS "
                                   "SELECT window_start, count(*) AS n, sum(v) AS total FROM "
                                   f"TUMBLE(s, ts, INTERVAL '{WINDOW} seconds') WHERE k = {k} "
                                   "GROUP BY window_start EMIT ON WINDOW CLOSE")
            # Views on these, in another target where there is one: what is read commits first or last.
            connection.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS of_counts AS SELECT count(*) AS keys, "
                               "sum(n)::bigint AS n, max(total) AS most FROM counts")
            connection.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS of_closed AS SELECT window_start, "
                               "n FROM closed WHERE n > 0")
            # A table that is there already, and a target that only counts.
            sunk = "sunk (k integer NOT NULL PRIMARY KEY, n bigint)"
            if self.pg:
                self.pg.execute(f"CREATE TABLE IF NOT EXISTS public.{sunk}")
            else:
                sqlite_execute(self.server.main_db(), f"CREATE TABLE IF NOT EXISTS {sunk}")
            connection.execute(f"CREATE SINK IF NOT EXISTS to_sunk INTO {self.prefix}sunk AS "
                               "SELECT k, n FROM counts WHERE k IS NOT NULL")
            # Files, one of rows as they come and one of closed windows.
            connection.execute("CREATE SINK IF NOT EXISTS to_file WITH (connector = 'file', "
                               f"path = '{self.output('csv')}') AS SELECT id, v FROM s")
            connection.execute("CREATE SINK IF NOT EXISTS closed_to_file WITH (connector = 'file', "
                               f"path = '{self.output('json')}') FROM closed")
            connection.execute("CREATE ALERT IF NOT EXISTS told NOTIFY told AS SELECT id FROM s")
            connection.execute("CREATE CONNECTION IF NOT EXISTS void WITH (type = 'discard')")
            connection.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS void.gone AS SELECT id FROM s")

    def output(self, form):
        return self.server.data.parent / f"output.{form}"

    # -- writing ----------------------------------------------------------------------------

    def new_batch(self, count):
        batch = Batch(range(self.next_id, self.next_id + count))
        self.next_id += count
        self.batches.append(batch)
        return batch

    @staticmethod
    def row(i):
        return (i, key(i), value(i), timestamp(seconds(i)))

    def copy(self, connection, ids):
        with connection.cursor().copy("COPY s FROM STDIN") as copy:
            copy.write("".join(
                "\t".join("\\N" if cell is None else str(cell) for cell in self.row(i)) + "\n"
                for i in ids).encode())

    def insert(self, connection, ids):
        rows = ", ".join("({}, {}, {}, '{}')".format(
            i, "NULL" if key(i) is None else key(i), value(i), timestamp(seconds(i)))
            for i in ids)
        connection.execute(f"INSERT INTO s VALUES {rows}")

    def transaction(self, connection, ids):
        middle = len(ids) // 2
        connection.execute("BEGIN")
        self.insert(connection, ids[:middle] or ids)
        if middle:
            self.copy(connection, ids[middle:])
        connection.execute("COMMIT")

    def write_one(self, connection):
        """Sends one batch and notes what became of it."""
        way, most = self.rng.choice([(self.copy, self.rows_max), (self.copy, 50),
                                     (self.insert, 20), (self.insert, 1),
                                     (self.transaction, 40)])
        batch = self.new_batch(self.rng.randint(1, most))
        try:
            way(connection, batch.ids)
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            # Without an answer nobody knows; an answer that says no means no.
            refused = error.sqlstate is not None and not error.sqlstate.startswith(("08", "57P"))
            batch.state = "refused" if refused else "in doubt"
            raise
        except psycopg.Error:
            batch.state = "refused"
            raise
        batch.state = "acknowledged"

    def _write(self):
        connection = None
        try:
            while not self._stop.is_set():
                try:
                    if connection is None or connection.closed:
                        connection = self.server.connect()
                    self.write_one(connection)
                except (psycopg.OperationalError, psycopg.InterfaceError):
                    if connection is not None:
                        connection.close()
                    connection = None
                    self._stop.wait(0.005)      # the server is away; try again soon
        except BaseException as error:  # noqa: B036 - handed to the test's thread
            self.fault = error
        finally:
            if connection is not None:
                connection.close()

    def start_writing(self):
        self._stop.clear()
        self._thread = threading.Thread(target=self._write, daemon=True)
        self._thread.start()

    def stop_writing(self):
        self._stop.set()
        if self._thread is not None:
            self._thread.join(patience(60))
            assert not self._thread.is_alive(), "the writer hangs"
            self._thread = None
        if self.fault is not None:
            raise AssertionError(f"the writer met {self.fault!r}") from self.fault

    # -- checking -----------------------------------------------------------------------------

    def rows(self, sql):
        return self.pg.execute(sql) if self.pg else sqlite_table(self.server.main_db(), sql)

    def flush(self):
        """FLUSH names a target that is out of reach at once; the server itself tries on, and so do we."""
        deadline = time.monotonic() + patience(60)
        while True:
            try:
                self.server.execute("FLUSH")
                return
            except psycopg.errors.ObjectNotInPrerequisiteState as error:
                text = str(error)
                if time.monotonic() > deadline or not any(
                        word in text for word in ("RETRYING", "STALLED", "ATTACHING")):
                    raise
            time.sleep(0.05)

    def check(self, flush=True):
        """Every acknowledged row counts exactly once, every other batch whole or not at all, and
        every view is what these rows give."""
        if flush:
            self.flush()
        present, seen = {}, 0
        for i, v in self.rows("SELECT id, v FROM appended"):
            assert i not in present, f"row {i} is there twice"
            assert v == value(i), f"row {i} holds {v}"
            present[i] = True
            seen += 1
        there = []
        for batch in self.batches:
            found = sum(1 for i in batch.ids if i in present)
            if batch.state == "acknowledged":
                assert found == len(batch.ids), \
                    f"{len(batch.ids) - found} of {len(batch.ids)} acknowledged rows are lost, " \
                    f"from id {batch.ids[0]} on"
            elif batch.state == "refused":
                assert found == 0, f"{found} rows of a refused batch are there ({batch.ids})"
            else:
                assert found in (0, len(batch.ids)), \
                    f"{found} of {len(batch.ids)} rows of a batch are there ({batch.ids})"
                # From now on its fate is known.
                batch.state = "acknowledged" if found else "refused"
            if found:
                there.extend(batch.ids)
        assert seen == len(there), f"{seen} rows, {len(there)} expected"
        streamed, = self.server.execute("SELECT count(*) FROM s")[0]
        assert streamed == seen, f"the stream holds {streamed} rows, the view {seen}"
        counts, closed, late = self.expected(there)
        compare_tables(self.rows("SELECT k, n, total, low, high FROM counts"), counts, (0,),
                       what="counts")
        compare_tables(self.rows("SELECT window_start, n, total FROM closed"), closed, (0,),
                       what="closed")
        self.check_dependents(counts, closed)
        self.check_alike(there)
        compare_tables(self.rows("SELECT k, n FROM sunk"),
                       [row[:2] for row in counts if row[0] is not None], (0,), what="sunk")
        lines = self.output("csv").read_text().splitlines()
        assert sorted(lines) == sorted(f"{i},{value(i)}" for i in there), \
            f"{len(lines)} lines in the file, {len(there)} expected"
        objects = [json.loads(line) for line in self.output("json").read_text().splitlines()]
        compare_tables([[o["window_start"].replace("T", " "), o["n"], o["total"]] for o in objects], closed, (0,),
                       what="closed windows in a file")
        # A CREATE that a fault ended may have left a line behind; nothing was ever counted in it.
        lines = (self.server.data / "void.discard").read_text().splitlines()
        discarded = sum(int(line.split()[5]) for line in lines)
        assert discarded == seen, f"{discarded} rows were discarded, {seen} expected"
        got = self.server.execute(
            "SELECT late_rows FROM millrace.queries WHERE name = 'closed'")[0][0]
        assert got == len(late), f"{got} late rows are counted, {len(late)} expected"
        texts = sorted(int(text[1:text.index(",")]) for text, in self.rows('SELECT "row" FROM closed_late'))
        assert texts == sorted(late), f"{len(texts)} rows in closed_late, {len(late)} expected"
        return seen

    def check_alike(self, there):
        for k in ALIKE:
            _, closed, late = self.expected(there, only=k)
            compare_tables(self.rows(f"SELECT window_start, n, total FROM alike_{k}"), closed, (0,),
                           what=f"alike_{k}")
            got = self.server.execute(
                f"SELECT late_rows, rows_in FROM millrace.queries WHERE name = 'alike_{k}'")[0]
            assert got == (len(late), len(there)), f"alike_{k}: {got} late and all rows, {len(late)} expected"

    def check_dependents(self, counts, closed):
        main = self.server.main_db()
        if counts:
            compare_tables(sqlite_table(main, "SELECT keys, n, most FROM of_counts"),
                           [[len(counts), sum(row[1] for row in counts),
                             max(row[2] for row in counts)]], (0,), what="of_counts")
        compare_tables(sqlite_table(main, "SELECT window_start, n FROM of_closed"),
                       [row[:2] for row in closed], (0,), what="of_closed")

    @staticmethod
    def expected(ids, only=None):
        """`only`: of one key; every row moves the watermark."""
        counts, windows, late, watermark = {}, {}, [], None
        for i in ids:
            n, total, low, high = counts.get(key(i), (0, 0, value(i), value(i)))
            counts[key(i)] = (n + 1, total + value(i), min(low, value(i)), max(high, value(i)))
            at = seconds(i)
            start = at // WINDOW * WINDOW
            if only is not None and key(i) != only:
                pass
            elif watermark is not None and watermark >= start + WINDOW:
                late.append(i)
            else:
                n, total = windows.get(start, (0, 0))
                windows[start] = (n + 1, total + value(i))
            watermark = at - DELAY if watermark is None else max(watermark, at - DELAY)
        closed = [[timestamp(start), n, total] for start, (n, total) in windows.items()
                  if watermark >= start + WINDOW]
        return [[k, *rest] for k, rest in counts.items()], closed, late
