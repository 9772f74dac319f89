#!/usr/bin/env python3
"""tests/slt_runner.py - runs tests/slt/*.slt through a real server on a virtual clock.

    slt_runner.py [--postgres [--write]] [FILE.slt …]

Every file runs once per configuration (batch_rows and workers, which may change nothing but
speed); each run is one test.  Records are separated by blank lines, `#` starts a comment line:

    statement ok [in main|in pg]                   the SQL on the next lines; run by the target itself
    statement error SQLSTATE
        `----` and lines below either: each stands in what the server says (a notice, the message of
        the error, its detail or hint, the rows of an EXPLAIN); `no notice` alone: it says nothing
    query TYPES [rowsort] [in main|in pg]          the SQL, `----`, the expected rows
    feed STREAM                                    rows to append by COPY
    batch                                          FLUSH: all acknowledged rows are in all targets
    clock TIMESTAMP                                SET CLOCK TO (2026-01-01 00:00:00+00 before)
    restart                                        kill -9 and start again; what is read next is read when
                                                   the new process has come to the end of the log
    metric NAME{query="v"} | NAME{stream="s"}      a counter of millrace.queries or millrace.streams
    require postgres                               a PostgreSQL server, known as connection `pg`
    postgres stop|start                            that server goes away, and comes back
    settings NAME=VALUE …                          server settings (before the first statement)

Columns of rows are separated by ` | `; NULL is NULL, an empty text is (empty), a line feed in a value
is \\n.  One letter of TYPES per column: R is compared as a number within 1e-9, anything else (I, T)
to the letter.  `in main` and `in pg` read the target itself instead of asking the server.

A file that begins with `# oracle: postgres` holds plain PostgreSQL: --postgres runs it there, and
with --write puts PostgreSQL's answers into the file.  Answers never come from our own server.
"""
import contextlib
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.tables import plain  # noqa: E402

SLT = Path(__file__).resolve().parent / "slt"
COMMANDS = ("statement", "query", "feed", "batch", "clock", "restart", "metric", "require",
            "postgres", "settings")
TOLERANCE = 1e-9
CLOCK = "2026-01-01 00:00:00+00"


class Mismatch(AssertionError):
    pass


class Record:
    """One record: command line, body (SQL or rows), expected rows, line number."""

    def __init__(self, number, words, body, expected):
        self.number, self.words, self.body, self.expected = number, words, body, expected
        self.command = words[0]


def parse(path):
    records, lines = [], path.read_text(encoding="utf-8").split("\n")
    i = 0
    while i < len(lines):
        line = lines[i]
        if not line.strip() or line.startswith("#"):
            i += 1
            continue
        number, words = i + 1, line.split()
        if words[0] not in COMMANDS:
            raise Mismatch(f"{path.name}:{number}: unknown command {words[0]!r}")
        i += 1
        body, expected = [], None
        # feed, statement, query and metric are followed by lines up to the next blank one.
        if words[0] in ("statement", "query", "feed", "metric"):
            while i < len(lines) and lines[i].strip():
                if lines[i] == "----" and expected is None and words[0] != "feed":
                    expected = []
                else:
                    (body if expected is None else expected).append(lines[i])
                i += 1
        if words[0] in ("query", "metric") and expected is None:
            raise Mismatch(f"{path.name}:{number}: no ---- after {words[0]}")
        if words[0] in ("statement", "query") and not body:
            raise Mismatch(f"{path.name}:{number}: no SQL")
        records.append(Record(number, words, body, expected))
    return records


def cell_text(value):
    if value is None:
        return "NULL"
    if value == "":
        return "(empty)"
    return value.replace("\\", "\\\\").replace("\n", "\\n") if "\n" in value else value


def row_text(row):
    return " | ".join(map(cell_text, row))


def copy_field(text):
    """A field of `feed` as a field of COPY's text format."""
    if text == "NULL":
        return "\\N"
    if text == "(empty)":
        return ""
    return text.replace("\\n", "\n").replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def rows_of(cursor):
    """The rows as the server wrote them (text format), without Python's reading of types."""
    result = cursor.pgresult
    return [[None if value is None else value.decode("utf-8")
             for value in (result.get_value(r, c) for c in range(result.nfields))]
            for r in range(result.ntuples)]


def compare(record, types, got, expected, sort):
    wanted = [line.split(" | ") for line in expected]
    shown = [list(map(cell_text, row)) for row in got]
    if sort:
        shown.sort()
        wanted.sort()
    problem = None
    if len(shown) != len(wanted):
        problem = f"{len(shown)} rows instead of {len(wanted)}"
    else:
        for number, (left, right) in enumerate(zip(shown, wanted), 1):
            if len(left) != len(right) or len(types) != len(left):
                problem = f"row {number} has {len(left)} columns, expected {len(right)}, " \
                          f"types {types}"
                break
            for kind, a, b in zip(types, left, right):
                if a == b:
                    continue
                if kind == "R" and "NULL" not in (a, b):
                    x, y = float(a), float(b)
                    if abs(x - y) <= TOLERANCE * max(1, abs(x), abs(y)):
                        continue
                problem = problem or f"row {number}: {a!r} instead of {b!r}"
    if problem:
        raise Mismatch(problem + "\ngot:\n" + "\n".join(" | ".join(row) for row in shown[:40])
                       + "\nexpected:\n" + "\n".join(" | ".join(row) for row in wanted[:40]))


class Run:
    """One file in one configuration."""

    def __init__(self, path, settings):
        self.path, self.settings = path, settings
        self.server = self.connection = self.pg = None
        self.is_recovering = False
        self.said = []

    def connect(self):
        self.connection = self.server.connect()
        self.connection.add_notice_handler(lambda told: self.said.append(said_text(told)))

    def execute(self):
        records = parse(self.path)
        settings = dict(self.settings)
        for record in records:
            if record.command == "settings":
                settings.update(word.split("=", 1) for word in record.words[1:])
        if any(record.command == "require" for record in records):
            self.pg = shared_postgres()
        self.server = harness.Server(settings=settings, virtual_clock=True)
        try:
            self.server.start()
            self.connect()
            self.set_clock(CLOCK)
            if self.pg:
                for sql in self.pg.connection_sql():
                    self.connection.execute(sql)
            self.run_records(records)
            self.connection.close()
            self.server.stop()
        except BaseException:
            try:
                self.server.check_alive()
            except harness.ServerDied as death:
                raise Mismatch(str(death)) from None
            raise
        finally:
            self.server.destroy()
            if self.pg and self.pg.process is None:
                self.pg.start()
            if self.pg:
                clean_postgres(self.pg)

    def run_records(self, records):
        # Records of an oracle file are independent: one report names all that differ.
        differences = []
        for record in records:
            try:
                getattr(self, "do_" + record.command)(record)
            except (Mismatch, psycopg.Error) as error:
                differences.append(f"{self.path.name}:{record.number}: {' '.join(record.words)}\n"
                                   f"{describe(error)}")
                if not is_oracle(self.path) or self.connection.closed:
                    break
        if differences:
            raise Mismatch(f"{len(differences)} of {len(records)} records\n"
                           + "\n".join(differences))

    def do_settings(self, record):
        """Done before the start."""

    do_require = do_settings

    def do_statement(self, record):
        self.said.clear()
        self.run_statement(record)
        if record.expected is not None:
            check_said(record.expected, self.said)

    def run_statement(self, record):
        sql = "\n".join(record.body)
        if record.words[1] == "ok":
            if "in" in record.words:
                self.run_in_target(record.words[3], sql)
            else:
                cursor = self.connection.execute(sql)
                self.said += [row_text(row) for row in rows_of(cursor)]
            return
        try:
            self.connection.execute(sql)
        except psycopg.Error as error:
            if error.sqlstate != record.words[2]:
                raise Mismatch(f"SQLSTATE {error.sqlstate} instead of {record.words[2]}: "
                               f"{error}") from None
            self.said.append(said_text(error.diag))
            return
        raise Mismatch(f"no error, expected {record.words[2]}")

    def run_in_target(self, target, sql):
        """What users of the database do there: their own tables, for sinks."""
        if target == "main":
            harness.sqlite_execute(self.server.main_db(), sql)
        else:
            with self.pg.connect() as connection:
                connection.execute(sql)

    def recover(self):
        """A query that has stopped fails the FLUSH when all others have arrived."""
        if self.is_recovering:
            self.is_recovering = False
            with contextlib.suppress(psycopg.Error):
                self.connection.execute("FLUSH")

    def do_query(self, record):
        self.recover()
        types, options = record.words[1], record.words[2:]
        sql = "\n".join(record.body)
        if "in" in options:
            rows = self.target_rows(options[options.index("in") + 1], sql)
        else:
            rows = rows_of(self.connection.execute(sql))
        compare(record, types, rows, record.expected, "rowsort" in options)

    def target_rows(self, target, sql):
        if target == "main":
            rows = harness.sqlite_table(self.server.main_db(), sql)
        else:
            with self.pg.connect() as connection:
                return rows_of(connection.execute(sql))
        return [[None if value is None else str(plain(value)) for value in row] for row in rows]

    def do_feed(self, record):
        data = "".join("\t".join(copy_field(field.strip()) for field in line.split(" | ")) + "\n"
                       for line in record.body)
        with self.connection.cursor().copy(f"COPY {record.words[1]} FROM STDIN") as copy:
            copy.write(data.encode())

    def do_postgres(self, record):
        (self.pg.stop if record.words[1] == "stop" else self.pg.start)()

    def do_batch(self, record):
        self.is_recovering = False
        self.connection.execute("FLUSH")

    def do_clock(self, record):
        self.set_clock(" ".join(record.words[1:]))

    def set_clock(self, text):
        self.clock = text
        self.connection.execute(f"SET CLOCK TO '{text}'")

    def do_restart(self, record):
        self.server.kill()
        self.connection.close()
        self.server.start()
        self.connect()
        self.is_recovering = True
        self.set_clock(self.clock)      # a new process knows nothing of the old one's clock

    def do_metric(self, record):
        self.recover()
        match = re.fullmatch(r'(\w+)\{(query|stream)="([^"]+)"\}', " ".join(record.words[1:]))
        if match is None:
            raise Mismatch("metric NAME{query=\"…\"} or NAME{stream=\"…\"}")
        name, kind, owner = match.groups()
        table = {"query": "queries", "stream": "streams"}[kind]
        rows = rows_of(self.connection.execute(
            f"SELECT {name} FROM millrace.{table} WHERE name = '{owner}'"))
        compare(record, "T", rows, record.expected, False)


def said_text(told):
    """What a client shows of a notice or an error."""
    return "\n".join(text for text in (told.message_primary, told.message_detail, told.message_hint)
                     if text)


def check_said(wanted, said):
    text = "\n".join(said)
    if wanted == ["no notice"]:
        wanted, problem = [], text != ""
    else:
        problem = any(line not in text for line in wanted)
    if problem:
        raise Mismatch("the server said\n" + text + "\ninstead of\n" + "\n".join(wanted))


def describe(error):
    """A psycopg error with what the server said besides its message."""
    diagnosis = getattr(error, "diag", None)
    if diagnosis is None or diagnosis.sqlstate is None:
        return str(error)
    parts = [f"{diagnosis.sqlstate}: {diagnosis.message_primary}"]
    parts += [f"{name}: {value}" for name, value in
              (("detail", diagnosis.message_detail), ("hint", diagnosis.message_hint)) if value]
    return "\n".join(parts)


_postgres = []


def shared_postgres():
    if not _postgres:
        _postgres.append(harness.Postgres().__enter__())
    return _postgres[0]


def clean_postgres(pg):
    """Each run finds the database as a new one."""
    with pg.connect() as connection:
        connection.execute("DROP SCHEMA IF EXISTS millrace CASCADE")
        for (name,) in connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall():
            connection.execute(f'DROP TABLE public."{name}" CASCADE')


def configurations():
    if harness.quick() or harness.sanitized():
        return [{"batch_rows": 7, "workers": 2}, {"batch_rows": 100000, "workers": 1}]
    return [{"batch_rows": batch, "workers": workers}
            for batch in (1, 7, 100000) for workers in (1, 2)]


# -- PostgreSQL as the oracle ---------------------------------------------------------------------

def is_oracle(path):
    return path.read_text(encoding="utf-8").startswith("# oracle: postgres")


def run_in_postgres(path, write):
    pg = shared_postgres()
    answers = {}
    with pg.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for record in parse(path):
            sql = "\n".join(record.body)
            try:
                cursor = connection.execute(sql)
            except psycopg.Error as error:
                answers[record.number] = error.sqlstate
                if record.words[:2] != ["statement", "error"] or \
                        (not write and record.words[2] != error.sqlstate):
                    raise Mismatch(f"{path.name}:{record.number}: {describe(error)}") from None
                continue
            if record.words[:2] == ["statement", "error"]:
                raise Mismatch(f"{path.name}:{record.number}: no error")
            if record.command == "query":
                rows = rows_of(cursor)
                if "rowsort" in record.words:
                    rows.sort(key=row_text)
                answers[record.number] = rows
                if not write:
                    compare(record, record.words[1], rows, record.expected,
                            "rowsort" in record.words)
    clean_postgres(pg)
    if write:
        rewrite(path, answers)


def rewrite(path, answers):
    lines, out, i = path.read_text(encoding="utf-8").split("\n"), [], 0
    while i < len(lines):
        answer = answers.get(i + 1)
        if isinstance(answer, str):
            out.append(f"statement error {answer}")
            i += 1
        elif answer is not None:
            while lines[i] != "----":
                out.append(lines[i])
                i += 1
            out.append("----")
            out += map(row_text, answer)
            while i < len(lines) and lines[i].strip():
                i += 1
        else:
            out.append(lines[i])
            i += 1
    path.write_text("\n".join(out), encoding="utf-8")


def main(arguments):
    against_postgres, write = "--postgres" in arguments, "--write" in arguments
    files = [Path(name).resolve() for name in arguments if not name.startswith("--")]
    files = files or sorted(SLT.glob("**/*.slt"))
    cases = []
    for path in files:
        if against_postgres:
            if is_oracle(path):
                cases.append((f"{path.stem} in PostgreSQL",
                              lambda p=path: run_in_postgres(p, write)))
            continue
        # Nothing of an oracle file depends on batches or workers.
        for settings in configurations()[:1] if is_oracle(path) else configurations():
            title = " ".join(f"{name}={value}" for name, value in settings.items())
            cases.append((f"{path.stem} [{title}]", Run(path, settings).execute))
    return harness.run(cases)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
