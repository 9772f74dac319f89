#!/usr/bin/env python3
"""tests/wire_test.py - the same messages to the server and to PostgreSQL: the same messages come back, with the same
columns, rows, tags and fields of errors; values and arrays of every type are the same bytes in both directions."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness import wire  # noqa: E402
from harness.wire import SYNC, Wire, bind, describe, execute, message, parse, query  # noqa: E402

SETUP = ["CREATE TABLE t (a int PRIMARY KEY, b text, c numeric(10,2))",
         "INSERT INTO t VALUES (1, 'x', 1.5), (2, 'y', 2.25), (3, NULL, NULL)"]
FIELDS = "SCMPDstcn"        # of errors and notices; hints are each server's own


def script(*statements):
    return [query(sql) for sql in statements]


def one(sql, *more, name="", values=(), results=()):
    """Parse, Bind, Execute of a statement, and a Sync behind all."""
    return parse(sql, name) + bind(values, name=name, results=results) + execute() + b"".join(more) + SYNC


def portal(sql, *limits, name="p"):
    return parse(sql) + bind(portal=name) + b"".join(execute(name, limit) for limit in limits) + SYNC


def typed(sql, *types):
    return parse(sql, types=types) + describe(b"S") + SYNC


SERIES = "SELECT n FROM generate_series(1, 5) AS n"
CONVERSATIONS = {
    "a portal in pieces within one Sync": [portal(SERIES, 2, 2, 2, 1)],
    "a portal ends with its Sync": [portal(SERIES, 2), execute("p", 2) + SYNC],
    "a portal lives in its transaction": [query("BEGIN"), portal(SERIES, 2), execute("p", 2) + SYNC,
                                          describe(b"P", "p") + execute("p") + SYNC, query("COMMIT")],
    "portals take turns": [query("BEGIN"), parse(SERIES) + bind(portal="p") + bind(portal="q") + execute("p", 1)
                           + execute("q", 2) + execute("p", 2) + execute("q") + execute("p") + SYNC, query("COMMIT")],
    "records, in binary and as text": [one("SELECT ROW(1, 'x'::text, NULL::int4, 2.5::float8), ROW(ROW(true))", results=[form])
                                       for form in (1, 0)],
    "format codes: none, one for all, one each": [
        parse("SELECT $1::int4, $2::text, $3::int4") + bind(values, formats=formats, results=results) + execute() + SYNC
        for values, formats, results in (((b"7", b"x", b"8"), (), ()), ((b"\0\0\0\7", b"x", b"\0\0\0\x08"), (1,), (1,)),
                                         ((b"7", b"x", b"\0\0\0\x08"), (0, 0, 1), (1, 0, 0)), ((b"7", b"x", b"8"), (0, 0), (1, 1)))],
    "an empty portal again": [one("SELECT 1", execute())],
    "an INSERT again": [query("BEGIN"), one("INSERT INTO t VALUES (10, 'z', 1)", execute()), query("ROLLBACK")],
    "RETURNING in pieces": [query("BEGIN"), portal("INSERT INTO t SELECT n + 100, 'q', 0 FROM generate_series(1, 3) AS n "
                                                   "RETURNING a", 1, 1, 0), query("ROLLBACK")],
    "a row limit of what gives no rows": [query("BEGIN"), portal("UPDATE t SET b = 'w'", 1), query("ROLLBACK")],
    "a plan that changed": [
        query("CREATE TABLE cp (a int)"), one("SELECT * FROM cp", name="cp"), *script("DROP TABLE cp",
                                                                                     "CREATE TABLE cp (a text)"),
        bind(name="cp") + execute() + SYNC, parse("SELECT 1", "cp") + SYNC, message(b"C", b"Scp\0") + SYNC,
        query("DROP TABLE cp")],
    "cursors through Parse": [
        query("BEGIN"), parse("DECLARE c SCROLL CURSOR FOR SELECT a FROM t ORDER BY a") + bind() + describe(b"P")
        + execute() + describe(b"P", "c") + SYNC, execute("c", 1) + execute("c") + execute("c") + SYNC,
        *script("MOVE ABSOLUTE 0 IN c", "FETCH 2 FROM c", "FETCH BACKWARD 1 FROM c"), execute("c", 1) + SYNC,
        *script("MOVE LAST FROM c", "FETCH PRIOR c", "FETCH ABSOLUTE -1 IN c", "FETCH RELATIVE 0 c", "FETCH 0 c",
                "FETCH BACKWARD ALL c", "FETCH ALL c", "MOVE BACKWARD ALL IN c", "FETCH FIRST c", "MOVE 0 c",
                "FETCH -1 c", "FETCH FORWARD 2 c", "FETCH RELATIVE -1 c", "FETCH NEXT c", "FETCH LAST c", "CLOSE c",
                "CLOSE c", "ROLLBACK")],
    "NO SCROLL": script("BEGIN", "DECLARE c NO SCROLL CURSOR FOR SELECT a FROM t", "FETCH c", "FETCH BACKWARD 1 c",
                        "ROLLBACK"),
    "SCROLL is not said": script("BEGIN", "DECLARE c CURSOR FOR SELECT a FROM t ORDER BY a", "FETCH 2 c",
                                 "FETCH BACKWARD 1 c", "ROLLBACK"),
    "WITH HOLD": script("DECLARE h CURSOR WITH HOLD FOR SELECT a FROM t ORDER BY a", "FETCH 1 h", "FETCH 1 h; FETCH 1 h",
                        "SELECT name, statement, is_holdable, is_binary, is_scrollable FROM pg_cursors", "CLOSE h",
                        "FETCH h", "DECLARE n CURSOR FOR SELECT 1", "BEGIN",
                        "DECLARE h CURSOR WITH HOLD FOR SELECT a FROM t", "ROLLBACK", "FETCH h"),
    "a binary cursor": [*script("BEGIN", "DECLARE c BINARY CURSOR FOR SELECT a FROM t ORDER BY a", "FETCH 2 c"),
                        describe(b"P", "c") + execute("c") + SYNC, query("ROLLBACK")],
    "cursors that cannot be": script("BEGIN", "DECLARE c CURSOR FOR SELECT nosuch FROM t", "SELECT 1", "ROLLBACK",
                                     "BEGIN; DECLARE c CURSOR FOR SELECT 1; DECLARE c CURSOR FOR SELECT 2", "ROLLBACK"),
    "several statements": script("SELECT 1; SELECT 'x' AS y; ; INSERT INTO t VALUES (50, 'a', 1); DELETE FROM t WHERE a = 50",
                                 "INSERT INTO t VALUES (51, 'a', 1); SELECT 1/0; SELECT 2",
                                 "SELECT count(*) FROM t WHERE a = 51", "BEGIN; SELECT 1; COMMIT; SELECT 2",
                                 "SELECT 1; BEGIN; SELECT nosuch", "ROLLBACK"),
    "nothing": [*script("", " ; ", "-- ping", "/* a /* b */ */"),
                parse("") + describe(b"S") + bind() + describe(b"P") + execute() + SYNC],
    "errors": script("SELECT nosuch FROM t", "SELECT * FROM nosuch", "SELCT 1", "SELECT 'x'::int", "SELECT 1/0",
                     "SELECT 99999999999::int", "INSERT INTO t VALUES (1, 'dup', 1)", "INSERT INTO t (b) VALUES ('x')",
                     "UPDATE t SET a = NULL WHERE a = 1", "SELECT nosuch(1)", "SELECT 1 + 'a'", "SELECT $1",
                     'SELECT "A" FROM t', "INSERT INTO t VALUES (9, 'x', 123456789.12)", "SELECT 'é', nosuch"),
    "types of parameters": [
        typed("SELECT $1, $2::text, $3 + 1"), typed("INSERT INTO t VALUES ($1, $2, $3)"),
        typed("SELECT * FROM t WHERE a = $1", 21), typed("SELECT a FROM t WHERE a = ANY($1)"), typed("SELECT $2::int"),
        typed("SELECT $2::int", 23), typed("SELECT $2::int", 0, 20), typed("SELECT $1 || $1"),
        typed("SELECT a FROM t LIMIT $1 OFFSET $2")],
    "values that do not fit": [
        parse("SELECT $1::int", "b") + bind([b"x"], name="b") + execute() + SYNC,
        *(bind(values, name="b", formats=formats, results=results) + execute() + SYNC for values, formats, results in (
            ([b"\0\0"], (1,), ()), ([b"\0\0\0\0\0"], (1,), ()), ([], (), ()), ([b"5", b"6"], (), ()), ([b"5"], (2,), ()),
            ([b"5"], (), (0, 0)), ([b"5"], (0, 0), ()), ([b"5"], (), ()))),
        message(b"C", b"Sb\0") + SYNC],
    "names that are not there": [bind(name="nosuch") + SYNC, execute("nosuch") + SYNC, describe(b"S", "nosuch") + SYNC,
                                 describe(b"P", "nosuch") + SYNC, message(b"C", b"Snosuch\0") + SYNC,
                                 message(b"C", b"Pnosuch\0") + SYNC],
    "statements made twice": [parse("SELECT 1", "w") + parse("SELECT 2", "w") + SYNC, parse("SELECT 1; SELECT 2", "v") + SYNC,
                              message(b"C", b"Sw\0") + SYNC],
    "PREPARE": [*script("PREPARE pp (int) AS SELECT $1 + 1", "EXECUTE pp(4)", "EXECUTE pp", "EXECUTE pp('x')"),
                describe(b"S", "pp") + bind([b"7"], name="pp") + execute() + SYNC,
                *script("SELECT name, statement, parameter_types, from_sql FROM pg_prepared_statements", "DEALLOCATE pp",
                        "DEALLOCATE pp", "EXECUTE pp", "DEALLOCATE ALL")],
    "chores": script(
        "RESET ALL", "UNLISTEN *", "DISCARD ALL", "CLOSE ALL", "SELECT pg_advisory_unlock_all()",
        "SELECT pg_advisory_unlock_all(); CLOSE ALL; UNLISTEN *; RESET ALL;", "DISCARD PLANS", "DISCARD TEMP",
        "DISCARD SEQUENCES", "LISTEN ch", "UNLISTEN ch", "SET extra_float_digits = 3", "SET nosuch = 1", "SHOW nosuch",
        "RESET nosuch", "SET LOCAL timezone = 'UTC'", "SHOW time zone", "SET SESSION AUTHORIZATION DEFAULT",
        "RESET SESSION AUTHORIZATION", "BEGIN", "DISCARD ALL", "ROLLBACK"),
    "transactions": script(
        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
        "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY", "SHOW transaction_isolation", "SHOW transaction_read_only",
        "INSERT INTO t VALUES (99)", "ROLLBACK", "SHOW transaction isolation level", "START TRANSACTION",
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SHOW transaction_isolation", "COMMIT AND CHAIN",
        "SHOW transaction_isolation", "ROLLBACK AND NO CHAIN", "SHOW transaction_isolation", "COMMIT", "ROLLBACK",
        "SAVEPOINT x", "SET default_transaction_isolation = 'serializable'", "SHOW transaction_isolation", "BEGIN",
        "SHOW transaction_isolation", "SAVEPOINT x", "SELECT nosuch", "ROLLBACK TO x", "RELEASE x", "RELEASE x", "END",
        "RESET default_transaction_isolation", "SHOW transaction_isolation", "ABORT"),
    "an error in a pipeline": [one("SELECT 1", parse("SELECT nosuch"), bind(), execute(), parse("SELECT 3"), name="e1")
                               + one("SELECT 4"), message(b"C", b"Se1\0") + SYNC],
    "an implicit transaction of a pipeline": [
        one("INSERT INTO t VALUES (60, 'p', 1)", parse("SELECT nosuch"), bind(), execute()),
        query("SELECT count(*) FROM t WHERE a = 60"), one("INSERT INTO t VALUES (61, 'p', 1)") + one("SELECT nosuch"),
        query("DELETE FROM t WHERE a = 61")],
    "a failed transaction": [*script("BEGIN", "SELECT nosuch"), parse("SELECT 1") + SYNC, one("ROLLBACK")],
    "BEGIN and COMMIT in one Sync": [parse("BEGIN") + bind() + execute() + parse("INSERT INTO t VALUES (70, 'q', 1)") + bind()
                                     + execute() + one("COMMIT"), query("DELETE FROM t WHERE a = 70")],
    "formats of results": [parse("SELECT a, b, c FROM t ORDER BY a", "rf") + b"".join(
        bind(name="rf", results=results) + describe(b"P") + execute() for results in ((1,), (1, 0, 1), ())) + SYNC,
        message(b"C", b"Srf\0") + SYNC],
    "statements besides queries": [
        typed("EXPLAIN SELECT 1"), typed("VALUES (1, 'a'), (2, NULL)"), typed("COPY t TO STDOUT"), one("SHOW search_path"),
        one("SET application_name = 'x'"), typed("SET application_name = 'x'"), typed("FETCH 1 FROM nosuch")],
    "COPY out": script(
        "COPY t TO STDOUT", "COPY t TO STDOUT WITH CSV HEADER", "COPY t (b, a) TO STDOUT WITH NULL AS 'nil' DELIMITER AS '|'",
        "COPY (SELECT 1, 'a,b', NULL) TO STDOUT CSV FORCE QUOTE *", "COPY (SELECT 1::int, 'é') TO STDOUT BINARY",
        "COPY BINARY t TO STDOUT", "COPY t TO STDOUT (HEADER)", "COPY t TO STDOUT (FORMAT nosuch)",
        "COPY t TO STDOUT (ENCODING 'UTF8')", "COPY t TO STDOUT WITH DELIMITER AS E'\\t' NULL AS '\\N'"),
}
SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPIES = [
    ("COPY t FROM STDIN", b"200\tx\t1\n"), ("COPY t (a,b) FROM STDIN WITH DELIMITER AS ',' NULL AS ''", b"201,\n202,z\n"),
    ("COPY t FROM STDIN DELIMITER '|' CSV HEADER", b"a|b|c\n203|\"q|r\"|1\n"),
    ("COPY t FROM STDIN WITH CSV QUOTE AS '''' ESCAPE AS '\\' FORCE NOT NULL b", b"204,,1\n"),
    ("COPY t FROM STDIN USING DELIMITERS ';' WITH NULL AS 'N'", b"205;N;1\n"),
    ("COPY BINARY t FROM STDIN", SIGNATURE + b"\xff\xff"), ("COPY t FROM STDIN BINARY", SIGNATURE + b"\xff\xff"),
    ("COPY t FROM STDIN (FORMAT binary)", SIGNATURE + b"\0\2\0\0\0\4\0\0\0\xce\xff\xff\xff\xff\xff\xff"),
    ("COPY t FROM STDIN (FORMAT csv, HEADER match)", b"a,b,c\n206,x,1\n"),
    ("COPY t FROM STDIN (FORMAT csv, HEADER match)", b"a,x,c\n207,x,1\n"),
    ("COPY t FROM STDIN (FORMAT text, NULL 'N', DELIMITER 'ab')", b""), ("COPY t FROM STDIN (FORMAT csv, FORMAT text)", b""),
    ("COPY t (a, a) FROM STDIN", b""), ("COPY t FROM STDIN (DELIMITER E'\\n')", b""), ("COPY t FROM STDIN", b"1\tdup\t1\n"),
    ("COPY t FROM STDIN", b"\\N\tnull\t1\n"), ("COPY t FROM STDIN", b"208\tx\t1\n\\.\n"),
]


def shown(kind, payload):
    if kind in (b"E", b"N"):
        fields = wire.error_fields(payload)
        return kind, *((letter, fields[letter]) for letter in FIELDS if letter in fields)
    if kind != b"T":
        return kind, payload
    columns, at = [], 2
    for _ in range(struct.unpack_from("!h", payload)[0]):
        end = payload.index(b"\0", at)
        columns.append((payload[at:end].decode(), *struct.unpack_from("!ihih", payload, end + 7)))
        at = end + 19
    return kind, *columns


def answers(w, step):
    """What comes up to the last Z; a COPY's data goes when it is asked for, and its errors have no details here: rows
    are refused as they are read, before there is a whole one."""
    if isinstance(step, tuple):
        w.send(query(step[0]))
        found = w.until(b"GZ")
        if found[-1][0] == b"G":
            w.send(message(b"d", step[1]) + message(b"c"))
            found += w.until(b"Z")
    else:
        w.send(step)
        found = []
        for _ in range(1 if step[:1] == b"Q" else step.count(SYNC)):
            found += w.until(b"Z")
    found = [shown(kind, payload) for kind, payload in found if kind != b"S"]
    if isinstance(step, tuple):
        found = [tuple(part for part in item if part[:1] != ("D",)) for item in found]
    return found


def same(ours, theirs, steps):
    for step in steps:
        got, wanted = answers(ours, step), answers(theirs, step)
        for mine, right in zip(got + [None] * len(wanted), wanted + [None] * len(got)):
            assert mine == right, f"{step!r}:\n{mine!r} instead of\n{right!r}"


# ---- Values ------------------------------------------------------------------------------------------------------------

VALUES = {
    "bool": ["t", "f"], "int2": ["-32768", "7"], "int4": ["-2147483648", "7"], "int8": ["9223372036854775807", "-1"],
    "oid": ["4294967295", "0"], "float4": ["1.5", "-Infinity", "NaN", "1e-40"], "float8": ["1e300", "-0", "NaN"],
    "numeric": ["12345.678", "-0.0001", "0.00", "NaN", "Infinity", "1e20"], "text": ["", "é \" \\ {", "NULL"],
    "varchar": ["a", "b c"], "name": ["x", "select"], "bytea": ["\\x00ff", "\\x"], "date": ["2026-01-01", "infinity", "0044-03-15 BC"],
    "time": ["23:59:59.999999", "24:00"], "timetz": ["12:00:00+02", "00:00:00.000001-15:59"],
    "timestamp": ["2026-01-01 10:42:31.5", "-infinity"], "timestamptz": ["2026-01-01 10:42:31+00", "infinity"],
    "interval": ["1 mon 2 days 00:00:03.5", "-1 year"], "uuid": ["00010203-0405-0607-0809-0a0b0c0d0e0f"],
    "json": ["{\"a\": [1, null]}"], "jsonb": ["{\"a\": [1, null], \"b\": \"é\"}", "3"],
}


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def values_of(name):
    """Texts of the type, then of its array: none, NULLs, two dimensions, another lower bound."""
    texts = VALUES[name]
    lists = ["{}", "{" + ",".join([*map(quoted, texts), "NULL"]) + "}",
             "{{" + quoted(texts[0]) + "},{" + quoted(texts[-1]) + "}}", "[3:4]={" + quoted(texts[0]) + ",NULL}"]
    return [(name, text) for text in texts] + [(name + "[]", text) for text in lists]


def value_there_and_back(ours, theirs, name):
    for type_name, text in values_of(name):
        sql = f"SELECT $1::{type_name}"
        answer = [w.ask(one(sql, values=[text.encode()], results=[1])) for w in (ours, theirs)]
        mine, right = (wire.rows(found) for found in answer)
        assert mine == right and len(right) == 1, f"{type_name} {text}: {mine} instead of {right}: {answer}"
        back = [w.ask(parse(sql) + bind([right[0][0]], formats=[1]) + execute() + SYNC) for w in (ours, theirs)]
        mine, right = (wire.rows(found) for found in back)
        assert mine == right and len(right) == 1, f"{type_name} {text} back: {mine} instead of {right}"


def log_in_to(port, password):
    """A raw connection that psycopg has logged in: its socket is all that is used of it."""
    connection = psycopg.connect(host="127.0.0.1", port=port, user="millrace", dbname="test", password=password,
                                 sslmode="disable", autocommit=True)
    w = Wire.__new__(Wire)
    w.socket = wire.socket.socket(fileno=os.dup(connection.fileno()))
    w.socket.settimeout(wire.patience(20))
    w.buffer, w.parameters, w.key, w.driver = b"", {}, None, connection
    return w


def make_cases(server, postgres):
    ours, theirs = log_in_to(server.port, None), log_in_to(postgres.port, postgres.password)
    for sql in SETUP:
        for w in (ours, theirs):
            assert not wire.errors(w.ask(query(sql))), sql
    for name, steps in CONVERSATIONS.items():
        yield name, lambda s=steps: same(ours, theirs, s)
    for sql, data in COPIES:
        steps = [query("BEGIN"), (sql, data), query("SELECT * FROM t WHERE a >= 200 ORDER BY a"), query("ROLLBACK")]
        yield f"{sql} of {data[:20]}", lambda s=steps: same(ours, theirs, s)
    for name in VALUES:
        yield f"{name} and arrays of it, binary", lambda n=name: value_there_and_back(ours, theirs, n)


def test_wire():
    with harness.Server() as server, harness.Postgres() as postgres:
        yield from make_cases(server, postgres)


harness.main(globals())
