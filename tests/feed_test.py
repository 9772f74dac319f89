#!/usr/bin/env python3
"""tests/feed_test.py - streams that read files: pieces converted on several threads, ranges of the
file in the log in place of rows, files that change or go, kill -9 while a file is loaded."""
import gzip
import os
import random
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.paths import BUILD  # noqa: E402
from harness.server import wait_until  # noqa: E402

SEED = int(os.environ.get("MILLRACE_SEED", "7"))
ROWS = 60_000 if harness.quick() or harness.sanitized() else 200_000   # several pieces of 2 MB
KILLS = 5 if harness.quick() or harness.sanitized() else 20
COLUMNS = "id bigint NOT NULL, at timestamp, name text, amount numeric(12,2)"
BAD_EVERY = 5000


def row(rng, number):
    """A row as (values, CSV line); a name may hold quotes, line ends and letters beyond ASCII."""
    name = rng.choice(("plain", "with, comma", 'a "quoted" word', "two\nlines", "größer als zwölf",
                       "", "x" * rng.randrange(90)))
    amount = f"{rng.randrange(10**7) / 100:.2f}"
    at = f"2026-01-{1 + number * 20 // (ROWS + 1):02} {number % 24:02}:00:{number % 60:02}"
    quoted = '"' + name.replace('"', '""') + '"' if any(c in name for c in ',"\n') else name
    return (number, name, amount), f"{number},{at},{quoted},{amount}\n"


def write_file(path, rows=ROWS, first=0, mode="w", header=True, bad=False):
    """Rows first … first + rows - 1; `bad`: some lines between them are no rows."""
    rng = random.Random(SEED + first)
    values = []
    with open(path, mode, encoding="utf-8", newline="") as file:
        if header:
            file.write("id,at,name,amount\n")
        for number in range(first, first + rows):
            value, line = row(rng, number)
            values.append(value)
            file.write(line)
            if bad and number % BAD_EVERY == BAD_EVERY - 1:
                file.write("not a number,,,\n")
    return values


def create(connection, name, path, **options):
    options = {"connector": "file", "path": path, "format": "csv", "header": "true", "at_end": "stop",
               **options}
    text = ", ".join(f"{key} = '{value}'" for key, value in options.items())
    connection.execute(f"CREATE STREAM {name} ({COLUMNS}, WATERMARK FOR at AS at - INTERVAL '1 day') "
                       f"WITH ({text})")


def read(server, name):
    rows = server.execute(f"SELECT id, name, amount::text FROM {name} ORDER BY _seq")
    return [(number, text or "", amount) for number, text, amount in rows]


def same(got, expected):
    assert len(got) == len(expected), f"{len(got)} rows instead of {len(expected)}"
    for one, other in zip(got, expected):
        assert one == other, f"{one} instead of {other}"


def stream_bytes(server, name):
    return server.execute("SELECT bytes FROM millrace.streams WHERE name = %s", (name,))[0][0]


def state(server, name):
    return server.execute("SELECT state, error FROM millrace.streams WHERE name = %s", (name,))[0]


def fails(sqlstate, call):
    try:
        call()
    except psycopg.Error as error:
        assert error.sqlstate == sqlstate, f"{error.sqlstate} instead of {sqlstate}: {error}"
        return error
    raise AssertionError(f"did not fail with {sqlstate}")


# -- pieces -----------------------------------------------------------------------------------------

def test_pieces_on_any_number_of_threads():
    """The same rows in the same order, whoever converts; rejected lines are told in order."""
    answers = []
    for workers in (1, 2, 5):
        with harness.Server(settings={"workers": workers}) as server:
            path = server.temp / "rows.csv"
            values = write_file(path, bad=True)
            with server.connect() as connection:
                create(connection, "s", path, on_bad_row="reject", log="rows")
                connection.execute("FLUSH")     # one after the other: the sequence is the log's
                create(connection, "r", path, on_bad_row="reject", log="ranges")
                connection.execute("FLUSH")
            same(read(server, "s"), values)
            same(read(server, "r"), values)
            rejected = server.execute("SELECT line, sqlstate, message FROM millrace.rejected_rows "
                                      "WHERE stream = 's'")
            assert len(rejected) == ROWS // BAD_EVERY, rejected
            lines = path.read_text().split("\n")
            assert all(lines[line - 1].startswith("not a") for line, _, _ in rejected), rejected
            assert rejected == sorted(rejected), rejected
            answers.append((rejected, server.execute(
                "SELECT count(*), max(_seq), max(watermark::text) FROM s, millrace.streams m "
                "WHERE m.name = 's'")))
            assert stream_bytes(server, "r") * 20 < stream_bytes(server, "s")
    assert answers[0] == answers[1] == answers[2]


def test_more_bad_rows_than_are_kept():
    with harness.Server() as server:
        path = server.temp / "bad.csv"
        path.write_text("id,at,name,amount\n" + "no,,,\n" * 5000 + "1,,one,2\n")
        with server.connect() as connection:
            create(connection, "s", path, on_bad_row="reject")
            connection.execute("FLUSH")
        assert server.execute("SELECT rejected_rows, rows FROM millrace.streams") == [(5001, 0)]
        kept = server.execute("SELECT line FROM millrace.rejected_rows")
        assert len(kept) == 1000 and kept[-2] == (5001,), kept[-3:]


def test_a_bad_row_stops_behind_the_rows_before_it():
    with harness.Server() as server:
        path = server.temp / "rows.csv"
        write_file(path)
        with open(path, "a") as file:
            file.write("x,,,\n")
        with server.connect() as connection:
            create(connection, "s", path)
            error = fails("55000", lambda: connection.execute("FLUSH"))
            assert 'invalid input syntax for type bigint: "x"' in error.diag.message_detail, error
        assert state(server, "s")[0] == "failed"
        rows = server.execute("SELECT count(*) FROM s")[0][0]
        assert 0 < rows < ROWS, rows        # whole blocks before the bad one's


def test_the_end_marker_ends_the_rows():
    with harness.Server() as server:
        path = server.temp / "rows.csv"
        values = write_file(path, 100)
        with open(path, "a") as file:
            file.write("\\.\n")
        write_file(path, mode="a", first=100, header=False)
        with server.connect() as connection:
            create(connection, "s", path, log="ranges")
            connection.execute("FLUSH")
        same(read(server, "s"), values)
        server.restart(crash=True)
        same(read(server, "s"), values)


def test_drop_while_it_loads():
    with harness.Server() as server:
        path = server.temp / "rows.csv"
        write_file(path)
        with server.connect() as connection:
            for _ in range(10):
                create(connection, "s", path)
                connection.execute("DROP STREAM s")
            create(connection, "s", path)
            connection.execute("FLUSH")
        assert server.execute("SELECT count(*) FROM s") == [(ROWS,)]


# -- ranges -----------------------------------------------------------------------------------------

def test_ranges_are_read_again():
    """After a restart, and when the cache is too small: the same rows, none rejected twice."""
    with harness.Server(settings={"log_cache": "1MB"}) as server:
        path = server.temp / "rows.csv"
        values = write_file(path, bad=True)
        with open(path, "a") as file:
            file.write(f"{ROWS},,no line end,1.00")
        values.append((ROWS, "no line end", "1.00"))
        with server.connect() as connection:
            create(connection, "s", path, on_bad_row="reject")
            connection.execute("CREATE MATERIALIZED VIEW before AS SELECT count(*) AS n, sum(id) AS ids FROM s")
            connection.execute("FLUSH")
        values = [value for value in values if value[0] != ROWS]    # NULL times are rejected
        rejected = server.execute("SELECT rejected_rows FROM millrace.streams")[0][0]
        assert rejected == ROWS // BAD_EVERY + 1, rejected
        same(read(server, "s"), values)
        server.restart(crash=True)
        same(read(server, "s"), values)
        assert server.execute("SELECT rejected_rows FROM millrace.streams") == [(0,)]
        with server.connect() as connection:
            connection.execute("CREATE MATERIALIZED VIEW after AS SELECT count(*) AS n, sum(id) AS ids FROM s")
            connection.execute("FLUSH")
        expected = [(len(values), sum(value[0] for value in values))]
        assert server.execute("SELECT n, ids FROM before") == expected
        assert server.execute("SELECT n, ids FROM after") == expected


def test_a_file_that_grows():
    with harness.Server() as server:
        path = server.temp / "rows.csv"
        values = write_file(path, 500)
        with server.connect() as connection:
            create(connection, "s", path, at_end="wait", log="ranges")
            for step in range(1, 6):
                connection.execute("FLUSH")
                assert connection.execute("SELECT count(*) FROM s").fetchone() == (500 * step,)
                if step == 3:
                    server.restart(crash=True)
                    connection = server.connect()
                values += write_file(path, 500, first=500 * step, mode="a", header=False)
            connection.execute("FLUSH")
        same(read(server, "s"), values)


def test_options_of_then_read_what_was_written_then():
    with harness.Server() as server:
        path = server.temp / "rows.csv"
        path.write_text("1;2026-01-01;a;1\n2;2026-01-01;b;2\n")
        with server.connect() as connection:
            create(connection, "s", path, header="false", delimiter=";", at_end="wait", log="ranges")
            connection.execute("FLUSH")
            connection.execute("ALTER STREAM s SET (delimiter = ',')")
            with open(path, "a") as file:
                file.write("3,2026-01-01,c,3\n")
            connection.execute("FLUSH")
        server.restart(crash=True)
        assert [value[0] for value in read(server, "s")] == [1, 2, 3]


def test_a_file_that_changes_stops_its_stream_only():
    with harness.Server() as server:
        path, other = server.temp / "rows.csv", server.temp / "other.csv"
        values = write_file(path)
        write_file(other)
        with server.connect() as connection:
            create(connection, "s", path)
            create(connection, "o", other)
            connection.execute("CREATE MATERIALIZED VIEW of_o AS SELECT count(*) AS n FROM o")
            connection.execute("FLUSH")
        server.stop()
        before = path.read_bytes()
        with open(path, "r+b") as file:            # the same file, another byte
            file.seek(before.index(b"plain"))
            file.write(b"p1ain")
        server.start()
        error = fails("XX002", lambda: read(server, "s"))
        assert str(path) in str(error) and "log = 'rows'" in error.diag.message_hint, error
        assert state(server, "s")[0] == "input_changed" and str(path) in state(server, "s")[1]
        with server.connect() as connection:
            connection.execute("CREATE MATERIALIZED VIEW of_s AS SELECT count(*) AS n FROM s")
            wait_until(lambda: server.execute("SELECT state FROM millrace.queries WHERE name = 'of_s'") ==
                       [("FAILED",)], 20, "of_s to fail")
            assert "has changed" in server.execute(
                "SELECT error FROM millrace.queries WHERE name = 'of_s'")[0][0]
        assert server.execute("SELECT n FROM of_o") == [(ROWS,)]
        assert server.execute("SELECT count(*) FROM o") == [(ROWS,)]
        with open(path, "r+b") as file:            # as it was
            file.write(before)
        same(read(server, "s"), values)
        assert state(server, "s")[0] != "input_changed", state(server, "s")
        server.execute("ALTER MATERIALIZED VIEW of_s RESUME")
        server.execute("FLUSH")
        assert server.execute("SELECT n FROM of_s") == [(ROWS,)]


def test_a_file_that_goes():
    with harness.Server() as server:
        path, header = server.temp / "rows.csv", server.temp / "header.csv"
        values = write_file(path)
        write_file(header)
        with server.connect() as connection:
            create(connection, "kept", path, log="rows")
            create(connection, "ranged", path)
            create(connection, "mapped", header)
            connection.execute("FLUSH")
        server.stop()
        path.unlink()
        data = header.read_bytes().replace(b"id,at,name,amount", b"id,at,amount,name", 1)
        with open(header, "r+b") as file:
            file.write(data)
        server.start()
        same(read(server, "kept"), values)
        assert "not there" in str(fails("XX002", lambda: read(server, "ranged")))
        assert "header" in str(fails("XX002", lambda: read(server, "mapped")))


def test_when_ranges_cannot_be():
    with harness.Server() as server:
        packed, path = server.temp / "rows.csv.gz", server.temp / "rows.csv"
        values = write_file(path)
        packed.write_bytes(gzip.compress(path.read_bytes(), 1))
        with server.connect() as connection:
            fails("0A000", lambda: create(connection, "s", packed, log="ranges"))
            fails("0A000", lambda: create(connection, "s", path, log="ranges", null_time="arrival"))
            fails("22023", lambda: create(connection, "s", path, log="both"))
            fails("0A000", lambda: connection.execute(
                "CREATE STREAM s (a int, b timestamptz DEFAULT now()) WITH (connector = 'file', "
                f"path = '{path}', log = 'ranges')"))
            create(connection, "s", packed)
            connection.execute("FLUSH")
        packed.unlink()
        server.restart(crash=True)
        same(read(server, "s"), values)


def test_generated_columns_in_ranges():
    with harness.Server() as server:
        path = server.temp / "rows.csv"
        values = write_file(path)
        with server.connect() as connection:
            connection.execute(
                "CREATE STREAM s (id bigint, name text, twice bigint GENERATED ALWAYS AS (id * 2) STORED, "
                "kind text DEFAULT 'file') "
                f"WITH (connector = 'file', path = '{path}', header = true, at_end = 'stop')")
            connection.execute("FLUSH")
        size = stream_bytes(server, "s")
        for _ in range(2):
            rows = server.execute("SELECT count(*), sum(id), sum(twice), count(*) FILTER (WHERE kind = 'file') FROM s")
            total = sum(value[0] for value in values)
            assert rows == [(ROWS, total, 2 * total, ROWS)], rows
            server.restart(crash=True)
        assert size < 100_000, size


def test_check_reads_ranges():
    with harness.Server() as server:
        path = server.temp / "rows.csv"
        write_file(path)
        with server.connect() as connection:
            create(connection, "s", path)
            connection.execute("FLUSH")
        server.stop()

        def check():
            done = subprocess.run([BUILD / "server" / "millraced", "--check", "-D", server.data],
                                  capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr
        code, text = check()
        assert code == 0 and f"of \"{path}\"" in text, text
        with open(path, "r+b") as file:
            file.write(b"ID")
        code, text = check()
        assert code == 1 and "has changed" in text, text
        path.unlink()
        code, text = check()
        assert code == 1 and "not there" in text, text


# -- kill -9 ----------------------------------------------------------------------------------------

def test_kill_while_it_loads():
    """Exactly once, wherever the load is cut; the table is true for what is in the log."""
    rng = random.Random(SEED)
    settings = {"checkpoint_interval": "50ms", "log_segment_size": "1MB", "log_cache": "4MB"}
    for form in ("rows", "ranges"):
        with harness.Server(settings=settings) as server:
            path = server.temp / "rows.csv"
            values = write_file(path, bad=True)
            with server.connect() as connection:
                create(connection, "s", path, log=form, on_bad_row="reject")
                connection.execute("CREATE MATERIALIZED VIEW sums AS SELECT name, count(*) AS n, "
                                   "sum(id) AS ids FROM s GROUP BY name")
            for _ in range(KILLS):
                server.check_alive()
                moment = rng.random() * 0.15
                try:
                    server.process.wait(moment)
                except subprocess.TimeoutExpired:
                    pass
                server.kill()
                server.start()
            server.execute("FLUSH")
            same(read(server, "s"), values)
            expected = {}
            for number, name, _ in values:
                count, total = expected.get(name or None, (0, 0))
                expected[name or None] = (count + 1, total + number)
            got = {name: (n, int(ids)) for name, n, ids in server.execute("SELECT * FROM sums")}
            assert got == expected
            server.stop()
            with sqlite3.connect(server.main_db()) as table:
                rows = table.execute("SELECT name, n, ids FROM sums").fetchall()
            assert {name: (n, int(ids)) for name, n, ids in rows} == expected


harness.main(globals())
