#!/usr/bin/env python3
"""tests/docs_test.py - README.md, docs/sql.md and coming-from.md run from top to bottom; functions.md and
settings.md say what the server says; every system view, statement and option has its line.

    docs_test.py [--write]      --write puts the server's answers into docs/sql.md: read the difference

Fenced blocks of a page, in order, against one server on a virtual clock:

    ```sql                      one psql session; all of it must succeed
    <!-- error SQLSTATE -->     on the line before: its last statement fails with that
    ```text                     right behind: what psql printed, answers first, then notices and errors
    ```http                     a request to the HTTP port; a ```text behind it is the answer's body
    <!-- file NAME -->          on the line before any block: a file, which the SQL sees as /data/NAME

Statements in the table of the section "Not yet" must fail with 0A000 and a hint.
"""
import os
import re
import socket
import sys
import subprocess
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.paths import patience  # noqa: E402

DOCS = harness.ROOT / "docs"
CLOCK = "2026-03-01 12:00:00+00"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
MARK = re.compile(r"<!-- (error|file) (\S+) -->\n\Z")


class Block:
    """One fenced block: its language, text, mark, and the block of output that belongs to it."""

    def __init__(self, page, match):
        self.language, self.text = match.group(1), match.group(2)
        self.line = page.count("\n", 0, match.start()) + 1
        mark = MARK.search(page, 0, match.start())
        self.mark, self.value = mark.groups() if mark else (None, None)
        follow = FENCE.match(page, match.end() + 2)
        self.output = follow if follow and follow.group(1) == "text" else None

    def title(self):
        return f"line {self.line}, {self.text.strip().splitlines()[0][:50]}"


def blocks_of(page):
    found = [Block(page, match) for match in FENCE.finditer(page)]
    return [block for block in found if block.language != "text"]


def lines_of(text):
    """Lines that count: psql pads its columns and ends each answer with an empty line."""
    return [line.rstrip() for line in text.splitlines() if line.strip()]


class Reader:
    """A reader who types all of the page."""

    def __init__(self, server):
        self.server = server
        self.data = server.temp / "files"
        self.data.mkdir()

    def run(self, block):
        if block.mark == "file":
            (self.data / block.value).write_text(block.text, encoding="utf-8")
            return None
        if block.language == "sql":
            return self.run_sql(block)
        if block.language == "http":
            return self.run_http(block)
        return None

    def run_sql(self, block):
        # Each block is a session of its own; the reader's one session would have waited.
        self.server.execute("FLUSH")
        wanted = block.value if block.mark == "error" else None
        text = block.text.replace("'/data/", f"'{self.data}/")
        done = self.server.psql("-q", *(["-v", "ON_ERROR_STOP=0"] if wanted else []), check=False,
                                input=text + "\\echo :LAST_ERROR_SQLSTATE\n")
        answer, _, state = done.stdout.rstrip("\n").rpartition("\n")
        if wanted:
            assert state == wanted, f"SQLSTATE {state} instead of {wanted}\n{done.stderr}"
        else:
            assert done.returncode == 0, done.stderr
        return (answer + "\n" + done.stderr).replace(str(self.data), "/data")

    def run_http(self, block):
        head, _, body = block.text.partition("\n\n")
        body = body.encode()
        lines = head.split("\n") + ["Host: localhost", f"Content-Length: {len(body)}", "Connection: close"]
        with socket.create_connection(("127.0.0.1", self.server.http_port), patience(20)) as connection:
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            answer = b""
            while piece := connection.recv(65536):
                answer += piece
        head, _, body = answer.decode().partition("\r\n\r\n")
        assert head.split(" ")[1] == "200", answer.decode()
        return body


def check_block(reader, block):
    got = reader.run(block)
    if block.output is not None:
        # A place in the log depends on the examples before; that it is told is what counts.
        wanted, got = (lines_of(re.sub(r'"sequence":\d+', '"sequence":N', text))
                       for text in (block.output.group(2), got))
        assert got == wanted, "got\n" + "\n".join(got) + "\ninstead of\n" + "\n".join(wanted)


def page_server():
    server = harness.Server(virtual_clock=True, http=True).start()
    server.execute(f"SET CLOCK TO '{CLOCK}'")
    return server


def refused_statements(page):
    section = page[page.index("\n## Not yet"):]
    return [statement for statement in re.findall(r"^\| `(.+?)` \|", section, re.M)]


def check_refused(server, statement):
    try:
        server.execute(statement)
    except psycopg.Error as error:
        assert error.sqlstate == "0A000", f"{error.sqlstate}: {error}"
        assert error.diag.message_hint, f"no hint: {error}"
        return
    raise AssertionError("it was not refused")


def page_runs(path, refused=()):
    """The examples of a page, in order, against one server; then statements that it must refuse."""
    server = page_server()
    try:
        reader = Reader(server)
        for block in blocks_of(path.read_text(encoding="utf-8")):
            yield block.title(), lambda block=block: check_block(reader, block)
        for statement in refused:
            yield "refused: " + statement, lambda statement=statement: check_refused(server, statement)
        server.stop()
    finally:
        server.destroy()


def test_sql():
    """The examples of docs/sql.md, then what it says is not there."""
    path = DOCS / "sql.md"
    yield from page_runs(path, refused_statements(path.read_text(encoding="utf-8")))


def test_coming_from():
    """The examples of docs/coming-from.md, in order, against one server."""
    yield from page_runs(DOCS / "coming-from.md")


def test_readme():
    """The first session of README.md."""
    yield from page_runs(harness.ROOT / "README.md")


def test_links():
    """Links between the pages lead to files and headings that are there."""
    for page in [harness.ROOT / "README.md", *sorted(DOCS.glob("*.md"))]:
        yield page.name, lambda page=page: check_links(page)


def test_dialect():
    """tests/dialect.md names tests that are there."""
    page = (harness.ROOT / "tests" / "dialect.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| .* \| (.*) \|$", page, re.M)
    names = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    tests = harness.ROOT / "tests"
    missing = [name for name in sorted(names)
               if not (tests / "slt" / f"{name}.slt").exists() and not (tests / f"{name}_test.py").exists()]
    assert len(names) > 80 and not missing, missing


def anchors_of(path):
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def check_links(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), f"{target}: there is no such file"
        assert not anchor or anchor in anchors_of(path), f"{target}: there is no such heading"


def check_made_page(server, name):
    """docs/NAME.md is what docs/NAME.py makes of the server's own tables."""
    done = subprocess.run([sys.executable, str(DOCS / f"{name}.py")], capture_output=True, text=True,
                          env={**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "test",
                               "PGDATABASE": "test"}, timeout=patience(60))
    assert done.returncode == 0, done.stderr
    got = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert got == done.stdout, f"docs/{name}.md is out of date: docs/{name}.py > docs/{name}.md"


def value_of(connection, example):
    """The bytes of the wire: a cast to text would say true for t."""
    got = connection.execute("SELECT " + example).pgresult.get_value(0, 0)
    return got.decode() if got is not None else "NULL"


def rows_of(connection, example):
    """The rows of a function that gives rows; those of several columns as PostgreSQL writes a row."""
    def cell(value, is_alone):
        if value is None:
            return "NULL" if is_alone else ""
        text = value.decode()
        if is_alone or not re.search(r'[(),"\\\s]', text):
            return text
        return '"' + text.replace('"', '""') + '"'

    result = connection.execute("SELECT * FROM " + example).pgresult
    rows = [[cell(result.get_value(row, column), result.nfields == 1) for column in range(result.nfields)]
            for row in range(result.ntuples)]
    return ", ".join(row[0] if len(row) == 1 else "(" + ",".join(row) + ")" for row in rows)


def check_examples(server, rows, answer=value_of):
    """Each example over the wire gives what its entry says; all that don't are named."""
    wrong = []
    with server.connect() as connection:
        for example, returns in rows:
            try:
                got = answer(connection, example)
            except psycopg.Error as error:
                got = f"{error.sqlstate} {error.diag.message_primary}"
            if got != returns:
                wrong.append(f"{example}: {got!r} instead of {returns!r}")
    assert not wrong, f"{len(wrong)} of {len(rows)} examples:\n" + "\n".join(wrong)
    assert rows, "there are no functions"


def test_functions():
    """docs/functions.md is what the server has, and every example in it is true."""
    with harness.Server() as server:
        yield "functions.md is up to date", lambda: check_made_page(server, "functions")
        rows = server.execute("SELECT kind, example, returns FROM millrace.functions WHERE example IS NOT NULL")
        for kind in sorted({row[0] for row in rows}):
            some = [row[1:] for row in rows if row[0] == kind]
            answer = rows_of if kind == "set function" else value_of
            yield (f"{len(some)} examples of {kind}s",
                   lambda some=some, answer=answer: check_examples(server, some, answer))


def check_views(server):
    """The table of sql.md's section Watching has a line for each system view."""
    page = (DOCS / "sql.md").read_text(encoding="utf-8")
    lines = re.findall(r"^\| (`millrace\.\w+`[^|]*)\|", page, re.M)
    told = {name for line in lines for name in re.findall(r"`(?:millrace\.)?(\w+)`", line)}
    there = {row[0] for row in server.execute(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'millrace'")}
    assert there, "the server has no system views"
    assert told == there, f"without a line: {sorted(there - told)}; not there: {sorted(told - there)}"


def statement_names():
    """What parser/ast_kinds.def calls the kinds of statements that are written in capitals."""
    kinds = (harness.ROOT / "parser" / "ast_kinds.def").read_text(encoding="utf-8")
    return re.findall(r'^MR_AST_KIND\(\w+, "([A-Z ]+)"\)', kinds[kinds.index("/* statements */"):], re.M)


def check_statements():
    """Every statement of the grammar is named on some page."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    # DECLARE CURSOR may be written DECLARE name CURSOR.
    missing = [name for name in statement_names()
               if not re.search(r"\b" + r"\b.{1,30}?\b".join(name.split()) + r"\b", text)]
    assert not missing, f"on no page: {missing}"


def options_of(help_text):
    return set(re.findall(r"(?<![\w-])--?[a-zA-Z0-9?][\w-]*", "\n".join(
        line for line in help_text.splitlines() if re.match(r"\s+-", line))))


def check_manual(program, manual):
    """Every option that --help lists is in the manual page."""
    done = subprocess.run([str(harness.BUILD / program), "--help"], capture_output=True, text=True,
                          timeout=patience(60))
    page = (DOCS / "man" / manual).read_text(encoding="utf-8").replace("\\-", "-").replace('"', "")
    wanted = options_of(done.stdout)
    assert wanted, done.stderr
    missing = [option for option in wanted if not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", page)]
    assert not missing, f"{manual} does not have {sorted(missing)}"


def test_reference():
    """The pages have every setting, system view, statement and option."""
    with harness.Server() as server:
        yield "settings.md is up to date", lambda: check_made_page(server, "settings")
        yield "every system view has its line in sql.md", lambda: check_views(server)
    yield "every statement is on a page", check_statements
    for program, manual in (("server/millraced", "millraced.8"), ("clients/millrace", "millrace.1"),
                            ("clients/mrload", "mrload.1")):
        yield f"{manual} has every option", lambda p=program, m=manual: check_manual(p, m)


def write():
    path = DOCS / "sql.md"
    page = path.read_text(encoding="utf-8")
    server = page_server()
    reader, edits = Reader(server), []
    for block in blocks_of(page):
        try:
            got = reader.run(block)
        except (AssertionError, OSError, psycopg.Error) as error:
            print(f"{path}:{block.line}: {error}", file=sys.stderr)
            continue
        if block.output is not None:
            edits.append((block.output.span(2), "".join(line + "\n" for line in lines_of(got))))
    for (start, end), text in reversed(edits):
        page = page[:start] + text + page[end:]
    path.write_text(page, encoding="utf-8")
    for statement in refused_statements(page):
        try:
            check_refused(server, statement)
        except (AssertionError, OSError, psycopg.Error) as error:
            print(f"{statement}: {error}", file=sys.stderr)
    server.stop()
    server.destroy()


if __name__ == "__main__" and sys.argv[1:] == ["--write"]:
    write()
else:
    harness.main(globals())
