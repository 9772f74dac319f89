"""pgcli: its own executor and completer over the catalogue, and the program itself with a script."""
import os
import subprocess
import sys

import psycopg
from peer import NAME, PATIENCE, RIDES, TARGET, after, equal, fails, run, sqlite_rows, until
from pgcli.completion_refresher import CompletionRefresher
from pgcli.pgexecute import PGExecute
from pgcli.pgcompleter import PGCompleter
from pgspecial.main import PGSpecial


def executor(password=os.environ["PGPASSWORD"], **more):
    return PGExecute(database=os.environ["PGDATABASE"], user=os.environ["PGUSER"], **more,
                     password=password, host=os.environ["PGHOST"], port=os.environ["PGPORT"],
                     sslmode="verify-full", sslrootcert=os.environ["PGSSLROOTCERT"])


def answers(sql, one=None, **more):
    """Rows of each statement that the executor has run."""
    found = []
    for title, rows, headers, status, *rest in (one or executor()).run(sql, **more):
        found.append((list(rows) if rows is not None else None, headers, status))
    return found


def check_login():
    one = executor()
    equal(one.server_version.split(".")[0], "15")
    equal(one.dbname, os.environ["PGDATABASE"])
    assert one.conn.pgconn.ssl_in_use and one.conn.pgconn.used_password
    fails(psycopg.OperationalError, lambda: executor(password="wrong"))


def check_statements():
    (rows, headers, status), = answers("SELECT 1 AS a, 'x' AS b")
    equal((rows, headers, status), ([(1, "x")], ["a", "b"], "SELECT 1"))


def check_types():
    """pgcli shows values as the server writes them."""
    values = (("true", "boolean", True), ("-9", "bigint", -9), ("1.50", "numeric(8,2)", "1.50"), ("é''x", "text", "é'x"),
              ("-32768", "smallint", -32768), ("2147483647", "integer", 2147483647), ("0.5", "real", 0.5), ("-1e300", "double precision", -1e300),
              ("x y", "varchar(9)", "x y"), ("23:59:59.999999", "time", "23:59:59.999999"), ('{"b": 1}', "json", '{"b": 1}'),
              ("2026-01-01 10:42:31.123456", "timestamp", "2026-01-01 10:42:31.123456"), ("{a,NULL}", "text[]", ["a", None]),
              ("{t,NULL}", "boolean[]", [True, None]), ("{0.5,-1e300}", "double precision[]", [0.5, -1e300]), ("a", '"char"', "a"),
              ("n", "name", "n"), ("7", "oid", 7),
              ("2026-02-28", "date", "2026-02-28"), ("2026-07-01 12:00Z", "timestamptz", "2026-07-01 12:00:00+00"),
              ("2 days", "interval", "2 days, 0:00:00"), ("{1,NULL}", "integer[]", [1, None]),
              ('{"a": 1}', "jsonb", '{"a": 1}'), ("\\x0001", "bytea", "\\x0001"),
              ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"))
    (rows, headers, _), = answers("SELECT " + ", ".join(f"'{text}'::{kind}" for text, kind, _ in values))
    for cell, (text, kind, wanted) in zip(rows[0], values):
        assert str(cell) == str(wanted), f"{kind}: {cell!r} instead of {wanted!r}"
    (rows, headers, _), = answers("SELECT " + ", ".join(f"NULL::{kind}" for _, kind, _ in values))
    equal(set(rows[0]), {None})


def check_copy():
    with open("pgcli.tsv", "w", encoding="utf-8") as file:
        file.write("1\tx\n2\t\\N\n")
    one, special = executor(), PGSpecial()
    answers(f"CREATE STREAM {NAME}_copy (a integer, b text)", one)
    answers(f"\\copy {NAME}_copy FROM 'pgcli.tsv'", one, pgspecial=special)
    answers(f"\\copy (SELECT a, b FROM {NAME}_copy ORDER BY a) TO 'pgcli.out'", one, pgspecial=special)
    with open("pgcli.out", encoding="utf-8") as file:
        equal(file.read(), "1\tx\n2\t\\N\n")


def check_cursor():
    one = executor()
    answers("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT n FROM generate_series(1, 5) AS n", one)
    (rows, _, _), = answers("FETCH LAST FROM c", one)
    equal(rows, [(5,)])
    answers("ROLLBACK", one)


def check_cancel():
    one, other = executor(), executor()

    def is_running():
        return answers(f"SELECT state FROM millrace.sessions WHERE pid = {one.conn.info.backend_pid}", other)[0][0] == [("active",)]
    thread = after(is_running, one.conn.cancel)
    equal(fails(psycopg.errors.QueryCanceled, lambda: answers(f"SUBSCRIBE TO {RIDES}", one)).sqlstate, "57014")
    thread.join()
    equal(answers("SELECT 1", one)[0][0], [(1,)])


def check_errors():
    error = fails(psycopg.errors.UndefinedColumn, lambda: answers("SELECT 1,\n nosuch"))
    equal((error.sqlstate, error.diag.statement_position), ("42703", "12"))
    assert fails(psycopg.Error, lambda: answers(f"UPDATE {RIDES} SET km = 1")).diag.message_hint


def check_notify():
    heard = []
    one = executor(notify_callback=heard.append)
    answers(f"LISTEN {NAME}", one)
    answers(f"NOTIFY {NAME}, 'hello'")
    until(lambda: answers("SELECT 1", one) and heard, "the notification")
    equal((heard[0].channel, heard[0].payload), (NAME, "hello"))


def check_subscribe():
    one = executor()
    answers(f"INSERT INTO {RIDES} VALUES ('Turku', 7)")
    answers(f"BEGIN; DECLARE c CURSOR FOR SUBSCRIBE (SELECT km FROM {RIDES} WHERE city = 'Turku')", one)
    (rows, _, _), = answers("FETCH ALL FROM c", one)
    equal([row[1:] for row in rows], [(1, 7)])
    answers("ROLLBACK", one)


def check_target():
    """pgcli on the target database itself."""
    answers(f"INSERT INTO {RIDES} VALUES ('Bergen', 4), ('Bergen', 5); FLUSH")
    where = "SELECT city, km::bigint FROM {} WHERE city = 'Bergen'"
    equal(answers(where.format(NAME + "_pg"), PGExecute(dsn=TARGET))[0][0], [("Bergen", 9)])
    equal(sqlite_rows(f"SELECT city, km FROM {NAME}_lite WHERE city = 'Bergen'"), [("Bergen", 9)])


def check_catalogue():
    one = executor()
    assert ("public", RIDES) in list(one.tables()), list(one.tables())
    assert any(column[:3] == ("public", RIDES, "city") for column in one.table_columns())
    assert ("public", NAME + "_lite") in list(one.views()), list(one.views())
    assert "public" in [row if isinstance(row, str) else row[0] for row in one.schemata()]
    assert os.environ["PGDATABASE"] in list(one.databases())
    list(one.foreignkeys()), list(one.datatypes()), list(one.functions()), list(one.search_path())


def check_completion():
    done = []
    completer = PGCompleter(smart_completion=True)
    refresher = CompletionRefresher()
    refresher.refresh(executor(), PGSpecial(), done.append)
    until(lambda: done, "pgcli's completions")
    from prompt_toolkit.document import Document
    text = f"SELECT * FROM {NAME}_r"
    found = [c.text for c in done[0].get_completions(Document(text, len(text)), None)]
    assert RIDES in found, found
    assert completer is not None


def check_program():
    script = f"INSERT INTO {RIDES} VALUES ('Oslo', 4);\nSELECT 40 + 2 AS answer;\n\\d {RIDES}\n"
    with open("pgcli.sql", "w", encoding="utf-8") as file:
        file.write(script)
    done = subprocess.run([sys.executable, "-m", "pgcli", "--warn", "off", "--less-chatty", "-f", "pgcli.sql"],
                          stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=PATIENCE,
                          env={**os.environ, "PGSSLMODE": "verify-full", "TERM": "dumb", "COLUMNS": "120"})
    assert "42" in done.stdout and "city" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr


run([("login", check_login), ("statements", check_statements), ("types", check_types), ("copy", check_copy),
     ("cursor", check_cursor), ("cancel", check_cancel), ("errors", check_errors), ("notify", check_notify),
     ("subscribe", check_subscribe), ("catalogue", check_catalogue), ("completion", check_completion),
     ("program", check_program), ("target", check_target)])
