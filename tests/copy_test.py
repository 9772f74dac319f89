#!/usr/bin/env python3
"""tests/copy_test.py - large COPYs, which threads decode beside the event loop: every format, many at
once, errors near the end, cancelled, cut off, inside transactions."""
import os
import random
import sys
import threading
from datetime import datetime

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402

SEED = int(os.environ.get("MILLRACE_SEED", "11"))
ROWS = 40_000       # several times what is handed to a thread at once
COLUMNS = "(id bigint NOT NULL, name text, price double precision, at timestamp, flag boolean)"


def rows(first=0, count=ROWS):
    rng = random.Random(SEED + first)
    names = ("short", "a name that is longer than twelve", "", None, "zwölf Boxkämpfer", "tab\there")
    return [(number, rng.choice(names), None if number % 7 == 0 else number / 8,
             None if number % 11 == 0 else f"2026-01-01 {number % 24:02}:00:00.{number % 1000:03}",
             None if number % 13 == 0 else number % 2 == 0)
            for number in range(first, first + count)]


def copy_rows(connection, table, values, form="text", where=""):
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN (FORMAT {form}) {where}") as copy:
            if form == "binary":
                copy.set_types(["int8", "text", "float8", "timestamp", "bool"])
            for value in values:
                if form == "csv":
                    copy.write(csv_line(value))
                else:
                    copy.write_row(value if form == "text" else with_time(value))
        return cursor.rowcount


def csv_line(value):
    return ",".join("" if part is None else '"' + part + '"' if isinstance(part, str) else
                    str(part).lower() for part in value) + "\n"


def with_time(value):
    return value[:3] + (value[3] and datetime.fromisoformat(value[3]), value[4])


def read(connection, table):
    text = "SELECT id, name, price, at::text, flag FROM {} ORDER BY _seq"
    return connection.execute(text.format(table)).fetchall()


def same(got, expected):
    assert len(got) == len(expected), f"{len(got)} rows instead of {len(expected)}"
    for one, other in zip(got, expected):
        at = other[3] and other[3].rstrip("0").rstrip(".")
        assert one == other[:3] + (at, other[4]), f"{one} instead of {other}"


def create(server, *names):
    for name in names:
        server.execute(f"CREATE STREAM {name} {COLUMNS}")


def fails(sqlstate, call):
    try:
        call()
    except psycopg.Error as error:
        assert error.sqlstate == sqlstate, f"{error.sqlstate} instead of {sqlstate}: {error}"
        return error
    raise AssertionError(f"did not fail with {sqlstate}")


def test_every_format():
    for workers in (1, 3):
        with harness.Server(settings={"workers": workers}) as server:
            create(server, "of_text", "of_csv", "of_binary")
            values = rows()
            with server.connect() as connection:
                for form in ("text", "csv", "binary"):
                    assert copy_rows(connection, "of_" + form, values, form) == ROWS
                    same(read(connection, "of_" + form), values)
                    assert copy_rows(connection, "of_" + form, values[:3], form) == 3
            server.restart(crash=True)
            with server.connect() as connection:
                for form in ("text", "csv", "binary"):
                    same(read(connection, "of_" + form), values + values[:3])


def test_many_at_once():
    """More than there are threads: the event loop decodes the others."""
    with harness.Server(settings={"workers": 2}) as server:
        names = [f"s{number}" for number in range(6)]
        create(server, *names)
        failures = []

        def load(number):
            try:
                with server.connect() as connection:
                    for part in range(2):
                        copy_rows(connection, names[number], rows(part * ROWS),
                                  ("csv", "binary", "text")[number % 3])
                    same(read(connection, names[number]), rows() + rows(ROWS))
            except BaseException as error:    # told by the test's own thread
                failures.append(error)
        threads = [threading.Thread(target=load, args=(number,)) for number in range(len(names))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures, failures


def test_a_bad_row_near_the_end():
    with harness.Server() as server:
        create(server, "s")
        with server.connect() as connection:
            for form in ("csv", "binary"):
                bad = rows()
                if form == "csv":
                    lines = [csv_line(value) for value in bad]
                    lines[-10] = "x" + lines[-10]

                    def send():
                        with connection.cursor().copy("COPY s FROM STDIN (FORMAT csv)") as copy:
                            copy.write("".join(lines))
                    error = fails("22P02", send)
                    assert f"line {ROWS - 9}, column id" in error.diag.context, error.diag.context
                else:
                    bad[-10] = (None,) + bad[-10][1:]
                    error = fails("23502", lambda: copy_rows(connection, "s", bad, form))
                assert connection.execute("SELECT count(*) FROM s").fetchone() == (0,)
            assert copy_rows(connection, "s", rows(), "csv") == ROWS
        assert server.execute("SELECT count(*) FROM s") == [(ROWS,)]


def test_bad_rows_are_counted():
    with harness.Server() as server:
        create(server, "s")
        values = rows()
        lines = [csv_line(value) for value in values]
        for number in range(0, ROWS, 1000):
            lines[number] = "no" + lines[number]
        with server.connect() as connection:
            with connection.cursor().copy("COPY s FROM STDIN (FORMAT csv, ON_ERROR ignore)") as copy:
                copy.write("".join(lines))
            same(read(connection, "s"), [value for number, value in enumerate(values) if number % 1000])
        told = [line for line, in server.execute("SELECT line FROM millrace.rejected_rows")]
        assert told == list(range(1, ROWS + 1, 1000)), told


def test_transactions():
    with harness.Server() as server:
        create(server, "s")
        with server.connect() as connection:
            connection.execute("BEGIN")
            copy_rows(connection, "s", rows(), "csv")
            connection.execute("SAVEPOINT a")
            copy_rows(connection, "s", rows(ROWS), "binary")
            connection.execute("ROLLBACK TO a")
            copy_rows(connection, "s", rows(2 * ROWS), "text")
            with server.connect() as other:
                assert other.execute("SELECT count(*) FROM s").fetchone() == (0,)
            connection.execute("COMMIT")
            same(read(connection, "s"), rows() + rows(2 * ROWS))
            connection.execute("BEGIN")
            copy_rows(connection, "s", rows(), "csv")
            connection.execute("ROLLBACK")
            assert connection.execute("SELECT count(*) FROM s").fetchone() == (2 * ROWS,)


def test_cut_off():
    """Clients that give up, cancel or go in the middle leave nothing, and others notice nothing."""
    rng = random.Random(SEED)
    data = "".join(csv_line(value) for value in rows()).encode()

    def give_up(connection):
        raise ValueError("given up")

    def cancel(connection):
        connection.cancel()

    def go(connection):
        connection.pgconn.finish()

    def load(connection, action):
        with connection.cursor().copy("COPY s FROM STDIN (FORMAT csv)") as copy:
            copy.write(data[:rng.randrange(len(data))])
            action(connection)
            copy.write(data)
    with harness.Server() as server:
        create(server, "s")
        for action, error in ((give_up, ValueError), (cancel, psycopg.errors.QueryCanceled),
                              (go, psycopg.OperationalError)) * 5:
            with server.connect() as connection:
                try:
                    load(connection, action)
                except error:
                    pass
                else:
                    raise AssertionError(f"{action.__name__} was not noticed")
                if action is not go:
                    assert connection.execute("SELECT count(*) FROM s").fetchone() == (0,)
        server.check_alive()
        assert server.execute("SELECT count(*) FROM s") == [(0,)]
        with server.connect() as connection:
            assert copy_rows(connection, "s", rows()) == ROWS


def copy_text(connection, command, data):
    """The row count of the command tag."""
    with connection.cursor() as cursor:
        with cursor.copy(command) as copy:
            copy.write(data)
        return cursor.rowcount


def test_where():
    """Rows that the condition is not true of are neither kept, counted nor judged."""
    taken = [value for value in rows() if value[0] % 3 == 1 and value[2] is not None]
    with harness.Server(settings={"workers": 3}) as server:
        create(server, "of_text", "of_csv", "of_binary", "j")
        server.execute("CREATE TABLE t (id int PRIMARY KEY, name text NOT NULL DEFAULT 'none',"
                       " twice int GENERATED ALWAYS AS (id * 2) STORED)")
        server.execute("CREATE STREAM r (id int, name text NOT NULL)")
        with server.connect() as connection:
            for form in ("text", "csv", "binary"):
                name = "of_" + form
                where = f"WHERE id % 3 = 1 AND {name}.price IS NOT NULL"
                assert copy_rows(connection, name, rows(), form, where) == len(taken)
                same(read(connection, name), taken)
                assert copy_rows(connection, name, rows(), form, "WHERE id < 0") == 0
            assert copy_text(connection, "COPY j FROM STDIN (FORMAT json) WHERE id > 1 OR flag",
                             '{"id": 1}\n{"id": 2, "name": "two"}\n{"id": 0, "flag": true}\n'
                             '{"id": null}\n') == 2
            assert connection.execute("SELECT id, name FROM j ORDER BY _seq").fetchall() == \
                [(2, "two"), (0, None)]

            # Defaults and generated columns are part of the row; what is skipped breaks no rule.
            assert copy_text(connection, "COPY t (id) FROM STDIN WHERE name = 'none' AND twice > 2",
                             "1\n2\n3\n") == 2
            assert copy_text(connection, "COPY t (id, name) FROM STDIN WHERE name IS NOT NULL",
                             "2000000000\t\\N\n4\tfour\n4\t\\N\n") == 1
            assert connection.execute("SELECT * FROM t ORDER BY id").fetchall() == \
                [(2, "none", 4), (3, "none", 6), (4, "four", 8)]
            fails("23502", lambda: copy_text(connection, "COPY t FROM STDIN WHERE id > 4",
                                             "5\t\\N\n"))
            fails("22012", lambda: copy_text(connection, "COPY t FROM STDIN WHERE 1 / id = 1",
                                             "1\tx\n0\ty\n"))
            fails("22003", lambda: copy_text(connection, "COPY t FROM STDIN WHERE id > 9",
                                             "8\tx\n2000000000\ty\n"))
            assert copy_text(connection, "COPY r FROM STDIN (ON_ERROR ignore) WHERE 6 / id = 1",
                             "0\tx\n6\tsix\n2\t\\N\n5\t\\N\n3\tz\n") == 1
            assert connection.execute("SELECT sqlstate FROM millrace.rejected_rows ORDER BY 1"
                                      ).fetchall() == [("22012",), ("23502",)]
            for sqlstate, where in (("42703", "nosuch = 1"), ("42804", "id"),
                                    ("42803", "count(*) > 1"),
                                    ("0A000", "id IN (SELECT 1)"), ("42P01", "other.id = 1")):
                fails(sqlstate, lambda: copy_text(connection, f"COPY t FROM STDIN WHERE {where}",
                                                  "7\tx\n"))
            fails("42601", lambda: connection.execute("COPY t TO STDOUT WHERE id = 1"))
        server.restart(crash=True)
        assert server.execute("SELECT count(*), sum(twice) FROM t") == [(3, 18)]
        with server.connect() as connection:
            same(read(connection, "of_binary"), taken)


def test_returning():
    """COPY (INSERT | UPDATE | DELETE … RETURNING …) TO STDOUT, as PostgreSQL has it."""
    story = ["COPY (INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, 'c') RETURNING id, v || '!' AS w) TO STDOUT",
             "COPY (UPDATE t SET v = v || id WHERE id > 1 RETURNING *) TO STDOUT (FORMAT csv, HEADER)",
             "COPY (UPDATE t SET v = 'x' WHERE id > 100 RETURNING *) TO STDOUT (FORMAT csv, HEADER)",
             "COPY (INSERT INTO t VALUES (3, 'd') RETURNING id) TO STDOUT",
             "COPY (INSERT INTO t VALUES (3, 'd') ON CONFLICT (id) DO UPDATE SET v = excluded.v "
             "RETURNING id, v) TO STDOUT",
             "COPY (DELETE FROM t WHERE id = 2 RETURNING id) TO STDOUT (FORMAT binary)",
             "COPY (INSERT INTO t VALUES (9, 'z')) TO STDOUT", "COPY (DELETE FROM t RETURNING nosuch) TO STDOUT",
             "COPY (SELECT * FROM t ORDER BY id) TO STDOUT"]

    def told(connection, command):
        try:
            with connection.cursor() as cursor:
                with cursor.copy(command) as copy:
                    data = b"".join(bytes(piece) for piece in copy)
                return data, cursor.rowcount, cursor.statusmessage
        except psycopg.Error as error:
            return error.sqlstate, error.diag.message_primary, error.diag.statement_position

    def tell(connection):
        connection.execute("CREATE TABLE t (id integer PRIMARY KEY, v text)")
        heard = [told(connection, command) for command in story]
        connection.execute("BEGIN")
        heard.append(told(connection, "COPY (DELETE FROM t RETURNING id) TO STDOUT")[1:])
        connection.execute("ROLLBACK")
        connection.execute("BEGIN READ ONLY")
        heard.append(told(connection, story[5]))
        connection.execute("ROLLBACK")
        heard.append(connection.execute("SELECT count(*) FROM t").fetchone())
        return heard

    with harness.Server() as server, harness.Postgres() as postgres:
        with server.connect() as ours, postgres.connect(user="postgres", autocommit=True) as theirs:
            for command, got, expected in zip([*story, "DELETE", "READ ONLY", "count"], tell(ours), tell(theirs)):
                assert got == expected, (command, got, expected)


def test_wrong_options():
    """What is wrong with options or data is said as PostgreSQL says it, also where it was (CONTEXT)."""
    csv, header = "(FORMAT csv, {})", b"PGCOPY\n\xff\r\n\0" + bytes(8)
    takes = [("(NULL 'a,b', DELIMITER ',')", b"1,x\n"), (csv.format("NULL '\"'"), b"1,x\n"),
             (csv.format("FORCE_NOT_NULL (zz)"), b"1,x\n"), (csv.format("FORCE_NULL *"), b"1,x\n"),
             (csv.format("FORCE_NOT_NULL *"), b"1,x\n"), (csv.format("FORCE_QUOTE (b)"), b"1,x\n"),
             ("(FORCE_NULL (b))", b"1\tx\n"), ("(FORCE_NOT_NULL (b))", b"1\tx\n"), ("(HEADER bogus)", b""),
             ("(HEADER match)", b"a\tx\n1\tz\n"), ("(HEADER match)", b"a\n1\n"),
             (csv.format("HEADER match"), b"b,a\r\n1,x\r\n"), ("(FORMAT csv)", b'1,"x\n'),
             ("(FORMAT binary)", header + b"\0\2\0\0\0\5\0\0\0\1\0\0\0\1x\xff\xff"),
             ("(FORMAT binary)", header + b"\0\2\0\0\0\4\0\0\0\1\0\0\0\1")]
    gives = [(f"{what} TO STDOUT {options}", None)
             for what in ("COPY t (a)", "COPY t", "COPY (SELECT b FROM t)")
             for options in ("(FREEZE)", csv.format("FORCE_QUOTE (b)"), csv.format("FORCE_QUOTE (zz)"),
                             csv.format("FORCE_NULL (b)"), csv.format("FORCE_QUOTE *"))]

    def told(connection, command, data):
        try:
            with connection.cursor() as cursor:
                with cursor.copy(command) as copy:
                    if data is None:
                        return b"".join(bytes(piece) for piece in copy)
                    copy.write(data)
                return cursor.statusmessage
        except psycopg.Error as error:
            return error.sqlstate, error.diag.message_primary, error.diag.message_detail, error.diag.context

    with harness.Server() as server, harness.Postgres() as postgres:
        with server.connect() as ours, postgres.connect(user="postgres", autocommit=True) as theirs:
            for connection in (ours, theirs):
                connection.execute("CREATE TABLE t (a integer PRIMARY KEY, b text)")
                connection.execute("INSERT INTO t VALUES (7, 'seven')")
            for command, data in [(f"COPY t FROM STDIN {options}", data) for options, data in takes] + gives:
                got, expected = (told(connection, command, data) for connection in (ours, theirs))
                assert got == expected, (command, got, expected)
            fails("0A000", lambda: told_to_freeze(ours))


def told_to_freeze(connection):
    with connection.cursor() as cursor, cursor.copy("COPY t FROM STDIN (FREEZE)") as copy:
        copy.write(b"8\teight\n")


def test_members():
    """Members match columns by name or path, others are passed over and counted, by COPY and by HTTP."""
    with harness.Server(http=True) as server:
        server.execute("CREATE STREAM s (login text, n int, deep jsonb, plain text) WITH (json_path.login = "
                       "'$.actor.login', json_path.n = '$.list[1]', json_path.deep = '$.deep', on_bad_row = 'reject')")
        lines = ('{"actor": {"login": "ada", "age": 3}, "list": [1, 2], "deep": {"x": [1]}, "plain": "p", "more": 1}',
                 '{"actor": "none", "list": {}, "login": "direct", "other": null}', '{"plain": 7}', '{"list": [0, "x"]}')
        status, text = server.post("s", "\n".join(lines).encode())
        assert status == 200 and '"rows":3,"rejected":1' in text, text
        expected = [("ada", 2, {"x": [1]}, "p"), (None, None, None, None), (None, None, None, "7")]
        assert server.execute("SELECT login, n, deep, plain FROM s ORDER BY _seq") == expected
        counted = "SELECT value FROM millrace.metrics WHERE name = 'unknown_members' AND label = 's'"
        by_http = server.execute(counted)[0][0]
        assert by_http > 0
        with server.connect() as connection:
            copy_text(connection, "COPY s FROM STDIN (FORMAT json)", '{"plain": "q", "one": 1, "two": 2}\n')
        assert server.execute(counted)[0][0] == by_http + 2
        assert server.execute("SELECT plain FROM s ORDER BY _seq DESC LIMIT 1") == [("q",)]


def test_format_of_requests():
    """A POST that does not say what it holds has the stream's format, also after a restart; others are refused."""
    silent = ("application/x-www-form-urlencoded", "application/octet-stream")
    with harness.Server(http=True) as server:
        server.execute("CREATE SOURCE j (a int) FORMAT PLAIN ENCODE JSON")
        server.execute("CREATE STREAM c (a int) WITH (format = 'csv')")
        server.execute("CREATE STREAM n (a int)")
        for again in (False, True):
            if again:
                server.restart(crash=True)
            for kind in silent:
                assert server.post("j", b'{"a": 1}', content_type=kind)[0] == 200
                assert server.post("c", b"a\n2\n", content_type=kind)[0] == 200
                assert server.post("n", b"a\n2\n", content_type=kind)[0] == 415
            assert server.post("j", b"a\n3\n", content_type="text/csv")[0] == 200
            assert server.post("j", b"<a/>", content_type="text/xml")[0] == 415
            assert server.post("nosuch", b"a", content_type="text/xml")[0] == 404
        assert server.execute("SELECT a FROM j ORDER BY _seq") == [(1,), (1,), (3,)] * 2
        assert server.execute("SELECT a FROM c") == [(2,)] * 4
        with server.connect() as connection:
            fails("22023", lambda: connection.execute("CREATE STREAM x (a int) WITH (format = 'csv', header = true)"))
            fails("0A000", lambda: connection.execute("CREATE STREAM x (a int) WITH (format = 'avro')"))


ENCODED = {"LATIN1": ("latin-1", "Grüße ÿ"), "latin9": ("iso8859-15", "Œuvre 5 €"), "WIN1252": ("cp1252", "naïve – €"),
           "iso_8859_5": ("iso8859-5", "Москва"), "KOI8R": ("koi8-r", "Ёлка"), "windows-1251": ("cp1251", "Жук"),
           "EUC_JP": ("euc-jp", "日本語 ｶﾅ"), "SJIS": ("cp932", "表示 ｶﾅ"), "EUC_KR": ("euc-kr", "한국어"),
           "BIG5": ("big5", "中文 許功蓋"), "GBK": ("gbk", "汉字"), "GB18030": ("gb18030", "汉字 𠀀 é"),
           "utf-8": ("utf-8", "é 𠀀")}


def test_encodings():
    """Text of another encoding, cut anywhere, goes in and out as with PostgreSQL, and so do the errors."""
    def told(connection, command, data):
        try:
            with connection.cursor() as cursor, cursor.copy(command) as copy:
                if data is None:
                    return b"".join(bytes(piece) for piece in copy)
                for piece in data:
                    copy.write(piece)
            return cursor.statusmessage
        except psycopg.Error as error:
            # PostgreSQL names all bytes that the first one promises.
            return error.sqlstate, error.diag.message_primary.split(": 0x")[0]

    def single(data):
        return [data[at:at + 1] for at in range(len(data))]

    story = []
    for number, (name, (python, text)) in enumerate(ENCODED.items()):
        for form in ("text", "csv"):
            data = f"{number}{'	' if form == 'text' else ','}{text}\n".encode(python)
            story.append((f"COPY t FROM STDIN (FORMAT {form}, ENCODING '{name}')", single(data)))
        where = f"(SELECT id, v FROM t WHERE id = {number})"
        story.append((f"COPY {where} TO STDOUT (FORMAT csv, ENCODING '{name}')", None))
    story += [("COPY t FROM STDIN (ENCODING 'EUC_JP')", [b"1\t\xa4\n"]),      # half a character
              ("COPY t FROM STDIN (ENCODING 'WIN1252')", [b"1\t\x81\n"]),    # which stands for none
              ("COPY (SELECT '日本') TO STDOUT (ENCODING 'LATIN1')", None),
              ("COPY (SELECT 1 AS \"ключ\") TO STDOUT (FORMAT csv, HEADER, ENCODING 'LATIN2')", None),
              ("COPY t FROM STDIN (ENCODING 'klingon')", [b""])]
    with harness.Server() as server, harness.Postgres() as postgres:
        with server.connect() as ours, postgres.connect(user="postgres", autocommit=True) as theirs:
            for connection in (ours, theirs):
                connection.execute("CREATE TABLE t (id integer, v text)")
            for command, data in story:
                got, expected = (told(connection, command, data) for connection in (ours, theirs))
                assert got == expected, (command, data, got, expected)
            rows_of = "SELECT id, v FROM t ORDER BY id, v"
            assert ours.execute(rows_of).fetchall() == theirs.execute(rows_of).fetchall()
            fails("0A000", lambda: copy_text(ours, "COPY t FROM STDIN (FORMAT binary, ENCODING 'LATIN1')", b""))
            # Long enough for a thread to decode it, in pieces that cut characters.
            ours.execute("CREATE STREAM s (id integer, v text)")
            lines = "".join(f"{n}\t日本語 {n}\n" for n in range(ROWS)).encode("euc-jp")
            with ours.cursor().copy("COPY s FROM STDIN (ENCODING 'EUC_JP')") as copy:
                for at in range(0, len(lines), 9973):
                    copy.write(lines[at:at + 9973])
            assert ours.execute("SELECT count(*), count(DISTINCT v), max(length(v)) FROM s").fetchone() == \
                (ROWS, ROWS, 9)


def test_a_column_added_meanwhile():
    """The COPY fails as a whole, with a code that says to run it again."""
    with harness.Server() as server:
        server.execute("CREATE STREAM s (id int)")
        with server.connect() as connection:
            def load():
                with connection.cursor().copy("COPY s FROM STDIN") as copy:
                    copy.write("1\n")
                    server.execute("ALTER STREAM s ADD COLUMN note text DEFAULT 'none'")
                    copy.write("2\n")
            fails("40001", load)
            assert copy_text(connection, "COPY s (id) FROM STDIN", "3\n") == 1
        assert server.execute("SELECT id, note FROM s") == [(3, "none")]


harness.main(globals())
