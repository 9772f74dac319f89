#!/usr/bin/env python3
"""docs/settings.py - writes docs/settings.md from the settings of a running server.

    PGHOST=localhost PGPORT=7432 docs/settings.py > docs/settings.md

Only the standard library and psql.  tests/docs_test.py checks that the page is up to date.
"""
import csv
import io
import subprocess
import sys

HEAD = """# Settings

<!-- Made by docs/settings.py from millrace.settings of a running server: change common/settings.def instead. -->

A setting has its value from `-c name=value` on the command line, else from a line `name = value` of `millrace.conf`
in the data directory, else its default. Sizes take the units B, kB, MB, GB, TB (none: bytes), times us, ms, s, min, h, d
(none: ms). `SHOW name` and `SELECT * FROM millrace.settings` say what is in force. Options of one stream or view stand
behind `WITH` in its statement ([sql.md](sql.md)).
"""
SCOPES = (
    ("reload", "Read again by SIGHUP", "Of the server; changed while it runs by the settings file and SIGHUP."),
    ("start", "Read at start", "Of the server; a change takes a new start."),
    ("session", "Of a session", "`SET`, `SET LOCAL` and `RESET` change them for the session, the settings file for all sessions to come."),
    ("fixed", "Fixed", "What clients ask for; nothing changes them."),
)


def entries():
    """The rows of the view, in its order."""
    query = 'COPY (SELECT name, initial, scope, doc FROM millrace.settings) TO STDOUT (FORMAT csv, HEADER)'
    done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", query],
                          stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"docs/settings.py: psql ended with {done.returncode}")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def line_of(entry):
    default = f"`{entry['initial']}`" if entry['initial'] else "(empty)"
    return f"| `{entry['name']}` | {default} | {entry['doc'].replace('|', chr(92) + '|')} |\n"


def page(rows):
    out = [HEAD]
    for scope, title, about in SCOPES:
        lines = [line_of(entry) for entry in rows if entry["scope"] == scope]
        out.append(f"## {title}\n\n{about}\n\n| setting | default | |\n|---|---|---|\n{''.join(lines)}")
    return "\n".join(out)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(page(entries()))
