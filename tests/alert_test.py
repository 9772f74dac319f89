#!/usr/bin/env python3
"""tests/alert_test.py - CREATE ALERT: rows of a standing query as notifications.  What whoever listens
hears, in which form, between transactions; that a restart or kill -9 tells nothing twice; that a
slow listener costs bounded memory and hears how many it has lost."""
import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.wire import Wire, error_fields, kinds, query  # noqa: E402
from harness.wire import rows as rows_of  # noqa: E402

POINTS = ("target.before_cas", "target.before_commit", "target.commit_sent", "target.after_commit")
EDITS = ("CREATE STREAM edits (at timestamp, page text, added integer, "
         "WATERMARK FOR at AS at - INTERVAL '10' SECOND)")


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def notification(payload):
    channel, text = payload[4:].split(b"\0")[:2]
    return channel.decode(), text.decode()


def next_row(wire):
    """The next thing that comes is a notification: its row."""
    kind, payload = wire.receive()
    equal(kind, b"A")
    return json.loads(notification(payload)[1])


def heard(messages):
    return [json.loads(notification(payload)[1]) for kind, payload in messages if kind == b"A"]


def without_seq(row):
    return {name: value for name, value in row.items() if name != "mr_seq"}


def insert(server, rows):
    server.execute("INSERT INTO edits VALUES " + ", ".join(
        f"(timestamp '2026-01-01' + {second} * interval '1 second', '{page}', {added})"
        for second, page, added in rows))


def test_rows_of_a_stream():
    """Each row once, its object as SUBSCRIBE names it, and a sequence to read on from."""
    with harness.Server() as server, Wire(server) as wire:
        server.execute(EDITS)
        server.execute("CREATE ALERT large NOTIFY large AS SELECT page, added, at FROM edits WHERE added > 100")
        wire.ask(query("LISTEN large"))
        insert(server, [(0, "a", 500), (1, "b", 1), (2, 'c "quoted"', 101)])
        first, second = next_row(wire), next_row(wire)
        equal(without_seq(first), {"mr_diff": 1, "page": "a", "added": 500, "at": "2026-01-01T00:00:00"})
        equal(second["page"], 'c "quoted"')
        # The exact rows behind what was heard: SUBSCRIBE goes on from the sequence.
        insert(server, [(3, "d", 200)])
        third = next_row(wire)
        assert third["mr_seq"] > second["mr_seq"]
        with Wire(server) as reader:
            reader.send(query("SUBSCRIBE TO (SELECT page, added FROM edits WHERE added > 100) "
                              f"AFTER {second['mr_seq']}"))
            row, = rows_of(reader.until(b"D"))
            equal(row, [str(third["mr_seq"]).encode(), b"1", b"d", b"200"])
        yield "each row as it comes", lambda: None
        equal(server.execute("SELECT channel, state, target FROM millrace.sinks WHERE name = 'large'"),
              [("large", "RUNNING", "NOTIFY large")])


def test_psycopg_hears():
    """A driver's own way to listen; another one's transaction does not hold it up."""
    def listen():
        with harness.Server() as server, psycopg.connect(server.dsn(), autocommit=True) as listener:
            server.execute(EDITS)
            server.execute('CREATE ALERT large NOTIFY "Large ones" AS SELECT page FROM edits WHERE added > 100')
            listener.execute('LISTEN "Large ones"')
            insert(server, [(0, "a", 500)])
            got = next(iter(listener.notifies()))
            equal((got.channel, json.loads(got.payload)["page"]), ("Large ones", "a"))
            out = server.psql("-c", 'LISTEN "Large ones"', "-c",
                              "INSERT INTO edits VALUES ('2026-01-01', 'psql', 101)", "-c", "FLUSH",
                              "-c", "SELECT 1")
            assert 'Asynchronous notification "Large ones" with payload "{' in out.stdout, out.stdout
    yield "psycopg and psql", listen


def test_updating_query():
    """What changes is told by key: 1 puts the row in its place, -1 takes it away."""
    def story():
        with harness.Server() as server, Wire(server) as wire:
            server.execute(EDITS)
            server.execute("CREATE TABLE stock (item text PRIMARY KEY, amount integer, note text)")
            server.execute("CREATE ALERT busy NOTIFY busy AS "
                           "SELECT page, count(*) AS edits FROM edits GROUP BY page HAVING count(*) > 3")
            server.execute("CREATE ALERT low NOTIFY low AS SELECT item, amount FROM stock WHERE amount < 5")
            server.execute("CREATE MATERIALIZED VIEW totals AS SELECT page, sum(added) AS n FROM edits GROUP BY page")
            server.execute("CREATE ALERT totals_changed NOTIFY totals FROM totals")
            for channel in ("busy", "low", "totals"):
                wire.ask(query(f"LISTEN {channel}"))
            insert(server, [(0, "a", 1), (1, "b", 1), (2, "a", 1), (3, "a", 1)])
            server.execute("FLUSH")
            rows = heard(wire.ask(query("SELECT 1")))
            equal(sorted(map(str, map(without_seq, rows))),
                  ["{'mr_diff': 1, 'page': 'a', 'n': 3}", "{'mr_diff': 1, 'page': 'b', 'n': 1}"])
            insert(server, [(4, "a", 1)])
            server.execute("FLUSH")
            rows = heard(wire.ask(query("SELECT 1")))
            assert {"mr_diff": 1, "page": "a", "edits": 4} in map(without_seq, rows), rows
            server.execute("INSERT INTO stock VALUES ('nail', 3, 'x'), ('screw', 100, 'y')")
            equal(without_seq(next_row(wire)), {"mr_diff": 1, "item": "nail", "amount": 3})
            server.execute("UPDATE stock SET amount = 2 WHERE item = 'nail'")
            equal(without_seq(next_row(wire)), {"mr_diff": 1, "item": "nail", "amount": 2})
            server.execute("UPDATE stock SET amount = 50 WHERE item = 'nail'")
            equal(without_seq(next_row(wire)), {"mr_diff": -1, "item": "nail"})
    yield "rows that change", story


def test_window_close():
    """A window's row once, when the watermark has passed it."""
    def story():
        with harness.Server() as server, Wire(server) as wire:
            server.execute(EDITS)
            server.execute("CREATE ALERT storm NOTIFY storm AS SELECT window_start, page, count(*) AS n "
                           "FROM TUMBLE(edits, at, INTERVAL '1' MINUTE) GROUP BY window_start, page "
                           "HAVING count(*) > 3 EMIT ON WINDOW CLOSE")
            wire.ask(query("LISTEN storm"))
            insert(server, [(second, "a", 1) for second in range(5)] + [(7, "b", 1)])
            server.execute("FLUSH")
            equal(kinds(wire.ask(query("SELECT 1"))), "TDCZ")
            insert(server, [(69, "a", 1)])
            server.execute("FLUSH")
            equal(kinds(wire.ask(query("SELECT 1"))), "TDCZ")
            insert(server, [(70, "a", 1)])
            equal(without_seq(next_row(wire)),
                  {"mr_diff": 1, "window_start": "2026-01-01T00:00:00", "page": "a", "n": 5})
            insert(server, [(71, "b", 1)])
            server.execute("FLUSH")
            equal(kinds(wire.ask(query("SELECT 1"))), "TDCZ")
    yield "EMIT ON WINDOW CLOSE", story


def test_between_transactions():
    """Inside BEGIN a listener hears nothing; all of it comes with the end."""
    def story():
        with harness.Server() as server, Wire(server) as wire:
            server.execute(EDITS)
            server.execute("CREATE ALERT all_of_them NOTIFY a AS SELECT added FROM edits")
            wire.ask(query("LISTEN a"))
            wire.ask(query("BEGIN"))
            insert(server, [(0, "a", 1), (1, "a", 2)])
            server.execute("FLUSH")
            equal(kinds(wire.ask(query("SELECT 1"))), "TDCZ")
            answer = wire.ask(query("COMMIT"))
            equal((kinds(answer), [row["added"] for row in heard(answer)]), ("CAAZ", [1, 2]))
            # What a transaction inserts is told once it is committed, and not at all when it is not.
            with Wire(server) as other:
                other.ask(query("BEGIN"))
                other.ask(query("INSERT INTO edits VALUES ('2026-01-01', 'x', 3)"))
                other.ask(query("ROLLBACK"))
                other.ask(query("BEGIN; INSERT INTO edits VALUES ('2026-01-01', 'x', 4); COMMIT"))
            equal(next_row(wire)["added"], 4)
    yield "transactions", story


def test_cut():
    """An object of more than 7999 bytes leaves out what does not fit, says so, and is JSON still."""
    def story():
        with harness.Server() as server, Wire(server) as wire:
            server.execute("CREATE STREAM t (id integer, body text, mark text)")
            server.execute("CREATE ALERT a NOTIFY a AS SELECT * FROM t")
            wire.ask(query("LISTEN a"))
            around = len('{"mr_seq":1,"mr_diff":1,"id":1,"body":"","mark":"end"}')
            cases = [(1, 7999 - around, False), (2, 7999 - around + 1, True), (3, 100000, True), (4, 5, False)]
            for number, length, _ in cases:
                server.execute(f"INSERT INTO t VALUES ({number}, repeat('b', {length}), 'end')")
            for number, length, is_cut in cases:
                kind, payload = wire.receive()
                text = notification(payload)[1]
                row = json.loads(text)
                equal((kind, row["id"], row["mark"]), (b"A", number, "end"))
                equal(row.get("mr_cut", False), is_cut)
                equal("body" in row, not is_cut)
                assert len(text) <= 7999, len(text)
                if number == 1:
                    equal(len(text), 7999)
                if not is_cut:
                    equal(row["body"], "b" * length)
    yield "a payload that is too long", story


def test_many_at_once():
    """A listener that reads hears all of a large commit's rows, in their order."""
    def story():
        with harness.Server() as server, Wire(server) as wire:
            server.execute("CREATE STREAM t (id integer)")
            server.execute("INSERT INTO t SELECT n FROM generate_series(1, 3000) AS n")
            wire.ask(query("LISTEN a"))
            server.execute("CREATE ALERT a NOTIFY a AS SELECT id FROM t")
            equal([next_row(wire)["id"] for _ in range(3000)], list(range(1, 3001)))
            server.execute("CREATE ALERT b NOTIFY a WITH (snapshot = false) AS SELECT -id AS id FROM t")
            server.execute("INSERT INTO t VALUES (7)")
            equal(sorted(next_row(wire)["id"] for _ in range(2)), [-7, 7])
    yield "thousands in one commit, and WITH (snapshot = false)", story


def test_slow_listener():
    """It loses the oldest, hears how many, and the server's memory stays what it was."""
    def story():
        rows, length = 40000, 7000
        with harness.Server() as server, Wire(server) as wire:
            server.execute("CREATE STREAM t (id integer, body text)")
            server.execute("CREATE ALERT a NOTIFY a AS SELECT * FROM t")
            wire.ask(query("LISTEN a"))
            wire.ask(query("BEGIN"))
            server.execute("INSERT INTO t SELECT n, 'x' FROM generate_series(1, 10) AS n")
            server.execute("FLUSH")
            before = server.rss_kib()
            for start in range(1, rows, 2000):
                server.execute(f"INSERT INTO t SELECT n, repeat('b', {length}) "
                               f"FROM generate_series({start}, {start + 1999}) AS n")
                server.execute("FLUSH")
            # 280 MB were told; 4096 are kept of them, and what the log caches.
            grown = server.rss_kib() - before
            assert harness.sanitized() or grown < 250 * 1024, f"{grown} KiB for a listener that does not read"
            answer = wire.ask(query("COMMIT"))
            got = [row["id"] for row in heard(answer)]
            while got[-1] != rows:      # a socket takes some at a time
                got.append(next_row(wire)["id"])
            told = [error_fields(payload)["M"] for kind, payload in answer if kind == b"N"]
            equal(len(told), 1)
            equal(int(told[0].split()[0]) + len(got), rows + 10)
            assert got == list(range(rows - len(got) + 1, rows + 1)), (got[0], got[-1], len(got))
            assert 1000 <= len(got) <= 4096, len(got)
    def large_commit():
        """More than is kept of one commit: what is left out is counted, too."""
        with harness.Server() as server, Wire(server) as wire:
            server.execute("CREATE STREAM t (id integer, body text)")
            server.execute("INSERT INTO t SELECT n, repeat('b', 7000) FROM generate_series(1, 8000) AS n")
            wire.ask(query("LISTEN a"))
            wire.ask(query("BEGIN"))
            server.execute("CREATE ALERT a NOTIFY a AS SELECT * FROM t")
            server.execute("FLUSH")
            server.execute("INSERT INTO t VALUES (8001, '')")
            server.execute("FLUSH")
            dropped, got = 0, []
            wire.send(query("COMMIT"))
            while not got or got[-1] != 8001:
                kind, payload = wire.receive()
                if kind == b"A":
                    got.append(json.loads(notification(payload)[1])["id"])
                elif kind == b"N":
                    dropped += int(error_fields(payload)["M"].split()[0])
            equal((dropped + len(got), got), (8001, sorted(got)))
    yield "a listener that does not read", story
    yield "a commit of more than is kept", large_commit


def test_restart():
    """Nothing is told again; what was not told yet is told when the server is back."""
    def story():
        with harness.Server() as server:
            server.execute(EDITS)
            server.execute("CREATE ALERT all_of_them NOTIFY a AS SELECT added FROM edits")
            insert(server, [(0, "a", 1), (1, "a", 2)])
            server.execute("FLUSH")
            for crash in (False, True):
                server.restart(crash=crash)
                with Wire(server) as wire:
                    wire.ask(query("LISTEN a"))
                    server.execute("FLUSH")
                    equal(kinds(wire.ask(query("SELECT 1"))), "TDCZ")
            server.execute("ALTER SINK all_of_them SUSPEND")
            insert(server, [(2, "a", 3)])
            server.restart(crash=True)
            with Wire(server) as wire:
                wire.ask(query("LISTEN a"))
                server.execute("ALTER ALERT all_of_them RESUME")
                equal(next_row(wire)["added"], 3)
                server.execute("FLUSH")
                equal(kinds(wire.ask(query("SELECT 1"))), "TDCZ")
                server.execute("ALTER ALERT all_of_them RENAME TO every_one")
                insert(server, [(3, "a", 4)])
                equal(next_row(wire)["added"], 4)
                server.restart(crash=True)
            with Wire(server) as wire:
                wire.ask(query("LISTEN a"))
                insert(server, [(4, "a", 5)])
                equal(next_row(wire)["added"], 5)
                server.execute("DROP ALERT every_one")
                insert(server, [(5, "a", 6)])
                equal(kinds(wire.ask(query("SELECT 1"))), "TDCZ")
            equal(server.execute("SHOW ALERTS"), [])
    yield "restart, SUSPEND, RESUME, RENAME and DROP", story


def hear_until_death(server, wire, first):
    """Inserts rows and collects what is told of them, until the server dies; also what FLUSH has waited for.
    A number is used once: an INSERT whose answer was lost may be in the log."""
    told, flushed, number = [], set(), first
    try:
        while number < first + 50:
            number += 1
            insert(server, [(number, "a", number), (number, "b", number)])
            server.execute("FLUSH")
            flushed |= {(number, "a"), (number, "b")}
    except (psycopg.OperationalError, harness.ServerDied):
        pass
    try:
        while True:
            kind, payload = wire.receive()
            if kind == b"A":
                row = json.loads(notification(payload)[1])
                told.append((row["added"], row["page"]))
    except (AssertionError, OSError):
        return told, flushed, number


def die_at(point):
    """No row is told twice, whatever the moment; those that FLUSH has waited for were told."""
    told, number, deaths = [], 0, 0
    with harness.Server() as server:
        server.execute(EDITS)
        server.execute("CREATE ALERT all_of_them NOTIFY a AS SELECT page, added FROM edits")
        for hit in (1, 2, 3, 5):
            server.stop()
            server.launch(env={"MILLRACE_FAULT": f"{point}:{hit}:die"})
            try:
                server.wait_ready()
                wire = Wire(server)
            except (harness.ServerDied, OSError, AssertionError):
                server.kill()       # the commit of a start was the one
                server.start()
                continue
            with wire:
                wire.ask(query("LISTEN a"))
                first = number
                more, flushed, number = hear_until_death(server, wire, first)
                told += more
            deaths += 1
            assert number < first + 50, f"the point {point} was not passed"
            server.kill()
            assert flushed <= set(more), (flushed, more)
            server.start()      # what is left is told, mostly to nobody
            with Wire(server) as wire:
                wire.ask(query("LISTEN a"))
                server.execute("FLUSH")
                told += [(row["added"], row["page"]) for row in heard(wire.ask(query("SELECT 1")))]
        equal(len(set(told)), len(told))
        assert deaths >= 2, f"{deaths} deaths with a listener"


def test_die_at_every_point():
    for point in POINTS:
        yield f"nothing told twice, die at {point}", lambda p=point: die_at(p)


harness.main(globals())
