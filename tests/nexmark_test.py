#!/usr/bin/env python3
"""tests/nexmark_test.py - the queries of Nexmark as standing queries over a small input, fed in ten
cuts: after each, every target equals PostgreSQL's batch answer over the rows so far."""
import datetime
import os
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

HERE = Path(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [str(HERE / "lib"), str(HERE.parent / "bench" / "nexmark")]
import psycopg  # noqa: E402

import harness  # noqa: E402
import nexmark  # noqa: E402
from harness import Postgres  # noqa: E402

SMALL = os.environ.get("MILLRACE_QUICK", "") == "1"
EVENTS = 5000 if SMALL else 30000
US_PER_EVENT = 10000 if SMALL else 5000   # so that there are some windows
CUTS = 10
NOT_YET = ("0A000", "42883")   # refused with a reason; a function that is not there
INTEGERS, NUMBERS, TIMES = {20, 21, 23}, {700, 701, 1700}, {1114, 1184}
UTC = datetime.timezone.utc


def as_time(value):
    when = datetime.datetime.fromisoformat(value) if isinstance(value, str) else value
    return when.astimezone(UTC).replace(tzinfo=None) if when.tzinfo else when


def normal(value, oid):
    if value is None:
        return ""
    if oid in INTEGERS:
        return f"{int(value)}"
    if oid in NUMBERS:
        return f"{float(value):.9g}"
    return f"{as_time(value)}" if oid in TIMES else str(value)


def batch_answer(pg, query):
    """Column names, their types, and the rows as sorted texts."""
    cursor = pg.execute(query.batch)
    names = [column.name for column in cursor.description]
    oids = [column.type_code for column in cursor.description]
    return names, oids, sorted(tuple(map(normal, row, oids)) for row in cursor)


def target_rows(db, query, names, oids):
    columns = ", ".join(f'"{name}"' for name in names)
    return sorted(tuple(map(normal, row, oids))
                  for row in db.execute(f'SELECT {columns} FROM "{query.name}"'))


def difference(got, wanted):
    missing = sorted(set(wanted) - set(got))[:2]
    extra = sorted(set(got) - set(wanted))[:2]
    return f"{len(got)} rows instead of {len(wanted)}; missing {missing}, not wanted {extra}"


def register(server, queries):
    """Makes the views; returns those that are there, and prints why the others are not."""
    there = []
    for query in queries:
        try:
            server.execute(query.view_sql())
            there.append(query)
        except psycopg.Error as error:
            if error.sqlstate not in NOT_YET:
                raise
            print(f"# {query.name} cannot be planned yet: {error.sqlstate} {error.diag.message_primary}")
    return there


def make_tables(server, pg):
    for name, columns in nexmark.COLUMNS.items():
        server.execute(nexmark.stream_sql(name))
        pg.execute(f"CREATE TABLE {name} ({columns})")
    pg.execute("CREATE TABLE bid_arrival (bidder bigint, arrival timestamp)")
    for run in (server.execute, pg.execute):
        run(f"CREATE TABLE {nexmark.SIDE_INPUT} ({nexmark.SIDE_COLUMNS})")
        for key, value in nexmark.side_rows():
            if key < 1300:
                run(f"INSERT INTO {nexmark.SIDE_INPUT} VALUES ({key}, '{value}')")


def feed(connections, lines, number):
    """One cut of each stream, to us and to PostgreSQL."""
    for name, rows in lines.items():
        size = len(rows) // CUTS
        data = "".join(rows[number * size:(number + 1) * size if number + 1 < CUTS else None])
        for connection in connections:
            with connection.cursor().copy(f"COPY {name} FROM STDIN (FORMAT csv)") as copy:
                copy.write(data)


def load_arrivals(connection, pg):
    pg.execute("TRUNCATE bid_arrival")
    with pg.cursor().copy("COPY bid_arrival FROM STDIN") as copy:
        for row in connection.execute("SELECT bidder, _arrival FROM bid"):
            copy.write_row((row[0], as_time(row[1])))


def compare_cuts(server, pg, directory):
    """What is wrong, by query; an empty list for those that are right at every cut."""
    make_tables(server, pg)
    there = register(server, nexmark.queries())
    wrong = {query.name: [] for query in there}
    nexmark.generate(EVENTS, US_PER_EVENT, directory, directory / "generate")
    lines = {name: (directory / f"{name}.csv").read_text().splitlines(keepends=True)
             for name in nexmark.COLUMNS}
    with server.connect() as connection, \
            closing(sqlite3.connect(f"file:{server.main_db()}?mode=ro", uri=True)) as db:
        for number in range(CUTS):
            feed((connection, pg), lines, number)
            connection.execute("FLUSH")
            load_arrivals(connection, pg)
            for query in there:
                names, oids, wanted = batch_answer(pg, query)
                got = target_rows(db, query, names, oids)
                if got != wanted:
                    wrong[query.name].append(f"cut {number + 1}: {difference(got, wanted)}")
                if number + 1 == CUTS and not wanted:
                    wrong[query.name].append("no rows at the end: nothing was compared")
    return wrong


def raise_if(problems):
    assert not problems, "\n".join(problems[:3])


def test_nexmark():
    with tempfile.TemporaryDirectory(prefix="millrace-nexmark-") as directory, \
            Postgres() as postgres, harness.Server() as server, postgres.connect() as pg:
        wrong = compare_cuts(server, pg, Path(directory))
    assert len(wrong) == 23, f"only {len(wrong)} queries could be planned"
    for name, problems in wrong.items():
        yield f"nexmark: {name}", lambda problems=problems: raise_if(problems)


if __name__ == "__main__":
    harness.main(globals())
