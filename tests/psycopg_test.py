#!/usr/bin/env python3
"""tests/psycopg_test.py - psycopg 3 against the server: every type both ways in text and binary, COPY
in all its forms, parameters, pipelines, transactions, notices and errors."""
import datetime
import decimal
import json
import os
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402
from psycopg.types.json import Jsonb  # noqa: E402

import harness  # noqa: E402

UTC = datetime.timezone.utc
VALUES = {
    "boolean": [True, False],
    "smallint": [-32768, 0, 32767],
    "integer": [-2147483648, 7, 2147483647],
    "bigint": [-9223372036854775808, 9223372036854775807],
    "real": [0.5, -1.5, float("inf")],
    "double precision": [0.1, -1e300, 5e-324, float("-inf")],
    "numeric(12,3)": [decimal.Decimal("123456789.125"), decimal.Decimal("-0.001"),
                      decimal.Decimal("0.000")],
    "numeric": [decimal.Decimal("1.10"), decimal.Decimal("12345678901234567890.12345"),
                decimal.Decimal("1E-10")],
    "text": ["", "plain", "tab\tline\nback\\slash", "héllo 日本 🎉", "'\"$1"],
    "varchar(5)": ["", "abcde"],
    "bytea": [b"", b"\0\1\xff", bytes(range(256))],
    "date": [datetime.date(2026, 2, 28), datetime.date(1, 1, 1), datetime.date(9999, 12, 31)],
    "time": [datetime.time(0, 0), datetime.time(23, 59, 59, 999999)],
    "timestamp": [datetime.datetime(2026, 1, 1, 10, 42, 31, 123456),
                  datetime.datetime(1969, 12, 31, 23, 59, 59, 999999)],
    "timestamptz": [datetime.datetime(2026, 7, 1, 12, 0, tzinfo=UTC)],
    "interval": [datetime.timedelta(days=1, hours=2, microseconds=3),
                 datetime.timedelta(seconds=-90)],
    "uuid": [uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11")],
    "jsonb": [{"a": [1, 2.5, None, True], "b": {"c": "é"}}, [], "x"],
}


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def fails(sqlstate, call):
    try:
        call()
    except psycopg.Error as error:
        equal(error.sqlstate, sqlstate)
        return error
    raise AssertionError(f"no error, expected {sqlstate}")


def make_cases(server):
    def name(kind):
        return "t_" + "".join(c for c in kind if c.isalnum())

    def parameter(kind, value):
        return Jsonb(value) if kind == "jsonb" else value

    def round_trip(kind, binary):
        values = VALUES[kind]
        with server.connect() as c:
            stream = name(kind) + ("_b" if binary else "_t")
            c.execute(f"CREATE STREAM {stream} (n integer, v {kind})")
            for number, value in enumerate(values):
                c.cursor().execute(f"INSERT INTO {stream} VALUES (%b, %b::{kind})"
                                   if binary else
                                   f"INSERT INTO {stream} VALUES (%t, %t::{kind})",
                                   (number, parameter(kind, value)))
            c.execute(f"INSERT INTO {stream} VALUES (%s, %s)", (len(values), None))
            rows = c.cursor(binary=binary).execute(
                f"SELECT v FROM {stream} ORDER BY n").fetchall()
            equal([row[0] for row in rows], values + [None])
            # A cast value needs no stream.
            for value in values:
                equal(c.cursor(binary=binary).execute(
                    f"SELECT %s::{kind}", (parameter(kind, value),)).fetchone()[0], value)

    for kind in VALUES:
        yield f"{kind} as text", lambda k=kind: round_trip(k, False)
        yield f"{kind} as binary", lambda k=kind: round_trip(k, True)

    def nan():
        with server.connect() as c:
            for binary in (False, True):
                row = c.cursor(binary=binary).execute(
                    "SELECT 'NaN'::float8, 'NaN'::real, %s::float8", (float("nan"),)).fetchone()
                assert all(value != value for value in row), row
    yield "NaN", nan

    def copy_setup(c, stream):
        c.execute(f"CREATE STREAM {stream} (a bigint, b text, c double precision, d timestamptz, "
                  "e boolean, f numeric(10,2), g date, h bytea, i uuid)")

    def copy_rows():
        at = datetime.datetime(2026, 1, 1, tzinfo=UTC)
        return [(i, None if i % 5 == 0 else f"row {i}\n\t\\ é,\"'", i / 7,
                 at + datetime.timedelta(seconds=i), i % 2 == 0, decimal.Decimal(i) / 4,
                 at.date(), bytes([i % 256]), uuid.UUID(int=i)) for i in range(1, 300)]

    types = ["int8", "text", "float8", "timestamptz", "bool", "numeric", "date", "bytea", "uuid"]

    def copy_in(options, binary):
        def call():
            with server.connect() as c:
                stream = "copy_" + ("binary" if binary else "text")
                copy_setup(c, stream)
                cursor = c.cursor()
                with cursor.copy(f"COPY {stream} FROM STDIN {options}") as copy:
                    if binary:
                        copy.set_types(types)
                    for row in copy_rows():
                        copy.write_row(row)
                equal(cursor.rowcount, 299)
                equal(cursor.statusmessage, "COPY 299")
                equal(c.execute(f"SELECT * FROM {stream} ORDER BY a").fetchall(), copy_rows())
                # And back again, in both formats.
                for way, back in (("", False), ("(FORMAT binary)", True)):
                    with c.cursor().copy(f"COPY (SELECT * FROM {stream} ORDER BY a) TO STDOUT "
                                         + way) as copy:
                        copy.set_types(types)
                        equal(list(copy.rows()), copy_rows())
        return call
    yield "COPY in and out as text", copy_in("", False)
    yield "COPY in and out as binary", copy_in("(FORMAT binary)", True)

    def copy_csv():
        with server.connect() as c:
            c.execute("CREATE STREAM csv (a integer, b text, c text)")
            data = b'c;a;b\n"x;""y""";1;\n\'\';2;"line\nfeed"\n;3;NIL\n'
            with c.cursor().copy("COPY csv (c, a, b) FROM STDIN (FORMAT csv, HEADER, "
                                 "DELIMITER ';', NULL 'NIL')") as copy:
                copy.write(data)
            equal(c.execute("SELECT a, b, c FROM csv ORDER BY a").fetchall(),
                  [(1, "", 'x;"y"'), (2, "line\nfeed", "''"), (3, None, "")])
            with c.cursor().copy("COPY (SELECT a, b, c FROM csv ORDER BY a) TO STDOUT "
                                 "(FORMAT csv, HEADER, FORCE_QUOTE (c))") as copy:
                equal(b"".join(copy), b'a,b,c\n1,"","x;""y"""\n2,"line\nfeed","\'\'"\n3,,""\n')
    yield "COPY csv with options", copy_csv

    def copy_fails():
        with server.connect() as c:
            c.execute("CREATE STREAM strict (a integer NOT NULL, b text)")

            def send(data, options=""):
                with c.cursor().copy(f"COPY strict FROM STDIN {options}") as copy:
                    copy.write(data)
            error = fails("22P02", lambda: send(b"1\tx\n2\ty\nthree\tz\n"))
            assert "line 3" in (error.diag.context or ""), error.diag.context
            fails("23502", lambda: send(b"\\N\tx\n"))
            fails("22P04", lambda: send(b"1\n"))
            fails("22021", lambda: send(b"1\t\xff\n"))
            equal(c.execute("SELECT count(*) FROM strict").fetchone(), (0,))
            # A client that gives up half-way.
            try:
                with c.cursor().copy("COPY strict FROM STDIN") as copy:
                    copy.write(b"1\tx\n")
                    raise RuntimeError("no more")
            except (RuntimeError, psycopg.Error):
                pass
            equal(c.execute("SELECT count(*) FROM strict").fetchone(), (0,))
    yield "COPY that fails leaves nothing", copy_fails

    def parameters():
        with server.connect() as c:
            c.execute("CREATE STREAM p (a integer, b text, c numeric)")
            c.cursor().executemany("INSERT INTO p VALUES (%s, %s, %s)",
                                   [(i, str(i), decimal.Decimal(i)) for i in range(50)])
            equal(c.execute("SELECT count(*) FROM p").fetchone(), (50,))
            equal(c.execute("SELECT b FROM p WHERE a = %s AND b LIKE %s", (7, "7%")).fetchall(),
                  [("7",)])
            equal(c.execute("SELECT b FROM p WHERE a BETWEEN %s AND %s ORDER BY a LIMIT %s",
                            (10, 20, 2)).fetchall(), [("10",), ("11",)])
            for _ in range(8):          # psycopg prepares after five times
                equal(c.execute("SELECT %s::int + 1", (41,), prepare=None).fetchone(), (42,))
            equal(c.execute("SELECT %s::int + 1", (1,), prepare=True).fetchone(), (2,))
            fails("22P02", lambda: c.execute("SELECT %s::int", ("x",)))
    yield "parameters and prepared statements", parameters

    def pipeline():
        with server.connect() as c:
            c.execute("CREATE STREAM q (a integer)")
            with c.pipeline():
                cursors = [c.execute("INSERT INTO q VALUES (%s)", (i,)) for i in range(20)]
                last = c.execute("SELECT count(*) FROM q")
            equal([cursor.statusmessage for cursor in cursors], ["INSERT 0 1"] * 20)
            equal(last.fetchone(), (20,))
    yield "a pipeline", pipeline

    def transactions():
        with server.connect(autocommit=False) as c:
            c.execute("CREATE STREAM t (a integer)")
            c.commit()
            c.execute("INSERT INTO t VALUES (1)")
            c.rollback()
            c.execute("INSERT INTO t VALUES (2)")
            c.execute("INSERT INTO t VALUES (3)")
            c.commit()
            equal(c.execute("SELECT a FROM t ORDER BY a").fetchall(), [(2,), (3,)])
            c.commit()
            try:
                with c.transaction():
                    c.execute("INSERT INTO t VALUES (4)")
                    raise psycopg.Rollback()
            except psycopg.Error:
                raise
            equal(c.execute("SELECT count(*) FROM t").fetchone(), (2,))
            c.commit()
            fails("22012", lambda: c.execute("SELECT 1 / 0"))
            fails("25P02", lambda: c.execute("SELECT 1"))
            equal(c.info.transaction_status, psycopg.pq.TransactionStatus.INERROR)
            c.rollback()
            equal(c.execute("SELECT 1").fetchone(), (1,))
    yield "transactions", transactions

    def standing():
        """What a session was acknowledged is in what it reads next, without FLUSH."""
        with server.connect() as c:
            c.execute("CREATE STREAM r (k text, v bigint)")
            c.execute("CREATE MATERIALIZED VIEW r_total AS SELECT k, sum(v) AS total FROM r "
                      "GROUP BY k")
            total = 0
            for i in range(100):
                total += i
                c.execute("INSERT INTO r VALUES ('a', %s)", (i,))
                equal(c.execute("SELECT total FROM r_total WHERE k = 'a'").fetchone(), (total,))
    yield "a session reads what it wrote", standing

    def notices():
        with server.connect() as c:
            seen = []
            c.add_notice_handler(lambda diagnosis: seen.append(diagnosis.severity))
            c.execute("CREATE STREAM w (at timestamp, WATERMARK FOR at AS at)")
            c.execute("ADVANCE WATERMARK OF w TO 'infinity'")
            equal(seen, ["NOTICE"])
    yield "notices", notices

    def errors():
        with server.connect() as c:
            error = fails("42703", lambda: c.execute("SELECT a,\n  nosuch FROM (VALUES (1)) v(a)"))
            equal(error.diag.statement_position, "13")
            fails("42P01", lambda: c.execute("SELECT * FROM nosuch"))
            fails("42601", lambda: c.execute("SELEC 1"))
            fails("42883", lambda: c.execute("SELECT nosuch(1)"))
            error = fails("0A000", lambda: c.execute(
                "CREATE MATERIALIZED VIEW unclosed AS SELECT 1 AS a FROM (VALUES (1)) v(x) "
                "EMIT ON WINDOW CLOSE"))
            assert error.diag.message_hint, "0A000 comes with a hint"
    yield "errors with position and hint", errors

    def information():
        with server.connect() as c:
            assert c.info.server_version >= 150000
            equal(c.info.encoding, "utf-8")
            equal(c.execute("SHOW server_encoding").fetchone(), ("UTF8",))
            c.execute("SET TimeZone = 'Europe/Berlin'")
            equal(c.info.parameter_status("TimeZone"), "Europe/Berlin")
            equal(c.execute("SELECT TIMESTAMPTZ '2026-07-01 10:00Z'::text").fetchone(),
                  ("2026-07-01 12:00:00+02",))
            c.execute("RESET ALL")
            c.execute("DISCARD ALL")
            assert "Millrace" in c.execute("SELECT version()").fetchone()[0]
    yield "session information and settings", information

    def secrets():
        with server.connect() as c:
            c.execute("CREATE SECRET hidden AS 'x9-very-private'")
            c.execute("CREATE CONNECTION somewhere WITH (type = 'postgres', "
                      "dsn = 'host=127.0.0.1 port=1 dbname=x', password = SECRET hidden)")
            shown = json.dumps([c.execute("SHOW CONNECTIONS").fetchall(),
                                c.execute("SELECT * FROM millrace.connections").fetchall()],
                               default=str)
            assert "x9-very-private" not in shown, shown
            assert "x9-very-private" not in server.log_text(), "the log shows a secret"
            c.execute("DROP CONNECTION somewhere")
            c.execute("DROP SECRET hidden")
    yield "secrets are never shown", secrets


def make_flush_cases(server):
    def failed_feed():
        path = server.temp / "bad.csv"
        path.write_text("1\n2\nthree\n")
        with server.connect() as c:
            c.execute(f"CREATE STREAM fed (a integer) WITH (connector = 'file', path = '{path}', "
                      "format = 'csv', at_end = 'close')")
            error = fails("55000", lambda: c.execute("FLUSH"))
            assert 'stream "fed"' in str(error), error
            assert "three" in error.diag.message_detail, error.diag.message_detail
            equal(c.execute("SELECT state FROM millrace.streams WHERE name = 'fed'").fetchall(),
                  [("failed",)])
            c.execute("DROP STREAM fed")
            c.execute("FLUSH")
    yield "FLUSH names a stream that has stopped reading", failed_feed


def test_psycopg():
    with harness.Server() as server:
        yield from make_cases(server)


def test_flush():
    with harness.Server() as server:
        yield from make_flush_cases(server)


harness.main(globals())
