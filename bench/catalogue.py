"""What psql's \\d and \\d NAME cost among 10 000 objects: the statements that psql 15 sends."""
import subprocess
import time

import bids
import psycopg

OBJECTS = 10_000
CALLS = 50


def make_objects(running, count):
    with running.connect() as connection:
        for i in range(count // 2):
            connection.execute(f"CREATE STREAM s{i:05d} (at timestamptz, k text, v bigint)")
            connection.execute(f"CREATE VIEW v{i:05d} AS SELECT k, v FROM s{i:05d} WHERE v > {i}")


def sent_by_psql(running, command):
    """The statements behind a command, as psql -E prints them."""
    done = subprocess.run(["psql", "-X", "-E", "-c", command, running.dsn()], capture_output=True,
                          text=True, check=True)
    parts = done.stdout.split("********* QUERY **********\n")[1:]
    return [part.split("\n**************************")[0] for part in parts]


def seconds_of(connection, statements):
    started = time.perf_counter()
    for sql in statements:
        connection.pgconn.exec_(sql.encode())
    return time.perf_counter() - started


def catalogue(context):
    """Bare \\d shows all of them; \\d NAME is some ten statements."""
    with bids.server(context) as running:
        make_objects(running, OBJECTS if not context.quick else OBJECTS // 10)
        with psycopg.connect(running.dsn(), autocommit=True) as connection:
            for name, command, floor, goal in (("list", "\\d", 5, 1), ("stream", "\\d s00077", 5, 1),
                                               ("view", "\\d v00077", 5, 1)):
                statements = sent_by_psql(running, command)
                seconds_of(connection, statements)  # rows are made once per version
                times = [seconds_of(connection, statements) for _ in range(CALLS)]
                context.figures.add(f"catalogue-{name}",
                                    f"catalogue: {command} ({len(statements)} statements)", times, "ms",
                                    scale=1e3, better="low", floor=floor, goal=goal)
