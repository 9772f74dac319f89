#!/usr/bin/env python3
"""tests/psql_test.py - psql does with the server what it does with PostgreSQL: scripts, \\copy, output
formats, variables, errors, exit codes, and the \\d family, whose answers stand in psql/catalogue.out
(MILLRACE_WRITE=1 writes it anew: read what changed)."""
import difflib
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402


CATALOGUE = [
    "CREATE STREAM edits (at timestamptz NOT NULL, page text DEFAULT 'none', added bigint, "
    "twice bigint GENERATED ALWAYS AS (added * 2) STORED, WATERMARK FOR at AS at - INTERVAL '10' SECOND)",
    "CREATE TABLE items (id bigint PRIMARY KEY, name varchar(20) NOT NULL, price numeric(10,2) DEFAULT 1)",
    "CREATE TABLE loose (a integer, b text[])",
    "CREATE INDEX loose_a ON loose (a, b)",
    "CREATE VIEW cheap AS SELECT id, name FROM items WHERE price < 10",
    "CREATE MATERIALIZED VIEW busy AS SELECT window_start, page, count(*) AS edits "
    "FROM TUMBLE(edits, at, INTERVAL '1' MINUTE) GROUP BY window_start, page",
    "CREATE INDEX ON busy (page, edits DESC)",
    "COMMENT ON STREAM edits IS 'who changed what'",
    "CREATE CONNECTION nowhere WITH (type = 'discard')",
    "CREATE SINK outside INTO nowhere.there AS SELECT page, added FROM edits",
    "CREATE FUNCTION twice(x bigint, y bigint DEFAULT 2) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$SELECT x * y$$",
    "COMMENT ON FUNCTION twice IS 'x, taken y times'",
]


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def make_cases(server):
    def out(*arguments, **more):
        return server.psql(*arguments, **more).stdout

    def session():
        """The first session of the manual."""
        text = out("-A", "-t", input="""
            CREATE STREAM edits (at timestamptz, page text, username text, added bigint,
                WATERMARK FOR at AS at - INTERVAL '10' SECOND);
            CREATE MATERIALIZED VIEW busy AS
                SELECT window_start, page, count(*) AS edits, sum(added) AS added
                FROM TUMBLE(edits, at, INTERVAL '1' MINUTE)
                GROUP BY window_start, page;
            \\copy edits FROM STDIN CSV HEADER
at,page,username,added
2026-01-01 00:00:01Z,A,x,5
2026-01-01 00:00:02Z,B,"y, z",7
2026-01-01 00:01:02Z,A,,1
\\.
            INSERT INTO edits VALUES ('2026-01-01 00:00:55Z', 'A', 'w', 10);
            SELECT page, edits, added FROM busy ORDER BY window_start, page;
        """)
        equal(text.split("\n"), ["CREATE STREAM", "CREATE MATERIALIZED VIEW", "COPY 3",
                                 "INSERT 0 1", "A|2|15", "B|1|7", "A|1|1", ""])
    yield "the first session", session

    def formats():
        sql = "SELECT * FROM (VALUES (1, 'x y', NULL), (22, 'é', 'z')) v(a, b, c) ORDER BY a"
        equal(out("-c", sql), " a  |  b  | c \n----+-----+---\n  1 | x y | \n 22 | é   | z\n"
                              "(2 rows)\n\n")
        equal(out("-A", "-c", sql), "a|b|c\n1|x y|\n22|é|z\n(2 rows)\n")
        equal(out("--csv", "-c", sql), "a,b,c\n1,x y,\n22,é,z\n")
        equal(out("-A", "-t", "-F", ";", "-P", "null=~", "-c", sql), "1;x y;~\n22;é;z\n")
        equal(out("-x", "-t", "-A", "-c", sql), "a|1\nb|x y\nc|\n\na|22\nb|é\nc|z\n")
    yield "output formats", formats

    def copy_files():
        with tempfile.TemporaryDirectory() as directory:
            source, target = directory + "/in.csv", directory + "/out.csv"
            with open(source, "w", encoding="utf-8") as file:
                file.write('a,b\n1,"x,y"\n2,\n3,"é\nü"\n')
            out("-c", "CREATE STREAM files (a integer, b text)")
            equal(out("-c", f"\\copy files FROM '{source}' WITH (FORMAT csv, HEADER)"), "COPY 3\n")
            equal(out("-c", f"\\copy (SELECT a, b FROM files ORDER BY a) TO '{target}' "
                            "WITH (FORMAT csv, HEADER)"), "COPY 3\n")
            with open(target, encoding="utf-8") as file:
                equal(file.read(), 'a,b\n1,"x,y"\n2,\n3,"é\nü"\n')
            equal(out("-A", "-t", "-c", "COPY files TO STDOUT"), "1\tx,y\n2\t\\N\n3\té\\nü\n")
    yield "\\copy both ways", copy_files

    def variables():
        equal(out("-A", "-t", "-v", "name=it's", input="SELECT :'name' AS name, 7 AS seven \\gset\n"
                                                       "\\echo :seven\nSELECT :seven + 1;\n"),
              "7\n8\n")
        equal(out("-A", "-t", input="SELECT 'SELECT 5' \\gexec\n"), "5\n")
        equal(out("-A", "-t", input="\\set FETCH_COUNT 2\n"
                  "SELECT x FROM (VALUES (1), (2), (3)) v(x) ORDER BY x;\n"), "1\n2\n3\n")
    yield "variables, \\gset, \\gexec", variables

    def failing():
        done = server.psql("-c", "SELECT 1,\n nosuch", check=False)
        equal(done.returncode, 1)
        assert 'ERROR:  column "nosuch" does not exist' in done.stderr, done.stderr
        assert "LINE 2:  nosuch\n         ^" in done.stderr, done.stderr
        equal(server.psql("-f", "/nosuch.sql", check=False).returncode, 1)
        equal(server.psql(input="SELECT 1/0;\nSELECT 2;\n", check=False).returncode, 3)
        done = server.psql("-v", "ON_ERROR_STOP=0", "-A", "-t",
                           input="\\set VERBOSITY verbose\nSELECT 1/0;\nSELECT 2;\n", check=False)
        equal((done.returncode, done.stdout), (0, "2\n"))
        assert "ERROR:  22012: division by zero" in done.stderr, done.stderr
    yield "errors and exit codes", failing

    def transaction():
        equal(out("-q", "-A", "-t", input="CREATE STREAM x (a integer);\nBEGIN;\n"
                  "INSERT INTO x VALUES (1);\nROLLBACK;\nBEGIN;\nINSERT INTO x VALUES (2);\n"
                  "COMMIT;\nSELECT a FROM x;\n"), "2\n")
        equal(out("-1", "-q", "-A", "-t", "-c", "INSERT INTO x VALUES (3)", "-c",
                  "INSERT INTO x VALUES (4)", "-c", "SELECT 1"), "1\n")
        equal(out("-A", "-t", "-c", "SELECT count(*) FROM x"), "3\n")
    yield "transactions, psql -1", transaction

    def show():
        text = out("-A", "-t", "-c", "SHOW STREAMS")
        assert "edits" in text and "files" in text, text
        assert "busy" in out("-A", "-t", "-c", "SHOW QUERIES")
        assert "page" in out("-A", "-t", "-c", "DESCRIBE edits")
        assert out("-A", "-t", "-c", "SHOW CREATE MATERIALIZED VIEW busy").startswith(
            "CREATE MATERIALIZED VIEW busy")
        for sql in ("EXPLAIN SELECT page, count(*) FROM edits GROUP BY page",
                    "EXPLAIN MATERIALIZED VIEW busy", "EXPLAIN PROGRESS busy", "SHOW SETTINGS",
                    "SHOW CONNECTIONS", "SHOW workers"):
            assert out("-A", "-t", "-c", sql).strip(), sql
        equal(out("-A", "-t", "-c", "FLUSH"), "FLUSH\n")
    yield "SHOW, DESCRIBE, EXPLAIN, FLUSH", show

    def large():
        """A \\copy of some size, and an answer of some size back."""
        rows = "".join(f"{i}\t{'x' * (i % 50)}\n" for i in range(200000))
        out("-c", "CREATE STREAM large (a bigint, b text)")
        equal(out("-c", "\\copy large FROM STDIN", input=rows), "COPY 200000\n")
        text = out("-A", "-t", "-c", "SELECT a, b FROM large ORDER BY a")
        equal(text, rows.replace("\t", "|"))
    yield "200 000 rows in and out", large


def test_psql():
    with harness.Server() as server:
        yield from make_cases(server)


def test_catalogue():
    """The \\d family, as psql 15 prints it."""
    texts = Path(__file__).resolve().parent / "psql"
    page = texts / "catalogue.out"
    with harness.Server() as server:
        for sql in CATALOGUE:
            server.execute(sql)
        done = server.psql("-a", "-f", str(texts / "catalogue.sql"))
    got = done.stdout + "".join(line.split("catalogue.sql:")[-1]
                                for line in done.stderr.splitlines(keepends=True))
    if os.environ.get("MILLRACE_WRITE"):
        page.write_text(got, encoding="utf-8")
    wanted = page.read_text(encoding="utf-8")
    assert got == wanted, "\n".join(difflib.unified_diff(wanted.split("\n"), got.split("\n"),
                                                         "catalogue.out", "psql", lineterm=""))


harness.main(globals())
