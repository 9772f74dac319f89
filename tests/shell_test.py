#!/usr/bin/env python3
"""tests/shell_test.py - drives the shell `millrace` as a user would, and prints TAP.

    PGHOST=... PGPORT=... tests/shell_test.py path/to/millrace [--compare]

The server is the one that the PG* variables name (SERVER_DATA is its data directory); without them the test starts one and tests the
shell of MILLRACE_BUILD, and then runs again with --compare over a PostgreSQL: there psql gets the same
arguments and scripts, and both must write the same bytes.  Standard library only, but for the harness
that starts the servers."""

import difflib
import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time


def with_own_server():
    """Runs this file again with the PG* variables of a server of its own; returns its exit code."""
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
    import harness
    command = [sys.executable, os.path.abspath(__file__),
               str(harness.BUILD / "clients" / "millrace")]
    with harness.Server() as server:
        code = subprocess.run(command, env=dict(os.environ, PGHOST="127.0.0.1",
                                                PGPORT=str(server.port), PGUSER="test",
                                                PGDATABASE="test", SERVER_DATA=str(server.data)),
                              check=False).returncode
    with harness.Postgres() as postgres:
        return subprocess.run(command + ["--compare"],
                              env=dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(postgres.port),
                                       PGUSER="millrace", PGPASSWORD=postgres.password,
                                       PGDATABASE="test"), check=False).returncode or code


if "PGHOST" not in os.environ and "PGPORT" not in os.environ:
    sys.exit(with_own_server())

SHELL = next((a for a in sys.argv[1:] if not a.startswith("-")), "clients/millrace")
COMPARE = "--compare" in sys.argv[1:]
WORK = tempfile.mkdtemp(prefix="millrace-shell-")
ENV = dict(os.environ, HOME=WORK, TERM="xterm", LC_ALL="C.UTF-8", PAGER="cat", NO_COLOR="1",
           MILLRACE_HISTORY=os.path.join(WORK, "history"))
PATIENCE = 600          # seconds; only what hangs waits for them
count = 0
failed = 0


def check(name, ok, detail=""):
    global count, failed
    count += 1
    print(f"{'ok' if ok else 'not ok'} {count} - {name}", flush=True)
    if not ok:
        failed += 1
        for line in str(detail).splitlines()[:40]:
            print(f"# {line}")


def run(*args, stdin="", program=SHELL):
    done = subprocess.run([program, "-X", *args], input=stdin.encode(), env=ENV, timeout=PATIENCE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=WORK)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def expect(name, args, out=None, err=None, code=0, stdin=""):
    got = run(*args, stdin=stdin)
    ok = got[0] == code
    ok = ok and (out is None or got[1] == out) and (err is None or err in got[2])
    check(name, ok, f"wanted {code} {out!r} {err!r}\ngot {got}")


def write(name, text):
    path = os.path.join(WORK, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


class Terminal:
    """A shell behind a pseudo terminal; `screen` collects what it writes."""

    def __init__(self, *args, rc=False):
        command = [SHELL] + ([] if rc else ["-X"]) + list(args)
        self.screen = ""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(WORK)
            os.execve(SHELL, command, ENV)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, text):
        """Waits until `text` has been written since the last wait; returns what was written."""
        end = time.monotonic() + PATIENCE
        seen = ""
        while True:
            plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]", "", self.screen)
            at = plain.find(text)
            if at >= 0:
                seen = plain[:at + len(text)]
                self.screen = plain[at + len(text):]
                return seen
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                return None
            try:
                block = os.read(self.fd, 65536)
            except OSError:
                return None
            if not block:
                return None
            self.screen += block.decode("utf-8", "replace")

    def close(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if select.select([self.fd], [], [], 0.05)[0]:
                try:
                    os.read(self.fd, 65536)
                except OSError:
                    pass
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        return None


def stream_sql(name):
    kind = "STREAM" if IS_MILLRACE else "TABLE"
    return f"CREATE {kind} {name} (a bigint, b text)"


def test_layouts():
    query = "SELECT 1 AS a, 'x' AS b"
    expect("aligned", ["-c", query], " a | b \n---+---\n 1 | x\n(1 row)\n\n")
    expect("tuples only", ["-t", "-c", query], " 1 | x\n\n")
    expect("unaligned", ["-A", "-c", query], "a|b\n1|x\n(1 row)\n")
    expect("unaligned, rows only, separator", ["-At", "-F", ",", "-c", query], "1,x\n")
    expect("csv", ["--csv", "-c", "SELECT 1 AS a, 'q\"u,o' AS b"], 'a,b\n1,"q""u,o"\n')
    expect("expanded", ["-x", "-c", query], "-[ RECORD 1 ]\na | 1\nb | x\n\n")
    expect("border 2", ["-P", "border=2", "-c", query],
           "+---+---+\n| a | b |\n+---+---+\n| 1 | x |\n+---+---+\n(1 row)\n\n")
    expect("border 0", ["-P", "border=0", "-c", query], "a b \n- -\n1 x\n(1 row)\n\n")
    expect("NULL text", ["-At", "-P", "null=none", "-c", "SELECT NULL"], "none\n")
    expect("no footer", ["-P", "footer=off", "-c", "SELECT 1 AS a"], " a \n---\n 1\n\n")
    expect("wide characters", ["-c", "SELECT '日本' AS w, 'é' AS b"],
           "  w   | b \n------+---\n 日本 | é\n(1 row)\n\n")
    expect("cells of several lines", ["-c", "SELECT 'a\nbb' AS x, 'c' AS y"],
           " x  | y \n----+---\n a +| c\n bb | \n(1 row)\n\n")
    got = run("-P", "format=json", "-c", "SELECT 1 AS a, 'x\n\"y' AS b, NULL AS c, true AS d")
    try:
        rows = json.loads(got[1])
    except ValueError:
        rows = None
    check("json", rows == [{"a": 1, "b": 'x\n"y', "c": None, "d": True}], got)
    expect("title", ["-P", "title=T", "-c", "SELECT 1 AS abc"], "  T\n abc \n-----\n   1\n(1 row)\n\n")


def test_errors():
    expect("error with its place", ["-c", "SELECT FROM WHERE"], "", "LINE 1: SELECT FROM WHERE\n", 1)
    expect("a failed -c ends with 1", ["-c", "selec"], "", "ERROR:  ", 1)
    expect("the next -c runs", ["-At", "-c", "selec", "-c", "SELECT 2"], "2\n", "ERROR:  ", 0)
    expect("ON_ERROR_STOP between -c", ["-v", "ON_ERROR_STOP=1", "-c", "selec", "-c", "SELECT 2"],
           "", "ERROR:  ", 1)
    script = write("bad.sql", "SELECT 1;\nselec;\nSELECT 2;\n")
    expect("a script goes on", ["-At", "-f", script], "1\n2\n", f"millrace:{script}:2: ERROR:  ", 0)
    expect("ON_ERROR_STOP ends a script with 3", ["-At", "-v", "ON_ERROR_STOP=1", "-f", script],
           "1\n", "ERROR:  ", 3)
    expect("standard input, too", ["-At", "-v", "ON_ERROR_STOP=1"], "1\n", "ERROR:  ", 3,
           "SELECT 1; selec; SELECT 2;")
    expect("no such file ends with 1", ["-f", "/nonexistent"], "", "No such file", 1)
    expect("no server ends with 2", ["-h", "127.0.0.1", "-p", "1", "-c", "SELECT 1"], "",
           "connection to server", 2)
    expect("unknown option ends with 1", ["--nonsense"], "", "--help", 1)
    for quote in "'\"`":
        expect(f"a {quote} without end", ["-c", f"\\echo {quote}a"], None, "unterminated quoted string", 1)
    expect("unknown command", ["-c", "\\nonsense"], "", "invalid command \\nonsense", 1)
    expect("terse errors", ["-v", "VERBOSITY=terse", "-c", "selec"], "", "ERROR:  ", 1)
    expect("errverbose", [], "", "ERROR:  42601", 0, "selec;\n\\errverbose\n")
    expect("sqlstate as a variable", ["-At"], "42601\n", None, 0, "selec;\n\\echo :SQLSTATE\n")


def statements_of(page):
    """The first words of all statements that the page shows."""
    code = "\n".join(re.findall(r"^```sql\n(.*?)^```", page, re.M | re.S))
    found = re.findall(r"(?:^|;\s*\n)([A-Z]{3,}(?: (?:OR REPLACE )?[A-Z]+)*)", code)
    return sorted({re.sub(r" (OR REPLACE|IF|TO|OF|ON|FROM|INTO|AS|FOR|ALL)\b.*", "", re.sub(r" OR REPLACE", "", words))
                   for words in found})


def test_scripts():
    expect("variables", ["-At", "-v", "n=4", "-v", "s=it's"], "4|it's\n", "", 0,
           "SELECT :n, :'s' AS :\"s\";")
    expect("set, echo, unset", [], "a1\n:v\n", "", 0,
           "\\set v a 1\n\\echo :v\n\\unset v\n\\echo :v\n")
    expect("statement over lines", ["-At"], "1\n", "", 0, "SELECT\n-- ; no\n1\n;\n")
    expect("quotes and comments", ["-At"], ";\n2\n", "", 0, "SELECT ';'; /* ; */ SELECT 2;")
    expect("last statement without semicolon", ["-At"], "7\n", "", 0, "SELECT 7")
    expect("gx", [], "-[ RECORD 1 ]\na | 1\n\n", "", 0, "SELECT 1 AS a \\gx\n")
    expect("gset", [], "5\n", "", 0, "SELECT 5 AS five \\gset\n\\echo :five\n")
    out = os.path.join(WORK, "g.txt")
    expect("g FILE", ["-At"], "", "", 0, f"SELECT 3 \\g {out}\n")
    check("... holds the result", os.path.exists(out) and open(out).read() == "3\n")
    expect("o FILE and back", ["-At"], "2\n", "", 0, f"\\o {out}\nSELECT 1;\n\\o\nSELECT 2;\n")
    check("... holds the result", open(out).read() == "1\n")
    os.makedirs(os.path.join(WORK, "sub"), exist_ok=True)
    write("sub/inner.sql", "SELECT 'inner';\n")
    outer = write("sub/outer.sql", "\\ir inner.sql\nSELECT 'outer';\n")
    expect("i and ir", ["-At"], "inner\nouter\n", "", 0, f"\\i {outer}\n")
    expect("p and r", [], "SELECT 1\nQuery buffer reset (cleared).\nQuery buffer is empty.\n", "", 0,
           "SELECT 1\n\\p\n\\r\n\\p\n")
    expect("pset and its words", [], "Output format is csv.\na\n1\n", "", 0,
           "\\pset format csv\nSELECT 1 AS a;\n")
    expect("x on, auto, off", ["-q", "-At"], "a|1\n1\n", "", 0,
           "\\x on\nSELECT 1 AS a;\n\\x off\nSELECT 1 AS a;\n")
    expect("system command", [], "hello\n", "", 0, "\\! echo hello\n")
    got = run("-At", stdin="\\timing on\nSELECT 1;\n")
    check("timing", re.search(r"^Time: [0-9.]+ ms$", got[1], re.M) is not None, got)
    write(".millracerc", "\\set greeting hi\n")
    done = subprocess.run([SHELL, "-c", "\\echo :greeting"], env=ENV, stdout=subprocess.PIPE)
    check("start file", done.stdout == b"hi\n", done.stdout)
    expect("-X skips it", ["-c", "\\echo :greeting"], ":greeting\n")
    expect("psql's spellings of options", ["--set", "a=b", "--no-psqlrc", "-c", "\\echo :a"], "b\n", "", 0)
    expect("conninfo string", [f"host={HOST} port={PORT} user={USER} dbname={DATABASE}", "-At",
                               "-c", "SELECT 1"], "1\n")
    got = run("-c", "\\conninfo")
    check("conninfo", f'connected to database "{DATABASE}"' in got[1] and PORT in got[1], got)
    got = run("--help")
    check("help lists the options", "--single-transaction" in got[1] and got[0] == 0, got)
    got = run("-c", "\\?")
    check("help lists the commands", "\\watch" in got[1] and "\\copy" in got[1], got)
    got = run("--help=variables")
    check("help lists the variables", all(f"\n  {name}" in got[1] for name in (
        "ON_ERROR_STOP", "HIGHLIGHT", "DBNAME", "LAST_ERROR_MESSAGE", "MILLRACE_PAGER", "NO_COLOR")), got)
    got = run("-c", "\\h subscribe")
    check("SQL help of our own statements", "SUBSCRIBE TO name | ( query )" in got[1], got)
    got = run("-c", "\\h create stream")
    check("SQL help", "WATERMARK FOR" in got[1], got)
    got = run("-c", "\\h create table t as")
    check("SQL help by more than the name", "CREATE TABLE name AS query" in got[1] and "CREATE STREAM" not in got[1], got)
    page = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "docs", "sql.md")
    for words in statements_of(open(page, encoding="utf-8").read()):
        got = run("-c", f"\\h {words}")
        check(f"SQL help of {words}", "Syntax:" in got[1], got)
    editor = write("editor.sh", "#!/bin/sh\necho 'SELECT 11;' > \"$1\"\n")
    os.chmod(editor, 0o755)
    ENV["MILLRACE_EDITOR"] = editor
    expect("edit", ["-At"], "11\n", "", 0, "SELECT 1\n\\e\n")
    del ENV["MILLRACE_EDITOR"]
    expect("bind", ["-At"], "3\na b\n6\nv|6\n7\n", "supplies 1 parameters, but prepared", 0,
           "SELECT $1::int + $2::int \\bind 1 2 \\g\nSELECT $1::text \\bind 'a b'\n;\n"
           "SELECT $1::int AS x \\bind 6 \\gset\n\\echo :x\n"
           "SELECT 'a' AS v, 'v' AS h, $1::int AS c \\bind 6 \\crosstabview 2 1\n"
           "\\bind left\nSELECT 1;\nSELECT $1::int \\bind 7 \\g\n")


def test_copy():
    name = f"shell_copy_{os.getpid()}"
    expect("create", ["-q", "-c", stream_sql(name)], "", "", 0)
    script = write("copy.sql", f"COPY {name} FROM STDIN;\n1\tone\n2\ttwo\n\\.\n"
                   f"\\copy {name} from stdin csv\n3,\"three\nlines\"\n\\.\nSELECT 'after';\n")
    expect("COPY FROM STDIN within a script", ["-At", "-f", script], "COPY 2\nCOPY 1\nafter\n", "", 0)
    path = write("rows.csv", "a,b\n4,four\n5,five\n")
    expect("copy from a file", ["-c", f"\\copy {name} FROM '{path}' CSV HEADER"], "COPY 2\n", "", 0)
    packed = os.path.join(WORK, "rows.csv.gz")
    with gzip.open(packed, "wb") as file:
        file.write(b"6,six\n7,seven\n")
    expect("copy from a packed file", ["-c", f"\\copy {name} (a, b) FROM '{packed}' WITH (FORMAT csv)"],
           "COPY 2\n", "", 0)
    with open(packed, "rb") as file:
        half = file.read()[:-12]
    with open(packed, "wb") as file:
        file.write(half)
    expect("a truncated archive appends nothing", ["-c", f"\\copy {name} FROM '{packed}' CSV"],
           "", "truncated", 1)
    expect("rows are there", ["-At", "-c", f"SELECT count(*), sum(a) FROM {name}"], "7|28\n", "", 0)
    out = os.path.join(WORK, "out.csv")
    expect("copy to a file", ["-c", f"\\copy (SELECT a, b FROM {name} WHERE a > 5 ORDER BY a) "
                              f"TO '{out}' CSV"], "COPY 2\n", "", 0)
    check("... holds the rows", open(out).read() == "6,six\n7,seven\n")
    expect("copy to a packed file", ["-q", "-c", f"\\copy (SELECT a FROM {name} WHERE a = 1) "
                                     f"TO '{out}.gz'"], "", "", 0)
    check("... holds the rows", gzip.open(out + ".gz").read() == b"1\n")
    expect("COPY TO STDOUT", ["-c", f"COPY (SELECT b FROM {name} WHERE a = 2) TO STDOUT"], "two\n",
           "", 0)
    script = write("failing.sql", "\\copy nothing_here from stdin\nSELECT 'data';\n\\.\nSELECT 'after';\n"
                   "COPY nothing_here (a, b) FROM STDIN;\nSELECT 'data';\n\\.\nSELECT 'end';\n")
    expect("data of a COPY that failed are no statements", ["-At", "-f", script], "after\nend\n",
           "does not exist", 0)
    expect("copy to stdout", ["-c", f"\\copy (SELECT b FROM {name} WHERE a = 2) to stdout"], "two\n",
           "", 0)
    expect("a missing file", ["-c", f"\\copy {name} FROM '/nonexistent'"], "", "No such file", 1)
    expect("a bad row", ["-c", f"\\copy {name} FROM stdin"], "", "ERROR:  ", 1, "x\ty\n")
    expect("a bad command", ["-c", f"\\copy {name}"], "", "parse error at end of line", 1)
    expect("copy from a program", ["-c", f"\\copy {name} FROM program 'echo 8,eight' CSV"], "COPY 1\n")
    big = os.path.join(WORK, "big.csv")
    with open(big, "w", encoding="ascii") as file:
        file.writelines(f"{i},{'x' * 60}\n" for i in range(2500000))
    terminal = Terminal("-c", f"\\copy {name} FROM '{big}' CSV")
    seen = terminal.wait_for("COPY 2500000")
    check("progress bar on a terminal", seen is not None and "rows/s" in seen and "=>" in seen
          and " of " in seen, repr(seen)[:400])
    terminal.close()
    run("-c", f"DROP {'STREAM' if IS_MILLRACE else 'TABLE'} {name}")


def test_terminal():
    prompt = f"{DATABASE}=> "
    terminal = Terminal()
    check("prompt", terminal.wait_for(prompt) is not None, terminal.screen)
    terminal.send("SELECT 40 +\r")
    check("prompt of an open statement", terminal.wait_for(f"{DATABASE}-> ") is not None)
    terminal.send("2 AS answer;\r")
    check("statement over two lines", "42" in (terminal.wait_for("(1 row)") or ""))
    terminal.wait_for(prompt)
    for text, mark in (("SELECT 'a", "'"), ('SELECT "a', '"'), ("SELECT (1", "("),
                       ("SELECT $x$", "$"), ("SELECT /* a", "*")):
        terminal.send(text + "\r")
        check(f"prompt {mark}>", terminal.wait_for(f"{DATABASE}{mark}> ") is not None,
              terminal.screen)
        terminal.send("\x03")
        check("... and Ctrl-C forgets it", terminal.wait_for(prompt) is not None, terminal.screen)
    terminal.send("\x1b[A")
    check("arrow up recalls the whole statement", terminal.wait_for("AS answer;") is not None)
    terminal.send("\r")
    check("... which runs again", "42" in (terminal.wait_for("(1 row)") or ""))
    terminal.wait_for(prompt)
    terminal.send("BEGIN;\r")
    check("mark of a transaction", terminal.wait_for(f"{DATABASE}=*> ") is not None)
    terminal.send("selec;\r")
    check("mark of a failed one", terminal.wait_for(f"{DATABASE}=!> ") is not None)
    terminal.send("ROLLBACK;\r")
    check("mark gone", terminal.wait_for(prompt) is not None)
    terminal.send("SELECT 'again' AS w \\watch 0.1\r")
    seen = (terminal.wait_for("(every 0.1s)") or "") + (terminal.wait_for("(every 0.1s)") or "")
    check("watch repeats", "again" in seen, seen)
    terminal.send("\x03")
    check("Ctrl-C ends it", terminal.wait_for(prompt) is not None, terminal.screen)
    terminal.send("\\echo :DBN\t\r")
    check("completion of a variable", terminal.wait_for(f"\r\n{DATABASE}\r\n") is not None,
          terminal.screen)
    terminal.wait_for(prompt)
    if IS_MILLRACE:
        terminal.send(stream_sql("completed_name") + ";\r")
        terminal.wait_for(prompt)
        terminal.send("SELECT count(*) AS n FROM comple\t;\r")
        # The editor may go back to the line's first column to draw the rest.
        seen = terminal.wait_for("(1 row)") or ""
        check("completion of a stream's name", "completed_name" in seen.replace("\r", ""), seen)
        terminal.wait_for(prompt)
        terminal.send("DROP STREAM completed_name;\r")
        terminal.wait_for(prompt)
    if run("-c", "SELECT pg_sleep(0)")[0] == 0:
        terminal.send("SELECT pg_sleep(60);\r")
        terminal.wait_for("pg_sleep(60);")
        running = "SELECT count(*) FROM millrace.sessions WHERE state = 'active' " \
            "AND pid <> pg_backend_pid()"
        end = time.monotonic() + PATIENCE
        while IS_MILLRACE and run("-At", "-c", running)[1] != "1\n" and time.monotonic() < end:
            pass
        terminal.send("\x03")
        check("Ctrl-C cancels a statement", terminal.wait_for("ERROR:  ") is not None)
        check("... and the prompt comes back", terminal.wait_for(prompt) is not None)
    terminal.send("\\q\r")
    check("q ends with 0", terminal.close() == 0)
    path = ENV["MILLRACE_HISTORY"]
    check("history is kept, for the user only", os.path.exists(path)
          and os.stat(path).st_mode & 0o077 == 0)
    terminal = Terminal()
    terminal.wait_for(prompt)
    terminal.send("\x04")
    check("Ctrl-D ends with 0", terminal.close() == 0)


def test_watch():
    name = f"shell_w_{os.getpid()}"
    count_of = lambda got: got[1].count("(every 0.01s)")  # noqa: E731
    for how, runs in (("0.01 c=3", 3), ("i=0.01 c=2 m=1", 2), ("0.01 m=2", 1), ("0.01 c=4 change", 4)):
        got = run(stdin=f"SELECT 1 AS a \\watch {how}\n")
        check(f"watch {how}", got[0] == 0 and count_of(got) == runs and not got[2], got)
    expect("watch: a fault in its words", [], None, "incorrect minimum row value", 0, "SELECT 1 \\watch m=x\n")
    for how, into in (("full", ">/dev/full"), ("left", "| true"), ("closed", ">&-")):
        count = 3 if how == "closed" else 100000            # what is closed takes everything
        got = subprocess.run(["sh", "-c", f'"$@" {into}', "sh", SHELL, "-X"], env=ENV, timeout=PATIENCE,
                             input=f"SELECT 1 AS a \\watch 0.01 c={count}\n".encode(), stderr=subprocess.PIPE)
        wrong = got.stderr.replace(b"could not print result table", b"", 1 if count > 3 else 0)
        check(f"watch ends where the output is {how}", (wrong != got.stderr) == (count > 3) and b"server" not in wrong, got)
    run("-c", f"CREATE TABLE {name} (a int, b text)")
    for option in ([], ["-v", "FETCH_COUNT=1"]):
        for change in (f"INSERT INTO {name} VALUES (1, 'x')", f"UPDATE {name} SET b = NULL", f"UPDATE {name} SET b = ''", f"DELETE FROM {name}"):
            shell = subprocess.Popen([SHELL, "-X", *option], env=ENV, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            shell.stdin.write(f"SELECT a, b FROM {name} \\watch 0.02 change\n".encode())
            shell.stdin.close()
            shell.stdout.readline()                  # it has begun; what it sees first is as it was
            while shell.stdout.readline() not in (b"(0 rows)\n", b"(1 row)\n"):
                pass
            run("-c", change)
            shell.stdout.read()
            check(f"watch ends with a change: {change.split()[0]} {option}", shell.wait(PATIENCE) == 0, shell.returncode)
            shell.stdout.close()
    run("-c", f"DROP TABLE {name}")


def test_server_objects():
    name = f"shell_list_{os.getpid()}"
    run("-c", stream_sql(name))
    got = run("-At", "-c", "\\ds")
    check("ds lists the stream", name in got[1] and got[0] == 0, got)
    got = run("-At", "-c", f"\\ds {name[:10]}*")
    check("ds with a pattern", name in got[1] and got[0] == 0, got)
    got = run("-At", "-c", f"\\d {name}")
    check("d describes it", "bigint" in got[1] and got[0] == 0, got)
    got = run("-A", "-c", f"\\d+ {name}")
    check("d+ shows how it was made", "CREATE STREAM" in got[1] and got[0] == 0, got)
    for command, words in (("\\d", name), ("\\dm", "materialized views"), ("\\dv", "views"),
                           ("\\l", DATABASE)):
        got = run("-c", command)
        check(f"{command} lists", words in got[1] and got[0] == 0, got)
    for command, words in (("\\dn", "public"), ("\\dT int*", "pg_catalog|bigint|64-bit"),
                           ("\\df avg", "double precision"), ("\\dconfig port", "Parameter|Value\nport|"),
                           ("\\connections", "main"), ("\\streams", name), (f"\\d public.{name}", "Stream"),
                           ("\\d millrace.queries", "lag_rows"), (f"\\sv {name}", "CREATE STREAM")):
        got = run("-A", "-c", command)
        check(f"{command.replace(name, 'NAME')} lists", words in got[1] and got[0] == 0, got)
    run("-q", stdin=f"CREATE TABLE {name}_t (a int PRIMARY KEY, b text);\nCREATE INDEX {name}_i ON {name}_t (b DESC);\n")
    got = run("-At", "-c", f"\\di {name}*")
    check("di lists keys and indexes", got[1] == f"{name}_i|{name}_t|btree (b DESC)\n{name}_t_pkey|{name}_t|UNIQUE btree (a)\n", got)
    run("-c", f"DROP TABLE {name}_t")
    compare_catalogue()
    for command, words in (("\\df avg", "pg_catalog|avg|numeric|bigint|agg"), ("\\df+ avg", "Arithmetic mean"),
                           ("\\da corr", "pg_catalog|corr|double precision|"), ("\\dst", f"\n{name}|stream|"),
                           ("\\dT", "timestamp with time zone"), ("\\dy", "no event triggers"),
                           ("\\dFd+", "no text search"), ("\\lo_list", "no large objects"), ("\\des", "main|sqlite|"),
                           ("\\dfa *count*", "\npg_catalog|count|bigint|*|agg\n"), ("\\dfnS bit_count", "pg_catalog|bit_count|"),
                           ("\\dfp", "(0 rows)"), ("\\dPit", "no partitioned tables"), ("\\dAo", "no operator classes"),
                           ("\\dE", "List of sinks")):
        got = run("-A", "-c", command)
        check(f"{command.replace(name, 'NAME')} lists", words in got[1] and got[0] == 0 and not got[2], got)
    expect("what there is none of cannot be changed", ["-c", "\\lo_import x y"], "", "no large objects", 1)
    expect("dtvm: none of them", ["-c", f"\\dtvm {name}"], "", "Did not find any relation named", 0)
    test_functions()
    got = run("-l")
    check("-l lists", DATABASE in got[1] and got[0] == 0, got)
    expect("d of nothing", ["-c", "\\d nothing_of_this_name"], "", "Did not find any relation", 1)
    run("-c", f"DROP STREAM {name}")


def test_functions():
    name = f"shell_f_{os.getpid()}"
    made = f"CREATE FUNCTION {name}(x bigint) RETURNS bigint LANGUAGE sql AS $$SELECT x * 2$$\n"
    run("-c", made)
    expect("sf", ["-c", f"\\sf {name}"], made)
    expect("sf by its parameters, numbered", ["-c", f"\\sf+ {name}(bigint)"], f"1       {made}")
    expect("sf of nothing", ["-c", "\\sf nothing_here"], "", "does not exist", 1)
    got = run("-At", "-c", f"\\df {name}")
    check("df lists it", got[1] == f"public|{name}|bigint|x bigint|func\n", got)
    editor = write("plus.sh", "#!/bin/sh\nsed -i 's/x [*] 2/x + 1/; s/$/;/' \"$1\"\n")
    os.chmod(editor, 0o755)
    ENV["MILLRACE_EDITOR"] = editor
    expect("ef", ["-At"], "CREATE FUNCTION\n6\n", "", 0, f"\\ef {name}\nSELECT {name}(5);\n")
    run("-c", f"CREATE VIEW {name}_view AS SELECT x * 2 AS y FROM (VALUES (5)) AS v(x)")
    expect("ev", ["-At"], "CREATE VIEW\n6\n", "", 0, f"\\ev {name}_view\nSELECT y FROM {name}_view;\n")
    expect("ev of nothing", ["-At"], "", "Did not find any relation", 0, "\\ev nothing_here\n")
    del ENV["MILLRACE_EDITOR"]
    got = run("-c", f"\\sv+ {name}_view")
    check("sv+ numbers the lines", re.match(rf"1       CREATE (OR REPLACE )?VIEW {name}_view AS ", got[1]) is not None, got)
    run("-q", stdin=f"DROP VIEW {name}_view; DROP FUNCTION {name};")


def test_standing_queries():
    stream, view, closed = (f"shell_{what}_{os.getpid()}" for what in ("s", "v", "c"))
    setup = f"""CREATE STREAM {stream} (at timestamptz, k text, v bigint, WATERMARK FOR at AS at - INTERVAL '10' SECOND);
CREATE MATERIALIZED VIEW {view} AS SELECT k, sum(v) AS total FROM {stream} GROUP BY k;
CREATE MATERIALIZED VIEW {closed} AS SELECT window_start, window_end, count(*) AS n
  FROM TUMBLE({stream}, at, INTERVAL '1' MINUTE) GROUP BY window_start, window_end EMIT ON WINDOW CLOSE;
"""
    expect("set up", ["-q"], "", "", 0, setup)
    expect("why: no row yet", ["-c", f"\\why {view}"],
           f'"{view}" is empty because no row has come into "{stream}" yet.\n')
    run("-c", f"""INSERT INTO {stream} VALUES ('2026-01-01 00:00:10Z', 'a', 1), ('2026-01-01 00:00:20Z', 'b', 2),
('2026-01-01 00:02:05Z', 'a', 3), ('2026-01-01 00:00:30Z', 'c', 4), ('2026-01-01 00:00:50Z', NULL, 5)""", "-c", "FLUSH")
    got = run("-c", f"\\why {view}")
    check("why: up to date", f'"{view}" is up to date: its table is true for all 5 rows' in got[1], got)
    got = run("-c", f"\\why {closed}")
    check("why: waits for a row", "its next window closes when the watermark reaches 2026-01-01 00:03:00+00" in got[1]
          and f'a row of "{stream}" dated 2026-01-01 00:03:10+00 or later must come' in got[1]
          and "2 rows came too late" in got[1], got)
    expect("late", ["-At", "-c", f"\\late {closed}"], "1 min 15 s|1 min 5 s|1|50%\n1 min 35 s|1 min 25 s|2|100%\n")
    expect("late: none", ["-c", f"\\late {view}"], f'No row of "{view}" came late.\n')
    expect("diff: equal", ["-c", f"\\diff {view}", "-c", f"\\diff {closed}"],
           f'"{view}" is equal to what the log gives: 4 rows.\n"{closed}" is equal to what the log gives: 1 row.\n')
    with sqlite3.connect(os.path.join(os.environ["SERVER_DATA"], "main.db")) as target:  # is spoilt by somebody
        target.execute(f"UPDATE {view} SET total = 77 WHERE k = 'a'")
        target.execute(f"DELETE FROM {view} WHERE k IS NULL")
    expect("diff: rows that are missing and extra", ["-A", "-c", f"\\diff {view}", "-c", "\\echo :DIFFERENCES"],
           "difference|k|total\nmissing|a|4\nextra|a|77\nmissing||5\n"
           "2 rows are equal, 2 are missing in the target, 1 are there and should not be.\n3\n")
    got = run("-c", f"\\dag {view}")
    check("dag draws the plan", re.search(rf"^{view} → main\.{view}  RUNNING  lag 0\n\nDeliver .*Key: k.*\n"
                                          rf"└─ Aggregate .*4 rows .*Group key: k.*\n"
                                          rf"   └─ Scan .*5 rows .*stream {stream}\n", got[1]) is not None, got)
    got = run("-c", f"\\dag {view} 0.05")
    check("dag measures rates", "0 rows/s" in got[1], got)
    expect("dag of nothing", ["-c", "\\dag nothing_here"], "", "Did not find any standing query", 1)
    got = run("-c", "\\top 0.05")
    check("top lists", re.search(rf"^{view} +RUNNING +0 +0 +5 +4 +0 +0 ", got[1], re.M) is not None, got)
    got = run("-At", "-c", f"\\queries {view[:8]}*")
    check("queries lists", f"{view}|RUNNING|5|4|0|0|" in got[1], got)
    run("-c", f"ALTER MATERIALIZED VIEW {view} SUSPEND")
    expect("why: suspended", ["-c", f"\\why {view}"],
           f'"{view}" is suspended: ALTER MATERIALIZED VIEW {view} RESUME lets it go on.\n')
    run("-c", f"ALTER MATERIALIZED VIEW {view} RESUME")
    tail_of(stream)
    why_of_views_on_views(stream)
    why_of_others(stream, view)
    diff_of_others(stream)
    diff_of_every_kind()
    run("-c", f"DROP STREAM {stream} CASCADE")


def why_of_views_on_views(stream):
    """What a view that stands still means for those that read it; names in quotes."""
    name = f"shell Up_{os.getpid()}"
    run("-q", stdin=f"""CREATE MATERIALIZED VIEW "{name}" AS SELECT k, count(*) AS n FROM {stream} GROUP BY k;
CREATE MATERIALIZED VIEW "{name} too" AS SELECT sum(n) AS n FROM "{name}";
ALTER MATERIALIZED VIEW "{name}" SUSPEND;
""")
    expect("why: suspended, a name in quotes", ["-c", f'\\why "{name}"'],
           f'"{name}" is suspended: ALTER MATERIALIZED VIEW "{name}" RESUME lets it go on.\n')
    expect("why: what it reads does not run", ["-c", f'\\why "{name} too"'],
           f'"{name} too" waits for "{name}", which it reads and which does not run: \\why "{name}" says why.\n')
    expect("diff: not of what waits for another", ["-c", f'\\diff "{name} too"', "-c", "\\echo :{?DIFFERENCES}"],
           "FALSE\n", f'"{name} too" waits for "{name}"', 0)
    expect("a reader is told in SQL that runs", ["-At", "-c", f'SELECT count(*) FROM "{name}"'], None,
           f'ALTER MATERIALIZED VIEW "{name}" RESUME lets it go on', 0)
    run("-q", stdin=f'DROP MATERIALIZED VIEW "{name}" CASCADE;\n')


def why_of_others(stream, view):
    """A target that is held, memory that does not do, a sink, what is no standing query."""
    name = f"shell_w_{os.getpid()}"
    run("-q", stdin=f"CREATE MATERIALIZED VIEW {name} WITH (memory = '1 MB') AS SELECT v, count(*) AS n FROM {stream} GROUP BY v;\n"
        f"CREATE MATERIALIZED VIEW \"{name} Rare\" AS SELECT count(*) AS n FROM {stream} EMIT EVERY INTERVAL '1 day';\n"
        f"CREATE CONNECTION {name}_c WITH (type = 'discard');\nCREATE SINK {name}_s INTO {name}_c.t AS SELECT k FROM {stream};\n"
        f"ALTER SINK {name}_s SUSPEND;\nCREATE VIEW {name}_v AS SELECT k FROM {stream};\n")
    expect("why: a sink is suspended", ["-c", f"\\why {name}_s"],
           f'"{name}_s" is suspended: ALTER SINK {name}_s RESUME lets it go on.\n')
    run("-c", f"INSERT INTO {stream} SELECT '2026-01-01 00:05:00Z', 'many', i FROM generate_series(1, 50000) AS g(i)")
    wait_until(f"SELECT state FROM millrace.queries WHERE name = '{name}'", "FAILED")
    expect("why: failed", ["-c", f"\\why {name}"],
           f'"{name}" has stopped because of 53200 the query needs more than its memory limit of 1048576 bytes; '
           f'ALTER MATERIALIZED VIEW {name} RESUME tries again.\n')
    expect("diff: not of what does not run", ["-c", f"\\diff {name}"], "", f'"{name}" is FAILED', 1)
    for command in ("diff", "late", "dag"):
        expect(f"{command}: not of a stream", ["-c", f"\\{command} {stream}"], "", f'"{stream}" is a stream, not a standing query', 1)
        expect(f"{command}: not of a view", ["-c", f"\\{command} {name}_v"], "", f'"{name}_v" is a view, not a standing query', 1)
    expect("diff: not of a sink", ["-c", f"\\diff {name}_s"], "", "is a sink", 1)
    got = run("-c", f'\\diff {view}')
    check("diff does not wait for others that stand still", got[0] == 0 and "rows are equal, 1 are missing" in got[1], got)
    behind = f"SELECT lag_rows > 0 AND position > covered FROM millrace.queries WHERE name = '{{}}'"
    run("-c", f"INSERT INTO {stream} VALUES ('2026-01-01 00:05:00Z', 'one', 1)")
    wait_until(behind.format(f"{name} Rare"), "t")
    got = run("-c", f'\\why "{name} Rare"')
    check("why: writes rarely", f'"{name} Rare" has computed the last ' in got[1]
          and "when their time comes: every INTERVAL '1 day'" in got[1], got)
    target = sqlite3.connect(os.path.join(os.environ["SERVER_DATA"], "main.db"), isolation_level=None, timeout=30)
    target.execute("BEGIN IMMEDIATE")  # another program holds the file
    run("-c", f"INSERT INTO {stream} VALUES ('2026-01-01 00:05:00Z', 'one', 1)")
    wait_until(behind.format(view), "t")
    got = run("-c", f"\\why {view}")
    check("why: the target is held", f"waits for main.{view} to take what changed" in got[1]
          or f"cannot write to main.{view}" in got[1], got)
    target.execute("ROLLBACK")
    target.close()
    got = run("-c", f"\\why {stream}")
    check("why: a stream", re.match(rf'"{stream}" is a stream of .* rows; the last one came .* ago; its watermark ', got[1])
          is not None, got)
    expect("why: a view", ["-c", f"\\why {name}_v"], f'"{name}_v" is a view: it is computed whenever it is read.\n')
    expect("why: nothing", ["-c", "\\why nothing_here"], "", 'Did not find anything named "nothing_here"', 1)
    run("-q", stdin=f"DROP VIEW {name}_v; DROP SINK {name}_s; DROP MATERIALIZED VIEW {name}; DROP CONNECTION {name}_c;\n"
        f'DROP MATERIALIZED VIEW "{name} Rare";\n')


def diff_of_others(stream):
    """Windows that are written when they close, without the column that says when."""
    name = f"shell_d_{os.getpid()}"
    run("-q", stdin=f"""CREATE MATERIALIZED VIEW {name}_t AS SELECT window_start AS w, k, count(*) AS n
  FROM TUMBLE({stream}, at, INTERVAL '1' MINUTE) GROUP BY window_start, window_end, k EMIT ON WINDOW CLOSE;
CREATE MATERIALIZED VIEW {name}_s AS SELECT k, count(*) AS n FROM SESSION({stream} PARTITION BY k, at, INTERVAL '1' MINUTE)
  GROUP BY window_start, window_end, k EMIT ON WINDOW CLOSE;
""")
    for view in (f"{name}_t", f"{name}_s"):
        expect(f"diff: only closed windows, {view[-1]}", ["-c", f"\\diff {view}"], None, "", 0)
        got = run("-At", "-c", f"\\diff {view}", "-c", "\\echo :DIFFERENCES", "-c", f"SELECT count(*) > 0 FROM {view}")
        check("... are compared", got[1].endswith("\n0\nt\n") and "is equal" in got[1], got)


# Every kind of view: \\diff finds nothing, and then the one row that somebody has taken away.
DIFFED = {
    "first": "SELECT k, v, rn FROM (SELECT k, v, row_number() OVER (PARTITION BY k ORDER BY v DESC) AS rn FROM {s}) AS q WHERE rn <= 2",
    "sessions": "SELECT k, window_start, window_end, count(*) AS n FROM SESSION({s} PARTITION BY k, at, INTERVAL '1' MINUTE) "
                "GROUP BY k, window_start, window_end",
    "joined": "SELECT a.k, a.v, b.v AS w FROM {s} AS a JOIN {s} AS b ON a.k = b.k AND b.at BETWEEN a.at AND a.at + INTERVAL '9' SECOND",
    "over": "SELECT k, at, sum(v) OVER (PARTITION BY k ORDER BY at ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS three FROM {s}",
    "rare": "SELECT k, count(*) AS n FROM {s} GROUP BY k EMIT EVERY INTERVAL '1 day'",
    "closed": "SELECT window_start, window_end, k, count(*) AS n FROM TUMBLE({s}, at, INTERVAL '1' MINUTE) "
              "GROUP BY window_start, window_end, k EMIT ON WINDOW CLOSE",
    "plain": "SELECT k, v * 2 AS twice FROM {s}", "different": "SELECT DISTINCT k FROM {s}",
    "above": "SELECT sum(n) AS n FROM {v}_rare WHERE k <> 'k0'",
}


def diff_of_every_kind():
    stream, view = f"shell_ds_{os.getpid()}", f"shell_dv_{os.getpid()}"
    run("-q", stdin=f"CREATE STREAM {stream} (at timestamptz, k text, v bigint, WATERMARK FOR at AS at - INTERVAL '5' SECOND);\n"
        + "".join(f"CREATE MATERIALIZED VIEW {view}_{kind} AS {sql.format(s=stream, v=view)};\n" for kind, sql in DIFFED.items())
        + f"""INSERT INTO {stream} SELECT timestamptz '2026-01-01 00:00:00Z' + (i - CASE WHEN i % 7 = 0 THEN 20 ELSE 0 END) * INTERVAL '1' SECOND,
  CASE WHEN i % 11 = 0 THEN NULL ELSE 'k' || i % 5 END, i FROM generate_series(1, 200) AS g(i);
FLUSH;
""")
    for kind in DIFFED:
        got = run("-At", "-c", f"\\diff {view}_{kind}", "-c", "\\echo :DIFFERENCES")
        check(f"diff of {kind}: equal", "is equal to what the log gives" in got[1] and got[1].endswith("\n0\n"), got)
    target = sqlite3.connect(os.path.join(os.environ["SERVER_DATA"], "main.db"), isolation_level=None, timeout=30)
    for kind in reversed(DIFFED):                    # what reads another one before that
        table = f"{view}_{kind}"
        key = [row[1] for row in target.execute(f"PRAGMA table_info({table})") if row[5]] or ["rowid"]
        target.execute(f"DELETE FROM {table} WHERE ({', '.join(key)}) = (SELECT {', '.join(key)} FROM {table} LIMIT 1)")
        got = run("-At", "-c", f"\\diff {table}", "-c", "\\echo :DIFFERENCES")
        check(f"diff of {kind}: a row is missing", got[1].startswith("missing|") and got[1].endswith("\n1\n"), got)
    target.close()
    run("-q", stdin=f"DROP STREAM {stream} CASCADE;\n")


def wait_until(sql, answer_text):
    end = time.monotonic() + PATIENCE
    while (got := run("-At", "-c", sql))[1].strip() != answer_text:
        if time.monotonic() > end:
            raise AssertionError(f"{sql} does not become {answer_text}: {got}")
        time.sleep(0.05)


def tail_of(stream):
    sums = f"shell_t_{os.getpid()}"
    run("-c", f"CREATE MATERIALIZED VIEW {sums} AS SELECT k, count(*) AS n FROM {stream} GROUP BY k")
    tail = subprocess.Popen([SHELL, "-X", "-c", f"\\tail {sums} 3"], env=ENV, stdout=subprocess.PIPE)
    head = tail.stdout.readline()  # comes when the subscription has begun
    check("tail names the columns", head == b"  k | n\n", head)
    run("-c", f"INSERT INTO {stream} VALUES ('2026-01-01 00:04:00Z', 'a', 1)")
    run("-c", f"INSERT INTO {stream} VALUES ('2026-01-01 00:04:00Z', 'new', 1)")
    rest, _ = tail.communicate(timeout=PATIENCE)
    check("tail shows changes", sorted(rest.decode().splitlines()[:2]) == ["+ a | 3", "− a | 2"]
          and rest.decode().splitlines()[2:] == ["+ new | 1"] and tail.returncode == 0, rest)
    expect("tail of nothing", ["-c", "\\tail nothing_here"], "", "does not exist", 1)


def test_infer():
    lines = ["Page Title;when;user;n;ratio;ok"]
    for i in range(1000):
        second = i - 7 if i % 10 == 0 and i > 0 else i
        lines.append(f'"a;b {i}";2026-01-01 00:{second // 60:02d}:{second % 60:02d}+00;u{i};{i};{i}.5;true')
    path = write("Some Pages.csv", "\n".join(lines) + "\n")
    expect("infer csv", ["-c", f"\\infer '{path}'"],
           f"""CREATE STREAM some_pages (
    page_title text,
    "when" timestamptz,
    "user" text,
    n bigint,
    ratio double precision,
    ok boolean,
    WATERMARK FOR "when" AS "when" - INTERVAL '10 seconds'
);
-- all 1000 rows: 99 (9.9%) out of order by when, at most by 6.0 s; 99% of all rows by no more than 6.0 s
\\copy some_pages FROM '{path}' CSV HEADER DELIMITER ';'
""")
    expect("... and what it says works", ["-At"], None, "", 0,
           f"\\infer '{path}' inferred\n\\g\n\\copy inferred FROM '{path}' CSV HEADER DELIMITER ';'\n"
           "SELECT count(*), max(page_title) FROM inferred;\nDROP STREAM inferred;\n")
    got = run("-At", stdin=f"\\infer '{path}' inferred\n\\g\n\\copy inferred FROM '{path}' CSV HEADER DELIMITER ';'\n"
              "SELECT count(*), sum(n) FROM inferred;\nDROP STREAM inferred;\n")
    check("... row by row", "1000|499500\n" in got[1], got)
    path = os.path.join(WORK, "hits.jsonl.gz")
    with gzip.open(path, "wt") as file:
        for i in range(10):
            file.write(json.dumps({"at": f"2026-01-01T00:00:{i:02d}Z", "Url": "/", "n": i, "more": {"x": [1]},
                                   "id": "00000000-0000-0000-0000-00000000000a"}) + "\n")
    got = run("-At", stdin=f"\\infer {path}\n\\g\n\\copy hits FROM '{path}' (FORMAT json)\n"
              "SELECT count(*), sum(n), min(\"Url\"), min(id::text) FROM hits;\nDROP STREAM hits;\n")
    check("infer JSON lines", '"Url" text' in got[1] and "id uuid" in got[1] and "more json" in got[1]
          and 'WATERMARK FOR "at" AS "at"\n' in got[1]
          and "10|45|/|00000000-0000-0000-0000-00000000000a\n" in got[1], got)
    infer_forms()
    expect("infer no file", ["-c", "\\infer /nonexistent"], "", "No such file", 1)
    expect("infer an empty file", ["-c", f"\\infer {write('empty.csv', '')}"], "", "it is empty", 1)
    expect("infer a ragged file", ["-c", f"\\infer {write('ragged.csv', 'a,b' + chr(10) + '1,2' + chr(10) + '3' + chr(10))}"],
           "", "another number of fields", 1)


# File, columns as \\infer sees them, options of \\copy, and what then is in the stream.
INFERRED = [
    ("tabs.tsv", 'id\twhen\tnote\n1\t2026-01-02 03:00:00\t"a\tb"\n', "id bigint|when timestamp|note text", "CSV HEADER DELIMITER E'\\t'",
     "1|2026-01-02 03:00:00|a\tb\n"),
    ("dates.csv", "day,at\n2026-01-02,2026-01-02T03:04:05+02\n", "day date|at timestamptz", "CSV HEADER", "2026-01-02|2026-01-02 01:04:05+00\n"),
    ("no such day.csv", "day,n\n2026-02-29,1\n2024-02-29,2\n", "day text|n bigint", "CSV HEADER", "2026-02-29|1\n2024-02-29|2\n"),
    ("no such time.csv", "t,n\n2026-01-01 24:00:01,1\n", "t text|n bigint", "CSV HEADER", "2026-01-01 24:00:01|1\n"),
    ("nulls.csv", "a,b\nNULL,x\n1,\"NULL\"\n", "a bigint|b text", "CSV HEADER NULL 'NULL'", "|x\n1|NULL\n"),
    ("backslash.csv", "a,b\n1,\\N\n\\N,2.5\n", "a bigint|b double precision", "CSV HEADER NULL E'\\\\N'", "1|\n|2.5\n"),
    ("two nulls.csv", "a,b\nNULL,1\n,2\n", "a text|b bigint", "CSV HEADER", "NULL|1\n|2\n"),
    ("flags.csv", "t,f\nt,1\nf,2\n", "column1 boolean|column2 text", "CSV", "t|f\nt|1\nf|2\n"),
    ("short names.csv", "t,f\n1,x\n", "t bigint|f text", "CSV HEADER", "1|x\n"),
    ("same names.csv", "a,A,,a b,a_b\n1,2,3,4,5\n", "a bigint|a_2 bigint|column3 bigint|a_b bigint|a_b_5 bigint", "CSV HEADER", "1|2|3|4|5\n"),
    ("lines.csv", '"a\nb",c\n"x\ny",2\n', "a_b text|c bigint", "CSV HEADER", "x\ny|2\n"),
    ("nested.jsonl", '{"at":"2026-01-01T00:00:00Z","x":{"y":[1,{"z":"}"}]},"n":null}\n{"at":null,"n":2}\n', "at timestamptz|x json|n bigint",
     "(FORMAT json)", '2026-01-01 00:00:00+00|{"y":[1,{"z":"}"}]}|\n||2\n'),
]


def infer_forms():
    for name, text, columns, options, rows in INFERRED:
        path = write(name, text)
        got = run("-At", stdin=f"\\infer '{path}' inferred\n\\g\n\\copy inferred FROM '{path}' {options}\n"
                  "SELECT * FROM inferred;\nDROP STREAM inferred;\n")
        found = "|".join(re.sub('"', "", line.strip().rstrip(",")) for line in got[1].split("\n)", 1)[0].splitlines()[1:]
                         if "WATERMARK" not in line)
        check(f"infer {name}", found == columns and f"FROM '{path}' {options}\n" in got[1], got)
        check("... and its rows", got[1].endswith(f"\n{rows}DROP STREAM\n") and not got[2], got)
    for name, text, complaint in (("array.json", '[{"a":1}]\n', "JSON array"), ("empty.jsonl", "{}\n", "no object has a member"),
                                  ("head.csv", "a,b\n", "a header and no rows"), ("half.jsonl", '{"a":1}\n{"a":\n', "not a JSON object")):
        expect(f"infer {name}", ["-c", f"\\infer '{write(name, text)}'"], "", complaint, 1)
    lines = [f"2026-01-01 00:{s // 60:02d}:{s % 60:02d}+00,{i}"
             for i, s in enumerate(max(0, i - (i * 37 % 40 if i % 5 == 0 else 0)) for i in range(2000))]
    path = write("disorder.csv", "at,n\n" + "\n".join(lines) + "\n")
    run("-q", stdin=f"""\\infer '{path}' inferred
\\g
CREATE MATERIALIZED VIEW inferred_seconds AS SELECT window_start, window_end, count(*) AS n
  FROM TUMBLE(inferred, at, INTERVAL '1' SECOND) GROUP BY window_start, window_end EMIT ON WINDOW CLOSE;
\\copy inferred FROM '{path}' CSV HEADER
FLUSH;
""")
    expect("the measured delay leaves no row late", ["-At", "-c", "SELECT rows_in, late_rows FROM millrace.queries WHERE name = 'inferred_seconds'"],
           "2000|0\n")
    run("-q", stdin="DROP STREAM inferred CASCADE;\n")


# Run by psql and by the shell over the same PostgreSQL: both must write the same bytes.
COMPARED_QUERIES = [
    "SELECT 1 AS a, 'x' AS b", "SELECT 1 AS a WHERE false", "SELECT NULL AS n, -5 AS m",
    "SELECT 'a\nb' AS \"x\ny\", 12 AS z", "SELECT '日本' AS w, 'tab\tx' AS t", "selec",
    "SELECT 1; SELECT 2", "SELECT nothing_here", "SELECT 1234567.25 AS n, 'a <b> & \"c\"' AS t",
    "SELECT repeat('word ', 30) AS long, 7 AS n, 'b' AS \"a column of some width\"",
    "SELECT i, repeat('x', i) AS x FROM generate_series(1, 11) i"]
COMPARED_OPTIONS = [
    [], ["-A"], ["-t"], ["-At"], ["--csv"], ["-x"], ["-Ax"], ["-tx"], ["-q"],
    ["-P", "border=0"], ["-P", "border=2"], ["-P", "border=2", "-x"], ["-P", "border=0", "-x"],
    ["-P", "null=N"], ["-P", "title=T"], ["-P", "footer=off"], ["-H"], ["-Hx"], ["-H", "-T", "id=1"],
    ["-P", "linestyle=unicode"], ["-P", "linestyle=unicode", "-P", "border=2"],
    ["-P", "linestyle=unicode", "-P", "border=2", "-x"], ["-P", "numericlocale=on"],
    ["-P", "format=wrapped", "-P", "columns=40"], ["-Az"], ["-A0"], ["-Atz0"],
    ["-P", "format=wrapped", "-P", "columns=40", "-P", "border=2", "-P", "linestyle=unicode"],
    ["-P", "expanded=auto", "-P", "columns=40"], ["-v", "FETCH_COUNT=3"],
    ["-v", "FETCH_COUNT=3", "-x"], ["-v", "FETCH_COUNT=3", "-A"]] + [
    ["-P", f"format={form}", *more] for form in ("asciidoc", "latex", "latex-longtable", "troff-ms") for more in (
        ["-P", "border=0"], ["-P", "title=T_&"], ["-P", "border=2"], ["-P", "border=3"], ["-x", "-P", "border=0"],
        ["-x", "-P", "title=T"], ["-x", "-P", "border=2"], ["-t"], ["-tx"], ["-P", "tableattr=0.2 0.3", "-P", "footer=off"])] + [
    ["-P", "linestyle=unicode", *[word for part in parts for word in ("-P", f"unicode_{part}_linestyle=double")], *more]
    for parts in (("border",), ("column",), ("header",), ("border", "header"), ("column", "header"))
    for more in ([], ["-P", "border=2"], ["-P", "border=2", "-x"], ["-P", "border=0"], ["-x"])]
COMPARED_SCRIPTS = {
    "if, elif, else": """
\\if true
SELECT 'yes';
\\elif true
SELECT 'no';
\\else
SELECT 'never';
\\endif
\\set v 3
SELECT :v > 2 AS big \\gset
\\if :big
  \\if 0
    \\echo inner
  \\else
    \\echo other
  \\endif
\\else
  \\echo small `echo not run` :'v'
\\endif
\\if nonsense
\\echo a
\\else
\\echo b
\\endif
""",
    "if within a statement": "SELECT 1\n\\if false\n, 2 as hidden\n\\else\n, 3 as shown\n\\endif\n;\n",
    "if without end": "\\if true\nSELECT 1;\n",
    "endif alone": "\\endif\n\\else\n\\elif 1\nSELECT 1;\n",
    "else twice": "\\if 1\n\\else\n\\else\n\\elif 1\n\\endif\n",
    "gexec": "SELECT 'SELECT ' || i || ' AS v', NULL FROM generate_series(1, 3) i \\gexec\n",
    "gdesc": "SELECT 1 AS a, 'x'::text AS b, now() AS c, 1.5::numeric(8,2) AS d \\gdesc\n"
             "SELECT 1 FROM nothing_here \\gdesc\nCREATE TABLE t (a int) \\gdesc\n",
    "gset": "SELECT 1 AS a, NULL AS b, 'x y' AS c \\gset p_\n\\echo :p_a :p_b :p_c :'p_c'\n"
            "SELECT 1 WHERE false \\gset\nSELECT 1 UNION SELECT 2 \\gset\n"
            "SELECT 'x' AS \"ON_ERROR_STOP\" \\gset\n",
    "g with options": "SELECT 1 AS a, 2 AS b \\g (format=csv)\nSELECT 1 AS a \\g (border=2 title=T)\n"
                      "SELECT 1 AS a \\gx (format=unaligned)\nSELECT 1 AS a;\n",
    "g to a command": "SELECT 1 AS a \\g |cat\n",
    "variables": "\\set a 1\n\\set b :a :a\n\\echo :b :{?a} :{?zz}\n\\unset a\n\\echo :a\n"
                 "\\set c 'it''s' \\\\ SELECT :'c';\n\\set ON_ERROR_STOP nonsense\n\\set 1a-b x\n"
                 "\\set FETCH_COUNT x\n\\set ECHO x\n\\set HISTSIZE\n",
    "getenv, setenv": "\\setenv SOME_THING val\n\\getenv x SOME_THING\n\\echo :x\n\\setenv SOME_THING\n"
                      "\\! echo \"[$SOME_THING]\"\n\\getenv x\n\\setenv\n\\setenv a=b c\n",
    "echo": "\\echo -n a\n\\echo 'b  c' d \"e f\"\n\\qecho x\n\\warn y\n\\echo `echo z`\n\\echo a\\\\b\n",
    "print and reset": "SELECT 1\n\\p\n\\r\n\\p\n",
    "pset": "".join(f"\\pset {o}\n" for o in (
        "border 2", "border", "expanded", "expanded auto", "expanded off", "format unaligned",
        "format aligned", "fieldsep ;", "fieldsep", "fieldsep_zero", "footer off", "footer",
        "footer on", "linestyle unicode", "linestyle ascii", "null (null)", "numericlocale",
        "numericlocale off", "pager always", "pager off", "pager_min_lines 5", "recordsep x",
        "recordsep_zero", "tableattr a", "tableattr", "title T", "title", "tuples_only on",
        "tuples_only", "columns 50", "columns 0", "border 7", "unicode_border_linestyle double",
        "unicode_column_linestyle d", "unicode_header_linestyle", "unicode_header_linestyle x", "format a", "format as",
        "format la", "format latex-", "format t", "nonsense", "")),
    "restricted": "\\unrestrict a\n\\restrict\n\\restrict a-b\n\\echo no\nSELECT 1;\n\\unrestrict\n\\unrestrict b\n\\q\n"
                  "\\unrestrict a-b\n\\echo yes\n",
    "quotes of arguments": "\\echo 'x\\x41\\x4\\xyz\\101' :'nothing' :\"nothing\" :nothing\n\\echo `echo a; exit 3`\n"
                           "\\set v `echo b; false`\n\\echo :v\n\\sf\n\\sv\n",
    "connect by strings": "\\c \"dbname=test user=millrace\"\n\\c -reuse-previous=on user=millrace\n"
                          "\\c -reuse-previous=on test\n\\c \"test\"\nSELECT 1;\n",
    "short output commands": "\\a\n\\a\n\\t\n\\t off\n\\x\n\\x auto\n\\x\n\\H\n\\H\n\\f\n\\f ,\n\\C T\n\\C\n\\T a\n",
    "transactions": "\\set AUTOCOMMIT off\nSELECT 1 AS a;\nROLLBACK;\nSELECT 2 AS b;\nSELECT oops;\n"
                    "SELECT 3;\nROLLBACK;\n",
    "on error rollback": "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT oops;\nSELECT 3;\nCOMMIT;\n",
    "last result only": "\\set SHOW_ALL_RESULTS off\nSELECT 1 \\; SELECT 2;\n",
    "errverbose": "selec;\n\\errverbose\nSELECT 1;\n\\set VERBOSITY terse\nselec;\n"
                  "\\set VERBOSITY sqlstate\nselec;\n",
    "error variables": "selec;\n\\echo :ERROR :SQLSTATE :ROW_COUNT :LAST_ERROR_MESSAGE\nSELECT 1;\n"
                       "\\echo :ERROR :SQLSTATE :ROW_COUNT :LAST_ERROR_SQLSTATE\n",
    "crosstabview": """
SELECT * FROM (VALUES ('v1','h2','foo'), ('v2','h1','bar'), ('v1','h0','baz'), ('v0','h4',NULL), (NULL,'h4','dbl'),
  ('v0',NULL,'qux')) AS t(v, h, c) \\crosstabview
SELECT v, h, i, i AS "Rank" FROM (VALUES ('a','x',5), ('b','x',-2), ('b','y',3), ('a','z',-9)) AS t(v, h, i) \\crosstabview V h i "Rank"
SELECT v, h, i FROM (VALUES ('a','x',5), ('b','x',-2), ('b','y',3)) AS t(v, h, i) \\crosstabview 2 1
SELECT 1, 2 \\crosstabview
SELECT 1, 2, 3 \\crosstabview 1 1
SELECT 1, 2, 3, 4 \\crosstabview
SELECT 1 AS a, 2 AS a, 3 \\crosstabview a
SELECT 1 AS a, 2 AS b, 3 AS "C" \\crosstabview c
SELECT 1 AS a, 2 AS b, 3 AS c \\crosstabview 1 9
SELECT 1 AS a, NULL AS b, i AS c FROM generate_series(1, 2) i \\crosstabview
SELECT i AS a, i AS b, i AS c FROM generate_series(1, 1601) i \\crosstabview
SELECT 1 AS a, 2 AS b, 3 AS c WHERE false \\crosstabview
\\pset null (n)
\\pset title T
\\x
SELECT 'v' AS v, NULL AS h, NULL AS c \\crosstabview
selec \\crosstabview
""",
    "encoding": "\\encoding\n\\encoding LATIN1\n\\encoding\n\\echo :ENCODING\n\\encoding nonsense\n\\encoding UTF8\n",
    "connect": "\\c\n\\c -\n\\c test\n\\c test millrace 127.0.0.1\n\\connect - - - -\n\\conninfo\n\\c nowhere\nSELECT 1;\n",
    "prompt": "\\prompt name\nAnn Other\n\\echo :name\n\\prompt 'Your name: ' 'two'\nBob\n\\echo :two\n\\prompt\n"
              "\\prompt a-b\nx\n",
    "context of messages": "\n".join(
        f"\\set {name} {value}\nDO $$ BEGIN RAISE NOTICE 'n'; RAISE 'oops' USING HINT = 'h', DETAIL = 'd'; END $$;"
        for name, value in (("SHOW_CONTEXT", "never"), ("SHOW_CONTEXT", "always"), ("VERBOSITY", "verbose"),
                            ("VERBOSITY", "terse"), ("VERBOSITY", "sqlstate"), ("SHOW_CONTEXT", "x")))
        + "\n\\unset VERBOSITY\n\\echo :VERBOSITY :SHOW_CONTEXT\n",
    "single lines": "\\set SINGLELINE on\nSELECT 1\nSELECT (2\n+ 3)\nSELECT 'a\nb'\n\\set SINGLELINE off\nSELECT 4\nAS x;\n",
    "steering variables": "".join(f"{line}\n" for line in (
        "\\echo :LAST_ERROR_MESSAGE :LAST_ERROR_SQLSTATE", "\\set HISTCONTROL both", "\\set HISTCONTROL ignoreboth",
        "\\set COMP_KEYWORD_CASE x", "\\set COMP_KEYWORD_CASE Lower", "\\set HISTSIZE 3x", "\\set HISTSIZE -1",
        "\\set IGNOREEOF", "\\echo :IGNOREEOF", "\\set IGNOREEOF x", "\\echo :IGNOREEOF", "\\set FETCH_COUNT -3",
        "\\set FETCH_COUNT 99999999999", "\\echo :FETCH_COUNT", "\\set FETCH_COUNT 0x10", "\\echo :FETCH_COUNT", "\\set FETCH_COUNT 010",
        "\\set FETCH_COUNT 2147483648", "\\set FETCH_COUNT -3",
        "\\set ON_ERROR_ROLLBACK sometimes", "\\set AUTOCOMMIT maybe", "\\set QUIET", "\\unset QUIET",
        "\\set PROMPT1", "\\echo [:PROMPT1]", "\\echo :HISTSIZE :COMP_KEYWORD_CASE :HISTCONTROL", "\\set ECHO errors",
        "selec;", "\\set ECHO queries", "SELECT 1;", "\\set ECHO all", "SELECT 2;", "\\set ECHO", "\\set ECHO none",
        "\\set ECHO_HIDDEN x", "\\unset ECHO_HIDDEN", "\\echo :ECHO_HIDDEN")),
    "rollback to where it was": "\\set ON_ERROR_ROLLBACK interactive\nBEGIN;\nSELECT oops;\nSELECT 1;\nCOMMIT;\n"
                                "\\set ON_ERROR_ROLLBACK on\nBEGIN;\nSELECT oops;\nSELECT 1;\nSAVEPOINT a;\nSELECT oops;\n"
                                "ROLLBACK TO a;\nCOMMIT;\n",
    "unknown commands": "\\nonsense\nSELECT 1;\n\\x too many words\n\\i /nonexistent\n\\i\n",
    "copy": "CREATE TEMP TABLE c (a int, b text);\n\\copy c from stdin\n1\tone\n2\ttwo\n\\.\n"
            "\\copy c to stdout\n\\copy (SELECT a FROM c) to stdout csv header\n"
            "\\copy c from program 'echo 3,three' csv\n\\copy c to program 'cat' csv\n"
            "\\copy c from program 'exit 3' csv\n\\copy nowhere from stdin\n\\copy\n\\copy c\n"
            "SELECT count(*) FROM c;\n",
    "statements and comments": "SELECT 1; /* a; */ SELECT 2 -- ; \n;\nSELECT $$a;b$$, 'c;''d';\n;\n",
    "semicolon between commands": "SELECT 1 AS x\\; SELECT 2 AS y;\n\\echo a \\\\ SELECT 3;\n",
}


# psql's lists of the catalogue: the same bytes over PostgreSQL and over our own server.
CATALOGUE_COMMANDS = [
    "\\dA", "\\dA b*", "\\dA+", "\\db", "\\db+", "\\dC", "\\dC int8", "\\dC+ *num*", "\\ddp", "\\dD *", "\\dD+ *.*", "\\dn", "\\dn+",
    "\\dnS", "\\dn pg*", '\\dn "PUBLIC"', "\\do ||", "\\do *.|*", "\\do pg_catalog.|*", "\\dO *", "\\dp", "\\dp pg_catalog.pg_t*",
    "\\z public.*", "\\dT int*", "\\dT+ int*", "\\dTS bool*", "\\dT pg_catalog.big?nt", "\\dT nothing.*", "\\dgS", "\\dew", "\\dew+ sql*",
    "\\du", "\\du+", "\\dx", "\\dx p*", "\\l", "\\l+", "\\l x*"]


def compare_catalogue():
    for command in CATALOGUE_COMMANDS:
        for option in ([], ["-A"], ["-x"]):
            ours = run(*option, "-c", command)
            theirs = run(*option, "-c", command, program="psql")
            theirs = (theirs[0], theirs[1], theirs[2].replace("psql:", "millrace:"))
            check(f"as psql: {' '.join(option)} {command}", ours == theirs, f"{ours}\n{theirs}")


def test_compare():
    compare_catalogue()
    for option in COMPARED_OPTIONS:
        for query in COMPARED_QUERIES:
            if any("FETCH_COUNT" in word for word in option) and query in (
                    "SELECT 1; SELECT 2", "SELECT nothing_here"):
                continue  # psql asks through a cursor: one statement only, and other line numbers
            ours = run(*option, "-c", query)
            theirs = run(*option, "-c", query, program="psql")
            theirs = (theirs[0], theirs[1], theirs[2].replace("psql:", "millrace:"))
            check(f"as psql: {' '.join(option)} {query!r}", ours == theirs, f"{ours}\n{theirs}")
    for name, script in COMPARED_SCRIPTS.items():
        path = write("compared.sql", script)
        for option in ([], ["-v", "ON_ERROR_STOP=1"], ["-q", "-a"], ["-e"], ["-f", path]):
            if name == "copy" and option == ["-e"]:
                continue  # psql sets blanks of its own into the statement
            stdin = "" if "-f" in option else script
            ours = run(*option, stdin=stdin)
            theirs = run(*option, stdin=stdin, program="psql")
            theirs = (theirs[0], theirs[1], theirs[2].replace("psql:", "millrace:"))
            both = [f"exit code {got[0]}\n{got[1]}\n---- stderr\n{got[2]}".splitlines()
                    for got in (theirs, ours)]
            check(f"as psql: {name} {' '.join(option[:2])}", ours == theirs,
                  "\n".join(difflib.unified_diff(*both, "psql", "millrace", n=1, lineterm="")))


def answer(sql, default):
    got = run("-At", "-c", sql)
    return got[1].strip() if got[0] == 0 else default


ENV.setdefault("PGHOST", "127.0.0.1")
SHELL = os.path.abspath(SHELL)
HOST = ENV["PGHOST"]
PORT = run("-c", "\\echo :PORT")[1].strip()
DATABASE = run("-c", "\\echo :DBNAME")[1].strip()
USER = run("-c", "\\echo :USER")[1].strip()
IS_MILLRACE = run("-c", "SHOW STREAMS")[0] == 0
if not PORT:
    print(f"Bail out! no server: {run('-c', 'SELECT 1')[2].strip()}")
    sys.exit(1)

try:
    if COMPARE:
        test_compare()
    else:
        test_layouts()
        test_errors()
        test_scripts()
        test_copy()
        test_terminal()
        test_watch()
        test_server_objects()
        test_standing_queries()
        test_infer()
finally:
    shutil.rmtree(WORK, ignore_errors=True)
print(f"1..{count}")
sys.exit(1 if failed else 0)
