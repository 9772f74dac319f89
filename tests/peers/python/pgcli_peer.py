"""pgcli: its own executor and completer over the catalogue, and the program itself with a script."""
import os
import subprocess
import sys

from peer import NAME, PATIENCE, RIDES, equal, run
from pgcli.completion_refresher import CompletionRefresher
from pgcli.pgexecute import PGExecute
from pgcli.pgcompleter import PGCompleter


def executor():
    return PGExecute(database=os.environ["PGDATABASE"], user=os.environ["PGUSER"],
                     password=os.environ["PGPASSWORD"], host=os.environ["PGHOST"], port=os.environ["PGPORT"],
                     sslmode="verify-full", sslrootcert=os.environ["PGSSLROOTCERT"])


def answers(sql):
    """Rows of each statement that the executor has run."""
    found = []
    for title, rows, headers, status, *rest in executor().run(sql):
        found.append((list(rows) if rows is not None else None, headers, status))
    return found


def check_login():
    one = executor()
    equal(one.server_version.split(".")[0], "15")
    equal(one.dbname, os.environ["PGDATABASE"])


def check_statements():
    (rows, headers, status), = answers("SELECT 1 AS a, 'x' AS b")
    equal((rows, headers, status), ([(1, "x")], ["a", "b"], "SELECT 1"))


def check_catalogue():
    one = executor()
    assert ("public", RIDES) in list(one.tables()), list(one.tables())
    assert any(column[:3] == ("public", RIDES, "city") for column in one.table_columns())
    assert ("public", NAME + "_lite") in list(one.views()), list(one.views())
    assert "public" in [row if isinstance(row, str) else row[0] for row in one.schemata()]
    assert os.environ["PGDATABASE"] in list(one.databases())
    list(one.foreignkeys()), list(one.datatypes()), list(one.functions()), list(one.search_path())


def check_completion():
    done = []
    completer = PGCompleter(smart_completion=True)
    refresher = CompletionRefresher()
    from pgspecial.main import PGSpecial
    refresher.refresh(executor(), PGSpecial(), done.append)
    from peer import until
    until(lambda: done, "pgcli's completions")
    from prompt_toolkit.document import Document
    text = f"SELECT * FROM {NAME}_r"
    found = [c.text for c in done[0].get_completions(Document(text, len(text)), None)]
    assert RIDES in found, found
    assert completer is not None


def check_program():
    script = f"INSERT INTO {RIDES} VALUES ('Oslo', 4);\nSELECT 40 + 2 AS answer;\n\\d {RIDES}\n"
    with open("pgcli.sql", "w", encoding="utf-8") as file:
        file.write(script)
    done = subprocess.run([sys.executable, "-m", "pgcli", "--warn", "off", "--less-chatty", "-f", "pgcli.sql"],
                          stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=PATIENCE,
                          env={**os.environ, "PGSSLMODE": "verify-full", "TERM": "dumb", "COLUMNS": "120"})
    assert "42" in done.stdout and "city" in done.stdout, done.stdout + done.stderr
    assert "Traceback" not in done.stderr, done.stderr


run([("login", check_login), ("statements", check_statements), ("catalogue", check_catalogue),
     ("completion", check_completion), ("program", check_program)])
