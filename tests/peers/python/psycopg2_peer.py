"""psycopg2: the simple protocol only, literals pasted in, text both ways."""
import contextlib
import datetime
import decimal
import io
import select
import uuid

import psycopg2
import psycopg2.errors
import psycopg2.extensions
import psycopg2.extras
from peer import PATIENCE, RIDES, NAME, TARGET, after, equal, fails, run, sqlite_rows

UTC = datetime.timezone.utc
psycopg2.extras.register_uuid()
VALUES = (
    True, -32768, 2147483647, -9223372036854775808, 0.5, -1.5e30, decimal.Decimal("-12345.678"),
    "héllo \\ 'quoted' \t 日本", b"\0\1\xff", datetime.date(2026, 2, 28), datetime.time(23, 59, 59, 999999),
    datetime.datetime(2026, 1, 1, 10, 42, 31, 123456),
    datetime.datetime(2026, 7, 1, 12, 0, tzinfo=UTC), datetime.timedelta(days=1, seconds=7200),
    uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), {"a": [1, 2.5, None]}, [1, 2, None],
    ["a", "b c", 'd"e', None], [True, None], [decimal.Decimal("1.50"), None], [datetime.date(2026, 1, 1)], [uuid.UUID(int=7)],
    [0.5, float("inf")], [datetime.datetime(2026, 7, 1, 12, 0, tzinfo=UTC)], {"b": 1},
    "x y")
COLUMNS = ("a boolean, b smallint, c integer, d bigint, e real, f double precision, g numeric(12,3), h text, "
           "i bytea, j date, k time, l timestamp, m timestamptz, n interval, o uuid, p jsonb, q integer[], "
           "r text[], s boolean[], t numeric(5,2)[], u date[], v uuid[], w double precision[], x timestamptz[], y json, z varchar(9)")


def connect(**more):
    """For `with`: psycopg2's own would begin a transaction and leave the connection open."""
    connection = psycopg2.connect("", **more)
    connection.autocommit = True
    return contextlib.closing(connection)


def ask(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else cursor.rowcount


def check_login():
    with connect() as c:
        assert c.info.ssl_in_use and c.info.used_password and c.server_version >= 150000
        equal(c.encoding, "UTF8")
    fails(psycopg2.OperationalError, lambda: connect(password="wrong"))


def check_types():
    with connect() as c:
        ask(c, f"CREATE STREAM {NAME}_types ({COLUMNS})")
        sent = [psycopg2.extras.Json(v) if isinstance(v, dict) else v for v in VALUES]
        places = ", ".join(["%s"] * len(sent))
        ask(c, f"INSERT INTO {NAME}_types VALUES ({places})", sent)
        ask(c, f"INSERT INTO {NAME}_types VALUES ({places})", [None] * len(sent))
        rows = ask(c, f"SELECT * FROM {NAME}_types ORDER BY b NULLS LAST")
        got = [bytes(v) if isinstance(v, memoryview) else v for v in rows[0]]
        equal(tuple(got), VALUES)
        equal(rows[1], (None,) * len(sent))


def check_copy():
    with connect() as c, c.cursor() as cursor:
        cursor.execute(f"CREATE STREAM {NAME}_copy (a integer, b text)")
        cursor.copy_from(io.StringIO("1\tx\n2\t\\N\n3\ttab\\t\n"), f"{NAME}_copy", columns=("a", "b"))
        equal(cursor.rowcount, 3)
        cursor.copy_expert(f"COPY {NAME}_copy FROM STDIN (FORMAT csv, HEADER)", io.StringIO("a,b\n4,\"q,\"\n"))
        out = io.StringIO()
        cursor.copy_expert(f"COPY (SELECT a, b FROM {NAME}_copy ORDER BY a) TO STDOUT", out)
        equal(out.getvalue(), "1\tx\n2\t\\N\n3\ttab\\t\n4\tq,\n")
        error = fails(psycopg2.errors.InvalidTextRepresentation,
                      lambda: cursor.copy_from(io.StringIO("x\ty\n"), f"{NAME}_copy"))
        assert "line 1" in error.diag.context


def check_cursor():
    with connect() as c:
        c.autocommit = False
        with c.cursor("named") as cursor:
            cursor.itersize = 3
            cursor.execute("SELECT n FROM generate_series(1, %s) AS n", (10,))
            equal([row[0] for row in cursor], list(range(1, 11)))
        with c.cursor("scrolled", scrollable=True) as cursor:
            cursor.execute("SELECT n FROM generate_series(1, 10) AS n")
            cursor.scroll(5, "absolute")
            equal(cursor.fetchone(), (6,))
            cursor.scroll(-3)
            equal(cursor.fetchmany(2), [(4,), (5,)])
        c.commit()
        with c.cursor("held", withhold=True) as cursor:
            cursor.execute("SELECT n FROM generate_series(1, 3) AS n")
            c.commit()
            equal(cursor.fetchall(), [(1,), (2,), (3,)])


def check_cancel():
    with connect() as c, connect() as other:
        def is_running():
            return ask(other, "SELECT state FROM millrace.sessions WHERE pid = %s",
                       (c.info.backend_pid,)) == [("active",)]
        thread = after(is_running, c.cancel)
        error = fails(psycopg2.errors.QueryCanceled, lambda: ask(c, "SUBSCRIBE TO " + RIDES))
        equal(error.pgcode, "57014")
        thread.join()
        equal(ask(c, "SELECT 1"), [(1,)])


def check_errors():
    with connect() as c:
        error = fails(psycopg2.errors.UndefinedColumn, lambda: ask(c, "SELECT 1,\n nosuch"))
        equal((error.pgcode, error.diag.severity, error.diag.statement_position), ("42703", "ERROR", "12"))
        fails(psycopg2.errors.UndefinedTable, lambda: ask(c, "SELECT * FROM nosuch"))
        assert fails(psycopg2.Error, lambda: ask(c, "UPDATE " + RIDES + " SET km = 1")).diag.message_hint


def check_transactions():
    with connect() as c:
        c.set_session(isolation_level="SERIALIZABLE", readonly=True, autocommit=False)
        fails(psycopg2.errors.ReadOnlySqlTransaction, lambda: ask(c, f"INSERT INTO {RIDES} VALUES ('x', 1)"))
        c.rollback()
        c.set_session(readonly=False)
        ask(c, f"INSERT INTO {RIDES} VALUES ('nowhere', 1)")
        c.rollback()
        equal(ask(c, f"SELECT count(*) FROM {RIDES} WHERE city = 'nowhere'"), [(0,)])
        c.rollback()


def check_notify():
    with connect() as c, connect() as other:
        ask(c, "LISTEN " + NAME)
        ask(other, f"SELECT pg_notify('{NAME}', 'hello')")
        while not c.notifies:
            assert select.select([c], [], [], PATIENCE)[0], "no notification came"
            c.poll()
        note = c.notifies.pop()
        equal((note.channel, note.payload, note.pid), (NAME, "hello", other.info.backend_pid))


def check_subscribe():
    with connect() as c, connect() as writer:
        c.autocommit = False
        ask(c, f"DECLARE changes CURSOR FOR SUBSCRIBE (SELECT km FROM {RIDES} WHERE city = 'Turku')")
        equal(ask(c, "FETCH ALL FROM changes"), [])
        ask(writer, f"INSERT INTO {RIDES} VALUES ('Turku', 7)")
        equal([row[1:] for row in ask(c, "FETCH ALL FROM changes")], [(1, 7)])
        c.rollback()


def check_target():
    with connect() as c:
        ask(c, f"INSERT INTO {RIDES} VALUES ('Oslo', 4), ('Bergen', 9)")
        psycopg2.extras.execute_values(c.cursor(), f"INSERT INTO {RIDES} VALUES %s", [("Oslo", 5), ("Oslo", 1)])
        ask(c, "FLUSH")
    wanted = [("Bergen", 9), ("Oslo", 10)]
    where = "WHERE city IN ('Oslo', 'Bergen') ORDER BY city"
    equal(sqlite_rows(f"SELECT city, km FROM {NAME}_lite {where}"), wanted)
    with contextlib.closing(psycopg2.connect(TARGET)) as target:
        equal(ask(target, f"SELECT city, km FROM {NAME}_pg {where}"), wanted)


run([("login", check_login), ("types", check_types), ("copy", check_copy), ("cursor", check_cursor),
     ("cancel", check_cancel), ("errors", check_errors), ("transactions", check_transactions),
     ("notify", check_notify), ("subscribe", check_subscribe), ("target", check_target)])
