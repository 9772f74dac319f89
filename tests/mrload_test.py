#!/usr/bin/env python3
"""tests/mrload_test.py - mrload feeds files, directories and standard input by COPY and HTTP: what it
acknowledges is in, what it refuses it names, and it can go on where it stopped.
"""
import gzip
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.paths import patience  # noqa: E402

MRLOAD = str(harness.BUILD / "clients" / "mrload")
STREAM = ("CREATE STREAM s (at timestamptz, k text, v bigint, w text DEFAULT 'none', "
          "twice bigint GENERATED ALWAYS AS (v * 2) STORED)")


class Place:
    """A server with the stream `s`, and a directory for files."""

    def __init__(self, sql=STREAM, http=False):
        self.server = harness.Server(http=http)
        self.sql = sql

    def __enter__(self):
        self.server.__enter__()
        self.files = tempfile.TemporaryDirectory(prefix="mrload-")
        self.directory = Path(self.files.name)
        with self.server.connect() as connection:
            connection.execute(self.sql)
        return self

    def __exit__(self, *error):
        self.files.cleanup()
        return self.server.__exit__(*error)

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        if name.endswith(".gz"):
            path.write_bytes(gzip.compress(text.encode()))
        else:
            path.write_text(text)
        return str(path)

    def command(self, *arguments):
        return [MRLOAD, *arguments]

    def environment(self):
        return dict(os.environ, PGHOST="127.0.0.1", PGPORT=str(self.server.port), PGUSER="test")

    def load(self, *arguments, code=0, stdin=""):
        done = subprocess.run(self.command(*arguments), input=stdin.encode(), check=False,
                              env=self.environment(), timeout=patience(120), capture_output=True)
        out, err = done.stdout.decode(), done.stderr.decode()
        assert code is None or done.returncode == code, (done.returncode, out, err)
        return out, err

    def rows(self, columns="k, v", order="_seq"):
        with self.server.connect() as connection:
            return connection.execute(f"SELECT {columns} FROM s ORDER BY {order}").fetchall()


def test_csv_with_and_without_header():
    with Place() as place:
        first = place.write("a.csv", "k,v,at\n\"x,\ny\",1,2026-01-01 00:00:00+00\nz,2,2026-01-01 00:00:01+00\n")
        place.load("s", first)
        assert place.rows("k, v, w, twice") == [("x,\ny", 1, "none", 2), ("z", 2, "none", 4)]
        second = place.write("b.csv", "2026-01-01 00:00:02+00,q,3,given\n")
        out, _ = place.load("s", second)
        assert place.rows("k, v, w")[2:] == [("q", 3, "given")]
        assert out.startswith("1 rows acknowledged in "), out
        third = place.write("c.csv", "7;'a;b'\n8;-\n")
        place.load("--columns", "v,k", "--delimiter", ";", "--quote", "'", "--null", "-", "s", third)
        assert place.rows()[3:] == [("a;b", 7), (None, 8)]


def test_header_that_names_what_is_not_there():
    with Place() as place:
        path = place.write("a.csv", "k,nothing\nx,1\n")
        _, err = place.load("--header", "s", path, code=1)
        assert '"nothing" is not a column of s' in err, err
        assert place.rows() == []


def test_json_lines_and_packed_files():
    rows = [{"k": f"k{i}", "v": i, "more": {"a": [1, "}"]}} for i in range(1000)]
    with Place() as place:
        path = place.write("a.jsonl.gz", "\n".join(map(json.dumps, rows)) + "\n\n")
        place.load("s", path)
        assert place.rows("k, v, w") == [(r["k"], r["v"], "none") for r in rows]
        place.load("--format", "json", "s", stdin='{"v":5}')
        assert place.rows()[1000:] == [(None, 5)]
        done = subprocess.run(place.command("s", "-"), input=gzip.compress(b"v\n6\n"), check=False, capture_output=True,
                              env=place.environment(), timeout=patience(120))
        assert done.returncode == 0, done         # packed standard input is told by its first bytes
        assert place.rows()[1001:] == [(None, 6)]


def test_directory_in_order_of_names():
    with Place() as place:
        place.write("d/2.csv", "k,v\nb,2\n")
        place.write("d/1.jsonl", '{"k":"a","v":1}\n')
        place.write("d/3.tsv.gz", "\\N\tc\t3\tx\n")
        place.write("d/.hidden", "nothing to read\n")
        place.load("s", str(place.directory / "d"))
        assert place.rows() == [("a", 1), ("b", 2), ("c", 3)]


def test_text_of_copy():
    with Place() as place:
        place.load("--format", "text", "s", stdin="2026-01-01 00:00:00+00\ta\\tb\t1\tw\n")
        assert place.rows() == [("a\tb", 1)]


def test_refused_row_is_named_and_the_rest_can_go_on():
    lines = [f"k{i},{i}" for i in range(1000)]
    lines[650] = "k650,many"
    with Place() as place:
        path = place.write("a.csv", "k,v\n" + "\n".join(lines) + "\n")
        _, err = place.load("--batch", "100", "s", path, code=3)
        assert 'invalid input syntax for type bigint: "many"' in err, err
        assert "from row 601 on" in err and "600 rows are acknowledged; to go on: --skip 600" in err, err
        assert [v for _, v in place.rows()] == list(range(600))
        lines[650] = "k650,650"
        place.write("a.csv", "k,v\n" + "\n".join(lines) + "\n")
        place.load("--skip", "600", "s", path)
        assert [v for _, v in place.rows()] == list(range(1000))


def test_refused_row_is_told_by_file_and_line():
    with Place(http=True) as place:
        url = f"http://127.0.0.1:{place.server.http_port}"
        rows = ["k,v", '"a', 'b",1', "c,2", "d,3", "e,many", "f,4"]
        place.write("d/1.csv", "k,v\nx,1\n")
        second = place.write("d/2.csv", "\n".join(rows) + "\n")
        done = 0
        for options, count in (((), 1), (("--batch", "2"), 3), (("--batch", "3"), 4)):
            _, err = place.load(*options, "s", str(place.directory / "d"), code=3)
            assert f"mrload: {second}:6: the server refused the batch from row " in err and '"many"' in err, err
            done += count
            assert len(place.rows()) == done, place.rows()
        _, err = place.load("--http", url, "--batch", "2", "s", second, code=3)
        assert f"mrload: {second}:6: the server refused" in err, err
        _, err = place.load("s", place.write("b.csv.gz", "\n".join(rows)), code=3)
        assert "b.csv.gz:6: the server refused" in err, err
        _, err = place.load("s", stdin='\n{"v":1}\n\n{"v":2}\n\n\n{"v":"x"}\n', code=3)
        assert "mrload: stdin:7: the server refused the batch from row 1 on" in err, err


def test_bad_rows_ignored_and_counted():
    with Place() as place:
        out, _ = place.load("--on-error", "ignore", "s", stdin="k,v\na,1\nb,two\nc,3\n")
        assert place.rows() == [("a", 1), ("c", 3)]
        assert "1 of them were rejected" in out, out


def test_http():
    with Place(http=True) as place:
        url = f"http://127.0.0.1:{place.server.http_port}"
        rows = "".join(json.dumps({"k": "j", "v": i}) + "\n" for i in range(2500))
        place.load("--http", url, "--batch", "1000", "s", place.write("a.jsonl", rows))
        place.load("--http", url + "/", "--batch", "2", "s", place.write("b.csv", "v,k\n1,a\n2,b\n3,c\n"))
        assert len(place.rows()) == 2503
        assert place.rows()[2500:] == [("a", 1), ("b", 2), ("c", 3)]
        _, err = place.load("--http", url, "s", place.write("c.csv", "v,k\nx,a\n"), code=3)
        assert "HTTP 400" in err and "22P02" in err and "no row is acknowledged" in err, err
        _, err = place.load("--http", url, "nowhere", place.write("d.csv", "v\n1\n"), code=3)
        assert "HTTP 404" in err, err


def test_rate_and_replay_give_the_same_rows():
    generator = random.Random(7)
    rows = [(f"2026-01-01 00:00:{i // 20:02d}.{generator.randrange(1000):03d}+00", i) for i in range(1000)]
    csv = "at,v\n" + "".join(f"{at},{v}\n" for at, v in rows)
    with Place() as place:
        out, _ = place.load("--rate", "5k", "s", stdin=csv)
        assert [v for _, v in place.rows()] == list(range(1000))
        rate = float(re.search(r"(\d+) rows/s", out).group(1))
        assert 0 < rate <= 5300, out           # a busy machine is slower, never faster
        out, _ = place.load("--replay", "200x", "--time-column", "at", "s", stdin=csv)
        assert [v for _, v in place.rows()] == list(range(1000)) * 2
        seconds = re.search(r"in ([\d.]+) (ms|s)", out)
        took = float(seconds.group(1)) / (1000 if seconds.group(2) == "ms" else 1)
        assert took >= 0.23, out               # 49 s of rows, 200 times as fast
        _, err = place.load("--replay", "2", "--time-column", "at", "s", stdin="at,v\nsoon,1\n", code=1)
        assert 'row 1 has no time in "at"' in err, err
        _, err = place.load("--replay", "2", "--time-column", "then", "s", stdin="at,v\nsoon,1\n", code=1)
        assert 'no column "then"' in err, err


def test_ctrl_c_ends_with_what_is_acknowledged():
    with Place() as place:
        path = place.write("a.csv", "k,v\n" + "".join(f"k,{i}\n" for i in range(100000)))
        process = subprocess.Popen(place.command("--rate", "500", "--interval", "0.05", "s", path),
                                   env=place.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        for line in process.stderr:              # until some rows are in
            if re.match(rb"mrload: [1-9]\d* rows acknowledged", line):
                break
        process.send_signal(signal.SIGINT)
        err = process.stderr.read().decode()
        process.stdout.close()
        assert process.wait(patience(30)) == 130, err
        done = int(re.search(r"(\d+) rows are acknowledged; to go on: --skip \1", err).group(1))
        assert [v for _, v in place.rows()] == list(range(done)), done
        process.stderr.close()


def test_a_server_that_is_killed_and_the_rest():
    """By COPY and by HTTP: what was acknowledged is in, the last batch whole or not at all; --skip goes on there."""
    for http in (False, True):
        with Place(http=http) as place:
            path = place.write("a.csv", "k,v\n" + "".join(f"k,{i}\n" for i in range(3000)))

            def arguments(*more):
                to = ("--http", f"http://127.0.0.1:{place.server.http_port}") if http else ()
                return (*to, *more, "--batch", "100", "s", path)
            process = subprocess.Popen(place.command(*arguments("--rate", "500", "--interval", "0.05")),
                                       env=place.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for line in process.stderr:
                if re.match(rb"mrload: [1-9]\d* rows acknowledged", line):
                    break
            place.server.kill()
            err = process.stderr.read().decode()
            process.stdout.close()
            process.stderr.close()
            assert process.wait(patience(30)) == 2, err
            assert "the connection was lost" in err, err
            done = int(re.search(r"(\d+) rows are acknowledged; to go on: --skip \1", err).group(1))
            doubt = re.search(r"the last batch \((\d+) rows\) may be in or not", err)   # else it ended between two
            last = int(doubt.group(1)) if doubt else 0
            place.server.start()
            there = [v for _, v in place.rows()]
            assert there == list(range(len(there))) and len(there) in (done, done + last), (done, last, len(there))
            place.load(*arguments("--skip", str(len(there))))
            assert [v for _, v in place.rows()] == list(range(3000))


def completed(place, *words):
    """What Tab offers in bash behind these words."""
    script = f"""cd {harness.ROOT}/clients/bash-completion && . ./{words[0]}
cd {place.directory}; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); "_$1" "$1"; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script, "bash", *words], check=True, capture_output=True, text=True, timeout=patience(60),
                          env={**place.environment(), "PGPORT": "1",
                               "PATH": os.path.dirname(MRLOAD) + ":" + os.environ["PATH"]})
    assert done.stderr == "", done.stderr
    return sorted(done.stdout.split())


def test_completion_in_bash():
    with Place() as place:
        with place.server.connect() as connection:
            connection.execute("CREATE TABLE sink_of_it (a int); CREATE STREAM \"Odd One\" (a int)")
        place.write("some.csv", "k,v\n")
        at = ("-p", str(place.server.port), "-d", "test")
        assert completed(place, "mrload", *at, "") == ["s", "sink_of_it"]
        assert completed(place, "mrload", *at, "s", "so") == ["some.csv"]
        assert completed(place, "mrload", "--re") == ["--replay="]
        assert completed(place, "mrload", "x") == []                      # no server: no names, and no message
        assert completed(place, "millrace", *at, "-f", "s") == ["some.csv"]
        assert completed(place, "millrace", *at, "-P", "fieldsep") == ["fieldsep", "fieldsep_zero"]
        assert completed(place, "millrace", *at, "te") == ["test"]
        assert completed(place, "millrace", "-v", "HISTS") == ["HISTSIZE="]
        options = completed(place, "millrace", "-")
        assert {"-c", "--command=", "--csv", "-0", "--help"} <= set(options), options


def test_odd_inputs():
    with Place() as place:
        empty = place.write("empty.csv", "")
        out, _ = place.load("s", empty)
        assert out.startswith("0 rows acknowledged"), out
        place.load("s", place.write("only.csv", "k,v\n"))
        place.load("--header", "s", place.write("crlf.csv", "k,v\r\na,1\r\nb,2\r\n"))
        place.load("s", place.write("bom.csv", "\ufeffk,v\nc,3\n"))
        place.load("s", place.write("last.jsonl", '{"k":"d","v":4}'))
        place.load("s", place.write("blank lines.jsonl", '\n{"k":"e","v":5}\n\n'))
        place.load("--format", "csv", "s", "-", "-", stdin="k,v\nf,6\n")      # the second finds the end
        assert place.rows() == [("a", 1), ("b", 2), ("c", 3), ("d", 4), ("e", 5), ("f", 6)], place.rows()
        os.mkdir(place.directory / "nothing")
        _, err = place.load("s", str(place.directory / "nothing"), code=None)
        place.load("--columns", "v", "--skip", "2", "s", stdin="1\n2\n7\n")
        assert place.rows()[6:] == [(None, 7)], place.rows()


def test_faults_of_files_and_arguments():
    with Place() as place:
        truncated = place.directory / "a.csv.gz"
        truncated.write_bytes(gzip.compress(b"k,v\n" + b"a,1\n" * 200000)[:-20])
        _, err = place.load("s", str(truncated), code=1)
        assert "truncated" in err, err
        for arguments, text in (
                (("s", "/nonexistent"), "No such file"), ((), "name of a stream is missing"),
                (("--rate", "fast", "s"), "--rate"), (("--format", "xml", "s"), "--format"),
                (("--replay", "2x", "s"), "--replay needs --time-column"),
                (("--http", "http://x", "--delimiter", ";", "s"), "--http"),
                (("--on-error", "maybe", "s"), "--on-error"), (("--nonsense", "s"), "--help")):
            _, err = place.load(*arguments, code=1)
            assert text in err, (arguments, err)
        _, err = place.load("nothing_here", code=3)
        assert "does not exist" in err, err
        _, err = place.load("-p", "1", "s", code=2)
        assert "connection to server" in err, err
        out, _ = place.load("--help")
        assert "--replay" in out and "Exit codes" in out, out


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
