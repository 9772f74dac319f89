#!/usr/bin/env python3
"""tests/protocol_test.py - the PostgreSQL protocol spoken well and badly: right answers to what is
right, clear errors to what is wrong, and a server that is still there afterwards."""
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness import wire  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.wire import (SYNC, TERMINATE, Closed, Wire, bind, describe, errors,  # noqa: E402
                          execute, kinds, message, parse, query, rows, startup, text)

INT4, TEXT = 23, 25
SEED = int(os.environ.get("MILLRACE_SEED", "20260101"))


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def fatal(messages, sqlstate="08P01"):
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

    def count():
        with Wire(server) as w:
            return int(rows(w.ask(query("SELECT count(*) FROM s")))[0][0])

    def ends_fatal(data, sqlstate="08P01", login=True):
        def call():
            with Wire(server, login) as w:
                w.send(data)
                fatal(w.rest(), sqlstate)
            alive()
        return call

    def refused(data):
        """A message whose body is wrong: an error 08P01, with or without the connection's end."""
        def call():
            with Wire(server) as w:
                w.send(data + SYNC)
                answer = []
                try:
                    while not answer or answer[-1][0] != b"Z":
                        answer.append(w.receive())
                except Closed:
                    pass
                equal(errors(answer), ["08P01"])
            alive()
        return call

    def ends(data, login=False):
        """The connection ends, with or without a word."""
        def call():
            with Wire(server, login) as w:
                w.send(data)
                w.rest()
            alive()
        return call

    def fails(sql, sqlstate):
        def call():
            with Wire(server) as w:
                answer = w.ask(query(sql))
                equal(errors(answer), [sqlstate])
                equal(answer[-1], (b"Z", b"I"))
                equal(rows(w.ask(query("SELECT 2"))), [[b"2"]])
        return call

    # -- start-up -----------------------------------------------------------------------------

    def login():
        with Wire(server) as w:
            for name in ("server_version", "server_encoding", "client_encoding", "application_name", "is_superuser",
                         "session_authorization", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes",
                         "standard_conforming_strings", "default_transaction_read_only", "in_hot_standby"):
                assert name in w.parameters, f"no ParameterStatus of {name}"
            equal(len(w.key), 8)

    def told_again():
        """What SET, a ROLLBACK and RESET change of those is told again."""
        with Wire(server) as w:
            def told(sql):
                return [tuple(part.decode() for part in payload.split(b"\0")[:2])
                        for kind, payload in w.ask(query(sql)) if kind == b"S"]
            equal(told("SET application_name = 'x'"), [("application_name", "x")])
            equal(told("SET TimeZone = 'Europe/Berlin'"), [("TimeZone", "Europe/Berlin")])
            equal(told("BEGIN; SET LOCAL TimeZone = 'Asia/Tokyo'"), [("TimeZone", "Asia/Tokyo")])
            equal(told("ROLLBACK"), [("TimeZone", "Europe/Berlin")])
            equal(sorted(told("RESET ALL")), [("TimeZone", w.parameters["TimeZone"]), ("application_name", "")])
            equal(told("SET work_mem = '1MB'; SET statement_timeout = '1min'"), [])

    def start_up_of(length):
        """A packet of as many bytes, most of them an application's name."""
        filled = startup(application_name="")
        return startup(application_name="x" * (length - len(filled)))

    def longest_start_up():
        with Wire(server, login=False) as w:
            w.send(start_up_of(10000))
            w.until(b"Z")

    def refuses_encryption():
        for code in (wire.SSL_REQUEST, wire.GSSENC_REQUEST):
            with Wire(server, login=False) as w:
                w.send(struct.pack("!ii", 8, code))
                equal(w.take(1), b"N")
                w.send(startup())
                equal(kinds(w.until(b"Z"))[0], "R")

    yield "log in", login
    yield "settings that change are told again", told_again
    yield "a start-up of 10 000 bytes", longest_start_up
    yield "a start-up of 10 001 bytes", ends(start_up_of(10001))
    yield "an unknown setting at the start", ends_fatal(startup(nosuch="1"), "42704", False)
    yield "SSLRequest and GSSENCRequest are answered N", refuses_encryption
    yield "a start-up of 4 GB", ends(struct.pack("!I", 0xFFFFFFFF) + b"x" * 100)
    yield "a start-up of 2 GB", ends(struct.pack("!i", 0x7FFFFFFF) + b"x" * 100)
    yield "a start-up of 3 bytes", ends(struct.pack("!i", 3) + b"xxx")
    yield "a start-up without its last zero", ends(
        struct.pack("!ii", 16, wire.PROTOCOL_3) + b"userxxxx")
    yield "protocol 2.0", ends(startup(version=2 << 16))
    yield "a browser", ends(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    yield "nothing but a hang-up", lambda: (Wire(server, login=False).close(), alive())
    yield "client_encoding LATIN1", ends_fatal(startup(client_encoding="LATIN1"), "22023", False)

    # -- messages -----------------------------------------------------------------------------

    yield "a length below 4", ends_fatal(b"Q" + struct.pack("!i", 3))
    yield "a negative length", ends_fatal(b"Q" + struct.pack("!i", -5) + b"xxxx")
    yield "a length of 2 GB", ends_fatal(b"Q" + struct.pack("!i", 0x7FFFFFFF) + b"x" * 1000)
    yield "an unknown type", ends_fatal(message(b"?", b"abc"))
    yield "a query without its zero", refused(message(b"Q", b"SELECT 1"))
    yield "a query with two zeros", refused(message(b"Q", b"SELECT 1\0SELECT 2\0"))
    yield "a Sync with a body", refused(message(b"S", b"x"))
    yield "a Parse that is cut off", refused(message(b"P", b"\0SELECT 1\0\0"))
    yield "a Bind with too many values", refused(
        parse("SELECT 1") + message(b"B", b"\0\0" + struct.pack("!hh", 0, 30000)))
    yield "a Bind whose value is longer than the message", refused(
        parse("SELECT $1::int") + message(b"B", b"\0\0" + struct.pack("!hhi", 0, 1, 1 << 30)))
    yield "a Describe of neither", refused(message(b"D", b"x\0"))

    def truncated():
        for data in (query("SELECT 1"), parse("SELECT 1") + bind() + execute() + SYNC):
            for size in range(1, len(data)):
                with Wire(server) as w:
                    w.send(data[:size])
        alive()
    yield "messages cut at every byte", truncated

    def byte_by_byte():
        with Wire(server) as w:
            for byte in query("SELECT 42") + parse("SELECT $1::int") + bind([b"7"]) + \
                    execute() + SYNC:
                w.send(bytes([byte]))
            equal(rows(w.until(b"Z") + w.until(b"Z")), [[b"42"], [b"7"]])
    yield "messages byte by byte", byte_by_byte

    # -- simple queries -----------------------------------------------------------------------

    def empty():
        with Wire(server) as w:
            for sql in ("", "  ", ";", "-- nothing"):
                equal(kinds(w.ask(query(sql))), "IZ")

    def several():
        with Wire(server) as w:
            equal(kinds(w.ask(query("SELECT 1; SELECT 2, 3"))), "TDCTDCZ")
            answer = w.ask(query("SELECT 1; SELECT nosuch; SELECT 3"))
            equal((rows(answer), errors(answer)), ([[b"1"]], ["42703"]))

    def position():
        with Wire(server) as w:
            answer = w.ask(query("SELECT 1, nosuch"))
            equal(wire.error_fields(answer[0][1])["P"], "11")
            answer = w.ask(query("SELECT 'é', nosuch"))    # counted in characters
            equal(wire.error_fields(answer[0][1])["P"], "13")

    yield "empty queries", empty
    yield "several statements in one message", several
    yield "errors have a position", position
    yield "invalid UTF-8 in a query", fails(b"SELECT '\xff\xfe'", "22021")
    yield "overlong UTF-8 in a query", fails(b"SELECT '\xc0\xaf'", "22021")
    yield "a surrogate in a query", fails(b"SELECT '\xed\xa0\x80'", "22021")
    yield "a broken statement", fails("SELECT FROM WHERE", "42601")
    yield "an open string", fails("SELECT 'abc", "42601")
    yield "an open comment", fails("SELECT 1 /* abc", "42601")
    yield "1000 parentheses", fails("SELECT " + "(" * 1000 + "1" + ")" * 1000, "54001")
    yield "100 000 minus signs", fails("SELECT " + "- " * 100000 + "1", "54001")
    yield "50 000 NOTs", fails("SELECT " + "NOT " * 50000 + "true", "54001")
    yield "1000 nested CASEs", fails(
        "SELECT " + "CASE WHEN true THEN " * 1000 + "1" + " END" * 1000, "54001")
    yield "1000 nested subqueries", fails(
        "SELECT * FROM " + "(SELECT * FROM " * 1000 + "s" + ") x" * 1000, "54001")

    def long_list():
        with Wire(server) as w:
            items = ", ".join(map(str, range(20000)))
            equal(rows(w.ask(query(f"SELECT 19999 IN ({items})"))), [[b"t"]])

    def too_long():
        with Wire(server) as w:
            equal(errors(w.ask(query("SELECT '" + "x" * (3 << 20) + "'")))[0][:2], "54")
        alive()
    yield "an IN list of 20 000", long_list
    yield "a statement of 3 MB", too_long

    # -- extended queries ---------------------------------------------------------------------

    def extended():
        with Wire(server) as w:
            answer = w.ask(parse("SELECT $1::int + 1, $2::text", types=(INT4, TEXT))
                           + describe(b"S") + bind([b"41", None]) + describe(b"P") + execute()
                           + SYNC)
            equal(kinds(answer), "1tT2TDCZ")
            equal(rows(answer), [[b"42", None]])

    def binary():
        with Wire(server) as w:
            answer = w.ask(parse("SELECT $1::int4, true, 1.5::float8, 'x'::text, 7::int8, 2::int2",
                                 types=(INT4,))
                           + bind([struct.pack("!i", -3)], formats=(1,), results=(1,)) + execute()
                           + SYNC)
            equal(rows(answer), [[struct.pack("!i", -3), b"\1", struct.pack("!d", 1.5), b"x",
                                  struct.pack("!q", 7), struct.pack("!h", 2)]])

    def skips_to_sync():
        with Wire(server) as w:
            answer = w.ask(parse("SELECT nosuch") + bind() + execute() + parse("SELECT 1")
                           + query("SELECT 5") + SYNC)
            equal((kinds(answer), errors(answer)), ("EZ", ["42703"]))
            equal(rows(w.ask(query("SELECT 2"))), [[b"2"]])

    def unknown_names():
        with Wire(server) as w:
            equal(errors(w.ask(bind(name="nosuch") + SYNC)), ["26000"])
            equal(errors(w.ask(execute("nosuch") + SYNC)), ["34000"])
            equal(errors(w.ask(describe(b"S", "nosuch") + SYNC)), ["26000"])
            equal(errors(w.ask(describe(b"P", "nosuch") + SYNC)), ["34000"])
            equal(kinds(w.ask(message(b"C", b"S" + text("nosuch")) + SYNC)), "3Z")
            w.ask(parse("SELECT 1", name="a") + SYNC)
            equal(errors(w.ask(parse("SELECT 2", name="a") + SYNC)), ["42P05"])

    def bad_values():
        with Wire(server) as w:
            first = parse("SELECT $1::int", types=(INT4,))
            equal(errors(w.ask(first + bind([b"\0\0\0\0\1"], formats=(1,)) + SYNC)), ["22P03"])
            assert errors(w.ask(first + bind([b"\0\0\1"], formats=(1,)) + SYNC))[0] in \
                ("22P03", "08P01")
            equal(errors(w.ask(first + bind([b"abc"]) + SYNC)), ["22P02"])
            equal(errors(w.ask(first + bind([]) + SYNC)), ["08P01"])
            equal(errors(w.ask(first + bind([b"1", b"2"]) + SYNC)), ["08P01"])
            equal(errors(w.ask(parse("SELECT $1::text") + bind([b"\xff"]) + SYNC)), ["22021"])
            equal(rows(w.ask(query("SELECT 2"))), [[b"2"]])

    def portal_limits():
        with Wire(server) as w:
            answer = w.ask(parse("SELECT * FROM (VALUES (1), (2), (3)) v(x) ORDER BY 1")
                           + bind() + execute(limit=2) + execute(limit=2) + SYNC)
            equal(kinds(answer), "12DDsDCZ")

    def pipelined_rows():
        """500 transactions and the end of the session in one go: each is told, in its place."""
        before = count()
        insert = parse("INSERT INTO s VALUES ($1, 'p')", types=[INT4]) + SYNC
        one = bind([b"70"]) + execute() + SYNC
        with Wire(server) as w:
            w.send(insert + (one * 499 + bind([b"x"]) + execute() + SYNC + one) + TERMINATE)
            answer = w.rest()
        equal(kinds(answer), "1Z" + "2CZ" * 499 + "EZ" + "2CZ")
        equal(count(), before + 500)

    def pipelined_reads():
        """What reads in a pipeline finds what was written before it."""
        before = count()
        insert = parse("INSERT INTO s VALUES (71, 'r')") + bind() + execute() + SYNC
        select = parse("SELECT count(*) FROM s") + bind() + execute() + SYNC
        with Wire(server) as w:
            w.send((insert + select) * 20)
            answer = [message for _ in range(40) for message in w.until(b"Z")]
        equal([int(row[0]) for row in rows(answer)], list(range(before + 1, before + 21)))

    def flush():
        """What stands before a Flush is answered, without Sync and without an end."""
        with Wire(server) as w:
            w.send(parse("SELECT $1::int8 + $2") + describe(b"S") + message(b"H"))
            answer = w.until(b"T")
            equal(kinds(answer), "1tT")
            equal(answer[1][1], struct.pack("!hii", 2, 20, 20))
            w.send(bind([b"40", b"2"]) + execute() + message(b"H"))
            equal(rows(w.until(b"C")), [[b"42"]])
            w.send(SYNC)
            equal(kinds(w.until(b"Z")), "Z")

    def flushed_error():
        """An error does not wait for Sync: whoever has sent Flush reads it first."""
        with Wire(server) as w:
            w.send(parse("SELECT nosuch") + describe(b"S") + message(b"H"))
            equal(kinds(w.until(b"E")), "E")
            w.send(SYNC)
            equal(kinds(w.until(b"Z")), "Z")

    yield "Parse, Bind, Describe, Execute", extended
    yield "Flush without Sync", flush
    yield "an error is sent before Sync", flushed_error
    yield "500 transactions in one pipeline", pipelined_rows
    yield "rows are read behind their INSERT in a pipeline", pipelined_reads
    yield "binary values both ways", binary
    yield "after an error all is skipped to Sync", skips_to_sync
    yield "unknown statements and portals", unknown_names
    yield "values that do not fit", bad_values
    yield "a portal in pieces", portal_limits

    # -- COPY ---------------------------------------------------------------------------------

    def copy(data, options="", chunk=None, last=message(b"c")):
        """COPY of `data` on a connection of its own; returns the answer."""
        with Wire(server) as w:
            w.send(query(f"COPY s FROM STDIN {options}"))
            equal(w.receive()[0], b"G")
            step = chunk or max(1, len(data))
            for start in range(0, len(data), step):
                w.send(message(b"d", data[start:start + step]))
            w.send(last)
            answer = w.until(b"Z")
            equal(rows(w.ask(query("SELECT 2"))), [[b"2"]])
            return answer

    def copy_fails(data, sqlstate, options="", **more):
        def call():
            before = count()
            equal(errors(copy(data, options, **more)), [sqlstate])
            equal(count(), before)
        return call

    def copy_data_first():
        """As asyncpg sends it; what comes behind an error of COPY itself is swallowed up to its end."""
        before = count()
        data = message(b"d", b"1\tx\n2\t") + message(b"d", b"y\n") + message(b"c")
        with Wire(server) as w:
            w.send(query("COPY s FROM STDIN") + data)
            equal(kinds(w.until(b"Z")), "GCZ")
            w.send(parse("COPY s FROM STDIN") + bind() + execute() + data + SYNC)
            equal(kinds(w.until(b"Z")), "12GCZ")
            w.send(query("COPY nosuch FROM STDIN") + data)
            equal(errors(w.until(b"Z")), ["42P01"])
            equal(rows(w.ask(query("SELECT 1"))), [[b"1"]])
        equal(count(), before + 4)

    def copy_in_bytes():
        before = count()
        equal(errors(copy(b"1\tx\n2\t\\N\n", chunk=1)), [])
        equal(count(), before + 2)

    def copy_hang_up():
        before = count()
        for size in (0, 1, 5, 100000):
            with Wire(server) as w:
                w.send(query("COPY s FROM STDIN"))
                equal(w.receive()[0], b"G")
                w.send(message(b"d", b"1\tx\n" * size))
                w.send(b"d" + struct.pack("!i", 100) + b"1\t")
        with Wire(server) as w:
            w.send(query("COPY s FROM STDIN"))
            w.receive()
            w.send(message(b"d", b"1\tx\n") + TERMINATE)
        alive()
        equal(count(), before)

    def copy_query_inside():
        before = count()
        with Wire(server) as w:
            w.send(query("COPY s FROM STDIN"))
            w.receive()
            w.send(message(b"d", b"1\tx\n") + query("SELECT 1"))
            try:
                equal(errors(w.until(b"Z")), ["08P01"])
            except Closed:
                pass
        alive()
        equal(count(), before)

    def copy_long_value():
        value = b"x" * (5 << 20)
        equal(errors(copy(b"7\t" + value + b"\n", chunk=65536)), [])
        with Wire(server) as w:
            got = rows(w.ask(query("SELECT b FROM s WHERE a = 7")))
            assert got == [[value]], "the value came back changed"

    signature = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)

    def copy_binary():
        before = count()
        row = struct.pack("!hii", 2, 4, 5) + struct.pack("!i", 1) + b"x"
        equal(errors(copy(signature + row * 3 + struct.pack("!h", -1), "(FORMAT binary)",
                          chunk=7)), [])
        equal(count(), before + 3)

    yield "COPY data before its answer", copy_data_first
    yield "COPY in single bytes", copy_in_bytes
    yield "COPY and hang up", copy_hang_up
    yield "COPY with a query inside", copy_query_inside
    yield "COPY of a value of 5 MB", copy_long_value
    yield "CopyFail", copy_fails(b"1\tx\n", "57014", last=message(b"f", text("no more")))
    yield "COPY with a missing column", copy_fails(b"1\tx\n2\n", "22P04")
    yield "COPY with an extra column", copy_fails(b"1\tx\ty\n", "22P04")
    yield "COPY with a bad integer", copy_fails(b"1\tx\nabc\ty\n", "22P02")
    yield "COPY with too large an integer", copy_fails(b"99999999999\tx\n", "22003")
    yield "COPY with invalid UTF-8", copy_fails(b"1\t\xff\xfe\n", "22021")
    yield "COPY with a zero byte", copy_fails(b"1\ta\0b\n", "22021")
    yield "COPY csv with an open quote", copy_fails(b'1,"abc\n2,x\n', "22P04", "(FORMAT csv)")
    yield "COPY binary", copy_binary
    yield "COPY binary without its signature", copy_fails(
        b"PGCOPX\n\xff\r\n\0" + b"\0" * 8, "22P04", "(FORMAT binary)")
    yield "COPY binary that is cut off", copy_fails(
        signature + struct.pack("!hi", 2, 4), "22P04", "(FORMAT binary)")
    yield "COPY binary with a wrong length", copy_fails(
        signature + struct.pack("!hi", 2, 5) + b"abcde" + struct.pack("!ih", -1, -1), "22P03",
        "(FORMAT binary)")
    yield "COPY binary with a negative length", copy_fails(
        signature + struct.pack("!hi", 2, -7) + struct.pack("!h", -1), "22P04", "(FORMAT binary)")
    yield "COPY into nothing", fails("COPY nosuch FROM STDIN", "42P01")
    yield "COPY with an unknown option", fails("COPY s FROM STDIN (NOSUCH 1)", "42601")

    # -- many, and at random ------------------------------------------------------------------

    def cancel_wrong_key():
        with Wire(server) as w, Wire(server, login=False) as canceller:
            canceller.send(struct.pack("!iiii", 16, wire.CANCEL_REQUEST, 1, 2))
            equal(canceller.rest(), [])
            equal(rows(w.ask(query("SELECT 2"))), [[b"2"]])

    def descriptors():
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))

    def many():
        alive()
        before = descriptors()
        wires = [Wire(server) for _ in range(200)]
        for w in wires:
            equal(rows(w.ask(query("SELECT 1"))), [[b"1"]])
        for w in wires:
            w.close()
        wait_until(lambda: descriptors() <= before + 2, 20, "the sockets to be closed")

    def at_random():
        rng = random.Random(SEED)
        pieces = [query("SELECT a, b FROM s ORDER BY a LIMIT 3"), query("COPY s FROM STDIN"),
                  message(b"d", b"1\tx\n"), message(b"c"), message(b"f", b"no\0"),
                  parse("SELECT $1::int", types=(INT4,)), bind([b"5"]), describe(b"P"),
                  execute(), SYNC, query("BEGIN"), query("ROLLBACK"), message(b"H"),
                  query("INSERT INTO s VALUES (1, 'x')"), query("SELECT * FROM n"),
                  query("EXPLAIN SELECT count(*) FROM s"), message(b"C", b"S\0")]
        rounds = 60 if harness.quick() or harness.sanitized() else 400
        for number in range(rounds):
            data = bytearray(b"".join(rng.choices(pieces, k=rng.randint(1, 8))))
            for _ in range(rng.randint(0, 6)):
                at = rng.randrange(len(data))
                choice = rng.random()
                if choice < 0.6:
                    data[at] = rng.randrange(256)
                elif choice < 0.8:
                    del data[at:at + rng.randint(1, 4)]
                    data = data or bytearray(b"\0")
                else:
                    data[at:at] = rng.randbytes(rng.randint(1, 5))
            w = Wire(server)
            try:
                w.send(bytes(data))
                w.socket.shutdown(1)
                w.socket.settimeout(10)
                while w.socket.recv(65536):
                    pass
            except OSError:
                pass
            w.close()
            assert server.running(), f"round {number} of seed {SEED} ended the server: " \
                                     f"{bytes(data)!r}\n{server.log_tail()}"
        alive()

    yield "a cancel request with a wrong key", cancel_wrong_key
    yield "200 connections, all closed again", many
    yield f"random changes of good messages (seed {SEED})", at_random


def test_protocol():
    with harness.Server() as server:
        yield from make_cases(server)


harness.main(globals())
