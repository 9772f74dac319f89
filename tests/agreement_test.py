#!/usr/bin/env python3
"""tests/agreement_test.py - our expressions and PostgreSQL's: same text, same type, same SQLSTATE.

    agreement_test.py [FILE …]         files of tests/agreement/, all by default, and the generated ones

Every expression is a query `SELECT <expression>` of its own, sent to a real PostgreSQL and to a server
of ours.  The hand-written ones are in tests/agreement/*.txt, one a line:

    # comment
    expression
    ! reason                what follows, one expression, may differ: the reason is shown

The generated ones are every entry of millrace.functions over the values that
tests/agreement/values.py names for its types.  tests/agreement/differences.txt lists what may differ
among them: `pattern <tab> reason`, a regular expression over the whole expression.  A line of it that
excuses nothing is an error, as is a listed difference that is none.
"""
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "agreement"))
import psycopg  # noqa: E402

import generate  # noqa: E402
import harness  # noqa: E402
from harness import tap  # noqa: E402

FOLDER = Path(__file__).resolve().parent / "agreement"
SHOWN = int(os.environ.get("MILLRACE_SHOWN", "40"))
CLOCK = "2026-01-01 00:00:00+00"
SETTINGS = ("SET TimeZone = 'Europe/Berlin'", "SET statement_timeout = '10min'")


class Expression:
    def __init__(self, text, reason=None):
        self.text, self.reason = text, reason


def read(path):
    """The expressions of a hand-written file."""
    found, reason = [], None
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("! "):
            reason = line[2:].strip()
        elif line.strip() and not line.startswith("#"):
            found.append(Expression(line, reason))
            reason = None
    return found


def answer(connection, expression):
    """('value', type oid, text or None; of other than one row the list of them), or
    ('error', SQLSTATE, message)."""
    try:
        result = connection.pgconn.exec_(("SELECT " + expression).encode())
    except psycopg.Error as error:
        raise AssertionError(f"{expression}: {error}") from None
    if result.status == psycopg.pq.ExecStatus.TUPLES_OK:
        values = [result.get_value(row, 0) for row in range(result.ntuples)]
        texts = [None if value is None else value.decode() for value in values]
        return ("value", result.ftype(0), texts[0] if len(texts) == 1 else texts)
    state = result.error_field(psycopg.pq.DiagnosticField.SQLSTATE)
    message = result.error_field(psycopg.pq.DiagnosticField.MESSAGE_PRIMARY)
    if state is None:
        raise AssertionError(f"{expression}: the connection is lost")
    return ("error", state.decode(), (message or b"").decode(errors="replace"))


def show(found):
    kind, what, text = found
    return f"{what}: {text}" if kind == "error" else f"{text!r} (type {what})"


def same(ours, theirs):
    if ours[0] == "error" or theirs[0] == "error":
        return ours[:2] == theirs[:2]
    return ours == theirs


class Servers:
    """Both, one connection each."""

    def __init__(self):
        self.pg = harness.Postgres().__enter__()
        self.server = harness.Server(virtual_clock=True)
        self.server.start()
        self.ours = self.server.connect()
        self.theirs = self.pg.connect()
        self.theirs.autocommit = True
        self.ours.execute(f"SET CLOCK TO '{CLOCK}'")
        for sql in SETTINGS:
            self.theirs.execute(sql)
            self.ours.execute(sql)

    def ask(self, expressions):
        for expression in expressions:
            yield expression, answer(self.ours, expression.text), \
                answer(self.theirs, expression.text)

    def close(self):
        self.ours.close()
        self.server.check_alive()
        self.server.destroy()


def report(name, differences, excused, stale, total):
    print(f"# {name}: {total} expressions, {total - len(differences) - excused} agree, "
          f"{excused} differ for a listed reason", flush=True)
    lines = [f"{text}\n    ours:   {show(ours)}\n    theirs: {show(theirs)}"
             for text, ours, theirs in differences[:SHOWN]]
    if stale:
        lines += [f"listed as a difference, but is none: {text}" for text in stale]
    if lines:
        raise AssertionError(f"{len(differences)} of {total} differ\n" + "\n".join(lines))


def compare_file(servers, path):
    differences, stale, excused = [], [], 0
    expressions = read(path)
    for expression, ours, theirs in servers.ask(expressions):
        if same(ours, theirs):
            if expression.reason:
                stale.append(expression.text)
        elif expression.reason:
            excused += 1
        else:
            differences.append((expression.text, ours, theirs))
    report(path.name, differences, excused, stale, len(expressions))


# Settings that change what is written or read: the statements, and the file asked under each of them.
# The last one is the usual.
STYLES = {
    "intervals": ([f"SET IntervalStyle = '{style}'"
                   for style in ("sql_standard", "postgres_verbose", "iso_8601", "postgres")], "intervals.txt"),
    "dates": ([f"SET DateStyle = '{style}'"
               for style in ("SQL, DMY", "SQL, MDY", "SQL, YMD", "Postgres, DMY", "Postgres, MDY", "Postgres, YMD",
                             "German", "German, YMD", "German, MDY", "ISO, DMY", "YMD", "ISO, MDY")], "styles_date.txt"),
    "bytes and floats": (["SET bytea_output = 'escape'", "SET bytea_output = 'hex'"] +
                         [f"SET extra_float_digits = {digits}" for digits in (-15, -7, -6, -5, -1, 0, 3, 1)],
                         "styles_value.txt"),
}


def compare_styles(servers, statements, path):
    """The expressions of a file under each setting."""
    for sql in statements:
        for connection in (servers.ours, servers.theirs):
            connection.execute(sql)
        print(f"# {sql}")
        compare_file(servers, path)


# SET DateStyle: which words it takes, and what stands there afterwards.
DATE_STYLES = ("ISO", "sql", "GERMAN", "iso", "us", "European", "noneuropean", "postgresql", "POSTGRES,dmy", "dmy, sql",
               "sql,dmy,sql", "sql, german", "dmy, mdy", "german, mdy", "mdy, german", "german", "ISO", "ymd", "iso,",
               "", "  ", "foo", "iso mdy", "german, foo", "euro", "isox", "default", "sql, default",
               "german, default", "default, german", "dmy, default", "default, ymd", "default, foo", "ISO, MDY")


def compare_words(servers):
    """What SHOW DateStyle says, and what the client is told of it, after each SET or its error."""
    for words in DATE_STYLES:
        answers = []
        for connection in (servers.ours, servers.theirs):
            state = None
            try:
                connection.execute(f"SET DateStyle = '{words}'")
            except psycopg.Error as error:
                state = error.sqlstate
            answers.append((state, connection.execute("SHOW DateStyle").fetchone()[0],
                            connection.pgconn.parameter_status(b"DateStyle").decode()))
        assert answers[0] == answers[1], f"SET DateStyle = '{words}': ours {answers[0]}, theirs {answers[1]}"


def listed_differences():
    listed = []
    for line in (FOLDER / "differences.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            pattern, _, reason = line.partition("\t")
            assert reason.strip(), f"differences.txt: no reason for {pattern!r}"
            listed.append([re.compile(pattern), 0])
    return listed


def generated(servers):
    entries = servers.ours.execute(
        "SELECT name, arguments, result FROM millrace.functions WHERE kind NOT IN ('aggregate', 'window function')").fetchall()
    return generate.expressions(entries) + generate.casts()


def compare_generated(servers):
    expressions = [Expression(text) for text in generated(servers)]
    listed, differences, excused = listed_differences(), [], 0
    for expression, ours, theirs in servers.ask(expressions):
        if same(ours, theirs):
            continue
        for entry in listed:
            if entry[0].search(expression.text):
                entry[1] += 1
                excused += 1
                break
        else:
            differences.append((expression.text, ours, theirs))
    unused = [pattern.pattern for pattern, used in listed if not used]
    report("generated", differences, excused, unused, len(expressions))
    assert len(expressions) >= 2000, "fewer expressions than promised"


def main(arguments):
    servers = Servers()
    files = [Path(name) for name in arguments] or sorted(FOLDER.glob("expr_*.txt"))
    cases = [(path.stem, lambda path=path: compare_file(servers, path)) for path in files]
    if not arguments:
        for name, (statements, file) in STYLES.items():
            cases.append((f"styles of {name}", lambda statements=statements, file=file:
                          compare_styles(servers, statements, FOLDER / file)))
        cases.append(("words of DateStyle", lambda: compare_words(servers)))
        cases.append(("generated", lambda: compare_generated(servers)))
    try:
        return tap.run(cases)
    finally:
        servers.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
