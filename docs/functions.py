#!/usr/bin/env python3
"""docs/functions.py - writes docs/functions.md from the tables of a running server.

    PGHOST=localhost PGPORT=7432 docs/functions.py > docs/functions.md

Only the standard library and psql.  tests/docs_test.py checks that the page is up to date.
"""
import collections
import csv
import io
import subprocess
import sys

HEAD = """# Functions, operators and aggregates

<!-- Made by docs/functions.py from millrace.functions of a running server: change the tables in engine/ instead. -->

Each line is run by `tests/docs_test.py`: the example gives the result beside it. Where a name is also one of
PostgreSQL's, it does what it does there. CASE, COALESCE, NULLIF, GREATEST, LEAST, `current_date` and their like are
part of the [language](sql.md#queries). A server lists all of this in `millrace.functions`.
"""

# A function belongs to the first family of which it has a type.
FAMILIES = (
    ("dates and times", {"date", "time without time zone", "timestamp without time zone",
                         "timestamp with time zone", "time with time zone", "interval"}),
    ("the catalogue", {"oid", "name", '"char"', "xid", "pg_node_tree", "regclass", "regtype", "regproc",
                       "regprocedure", "regoper", "regnamespace", "regrole", "regcollation"}),
    ("JSON", {"json", "jsonb"}),
    ("bytes and identifiers", {"bytea", "uuid"}),
    ("text", {"text", "character varying"}),
    ("numbers", {"smallint", "integer", "bigint", "real", "double precision", "numeric"}),
    ("any type", {"any", "boolean"}),
)
KINDS = (("operator", "Operators"), ("function", "Functions"), ("aggregate", "Aggregates"),
         ("window function", "Functions of OVER"),
         ("set function", "Functions that give rows"))
OVERLOADS_SHOWN = 3
SHORT = {"timestamp without time zone": "timestamp", "timestamp with time zone": "timestamptz",
         "time without time zone": "time", "time with time zone": "timetz", "character varying": "varchar"}


def entries():
    """The rows of the view, in its order."""
    query = "COPY (SELECT name, kind, arguments, result, doc, example, returns FROM millrace.functions) TO STDOUT"
    done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", query + " (FORMAT csv, HEADER)"],
                          stdout=subprocess.PIPE, encoding="utf-8", check=False)
    if done.returncode != 0:
        sys.exit(f"docs/functions.py: psql ended with {done.returncode}")
    return list(csv.DictReader(io.StringIO(done.stdout)))


def family_of(overloads):
    """What most overloads of the name are about; the first family where that is open."""
    votes = collections.Counter()
    for entry in overloads:
        types = set(entry["arguments"].replace(", …", "").split(", ")) | {entry["result"]}
        votes[next((name for name, members in FAMILIES if types & members), "any type")] += 1
    order = [name for name, _ in FAMILIES]
    return min(votes, key=lambda name: (-votes[name], order.index(name)))


def code(text):
    """A code span in a table; backquotes inside take a longer fence."""
    fence = "``" if "`" in text else "`"
    return fence + text.replace("|", "\\|") + fence


def signature(entry):
    arguments = ", ".join(SHORT.get(word, word) for word in entry["arguments"].split(", "))
    result = entry["result"]
    for long, short in SHORT.items():
        result = result.replace(long, short)
    if entry["kind"] != "operator":
        return f"{entry['name']}({arguments}) → {result}"
    left, _, right = arguments.rpartition(", ")
    return f"{left} {entry['name']} {right} → {result}".lstrip()


def types_of(group, column):
    """The types in that column of the overloads, each once."""
    words = (word for entry in group for word in entry[column].split(", "))
    return ", ".join(dict.fromkeys(SHORT.get(word, word) for word in words))


def calls_of(group):
    """Each overload; many of them by their form and the types that it takes."""
    if len(group) <= OVERLOADS_SHOWN:
        return "<br>".join(dict.fromkeys(code(signature(entry)) for entry in group))
    count = group[0]["arguments"].count(",") + 1
    names = ", ".join("abcdefgh"[:count])
    form = signature({**group[0], "arguments": names}).partition(" → ")[0]
    return f"{code(form)} of {types_of(group, 'arguments')}<br>→ {types_of(group, 'result')}"


def lines_of(overloads):
    """One line for the overloads that are described alike; the first one's example stands for all."""
    alike = collections.defaultdict(list)
    for entry in overloads:
        alike[entry["doc"]].append(entry)
    for doc, group in alike.items():
        first = group[0]
        example, returns = code(first["example"]), code(first["returns"]) if first["returns"] != "" else "(empty)"
        if first["example"] == "":  # NULL: it would need a stream
            example = returns = ""
        yield f"| {calls_of(group)} | {doc.replace('|', chr(92) + '|')} | {example} | {returns} |"


def page(rows):
    names = collections.defaultdict(list)
    for entry in rows:
        names[entry["kind"], entry["name"]].append(entry)
    families = collections.defaultdict(list)
    for (kind, _), overloads in sorted(names.items()):
        family = family_of(overloads) if kind == "function" else ""
        families[kind, family].extend(lines_of(overloads))
    out = [HEAD]
    for kind, title in KINDS:
        out.append(f"## {title}\n")
        for family in ["", *sorted(name for name, _ in FAMILIES)]:
            lines = families.get((kind, family))
            if not lines:
                continue
            if family:
                out.append(f"### {title} of {family}\n")
            out.append("| call | what it gives | example | result |\n|---|---|---|---|\n" + "\n".join(lines) + "\n")
    return "\n".join(out)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(page(entries()))
