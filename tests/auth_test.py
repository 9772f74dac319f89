#!/usr/bin/env python3
"""tests/auth_test.py - who may come in: TLS, SCRAM-SHA-256 and -PLUS, roles, the hba file, HTTP's Basic.

The client is libpq (psycopg, psql), and a raw socket where libpq would not do such a thing.
"""
import base64
import os
import signal
import socket
import ssl
import struct
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.certificate import certificate  # noqa: E402
from harness import scram, wire  # noqa: E402
from harness.paths import patience  # noqa: E402
from harness.server import wait_until  # noqa: E402

PASSWORD = "grüße aus Köln; 'quoted' $x$"
CANARY = "canary-8c1f"


def tls_server(**more):
    server = harness.Server(**more)
    crt, key = certificate(server.temp / "tls")
    server.settings.update({"ssl": "on", "ssl_cert_file": crt, "ssl_key_file": key})
    return server


def refused(call, sqlstate):
    try:
        call()
    except psycopg.OperationalError as error:
        # A failed connection has its SQLSTATE in the message only.
        text = str(error)
        known = {"28P01": "password authentication failed", "28000": ("no line of the hba file",
                 "the hba file rejects", "channel binding")}[sqlstate]
        assert any(part in text for part in ([known] if isinstance(known, str) else known)), text
        return text
    raise AssertionError("the server let it in")


def connect(server, **more):
    more.setdefault("sslmode", "disable")
    return psycopg.connect(server.dsn(**more), autocommit=True)


def is_in(connection):
    with connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def relaunch(server):
    """Stops and starts a server that does not let the harness's own probe in."""
    server.stop()
    server.launch()
    port = server.data / "port"
    server.port = int(wait_until(lambda: port.exists() and port.read_text().strip(), 20, "the server"))


# -- passwords ----------------------------------------------------------------------------------------

def test_password_closes_loopback():
    with harness.Server() as server:
        is_in(connect(server, user="anybody"))
        with server.connect() as admin:
            admin.execute("CREATE ROLE ann LOGIN PASSWORD %s" % literal(PASSWORD))
            admin.execute("CREATE USER bob PASSWORD 'b'")
            admin.execute("CREATE ROLE watcher PASSWORD 'w'")
            admin.execute("CREATE ROLE nopass LOGIN")
            is_in(connect(server, user="ann", password=PASSWORD))
            is_in(connect(server, user="bob", password="b"))
            refused(lambda: connect(server, user="ann", password="b"), "28P01")
            refused(lambda: connect(server, user="nobody", password="x"), "28P01")
            refused(lambda: connect(server, user="nopass", password="x"), "28P01")
            # A role that may not log in sounds like one that is not there.
            refused(lambda: connect(server, user="watcher", password="w"), "28P01")
            # The socket is for those who may reach it.
            is_in(psycopg.connect(host=str(server.data), port=server.port, user="any", dbname="d"))
        relaunch(server)
        is_in(connect(server, user="ann", password=PASSWORD))
        with connect(server, user="ann", password=PASSWORD) as admin:
            admin.execute("ALTER ROLE bob PASSWORD 'c'")
            refused(lambda: connect(server, user="bob", password="b"), "28P01")
            is_in(connect(server, user="bob", password="c"))
            admin.execute("ALTER ROLE bob NOLOGIN")
            refused(lambda: connect(server, user="bob", password="c"), "28P01")
            admin.execute("DROP ROLE ann, bob, watcher, nopass")
            is_in(connect(server, user="anybody"))


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def test_statements():
    with harness.Server() as server, server.connect() as admin:
        admin.execute("CREATE ROLE ann LOGIN ENCRYPTED PASSWORD 'x'")
        for sql, sqlstate in [
                ("CREATE ROLE ann", "42710"), ("DROP ROLE nobody", "42704"), ("ALTER ROLE nobody LOGIN", "42704"),
                ("CREATE ROLE x SUPERUSER", "0A000"), ("CREATE ROLE x LOGIN NOLOGIN", "42601"),
                ("CREATE ROLE x FLY", "42601"), ("CREATE ROLE x PASSWORD", "42601"),
                ("CREATE ROLE public", "42939"), ("CREATE ROLE pg_x", "42939"), ("DROP ROLE ann, nobody", "42704")]:
            try:
                psycopg.connect(host=str(server.data), port=server.port, user="any", dbname="d",
                                autocommit=True).execute(sql)
            except psycopg.Error as error:
                assert error.sqlstate == sqlstate, f"{sql}: {error.sqlstate} {error}"
            else:
                raise AssertionError(f"{sql} was taken")
        admin.execute("DROP ROLE IF EXISTS nobody")
        # What PostgreSQL made of a password opens the same door here.
        with harness.Postgres() as pg:
            with pg.connect(user="postgres") as other:
                other.execute("CREATE ROLE carl LOGIN PASSWORD 'moved'")
                verifier, = other.execute(
                    "SELECT rolpassword FROM pg_authid WHERE rolname = 'carl'").fetchone()
            admin.execute(f"CREATE ROLE carl LOGIN PASSWORD '{verifier}'")
            is_in(connect(server, user="carl", password="moved"))


def test_password_is_nowhere():
    with harness.Server(settings={"log_level": "debug"}) as server:
        server.execute(f"CREATE ROLE ann LOGIN PASSWORD '{CANARY}'")
        is_in(connect(server, user="ann", password=CANARY))
        refused(lambda: connect(server, user="ann", password=CANARY + "x"), "28P01")
        server.kill()
        for path in [*server.data.rglob("*"), server.log]:
            if path.is_file():
                assert CANARY.encode() not in path.read_bytes(), path


# -- TLS ------------------------------------------------------------------------------------------------

def test_tls():
    with tls_server() as server:
        crt = server.settings["ssl_cert_file"]
        server.execute("CREATE ROLE ann LOGIN PASSWORD 'pw'")
        for mode in ("disable", "prefer", "require", "verify-ca", "verify-full"):
            with connect(server, user="ann", password="pw", sslmode=mode, sslrootcert=crt,
                         channel_binding="disable" if mode == "disable" else "require") as connection:
                assert connection.pgconn.ssl_in_use == (mode != "disable")
                # Large in both directions, so that records are cut and joined.
                text = "x" * 700_000
                assert connection.execute("SELECT %s::text || 'y'", [text]).fetchone()[0] == text + "y"
                rows = connection.execute("SELECT repeat('z', 3000) FROM millrace.settings a").fetchall()
                assert all(len(row[0]) == 3000 for row in rows) and len(rows) > 20
        refused(lambda: connect(server, user="ann", password="no", sslmode="require"), "28P01")
        other, _ = certificate(server.temp / "other")
        try:
            connect(server, user="ann", password="pw", sslmode="verify-full", sslrootcert=other)
        except psycopg.OperationalError as error:
            assert "certificate verify failed" in str(error)
        else:
            raise AssertionError("another certificate was taken")


def test_tls_copy():
    with tls_server() as server:
        with connect(server, sslmode="require") as connection:
            connection.execute("CREATE STREAM s (a bigint, b text)")
            connection.execute("CREATE MATERIALIZED VIEW n AS SELECT count(*) AS n, sum(a) AS a FROM s")
            with connection.cursor().copy("COPY s FROM STDIN") as copy:
                for i in range(60_000):
                    copy.write_row((i, "some text of a row " * 3))
            connection.execute("FLUSH")
            assert connection.execute("SELECT n, a FROM n").fetchone() == (60_000, 60_000 * 59_999 // 2)
            with connection.cursor().copy("COPY (SELECT a, b FROM s) TO STDOUT") as copy:
                assert sum(1 for _ in copy.rows()) == 60_000


def raw(server):
    return socket.create_connection(("127.0.0.1", server.port), patience(20))


def rest(connection):
    """All that comes until the server closes, which may be a reset where it left bytes of ours unread."""
    answer = b""
    try:
        while piece := connection.recv(4096):
            answer += piece
    except ConnectionResetError:
        pass
    return answer


def test_tls_is_not_injected_into():
    """Bytes in clear behind SSLRequest never become part of the conversation (CVE-2021-23214)."""
    with tls_server() as server, raw(server) as connection:
        connection.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST) + wire.startup())
        answer = rest(connection)
        assert answer[:1] == b"E" and b"unencrypted data after SSL request" in answer, answer


def test_tls_twice_and_versions():
    with tls_server() as server:
        with raw(server) as connection:
            connection.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST))
            assert connection.recv(1) == b"S"
            context = ssl.create_default_context(cafile=str(server.settings["ssl_cert_file"]))
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            with context.wrap_socket(connection, server_hostname="localhost") as secure:
                assert secure.version() == "TLSv1.2"
                secure.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST))
                assert b"asked for twice" in secure.recv(4096)
        with raw(server) as connection:
            connection.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST))
            assert connection.recv(1) == b"S"
            connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 10)
            rest(connection)
        is_in(connect(server))
    with harness.Server() as server, raw(server) as connection:
        connection.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST))
        assert connection.recv(1) == b"N"


def test_bad_key_stops_the_start():
    for spoil, words in [(lambda crt, key: key.chmod(0o644), "can be read by others"),
                         (lambda crt, key: key.write_text("no key"), "could not load the key"),
                         (lambda crt, key: crt.unlink(), "could not load the server certificate")]:
        server = tls_server()
        try:
            spoil(server.settings["ssl_cert_file"], server.settings["ssl_key_file"])
            server.launch()
            assert server.wait_death() == 1
            assert words in server.log_text(), server.log_text()
        finally:
            server.destroy()


# -- TLS from the first byte: sslnegotiation=direct of libpq 17 -------------------------------------------

def client_context(server, *protocols):
    context = ssl.create_default_context(cafile=str(server.settings["ssl_cert_file"]))
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def direct(server, *protocols):
    return client_context(server, *protocols).wrap_socket(raw(server), server_hostname="localhost")


def over(secure):
    """A Wire over a connection that is encrypted already."""
    w = wire.Wire.__new__(wire.Wire)
    w.socket, w.buffer, w.parameters, w.key = secure, b"", {}, None
    return w


def log_in(w, password, certificate=None):
    w.send(wire.startup(user="ann"))
    scram.log_in(w.send, w.receive, password, certificate)
    for kind, payload in w.until(b"Z"):
        w.key = payload if kind == b"K" else w.key
    w.send(wire.query("SELECT repeat('z', 300000)"))
    assert [len(payload) for kind, payload in w.until(b"Z") if kind == b"D"] == [300_006]


def test_direct_tls():
    with tls_server() as server:
        server.execute("CREATE ROLE ann LOGIN PASSWORD 'pw'")
        for protocols in (["postgresql"], ["http/1.1", "postgresql"]):
            with direct(server, *protocols) as secure:
                assert secure.selected_alpn_protocol() == "postgresql"
                log_in(over(secure), "pw", secure.getpeercert(binary_form=True))
        with direct(server, "postgresql") as secure:
            w = over(secure)
            # Who asks for encryption inside of it has it already, as PostgreSQL 17 says.
            for request in (wire.SSL_REQUEST, wire.GSSENC_REQUEST):
                w.send(struct.pack("!ii", 8, request))
                assert w.take(1) == b"N"
            log_in(w, "pw")
            w.send(wire.query("SELECT pg_sleep(60)"))
            with direct(server, "postgresql") as other:
                other.sendall(struct.pack("!ii", 16, wire.CANCEL_REQUEST) + w.key)
                assert rest(other) == b""
            told, = [wire.error_fields(payload) for kind, payload in w.until(b"Z") if kind == b"E"]
            assert told["C"] == "57014", told


def end_of(connection):
    """Says that no more comes, and gives what the server says to that; it may have closed already."""
    try:
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    return rest(connection)


def is_protocol_alert(error):
    return "no application protocol" in str(error).lower().replace("_", " ")


def test_direct_tls_wants_the_protocol():
    with tls_server() as server:
        with direct(server) as secure:
            secure.sendall(wire.startup())
            try:
                assert rest(secure) == b""
            except (ssl.SSLError, ConnectionError):
                pass
        try:
            direct(server, "http/1.1", "postgres", "postgresql2")
        except ssl.SSLError as error:
            assert is_protocol_alert(error), error
        else:
            raise AssertionError("a client of another protocol was let in")
        is_in(connect(server, sslmode="require"))


def test_the_protocol_is_agreed_on_behind_a_request():
    """Who asks by SSLRequest may name the protocol, as libpq 17 does, or none; but not only others."""
    with tls_server() as server:
        for protocols, agreed in [(["postgresql"], "postgresql"), ([], None), (["h2"], ssl.SSLError)]:
            with raw(server) as connection:
                connection.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST))
                assert connection.recv(1) == b"S"
                try:
                    with client_context(server, *protocols).wrap_socket(
                            connection, server_hostname="localhost") as secure:
                        assert secure.selected_alpn_protocol() == agreed
                        w = over(secure)
                        w.send(wire.startup())
                        assert w.until(b"Z")[0] == (b"R", b"\0\0\0\0")
                except ssl.SSLError as error:
                    assert agreed == ssl.SSLError and is_protocol_alert(error), error


def client_hello(server):
    """The first flight of a client, as bytes."""
    sent = ssl.MemoryBIO()
    talk = client_context(server, "postgresql").wrap_bio(ssl.MemoryBIO(), sent, server_hostname="localhost")
    try:
        talk.do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()
    raise AssertionError("no server was there")


def test_direct_tls_is_refused_where_there_is_none():
    """With TLS off, and on a Unix socket always, as PostgreSQL 17 does: closed without a word."""
    with tls_server() as server:
        hello = client_hello(server)
        with socket.socket(socket.AF_UNIX) as local:
            local.settimeout(patience(20))
            local.connect(str(server.data / f".s.PGSQL.{server.port}"))
            local.sendall(hello)
            assert rest(local) == b""
        with socket.socket(socket.AF_UNIX) as local:
            local.settimeout(patience(20))
            local.connect(str(server.data / f".s.PGSQL.{server.port}"))
            local.sendall(struct.pack("!ii", 8, wire.SSL_REQUEST))
            assert local.recv(1) == b"N"
    with harness.Server() as server:
        with raw(server) as connection:
            connection.sendall(hello)
            assert rest(connection) == b""
        is_in(connect(server))


def test_hello_that_does_not_come_whole():
    """Cut, damaged or slow: the connection goes by its end, an alert or the deadline of a login."""
    with tls_server() as server:
        hello = client_hello(server)
        for cut in range(1, len(hello), 1 if len(hello) < 400 else 7):
            with raw(server) as connection:
                connection.sendall(hello[:cut])
                end_of(connection)
        for spoiled in (hello[:1] + b"\x09" + hello[2:], hello[:3] + b"\xff\xff" + hello[5:], b"\x16" * 3000):
            with raw(server) as connection:
                connection.sendall(spoiled)
                assert end_of(connection)[:1] in (b"", b"\x15"), "neither an alert nor the end"
        with raw(server) as slow, raw(server) as silent:
            began = time.monotonic()
            silent.sendall(hello[:1])
            slow.settimeout(0.25)
            for at in range(len(hello) - 1):
                try:
                    slow.sendall(hello[at:at + 1])
                    if slow.recv(100) == b"":
                        break
                except TimeoutError:
                    pass
                except OSError:
                    break
                assert time.monotonic() - began < patience(20), "a slow hello has no end"
            assert time.monotonic() - began > 9
            assert rest(silent) == b""
        is_in(connect(server, sslmode="require"))


# -- SCRAM by hand --------------------------------------------------------------------------------------

def test_sasl_messages():
    with harness.Server() as server:
        server.execute("CREATE ROLE ann LOGIN PASSWORD 'pw'")

        def talk(*messages):
            with raw(server) as connection:
                connection.sendall(wire.startup(user="ann"))
                answer = connection.recv(4096)
                assert answer[:1] == b"R" and b"SCRAM-SHA-256\0\0" in answer, answer
                for message in messages:
                    connection.sendall(message)
                return rest(connection)

        first = wire.text("SCRAM-SHA-256") + struct.pack("!i", 12) + b"n,,n=,r=abcd"
        for what, messages in {
                "another mechanism": [wire.message(b"p", wire.text("PLAIN") + struct.pack("!i", 0))],
                "plus without TLS": [wire.message(b"p", wire.text("SCRAM-SHA-256-PLUS") + first[14:])],
                "no message": [wire.message(b"p", wire.text("SCRAM-SHA-256") + struct.pack("!i", -1))],
                "a length beyond": [wire.message(b"p", wire.text("SCRAM-SHA-256") + struct.pack("!i", 900) + b"n")],
                "another letter": [wire.query("SELECT 1")],
                "a huge one": [b"p" + struct.pack("!i", 1 << 30)],
                "a short one": [b"p" + struct.pack("!i", 3)],
                "no proof": [wire.message(b"p", first), wire.message(b"p", b"c=biws,r=abcd")],
                "a wrong nonce": [wire.message(b"p", first),
                                  wire.message(b"p", b"c=biws,r=abcd,p=" + base64.b64encode(b"0" * 32))],
        }.items():
            answer = talk(*messages)
            error = answer[answer.rindex(b"SFATAL"):]
            assert b"C08P01" in error, f"{what}: {answer}"
        is_in(connect(server, user="ann", password="pw"))


def test_who_is_there_is_not_told():
    """A name that nobody has gets a salt like any other, the same each time, and fails at the proof."""
    with harness.Server() as server:
        server.execute("CREATE ROLE ann LOGIN PASSWORD 'pw'")
        first = wire.message(b"p", wire.text("SCRAM-SHA-256") + struct.pack("!i", 12) + b"n,,n=,r=abcd")

        def challenge(user):
            """Salt and rounds, and how it ends."""
            with raw(server) as connection:
                connection.sendall(wire.startup(user=user))
                connection.recv(4096)
                connection.sendall(first)
                fields = dict(part.split(b"=", 1) for part in connection.recv(4096)[9:].split(b","))
                proof = b"c=biws,r=" + fields[b"r"] + b",p=" + base64.b64encode(b"0" * 32)
                connection.sendall(wire.message(b"p", proof))
                end = rest(connection)
                return fields[b"s"], fields[b"i"], end[end.rindex(b"SFATAL"):].replace(user.encode(), b"?")

        ann, nobody, other = challenge("ann"), challenge("nobody"), challenge("nobody2")
        assert challenge("ann") == ann and challenge("nobody") == nobody, "a salt that changes tells"
        assert len({ann[0], nobody[0], other[0]}) == 3, (ann[0], nobody[0], other[0])
        assert len(ann[0]) == len(nobody[0]) and ann[1:] == nobody[1:] == other[1:], (ann, nobody, other)
        assert b"C28P01" in ann[2], ann
        relaunch(server)
        assert challenge("nobody") == nobody, "another start, another salt"


# -- the hba file -----------------------------------------------------------------------------------------

HBA = """
# type  database  user        address        method
local   all       all                        trust
host    metrics   "reader"    127.0.0.0/8    trust
hostssl all       all         127.0.0.1/32   scram-sha-256
host    all       intruder    all            reject
"""


def test_hba_file():
    with tls_server() as server:
        hba = server.data / "millrace_hba.conf"
        hba.write_text(HBA)
        server.settings["hba_file"] = "millrace_hba.conf"
        relaunch(server)
        admin = psycopg.connect(host=str(server.data), port=server.port, user="any", dbname="d",
                                autocommit=True)
        admin.execute("CREATE ROLE ann LOGIN PASSWORD 'pw'")
        is_in(connect(server, user="reader", dbname="metrics"))
        is_in(connect(server, user="ann", password="pw", sslmode="require"))
        assert "no encryption" in refused(lambda: connect(server, user="ann", password="pw"), "28000")
        refused(lambda: connect(server, user="intruder"), "28000")
        refused(lambda: connect(server, user="reader", dbname="other"), "28000")
        # A bad line keeps the old rules; a good file takes its place.
        for bad in ("host all all trust\n", "host all all 0.0.0.0/0 trust\n", "host all all 127.0.0.1/33 reject\n",
                    "nothing\n", 'local "all all trust\n', "local all all md5\n", "local a b c d e f g\n"):
            before = server.log_text().count("server.reload")
            hba.write_text(bad + HBA)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: server.log_text().count("server.reload") > before, 20, "the reload")
            assert "line 1:" in server.log_text()
            is_in(connect(server, user="reader", dbname="metrics"))
        before = server.log_text().count("server.reload")
        hba.write_text("local all all trust\nhost all all 127.0.0.1/32 trust\n")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.log_text().count("server.reload") > before, 20, "the reload")
        is_in(connect(server, user="intruder"))
        admin.close()


def test_bad_hba_stops_the_start():
    with harness.Server() as server:
        server.stop()
        (server.data / "hba").write_text("host all all 10.0.0.0/8 trust\n")
        server.settings["hba_file"] = "hba"
        server.launch()
        assert server.wait_death() == 1
        assert "trust is for the Unix socket and loopback only" in server.log_text()


# -- HTTP -----------------------------------------------------------------------------------------------

def post(server, credentials=None):
    request = urllib.request.Request(f"http://127.0.0.1:{server.http_port}/streams/s",
                                     data=b'{"a": 1}\n', method="POST")
    request.add_header("Content-Type", "application/x-ndjson")
    if credentials:
        request.add_header("Authorization", "Basic " + base64.b64encode(credentials.encode()).decode())
    try:
        with urllib.request.urlopen(request, timeout=patience(20)) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        assert error.code != 401 or error.headers["WWW-Authenticate"].startswith("Basic"), error.headers
        return error.code


def test_http_wants_the_password_too():
    with harness.Server(http=True) as server, server.connect() as admin:
        admin.execute("CREATE STREAM s (a int)")
        assert post(server) == 200
        admin.execute(f"CREATE ROLE ann LOGIN PASSWORD {literal(PASSWORD)}")
        assert post(server) == 401
        assert post(server, f"ann:{PASSWORD}") == 200
        assert post(server, "ann:no") == 401 and post(server, "nobody:x") == 401 and post(server, ":") == 401
        admin.execute("FLUSH")
        assert admin.execute("SELECT count(*) FROM s").fetchone() == (2,)


harness.main(globals())
