#!/usr/bin/env python3
"""tests/tcp_test.py - streams of connector 'tcp': connections that others open or the server opens, rows
cut anywhere, ends, bad rows, limits, and a peer that comes back."""
import os
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.server import free_port, wait_until  # noqa: E402

ROWS = 20_000 if harness.quick() or harness.sanitized() else 200_000


def create(server, name="s", columns="id bigint, name text", **options):
    text = ", ".join(f"{key} = '{value}'" for key, value in {"connector": "tcp", "format": "csv", **options}.items())
    server.execute(f"CREATE STREAM {name} ({columns}) WITH ({text})")


def connect(port, host="127.0.0.1"):
    return socket.create_connection((host, port), timeout=30)


def rows(server, name="s"):
    server.execute("FLUSH")
    return server.execute(f"SELECT * FROM {name} ORDER BY _seq")


def state(server, name="s"):
    return server.execute("SELECT state, error FROM millrace.streams WHERE name = %s", (name,))[0]


def closed_by_server(peer):
    peer.settimeout(30)
    try:
        return peer.recv(1) == b""
    except ConnectionResetError:
        return True


def fails(sqlstate, call):
    try:
        call()
    except psycopg.Error as error:
        assert error.sqlstate == sqlstate, f"{error.sqlstate} instead of {sqlstate}: {error}"
        return
    raise AssertionError(f"did not fail with {sqlstate}")


# -- listening ---------------------------------------------------------------------------------------

def test_flush_takes_what_has_arrived():
    """FLUSH behind a send: the rows are there, those cut in the middle once their rest has come."""
    port = free_port()
    with harness.Server() as server:
        create(server, listen=str(port))
        assert state(server) == ("running", None)
        with connect(port) as peer:
            peer.sendall(b"1,one\n2,tw")
            assert rows(server) == [(1, "one")]
            peer.sendall(b'o\n3,"a\n')
            assert rows(server) == [(1, "one"), (2, "two")]
            peer.sendall(b'b"\n4,four')
            assert rows(server) == [(1, "one"), (2, "two"), (3, "a\nb")]
        assert rows(server)[3:] == [(4, "four")]        # the end itself ends the last row
        server.restart()
        assert len(rows(server)) == 4


def test_a_reset_leaves_no_half_row():
    port = free_port()
    with harness.Server() as server:
        create(server, listen=f"127.0.0.1:{port}")
        peer = connect(port)
        peer.sendall(b"1,one\n2,tw")
        assert rows(server) == [(1, "one")]
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()                                    # with a reset
        wait_until(lambda: state(server)[1] is not None, 30, "the reset to be seen")
        assert rows(server) == [(1, "one")]
        assert state(server)[0] == "running" and "lost" in state(server)[1], state(server)


def test_json_and_headers_of_each_connection():
    port, other = free_port(), free_port()
    with harness.Server() as server:
        create(server, "j", format="json", listen=str(port))
        create(server, "h", listen=f"localhost:{other}", header="true")
        with connect(port) as peer:
            peer.sendall(b'{"name": "x", "id": 7, "more": []}\n{"id": 8}\n')
            assert rows(server, "j") == [(7, "x"), (8, None)]
        with connect(other) as one, connect(other) as two:
            one.sendall(b"name,id\nA,1\n")
            two.sendall(b"id,name\n2,B\n")
            assert sorted(rows(server, "h")) == [(1, "A"), (2, "B")]


def test_bad_rows():
    """'fail' ends the connection, and the stream goes on with others; 'reject' counts."""
    port, other = free_port(), free_port()
    with harness.Server() as server:
        create(server, "f", listen=str(port))
        create(server, "r", listen=str(other), on_bad_row="reject")
        with connect(port) as peer:
            peer.sendall(b"1,one\n")
            assert rows(server, "f") == [(1, "one")]
            peer.sendall(b"x,two\n")
            assert closed_by_server(peer)
        assert state(server, "f")[0] == "running" and "bigint" in state(server, "f")[1], state(server, "f")
        with connect(port) as peer:
            peer.sendall(b"3,three\n")
            assert rows(server, "f") == [(1, "one"), (3, "three")]
        with connect(other) as peer:
            peer.sendall(b"1,one\nx,two\n3,three\n")
            assert rows(server, "r") == [(1, "one"), (3, "three")]
        assert server.execute("SELECT rejected_rows FROM millrace.streams WHERE name = 'r'") == [(1,)]
        assert server.execute("SELECT line, row FROM millrace.rejected_rows") == [(2, "x,two")]


def test_limits():
    port = free_port()
    with harness.Server() as server:
        create(server, listen=str(port), max_connections="2")
        with connect(port) as one, connect(port) as two:
            one.sendall(b"1,a\n")
            two.sendall(b"2,b\n")
            assert len(rows(server)) == 2
            with connect(port) as three:
                assert closed_by_server(three)
            assert "max_connections" in state(server)[1], state(server)
            one.sendall(b"3," + b"x" * (17 << 20) + b"\n")      # longer than a row may be
            assert closed_by_server(one)
        with connect(port) as four:
            four.sendall(b"4,d\n")
            assert [id for id, _ in rows(server)] == [1, 2, 4]


def test_who_is_refused_again_and_again_fills_no_log():
    port = free_port()
    with harness.Server() as server:
        create(server, listen=str(port), max_connections="1")
        with connect(port) as one:
            one.sendall(b"1,a\n")
            assert len(rows(server)) == 1
            for _ in range(200):
                with connect(port) as more:
                    assert closed_by_server(more)
            told = server.log_text().count("a connection was refused")
            assert 1 <= told < 100, told
            one.sendall(b"2,b\n")
            assert len(rows(server)) == 2


def test_many_rows_and_a_view():
    """More than is read in a turn, in any cuts; a standing query sees each row once."""
    port = free_port()
    with harness.Server(settings={"workers": 2}) as server:
        create(server, listen=str(port), durability="os")
        server.execute("CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n, sum(id) AS total FROM s")
        data = "".join(f"{i},name {i}\n" for i in range(ROWS)).encode()
        with connect(port) as peer:
            for at in range(0, len(data), 77_777):
                peer.sendall(data[at:at + 77_777])
        server.execute("FLUSH")
        wait_until(lambda: server.execute("SELECT n FROM v") == [(ROWS,)], 60, "all rows")
        assert server.execute("SELECT total::bigint FROM v") == [(ROWS * (ROWS - 1) // 2,)]


def test_a_port_that_is_taken_and_a_drop():
    port = free_port()
    with harness.Server() as server:
        holder = socket.create_server(("127.0.0.1", port))
        create(server, listen=str(port))
        assert state(server)[0] == "connecting" and "listen" in state(server)[1], state(server)
        holder.close()
        wait_until(lambda: state(server) == ("running", None), 30, "the port")
        peer = connect(port)
        peer.sendall(b"1,one\n")
        assert rows(server) == [(1, "one")]
        server.execute("ALTER STREAM s SET (on_bad_row = 'reject')")
        assert closed_by_server(peer)
        with connect(port) as again:
            again.sendall(b"x\n2,two\n")
            assert rows(server) == [(1, "one"), (2, "two")]
            server.execute("DROP STREAM s")
            assert closed_by_server(again)
        socket.create_server(("127.0.0.1", port)).close()       # nobody listens any more


# -- connecting --------------------------------------------------------------------------------------

def test_connects_and_comes_back():
    port = free_port()
    with harness.Server() as server:
        create(server, host="127.0.0.1", port=str(port))
        assert state(server)[0] == "connecting"
        for number in (1, 2):
            with socket.create_server(("127.0.0.1", port)) as listener:
                listener.settimeout(60)
                peer, _ = listener.accept()
                with peer:
                    peer.sendall(f"{number},n\n".encode())
                    wait_until(lambda n=number: len(rows(server)) == n, 30, "the row")
                    assert state(server) == ("running", None), state(server)
        wait_until(lambda: state(server)[0] == "connecting", 30, "the end to be seen")
        assert rows(server) == [(1, "n"), (2, "n")]


def test_a_bad_row_of_its_only_input_fails_the_stream():
    with harness.Server() as server, socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(60)
        create(server, host="localhost", port=str(listener.getsockname()[1]))
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"x,y\n")
            assert closed_by_server(peer)
        assert state(server)[0] == "failed" and "bigint" in state(server)[1], state(server)


def test_options():
    with harness.Server() as server:
        for options in ({}, {"host": "127.0.0.1"}, {"listen": "no"}, {"listen": "127.0.0.1:0"}, {"listen": "1.2.3:5"},
                        {"listen": "::1:80"}, {"listen": "9000", "port": "1"}, {"host": "a.example", "port": "1"},
                        {"host": "::1", "port": "65536"}, {"listen": "9000", "max_connections": "0"},
                        {"host": "::1", "port": "1", "max_connections": "1"}, {"listen": "9000", "path": "/x"}):
            fails("22023", lambda o=options: create(server, "no", **o))
        fails("0A000", lambda: create(server, "no", format="avro", listen="9000"))
        fails("22023", lambda: server.execute("CREATE STREAM no (a int) WITH (connector = 'tcp', listen = '9000')"))


harness.main(globals())
