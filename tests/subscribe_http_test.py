#!/usr/bin/env python3
"""tests/subscribe_http_test.py - GET /subscribe/NAME: changes as server-sent events; a client that was cut off goes on
where it was; one that is slow costs no memory; who may ask, and what is refused.
"""
import base64
import http.client
import json
import os
import random
import socket
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.paths import patience, sanitized  # noqa: E402
from harness.server import wait_until  # noqa: E402

SEED = harness.seed()


class Events:
    """A client as a browser's EventSource is one: it reads events, and knows the last id."""

    def __init__(self, server, path, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=patience(20))
        self.connection.request("GET", "/subscribe/" + path, headers=headers)
        self.answer = self.connection.getresponse()
        self.last = None

    def next(self):
        """(kind, data lines as objects), or None at the end."""
        kind, lines, last = "message", [], self.last
        while line := self.answer.readline().decode():
            if line == "\n":
                self.last = last
                return kind, [json.loads(text) for text in lines]
            name, value = line.rstrip("\n").split(": ", 1)
            if name == "id":
                last = int(value)
            elif name == "event":
                kind = value
            else:
                assert name == "data", line
                lines.append(value)
        return None

    def close(self):
        self.answer.close()
        self.connection.close()


def prepare(server):
    with server.connect() as connection:
        connection.execute("CREATE STREAM s (k text, v integer)")
        connection.execute("CREATE MATERIALIZED VIEW sums AS SELECT k, sum(v) AS total, count(*) AS n "
                           "FROM s GROUP BY k")


def refused(server, path, **headers):
    events = Events(server, path, **headers)
    body = events.answer.read()
    events.close()
    return events.answer.status, json.loads(body)["sqlstate"] if body else None


def plain(rows):
    return sorted(({name: value for name, value in row.items() if name != "mr_seq"} for row in rows), key=repr)


def test_events():
    with harness.Server(http=True) as server:
        prepare(server)
        with server.connect() as writer:
            writer.execute("INSERT INTO s VALUES ('a', 1), ('b', 2), ('two\nlines', NULL)")
            events = Events(server, "sums")
            assert events.answer.status == 200
            assert events.answer.getheader("Content-Type") == "text/event-stream"
            kind, rows = events.next()
            assert kind == "message" and {row["mr_seq"] for row in rows} == {events.last}, rows
            assert plain(rows) == plain([{"mr_diff": 1, "k": "a", "total": 1, "n": 1},
                                         {"mr_diff": 1, "k": "b", "total": 2, "n": 1},
                                         {"mr_diff": 1, "k": "two\nlines", "total": None, "n": 1}]), rows
            writer.execute("INSERT INTO s VALUES ('a', 10)")
            before = events.last
            _, rows = events.next()
            assert plain(rows) == plain([{"mr_diff": -1, "k": "a", "total": 1, "n": 1},
                                         {"mr_diff": 1, "k": "a", "total": 11, "n": 2}]), rows
            assert events.last > before
            events.close()
            options = Events(server, "sums?snapshot=false&envelope=upsert&progress=50+ms")
            assert options.next() == ("progress", [{"mr_seq": options.last}])
            writer.execute("INSERT INTO s VALUES ('a', 10)")
            kind, rows = options.next()
            while kind == "progress":
                kind, rows = options.next()
            assert plain(rows) == [{"mr_diff": 1, "k": "a", "total": 21, "n": 3}], rows
            options.close()
            done = subprocess.run(["curl", "-sN", "--max-time", "1", "-H", "Last-Event-ID: 0",
                                   f"http://127.0.0.1:{server.http_port}/subscribe/s"], capture_output=True, text=True)
            assert done.stdout.count("data: ") == 5 and done.stdout.startswith("id: "), done


def test_goes_on():
    """Cut off anywhere, also by the server's death: the events that came whole add up to the view."""
    rng = random.Random(SEED)
    print(f"# seed {SEED}")
    with harness.Server(http=True) as server:
        prepare(server)
        held, last = {}, None
        for turn in range(8):
            if turn == 4:
                server.kill()
                server.start()
            with server.connect() as writer:
                writer.execute("INSERT INTO s SELECT 'k' || i %% 5, i FROM generate_series(1, %s) AS i",
                               [rng.randrange(1, 40)])
                headers = {} if last is None else {"Last-Event-ID": str(last)}
                events = Events(server, "sums?snapshot=true", **headers)
                for _ in range(rng.randrange(1, 3)):
                    _, rows = events.next()
                    for row in rows:
                        key = (row["k"], row["total"], row["n"])
                        held[key] = held.get(key, 0) + row["mr_diff"]
                    last = events.last
                    writer.execute("INSERT INTO s VALUES ('k1', 1)")
                events.close()
        with server.connect() as writer:
            events = Events(server, f"sums?after={last}")
            for row in events.next()[1]:
                key = (row["k"], row["total"], row["n"])
                held[key] = held.get(key, 0) + row["mr_diff"]
            events.close()
            assert {key for key, n in held.items() if n == 1} == \
                {tuple(row) for row in writer.execute("SELECT k, total, n FROM sums").fetchall()}
            assert not [key for key, n in held.items() if n not in (0, 1)], held


def test_slow_client():
    """One that does not read costs no memory, and gets all in the end."""
    with harness.Server(http=True, settings={"log_cache": "1MB"}) as server:
        with server.connect() as writer:
            writer.execute("CREATE STREAM wide (id integer, t text)")
            slow = socket.create_connection(("127.0.0.1", server.http_port), patience(60))
            slow.sendall(b"GET /subscribe/wide HTTP/1.0\r\nHost: localhost\r\n\r\n")
            writer.execute("INSERT INTO wide VALUES (-1, '')")
            text = "x" * 1000
            before = server.rss_kib()
            for batch in range(20):
                writer.execute("INSERT INTO wide SELECT i + %s, %s FROM generate_series(1, 2000) AS i",
                               [batch * 2000, text])
            writer.execute("FLUSH")
            grown = server.rss_kib() - before
            print(f"# {grown} KB more, with 40 MB that the client has not read")
            assert sanitized() or grown < 24 * 1024, grown
            seen, buffer = 0, b""
            while seen < 40_001:
                piece = slow.recv(1 << 20)
                assert piece, "the end"
                buffer += piece
                seen += buffer.count(b'"mr_diff"')
                buffer = buffer[buffer.rfind(b'"mr_diff"') + 9:] if b'"mr_diff"' in buffer else buffer[-9:]
            assert seen == 40_001, seen
            slow.close()


def test_ends():
    """What cannot go on says why; clients that go leave nothing; the server's stop waits for none."""
    with harness.Server(http=True) as server:
        prepare(server)
        with server.connect() as writer:
            writer.execute("INSERT INTO s VALUES ('a', 1)")
            events = Events(server, "sums")
            events.next()
            writer.execute("DROP MATERIALIZED VIEW sums")
            kind, said = events.next()
            assert kind == "failure" and said[0]["sqlstate"] == "55000" and "dropped" in said[0]["message"], said
            assert events.next() is None
            many = [Events(server, "s") for _ in range(64)]
            for each in many:
                assert len(each.next()[1]) == 1
            assert refused(server, "s") == (503, "53300")
            for each in many:
                each.close()
            wait_until(lambda: refused_or_open(server), 20, "places that are free again")
            last = Events(server, "s")
            last.next()
        server.stop()
        assert last.next() is None


def refused_or_open(server):
    events = Events(server, "s")
    status = events.answer.status
    events.close()
    return status == 200


def test_refused():
    with harness.Server(http=True, virtual_clock=True) as server:
        prepare(server)
        with server.connect() as writer:
            for path, status, state in (("nosuch", 404, "42P01"), ("sums?nosuch=1", 400, "22023"),
                                        ("sums?after=x", 400, "22023"), ("sums?after=", 400, "22023"),
                                        ("sums?after=99", 400, "22023"), ("sums?progress=often", 400, "22023"),
                                        ("sums?after=0&snapshot=true", 200, None),
                                        ("sums?snapshot=true&snapshot=true", 400, "42601"),
                                        ("%ff", 400, "42602"), ("sums%22%20WITH%20(progress)", 404, "42P01"),
                                        ("sums?%22)%20AFTER%200=1", 400, "22023")):
                if status == 200:
                    assert refused_status(server, path) == 200, path
                else:
                    assert refused(server, path) == (status, state), (path, refused(server, path))
            assert refused(server, "sums", **{"Last-Event-ID": "1; DROP STREAM s"}) == (400, "22023")
            assert refused(server, "sums", Origin="http://evil.example") == (403, "42501")
            connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=patience(20))
            connection.request("POST", "/subscribe/sums", body=b"x")
            assert connection.getresponse().status == 405
            connection.close()
            connection.request("HEAD", "/subscribe/sums")   # has no body, which the next answer would begin with
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (405, b"")
            connection.request("GET", "/health")
            assert connection.getresponse().status == 200
            connection.close()
            writer.execute("SET CLOCK = '2026-01-01 00:00:00'")
            writer.execute("CREATE STREAM brief (id integer) WITH (retention = '1 hour')")
            writer.execute("INSERT INTO brief VALUES (1), (2)")
            writer.execute("SET CLOCK = '2026-01-01 03:00:00'")
            writer.execute("INSERT INTO brief VALUES (3)")
            wait_until(lambda: writer.execute("SELECT count(*) FROM brief").fetchone()[0] == 1, 60, "the trim")
            assert refused(server, "brief", **{"Last-Event-ID": "1"}) == (410, "53400")
            writer.execute("CREATE ROLE ann LOGIN PASSWORD 'pw'")
            assert refused(server, "s") == (401, "28P01")
            events = Events(server, "s", Authorization="Basic " + base64.b64encode(b"ann:pw").decode())
            assert events.answer.status == 200
            events.close()


def refused_status(server, path):
    events = Events(server, path)
    status = events.answer.status
    events.close()
    return status


harness.main(globals())
