"""tests/lib/harness - what every Python test needs: a server of ours, a PostgreSQL, TAP, tables.

Only the standard library and psycopg.  A test script is a file tests/<name>_test.py that calls
harness.main(globals()); every function test_* in it is one test, or a generator of (name, call).
"""
from .data import Skip, dataset, expected_path, shared_path
from .paths import BUILD, ROOT, full, quick, sanitized, seed
from .postgres import Postgres
from .server import Server, ServerDied, free_port
from .tables import compare_tables, read_csv, sqlite_execute, sqlite_table
from .tap import main, run

__all__ = [
    "BUILD", "ROOT", "Postgres", "Server", "ServerDied", "Skip", "compare_tables", "dataset",
    "expected_path", "free_port", "full", "main", "quick", "read_csv", "run", "sanitized",
    "seed", "shared_path", "sqlite_execute", "sqlite_table",
]
