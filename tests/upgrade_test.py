#!/usr/bin/env python3
"""tests/upgrade_test.py - a data directory of an older server: what that one took goes on, whatever is
refused today."""
import contextlib
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.server import wait_until  # noqa: E402


def store(server, name, text, older):
    """As if a server that took it had stored `older` for `text` in the definition of `name`."""
    with contextlib.closing(sqlite3.connect(server.data / "catalog.db")) as catalog, catalog:
        changed = catalog.execute("UPDATE objects SET sql = replace(sql, ?, ?) WHERE name = ?",
                                  (text, older, name)).rowcount
    assert changed == 1, f"{name} is not in the catalogue"


def names_of_sessions():
    with harness.Server() as server:
        server.execute("CREATE STREAM s (a integer)")
        server.execute("CREATE MATERIALIZED VIEW v AS SELECT a, 'u' AS u, count(*) AS n FROM s GROUP BY a")
        server.execute("CREATE MATERIALIZED VIEW w AS SELECT u, sum(n) AS n FROM v GROUP BY u")
        try:
            server.execute("CREATE MATERIALIZED VIEW x AS SELECT a, current_user FROM s")
            raise AssertionError("a new one is taken")
        except psycopg.errors.FeatureNotSupported:
            pass
        server.stop()
        store(server, "v", "'u'", "current_user")
        server.start()
        server.execute("INSERT INTO s VALUES (1), (1), (2)")
        server.execute("FLUSH")
        assert server.execute("SELECT * FROM v ORDER BY a") == [(1, "millrace", 2), (2, "millrace", 1)]
        assert server.execute("SELECT * FROM w") == [("millrace", 3)]
        server.execute("DROP MATERIALIZED VIEW v CASCADE")


def one_file_of_two():
    """Two connections to one file go on; the log says that they do."""
    with harness.Server() as server:
        for name in ("a", "b"):
            server.execute(f"CREATE CONNECTION {name} WITH (type = 'sqlite', path = '{name}.db')")
        server.execute("CREATE STREAM s (a integer)")
        server.stop()
        store(server, "b", "'b.db'", "'a.db'")
        server.start()
        assert "connection.file" in server.log_text()
        for name in ("a", "b"):
            server.execute(f"CREATE MATERIALIZED VIEW {name}.v{name} AS SELECT a FROM s")
        server.execute("INSERT INTO s VALUES (1)")
        server.execute("FLUSH")
        assert server.execute("SELECT a FROM va UNION ALL SELECT a FROM vb") == [(1,), (1,)]


def sources():
    """A relative path means what it meant, a column that datagen does not find stops its stream alone."""
    with harness.Server() as server:
        (server.temp / "rows.csv").write_text("7\n")
        server.execute(f"CREATE STREAM f (a int) WITH (connector = 'file', path = '{server.temp}/rows.csv')")
        server.execute("CREATE STREAM d (a int) WITH (connector = 'datagen', rows = 1, fields.a.min = 1)")
        server.stop()
        store(server, "f", f"{server.temp}/rows.csv", "rows.csv")      # the server runs there
        store(server, "d", "fields.a.min", "fields.z.min")
        server.start()
        wait_until(lambda: server.execute("SELECT a FROM f") == [(7,)], 30, "the row of the file")


def test_standing_queries():
    yield "a view with current_user", names_of_sessions


def test_connections():
    yield "two connections to one file", one_file_of_two


def test_sources():
    yield "a relative path and a column that is not there", sources


if __name__ == "__main__":
    harness.main(globals())
