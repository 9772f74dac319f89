"""psycopg 3: the extended protocol, binary where it is asked for, pipelines, named statements after the 5th
use.  tests/psycopg_test.py has more of it; here are TLS, the password and what other clients are asked, too."""
import datetime
import decimal
import uuid

import psycopg
from peer import PATIENCE, RIDES, NAME, TARGET, after, equal, fails, run, sqlite_rows, until
from psycopg.types.json import Jsonb

UTC = datetime.timezone.utc
VALUES = (
    True, -32768, 2147483647, -9223372036854775808, 0.5, -1e300, decimal.Decimal("-12345.678"),
    "héllo \\ 'quoted' \t 日本", b"\0\1\xff", datetime.date(2026, 2, 28), datetime.time(23, 59, 59, 999999),
    datetime.datetime(2026, 1, 1, 10, 42, 31, 123456),
    datetime.datetime(2026, 7, 1, 12, 0, tzinfo=UTC), datetime.timedelta(days=1, seconds=7200),
    uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), {"a": [1, 2.5, None]}, [1, 2, None],
    ["a", "b c", 'd"e', None], [decimal.Decimal("1.50"), None], [datetime.date(2026, 1, 1)],
    [uuid.UUID(int=7)], [True, False], [b"\0x"], [1.5, float("inf")])
COLUMNS = ("a boolean, b smallint, c integer, d bigint, e real, f double precision, g numeric(12,3), h text, "
           "i bytea, j date, k time, l timestamp, m timestamptz, n interval, o uuid, p jsonb, q integer[], "
           "r text[], s numeric(5,2)[], t date[], u uuid[], v boolean[], w bytea[], x double precision[]")


def connect(**more):
    more.setdefault("autocommit", True)
    return psycopg.connect("", **more)


def check_login():
    with connect() as c:
        assert c.pgconn.ssl_in_use and c.pgconn.used_password and c.info.server_version >= 150000
    fails(psycopg.OperationalError, lambda: connect(password="wrong"))


def check_types():
    with connect() as c:
        for binary in (False, True):
            stream = f"{NAME}_types_{'b' if binary else 't'}"
            c.execute(f"CREATE STREAM {stream} ({COLUMNS})")
            sent = [Jsonb(v) if isinstance(v, dict) else v for v in VALUES]
            place = "%b" if binary else "%t"
            for row in (sent, [None] * len(sent)):
                c.cursor().execute(f"INSERT INTO {stream} VALUES ({', '.join([place] * len(sent))})", row)
            rows = c.cursor(binary=binary).execute(f"SELECT * FROM {stream} ORDER BY b NULLS LAST").fetchall()
            equal(rows, [VALUES, (None,) * len(VALUES)])


def check_prepared():
    with connect() as c:
        for number in range(12):        # a named statement from the 6th on
            equal(c.execute("SELECT %s::int + 1", (number,)).fetchone(), (number + 1,))
        with c.pipeline():
            cursors = [c.execute("SELECT %s::text", (str(n),)) for n in range(20)]
        equal([cursor.fetchone()[0] for cursor in cursors], [str(n) for n in range(20)])


def check_copy():
    rows = [(n, None if n % 3 == 0 else f"row\t{n}") for n in range(100)]
    with connect() as c:
        c.execute(f"CREATE STREAM {NAME}_copy (a integer, b text)")
        for way in ("", "(FORMAT binary)"):
            with c.cursor().copy(f"COPY {NAME}_copy FROM STDIN {way}") as copy:
                copy.set_types(["int4", "text"])
                for row in rows:
                    copy.write_row(row)
            with c.cursor().copy(f"COPY (SELECT DISTINCT a, b FROM {NAME}_copy ORDER BY a) TO STDOUT {way}") as copy:
                copy.set_types(["int4", "text"])
                equal(list(copy.rows()), rows)


def check_cursor():
    with connect(autocommit=False) as c:
        with c.cursor("named") as cursor:
            cursor.execute("SELECT n FROM generate_series(%s::int, 10) AS n", (1,))
            equal(cursor.fetchmany(3), [(1,), (2,), (3,)])
            equal(len(cursor.fetchall()), 7)
        with c.cursor("scrolled", scrollable=True) as cursor:
            cursor.execute("SELECT n FROM generate_series(1, 10) AS n")
            cursor.scroll(5, "absolute")
            equal(cursor.fetchone(), (6,))
            cursor.scroll(-3)
            equal(cursor.fetchone(), (4,))
        with c.cursor("held", withhold=True) as cursor:
            cursor.execute("SELECT 1")
            c.commit()
            equal(cursor.fetchone(), (1,))


def check_cancel():
    with connect() as c:
        seen = []

        def read():
            for row in c.cursor().stream(f"SUBSCRIBE TO {RIDES} WITH (progress = true)"):
                seen.append(row)
        thread = after(lambda: seen, c.cancel)
        equal(fails(psycopg.errors.QueryCanceled, read).sqlstate, "57014")
        thread.join()
        equal(c.execute("SELECT 1").fetchone(), (1,))


def check_errors():
    with connect() as c:
        error = fails(psycopg.errors.UndefinedColumn, lambda: c.execute("SELECT %s::int,\n nosuch", (1,)))
        equal((error.sqlstate, error.diag.severity, error.diag.statement_position), ("42703", "ERROR", "18"))
        assert fails(psycopg.Error, lambda: c.execute(f"UPDATE {RIDES} SET km = 1")).diag.message_hint


def check_notify():
    with connect() as c, connect() as other:
        c.execute("LISTEN " + NAME)
        other.execute("SELECT pg_notify(%s, %s)", (NAME, "hello"))
        note = next(c.notifies(timeout=PATIENCE))
        equal((note.channel, note.payload, note.pid), (NAME, "hello", other.info.backend_pid))


def check_subscribe():
    with connect() as c, connect() as writer:
        seen = []
        writer.execute(f"INSERT INTO {RIDES} VALUES ('Turku', 7)")

        def write():
            writer.execute(f"INSERT INTO {RIDES} VALUES ('Turku', 8)")
            until(lambda: len(seen) == 2, "the second row")
            c.cancel()
        thread = after(lambda: seen, write)

        def read():
            for row in c.cursor().stream(f"SUBSCRIBE (SELECT km FROM {RIDES} WHERE city = 'Turku')"):
                seen.append(row[1:])
        fails(psycopg.errors.QueryCanceled, read)
        thread.join()
        equal(seen, [(1, 7), (1, 8)])


def check_target():
    with connect() as c:
        c.cursor().executemany(f"INSERT INTO {RIDES} VALUES (%s, %s)",
                               [("Oslo", 4), ("Bergen", 9), ("Oslo", 5), ("Oslo", 1)])
        c.execute("FLUSH")
    wanted = [("Bergen", 9), ("Oslo", 10)]
    where = "WHERE city IN ('Oslo', 'Bergen') ORDER BY city"
    equal(sqlite_rows(f"SELECT city, km FROM {NAME}_lite {where}"), wanted)
    with psycopg.connect(TARGET) as target:
        equal(target.execute(f"SELECT city, km FROM {NAME}_pg {where}").fetchall(), wanted)


run([("login", check_login), ("types", check_types), ("prepared", check_prepared), ("copy", check_copy),
     ("cursor", check_cursor), ("cancel", check_cancel), ("errors", check_errors), ("notify", check_notify),
     ("subscribe", check_subscribe), ("target", check_target)])
