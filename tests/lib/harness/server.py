"""One millraced in a temporary directory: start, connect, stop, kill -9, start again."""
import atexit
import ctypes
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

import psycopg

from .paths import BUILD, ROOT, patience, sanitized

PR_SET_PDEATHSIG = 1
SANITIZER_REPORT = re.compile(
    r"ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:|"
    r"SUMMARY: \w*Sanitizer|Assertion .* failed")
_libc = ctypes.CDLL(None, use_errno=True)
FIRST_PORT = 10000               # of the servers that tests start


class ServerDied(AssertionError):
    """The server ended by itself; carries the end of its log."""


class ServerReported(AssertionError):
    """A sanitizer or an assertion said something: never what a test waits for, as a death may be."""


def _ports():
    """Those that the kernel does not give to outgoing connections, one of which could take a server's before
    it listens or while it is restarted; of them this run's share (./check runs several suites at once)."""
    outgoing = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    share, shares = map(int, os.environ.get("MILLRACE_PORTS", "0/1").split("/"))
    count = max(outgoing - FIRST_PORT, 0) // shares
    return range(FIRST_PORT + share * count, FIRST_PORT + (share + 1) * count)


def free_port():
    """A TCP port that was free a moment ago, and that stays so."""
    ports = _ports()
    for _ in range(1000):
        port = random.choice(ports) if len(ports) > 1000 else 0
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise AssertionError("no port is free")


def wait_until(condition, seconds, what):
    """Polls `condition` until it is true; the limit is only for what hangs."""
    deadline = time.monotonic() + patience(seconds)
    delay = 0.002
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience(seconds):.0f} s for {what}")
        time.sleep(delay)
        delay = min(delay * 1.5, 0.05)


def _die_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Server:
    """`with Server(settings={"workers": 2}) as server:` runs one and removes it at the end.

    The data directory is `server.data`; what the server prints goes to `server.log`.
    """

    def __init__(self, settings=None, virtual_clock=False, http=False, env=None, data=None,
                 program=BUILD / "server" / "millraced"):
        self.program = program
        self.settings = dict(settings or {})
        self.virtual_clock = virtual_clock
        self.http_port = free_port() if http else None
        self.env = dict(env or {})
        self.temp = Path(tempfile.mkdtemp(prefix="millrace-test-"))
        self.data = Path(data) if data else self.temp / "data"
        self.log = self.temp / "server.log"
        self.port = None
        self.process = None
        self.starts = 0
        self._log_checked = 0
        atexit.register(self.destroy)

    # -- life -------------------------------------------------------------------------------

    def command(self):
        settings = dict(self.settings)
        settings.setdefault("http_port", self.http_port if self.http_port else -1)
        command = [str(self.program), "-D", str(self.data), "-h", "127.0.0.1", "-p", "0"]
        if self.virtual_clock:
            command.append("--virtual-clock")
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command

    def launch(self, env=None):
        """Starts the process without waiting for it to be ready."""
        assert self.process is None, "already running"
        (self.data / "port").unlink(missing_ok=True)
        environment = {**os.environ, **self.env, **(env or {})}
        environment.setdefault("ASAN_OPTIONS", "detect_leaks=1:abort_on_error=0:exitcode=86")
        environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1:halt_on_error=1:exitcode=86")
        environment.setdefault(
            "TSAN_OPTIONS",
            f"exitcode=86:halt_on_error=0:suppressions={ROOT}/tests/lib/tsan.suppressions")
        environment.setdefault("LSAN_OPTIONS", f"suppressions={ROOT}/tests/lib/lsan.suppressions")
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=environment, cwd=self.temp, preexec_fn=_die_with_parent)
        self.starts += 1
        return self

    def start(self, env=None):
        self.launch(env)
        self.wait_ready()
        return self

    def wait_ready(self, seconds=60):
        def ready():
            if self.process.poll() is not None:
                code = self.process.returncode
                self.process = None
                raise ServerDied(f"millraced ended with {code} while starting\n{self.log_tail()}")
            try:
                self.port = int((self.data / "port").read_text())
            except (FileNotFoundError, ValueError):
                return False
            try:
                with psycopg.connect(self.dsn()):
                    return True
            except psycopg.OperationalError:
                return False
        wait_until(ready, seconds, "millraced to be ready")

    def running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9, as if the machine's power went for this process; returns its exit code where it had ended
        by itself: who was just told of a lost connection cannot know which of the two came first."""
        code = None
        if self.process is not None:
            self.process.kill()
            code = self.process.wait()
            self.process = None
        self.check_log()
        return None if code == -signal.SIGKILL else code

    def stop(self, seconds=30):
        """SIGTERM: the server finishes and leaves with 0."""
        if self.process is None:
            return
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(patience(seconds))
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)
            process.wait()
            raise ServerDied(f"millraced did not stop on SIGTERM\n{self.log_tail()}") from None
        self.check_log()
        if code != 0:
            raise ServerDied(f"millraced ended with {code} on SIGTERM\n{self.log_tail()}")

    def wait_death(self, seconds=60):
        """Waits until the server ends by itself (a fault point); returns its exit code."""
        code = self.process.wait(patience(seconds))
        self.process = None
        self.check_log()
        return code

    def restart(self, crash=False):
        if crash:
            self.kill()
        else:
            self.stop()
        return self.start()

    def check_alive(self):
        """Raises when the server has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            code = self.process.returncode
            self.process = None
            raise ServerDied(f"millraced ended with {code}\n{self.log_tail()}")

    def destroy(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        if os.environ.get("MILLRACE_KEEP", "") != "1":
            shutil.rmtree(self.temp, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        try:
            if kind is None:
                self.stop()
        finally:
            if kind is not None and self.log.exists():
                print("# end of the server's log:")
                for line in self.log_tail(25).splitlines():
                    print("#   " + line)
            self.destroy()

    # -- log ----------------------------------------------------------------------------------

    def log_text(self):
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def log_tail(self, lines=40):
        return "\n".join(self.log_text().splitlines()[-lines:])

    def check_log(self):
        """Raises when a sanitizer or an assertion reported something since the last look."""
        text = self.log_text()
        fresh, self._log_checked = text[self._log_checked:], len(text)
        found = SANITIZER_REPORT.search(fresh)
        if found:
            start = max(0, found.start() - 200)
            raise ServerReported("the server reported:\n" + fresh[start:start + 6000])

    # -- clients --------------------------------------------------------------------------------

    def dsn(self, **more):
        fields = {"host": "127.0.0.1", "port": self.port, "user": "test", "dbname": "test",
                  "connect_timeout": int(patience(10)), **more}
        return psycopg.conninfo.make_conninfo(**fields)

    def connect(self, **more):
        more.setdefault("autocommit", True)
        return psycopg.connect(self.dsn(), **more)

    def execute(self, sql, parameters=None):
        """One statement on a connection of its own; rows where it has some."""
        with self.connect() as connection:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall() if cursor.description else None

    def psql(self, *arguments, input=None, check=True, program="psql"):
        """Runs psql (or our shell) against the server; returns the finished process."""
        environment = {**os.environ, "PGHOST": "127.0.0.1", "PGPORT": str(self.port),
                       "PGUSER": "test", "PGDATABASE": "test", "PGCONNECT_TIMEOUT": str(int(patience(10)))}
        done = subprocess.run([program, "-X", "-v", "ON_ERROR_STOP=1", *map(str, arguments)],
                              input=input, capture_output=True, text=True, env=environment,
                              timeout=patience(300))
        if check and done.returncode != 0:
            raise AssertionError(f"{program} ended with {done.returncode}:\n{done.stderr}")
        return done

    def post(self, stream, body, content_type="application/x-ndjson", query=""):
        """HTTP POST of rows; returns (status, text)."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.http_port}/streams/{stream}{query}", data=body,
            headers={"Content-Type": content_type}, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=patience(120)) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")

    def copy(self, statement, data):
        """COPY … FROM STDIN of bytes on a connection of its own; returns the rows counted."""
        with self.connect() as connection:
            cursor = connection.cursor()
            with cursor.copy(statement) as copy:
                copy.write(data)
            return cursor.rowcount

    def main_db(self):
        """The SQLite file of the default connection."""
        return self.data / "main.db"

    def rss_kib(self):
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise AssertionError("no VmRSS")


assert sanitized() in ("", "asan", "tsan"), "MILLRACE_SANITIZER is asan or tsan"
