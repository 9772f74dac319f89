#!/usr/bin/env python3
"""tests/limits_test.py - what clients may cost before and after their login: thousands of idle connections
and stalled logins, no descriptor left, lengths that promise too much, storms of cancel requests, and
conversations with every message cut, lengthened, shortened and out of order.  Figures are printed."""
import itertools
import os
import random
import resource
import select
import struct
import sys
import time
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness import wire  # noqa: E402
from harness.paths import ROOT, patience, quick, sanitized  # noqa: E402
from harness.server import wait_until  # noqa: E402
from harness.wire import (FLUSH, SYNC, TERMINATE, Closed, Wire, bind, describe, error_fields,  # noqa: E402
                          errors, execute, message, parse, query, rows, startup, text)

SHORT = quick() or sanitized()
IDLE = 500 if SHORT else 10000
STALLED = 300 if SHORT else 5000
INT4 = 23
SEED = int(os.environ.get("MILLRACE_SEED", "20260101"))


def descriptors_for(count):
    """Raises the test's own limit, which a server started afterwards has, too; returns how many of `count`
    connections there can be: not everybody may raise it as far."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 500
    if hard < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, wanted))
        except (ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            print(f"# {hard} descriptors are allowed: {hard - 500} connections instead of {count}")
            return hard - 500
    elif soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return count


def descriptors_of(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def cpu_seconds(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rests(server):
    """Whether it does nothing for a while: a server that turns in circles works all of that time."""
    before = cpu_seconds(server)
    time.sleep(0.3)
    return cpu_seconds(server) - before < 0.03


def answers(server):
    server.check_alive()
    with Wire(server) as w:
        assert rows(w.ask(query("SELECT 1"))) == [[b"1"]]


def work_of(server, count=1000):
    """Milliseconds of a processor that the server spends on a statement: a busy machine changes them little."""
    with Wire(server) as w:
        before = cpu_seconds(server)
        for _ in range(count):
            w.ask(query("SELECT 1"))
        return (cpu_seconds(server) - before) * 1000 / count


def test_idle_connections():
    """They cost little, take nothing from those who work, and leave nothing behind."""
    count = descriptors_for(IDLE)
    with harness.Server(settings={"max_connections": count + 50}) as server:
        answers(server)
        alone = work_of(server)
        before, open_before = server.rss_kib(), descriptors_of(server)
        wires = []
        for _ in range(count):
            w = Wire(server)
            w.ask(query("SELECT 1, repeat('x', 5000)"))
            wires.append(w)
        each = (server.rss_kib() - before) / count
        among = work_of(server)
        print(f"# {count} idle connections: {each:.1f} KB each; a statement is {among:.2f} ms of work "
              f"among them, {alone:.2f} ms alone")
        for w in wires:
            w.close()
        wait_until(lambda: descriptors_of(server) <= open_before + 2, 30, "the sockets to be closed")
        if count >= 1000:               # fewer are not worth the work of giving it back
            wait_until(lambda: server.rss_kib() - before < each * count / 2, 30, "memory to be given back")
        print(f"# afterwards {server.rss_kib() - before} KB are kept of {each * count:.0f}")
        assert sanitized() or each <= 32, f"{each:.1f} KB for an idle connection"
        assert among < 0.2 + 4 * alone, (among, alone)
        answers(server)


def test_stalled_logins():
    """Connections that never log in keep nobody out and cost little."""
    count = descriptors_for(STALLED)
    with harness.Server() as server:
        answers(server)
        before, open_before = server.rss_kib(), descriptors_of(server)
        half, wires, slow = startup()[:20], [], 0.0
        for number in range(count):
            w = Wire(server, login=False)
            w.send(half)
            wires.append(w)
            if number % 50 == 0:
                started = time.monotonic()
                answers(server)
                slow = max(slow, time.monotonic() - started)
        most = descriptors_of(server) - open_before
        print(f"# {count} stalled logins: {most} of them are open, {server.rss_kib() - before} KB; "
              f"the slowest login between them took {slow * 1000:.0f} ms")
        assert most <= 110, most
        assert sanitized() or server.rss_kib() - before < 16 * 1024
        assert slow < patience(5)
        for w in wires:
            w.close()
        wait_until(lambda: descriptors_of(server) <= open_before + 2, 30, "the sockets to be closed")


def test_stalled_logins_of_an_address():
    """Another machine has ten at most: its oldest goes, and nobody else's."""
    with harness.Server() as server:
        half = startup()[:20]
        ours = [Wire(server, login=False) for _ in range(20)]
        theirs = [Wire(server, login=False, source="127.0.0.5") for _ in range(30)]
        for w in ours + theirs:
            w.send(half)
        for w in theirs[:20]:
            try:
                assert w.socket.recv(1) == b"", "one of the oldest is answered"
            except ConnectionResetError:
                pass                    # what it had sent was not read any more
        for w in ours + theirs[20:]:
            w.send(startup()[20:])
            assert w.until(b"Z"), "one of the others cannot log in"
        for w in ours + theirs:
            w.close()


def test_login_deadline():
    """10 s from the first byte to the last, however the bytes come."""
    with harness.Server() as server:
        silent, trickling = Wire(server, login=False), Wire(server, login=False)
        begun, packet = time.monotonic(), startup(application_name="x" * 500)
        trickling.socket.settimeout(0.25)
        sent, ended = 0, False
        while not ended and time.monotonic() - begun < patience(20):
            try:
                trickling.send(packet[sent:sent + 1])
                sent += 1
                ended = trickling.socket.recv(1) == b""
            except TimeoutError:
                pass
            except OSError:
                ended = True
        took = time.monotonic() - begun
        assert ended and 9 < took < patience(14), took
        try:
            silent.rest()
        except AssertionError:
            raise AssertionError("a silent connection stays") from None
        answers(server)


def timer_of(w):
    """The kernel's timer of the server's end: its kind (2: keepalive) and the seconds until it is due."""
    ours, theirs = (end[1] for end in (w.socket.getsockname(), w.socket.getpeername()))
    for name in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]:
            fields = line.split()
            if [int(end.split(":")[1], 16) for end in fields[1:3]] == [theirs, ours]:
                kind, due = (int(part, 16) for part in fields[5].split(":"))
                return kind, due / os.sysconf("SC_CLK_TCK")
    raise AssertionError("no such connection")


def test_half_open_connections():
    """A client that has gone without a word is asked after 30 s of silence."""
    with harness.Server() as server, Wire(server) as w:
        w.ask(query("SELECT 1"))
        wait_until(lambda: timer_of(w)[0] == 2, 10, "the timer to be that of keepalive")
        kind, due = timer_of(w)
        assert kind == 2 and 0 < due <= 30, (kind, due)


def test_begun_message():
    """A message that was begun must be whole in 60 s, while silence between messages has no limit."""
    if SHORT:
        return
    with harness.Server() as server:
        silent, begun = Wire(server), Wire(server)
        begun.socket.settimeout(patience(90))
        started = time.monotonic()
        begun.send(query("SELECT 1")[:7])
        told = [error_fields(payload) for kind, payload in begun.rest() if kind == b"E"]
        took = time.monotonic() - started
        assert [(fields["S"], fields["C"]) for fields in told] == [("FATAL", "08P01")], told
        assert 55 < took < patience(75), took
        assert rows(silent.ask(query("SELECT 1"))) == [[b"1"]]


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def test_max_connections():
    with harness.Server(settings={"max_connections": 5, "superuser_reserved_connections": 0}) as server:
        wires = [Wire(server) for _ in range(5)]
        for _ in range(3):
            late = Wire(server, login=False)
            told = [error_fields(payload) for kind, payload in late.rest() if kind == b"E"]
            assert [(fields["S"], fields["C"]) for fields in told] == [("FATAL", "53300")], told
            late.close()
        wires.pop().close()
        wait_until(lambda: can_log_in(server), 10, "a place that is free again")
        for w in wires:
            w.close()


def test_last_connections_are_the_superusers():
    """By default three are kept; who is neither the one nor the other hears of it after the log-in."""
    with harness.Server(settings={"max_connections": 5}) as server:
        wires = [Wire(server) for _ in range(2)]
        late = Wire(server, login=False)
        late.send(startup())
        told = [error_fields(payload) for kind, payload in late.rest() if kind == b"E"]
        equal([(fields["S"], fields["C"], fields["M"]) for fields in told],
              [("FATAL", "53300", "remaining connection slots are reserved for non-replication superuser connections")])
        late.close()
        wait_until(lambda: not can_log_in(server) and can_log_in(server, user="millrace"), 10, "only the superuser")
        for _ in range(3):
            w = Wire(server, login=False)
            w.send(startup(user="millrace"))
            w.until(b"Z")
            wires.append(w)
        last = Wire(server, login=False)
        told = [error_fields(payload) for kind, payload in last.rest() if kind == b"E"]
        equal([(fields["C"], fields["M"]) for fields in told], [("53300", "sorry, too many clients already")])
        for w in wires:
            w.close()
        wait_until(lambda: can_log_in(server), 10, "a place for everybody")


def test_all_connections_cannot_be_the_superusers():
    try:
        with harness.Server(settings={"max_connections": 3}):
            raise AssertionError("the server starts")
    except harness.ServerDied as death:
        assert "superuser_reserved_connections (3) must be less than max_connections (3)" in str(death), death


def can_log_in(server, **options):
    try:
        with Wire(server, login=False) as w:
            w.send(startup(**options))
            w.until(b"Z")
            return rows(w.ask(query("SELECT 1"))) == [[b"1"]]
    except (OSError, Closed, AssertionError):
        return False


def test_log_limit_names_who_holds_rows():
    """A query that stands still keeps the log's old rows: the error at the limit names it."""
    settings = {"log_limit": "2MB", "log_segment_size": "1MB"}
    with harness.Server(settings=settings, virtual_clock=True) as server:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (k text)")
            connection.execute("CREATE MATERIALIZED VIEW held AS SELECT k, count(*) AS n FROM s GROUP BY k")
            fill = "INSERT INTO s SELECT repeat('x', 1000) || g FROM generate_series(1, 500) AS g"
            connection.execute(fill)
            connection.execute("ALTER MATERIALIZED VIEW held SUSPEND")
            connection.execute("SET CLOCK TO '2026-01-01 00:00:00+00'")     # who holds rows is looked up now
            told = None
            for _ in range(10):
                try:
                    connection.execute(fill)
                except psycopg.errors.DiskFull as error:
                    told = error
                    break
            assert told is not None, "no limit"
            words = 'old rows are held by query "held", which stands still'
            assert words in told.diag.message_primary, told.diag.message_primary
            connection.execute("ALTER MATERIALIZED VIEW held RESUME")
            connection.execute("FLUSH")
            connection.execute("SET CLOCK TO '2026-01-01 00:01:00+00'")
            try:
                for _ in range(10):
                    connection.execute(fill)
            except psycopg.errors.DiskFull as error:
                assert "held by" not in error.diag.message_primary, error.diag.message_primary


def test_no_descriptor_left():
    """Accepting pauses, without turning in circles, and goes on when some are free again."""
    with harness.Server() as server:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (a integer)")
        limit = descriptors_of(server) + 20
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (limit, limit))
        wires, told = [], {}
        for _ in range(60):
            w = Wire(server, login=False)
            w.send(startup())
            wires.append(w)

        def listen():
            """Who has an answer by now: b"Z", in, or b"E", refused."""
            for number, w in enumerate(wires):
                if number not in told and select.select([w.socket], [], [], 0)[0]:
                    told[number] = w.until(b"ZE")[-1][0]
            return list(told.values())
        wait_until(lambda: listen().count(b"Z") >= 10, 30, "clients to be let in")
        # A server that turns in circles never rests.
        wait_until(lambda: rests(server), 30, "the server to rest while clients wait")
        answered = listen()
        print(f"# of 60 clients {answered.count(b'Z')} are in, {answered.count(b'E')} were refused, the others wait")
        assert len(answered) < 60, answered
        inside = next(wires[number] for number, kind in told.items() if kind == b"Z")
        assert rows(inside.ask(query("SELECT count(*) FROM s"))) == [[b"0"]], "those who are in"
        for w in wires:
            w.close()
        wait_until(lambda: can_log_in(server), 10, "a client to be let in again")


def test_lengths_cost_nothing():
    """Memory grows by what came, not by what a length promises."""
    with harness.Server() as server:
        for size, ends in ((9900, False), (10100, True)):
            w = Wire(server, login=False)
            pad = size - len(startup()) - len("search_path") - 2
            w.send(startup(search_path="x" * pad))
            assert (w.until(b"ZE")[-1][0] == b"E") == ends, size
            w.close()
        answers(server)
        before = server.rss_kib()
        wires = [Wire(server) for _ in range(100)]
        for number, w in enumerate(wires):
            w.send((b"Q", b"B", b"P")[number % 3] + struct.pack("!i", (15 << 20) if number % 3 == 1 else 900000)
                   + b"x" * 100)
        answers(server)
        grown = server.rss_kib() - before
        print(f"# 100 messages that promise 2 GB: {grown} KB")
        assert sanitized() or grown < 100 * 64, grown
        for w in wires:
            w.close()


def test_cancel_storm():
    """Keys are not guessed, and who has one ends only its own statement."""
    rng = random.Random(SEED)
    with harness.Server() as server:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (a integer)")
        with Wire(server) as busy, Wire(server) as other:
            busy.send(query("SUBSCRIBE TO s WITH (progress = true)"))
            busy.until(b"D")
            pid, = struct.unpack_from("!i", busy.key)
            for number in range(200 if SHORT else 3000):
                key = struct.pack("!i", pid if number % 2 else rng.randrange(1, 5)) + rng.randbytes(4)
                storm = Wire(server, login=False)
                storm.send(struct.pack("!ii", 16, wire.CANCEL_REQUEST) + (key if key != busy.key else b""))
                storm.close()
            assert rows(other.ask(query("INSERT INTO s VALUES (1); SELECT 1"))) == [[b"1"]]
            for _ in range(20):         # the same again and again is one
                storm = Wire(server, login=False)
                storm.send(struct.pack("!ii", 16, wire.CANCEL_REQUEST) + busy.key)
                storm.close()
            assert errors(busy.until(b"Z")) == ["57014"]
            wait_until(lambda: rows(busy.ask(query("SELECT 2"))) == [[b"2"]], 10, "a statement that is not cancelled")


# -- conversations, changed ---------------------------------------------------------------------------

LETTERS = b"RSKZTDCENAtn123IsvGHcdW"


def talk(server, data, is_told=True):
    """Says it, ends, reads to the end.  `is_told`: what comes is whole messages."""
    w = Wire(server, login=False)
    try:
        w.send(data)
        w.socket.shutdown(1)
        w.socket.settimeout(patience(10))
        while is_told:
            kind, _ = w.receive()
            assert kind[0] in LETTERS, f"a message of type {kind!r}"
        while w.socket.recv(65536):
            pass
    except (Closed, OSError):
        assert not w.buffer, f"half a message: {w.buffer[:40]!r}"
    finally:
        w.close()


CONVERSATIONS = [
    [query("SELECT a, b FROM s ORDER BY a LIMIT 3")],
    [parse("SELECT $1::int + a FROM s", types=(INT4,)), bind([b"5"]), describe(b"P"), execute(limit=1),
     execute(), SYNC],
    [parse("INSERT INTO s VALUES ($1, $2)", "p"), describe(b"S", "p"), bind([b"1", b"x"], name="p"), execute(),
     message(b"C", b"S" + text("p")), SYNC],
    [query("COPY s FROM STDIN"), message(b"d", b"1\tx\n2\ty\n"), message(b"c"), query("SELECT 1")],
    [query("COPY s FROM STDIN (FORMAT csv)"), message(b"d", b"1,x\n"), message(b"f", b"no\0")],
    [query("COPY (SELECT a, b FROM s) TO STDOUT (FORMAT binary)")],
    [query("BEGIN"), query("DECLARE c SCROLL CURSOR FOR SELECT a FROM s"), query("FETCH 2 FROM c"),
     query("MOVE LAST c"), query("SELECT nosuch"), query("ROLLBACK")],
    [query("LISTEN x"), query("NOTIFY x, 'y'"), query("UNLISTEN *")],
    [parse("SUBSCRIBE TO s"), bind(), execute(limit=1), FLUSH, SYNC, TERMINATE],
]


def changed_lengths(messages):
    for number, one in enumerate(messages):
        length, = struct.unpack_from("!i", one, 1)
        for wrong in (0, 1, 3, 4, length - 1, length + 1, length + 1000, 10001, -1, -(1 << 31), (1 << 31) - 1, 1 << 24):
            if wrong != length:
                changed = one[:1] + struct.pack("!i", wrong) + one[5:]
                yield b"".join(messages[:number]) + changed + b"".join(messages[number + 1:])


def orders(messages, rng):
    """Some of all orders, with some left out and some said twice."""
    for some in itertools.islice(itertools.permutations(messages), 24):
        yield b"".join(some)
    for _ in range(10):
        yield b"".join(rng.choices(messages, k=len(messages) + 2))


def conversations(server):
    with server.connect() as connection:
        connection.execute("CREATE STREAM s (a integer, b text)")
        connection.execute("INSERT INTO s VALUES (1, 'x'), (2, NULL), (3, 'z')")
    rng = random.Random(SEED)
    step = 7 if SHORT else 1

    def cut():
        for messages in CONVERSATIONS:
            whole = startup() + b"".join(messages)
            for size in range(1, len(whole), step):
                talk(server, whole[:size])
        answers(server)

    def lengths():
        count = 0
        for messages in CONVERSATIONS:
            for data in changed_lengths(messages):
                talk(server, startup() + data)
                count += 1
        print(f"# {count} conversations")
        answers(server)

    def order():
        count = 0
        everything = [one for messages in CONVERSATIONS for one in messages]
        for messages in CONVERSATIONS + [rng.sample(everything, 5) for _ in range(10 if SHORT else 60)]:
            for data in orders(messages, rng):
                talk(server, startup() + data)
                count += 1
        print(f"# {count} conversations")
        answers(server)

    def corpus():
        files = sorted((ROOT / "tests" / "fuzz" / "corpus" / "fuzz_session").iterdir())
        for path in files:
            data = path.read_bytes()
            talk(server, (startup() if data[:1] and data[0] & 1 else b"") + data[1:], is_told=False)
        print(f"# {len(files)} of the corpus")
        answers(server)

    yield "cut at every byte", cut
    yield "wrong lengths", lengths
    yield f"wrong order (seed {SEED})", order
    yield "the fuzzer's corpus over a socket", corpus


def test_conversations():
    with harness.Server() as server:
        yield from conversations(server)


harness.main(globals())
