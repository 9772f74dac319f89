#!/usr/bin/env python3
"""tests/session_test.py - what a session is besides its statements: versions of the protocol, keys for cancelling,
settings at the start and later, cursors and prepared statements, the chores of pools, idle time."""
import os
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness import wire  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.wire import (SYNC, Wire, bind, describe, errors, execute, kinds, parse, query, rows,  # noqa: E402
                          startup)


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def fatal(messages, sqlstate):
    """One FATAL error, then the end of the connection."""
    found = [wire.error_fields(payload) for kind, payload in messages if kind == b"E"]
    assert found, f"no error before the end of the connection: {kinds(messages)}"
    equal((found[-1]["S"], found[-1]["C"]), ("FATAL", sqlstate))


def make_cases(server):
    with server.connect() as connection:
        connection.execute("CREATE STREAM s (a integer, b text)")
        connection.execute("CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n FROM s")

    def alive():
        server.check_alive()
        with Wire(server) as w:
            equal(rows(w.ask(query("SELECT 1"))), [[b"1"]])

    def superuser():
        for user, wanted in (("millrace", "on"), ("test", "off")):
            with server.connect(user=user) as connection:
                for _ in range(2):
                    told = connection.info.parameter_status("is_superuser")
                    seen = connection.execute("SELECT current_setting('is_superuser'), setting FROM pg_settings "
                                              "WHERE name = 'is_superuser'").fetchone()
                    equal((told, connection.execute("SHOW is_superuser").fetchone()[0], *seen), (wanted,) * 4)
                    connection.execute("RESET ALL")

    def set_config():
        with Wire(server) as w:
            answer = w.ask(query("SELECT set_config('TimeZone', 'Europe/Berlin', false), "
                                 "current_setting('TimeZone')"))
            equal(rows(answer), [[b"Europe/Berlin", b"UTC"]])
            equal(rows(w.ask(query("SHOW TimeZone"))), [[b"Europe/Berlin"]])
            w.ask(query("BEGIN"))
            w.ask(query("SELECT set_config('TimeZone', 'UTC', true)"))
            equal(rows(w.ask(query("SHOW TimeZone"))), [[b"UTC"]])
            w.ask(query("COMMIT"))
            equal(rows(w.ask(query("SHOW TimeZone"))), [[b"Europe/Berlin"]])
            equal(errors(w.ask(query("SELECT set_config('nosuch', '1', false)"))), ["42704"])
            equal(errors(w.ask(query("SELECT set_config('workers', '1', false)"))), ["55P02"])
            for sql in ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "BEGIN"):
                equal(errors(w.ask(query(sql))), [])
            equal(rows(w.ask(query("SHOW transaction_read_only"))), [[b"on"]])
            w.ask(query("ROLLBACK"))
            equal(errors(w.ask(query("INSERT INTO s VALUES (1, 'x')"))), ["25006"])
            w.ask(query("RESET ALL"))
            equal(errors(w.ask(query("INSERT INTO s VALUES (1, 'x')"))), [])

    def is_active(other, w):
        """Whether the session of `w` is at something, as another one sees it."""
        number = struct.unpack("!i", w.key[:4])[0]
        return rows(other.ask(query("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
                                    f"AND pid = {number}"))) == [[b"1"]]

    def sleeps():
        """A sleeper holds up its own answer, nobody else's, and wakes for a cancel or a timeout."""
        with Wire(server) as w, Wire(server) as other:
            for sql in ("SELECT pg_sleep(0.01)", "SELECT pg_sleep_for('10 ms')", "SELECT pg_sleep(-1)"):
                equal(rows(w.ask(query(sql))), [[b""]])
            equal(rows(w.ask(query("SELECT pg_sleep(NULL)"))), [[None]])
            equal(rows(w.ask(query("SELECT g, pg_sleep(0.001) FROM generate_series(1, 3) AS g"))),
                  [[b"1", b""], [b"2", b""], [b"3", b""]])
            w.send(query("SELECT pg_sleep(100000), 1; SELECT 2"))
            wait_until(lambda: is_active(other, w), 20, "the sleeper")
            equal(rows(other.ask(query("SELECT query FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' "
                                       "AND pid <> pg_backend_pid()"))), [[b"SELECT pg_sleep(100000), 1"]])
            equal(rows(other.ask(query("SELECT 7"))), [[b"7"]])
            with Wire(server, login=False) as canceller:
                canceller.send(struct.pack("!ii", len(w.key) + 8, wire.CANCEL_REQUEST) + w.key)
                equal(canceller.rest(), [])
            answer = w.until(b"Z")
            equal((errors(answer), rows(answer)), (["57014"], []))
            w.ask(query("SET statement_timeout = '50ms'"))
            equal(errors(w.ask(query("SELECT pg_sleep(100000)"))), ["57014"])
            w.ask(query("SET statement_timeout = 0"))
            equal(rows(w.ask(query("SELECT 3"))), [[b"3"]])
            equal(errors(w.ask(query("CREATE VIEW sleepy AS SELECT pg_sleep(a) FROM s"))), [])
            equal(errors(w.ask(query("CREATE MATERIALIZED VIEW asleep AS SELECT pg_sleep(a) FROM s"))), ["0A000"])
        with Wire(server) as other:
            with Wire(server) as w:     # it goes away asleep
                w.send(query("SELECT pg_sleep(100000)"))
                wait_until(lambda: is_active(other, w), 20, "the sleeper")
            wait_until(lambda: not is_active(other, w), 20, "its end")

    def shows_no_password():
        """Another session sees which statement was the last one, and no password that was in it."""
        with Wire(server) as w, Wire(server) as other:
            number = struct.unpack("!i", w.key[:4])[0]

            def last():
                return rows(other.ask(query(f"SELECT query FROM pg_stat_activity WHERE pid = {number}")))
            for sql, shown in (("SELECT  1 AS one", b"SELECT  1 AS one"),
                               ("CREATE SECRET hidden AS 'sesame'", b"CREATE SECRET hidden AS '********'"),
                               ("CREATE ROLE guest LOGIN PASSWORD 'sesame'", b"CREATE ROLE guest login password '********'"),
                               ("DROP ROLE guest", b"DROP ROLE guest"),
                               ("CREATE SECRET other AS 'sesame'; SELECT 2", b"SELECT 2"),
                               ("SELECT '" + "é" * 2000 + "'", ("SELECT '" + "é" * 508).encode())):
                equal(errors(w.ask(query(sql))), [])
                equal(last(), [[shown]])

    def counts():
        """A statement inside BEGIN says how many rows it changes, those of the transaction among them."""
        with Wire(server) as w:
            for sql in ("CREATE TABLE counted (id integer PRIMARY KEY, n integer)",
                        "INSERT INTO counted SELECT g, g FROM generate_series(1, 10) AS g", "BEGIN"):
                equal(errors(w.ask(query(sql))), [])
            for sql, tag in (("UPDATE counted SET n = n + 1 WHERE id <= 3", b"UPDATE 3"),
                             ("UPDATE counted SET n = 5 FROM generate_series(1, 2) AS g WHERE id < 3", b"UPDATE 2"),
                             ("DELETE FROM counted WHERE id = 7", b"DELETE 1"),
                             ("DELETE FROM counted WHERE id > 100", b"DELETE 0"),
                             ("INSERT INTO counted SELECT id + 100, n FROM counted WHERE id > 8", b"INSERT 0 2")):
                answer = w.ask(query(sql))
                equal([payload.rstrip(b"\0") for kind, payload in answer if kind == b"C"], [tag])
            equal(errors(w.ask(query("COMMIT"))), [])
            equal(rows(w.ask(query("SELECT count(*), sum(n) FROM counted"))), [[b"11", b"75"]])
            w.ask(query("BEGIN"))
            equal(errors(w.ask(query("UPDATE counted SET n = 1 / (id - 1)"))), ["22012"])
            equal(errors(w.ask(query("COMMIT"))), [])
            equal(rows(w.ask(query("SELECT count(*) FROM counted"))), [[b"11"]])
            w.ask(query("DROP TABLE counted"))

    def chores():
        """What pools and tools send between one client and the next; each is taken."""
        with Wire(server) as w:
            for sql in ("ABORT", "SET SESSION AUTHORIZATION DEFAULT", "RESET SESSION AUTHORIZATION", "SET ROLE NONE",
                        "RESET ROLE", "CLOSE ALL", "UNLISTEN *", "RESET ALL", "DISCARD PLANS", "DISCARD TEMP",
                        "DISCARD SEQUENCES", "DISCARD ALL", "DEALLOCATE ALL", "SELECT pg_advisory_unlock_all()",
                        "SET extra_float_digits = 3", "SET jit = off", "SET application_name = 'x'",
                        "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ UNCOMMITTED",
                        "SHOW TRANSACTION ISOLATION LEVEL", "SHOW search_path", "SHOW standard_conforming_strings",
                        "SET lock_timeout = '5s'", "SET idle_in_transaction_session_timeout = 0"):
                equal(errors(w.ask(query(sql))), [])
            equal(errors(w.ask(query("SET ROLE nosuch"))), ["22023"])
            w.ask(query("BEGIN; DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1; COMMIT; PREPARE p AS SELECT 2"))
            equal(rows(w.ask(query("SELECT name, is_holdable, is_binary, is_scrollable, creation_time <= now() "
                                   "FROM pg_cursors"))), [[b"c", b"t", b"f", b"t", b"t"]])
            equal(rows(w.ask(query("SELECT name, statement, from_sql FROM pg_prepared_statements"))),
                  [[b"p", b"PREPARE p AS SELECT 2", b"t"]])
            w.ask(query("DISCARD ALL"))
            equal(rows(w.ask(query("SELECT (SELECT count(*) FROM pg_cursors), "
                                   "(SELECT count(*) FROM pg_prepared_statements)"))), [[b"0", b"0"]])

    def idle():
        """It hears why, and the server has forgotten it."""
        for begin, name, sqlstate in (("", "idle_session_timeout", "57P05"),
                                      ("BEGIN", "idle_in_transaction_session_timeout", "25P03")):
            with Wire(server) as w:
                # One message: between two of them the time could pass.
                equal(errors(w.ask(query(f"SET {name} = '100ms'; {begin}"))), [])
                fatal(w.rest(), sqlstate)

    def changed_plan():
        with Wire(server) as w:
            w.ask(query("CREATE VIEW changing AS SELECT 1 AS a"))
            w.ask(parse("SELECT * FROM changing", name="c") + SYNC)
            equal(rows(w.ask(bind(name="c") + execute() + SYNC)), [[b"1"]])
            w.ask(query("DROP VIEW changing; CREATE VIEW changing AS SELECT 'x' AS a"))
            for data in (bind(name="c"), describe(b"S", "c")):
                answer = w.ask(data + SYNC)
                equal(errors(answer), ["0A000"])
                equal(wire.error_fields(answer[0][1])["M"],
                      "cached plan must not change result type")
            w.ask(query("DROP VIEW changing"))

    def cursors():
        """DECLARE through Parse, its columns by its name; FETCH too, also before there is a cursor."""
        with Wire(server) as w:
            answer = w.ask(parse("FETCH 2 FROM c", name="f") + describe(b"S", "f") + SYNC)
            equal(kinds(answer), "1tnZ")
            w.ask(query("BEGIN"))
            answer = w.ask(parse("DECLARE c CURSOR FOR SELECT n, $1::text AS t FROM "
                                 "generate_series(1, 3) AS n") + bind([b"x"]) + execute() + SYNC)
            equal(kinds(answer), "12CZ")
            equal(kinds(w.ask(describe(b"P", "c") + SYNC)), "TZ")
            one, two = struct.pack("!i", 1), struct.pack("!i", 2)
            answer = w.ask(bind(name="f", results=(1,)) + describe(b"P") + execute() + SYNC)
            equal((kinds(answer), rows(answer)), ("2TDDCZ", [[one, b"x"], [two, b"x"]]))
            answer = w.ask(query("FETCH ALL FROM c"))
            equal((rows(answer), answer[-2][1]), ([[b"3", b"x"]], b"FETCH 1\0"))
            equal(w.ask(query("MOVE BACKWARD ALL IN c"))[0][1], b"MOVE 3\0")
            answer = w.ask(bind(name="f") + execute(limit=1) + execute(limit=5) + SYNC)
            equal((kinds(answer), rows(answer)), ("2DsDCZ", [[b"1", b"x"], [b"2", b"x"]]))
            w.ask(query("MOVE ABSOLUTE 0 IN c"))
            answer = w.ask(execute("c", limit=2) + execute("c") + execute("c") + SYNC)
            equal((kinds(answer), len(rows(answer))), ("DDsDCCZ", 3))
            w.ask(query("ROLLBACK"))
            w.ask(query("BEGIN"))
            w.ask(query("DECLARE b BINARY CURSOR FOR SELECT 7::int8"))
            equal(rows(w.ask(query("FETCH b"))), [[struct.pack("!q", 7)]])
            w.ask(query("COMMIT"))
            equal(errors(w.ask(query("FETCH b"))), ["34000"])
            # A portal of Bind is one, too, forward only: asyncpg moves in it.
            w.ask(query("BEGIN"))
            w.ask(parse("SELECT n FROM generate_series(1, 9) AS n") + bind(portal="p") + SYNC)
            equal(w.ask(query("MOVE FORWARD 3 p"))[0][1], b"MOVE 3\0")
            equal(rows(w.ask(execute("p", limit=2) + SYNC)), [[b"4"], [b"5"]])
            equal(rows(w.ask(query("FETCH 2 FROM p"))), [[b"6"], [b"7"]])
            equal(rows(w.ask(execute("p") + SYNC)), [[b"8"], [b"9"]])
            answer = w.ask(query("FETCH p"))
            equal((kinds(answer), answer[1][1]), ("TCZ", b"FETCH 0\0"))
            equal(errors(w.ask(query("CLOSE p"))), ["34000"])
            w.ask(query("ROLLBACK"))

    def log_in_by(version, **options):
        """The first messages after a start-up packet of that version, and the key for cancelling."""
        w = Wire(server, login=False)
        w.send(startup(version, **options))
        answer = w.until(b"Z")
        key = [payload for kind, payload in answer if kind == b"K"][0]
        return w, answer, key

    def negotiates():
        """3.2 has keys of 256 bits; what is newer or unknown is answered with what there is."""
        newest = (3 << 16) + 2
        for version, options, spoken, unknown in (
                (wire.PROTOCOL_3, {}, None, []), ((3 << 16) + 1, {}, None, []),
                (newest, {}, None, []), ((3 << 16) + 3, {}, newest, []),
                ((3 << 16) + 9999, {"_pq_.test_protocol_negotiation": "1"}, newest,
                 ["_pq_.test_protocol_negotiation"]),
                (wire.PROTOCOL_3, {"_pq_.a": "1", "_pq_.b": "x"}, wire.PROTOCOL_3,
                 ["_pq_.a", "_pq_.b"])):
            w, answer, key = log_in_by(version, **options)
            told = [payload for kind, payload in answer if kind == b"v"]
            equal(len(told), 0 if spoken is None else 1)
            if told:
                equal(struct.unpack_from("!ii", told[0]), (spoken, len(unknown)))
                equal([name.decode() for name in told[0][8:].split(b"\0")[:-1]], unknown)
            equal(len(key), 36 if version >= newest else 8)
            equal(rows(w.ask(query("SELECT 1"))), [[b"1"]])
            w.close()

    def cancels():
        """The key must be whole: neither its beginning nor a longer one ends a statement."""
        for version in (wire.PROTOCOL_3, (3 << 16) + 2):
            w, _, key = log_in_by(version)
            w.send(query("SUBSCRIBE TO n"))
            w.receive()
            for wrong in (key[:8] if len(key) > 8 else key[:7], key + b"x", key[:-1] + bytes(
                    [key[-1] ^ 1]), key[:4], key + bytes(250)):
                with Wire(server, login=False) as canceller:
                    canceller.send(struct.pack("!ii", len(wrong) + 8, wire.CANCEL_REQUEST) + wrong)
                    equal(canceller.rest(), [])
            alive()
            with Wire(server, login=False) as canceller:
                canceller.send(struct.pack("!ii", len(key) + 8, wire.CANCEL_REQUEST) + key)
                equal(canceller.rest(), [])
            equal(errors(w.until(b"Z")), ["57014"])
            equal(rows(w.ask(query("SELECT 1"))), [[b"1"]])
            w.close()

    def start_up_settings():
        """asyncpg quotes client_encoding; settings come as parameters and in options."""
        w, answer, _ = log_in_by(wire.PROTOCOL_3, client_encoding="'utf-8'",
                                 application_name="a b", extra_float_digits="2",
                                 options="-c TimeZone=Europe/Berlin --statement-timeout=3600000 "
                                         "-c search_path=public,\\ nowhere")
        told = dict(tuple(payload.decode().split("\0")[:2]) for kind, payload in answer
                    if kind == b"S")
        equal((told["client_encoding"], told["application_name"], told["TimeZone"]),
              ("UTF8", "a b", "Europe/Berlin"))
        for name, value in (("statement_timeout", b"1h"), ("extra_float_digits", b"2"),
                            ("search_path", b"public, nowhere")):
            equal(rows(w.ask(query(f"SHOW {name}"))), [[value]])
        w.ask(query("SET TimeZone = 'UTC'"))
        w.ask(query("RESET ALL"))
        equal(rows(w.ask(query("SHOW TimeZone"))), [[b"Europe/Berlin"]])
        w.close()

    def search_paths():
        """From start-up parameters as from options; a statement that was prepared is planned again for another path."""
        for parameters, path in (({"search_path": "millrace,public"}, [b"{millrace,public}"]),
                                 ({"options": "-csearch_path=information_schema"}, [b"{information_schema}"]),
                                 ({"search_path": '"$user", nowhere'}, [b"{}"])):
            w, _, _ = log_in_by(wire.PROTOCOL_3, **parameters)
            equal(rows(w.ask(query("SELECT current_schemas(false)"))), [path])
            w.ask(query("SET search_path = pg_catalog"))
            w.ask(query("RESET search_path"))
            equal(rows(w.ask(query("SELECT current_schemas(false)"))), [path])
            w.ask(query("SET search_path = pg_catalog"))
            w.ask(query("DISCARD ALL"))
            equal(rows(w.ask(query("SELECT current_schemas(false)"))), [path])
            w.close()
        with Wire(server, login=False) as w:
            w.send(startup(search_path="a b"))
            fatal(w.rest(), "22023")
        with Wire(server) as w:
            w.ask(parse("SELECT count(*) FROM streams", "by_path") + SYNC)
            equal(errors(w.ask(parse("SELECT count(*) FROM streams", "by_path") + SYNC)), ["42P01"])
            w.ask(query("SET search_path = millrace"))
            equal(errors(w.ask(parse("SELECT count(*) FROM streams", "by_path") + SYNC)), [])
            run = bind(name="by_path") + execute() + SYNC
            equal(rows(w.ask(run)), [[b"1"]])
            w.ask(query("SET search_path = public"))
            equal(errors(w.ask(run)), ["42P01"])
            w.ask(query("CREATE TABLE streams (a integer)"))
            equal(rows(w.ask(run)), [[b"0"]])
            w.ask(query("DROP TABLE streams"))

    def search_path_of_the_system():
        """millrace can be on the path, though nothing can be made in it; DROP of a name in a schema drops no other."""
        with server.connect() as connection:
            run = connection.execute
            run("SET search_path = millrace, public")
            equal(run("SELECT 'streams'::regclass::text, 'millrace.queries'::regclass::text").fetchone(),
                  ("streams", "queries"))
            for sql, sqlstate in (("CREATE STREAM made (a integer)", "42501"),
                                  ("CREATE VIEW information_schema.made AS SELECT 1 AS a", "42501"),
                                  ("CREATE TABLE millrace.made AS SELECT 1 AS a", "42501"),
                                  ("CREATE SINK nowhere.made INTO main.x FROM n", "3F000"),
                                  ("DROP STREAM nowhere.s", "42P01"),
                                  ("ALTER STREAM nowhere.s RENAME TO t", "42P01"),
                                  ("DROP STREAM streams", "42809")):
                try:
                    run(sql)
                    assert False, f"{sql}: no error"
                except psycopg.Error as error:
                    equal((sql, error.sqlstate), (sql, sqlstate))
            run("CREATE VIEW public.seen AS SELECT streams.name, n.n FROM streams, n")
            run("RESET search_path")
            equal(run("SELECT name FROM seen").fetchall(), [("s",)])
            equal(run("SELECT pg_get_viewdef('seen'::regclass)").fetchone()[0].split("FROM")[1].strip(),
                  "millrace.streams, n;")
            run("DROP VIEW seen")

    yield "search_path from everywhere", search_paths
    yield "search_path and the system's schemas", search_path_of_the_system
    yield "is_superuser", superuser
    yield "set_config()", set_config
    yield "pg_sleep()", sleeps
    yield "pg_stat_activity.query", shows_no_password
    yield "rows of a transaction's statements", counts
    yield "session chores", chores
    yield "idle sessions end in their time", idle
    yield "a plan that gives other columns", changed_plan
    yield "cursors through Parse and Describe", cursors
    yield "protocols 3.0 to 3.9999 and unknown options", negotiates
    yield "a cancel request needs the whole key", cancels
    yield "settings at the start", start_up_settings


def progress_of_inputs():
    """EXPLAIN PROGRESS per input: one that is idle, one with old rows that holds W back, a table, which does not."""
    with harness.Server(virtual_clock=True) as server, server.connect() as connection:
        run = connection.execute
        run("SET CLOCK TO '2026-01-01 00:01:20+00'")
        run("CREATE STREAM a (ts TIMESTAMP, k TEXT, WATERMARK FOR ts AS ts)")
        run("CREATE STREAM b (ts TIMESTAMP, k TEXT, WATERMARK FOR ts AS ts - INTERVAL '5 seconds')")
        run("CREATE TABLE t (k TEXT PRIMARY KEY, name TEXT)")
        run("CREATE MATERIALIZED VIEW j AS SELECT a.ts, t.name, n FROM a JOIN t ON t.k = a.k JOIN "
            "(SELECT k, count(*) AS n FROM TUMBLE(b, ts, INTERVAL '1 minute') GROUP BY window_start, k) AS m ON m.k = a.k")
        run("INSERT INTO t VALUES ('x', 'X')")
        run("INSERT INTO a VALUES ('2025-06-01 00:00:30', 'x'), ('2026-01-01 00:01:10', 'y')")
        run("INSERT INTO b VALUES ('2025-06-01 00:00:12', 'x')")
        run("FLUSH")

        def said():
            return [row[0] for row in run("EXPLAIN PROGRESS j").fetchall()]

        wanted = ['Input "a": 2 rows; last event time 2026-01-01 00:01:10+00, last arrival 2026-01-01 00:01:20+00.',
                  "Its watermark W is 2026-01-01 00:01:10+00.",
                  'Input "b": 1 rows; last event time 2025-06-01 00:00:12+00, last arrival 2026-01-01 00:01:20+00.',
                  "Its watermark W is 2025-06-01 00:00:07+00, 00:00:05 behind its last event time.",
                  'Input "t", a table: 1 changes; the last one came at 2026-01-01 00:01:20+00.',
                  "It waits for a row of \"b\" with a time of 2025-06-01 00:01:05+00 or later, or for ADVANCE WATERMARK OF b "
                  "TO '2025-06-01 00:01:00+00'."]         # its rows are old ones: no heartbeat comes
        lines = said()
        missing = [line for line in wanted if line not in lines]
        assert not missing, (missing, lines)
        run("SET CLOCK TO '2026-01-01 00:01:25+00'")
        assert "No row has come for 00:00:05; it is idle after 00:00:30." in said(), said()
        run("SET CLOCK TO '2026-01-01 00:02:20+00'")
        lines = said()
        assert "It is idle: no row has come for 00:01:00; heartbeats move W while a window waits." in lines, lines
        assert ("No row has come for 00:01:00; the last ones were old when they came, so that no heartbeat moves W."
                in lines), lines


def test_progress():
    yield "EXPLAIN PROGRESS tells of each input", progress_of_inputs


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def test_data_directory():
    with harness.Server() as server:
        assert server.execute("SHOW data_directory") == [(str(server.data.resolve()),)]
        assert server.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'") == \
            [(str(server.data.resolve()),)]


def test_localhost():
    """It is both addresses of this machine, whichever a client's resolver gives first."""
    def both():
        with harness.Server({"listen_addresses": "localhost"}) as server:
            for address in ("127.0.0.1", "::1") if has_ipv6() else ("127.0.0.1",):
                with psycopg.connect(server.dsn(), hostaddr=address, autocommit=True) as connection:
                    equal(connection.execute("SELECT 1").fetchone(), (1,))
            server.check_alive()
    yield "localhost", both


def test_session():
    with harness.Server() as server:
        yield from make_cases(server)


def test_settings_file_is_read_again_whole_or_not_at_all():
    with harness.Server() as server:
        server.stop()
        file = server.data / "millrace.conf"
        file.write_text("log_limit = '100 MB'\nerror_limit = 5\n")
        server.start()

        def reload(text):
            before = server.log_text().count("event=server.reload")
            file.write_text(text)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: server.log_text().count("event=server.reload") > before, 20, "the reload")
            return server.execute("SHOW log_limit")[0][0], server.execute("SHOW error_limit")[0][0]
        assert reload("log_limit = '200 MB'\nerror_limit = 5\n") == ("200MB", "5")
        changes = [line for line in server.log_text().splitlines() if "event=server.setting" in line]
        assert len(changes) == 1 and "log_limit changed from '100MB' to '200MB'" in changes[0], changes
        assert reload("log_limit = '300 MB'\nerror_limit = 7\nlog_limt = 1\n") == ("200MB", "5")
        assert 'unrecognized configuration parameter \\"log_limt\\"' in server.log_text(), server.log_text()[-600:]
        assert server.log_text().count("event=server.setting") == 1
        check = [str(server.program), "-D", str(server.data), "--check-config"]
        done = subprocess.run(check, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and 'Perhaps you meant "log_limit"' in done.stderr, done
        file.write_text("log_limit = '300 MB'\n")
        done = subprocess.run(check, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0 and str(file) in done.stdout, done
        done = subprocess.run([*check, "--log_limit=much"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "log_limit" in done.stderr, done
        done = subprocess.run([*check, "--search_path=a b"], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and "search_path" in done.stderr, done
        assert reload("log_limit = '300 MB'\nsearch_path = 'public,'\n") == ("200MB", "5")
        assert server.execute("SHOW log_limit") == [("200MB",)]                 # it is only read


def test_closed_streams():
    """Started without standard streams, the server has no file of its own in their place."""
    server = harness.Server()
    command = server.command
    server.command = lambda: ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command()]
    with server:
        places = [os.readlink(f"/proc/{server.process.pid}/fd/{fd}") for fd in range(3)]
        assert places == ["/dev/null"] * 3, places

harness.main(globals())
