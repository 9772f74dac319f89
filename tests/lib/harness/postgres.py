"""A private PostgreSQL server: an unprivileged user, a temporary directory, a free loopback port."""
import atexit
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg

from .data import Skip
from .paths import patience
from .server import free_port

MINIMUM = 13


def _binaries():
    """The directory with initdb and postgres of the newest version installed, or None."""
    found = []
    for path in Path("/usr/lib/postgresql").glob("*/bin/initdb"):
        if path.parts[-3].isdigit() and int(path.parts[-3]) >= MINIMUM:
            found.append((int(path.parts[-3]), path.parent))
    if found:
        return max(found)[1]
    initdb = shutil.which("initdb")
    return Path(initdb).parent if initdb else None


def _unprivileged():
    """Name of a user to run as when we are root (PostgreSQL refuses root); else None."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
            return name
        except KeyError:
            continue
    raise Skip("no unprivileged user to run PostgreSQL as")


class Postgres:
    """`with Postgres() as pg:` - a server with the database `test` and the role `millrace`,
    which logs in by SCRAM with `pg.password`."""

    def __init__(self, settings=None):
        self.bin = _binaries()
        if self.bin is None:
            raise Skip("PostgreSQL is not installed")
        self.user = _unprivileged()
        self.password = secrets.token_hex(12)
        self.port = free_port()
        self.settings = {
            "listen_addresses": "127.0.0.1", "fsync": "off", "shared_buffers": "32MB",
            "max_connections": "50", "password_encryption": "scram-sha-256",
            # Nothing in /dev/shm, which is small in a container.
            "dynamic_shared_memory_type": "mmap",
            "log_min_messages": "warning", "lc_messages": "C", "timezone": "UTC",
            **(settings or {})}
        self.temp = Path(tempfile.mkdtemp(prefix="millrace-pg-"))
        self.data = self.temp / "data"
        self.process = None
        atexit.register(self.destroy)
        self._initialise()

    def _run(self, *command):
        """A program of PostgreSQL, as the unprivileged user, with nothing of ours as its home."""
        owner = pwd.getpwnam(self.user) if self.user else None
        identity = {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if owner else {}
        return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=self.temp,
                              stdin=subprocess.DEVNULL, check=False,
                              env={**os.environ, "HOME": str(self.temp)}, **identity)

    def _initialise(self):
        secret = self.temp / "password"
        secret.write_text(self.password + "\n")
        if self.user:
            owner = pwd.getpwnam(self.user)
            os.chown(self.temp, owner.pw_uid, owner.pw_gid)
            os.chown(secret, owner.pw_uid, owner.pw_gid)
        done = self._run(self.bin / "initdb", "-D", self.data, "-U", "postgres", "-E", "UTF8",
                         "--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={secret}", "--no-sync")
        if done.returncode != 0:
            raise AssertionError("initdb: " + done.stderr)
        secret.unlink()

    def start(self):
        done = self._run(self.bin / "pg_ctl", "-D", self.data, "-w", "-t", int(patience(60)),
                         "-l", self.temp / "log", "-o", self._options(), "start")
        if done.returncode != 0:
            raise AssertionError("pg_ctl start: " + done.stdout + done.stderr + self.log_tail())
        self.process = int((self.data / "postmaster.pid").read_text().split()[0])
        return self

    def _options(self):
        options = {**self.settings, "port": self.port,
                   "unix_socket_directories": self.temp}
        return " ".join(f"-c {name}={value}" for name, value in options.items())

    def create_database(self):
        with self.connect(dbname="postgres", user="postgres") as connection:
            connection.execute(f"CREATE ROLE millrace LOGIN PASSWORD '{self.password}'")
            connection.execute("CREATE DATABASE test OWNER millrace")
        with self.connect(user="postgres") as connection:
            connection.execute("GRANT ALL ON SCHEMA public TO millrace")

    def stop(self, mode="fast"):
        """Stops the server; "immediate" is a crash to its clients."""
        if self.process is None:
            return
        self.process = None
        self._run(self.bin / "pg_ctl", "-D", self.data, "-w", "-t", int(patience(60)), "-m", mode, "stop")

    def restart(self, mode="fast"):
        self.stop(mode)
        return self.start()

    def log_tail(self, lines=20):
        log = self.temp / "log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) \
            if log.exists() else ""

    def destroy(self):
        self.stop("immediate")
        if os.environ.get("MILLRACE_KEEP", "") != "1":
            shutil.rmtree(self.temp, ignore_errors=True)

    def __enter__(self):
        self.start()
        self.create_database()
        return self

    def __exit__(self, kind, value, trace):
        self.destroy()

    def dsn(self, password=True, **more):
        fields = {"host": "127.0.0.1", "port": self.port, "user": "millrace", "dbname": "test",
                  **({"password": self.password} if password else {}), **more}
        return psycopg.conninfo.make_conninfo(**fields)

    def connect(self, **more):
        options = {"autocommit": more.pop("autocommit", True)}
        deadline = time.monotonic() + patience(30)
        while True:
            try:
                return psycopg.connect(self.dsn(**more), **options)
            except psycopg.OperationalError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def execute(self, sql, parameters=None):
        with self.connect() as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else None

    def connection_sql(self, name="pg", secret=None):
        """The statements that make this server known to a millraced, password in a secret."""
        secret = secret or name + "_password"
        return [f"CREATE SECRET {secret} AS '{self.password}'",
                f"CREATE CONNECTION {name} WITH (type = 'postgres', "
                f"dsn = '{self.dsn(password=False)}', password = SECRET {secret})"]
