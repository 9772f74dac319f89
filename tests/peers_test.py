#!/usr/bin/env python3
"""tests/peers_test.py - the drivers that people have, each a separate program in its own language, against a
real server with TLS and passwords: tests/peers/README.md says what they check.  A peer that was not built
fails.  --quick runs those that speak through libpq only."""
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.certificate import certificate  # noqa: E402
from harness.paths import BUILD, ROOT, patience, quick  # noqa: E402

PEERS = ROOT / "tests" / "peers"
BUILT = BUILD / "peers"
PASSWORD = "päss'wörd %/?#"
LINE = re.compile(r"^(not )?ok - (.*)$")
EVERYWHERE = {"login", "types", "copy", "cursor", "cancel", "errors", "notify", "subscribe", "target"}


class Peer:
    """A program and the checks it must have done; whatever it does besides counts, too."""

    def __init__(self, name, command, checks=EVERYWHERE, libpq=False):
        self.name, self.command, self.checks, self.libpq = name, command, set(checks), libpq


def python(name):
    interpreter = sys.executable if quick() else BUILT / "venv" / "bin" / "python"
    return [interpreter, PEERS / "python" / f"{name}_peer.py"]


ALL = [
    Peer("psql", [sys.executable, PEERS / "psql" / "psql_peer.py"], EVERYWHERE | {"describe"}, libpq=True),
    Peer("psycopg3", python("psycopg3"), EVERYWHERE | {"prepared"}, libpq=True),
    Peer("psycopg2", python("psycopg2"), EVERYWHERE | {"transactions"}),
    Peer("asyncpg", python("asyncpg"), EVERYWHERE | {"arrays", "catalogue", "prepared", "pool", "transactions"}),
    Peer("sqlalchemy", python("sqlalchemy"), EVERYWHERE | {"reflection", "core", "orm"}),
    Peer("pandas", python("pandas"),
         EVERYWHERE - {"cancel", "notify"} | {"read_sql", "read_table", "to_sql", "index"}),
    Peer("pgcli", python("pgcli"), EVERYWHERE | {"statements", "catalogue", "completion", "program"}),
    Peer("node", ["node", BUILT / "node" / "peer.js"], EVERYWHERE | {"prepared"}),
    Peer("pgx", [BUILT / "go" / "peer", "pgx"], EVERYWHERE | {"arrays", "prepared", "batch"}),
    Peer("libpq_go", [BUILT / "go" / "peer", "pq"], EVERYWHERE | {"prepared"}),
    Peer("rust", [BUILT / "rust" / "millrace-peer"], EVERYWHERE | {"arrays", "prepared"}),
    Peer("jdbc", ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "-cp",
                  f"{BUILT / 'java'}:/usr/share/java/postgresql.jar", "Peer"],
         EVERYWHERE | {"arrays", "prepared", "batch", "fetch size", "metadata"}),
]


def prepare(server, postgres, peers):
    """The role and each peer's stream and results; from then on a password is wanted."""
    with server.connect() as connection:
        for sql in postgres.connection_sql("pg"):
            connection.execute(sql)
        for peer in peers:
            connection.execute(f"CREATE STREAM {peer.name}_rides (city text, km bigint)")
            for view in (f"{peer.name}_lite", f"pg.{peer.name}_pg"):
                connection.execute(f"CREATE MATERIALIZED VIEW {view} AS SELECT city, sum(km)::bigint AS km "
                                   f"FROM {peer.name}_rides GROUP BY city")
        literal = PASSWORD.replace("'", "''")
        connection.execute(f"CREATE ROLE peer LOGIN PASSWORD '{literal}'")


def quoted(text):
    return "".join(c if c.isalnum() and c.isascii() else "".join(f"%{b:02x}" for b in c.encode())
                   for c in text)


def environment(server, postgres, peer, crt):
    return {
        **os.environ, "PEER": peer.name, "PEER_SQLITE": str(server.main_db()),
        "PEER_TARGET": postgres.dsn(sslmode="disable"), "PEER_TARGET_PORT": str(postgres.port),
        "PEER_TARGET_PASSWORD": postgres.password,
        "PEER_TARGET_URL": f"postgresql://millrace:{postgres.password}@127.0.0.1:{postgres.port}/test"
                           "?sslmode=disable",
        "PEER_URL": f"postgresql://peer:{quoted(PASSWORD)}@localhost:{server.port}/test"
                    f"?sslmode=verify-full&sslrootcert={crt}",
        "PGHOST": "localhost", "PGPORT": str(server.port), "PGUSER": "peer", "PGPASSWORD": PASSWORD,
        "PGDATABASE": "test", "PGSSLMODE": "verify-full", "PGSSLROOTCERT": str(crt),
        "PGCONNECT_TIMEOUT": str(int(patience(30))),
        "PEER_PATIENCE": str(int(patience(30))), "HOME": str(server.temp), "PYTHONPATH": str(PEERS / "python")}


def run_peer(server, postgres, peer, crt):
    """(check, what is wrong with it or None) of every check that the peer has done or should have."""
    command = [str(part) for part in peer.command]
    missing = [part for part in command if part.startswith("/") and ":" not in part and not Path(part).exists()]
    if missing:
        return [("is there", f"{missing[0]} is not there: tests/peers/install makes it")]
    done = subprocess.run(["timeout", "-k", "5", str(patience(90)), *command], text=True, capture_output=True,
                          env=environment(server, postgres, peer, crt), cwd=server.temp)
    found, detail = {}, []
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        if match:
            detail = []
            found[match.group(2)] = detail if match.group(1) else None
        elif line.startswith("#"):
            detail.append(line)
    for check in peer.checks - set(found):
        found[check] = [f"# it was not done; the peer ended with {done.returncode}",
                        *done.stdout.splitlines()[-10:], *done.stderr.splitlines()[-20:]]
    if done.returncode != 0 and all(value is None for value in found.values()):
        found["ends well"] = [f"# ended with {done.returncode}", *done.stderr.splitlines()[-20:]]
    return [(check, None if wrong is None else "\n".join(wrong)) for check, wrong in found.items()]


def outcome(wrong):
    def call():
        assert wrong is None, wrong
    return call


def test_peers():
    only = [name for name in os.environ.get("MILLRACE_PEERS", "").split(",") if name]
    peers = [peer for peer in ALL if (peer.name in only if only else
                                      peer.libpq or not quick())]
    with harness.Postgres() as postgres:
        server = harness.Server()
        crt, key = certificate(server.temp / "tls")
        server.settings.update({"ssl": "on", "ssl_cert_file": crt, "ssl_key_file": key})
        with server:
            prepare(server, postgres, peers)
            for peer in peers:
                for check, wrong in run_peer(server, postgres, peer, crt):
                    yield f"{peer.name}: {check}", outcome(wrong)
                server.check_alive()


harness.main(globals())
