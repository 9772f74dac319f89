#!/usr/bin/env python3
"""tests/target_tls_test.py - a PostgreSQL target over TLS: a server that proves who it is by a
certificate of the CA that is named gets rows; one that does not gets neither rows nor a password."""
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness import Postgres, Skip  # noqa: E402


def openssl(*arguments):
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def make_ca(directory, name):
    key, certificate = directory / f"{name}.key", directory / f"{name}.crt"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
            "-keyout", key, "-out", certificate)
    return key, certificate


def make_server_certificate(directory, ca):
    """For 127.0.0.1 and for no name."""
    key, request = directory / "server.key", directory / "server.csr"
    certificate, extension = directory / "server.crt", directory / "server.ext"
    extension.write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=target", "-keyout", key,
            "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", ca[1], "-CAkey", ca[0], "-CAcreateserial",
            "-days", "2", "-extfile", extension, "-out", certificate)
    return key, certificate


def install(pg, key, certificate):
    """Into the data directory, as the server's own; from now on it takes TLS connections only."""
    owner = pwd.getpwnam(pg.user) if pg.user else None
    for name, source in (("server.key", key), ("server.crt", certificate)):
        target = pg.data / name
        shutil.copy(source, target)
        os.chmod(target, 0o600)
        if owner:
            os.chown(target, owner.pw_uid, owner.pw_gid)
    rules = pg.data / "pg_hba.conf"
    rules.write_text("local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n")


def refused(server, what, part, sqlstate="08"):
    """The view cannot be made, and the error says why."""
    try:
        server.execute(f"CREATE MATERIALIZED VIEW {what}.v AS SELECT a FROM s")
    except psycopg.Error as error:
        told = " ".join(filter(None, (str(error), error.diag.message_detail)))
        assert error.sqlstate.startswith(sqlstate), f"{error.sqlstate}: {told}"
        assert part in told, told
        return
    raise AssertionError(f"the target \"{what}\" was trusted")


def make_cases(server, pg, ca, other_ca):
    def connection(name, **dsn):
        dsn = {"host": "127.0.0.1", **dsn}
        text = pg.dsn(password=False, **dsn)
        server.execute(f"CREATE CONNECTION {name} WITH (type = 'postgres', dsn = '{text}', "
                       "password = SECRET pg_password)")

    server.execute("CREATE STREAM s (a integer)")
    server.execute(f"CREATE SECRET pg_password AS '{pg.password}'")

    def trusted():
        connection("trusted", sslmode="verify-full", sslrootcert=ca[1])
        server.execute("CREATE MATERIALIZED VIEW trusted.v AS SELECT a FROM s")
        server.execute("INSERT INTO s VALUES (1), (2)")
        server.execute("FLUSH")
        assert pg.execute("SELECT a FROM v ORDER BY a") == [(1,), (2,)]
        used = pg.execute("SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                          "WHERE application_name = 'millrace'")
        assert used == [(True,)], used
        server.execute("DROP MATERIALIZED VIEW trusted.v")

    def wrong_ca():
        connection("wrong_ca", sslmode="verify-full", sslrootcert=other_ca[1])
        refused(server, "wrong_ca", "certificate verify failed")

    def wrong_name():
        connection("wrong_name", host="localhost", sslmode="verify-full", sslrootcert=ca[1])
        refused(server, "wrong_name", "localhost")

    def no_ca():
        connection("no_ca", sslmode="verify-full", sslrootcert="/nowhere/ca.crt")
        refused(server, "no_ca", "root certificate file")

    def in_clear():
        connection("in_clear", sslmode="disable")
        refused(server, "in_clear", "no encryption", "28000")

    def encrypted():
        connection("encrypted", sslmode="require")
        server.execute("CREATE MATERIALIZED VIEW encrypted.v AS SELECT a FROM s")
        server.execute("INSERT INTO s VALUES (3)")
        server.execute("FLUSH")
        assert (3,) in pg.execute("SELECT a FROM v")

    yield "tls: verify-full with the right CA", trusted
    yield "tls: verify-full with another CA", wrong_ca
    yield "tls: verify-full with another host name", wrong_name
    yield "tls: verify-full without a CA", no_ca
    yield "tls: no TLS to a server that wants it", in_clear
    yield "tls: require", encrypted


def test_target_tls():
    if shutil.which("openssl") is None:
        raise Skip("openssl is not installed")
    directory = Path(tempfile.mkdtemp(prefix="millrace-tls-"))
    try:
        ca, other_ca = make_ca(directory, "ours"), make_ca(directory, "theirs")
        pg = Postgres(settings={"ssl": "on"})
        install(pg, *make_server_certificate(directory, ca))
        with pg, harness.Server(env={"HOME": str(directory)}) as server:
            yield from make_cases(server, pg, ca, other_ca)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


harness.main(globals())
