#!/usr/bin/env python3
"""tests/clients_statements_test.py - every statement that common clients were seen to ask of
PostgreSQL's catalogue gives columns of the same names and types here, and no error.

The statements are in clients/statements.json of MILLRACE_SHARED, since their texts are not ours to
publish; without it the test is skipped.  MILLRACE_SHOW=1 prints those that differ, with the errors.
"""
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from psycopg import pq  # noqa: E402

import harness  # noqa: E402

# What the capture was made over, as far as each of the two servers has it.
SHARED = ["CREATE TABLE items (id bigint PRIMARY KEY, name text NOT NULL, price numeric(10,2) DEFAULT 1,"
          " at timestamptz)",
          "CREATE VIEW cheap AS SELECT id, name FROM items WHERE price < 10",
          "COMMENT ON TABLE items IS 'what there is'"]
POSTGRES = ["CREATE TABLE events (at timestamptz, k text, v bigint)",
            "CREATE MATERIALIZED VIEW per_k AS SELECT k, count(*) AS n FROM events GROUP BY k"]
MILLRACE = ["CREATE STREAM events (at timestamptz, k text, v bigint)",
            "CREATE MATERIALIZED VIEW per_k AS SELECT k, count(*) AS n FROM events GROUP BY k"]


def statements():
    shared = os.environ.get("MILLRACE_SHARED", "")
    path = Path(shared) / "clients" / "statements.json"
    if not shared or not path.exists():
        raise harness.Skip("clients/statements.json is not in MILLRACE_SHARED")
    return list(json.loads(path.read_text(encoding="utf-8")))


def columns_of(result):
    return [(result.fname(i).decode(), result.ftype(i)) for i in range(result.nfields)]


def check(result, connection):
    if result.status == pq.ExecStatus.FATAL_ERROR:
        error = connection.error_message.decode().strip()
        code = result.error_field(pq.DiagnosticField.SQLSTATE).decode()
        return f"{code} {error}"
    return None


def with_parameters(connection, sql):
    """Parsed and described, then run with NULLs (a setting gets a value)."""
    result = connection.prepare(b"", sql)
    problem = check(result, connection)
    if problem:
        return problem
    described = connection.describe_prepared(b"")
    problem = check(described, connection)
    if problem:
        return problem
    value = b"off" if b"set_config" in sql else None
    ran = connection.exec_prepared(b"", [value] * described.nparams)
    return check(ran, connection) or [columns_of(described)]


def at_once(connection, sql):
    answers = []
    connection.send_query(sql)
    problem = None
    while True:
        result = connection.get_result()
        if result is None:
            return problem or answers
        problem = problem or check(result, connection)
        answers.append(columns_of(result))


def answer(connection, sql):
    """[(name, type OID), …] of every result, or the error's text."""
    data = sql.encode()
    if "$1" in sql:
        return with_parameters(connection.pgconn, data)
    return at_once(connection.pgconn, data)


def compare(server, postgres):
    """(statement, PostgreSQL's answer, ours) where they are not the same; how many were asked."""
    different, asked = [], 0
    with server.connect() as ours, postgres.connect() as theirs:
        ours.execute("SET statement_timeout = '10min'")
        for sql in statements():
            wanted = answer(theirs, sql)
            if isinstance(wanted, str):
                continue  # of another database than this one: it fails in PostgreSQL too
            asked += 1
            got = answer(ours, sql)
            if got != wanted:
                different.append((sql, wanted, got))
    return different, asked


def test_captured_statements():
    statements()  # skipped before anything is started
    with harness.Postgres() as postgres, harness.Server() as server:
        for sql in SHARED + POSTGRES:
            postgres.execute(sql)
        for sql in MILLRACE[:1] + SHARED + MILLRACE[1:]:
            server.execute(sql)
        different, asked = compare(server, postgres)
        for sql, wanted, got in different:
            if os.environ.get("MILLRACE_SHOW"):
                print("# " + " ".join(sql.split())[:2000] + f"\n#   PostgreSQL: {wanted}\n#   here: {got}")
            else:
                print("#   " + " ".join(sql.split())[:120] + " …: " + str(got)[:200].replace("\n", " "))
        print(f"# captured statements: {asked - len(different)} of {asked} as in PostgreSQL")
        assert not different, f"{len(different)} of {asked} statements have another answer"


def test_rows_of_the_standard():
    """information_schema's lists of features, limits and facts are PostgreSQL's, but for its minor version."""
    with harness.Postgres() as postgres, harness.Server() as server, \
            postgres.connect(user="postgres", dbname="postgres") as theirs, server.connect() as ours:
        for name in ("sql_features", "sql_implementation_info", "sql_parts", "sql_sizing"):
            sql = f"SELECT * FROM information_schema.{name} ORDER BY 1, 2, 3"
            wanted, got = theirs.execute(sql), ours.execute(sql)
            assert [(c.name, c.type_code) for c in got.description] == \
                [(c.name, c.type_code) for c in wanted.description], name
            assert len(wanted := wanted.fetchall()) == len(got := got.fetchall()), (name, len(wanted), len(got))
            for one, other in zip(wanted, got):
                assert one == other or one[1] == other[1] == "DBMS VERSION", (name, one, other)
        # Domains: neither has one of a user's.
        sql = "SELECT count(*) FROM information_schema.domains WHERE domain_schema = 'public'"
        assert theirs.execute(sql).fetchall() == ours.execute(sql).fetchall() == [(0,)]


harness.main(globals())
