#!/usr/bin/env python3
"""tests/advisory_test.py - advisory locks: one story, told by sessions of PostgreSQL and of Millrace, must
be the same; then what waits: cancel, timeouts, circles, ends of sessions."""
import contextlib
import os
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.server import wait_until  # noqa: E402

WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
LIST = ("SELECT classid::bigint, objid::bigint, objsubid, mode, granted, count(*) FROM pg_locks WHERE locktype = 'advisory' "
        "GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5")

# (session, statement): what each gives is compared.
STORY = [
    (0, "SELECT pg_advisory_lock(1)"), (1, "SELECT pg_try_advisory_lock(1)"), (0, "SELECT pg_try_advisory_lock(1)"),
    (1, "SELECT pg_try_advisory_lock_shared(1)"), (1, "SELECT pg_try_advisory_lock(1, 0), pg_try_advisory_lock(0, 1)"),
    (0, LIST), (0, "SELECT pg_advisory_unlock(1)"), (1, "SELECT pg_try_advisory_lock(1)"), (0, "SELECT pg_advisory_unlock(1)"),
    (0, "SELECT pg_advisory_unlock(1)"), (1, "SELECT pg_try_advisory_lock(1)"), (1, "SELECT pg_advisory_unlock_shared(1)"),
    (1, "SELECT pg_advisory_unlock_all()"), (0, LIST),
    # Shared ones.
    (0, "SELECT pg_advisory_lock_shared(-5)"), (1, "SELECT pg_try_advisory_lock_shared(-5)"),
    (1, "SELECT pg_try_advisory_lock(-5)"), (0, LIST), (0, "SELECT pg_advisory_unlock(-5)"),
    (0, "SELECT pg_advisory_unlock_shared(-5)"), (1, "SELECT pg_try_advisory_lock(-5)"), (1, LIST),
    (1, "SELECT pg_advisory_unlock(-5)"), (0, "SELECT pg_try_advisory_lock_shared(-5)"), (0, "SELECT pg_advisory_unlock_all()"),
    (1, "SELECT pg_advisory_unlock_all()"),
    # Of a transaction.
    (0, "BEGIN"), (0, "SELECT pg_advisory_xact_lock(7)"), (0, "SELECT pg_try_advisory_xact_lock_shared(8)"),
    (1, "SELECT pg_try_advisory_lock(7), pg_try_advisory_lock(8), pg_try_advisory_xact_lock_shared(8)"),
    (0, "SELECT pg_advisory_unlock(7)"), (0, "SELECT pg_advisory_unlock_all()"), (1, "SELECT pg_try_advisory_lock(7)"),
    (0, "COMMIT"), (1, "SELECT pg_try_advisory_lock(7)"), (1, "SELECT pg_advisory_unlock_all()"),
    (0, "BEGIN"), (0, "SELECT pg_advisory_xact_lock(7), pg_advisory_lock(9)"), (0, "ROLLBACK"), (1, LIST),
    (0, "BEGIN"), (0, "SELECT pg_advisory_xact_lock(7)"), (0, "SELECT nosuch"), (1, "SELECT pg_try_advisory_lock(7)"),
    (0, "ROLLBACK"), (1, "SELECT pg_advisory_unlock(7)"),
    (0, "SELECT pg_advisory_xact_lock(7)"), (1, "SELECT pg_try_advisory_lock(7)"), (1, "SELECT pg_advisory_unlock_all()"),
    (0, "SELECT pg_advisory_xact_lock(7); SELECT pg_try_advisory_xact_lock(7); " + LIST), (1, LIST),
    # ROLLBACK TO frees what the transaction took behind the savepoint, and nothing of the session.
    (0, "BEGIN"), (0, "SELECT pg_advisory_xact_lock(1), pg_advisory_xact_lock_shared(2)"), (0, "SAVEPOINT a"),
    (0, "SELECT pg_advisory_xact_lock(1), pg_advisory_xact_lock(2), pg_advisory_xact_lock(3), pg_advisory_lock(4)"),
    (0, "SAVEPOINT b"), (0, "SELECT pg_advisory_xact_lock(5), pg_advisory_xact_lock(5)"), (0, "RELEASE b"),
    (1, "SELECT n, pg_try_advisory_lock(n) FROM generate_series(1, 5) AS n ORDER BY n"), (0, LIST),
    (0, "ROLLBACK TO a"), (0, LIST),
    (1, "SELECT n, pg_try_advisory_lock(n) FROM generate_series(1, 5) AS n ORDER BY n"),
    (1, "SELECT pg_try_advisory_lock_shared(2)"), (1, "SELECT pg_advisory_unlock_all()"),
    (0, "SELECT pg_advisory_xact_lock(6)"), (0, "SAVEPOINT c"), (0, "SELECT pg_advisory_xact_lock(6), pg_advisory_xact_lock(8)"),
    (0, "SELECT nosuch"), (1, LIST), (0, "ROLLBACK TO c"), (1, LIST), (0, "ROLLBACK TO a"), (1, LIST), (0, "COMMIT"),
    (1, LIST), (0, "BEGIN"), (0, "SELECT pg_advisory_xact_lock(6)"), (0, "SAVEPOINT a"), (0, "ROLLBACK TO a"), (1, LIST),
    (0, "ROLLBACK"), (0, "SELECT pg_advisory_unlock_all()"), (1, LIST),
    # Numbers of every size, NULL, several in one statement, arguments.
    (0, "SELECT pg_try_advisory_lock(9223372036854775807), pg_try_advisory_lock(-9223372036854775808)"),
    (0, "SELECT pg_try_advisory_lock(-1, -2), pg_try_advisory_lock(2147483647, 0)"), (0, LIST),
    (0, "SELECT pg_try_advisory_lock(NULL), pg_advisory_lock(NULL, 1)"), (0, "SELECT pg_advisory_unlock_all()"),
    (0, "SELECT n, pg_try_advisory_lock(n) FROM generate_series(1, 3) AS n"), (1, "SELECT n, pg_try_advisory_lock(n) FROM "
                                                                                  "generate_series(2, 4) AS n ORDER BY n"),
    (1, LIST), (0, "DISCARD ALL"), (1, "SELECT pg_try_advisory_lock(1)"), (1, "SELECT pg_advisory_unlock_all()"),
    (0, "SELECT pg_try_advisory_lock('x')"), (0, "SELECT pg_try_advisory_lock(1, 2, 3)"),
]


def told(sessions, notices, who, sql):
    del notices[:]
    try:
        cursor = sessions[who].execute(sql)
        answer = []
        while True:
            answer.append(cursor.fetchall() if cursor.description else cursor.statusmessage)
            if not cursor.nextset():
                break
    except psycopg.Error as error:
        answer = error.sqlstate
    return answer, list(notices)


def tell_story(connect):
    notices, answers = [], []
    with connect() as a, connect() as b:
        for session in (a, b):
            session.add_notice_handler(lambda notice: notices.append((notice.sqlstate, notice.message_primary)))
        for who, sql in STORY:
            answers.append((who, sql, *told((a, b), notices, who, sql)))
    return answers


def in_background(connection, sql, outcome):
    def run():
        try:
            outcome.append(connection.execute(sql).fetchall())
        except psycopg.Error as error:
            outcome.append((error.sqlstate, error.diag.message_primary))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def is_waiting(asker, count=1):
    wait_until(lambda: asker.execute(WAITING).fetchone()[0] == count, 10, f"{count} sessions waiting for locks")


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


@contextlib.contextmanager
def sessions_of(connect, count):
    """As many sessions; at the end nobody waits any more, so that no thread is left."""
    sessions = [connect() for _ in range(count)]
    try:
        yield sessions
    finally:
        for session in sessions:
            with contextlib.suppress(psycopg.Error):
                session.cancel()
        for session in sessions:
            session.close()


def terminate(session, other):
    """PostgreSQL does not look for a client's end while it waits."""
    other.execute("SELECT pg_terminate_backend(%s)", (session.info.backend_pid,))


def hang_up(session, _):
    with socket.socket(fileno=os.dup(session.fileno())) as wire:
        wire.shutdown(socket.SHUT_RDWR)


class Waits:
    """Of one server; the same must hold for PostgreSQL."""

    def __init__(self, connect, end):
        self.connect, self.end = connect, end

    def sessions(self, count):
        return sessions_of(self.connect, count)

    def in_order(self):
        """Who waits gets it in the order of asking; a shared one does not overtake."""
        outcomes, threads = [[], [], []], []
        with self.sessions(4) as (a, b, c, d):
            a.execute("SELECT pg_advisory_lock_shared(1)")
            for number, (session, sql) in enumerate(((b, "SELECT pg_advisory_lock(1), 'b'"),
                                                     (c, "SELECT pg_advisory_lock_shared(1), 'c'"))):
                threads.append(in_background(session, sql, outcomes[number]))
                is_waiting(d, number + 1)
            equal(d.execute("SELECT pg_try_advisory_lock_shared(1)").fetchone(), (False,))
            equal(a.execute("SELECT pg_try_advisory_lock_shared(1)").fetchone(), (True,))
            a.execute("SELECT pg_advisory_unlock_all()")
            threads[0].join()
            equal((outcomes[0], outcomes[1]), ([[("", "b")]], []))
            b.execute("SELECT pg_advisory_unlock(1)")
            threads[1].join()
            equal(outcomes[1], [[("", "c")]])

    def cancelled(self):
        with self.sessions(3) as (a, b, c):
            outcome = []
            a.execute("SELECT pg_advisory_lock(1)")
            thread = in_background(b, "SELECT pg_advisory_lock(1)", outcome)
            is_waiting(c)
            b.cancel()
            thread.join()
            equal(outcome, [("57014", "canceling statement due to user request")])
            equal(c.execute(WAITING).fetchone()[0], 0)
            a.execute("SELECT pg_advisory_unlock_all()")
            equal(b.execute("SELECT pg_try_advisory_lock(1)").fetchone(), (True,))

    def timeouts(self):
        with self.sessions(2) as (a, b):
            a.execute("SELECT pg_advisory_lock(1)")
            for setting, wanted in (("lock_timeout", ("55P03", "canceling statement due to lock timeout")),
                                    ("statement_timeout", ("57014", "canceling statement due to statement timeout"))):
                outcome = []
                b.execute(f"SET {setting} = '50ms'")
                in_background(b, "SELECT pg_advisory_lock(1)", outcome).join()
                equal(outcome, [wanted])
                b.execute(f"RESET {setting}")
            equal(a.execute("SELECT pg_advisory_unlock(1)").fetchone(), (True,))
            equal(b.execute("SELECT pg_try_advisory_lock(1)").fetchone(), (True,))

    def circles(self):
        with self.sessions(4) as (a, b, c, d):
            outcomes, sessions = [[], [], []], (a, b, c)
            for number, session in enumerate(sessions):
                session.execute("SELECT pg_advisory_lock(%s)", (number,))
            threads = []
            for number, session in enumerate(sessions):
                threads.append(in_background(session, f"SELECT pg_advisory_lock({(number + 1) % 3})", outcomes[number]))
                if number < 2:
                    is_waiting(d, number + 1)
            # One of the three is refused; once it has gone, each of the others has what it waits for.
            wait_until(lambda: any(outcome for outcome in outcomes), 10, "one that is refused")
            refused = [n for n in range(3) if outcomes[n]]
            equal([outcomes[n] for n in refused], [[("40P01", "deadlock detected")]])
            for step in range(3):
                number = (refused[0] - step) % 3
                threads[number].join()
                sessions[number].execute("SELECT pg_advisory_unlock_all()")
            equal(sorted(str(outcome) for outcome in outcomes),
                  sorted(["[('40P01', 'deadlock detected')]", "[[('',)]]", "[[('',)]]"]))

    def gone(self):
        """A session's end frees what it had, and its place among those that wait."""
        with self.sessions(4) as (a, b, c, d):
            outcome = []
            a.execute("SELECT pg_advisory_lock(1)")
            b.execute("SELECT pg_advisory_lock(2)")
            thread = in_background(b, "SELECT pg_advisory_lock(1)", [])
            is_waiting(d)
            other = in_background(c, "SELECT pg_advisory_lock(2)", outcome)
            is_waiting(d, 2)
            self.end(b, d)
            thread.join()
            other.join()
            equal(outcome, [[("",)]])
            equal(d.execute(WAITING).fetchone()[0], 0)


def test_advisory():
    with harness.Postgres() as postgres, harness.Server() as server:
        def story():
            for got, wanted in zip(tell_story(server.connect), tell_story(postgres.connect)):
                equal(got, wanted)

        yield "the story is PostgreSQL's", story
        for name, connect, end in (("PostgreSQL", postgres.connect, terminate), ("Millrace", server.connect, hang_up)):
            waits = Waits(connect, end)
            for check in (waits.in_order, waits.cancelled, waits.timeouts, waits.circles, waits.gone):
                yield f"{name}: {check.__name__}", check

        def with_tables():
            """One that waits for a lock keeps nobody from changing tables; locks are for SELECT only."""
            with sessions_of(server.connect, 3) as (a, b, c):
                outcome = []
                a.execute("CREATE TABLE t (n int PRIMARY KEY)")
                b.execute("SELECT pg_advisory_lock(1)")
                thread = threading.Thread(target=lambda: a.execute(
                    "INSERT INTO t VALUES (1); SELECT pg_advisory_lock(1)"))
                thread.start()
                is_waiting(c)
                b.execute("INSERT INTO t VALUES (2)")
                b.execute("SELECT pg_advisory_unlock(1)")
                thread.join()
                equal(a.execute("SELECT n FROM t ORDER BY n").fetchall(), [(1,), (2,)])
                in_background(a, "UPDATE t SET n = 5 WHERE pg_try_advisory_lock(n)", outcome).join()
                equal(outcome[0][0], "0A000")
                # Rows that a thread computes.
                equal(b.execute("SELECT n, pg_try_advisory_lock(n) FROM t ORDER BY n").fetchall(), [(1, False), (2, True)])
                in_background(c, "CREATE MATERIALIZED VIEW v AS SELECT pg_try_advisory_lock(n) AS x FROM t", outcome).join()
                equal(outcome[1][0], "0A000")

        yield "beside tables", with_tables
        server.check_alive()


harness.main(globals())
