#!/usr/bin/env python3
"""tests/target_faults_test.py - what happens to a target that no other suite does to it: refused rows and a
kill -9, a restored backup, a PostgreSQL that stands still, a view that is taken back from a copy."""
import itertools
import os
import shutil
import signal
import socket
import struct
import sys
import threading
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.server import wait_until  # noqa: E402

POINTS = ("target.before_cas", "target.after_cas", "target.before_commit", "target.commit_sent",
          "target.after_commit")


class Target:
    """A SQLite file or a PostgreSQL, as connection `t`."""

    def __init__(self, server, pg):
        self.pg, self.file = pg, server.temp / "target.db"
        self.sql = pg.connection_sql("t") if pg else [
            f"CREATE CONNECTION t WITH (type = 'sqlite', path = '{self.file}')"]
        self.progress = "millrace.progress" if pg else "millrace_progress"

    def execute(self, sql):
        return self.pg.execute(sql) if self.pg else list(map(tuple, harness.sqlite_table(self.file, sql)))

    def change(self, *statements):
        if self.pg:
            with self.pg.connect() as connection:
                for sql in statements:
                    connection.execute(sql)
            return
        import sqlite3
        connection = sqlite3.connect(self.file, timeout=30, isolation_level=None)
        for sql in statements:
            connection.execute(sql)
        connection.close()

    def values(self, view="v"):
        return [row[0] for row in self.execute(f"SELECT a FROM {view} ORDER BY a")]


def clean(pg):
    with pg.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS millrace CASCADE")
        for table, in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(f'DROP TABLE "{table}"')


def with_targets(call):
    yield "sqlite", lambda: call(None)
    with harness.Postgres() as pg:
        yield "postgres", lambda: call(pg)


def state(server, view="v"):
    return server.execute(f"SELECT state FROM millrace.queries WHERE name = '{view}'")[0][0]


# -- rows that the target refuses ------------------------------------------------------------------

def die_with_letters(pg, point):
    """Each row is in the result or among the dead letters, once, wherever the server dies."""
    with harness.Server(settings={"target_retry_max": "200ms"}) as server:
        target = Target(server, pg)
        for sql in target.sql + ["CREATE STREAM s (a bigint, b bigint)"]:
            server.execute(sql)
        target.change("CREATE TABLE plain (a bigint, b bigint CHECK (b < 5))" if pg else
                      "CREATE TABLE plain (a INTEGER, b INTEGER CHECK (b < 5))")
        server.execute("CREATE SINK v INTO t.plain WITH (on_sink_error = 'dead_letter') AS SELECT a, b FROM s")
        server.execute("FLUSH")
        sent = 0
        for hit in (1, 2, 3):
            server.stop()
            server.launch(env={"MILLRACE_FAULT": f"{point}:{hit}:die"})
            try:
                server.wait_ready()
                for _ in range(4):
                    rows = [(sent + i, (sent + i) % 7) for i in range(10)]
                    server.copy("COPY s FROM STDIN", "".join(f"{a}\t{b}\n" for a, b in rows).encode())
                    sent += 10
                    server.execute("FLUSH")
                raise AssertionError(f"{point} was not passed {hit} times")
            except (psycopg.OperationalError, harness.ServerDied):
                pass
            server.kill()
            server.start()
            server.execute("FLUSH")
            sent, = server.execute("SELECT count(*) FROM s")[0]
            taken = target.execute("SELECT a FROM plain ORDER BY a")
            dead = sorted(target.execute("SELECT row FROM v_dead"))
            assert taken == [(a,) for a in range(sent) if a % 7 < 5], taken
            assert dead == sorted((f"({a}, {a % 7})",) for a in range(sent) if a % 7 >= 5), dead
            assert server.execute("SELECT dead_rows FROM millrace.sinks")[0][0] == len(dead)


def test_dead_letters():
    for point in POINTS:
        yield f"sqlite, die at {point}", lambda p=point: die_with_letters(None, p)
    with harness.Postgres() as pg:
        for point in POINTS:
            def call(p=point):
                clean(pg)
                die_with_letters(pg, p)
            yield f"postgres, die at {point}", call


# -- a target that has lost commits ----------------------------------------------------------------

def restored(pg):
    """Rows and progress go back together, while the server runs: it sends what is missing once more."""
    with harness.Server(settings={"target_retry_max": "200ms"}) as server:
        target = Target(server, pg)
        for sql in target.sql + ["CREATE STREAM s (a bigint)", "CREATE MATERIALIZED VIEW t.v AS SELECT a FROM s",
                                 "INSERT INTO s VALUES (1), (2), (3)", "FLUSH"]:
            server.execute(sql)
        epoch, sequence = target.execute(f"SELECT epoch, sequence FROM {target.progress}")[0]
        for a in (4, 5, 6):
            server.execute(f"INSERT INTO s VALUES ({a})")
            server.execute("FLUSH")
        target.change("BEGIN", "DELETE FROM v WHERE a > 3",
                      f"UPDATE {target.progress} SET epoch = {epoch}, sequence = {sequence}", "COMMIT")
        server.execute("INSERT INTO s VALUES (7)")
        server.execute("FLUSH")
        assert target.values() == [1, 2, 3, 4, 5, 6, 7], target.values()
        assert "target.rewind" in server.log_text(), server.log_tail()


def test_restored_backup():
    yield from with_targets(restored)


def test_restored_beyond_what_is_kept():
    """Neither the state from then nor the rows are kept: the view stops, and says so, rather than count too few."""
    with harness.Server(virtual_clock=True) as server:
        target = Target(server, None)
        for sql in ["SET CLOCK TO '2026-01-10 00:00:00+00'"] + target.sql + [
                "CREATE STREAM s (a bigint) WITH (retention = '1 day')", "CREATE STREAM whole (a bigint)",
                "CREATE MATERIALIZED VIEW t.v AS SELECT count(*) AS a FROM s",
                "CREATE MATERIALIZED VIEW t.w AS SELECT count(*) AS a FROM whole",
                "INSERT INTO s VALUES (1), (2)", "INSERT INTO whole VALUES (1), (2)", "FLUSH"]:
            server.execute(sql)
        before = target.execute("SELECT query_id, epoch, sequence FROM millrace_progress")
        for day in (20, 25, 28):
            server.restart()
            server.execute(f"SET CLOCK TO '2026-01-{day} 00:00:00+00'")
            for stream in ("s", "whole"):
                server.execute(f"INSERT INTO {stream} VALUES (3)")
            server.execute("FLUSH")
            server.execute(f"SET CLOCK TO '2026-01-{day} 00:05:00+00'")
            if day > 20:
                wait_until(lambda: server.execute("SELECT count(*) FROM s") == [(1,)], 30, "rows to be trimmed")
        server.stop()
        target.change(*[f"UPDATE millrace_progress SET epoch = {epoch}, sequence = {sequence} "
                        f"WHERE query_id = '{query}'" for query, epoch, sequence in before])
        server.start()
        wait_until(lambda: state(server) == "FAILED", 30, "the view to stop")
        error, = server.execute("SELECT error FROM millrace.queries WHERE name = 'v'")[0]
        assert error.startswith("MR002 "), error
        wait_until(lambda: target.values("w") == [5], 30, "the other view, all of whose rows are kept")
        server.execute("REFRESH MATERIALIZED VIEW v")
        wait_until(lambda: target.values("v") == [1], 30, "the view to count what is kept")


# -- a target that stands still --------------------------------------------------------------------

def test_stopped_postgres():
    """SIGSTOP: nobody answers and nothing is closed.  The rest of the server goes on; then so does the view."""
    with harness.Postgres() as pg, harness.Server(settings={"target_retry_max": "200ms"}) as server:
        target = Target(server, pg)
        for sql in target.sql + ["CREATE STREAM s (a bigint)", "CREATE MATERIALIZED VIEW t.v AS SELECT a FROM s",
                                 "CREATE MATERIALIZED VIEW beside AS SELECT a FROM s",
                                 "INSERT INTO s VALUES (1)", "FLUSH"]:
            server.execute(sql)
        pids = [pid for pid, in pg.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'millrace'")]
        pids.append(int((Path(pg.data) / "postmaster.pid").read_text().split()[0]))
        try:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
            for a in range(2, 50):
                server.execute(f"INSERT INTO s VALUES ({a})")
            wait_until(lambda: len(harness.sqlite_table(server.main_db(), "SELECT a FROM beside")) == 49, 30,
                       "the view beside it")
            assert server.execute("SELECT count(*) FROM s") == [(49,)]
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)
        server.execute("FLUSH")
        assert target.values() == list(range(1, 50)), target.values()


# -- what is no database of ours any more ----------------------------------------------------------

def spoiled_file(spoil):
    """What stands in a SQLite target's place is left as it is; with the file put back the view goes on."""
    with harness.Server() as server:
        target = Target(server, None)
        for sql in target.sql + ["CREATE STREAM s (a bigint)", "CREATE MATERIALIZED VIEW t.v AS SELECT a FROM s",
                                 "CREATE MATERIALIZED VIEW beside AS SELECT a FROM s",
                                 "INSERT INTO s VALUES (1)", "FLUSH"]:
            server.execute(sql)
        server.stop()
        away = target.file.with_suffix(".away")
        target.file.rename(away)
        spoil(target.file)
        found = target.file.read_bytes() if target.file.exists() else None
        server.start()
        wait_until(lambda: state(server) == "BLOCKED", 30, "the view to be BLOCKED")
        server.execute("INSERT INTO s VALUES (2)")
        wait_until(lambda: len(harness.sqlite_table(server.main_db(), "SELECT a FROM beside")) == 2, 30,
                   "the view beside it")
        assert found == (target.file.read_bytes() if target.file.exists() else None), "the file was changed"
        away.rename(target.file)

        def resumed():                      # the first one may find that the file was replaced again
            server.execute("ALTER MATERIALIZED VIEW v RESUME")
            wait_until(lambda: state(server) in ("RUNNING", "BLOCKED"), 30, "an answer of the target")
            return state(server) == "RUNNING"
        wait_until(resumed, 30, "the view to go on")
        server.execute("FLUSH")
        assert target.values() == [1, 2], target.values()


def test_spoiled_file():
    def another(path):
        import sqlite3
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode = wal")
            connection.execute("CREATE TABLE v (a INTEGER)")
        connection.close()
    yield "gone", lambda: spoiled_file(lambda path: None)
    yield "not a database", lambda: spoiled_file(lambda path: path.write_bytes(b"no database at all " * 300))
    yield "another database", lambda: spoiled_file(another)


def test_errors_without_sqlstate():
    """A server that says no more than "boom", and one that says nothing anybody knows: an error, and no more."""
    with socket.create_server(("127.0.0.1", 0)) as listener, harness.Server() as server:
        answers = [b"E" + struct.pack("!I", 4 + len(body)) + body
                   for body in (b"SFATAL\0Mboom\0\0", b"SFATAL\0CXX\0Mboom\0\0", b"\0")] + [b"E\xff\xff\xff\xff", b"?" * 64]

        def serve():
            for number in itertools.count():
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.recv(4096)
                    client.sendall(answers[number % len(answers)])
        threading.Thread(target=serve, daemon=True).start()
        server.execute(f"CREATE CONNECTION t WITH (type = 'postgres', dsn = 'host=127.0.0.1 "
                       f"port={listener.getsockname()[1]} user=x dbname=x connect_timeout=5')")
        server.execute("CREATE STREAM s (a bigint)")
        for number in range(len(answers)):
            try:
                server.execute(f"CREATE MATERIALIZED VIEW t.v{number} AS SELECT a FROM s")
                raise AssertionError("a view at a server that is none")
            except psycopg.OperationalError as error:
                assert error.sqlstate, error
            except psycopg.Error as error:
                assert error.sqlstate, error
        server.check_alive()


# -- two servers -----------------------------------------------------------------------------------

def take_over(pg):
    """The server that was fenced off by a copy of itself takes its view back, and the copy is fenced."""
    first, second = harness.Server(), harness.Server()
    try:
        if pg:
            clean(pg)
        target = Target(first, pg)
        first.start()
        for sql in target.sql + ["CREATE STREAM s (a bigint)", "CREATE MATERIALIZED VIEW t.v AS SELECT a FROM s",
                                 "INSERT INTO s VALUES (1), (2), (3)", "FLUSH"]:
            first.execute(sql)
        try:
            first.execute("ALTER MATERIALIZED VIEW v TAKE OVER")
            raise AssertionError("TAKE OVER of a view that nobody else has")
        except psycopg.Error as error:
            assert error.sqlstate == "55000", error
        first.process.send_signal(signal.SIGSTOP)
        shutil.copytree(first.data, second.data, dirs_exist_ok=True,
                        ignore=lambda _, names: [n for n in names if n.startswith(".s.")])
        first.process.send_signal(signal.SIGCONT)
        os.chmod(second.data, 0o700)
        second.start()
        second.execute("FLUSH")
        first.execute("INSERT INTO s VALUES (100)")
        wait_until(lambda: state(first) == "FENCED", 30, "the first server to be FENCED")
        first.execute("ALTER MATERIALIZED VIEW v TAKE OVER")
        first.execute("FLUSH")
        assert target.values() == [1, 2, 3, 100], target.values()
        assert state(first) == "RUNNING", state(first)
        second.execute("INSERT INTO s VALUES (4)")
        wait_until(lambda: state(second) == "FENCED", 30, "the copy to be FENCED")
        first.restart(crash=True)           # its generation is stored
        first.execute("INSERT INTO s VALUES (101)")
        first.execute("FLUSH")
        assert target.values() == [1, 2, 3, 100, 101], target.values()
    finally:
        first.destroy()
        second.destroy()


def test_a_file_by_other_names():
    """Links of both kinds lead to a file that has its writer; also one to a file that is not there yet."""
    with harness.Server() as server:
        names = {"soft": server.temp / "soft.db", "hard": server.temp / "hard.db", "later": server.temp / "later.db",
                 "directory": server.temp / "directory" / "target.db", "own": server.temp / "own.db",
                 "frames": server.temp / "frames.db"}
        os.symlink(server.data, server.temp / "directory")
        os.symlink("soft.db", names["later"])
        os.symlink(server.data / "target.db", names["soft"])
        server.execute("CREATE STREAM s (a integer)")
        server.execute("CREATE MATERIALIZED VIEW beside AS SELECT a FROM s")
        server.execute("FLUSH")
        os.link(server.main_db(), names["hard"])
        os.symlink(server.data / "catalog.db", names["own"])
        os.link(next((server.data / "log").glob("*.seg")), names["frames"])
        server.execute("CREATE CONNECTION t WITH (type = 'sqlite', path = 'target.db')")
        for _ in range(2):
            for name, path in names.items():
                try:
                    server.execute(f"CREATE CONNECTION no WITH (type = 'sqlite', path = '{path}')")
                    raise AssertionError(f"{name} is taken")
                except psycopg.Error as error:
                    assert error.sqlstate == ("42501" if name in ("own", "frames") else "55006"), (name, error)
            server.execute("CREATE MATERIALIZED VIEW IF NOT EXISTS t.v AS SELECT a FROM s")    # now it is made
            server.execute("FLUSH")


def test_one_server_a_directory():
    """The second one says who has it, and goes; the first one notices nothing."""
    with harness.Server() as first:
        second = harness.Server(data=first.data)
        port = (first.data / "port").read_text()
        try:
            second.launch()
            second.process.wait(60)
            assert second.process.returncode == 1, second.process.returncode
            assert f"another server (pid {first.process.pid}) uses the data directory" in second.log_text()
            (first.data / "port").write_text(port)      # the harness has removed it
            assert first.execute("SELECT 1") == [(1,)]
        finally:
            second.process = None
            second.destroy()


def test_take_over():
    yield from with_targets(take_over)


harness.main(globals())
