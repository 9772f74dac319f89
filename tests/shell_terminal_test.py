#!/usr/bin/env python3
"""tests/shell_terminal_test.py - the shell in a real terminal (tmux): editing, history, completion,
colours, prompts, passwords, the editor, live pictures, Ctrl-C, progress bars, another size.  Nothing sleeps: each step waits until
the screen shows what it must.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.paths import patience  # noqa: E402
from harness.server import wait_until  # noqa: E402

SHELL = str(harness.BUILD / "clients" / "millrace")
LOADER = str(harness.BUILD / "clients" / "mrload")
PROMPT = "test=> "


class Screen:
    """The shell in a terminal of `columns` by `lines`; what it shows is asked of tmux."""

    def __init__(self, server, *arguments, columns=100, lines=30, home=None, env=None, program=SHELL):
        if shutil.which("tmux") is None:
            raise harness.Skip("tmux is not installed")
        self.home = home or tempfile.mkdtemp(prefix="millrace-screen-")
        self.socket = os.path.join(tempfile.mkdtemp(prefix="millrace-tmux-"), "socket")
        variables = {"PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGUSER": "test",
                     "PGDATABASE": "test", "HOME": self.home, "PAGER": "cat", "LC_ALL": "C.UTF-8",
                     "TERM": "screen-256color", **(env or {})}
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines),
                  "env", "-u", "NO_COLOR", *(f"{k}={v}" for k, v in variables.items()), "sh", "-c",
                  'trap : INT; "$0" "$@"; echo "exit code $?"; exec cat', program, *(["-X"] if program != LOADER else []), *arguments)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        if error[0] is not None:
            print("# the screen:\n" + "\n".join("#   " + line for line in self.text().splitlines()))
        self.tmux("kill-server")
        shutil.rmtree(os.path.dirname(self.socket), ignore_errors=True)

    def tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", self.socket, *arguments], check=True, timeout=patience(60),
                              capture_output=True).stdout.decode()

    def record(self):
        """From now on all that is written goes to a file as well, also what is gone before anybody looks."""
        path = os.path.join(self.home, "recorded")
        self.tmux("pipe-pane", "-o", f"cat > '{path}'")
        return path

    def text(self, colours=False):
        """What is shown; a prompt at the end of its line keeps the blank that tmux leaves out."""
        shown = self.tmux("capture-pane", "-p", *(["-e"] if colours else []))
        return re.sub(r"^(\w+[-=(@'\"]>)$", r"\1 ", shown, flags=re.M)

    def wait(self, pattern, seconds=30, colours=False):
        """Until the screen shows the pattern; returns the match."""
        end = time.monotonic() + patience(seconds)
        while True:
            shown = self.text(colours)
            found = re.search(pattern, shown, re.M)
            if found:
                return found
            assert time.monotonic() < end, f"not shown: {pattern}\n{shown}"

    def wait_gone(self, pattern, seconds=30):
        end = time.monotonic() + patience(seconds)
        while re.search(pattern, self.text(), re.M):
            assert time.monotonic() < end, f"still shown: {pattern}\n{self.text()}"

    def type(self, text, *keys):
        if text:
            self.tmux("send-keys", "-l", "--", text.replace(";", r"\;") if text.endswith(";") else text)
        for key in keys:
            self.tmux("send-keys", key)

    def ready(self):
        """At an empty prompt, which is the last line."""
        return self.wait(rf"^{PROMPT}\n*\Z")

    def run(self, line, pattern):
        self.type(line, "Enter")
        return self.wait(pattern)


def is_running(server):
    """Whether another session's statement is at work."""
    return server.execute("SELECT count(*) FROM millrace.sessions WHERE state = 'active' "
                          "AND pid <> pg_backend_pid()") == [(1,)]


def start(server):
    screen = Screen(server)
    screen.wait(rf"^{PROMPT}")
    return screen


def test_editing_history_and_recall():
    with harness.Server() as server:
        with start(server) as screen:
            screen.run("SELECT 40 +", r"^test-> ")
            screen.run("  2 AS answer;", r"^ +42\n\(1 row\)")
            screen.run("\\echo between", r"^between$")
            screen.type("", "C-l")                      # a clear screen
            screen.wait_gone("between")
            screen.type("", "Up", "Up")                 # both lines come back as one statement
            screen.wait(rf"^{PROMPT}SELECT 40 \+\n  2 AS answer;")
            screen.type("", "Enter")
            screen.wait(r"^ +42\n\(1 row\)")
            screen.type("SELECT 1 + 11 AS wrong;")
            screen.type("", "C-a", "C-k")               # the editor's keys
            screen.type("SELECT 'kept' AS it;", "Enter")
            screen.wait(r"^ kept\n\(1 row\)")
            screen.type("", "C-r")                      # search backwards
            screen.type("40")
            screen.wait(r"40")
            screen.type("", "C-c")
            screen.ready()
            screen.run("\\q", r"^exit code 0$")
            home = screen.home
        with Screen(server, home=home) as screen:       # another run of the shell
            screen.wait(rf"^{PROMPT}")
            screen.type("", "Up", "Up")
            screen.wait(rf"^{PROMPT}SELECT 'kept' AS it;")
            screen.type("", "C-u")
            screen.run("\\s", r"SELECT 40 \+")
            assert os.path.exists(os.path.join(home, ".millrace_history-test")), os.listdir(home)
            screen.run("\\c other", r'now connected to database "other"')
            screen.type("", "Up")                       # each database has a history of its own
            screen.type("1")
            screen.wait(r"^other=> 1$")


def test_completion_of_words_and_names():
    with harness.Server() as server, start(server) as screen:
        screen.run("CREATE STREAM temperatures (at timestamptz, celsius float8, "
                   "WATERMARK FOR at AS at);", r"^CREATE STREAM")
        screen.ready()
        screen.type("CREATE MATER", "Tab")
        screen.wait(rf"^{PROMPT}CREATE MATERIALIZED$")
        screen.type("", "C-u")
        screen.type("SELECT count(*) FROM tempe", "Tab")
        screen.wait(rf"^{PROMPT}SELECT count\(\*\) FROM temperatures")
        screen.type(" WHERE cels", "Tab")               # a column of it
        screen.wait(r"FROM temperatures +WHERE celsius")
        screen.type("", "C-u")
        screen.type("SELECT approx_count", "Tab")
        screen.wait(rf"^{PROMPT}SELECT approx_count_distinct\(")
        screen.type("", "C-u")
        screen.type("SHOW read_your", "Tab")
        screen.wait(rf"^{PROMPT}SHOW read_your_writes")
        screen.type("", "C-u")
        screen.type("\\quer", "Tab")
        screen.wait(rf"^{PROMPT}\\queries")
        screen.type("", "C-u")
        screen.type("\\why temp", "Tab")
        screen.wait(rf"^{PROMPT}\\why temperatures")
        screen.type("", "C-u")
        screen.type("\\echo :VERS", "Tab", "Tab")       # more than one: a list
        screen.wait(r"^:VERSION +:VERSION_NAME$")


def test_case_of_completed_words():
    with harness.Server() as server, start(server) as screen:
        for rule, typed, shown in (("lower", "CREATE MATER", "CREATE materialized"), ("upper", "create mater", "create MATERIALIZED"),
                                   ("preserve-lower", "create mater", "create materialized"),
                                   ("preserve-upper", "CREATE MATER", "CREATE MATERIALIZED")):
            screen.run(f"\\set COMP_KEYWORD_CASE {rule}", rf"^{PROMPT}\n*\Z")
            screen.type(typed, "Tab")
            screen.wait(rf"^{PROMPT}{shown}$")
            screen.type("", "C-u")
            screen.ready()


def kept_in(path):
    """The statements of a history file, oldest first; libedit writes octal numbers for blanks."""
    lines = read(path).splitlines()[1:]
    return [re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), line) for line in lines]


def test_history_variables():
    with harness.Server() as server:
        with Screen(server, "-v", "HISTFILE=~/own") as screen:
            screen.wait(rf"^{PROMPT}")
            for line, shown in (("SELECT 'twice' AS a;", "^ twice"), ("SELECT 'twice' AS b;", r"^ +b\s"), ("SELECT 'twice' AS b;", r"(?s)\n +b\s.*\n +b\s"),
                                ("\\set HISTCONTROL ignoreboth", rf"^{PROMPT}\n*\Z"),
                                ("SELECT 'once' AS c;", r"^ +c\s"), ("SELECT 'once' AS c;", r"(?s)\n +c\s.*\n +c\s"),
                                (" SELECT 'hidden' AS d;", r"^ +d\s")):
                screen.run(line, shown)
                screen.ready()
            screen.run("\\q", r"^exit code 0$")
            assert kept_in(os.path.join(screen.home, "own")) == [
                "SELECT 'twice' AS a;", "SELECT 'twice' AS b;", "SELECT 'twice' AS b;", "\\set HISTCONTROL ignoreboth",
                "SELECT 'once' AS c;", "\\q"], read(os.path.join(screen.home, "own"))
            home = screen.home
        with Screen(server, "-v", "HISTFILE=~/own", "-v", "HISTSIZE=2", home=home) as screen:
            screen.wait(rf"^{PROMPT}")
            screen.run("SELECT 'last' AS e;", r"^ last")
            screen.run("\\q", r"^exit code 0$")
            assert kept_in(os.path.join(home, "own")) == ["SELECT 'last' AS e;", "\\q"]


# What psql puts in for each escape; %p is another number in each.
PROMPTS = ("'P1 %M|%m|%>|%n|%/|%~|%#|%R|%x|%l|%%|%:known:|%:unknown:|%`echo a b`|%101|%R '",
           "'P2 %R|%l|%x|[%w]|%/ '", "'P3 %R|%l|%x '")


def prompts_of(screen):
    """All prompts that an hour at the terminal shows; each step waits for its own."""
    seen = []

    def step(line, key="Enter"):
        screen.type(line, key)
        while len(re.findall(r"^P[123] ", screen.text(), re.M)) <= len(seen):
            pass
        seen.append(re.findall(r"^(P[123] .*?)(?: [^ |]*)?$", screen.text(), re.M)[-1])
    screen.type("\\set known value", "Enter")
    screen.type(f"\\set PROMPT2 {PROMPTS[1]}", "Enter")
    screen.type(f"\\set PROMPT3 {PROMPTS[2]}", "Enter")
    step(f"\\set PROMPT1 {PROMPTS[0]}")
    for line in ("SELECT 1", "+ (2", ");", "SELECT 'a", "';", 'SELECT "', '";', "SELECT $x$", "$x$;", "SELECT /*", "*/ 1;", "BEGIN;",
                 "selec;", "ROLLBACK;", "CREATE TABLE prompted (a int);", "COPY prompted FROM STDIN;", "1", "\\.",
                 "\\if false", "\\endif", "\\set SINGLELINE on", "\\set SINGLELINE off"):
        step(line)
    return seen


def test_prompts():
    with harness.Postgres() as postgres:
        answers = []
        for program in ("psql", SHELL):
            with Screen(postgres, "-q", "-P", "pager=off", columns=160, lines=120, program=program,
                        env={"PGUSER": "millrace", "PGPASSWORD": postgres.password, "NO_COLOR": "1"}) as screen:
                screen.wait(r"^test=[>#] ")
                answers.append(prompts_of(screen))
            with postgres.connect(autocommit=True) as connection:
                connection.execute("DROP TABLE prompted")
        # psql counts no line end within brackets and quotes; here %l is the line of the statement.
        lines = [int(re.match(r"P2 .\|(\d+)", prompt)[1]) for prompt in answers[1] if prompt.startswith("P2")]
        assert lines == [2, 3, 2, 2, 2, 2], lines
        same = [[re.sub(r"^(P2 .)\|\d+", r"\1", prompt) for prompt in some] for some in answers]
        assert same[0] == same[1], "\n".join(map(str, zip(*answers)))
    with harness.Server() as server, start(server) as screen:
        pid = screen.run("SELECT pg_backend_pid() AS pid;", r"^ +(\d+)\n\(1 row\)")[1]
        screen.run("\\set PROMPT1 '%p> '", rf"^{pid}>")
        screen.run("\\set PROMPT1 '%[%033[7m%]%/%[%033[0m%]%R%# '", r"^test=>\s*\Z")
        screen.wait(r"\x1b\[7m(\x1b\[\d+m)*test(\x1b\[\d+m)+=>", colours=True)
        screen.type("SELECT 'the hidden part has no width'", "C-a", "C-k")
        screen.type("SELECT 3 AS three;", "Enter")
        screen.wait(r"^test=> SELECT 3 AS three;\n three\n")


def test_password():
    with harness.Server() as server:
        server.execute("CREATE ROLE test LOGIN")
        with start(server) as screen:
            for again, answer in (("other", "Passwords didn't match."), ("sesame", r"\\echo set")):
                screen.type("\\password", "Enter")
                screen.wait(r'^Enter new password for user "test": *$')
                screen.type("sesame", "Enter")
                screen.wait(r"^Enter it again: *$")
                screen.type(again, "Enter")
                screen.wait(rf"(?s)^Enter it again: *\n.*^{PROMPT}")    # what is typed before is thrown away
                screen.type("\\echo set", "Enter")
                screen.wait(rf"(?s){answer}.*^set$")
                screen.type("", "C-l")
                screen.wait_gone("set$")
            assert "sesame" not in screen.text(), screen.text()
            screen.run("\\q", r"^exit code 0$")
        with Screen(server) as screen:                   # from now on it is asked for
            screen.wait(r"^Password for user test: *$")
            screen.type("sesame", "Enter")
            screen.wait(rf"^{PROMPT}")


def test_editor():
    with harness.Server() as server, tempfile.TemporaryDirectory() as directory:
        script = os.path.join(directory, "editor")
        with open(script, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nsed -i 's/1/12/; s/$/;/' \"$1\"\n")
        os.chmod(script, 0o755)
        with Screen(server, env={"MILLRACE_EDITOR": script}) as screen:
            screen.wait(rf"^{PROMPT}")
            screen.run("SELECT 1 AS edited", r"^test-> ")
            screen.run("\\e", r"^ +12\n\(1 row\)")
            screen.type("", "Up")                        # what was edited is what is recalled
            screen.wait(rf"^{PROMPT}SELECT 12 AS edited;")


def test_colours():
    with harness.Server() as server, start(server) as screen:
        screen.type("SELECT 'a text', 12, other")
        screen.wait(r"\x1b\[1m\x1b\[34mSELECT(\x1b\[\d+m)+ \x1b\[32m'a text'\x1b\[39m, "
                    r"\x1b\[36m12\x1b\[39m, other", colours=True)
        screen.type("", "C-a")
        screen.type("-- ")
        screen.wait(r"\x1b\[2m-- SELECT 'a text', 12, other", colours=True)
        screen.type("", "C-u", "C-k")
        long = "SELECT " + ", ".join(f"{i} AS c{i}" for i in range(30)) + ";"    # over several rows
        screen.type(long)
        screen.wait("29 AS c29;")
        shown = "".join(screen.text().split())            # a blank at a row's end is not told
        assert long.replace(" ", "") in shown, shown
        screen.type("", "BSpace", "BSpace")
        screen.type("9, 30 AS c30;", "Enter")
        screen.wait(r"\(1 row\)")
        screen.run("\\set HIGHLIGHT off", rf"^{PROMPT}$")
        screen.type("SELECT 7")
        screen.wait(rf"^{PROMPT}SELECT 7$", colours=True)


def test_watch_and_ctrl_c():
    with harness.Server() as server, start(server) as screen:
        screen.type("SELECT 'again' AS w \\watch 0.05", "Enter")
        screen.wait(r"(?s)\(every 0\.05s\).*\(every 0\.05s\)")
        screen.type("", "C-c")
        screen.ready()
        screen.type("SELECT count(*) FROM generate_series(1, 100000000000) AS g(i);", "Enter")
        # The line is shown before it runs.
        wait_until(lambda: is_running(server), 30, "the statement to run")
        screen.type("", "C-c")
        screen.wait(r"ERROR:  canceling statement due to user request")
        screen.ready()
        screen.type("SELECT 'half", "Enter")
        screen.wait(r"^test'> ")
        screen.type("", "C-c")                          # forgets what was begun
        screen.ready()
        screen.run("SELECT 5 AS five;", r"^    5$")
        screen.run("\\if false", r"^test@> ")
        screen.run("SELECT 1;", "query ignored; use \\\\endif or Ctrl-C")
        screen.type("", "C-c")
        screen.wait(r"\\if: escaped")
        screen.run("\\echo out", r"^out$")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


VIEW = "CREATE MATERIALIZED VIEW sums AS SELECT k, sum(v) AS total FROM s GROUP BY k"


def feed(server, rows):
    with server.connect() as connection:
        connection.execute(f"INSERT INTO s SELECT 'k' || i % 7, i FROM generate_series(1, {rows}) AS g(i)")
        connection.execute("FLUSH")


def test_live_pictures_follow_what_happens():
    with harness.Server() as server:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (k text, v bigint)")
            connection.execute(VIEW)
        with start(server) as screen:
            screen.type("\\top 0.1", "Enter")
            screen.wait(r"^sums +RUNNING +0 +0 +0 +0 +0 ")
            assert not re.search(rf"^{PROMPT}", screen.text(), re.M)      # a screen of its own
            feed(server, 5000)
            screen.wait(r"^sums +RUNNING +\S+ +\S+ +5\.0k +7 +0 ")
            screen.type("s")
            screen.wait(r"sorted by rows/s")
            screen.tmux("resize-window", "-x", "60", "-y", "12")
            screen.wait(r"^sums +RUNNING")
            assert max(map(len, screen.text().splitlines())) <= 60
            screen.tmux("resize-window", "-x", "100", "-y", "30")
            screen.type("q")
            screen.ready()
            screen.type("\\dag sums 0.1", "Enter")
            screen.wait(r"^Deliver ")
            screen.wait(r"^└─ Aggregate +0 rows/s .*Group key: k")
            screen.wait(r"^   └─ Scan +0 rows/s .*stream s")
            end = time.monotonic() + patience(30)
            while not re.search(r"Scan +[1-9][\d.]*[kM]? rows/s", screen.text()):
                feed(server, 1000)
                assert time.monotonic() < end, screen.text()
            screen.type("", "C-c")
            screen.ready()
            screen.run("\\echo well", r"^well$")
            screen.type("\\tail sums", "Enter")
            screen.wait(r"^  k \| total$")
            feed(server, 7)
            screen.wait(r"^\+ k0 \|")
            screen.wait(r"^− k0 \|")
            screen.type("", "C-c")
            screen.ready()
            screen.run("\\q", r"^exit code 0$")


def test_a_narrow_terminal():
    """What does not fit is cut with an ellipsis, at the size that the terminal has now."""
    long = "a_long_name_that_is_not_shown_whole"
    with harness.Server() as server:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (k text, v bigint)")
            connection.execute(VIEW)
            connection.execute(VIEW.replace("sums", long))
        with Screen(server, columns=20, lines=8) as screen:
            screen.wait(rf"^{PROMPT}")
            screen.type("", "C-l")
            screen.type("\\top 0.1", "Enter")
            screen.wait(r"^NAME     STATE     …$")
            for columns, shown in ((20, r"^a_long_… RUNNING   …$"), (21, r"^a_long_… RUNNING    …$"),
                                   (30, r"^a_long_na… RUNNING          0…$"),
                                   (40, r"^a_long_name_… RUNNING          0       …$"),
                                   (100, r"^a_long_name_that_is_not_shown… RUNNING  .*…$"),
                                   (200, r"^a_long_name_that_is_not_shown… RUNNING  .*[^…]$")):
                screen.tmux("resize-window", "-x", str(columns), "-y", "8")
                screen.wait(shown)
                screen.wait(r"^sums +RUNNING")
                assert max(map(len, screen.text().splitlines())) <= columns, screen.text()
            screen.type("q")
            screen.wait(rf"^{PROMPT}\n*\Z")
            screen.tmux("resize-window", "-x", "20", "-y", "8")
            screen.type("", "C-l")
            screen.type(f"\\dag {long} 0.1", "Enter")
            for columns, shown in ((20, r"^└─ Aggregate       …$"), (40, r"^└─ Aggregate +0 rows/s  ░+…$"),
                                   (34, r"^└─ Aggregate +0 rows/s…$"), (27, r"^└─ Aggregate +0…$")):
                screen.tmux("resize-window", "-x", str(columns), "-y", "8")
                screen.wait(shown)
                screen.wait(r"^a_long_name_that_is…" if columns == 20 else r"^a_long_name.*…$")
                assert max(map(len, screen.text().splitlines())) <= columns, screen.text()
            screen.type("q")
            screen.wait_gone(r"Aggregate")
            screen.run("\\echo well", r"^well")     # over what the other widths have left there


def test_a_server_that_goes_away():
    """Each live command says so on the usual screen; \\c comes back to where it was."""
    for command, shown in (("\\top 0.1", "^sums +RUNNING"), ("\\dag sums 0.1", "^Deliver "),
                           ("\\tail sums", r"^  k \| total$"), ("SELECT 1 AS a \\watch 0.1", r"\(every 0\.1s\)")):
        with harness.Server() as server:
            with server.connect() as connection:
                connection.execute("CREATE STREAM s (k text, v bigint)")
                connection.execute(VIEW)
            with Screen(server, "-h", "127.0.0.1", "-p", str(server.port), "-U", "test", "test",
                        env={"PGPORT": "1", "PGUSER": "nobody", "PGDATABASE": "nowhere"}) as screen:
                screen.wait(rf"^{PROMPT}")
                screen.type(command, "Enter")
                screen.wait(shown)
                server.kill()
                screen.wait(r"(?s)The connection to the server was lost\. Attempting reset: Failed\..*^!\?> *$")
                screen.run("SELECT 1;", "You are currently not connected to a database")
                server.start()
                screen.run(f"\\c - - - {server.port}", r'connected to database "test" as user "test"')
                screen.run("SELECT 'back' AS again;", r"^ back$")


def test_diff_of_a_target_in_postgresql():
    with harness.Server() as server, harness.Postgres() as postgres, postgres.connect(autocommit=True) as target:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (k text, v bigint, n numeric)")
            connection.execute("CREATE CONNECTION away WITH (type = 'postgres', dsn = 'host=127.0.0.1 "
                               f"port={postgres.port} dbname=test user=millrace', password = '{postgres.password}')")
            connection.execute("CREATE MATERIALIZED VIEW away.sums AS SELECT k, sum(v) AS total, max(n) AS n FROM s GROUP BY k")
            connection.execute("INSERT INTO s SELECT 'k' || i % 4, i, i / 3.0 FROM generate_series(1, 300) AS g(i)")
        with start(server) as screen:
            screen.run("\\diff sums", r'^"sums" is equal to what the log gives: 4 rows\.')
            target.execute("DELETE FROM sums WHERE k = 'k1'")
            target.execute("UPDATE sums SET total = 1 WHERE k = 'k2'")
            screen.run("\\diff sums", r"^2 rows are equal, 2 are missing in the target, 1 are there and should not be\.")
            screen.wait(r"^ missing +\| k1 ")
            screen.wait(r"^ extra +\| k2 +\| 1 ")


def test_progress_bar():
    with harness.Server() as server:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (k text, v bigint)")
        with tempfile.TemporaryDirectory() as directory, start(server) as screen:
            path = os.path.join(directory, "big.csv")
            with open(path, "w", encoding="ascii") as file:
                file.writelines(f"{'x' * 60},{i}\n" for i in range(3000000))
            recorded = screen.record()
            screen.type(f"\\copy s FROM '{path}' CSV", "Enter")
            screen.wait(r"^COPY 3000000$", seconds=180)
            assert "rows/s" not in screen.text(), screen.text()          # the bar has gone
            wait_until(lambda: re.search(r"\[=*> *\] +\d+%  \d.* of \d.*rows/s", read(recorded)), 20, "the bar")


def test_progress_of_the_loader():
    with harness.Server() as server, tempfile.TemporaryDirectory() as directory:
        with server.connect() as connection:
            connection.execute("CREATE STREAM s (k text, v bigint)")
        path = os.path.join(directory, "rows.csv")
        with open(path, "w", encoding="ascii") as file:
            file.writelines(f"{'x' * 60},{i}\n" for i in range(20000))
        recorded = os.path.join(directory, "recorded")
        with Screen(server, "--rate", "40k", "--batch", "2000", "s", path, program=LOADER) as screen:
            screen.tmux("pipe-pane", "-o", f"cat > '{recorded}'")
            screen.wait(r"^exit code 0$", seconds=60)
            wait_until(lambda: re.search(r"\[=*> *\] +\d+%  \d.* of \d.*rows/s", read(recorded)), 20, "the bar")
            assert not re.search(r"\[=*> *\]", screen.text()), screen.text()     # it has gone
            assert re.search(r"20000 rows", screen.text()), screen.text()
        assert server.execute("SELECT count(*) FROM s") == [(20000,)]


def test_another_size():
    with harness.Server() as server, start(server) as screen:
        screen.run("\\pset pager off", "Pager usage is off")
        screen.run("\\x auto", "used automatically")
        screen.run("SELECT repeat('a', 30) AS a, repeat('b', 30) AS b;", r"^ a{30} \| b{30}$")
        screen.tmux("resize-window", "-x", "50", "-y", "20")
        screen.ready()
        screen.run("SELECT repeat('c', 30) AS c, repeat('d', 30) AS d;", r"^d \| d{30}$")
        screen.type("SELECT 'a line that is longer than the new screen is wide' AS w;", "Enter")
        screen.wait(r"^w \| a line that")


def test_watch_pager():
    """One pager for all results, until Ctrl-C or its own end; a name of blanks is none."""
    with harness.Server() as server:
        with Screen(server, env={"PSQL_WATCH_PAGER": "sed -u s/^/paged:/"}) as screen:
            screen.wait(rf"^{PROMPT}")
            screen.type("SELECT 'again' AS w \\watch 0.05", "Enter")
            screen.wait(r"(?s)^paged: again.*^paged: again")
            screen.type("", "C-c")
            screen.ready()
            screen.run("SELECT 'once' AS w;", r"^ once$")
            screen.run("\\pset pager off", "Pager usage is off")
            screen.type("SELECT 'plain' AS w \\watch 0.05", "Enter")
            screen.wait(r"(?s)^ plain.*^ plain")
            screen.type("", "C-c")
            screen.ready()
        with Screen(server, env={"PSQL_WATCH_PAGER": "head -n 3", "PSQL_PAGER": "cat"}) as screen:
            screen.wait(rf"^{PROMPT}")
            screen.type("SELECT 'ends' AS w \\watch 0.05", "Enter")
            screen.wait(r"every 0\.05s")
            screen.ready()
        with Screen(server, env={"PSQL_WATCH_PAGER": " "}) as screen:
            screen.wait(rf"^{PROMPT}")
            screen.type("SELECT 'bare' AS w \\watch 0.05", "Enter")
            screen.wait(r"(?s)^ bare.*^ bare")
            screen.type("", "C-c")
            screen.ready()


def test_columns():
    """As psql's table of the same width, in a terminal that is wider."""
    with harness.Server() as server, Screen(server, "-P", "format=wrapped", "-c", "SELECT repeat('a', 40) AS a",
                                            env={"COLUMNS": "30"}) as screen:
        screen.wait(r"^exit code 0$")
        assert re.search(r"^ a{28}\.\n\.a{12}$", screen.text(), re.M), screen.text()


def test_pager():
    with harness.Server() as server, Screen(server, env={"PAGER": "sed s/^/paged:/"}) as screen:
        screen.wait(rf"^{PROMPT}")
        screen.run("SELECT i FROM generate_series(1, 5) AS g(i);", r"^ 5\n\(5 rows\)")
        screen.run("SELECT i FROM generate_series(1, 60) AS g(i);", r"^paged:\(60 rows\)")


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
