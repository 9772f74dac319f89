#!/usr/bin/env python3
"""tests/file_sink_test.py - sinks that write files: rows come exactly once through kill -9 at every
point of a commit, what others do to a file stops its sink alone, and the rows are the reader's."""
import csv
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402

POINTS = ("target.before_cas", "target.after_cas", "target.before_commit", "target.commit_sent",
          "target.after_commit")
COLUMNS = "id bigint, at timestamp, name text, WATERMARK FOR at AS at"


def fails(sqlstate, call):
    try:
        call()
    except psycopg.Error as error:
        assert error.sqlstate == sqlstate, f"{error.sqlstate} instead of {sqlstate}: {error}"
        return error
    raise AssertionError(f"did not fail with {sqlstate}")


def sink(server, name, path, query, **options):
    text = "".join(", {} = '{}'".format(key, value.replace("'", "''")) for key, value in options.items())
    server.execute(f"CREATE SINK {name} WITH (connector = 'file', path = '{path}'{text}) AS {query}")


def insert(server, first, count):
    server.execute("INSERT INTO s VALUES " + ", ".join(
        f"({i}, timestamp '2026-01-01' + {i} * interval '1 second', 'n{i}')" for i in range(first, first + count)))


def ids(path):
    return [int(line.split(",")[0]) for line in path.read_text().splitlines()]


def state(server, name):
    return server.execute("SELECT state FROM millrace.sinks WHERE name = %s", (name,))[0][0]


def die_at(point):
    """The server dies at the point again and again; the file has each row once, whole windows too."""
    with harness.Server() as server:
        rows, closed = server.temp / "rows.csv", server.temp / "closed.json"
        server.execute(f"CREATE STREAM s ({COLUMNS})")
        sink(server, "rows", rows, "SELECT id, name FROM s")
        sink(server, "closed", closed, "SELECT window_start, count(*) AS n FROM TUMBLE(s, at, INTERVAL '10' SECOND) "
                                       "GROUP BY window_start EMIT ON WINDOW CLOSE")
        server.stop()
        number = 0
        for hit in (1, 2, 3, 4):
            server.launch(env={"MILLRACE_FAULT": f"{point}:{hit}:die"})
            try:
                server.wait_ready()
                for _ in range(6):
                    insert(server, number, 5)
                    number += 5
                    server.execute("FLUSH")
                raise AssertionError(f"the point {point} was not passed")
            except (psycopg.OperationalError, harness.ServerDied):
                pass
            server.kill()
            server.start()
            server.execute("FLUSH")
            number = server.execute("SELECT count(*) FROM s")[0][0]
            assert ids(rows) == list(range(number)), ids(rows)
            windows = [json.loads(line) for line in closed.read_text().splitlines()]
            assert [window["n"] for window in windows] == [10] * ((number - 1) // 10), windows
            server.stop()


def test_die_at_every_point():
    for point in POINTS:
        yield f"each row once, die at {point}", lambda p=point: die_at(p)


def test_killed_while_it_is_made():
    with harness.Server() as server:
        path = server.temp / "out.csv"
        server.stop()
        server.start(env={"MILLRACE_FAULT": "ddl.after_table:1:die"})
        server.execute(f"CREATE STREAM s ({COLUMNS})")
        insert(server, 0, 3)
        fails(None, lambda: sink(server, "late", path, "SELECT id FROM s"))
        server.kill()
        server.start()
        server.execute("FLUSH")
        assert ids(path) == [0, 1, 2]
        server.execute("DROP SINK late")
        assert sorted(os.listdir(server.temp)) == ["data", "out.csv", "server.log"], os.listdir(server.temp)


def test_readers_get_what_was_written():
    """Python's own readers, over text that needs quotes; every type has its JSON form."""
    names = ["plain", 'a "quoted" word', "a,b", "two\nlines", "größer", "", None]
    with harness.Server(settings={"workers": 2}) as server:
        server.execute("CREATE STREAM t (id bigint, name text, amount numeric, flag boolean, tags text[], doc jsonb)")
        paths = [server.temp / name for name in ("a.csv", "b.csv", "c.json")]
        sink(server, "a", paths[0], "SELECT * FROM t", header="true")
        sink(server, "b", paths[1], "SELECT id, name FROM t", delimiter=";", quote="'", null="~")
        sink(server, "c", paths[2], "SELECT * FROM t")
        with server.connect() as connection:
            for i, name in enumerate(names):
                connection.execute("INSERT INTO t VALUES (%s, %s, 1.50, true, ARRAY['x', NULL], '{\"k\": [1]}')",
                                   (i, name))
        server.execute("FLUSH")
        with open(paths[0], newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [row["name"] for row in rows] == [name or "" for name in names], rows
        assert rows[0] == {"id": "0", "name": "plain", "amount": "1.50", "flag": "t", "tags": "{x,NULL}",
                           "doc": '{"k": [1]}'}, rows[0]
        with open(paths[1], newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file, delimiter=";", quotechar="'"))
        assert [row[1] for row in rows] == [name if name is not None else "~" for name in names], rows
        objects = [json.loads(line) for line in paths[2].read_text(encoding="utf-8").splitlines()]
        assert [one["name"] for one in objects] == names, objects
        assert objects[0]["doc"] == {"k": [1]} and objects[0]["flag"] is True, objects[0]


def test_names_as_long_as_can_be():
    """One byte more is refused before any file is made."""
    with harness.Server() as server:
        server.execute(f"CREATE STREAM s ({COLUMNS})")
        path = server.temp / ("n" * 237 + ".csv")
        sink(server, "longest", path, "SELECT id FROM s")
        insert(server, 0, 2)
        server.execute("FLUSH")
        assert ids(path) == [0, 1]
        there = sorted(os.listdir(server.temp))
        error = fails("42622", lambda: sink(server, "longer", server.temp / ("n" * 238 + ".csv"), "SELECT id FROM s"))
        assert "241 bytes" in str(error), error
        assert sorted(os.listdir(server.temp)) == there
        server.restart()
        server.execute("DROP SINK longest")
        assert sorted(os.listdir(server.temp)) == ["data", path.name, "server.log"], os.listdir(server.temp)


def test_others_stop_one_sink_alone():
    with harness.Server() as server:
        one, other = server.temp / "one.csv", server.temp / "other.csv"
        server.execute(f"CREATE STREAM s ({COLUMNS})")
        sink(server, "one", one, "SELECT id FROM s")
        sink(server, "other", other, "SELECT id FROM s")
        insert(server, 0, 3)
        server.execute("FLUSH")
        with open(one, "a", encoding="utf-8") as file:
            file.write("theirs\n")
        insert(server, 3, 3)
        error = fails("55000", lambda: server.execute("FLUSH"))
        assert '"one" cannot be flushed: it is BLOCKED' in str(error), error
        server.execute("SELECT count(*) FROM s")
        harness.server.wait_until(lambda: ids(other) == list(range(6)), 20, "the other sink")
        assert state(server, "other") == "RUNNING"
        server.restart()
        assert one.read_text() == "0\n1\n2\ntheirs\n"      # not cut off by a start either
        one.write_text("0\n1\n2\n")
        server.execute("ALTER SINK one RESUME")
        server.execute("FLUSH")
        assert ids(one) == list(range(6))
        one.unlink()
        insert(server, 6, 1)
        fails("55000", lambda: server.execute("FLUSH"))
        server.execute("DROP SINK one")
        server.execute("FLUSH")
        fails("42P07", lambda: sink(server, "again", other, "SELECT id FROM s") if
              server.execute("DROP SINK other") is None else None)


harness.main(globals())
