#!/usr/bin/env python3
"""tests/notify_test.py - LISTEN and NOTIFY between sessions: at commit, in order, between statements,
the same twice only once; a listener that does not read loses the oldest and hears how many."""
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.wire import (SYNC, Wire, bind, error_fields, errors, execute, kinds, parse,  # noqa: E402
                          query, rows)


def notification(payload):
    pid, = struct.unpack_from("!i", payload)
    channel, text = payload[4:].split(b"\0")[:2]
    return pid, channel.decode(), text.decode()


def heard(messages):
    """(channel, payload) of the notifications among messages."""
    return [notification(payload)[1:] for kind, payload in messages if kind == b"A"]


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def pid_of(wire):
    return struct.unpack_from("!i", wire.key)[0]


def make_cases(server):
    def between_sessions():
        with Wire(server) as a, Wire(server) as b, Wire(server) as c:
            for w in (a, b):
                equal(kinds(w.ask(query("LISTEN news"))), "CZ")
            equal(kinds(c.ask(query("NOTIFY news, 'héllo'"))), "CZ")
            for w in (a, b):            # at once, though they have asked for nothing
                kind, payload = w.receive()
                equal((kind, notification(payload)), (b"A", (pid_of(c), "news", "héllo")))
            a.ask(query("UNLISTEN news"))
            c.ask(query("NOTIFY news"))
            equal(notification(b.receive()[1])[1:], ("news", ""))
            equal(kinds(a.ask(query("SELECT 1"))), "TDCZ")

    def own():
        """The sender hears itself, with the answer of its own statement."""
        with Wire(server) as w:
            answer = w.ask(query("LISTEN me; NOTIFY me, 'x'"))
            equal((kinds(answer), heard(answer)), ("CCAZ", [("me", "x")]))
            answer = w.ask(query("SELECT pg_notify('me', v) FROM (VALUES ('a'), ('b'), ('a')) v(v)"))
            equal((kinds(answer), heard(answer)), ("TDDDCAAZ", [("me", "a"), ("me", "b")]))
            equal(kinds(w.ask(query("NOTIFY me, 'y'; UNLISTEN *"))), "CCZ")

    def transactions():
        """Nothing before COMMIT, nothing after ROLLBACK, nothing of what a savepoint takes back."""
        with Wire(server) as a, Wire(server) as b:
            a.ask(query("LISTEN t"))
            b.ask(query("BEGIN"))
            for payload in ("1", "2", "1", "3", "2"):
                equal(heard(b.ask(query(f"NOTIFY t, '{payload}'"))), [])
            b.ask(query("SAVEPOINT s"))
            b.ask(query("NOTIFY t, 'taken back'"))
            b.ask(query("SELECT nosuch"))
            b.ask(query("ROLLBACK TO s"))
            b.ask(query("NOTIFY t, '4'"))
            equal(kinds(a.ask(query("SELECT 1"))), "TDCZ")
            b.ask(query("COMMIT"))
            equal([notification(a.receive()[1])[2] for _ in range(4)], ["1", "2", "3", "4"])
            b.ask(query("BEGIN"))
            b.ask(query("NOTIFY t, 'rolled back'"))
            b.ask(query("ROLLBACK"))
            b.ask(query("NOTIFY t, 'failed'; SELECT 1 / 0"))
            b.ask(query("NOTIFY t, 'last'"))
            equal(notification(a.receive()[1])[2], "last")
            # LISTEN is of the transaction, too.
            b.ask(query("BEGIN; LISTEN u; ROLLBACK"))
            equal(kinds(a.ask(query("NOTIFY u"))), "CZ")
            equal(kinds(b.ask(query("SELECT 1"))), "TDCZ")

    def waits_for_the_end():
        """A listener inside BEGIN is told after COMMIT, one in a pipeline after Sync."""
        with Wire(server) as a, Wire(server) as b:
            a.ask(query("LISTEN w"))
            a.ask(query("BEGIN"))
            b.ask(query("NOTIFY w, 'now'"))
            equal(kinds(a.ask(query("SELECT 1"))), "TDCZ")
            answer = a.ask(query("COMMIT"))
            equal((kinds(answer), heard(answer)), ("CAZ", [("w", "now")]))
            a.send(parse("SELECT 1") + bind() + execute() + b"H\0\0\0\4")
            equal(kinds(a.until(b"C")), "12DC")
            b.ask(query("NOTIFY w, 'later'"))
            a.send(SYNC)
            answer = a.until(b"Z")
            equal((kinds(answer), heard(answer)), ("AZ", [("w", "later")]))

    def with_rows():
        """What a notification is about is there when it comes."""
        with server.connect() as connection:
            connection.execute("CREATE STREAM orders (id integer)")
            connection.execute("CREATE TABLE stock (id integer PRIMARY KEY)")
        with Wire(server) as a, Wire(server) as b:
            a.ask(query("LISTEN orders"))
            for number in range(20):
                b.ask(query(f"BEGIN; INSERT INTO orders VALUES ({number}); "
                            f"INSERT INTO stock VALUES ({number}); NOTIFY orders, '{number}'; COMMIT"))
                equal(notification(a.receive()[1])[2], str(number))
                equal(rows(a.ask(query("SELECT count(*) FROM orders"))), [[str(number + 1).encode()]])
                equal(rows(a.ask(query("SELECT count(*) FROM stock"))), [[str(number + 1).encode()]])
            # And from statements that change tables.
            answer = b.ask(query("INSERT INTO stock VALUES (100) RETURNING pg_notify('orders', id::text)"))
            equal(errors(answer), [])
            equal(notification(a.receive()[1])[2], "100")

    def extended():
        with Wire(server) as a, Wire(server) as b:
            a.ask(parse("LISTEN e") + bind() + execute() + SYNC)
            b.ask(parse("SELECT pg_notify($1, $2)") + bind([b"e", b"p"]) + execute() + SYNC)
            equal(notification(a.receive()[1])[1:], ("e", "p"))

    def order_of_commits():
        """Every listener hears all in the one order of the commits."""
        with Wire(server) as a, Wire(server) as b, Wire(server) as c, Wire(server) as d:
            for w in (a, b):
                w.ask(query("LISTEN o"))
            for number in range(50):
                for w in (c, d):
                    w.send(query(f"NOTIFY o, '{pid_of(w)} {number}'"))
            for w in (c, d):
                for _ in range(50):
                    w.until(b"Z")
            first, second = ([notification(w.receive()[1]) for _ in range(100)] for w in (a, b))
            equal(first, second)

    def slow_listener():
        """It costs a bounded number of notifications, and is told of those that it has missed."""
        with Wire(server) as a, Wire(server) as b:
            a.ask(query("LISTEN s"))
            a.ask(query("BEGIN"))
            count = 10000
            for start in range(0, count, 1000):
                b.ask(query("SELECT pg_notify('s', n::text) FROM "
                            f"generate_series({start}, {start + 999}) AS n"))
            answer = a.ask(query("COMMIT"))
            got = [int(payload) for _, payload in heard(answer)]
            told = [error_fields(payload)["M"] for kind, payload in answer if kind == b"N"]
            equal(len(told), 1)
            equal(int(told[0].split()[0]) + len(got), count)
            equal(got, list(range(count - len(got), count)))
            assert 1000 <= len(got) < count, len(got)

    def limits():
        with Wire(server) as w:
            equal(errors(w.ask(query("SELECT pg_notify('x', repeat('a', 8000))"))), ["22023"])
            for number in range(1100):
                answer = w.ask(query(f"LISTEN c{number}"))
                if errors(answer):
                    equal(errors(answer), ["53400"])
                    break
            else:
                raise AssertionError("a session may listen to any number of channels")
            equal(errors(w.ask(query("UNLISTEN *"))), [])
            equal(errors(w.ask(query("LISTEN again"))), [])

    def many_listeners():
        wires = [Wire(server) for _ in range(100)]
        for w in wires:
            w.ask(query("LISTEN many"))
        for w in wires[::3]:
            w.close()                   # gone without a word
        with Wire(server) as sender:
            sender.ask(query("NOTIFY many, 'hello'"))
        for number, w in enumerate(wires):
            if number % 3:
                equal(notification(w.receive()[1])[1:], ("many", "hello"))
                w.close()

    yield "from one session to others", between_sessions
    yield "to the sender itself", own
    yield "transactions and savepoints", transactions
    yield "between transactions only", waits_for_the_end
    yield "together with rows", with_rows
    yield "through the extended protocol", extended
    yield "in the order of the commits", order_of_commits
    yield "a listener that does not read", slow_listener
    yield "limits", limits
    yield "100 listeners, some of them gone", many_listeners


def test_notify():
    with harness.Server() as server:
        yield from make_cases(server)


harness.main(globals())
