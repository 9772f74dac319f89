"""What a server costs that does little: start, memory, idle CPU, bytes a group, one parse for ten."""
import os
import shutil
import socket
import subprocess
import time

import bids
import machine
from harness import free_port
from harness.wire import query, startup

STARTS = 20


# ---- start -------------------------------------------------------------------------------------

def answer(connection, until=b"Z"):
    """Reads messages until one of the type `until`."""
    data = b""
    while True:
        while len(data) < 5 or len(data) < 1 + int.from_bytes(data[1:5], "big"):
            piece = connection.recv(65536)
            if not piece:
                raise AssertionError("the server closed the connection")
            data += piece
        kind, size = data[:1], 1 + int.from_bytes(data[1:5], "big")
        data = data[size:]
        if kind == b"E":
            raise AssertionError("the first query failed")
        if kind == until:
            return


def start_once(context):
    """Seconds from exec to the answer of SELECT 1, in a new data directory."""
    directory, port = context.fresh_directory(), free_port()
    command = [context.build / "server" / "millraced", "-D", directory / "data", "-h", "127.0.0.1",
               "-p", str(port), "-c", "http_port=-1"]
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               close_fds=False)
    try:
        while True:
            try:
                connection = socket.create_connection(("127.0.0.1", port))
                break
            except ConnectionRefusedError:
                if process.poll() is not None or time.monotonic() - start > 30:
                    raise AssertionError("the server did not start") from None
                time.sleep(0.0002)
        with connection:
            connection.sendall(startup())
            answer(connection)
            connection.sendall(query("SELECT 1"))
            answer(connection)
            return time.monotonic() - start
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(directory, ignore_errors=True)


def start(context):
    times = [start_once(context) for _ in range(STARTS)]
    context.figures.add("start", "start: exec to first answer, median of 20", times, "ms",
                        scale=1e3, better="low", floor=50)


# ---- idle --------------------------------------------------------------------------------------

def idle(context):
    with bids.server(context) as running:
        pid = running.process.pid
        time.sleep(1)
        rss = machine.rss_bytes(pid)
        cpu, switches = machine.cpu_seconds_fine(pid), machine.switches(pid)
        time.sleep(context.idle_seconds)
        cpu = machine.cpu_seconds_fine(pid) - cpu
        switches = machine.switches(pid) - switches
    context.figures.add("rss", "idle: RSS", [rss], "MB", scale=1e-6, better="low", floor=20)
    context.figures.add("idle-cpu", f"idle: CPU in {context.idle_seconds} s", [cpu], "ms", scale=1e3,
                        better="low", note=f"{switches} wake-ups")


# ---- state -------------------------------------------------------------------------------------

def groups_file(context, groups):
    """Each key twice, the second time in another order, so that no group is the newest."""
    path = context.work / f"groups-{groups}.csv"
    if not path.exists():
        partial = path.with_suffix(".partial")
        with open(partial, "w") as out:
            out.writelines(f"{i},{i % 1000}\n" for i in range(groups))
            # 7919 is prime and divides no power of ten: a permutation.
            out.writelines(f"{i * 7919 % groups},1\n" for i in range(groups))
        partial.replace(path)
    return path


def state(context):
    """A key, count and sum: what the server says that its state takes, and what its RSS says."""
    for groups in (10_000, 100_000, 1_000_000):
        with bids.server(context, log_cache="0") as running:
            running.execute("CREATE STREAM pairs (k bigint NOT NULL, v bigint NOT NULL)")
            running.execute("CREATE MATERIALIZED VIEW sums AS "
                            "SELECT k, count(*) AS n, sum(v) AS total FROM pairs GROUP BY k")
            before = machine.rss_bytes(running.process.pid)
            bids.copy_client(context, running, running.dsn(), "pairs", "csv",
                             groups_file(context, groups), "FLUSH")
            counted, used = running.execute(
                "SELECT groups, state_bytes FROM millrace.queries WHERE name = 'sums'")[0]
            grown = machine.rss_bytes(running.process.pid) - before
        if counted != groups:
            raise AssertionError(f"{counted} groups, {groups} keys")
        context.figures.add(f"state-{groups}", f"state of {groups:,} groups".replace(",", " "),
                            [used / groups], "B/group", better="low", floor=200, goal=64,
                            note=f"RSS grew by {grown / 1e6:.0f} MB")


# ---- one parse ---------------------------------------------------------------------------------

def shared(context):
    """Ten queries on one stream: the rows are parsed once, and what each further query costs."""
    path, seconds = bids.data(context, "csv"), {}
    for count in (1, 10):
        with bids.server(context) as running:
            with running.connect() as connection:
                connection.execute(bids.stream_sql())
                for i in range(count):
                    connection.execute(
                        f"CREATE MATERIALIZED VIEW q{i} AS SELECT bidder % {1000 + i} AS k, "
                        "count(*) AS n, max(price) AS highest FROM bids GROUP BY 1")
            run = bids.copy_client(context, running, running.dsn(), "bids", "csv", path, "FLUSH")
            seconds[count] = run["seconds"]
            parsed = running.execute(
                "SELECT rows FROM millrace.streams WHERE name = 'bids'")[0][0]
            processed = running.execute("SELECT sum(rows_in) FROM millrace.queries")[0][0]
    if (parsed, int(processed)) != (context.rows, 10 * context.rows):
        raise AssertionError(f"{parsed} rows parsed, {processed} processed of {context.rows}")
    context.figures.add("shared", "ten queries on a stream: parsed rows per input row",
                        [parsed / context.rows], "", better="low", floor=1.0,
                        note=f"a further query costs "
                             f"{(seconds[10] - seconds[1]) / 9 / context.rows * 1e9:.1f} ns a row")


# ---- the disk ----------------------------------------------------------------------------------

def disk(context):
    total = (256 if context.quick else 1024) << 20
    rates = [machine.disk_write_rate(context.work, total) for _ in range(3)]
    syncs = machine.sync_times(context.work)
    context.figures.add("disk", "disk: sequential write with fdatasync", rates, "MB/s", scale=1e-6,
                        note=f"8 KiB + fdatasync p50 {syncs[len(syncs) // 2] * 1e3:.2f} ms, "
                             f"p99 {syncs[len(syncs) * 99 // 100] * 1e3:.2f} ms; "
                             f"load {os.getloadavg()[0]:.1f}")
