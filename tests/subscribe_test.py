#!/usr/bin/env python3
"""tests/subscribe_test.py - SUBSCRIBE: rows as they change, through both protocols, limited portals,
cursors and COPY; the rows that come add up to what the view holds; cancel; a client that is slow.
"""
import os
import random
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.paths import patience  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.wire import SYNC, Wire, bind, errors, execute, kinds, message, parse, rows  # noqa: E402

FLUSH = message(b"H")
SEED = harness.seed()


def prepare(server):
    with server.connect() as connection:
        connection.execute("CREATE STREAM s (k text, v integer)")
        connection.execute("CREATE MATERIALIZED VIEW sums AS SELECT k, sum(v) AS total, count(*) AS n "
                           "FROM s GROUP BY k")


def fetch(connection, count="ALL"):
    return [tuple(row) for row in connection.execute(f"FETCH {count} c").fetchall()]


def without_seq(rows):
    return sorted((row[1:] for row in rows), key=repr)


def test_cursor():
    """Snapshot first, then each change with the row that it replaces; other sessions' rows too."""
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("INSERT INTO s VALUES ('a', 1), ('b', 2), ('a', 3), (NULL, 5)")
            reader.execute("BEGIN")
            reader.execute("DECLARE c CURSOR FOR SUBSCRIBE TO sums")
            assert without_seq(fetch(reader)) == [
                (1, "a", 4, 2), (1, "b", 2, 1), (1, None, 5, 1)], "the snapshot"
            assert fetch(reader) == []
            writer.execute("INSERT INTO s VALUES ('a', 10), ('c', 1)")
            assert without_seq(fetch(reader)) == [
                (-1, "a", 4, 2), (1, "a", 14, 3), (1, "c", 1, 1)]
            writer.execute("INSERT INTO s VALUES ('b', 1), ('b', 1)")
            first = fetch(reader, 1)
            rest = fetch(reader, 5)
            assert without_seq(first) == [(-1, "b", 2, 1)], first
            assert without_seq(rest) == [(1, "b", 4, 3)], rest
            assert rest[0][0] == first[0][0], "both are true for one place of the log"
            reader.execute("CLOSE c")
            reader.execute("COMMIT")


def test_options():
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("INSERT INTO s VALUES ('a', 1)")
            reader.execute("BEGIN")
            reader.execute("DECLARE c CURSOR FOR SUBSCRIBE (SELECT k, v FROM s WHERE v > 0) "
                           "WITH (snapshot = false, progress = true)")
            assert all(row[1:] == (0, None, None) for row in fetch(reader))
            writer.execute("INSERT INTO s VALUES ('x', 7), ('y', -1)")
            rows = fetch(reader)
            assert (1, "x", 7) in [row[1:] for row in rows], rows
            assert rows[-1][1:] == (0, None, None), rows
            assert [row[0] for row in rows] == sorted(row[0] for row in rows)
            for sql, state in (("SUBSCRIBE TO nosuch", "42P01"),
                               ("SUBSCRIBE TO sums WITH (nosuch = 1)", "22023"),
                               ("SUBSCRIBE (SELECT 1)", "0A000"),
                               ("SUBSCRIBE (SELECT k FROM s ORDER BY k)", "0A000"),
                               ("SUBSCRIBE TO millrace.queries", "0A000")):
                try:
                    writer.execute(sql)
                except psycopg.Error as error:
                    assert error.sqlstate == state, (sql, error.sqlstate, error)
                else:
                    raise AssertionError(f"no error: {sql}")


def test_changes_only():
    """snapshot = false over what changes: of counts that go on, not of those since then."""
    with harness.Server() as server:
        with server.connect() as writer, server.connect() as reader:
            writer.execute("CREATE TABLE t (a integer PRIMARY KEY)")
            writer.execute("CREATE MATERIALIZED VIEW counts AS SELECT count(*) AS n FROM t")
            writer.execute("CREATE MATERIALIZED VIEW since WITH (snapshot = false) AS SELECT count(*) AS n FROM t")
            for query, before in (("SUBSCRIBE (SELECT count(*) FROM t) WITH (snapshot = false)", 2),
                                         ("SUBSCRIBE TO counts WITH (snapshot = false)", 2),
                                         ("SUBSCRIBE TO since", None)):
                writer.execute("DELETE FROM t")
                writer.execute("INSERT INTO t VALUES (1), (2)")
                reader.execute("BEGIN")
                reader.execute(f"DECLARE c CURSOR FOR {query}")
                assert without_seq(fetch(reader)) == ([] if before else [(1, 2)]), query
                writer.execute("DELETE FROM t WHERE a = 1")
                assert without_seq(fetch(reader)) == [(-1, 2), (1, 1)], query
                reader.execute("COMMIT")


def test_stream_and_cancel():
    """psycopg's stream() reads row by row; a cancel ends it, and the session goes on."""
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("INSERT INTO s VALUES ('a', 1)")
            seen = []
            failure = []

            def read():
                try:
                    for row in reader.cursor().stream("SUBSCRIBE TO sums"):
                        seen.append(row[1:])
                except psycopg.errors.QueryCanceled as error:
                    failure.append(error)

            thread = threading.Thread(target=read)
            thread.start()
            wait_until(lambda: len(seen) == 1, 10, "the snapshot")
            for i in range(5):
                writer.execute("INSERT INTO s VALUES ('a', 1)")
                wait_until(lambda i=i: (1, "a", i + 2, i + 2) in seen, 10, "a change")
            reader.cancel()
            thread.join(patience(10))
            assert not thread.is_alive() and len(failure) == 1, failure
            assert reader.execute("SELECT count(*) FROM sums").fetchone() == (1,)
            writer.execute("FLUSH")


def test_copy():
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("INSERT INTO s VALUES ('a', 1), ('b', NULL)")
            lines = []

            def read():
                try:
                    with reader.cursor().copy("COPY (SUBSCRIBE (SELECT k, v FROM s)) TO STDOUT "
                                              "(FORMAT csv, HEADER)") as copy:
                        for data in copy:
                            lines.append(bytes(data).decode())
                except psycopg.Error:
                    pass

            thread = threading.Thread(target=read)
            thread.start()
            wait_until(lambda: len(lines) == 3, 10, "the snapshot")
            assert lines[0] == "mr_seq,mr_diff,k,v\n", lines
            assert sorted(line.split(",", 1)[1] for line in lines[1:]) == ["1,a,1\n", "1,b,\n"]
            writer.execute("INSERT INTO s VALUES ('c', 3)")
            wait_until(lambda: len(lines) == 4, 10, "a row")
            reader.cancel()
            thread.join(patience(10))
            assert not thread.is_alive()


def test_adds_up():
    """The sum of all that came is the view, whatever cuts there were; also over a view of a view."""
    rng = random.Random(SEED)
    print(f"# seed {SEED}")
    with harness.Server(settings={"batch_rows": 7}) as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("CREATE MATERIALIZED VIEW big AS SELECT n, count(*) AS keys, max(total) AS m "
                           "FROM sums WHERE total > 3 GROUP BY n")
            reader.execute("BEGIN")
            reader.execute("DECLARE c CURSOR FOR SUBSCRIBE TO big")
            held = {}
            for _ in range(60):
                writer.execute("INSERT INTO s VALUES " + ", ".join(
                    f"('{rng.choice('abcdefgh')}', {rng.randint(-5, 9)})"
                    for _ in range(rng.randint(1, 20))))
                for row in fetch(reader):
                    assert abs(row[1]) == 1, row
                    held[row[2:]] = held.get(row[2:], 0) + row[1]
                    assert held[row[2:]] in (0, 1), (row, held)
            writer.execute("FLUSH")
            assert sorted(row for row, weight in held.items() if weight) == \
                sorted(tuple(row) for row in writer.execute("SELECT n, keys, m FROM big").fetchall())


def test_limited_portal():
    """Execute with a row limit (what JDBC's fetch size does) suspends and goes on."""
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer:
            writer.execute("INSERT INTO s VALUES ('a', 1), ('b', 2), ('c', 3)")
        with Wire(server) as client:
            client.send(parse("SUBSCRIBE TO sums") + bind() + execute(limit=2) + FLUSH)
            first = client.until(b"s")
            assert kinds(first).count("D") == 2, kinds(first)
            client.send(execute(limit=2) + FLUSH)
            second = client.until(b"s")
            assert kinds(second).count("D") == 1, kinds(second)
            with server.connect() as writer:
                writer.execute("INSERT INTO s VALUES ('a', 1)")
            client.send(execute(limit=5) + FLUSH)
            third = client.until(b"s")
            assert kinds(third).count("D") == 2, kinds(third)


def resident_mb(server):
    with open(f"/proc/{server.process.pid}/status", encoding="ascii") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) // 1024


def write_wide(writer, first, rows):
    """Rows of a thousand bytes, each with its number."""
    with writer.cursor().copy("COPY wide FROM STDIN") as copy:
        copy.write("".join(f"{i}\t{'x' * 1000}\n" for i in range(first, first + rows)))
    writer.execute("FLUSH")


def subscribe_wide(reader):
    reader.pgconn.send_query(b"SUBSCRIBE (SELECT id, t FROM wide)")
    reader.pgconn.set_single_row_mode()
    reader.pgconn.flush()


def test_slow_client():
    """A client that does not read holds up nobody, costs no memory, and gets every row later."""
    with harness.Server(settings={"log_cache": "1MB"}) as server:
        with server.connect() as writer, server.connect() as reader:
            writer.execute("CREATE STREAM wide (id integer, t text)")
            subscribe_wide(reader)
            for batch in range(6):      # 24 MB: sockets are full, and the query stands still
                write_wide(writer, batch * 4000, 4000)
            before = resident_mb(server)
            for batch in range(6, 20):  # 56 MB that nobody has asked for yet
                write_wide(writer, batch * 4000, 4000)
            after = resident_mb(server)
            print(f"# resident: {before} MB, and {after} MB after 56 MB that the client has not read")
            if not os.environ.get("MILLRACE_SANITIZER"):
                assert after < before + 28, "what waits for the client is in memory"
            seen = []
            while len(seen) < 80000:
                result = reader.pgconn.get_result()
                assert result.status == psycopg.pq.ExecStatus.SINGLE_TUPLE, result.error_message
                seen.append(int(result.get_value(0, 2)))
            assert seen == list(range(80000)), "each row once, in order"
            reader.pgconn.get_cancel().cancel()
            result = reader.pgconn.get_result()
            assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"57014"
            assert reader.pgconn.get_result() is None


def test_passed_by_retention():
    """Rows are not kept for a client that does not read: it is told behind which row they end."""
    with harness.Server(settings={"log_cache": "1MB"}, virtual_clock=True) as server:
        with server.connect() as writer, server.connect() as reader:
            writer.execute("SET CLOCK = '2026-01-01 00:00:00'")
            writer.execute("CREATE STREAM wide (id integer, t text) WITH (retention = '1 hour')")
            subscribe_wide(reader)
            for batch in range(8):
                write_wide(writer, batch * 4000, 4000)
            writer.execute("SET CLOCK = '2026-01-01 03:00:00'")
            write_wide(writer, 32000, 1)

            def kept():
                return writer.execute("SELECT count(*) FROM wide").fetchone()[0]
            wait_until(lambda: kept() == 1, 60, "the old rows to go")
            rows = 0
            while True:
                result = reader.pgconn.get_result()
                if result is None or result.status != psycopg.pq.ExecStatus.SINGLE_TUPLE:
                    break
                rows += 1
            assert result is not None and rows < 32000, rows
            assert result.error_field(psycopg.pq.DiagnosticField.SQLSTATE) == b"53400", \
                result.error_message
            assert b"behind sequence" in result.error_message, result.error_message
            assert reader.pgconn.get_result() is None
            reader.execute("BEGIN")
            reader.execute("DECLARE c CURSOR FOR SUBSCRIBE (SELECT id FROM wide)")
            assert [row[2] for row in fetch(reader)] == [32000], "it can begin again"


def test_slow_cursor():
    """What came between two FETCHes is netted: they add up to the result, whenever they are."""
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            reader.execute("BEGIN")
            reader.execute("DECLARE c CURSOR FOR SUBSCRIBE TO sums")
            fetch(reader)
            held = {}
            for turn in range(3):
                for i in range(100):
                    writer.execute("INSERT INTO s VALUES (%s, %s)", (f"k{i % 5}", turn * 100 + i))
                rows = fetch(reader)
                assert len(rows) <= 200, "a change of a key replaces one before it"
                for _, diff, *row in rows:
                    held[tuple(row)] = held.get(tuple(row), 0) + diff
            expected = {tuple(row): 1 for row in writer.execute("SELECT * FROM sums").fetchall()}
            assert {row: n for row, n in held.items() if n != 0} == expected


def test_stopped_view():
    """What reads a view that has stopped comes as far as its table, and no further."""
    with harness.Server() as server:
        with server.connect() as writer:
            writer.execute("CREATE STREAM d (id integer, v integer)")
            writer.execute("CREATE MATERIALIZED VIEW strict WITH (on_error = 'stop') AS "
                           "SELECT id, 10 / v AS q FROM d")
            writer.execute("CREATE MATERIALIZED VIEW reader AS SELECT id FROM strict")
            writer.execute("INSERT INTO d VALUES (1, 1), (2, 2), (3, 0), (4, 4)")

            def rows():
                return harness.sqlite_table(server.main_db(), "SELECT id FROM reader ORDER BY id")

            def said(view):
                return " ".join(row[0] for row in
                                writer.execute(f"EXPLAIN PROGRESS {view}").fetchall())

            wait_until(lambda: rows() == [[1], [2]], 20, "the rows before the one that failed")
            # The rows are there before anybody has tried the one that fails.
            wait_until(lambda: "has stopped" in said("strict"), 20, "the failure")
            assert "division by zero" in said("strict"), said("strict")
            wait_until(lambda: 'waits for "strict"' in said("reader"), 20, "its reader's word of it")
            assert rows() == [[1], [2]], rows()


def declared(reader, sql):
    """What a fresh cursor for the subscription gives at once."""
    reader.execute("BEGIN")
    reader.execute(f"DECLARE c CURSOR FOR {sql}")
    rows = fetch(reader)
    reader.execute("ROLLBACK")
    return rows


def error_of(connection, sql):
    try:
        connection.execute(sql)
    except psycopg.Error as error:
        return error
    raise AssertionError(f"no error: {sql}")


def test_after():
    """AFTER the mr_seq of the last rows that came goes on without a loss and without a repetition,
    over streams, tables, views and queries, also when the server was killed between."""
    rng = random.Random(SEED)
    subscriptions = ["TO s", "TO sums", "TO t", "(SELECT k, count(*) FROM s GROUP BY k)",
                     "(SELECT v + 1 FROM s WHERE v > 2 UNION ALL SELECT id FROM t)",
                     "(SELECT sums.k, t.v FROM sums JOIN t ON t.id = sums.n)"]
    with harness.Server() as server:
        prepare(server)
        places, held = [0] * len(subscriptions), [{} for _ in subscriptions]
        with server.connect() as writer:
            writer.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
            writer.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 9) AS i")
        for turn in range(6):
            if turn == 3:
                server.kill()
                server.start()
            with server.connect() as writer, server.connect() as reader:
                for _ in range(rng.randrange(4)):
                    writer.execute("INSERT INTO s SELECT 'k' || i %% 3, i FROM generate_series(1, %s) AS i",
                                   [rng.randrange(1, 6)])
                    writer.execute("UPDATE t SET v = v + 1 WHERE id %% 3 = %s", [rng.randrange(3)])
                for i, sql in enumerate(subscriptions):
                    for sequence, diff, *row in declared(reader, f"SUBSCRIBE {sql} AFTER {places[i]}"):
                        assert sequence > places[i] or sequence == 0, (sql, sequence, places[i])
                        held[i][tuple(row)] = held[i].get(tuple(row), 0) + diff
                        last = sequence
                    places[i] = max(places[i], last) if held[i] else 0
                    whole = {}
                    for _, diff, *row in declared(reader, f"SUBSCRIBE {sql}"):
                        whole[tuple(row)] = whole.get(tuple(row), 0) + diff
                    assert {row: n for row, n in held[i].items() if n} == whole, (sql, turn)


def test_without_snapshot():
    """Changes from now on are those of the whole answer, not of one that begins now."""
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM s")
            for sql in ("TO n", "(SELECT count(*) FROM s)"):
                assert declared(reader, f"SUBSCRIBE {sql} WITH (snapshot = false)") == [], "nothing is news"
            writer.execute("INSERT INTO s VALUES ('a', 1)")
            for sql in ("TO sums", "(SELECT k, sum(v), count(*) FROM s GROUP BY k)"):
                n = writer.execute("SELECT n FROM n").fetchone()[0]
                reader.execute("BEGIN")
                reader.execute(f"DECLARE c CURSOR FOR SUBSCRIBE {sql} WITH (snapshot = false)")
                assert fetch(reader) == []
                writer.execute("INSERT INTO s VALUES ('a', 1)")
                assert without_seq(fetch(reader)) == [(-1, "a", n, n), (1, "a", n + 1, n + 1)]
                reader.execute("ROLLBACK")


def test_after_parameter():
    """AFTER $1, of type bigint: by raw messages, as asyncpg and JDBC send them, and from drivers."""
    def described(wire, sql):
        wire.send(parse(sql) + message(b"D", b"S\0") + FLUSH)
        return dict(wire.until(b"T" if sql.startswith("SUBSCRIBE") else b"n"))[b"t"]

    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, Wire(server) as wire:
            for number in range(1, 4):
                writer.execute("INSERT INTO s VALUES ('a', %s)", [number])
            places = [row[0] for row in declared(writer, "SUBSCRIBE (SELECT v FROM s) AFTER 0")]
            place = declared(writer, f"SUBSCRIBE (SELECT v FROM s) AFTER {places[-1] - 1}")[0][0] - 1
            int8 = struct.pack("!hi", 1, 20)
            assert described(wire, "SUBSCRIBE TO (SELECT v FROM s) AFTER $1") == int8
            for values, formats in (([str(place).encode()], ()), ([struct.pack("!q", place)], (1,))):
                wire.send(bind(values, formats=formats) + execute(limit=1) + FLUSH)
                row, = rows(wire.until(b"s"))
                assert row[1:] == [b"1", b"3"], row
                wire.ask(SYNC)
                wire.send(parse("SUBSCRIBE TO (SELECT v FROM s) AFTER $1"))
            wire.ask(SYNC)
            for value, state in ((None, "22004"), (b"-1", "22003"), (b"100000", "22023"), (b"x", "22P02"),
                                 (b"99999999999999999999", "22003")):
                answer = wire.ask(parse("SUBSCRIBE TO sums AFTER $1") + bind([value]) + execute() + SYNC)
                assert errors(answer) == [state], (value, errors(answer))
            for sql in ("SUBSCRIBE TO sums AFTER $2", "SUBSCRIBE TO (SELECT v FROM s WHERE v > $2) AFTER $1"):
                answer = wire.ask(parse(sql) + SYNC)
                assert errors(answer) == ["42P18" if "WHERE" not in sql else "42P02"], (sql, errors(answer))
            answer = wire.ask(message(b"Q", b"SUBSCRIBE TO sums AFTER $1\0"))
            assert errors(answer) == ["42P02"], errors(answer)
            # A cursor, declared by a statement with a parameter, as psycopg's server-side cursors are.
            wire.ask(message(b"Q", b"BEGIN\0"))
            sql = "DECLARE c CURSOR FOR SUBSCRIBE (SELECT v FROM s) AFTER $1"
            assert described(wire, sql) == int8
            wire.ask(bind([str(place).encode()]) + execute() + SYNC)
            assert [row[2] for row in rows(wire.ask(message(b"Q", b"FETCH ALL c\0")))] == [b"3"]
            with server.connect() as reader:
                reader.execute("BEGIN")
                with reader.cursor("named") as cursor:
                    cursor.execute("SUBSCRIBE TO (SELECT v FROM s) AFTER %s", [place])
                    assert [row[2] for row in cursor.fetchmany(5)] == [3]
                reader.execute("ROLLBACK")
                for row in reader.cursor().stream("SUBSCRIBE TO (SELECT v FROM s) AFTER %s", [place]):
                    assert row[2] == 3, row
                    break


def test_after_errors():
    with harness.Server(virtual_clock=True) as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            for sql, state in (("TO sums AFTER 1000", "22023"), ("TO sums AFTER 99999999999999999999", "22003"),
                               ("TO sums WITH (snapshot = true) AFTER 1", "22023"), ("TO sums AFTER -1", "42601"),
                               ("TO sums AFTER x", "42601"), ("TO sums WITH (progress = '0 s')", "22023"),
                               ("TO sums WITH (progress = 'often')", "22023"),
                               ("TO sums WITH (envelope = 'none')", "22023")):
                error = error_of(writer, f"SUBSCRIBE {sql}")
                assert error.sqlstate == state, (sql, error.sqlstate, error)
            # Retention: the rows behind the sequence, or those that the answer was made of, have gone.
            writer.execute("SET CLOCK = '2026-01-01 00:00:00'")
            writer.execute("CREATE STREAM brief (id integer) WITH (retention = '1 hour')")
            writer.execute("INSERT INTO brief VALUES (1)")
            first = declared(reader, "SUBSCRIBE TO brief")[-1][0]
            writer.execute("INSERT INTO brief VALUES (2)")
            writer.execute("SET CLOCK = '2026-01-01 03:00:00'")
            writer.execute("INSERT INTO brief VALUES (3)")
            wait_until(lambda: writer.execute("SELECT count(*) FROM brief").fetchone()[0] == 1, 60, "the trim")
            reader.execute("BEGIN")
            reader.execute(f"DECLARE c CURSOR FOR SUBSCRIBE TO brief AFTER {first}")
            error = error_of(reader, "FETCH ALL c")
            assert error.sqlstate == "53400" and f"sequence {first + 1} are not kept" in str(error), error
            reader.execute("ROLLBACK")
            assert declared(reader, f"SUBSCRIBE TO brief AFTER {first + 1}")[0][1:] == (1, 3)
            reader.execute("BEGIN")
            reader.execute(f"DECLARE c CURSOR FOR SUBSCRIBE (SELECT sum(id) FROM brief) AFTER {first + 1}")
            assert error_of(reader, "FETCH ALL c").sqlstate == "53400"
            reader.execute("ROLLBACK")


def test_upsert():
    """envelope = 'upsert': who keeps the last row of each key, and forgets what goes, has the result."""
    rng = random.Random(SEED)
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("CREATE TABLE t (id integer PRIMARY KEY, v integer)")
            writer.execute("INSERT INTO t SELECT i, i FROM generate_series(1, 9) AS i")
            for sql, check in (("TO sums", "SELECT * FROM sums"), ("TO t", "SELECT * FROM t"),
                               ("(SELECT k, max(v) FROM s GROUP BY k)", "SELECT k, max(v) FROM s GROUP BY k")):
                held = {}
                reader.execute("BEGIN")
                reader.execute(f"DECLARE c CURSOR FOR SUBSCRIBE {sql} WITH (envelope = 'upsert')")
                for _ in range(8):
                    told = set()
                    for sequence, diff, key, *rest in fetch(reader):
                        assert (sequence, key) not in told, "one row of a key at a place"
                        told.add((sequence, key))
                        if diff == -1:
                            assert held.pop(key) == rest
                        else:
                            assert diff == 1
                            held[key] = rest
                    assert {(key, *rest) for key, rest in held.items()} == \
                        {tuple(row) for row in writer.execute(check).fetchall()}
                    writer.execute("INSERT INTO s SELECT 'k' || %s, i FROM generate_series(1, 3) AS i",
                                   [rng.randrange(3)])
                    writer.execute("INSERT INTO t VALUES (%s, 0) ON CONFLICT (id) DO UPDATE SET v = t.v + 1",
                                   [rng.randrange(1, 15)])
                    writer.execute("DELETE FROM t WHERE id = %s", [rng.randrange(1, 15)])
                reader.execute("ROLLBACK")
            # One row without a key of its own, and rows that never change.
            assert [row[1:] for row in declared(
                reader, "SUBSCRIBE (SELECT count(*) > 1 FROM s) WITH (envelope = 'upsert')")] == [(1, True)]
            assert len(declared(reader, "SUBSCRIBE TO s WITH (envelope = 'upsert')")) == 24 * 3


def test_fetch_timeout():
    """FETCH … WITH (timeout): rows as they come, until there are enough or the time is over."""
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            reader.execute("BEGIN")
            reader.execute("DECLARE c CURSOR FOR SUBSCRIBE TO s")
            begun = time.monotonic()
            assert reader.execute("FETCH 5 c WITH (timeout = '300 ms')").fetchall() == []
            assert 0.25 < time.monotonic() - begun < patience(5)
            got = []

            def wait():
                got.extend(reader.execute("FETCH FORWARD 2 FROM c WITH (timeout = '10 min')").fetchall())
            thread = threading.Thread(target=wait)
            thread.start()
            for i in range(3):
                writer.execute("INSERT INTO s VALUES ('a', %s)", [i])
            thread.join(patience(20))
            assert [row[3] for row in got] == [0, 1], "the second row ends the wait"
            assert [row[3] for row in reader.execute("FETCH 1 c WITH (timeout = '10 min')").fetchall()] == [2]
            # A cancel ends the wait; the row that comes then is found by the next subscription.
            thread = threading.Thread(target=lambda: got.append(error_of(
                reader, "FETCH 5 c WITH (timeout '1 min')")))
            thread.start()
            wait_until(lambda: writer.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'FETCH%'"
            ).fetchone() == (1,), 10, "the FETCH")
            reader.cancel()
            thread.join(patience(20))
            assert got[-1].sqlstate == "57014", got
            reader.execute("ROLLBACK")
            reader.execute("BEGIN")
            reader.execute("DECLARE d CURSOR FOR SELECT 1")
            assert error_of(reader, "FETCH 1 d WITH (timeout = '1s')").sqlstate == "0A000"
            reader.execute("ROLLBACK")
            reader.execute("BEGIN")
            reader.execute("DECLARE d CURSOR FOR SUBSCRIBE TO s")
            assert error_of(reader, "FETCH 1 d WITH (lag = 1)").sqlstate == "22023"
            reader.execute("ROLLBACK")


def test_heartbeat():
    """progress = '…': a row at each interval, also where nothing happens."""
    with harness.Server() as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            writer.execute("INSERT INTO s VALUES ('a', 1)")
            rows = []
            with reader.cursor() as cursor:
                for row in cursor.stream("SUBSCRIBE TO sums WITH (progress = '50 ms')"):
                    rows.append(row)
                    if len(rows) == 4:
                        reader.cancel()
                        break
            assert rows[0][1:] == (1, "a", 1, 1), rows
            assert [row[1:] for row in rows[1:]] == [(0, None, None, None)] * 3, rows
            assert {row[0] for row in rows} == {rows[0][0]}, "true up to the same place"


def test_psql_is_warned():
    with harness.Server() as server:
        prepare(server)
        done = subprocess.Popen(["psql", "-X", server.dsn(), "-c", "SUBSCRIBE TO s"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        assert "psql shows the rows of SUBSCRIBE at its end" in done.stderr.readline()
        assert "COPY (SUBSCRIBE" in done.stderr.readline()
        done.terminate()
        done.communicate()


def test_dropped_and_shutdown():
    # On a virtual clock: what waits for a time at the end waits for ever.
    with harness.Server(virtual_clock=True) as server:
        prepare(server)
        with server.connect() as writer, server.connect() as reader:
            reader.execute("BEGIN")
            reader.execute("DECLARE c CURSOR FOR SUBSCRIBE TO sums")
            fetch(reader)
            writer.execute("DROP MATERIALIZED VIEW sums")

            def is_told():
                try:
                    fetch(reader)
                except psycopg.errors.ObjectNotInPrerequisiteState:
                    return True
                return False
            wait_until(is_told, 20, "the word that the view is gone")
        reader = server.connect()
        reader.pgconn.send_query(b"SUBSCRIBE TO s")
        reader.pgconn.flush()
        server.stop()                   # a subscription does not hold up the end
        reader.close()


harness.main(globals())
