#!/usr/bin/env python3
"""tests/parameters_test.py - Parse finds the types of parameters and columns as PostgreSQL does: the same OIDs,
names, modifiers and SQLSTATEs for each statement of data/parameters.sql."""
import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from psycopg import pq  # noqa: E402

import harness  # noqa: E402

FILE = Path(__file__).resolve().parent / "data" / "parameters.sql"
TABLE = ("CREATE TABLE t (a integer PRIMARY KEY, b text, c timestamptz, d numeric(10,2), e boolean, f jsonb, "
         "g integer[], h uuid, i date)")
# A parameter whose type nothing tells is text with us, as that of `SELECT $1` is everywhere.
MORE_THAN_POSTGRES = {"SELECT $1 IS NULL"}


def described(connection, sql):
    """(parameters' OIDs, (name, OID, modifier) of each column), or the SQLSTATE."""
    result = connection.pgconn.prepare(b"", sql.encode())
    if result.status == pq.ExecStatus.COMMAND_OK:
        result = connection.pgconn.describe_prepared(b"")
    if result.status != pq.ExecStatus.COMMAND_OK:
        return result.error_field(pq.DiagnosticField.SQLSTATE).decode()
    return ([result.param_type(n) for n in range(result.nparams)],
            [(result.fname(n).decode(), result.ftype(n), result.fmod(n)) for n in range(result.nfields)])


def test_parameters():
    statements = [line for line in FILE.read_text().splitlines() if line and not line.startswith("--")]
    with harness.Postgres() as postgres, harness.Server() as server, \
            postgres.connect() as theirs, server.connect() as ours:
        for connection in (theirs, ours):
            connection.execute(TABLE)
        different = []
        for sql in statements:
            wanted, got = described(theirs, sql), described(ours, sql)
            if (wanted == got) == (sql in MORE_THAN_POSTGRES):
                different.append(f"{sql}\n  PostgreSQL: {wanted}\n  Millrace:   {got}")
        print(f"# {len(statements)} statements, {len(different)} differ")
        assert not different, "\n".join(different)


harness.main(globals())
