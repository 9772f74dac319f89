#!/usr/bin/env python3
"""tests/check_test.py - millraced --check: a good log, one that a server uses, the tail that a crash
leaves, and a byte that is not what it was."""
import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.paths import BUILD  # noqa: E402

ROWS = 20000
HEADER_BYTES = 4096  # of a segment


def check(data):
    done = subprocess.run([BUILD / "server" / "millraced", "--check", "-D", data],
                          capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


def expect(data, code, *parts):
    got, text = check(data)
    assert got == code, f"exit code {got} instead of {code}:\n{text}"
    for part in parts:
        assert part in text, f"no \"{part}\" in:\n{text}"


def segments(server):
    return sorted((server.data / "log").glob("*.seg"))


def written(server):
    """The newest segment that holds frames, and where they end."""
    for path in reversed(segments(server)):
        data = path.read_bytes().rstrip(b"\0")
        if len(data) > HEADER_BYTES:
            return path, len(data)
    raise AssertionError("no segment holds frames")


def make_cases(server):
    with server.connect() as connection:
        connection.execute("CREATE STREAM s (a integer, b text)")
        for first in (0, ROWS // 2):
            with connection.cursor().copy("COPY s FROM STDIN") as copy:
                for n in range(first, first + ROWS // 2):
                    copy.write_row((n, f"row number {n}"))

    def in_use():
        expect(server.data, 2, "another server")

    def good_after_kill():
        server.kill()
        before = {path: path.read_bytes() for path in segments(server)}
        expect(server.data, 0, "open", "no damage", "sequences")
        assert before == {path: path.read_bytes() for path in segments(server)}, "check wrote"

    def torn():
        path, end = written(server)
        with open(path, "r+b") as file:
            file.seek((end + 63) // 64 * 64)
            file.write(b"half a frame, as a crash leaves it")
        expect(server.data, 0, "torn write", "no damage")
        server.start()
        assert server.execute("SELECT count(*) FROM s") == [(ROWS,)]

    def good_after_stop():
        server.stop()
        expect(server.data, 0, "sealed", "no damage")

    def damaged():
        path = next(path for path in segments(server) if b"row number 77" in path.read_bytes())
        with open(path, "r+b") as file:
            at = file.read().index(b"row number 77")
            file.seek(at)
            file.write(b"R")
        expect(server.data, 1, path.name, "DAMAGED at offset", "checksum")

    def salvaged():
        program = [BUILD / "server" / "millraced", "-D", server.data, "--salvage"]
        server.start()
        error = None
        try:
            server.execute("SELECT count(*) FROM s")
        except psycopg.Error as corrupt:
            error = corrupt.sqlstate
        assert error == "XX001", error
        server.execute("CREATE STREAM other (a integer)")
        server.execute("INSERT INTO other VALUES (1)")
        server.stop()
        done = subprocess.run(program, capture_output=True, text=True)
        assert done.returncode == 1 and "lost: sequences" in done.stdout, done
        assert "nothing was changed" in done.stdout, done
        done = subprocess.run(program + ["--yes"], capture_output=True, text=True)
        assert done.returncode == 0 and "written again" in done.stdout, done
        assert list((server.data / "log").glob("*.damaged"))
        expect(server.data, 0, "no damage")
        server.start()
        rows = server.execute("SELECT count(*) FROM s")[0][0]
        assert 0 < rows < ROWS, rows
        assert server.execute("SELECT count(*) FROM other") == [(1,)]
        told = server.execute("SELECT state, error FROM millrace.streams WHERE name = 's'")[0]
        assert told[0] == "running" and "were lost" in told[1], told
        server.execute("INSERT INTO s VALUES (-1, 'after')")
        server.restart(crash=True)
        assert server.execute("SELECT count(*) FROM s") == [(rows + 1,)]
        server.stop()
        done = subprocess.run(program, capture_output=True, text=True)
        assert done.returncode == 0 and "nothing is damaged" in done.stdout, done

    yield "check: a server uses it", in_use
    yield "check: after kill -9", good_after_kill
    yield "check: a torn write at the end", torn
    yield "check: after a clean stop", good_after_stop
    yield "check: one byte is another", damaged
    yield "salvage: what is lost is said, and given up", salvaged


def test_check():
    with harness.Server() as server:
        yield from make_cases(server)
    print("# a directory without a log:", check("/nowhere")[1].strip())


harness.main(globals())
