#!/usr/bin/env python3
"""server/pgcatalog/facts.py - writes the .def files beside it from a running PostgreSQL 15.

    MILLRACE_SOURCE=. MILLRACE_BUILD=build server/pgcatalog/facts.py

Which relations pg_catalog and information_schema have, with their columns; which types and collations
are built in; and the rows of information_schema that say what the standard's features, limits and facts
are there (sql_features and its kin).
"""
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "lib"))
from harness.postgres import Postgres  # noqa: E402

RELATIONS = """
SELECT n.nspname, c.relname, c.oid, c.relkind, array_agg(a.attname || ':' ||
    coalesce(base.typname, t.typname) || CASE WHEN a.attnotnull THEN '!' ELSE '' END ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type base ON base.oid = t.typbasetype
WHERE n.nspname IN ('pg_catalog', 'information_schema') AND c.relkind IN ('r', 'v')
GROUP BY 1, 2, 3, 4 ORDER BY n.nspname DESC, c.relname
"""
TYPES = """
SELECT t.oid, t.typname, t.typlen, t.typbyval, t.typtype, t.typcategory, t.typispreferred, t.typdelim,
    t.typelem, t.typarray, t.typinput, t.typoutput, t.typreceive, t.typsend, t.typalign, t.typstorage,
    t.typcollation
FROM pg_type t WHERE t.typnamespace = 'pg_catalog'::regnamespace AND t.typrelid = 0 AND NOT EXISTS (
    SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typrelid <> 0) ORDER BY t.oid
"""
FUNCTIONS = """
SELECT DISTINCT p.oid, p.proname FROM pg_type t
JOIN pg_proc p ON p.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend)
WHERE t.typnamespace = 'pg_catalog'::regnamespace ORDER BY p.oid
"""
STANDARD = ("sql_features", "sql_implementation_info", "sql_parts", "sql_sizing")


def head(name, what):
    return (f"/*\n * server/pgcatalog/{name} -\n * {what}\n"
            " * Made by facts.py from a PostgreSQL 15; its order is that of PostgreSQL's columns.\n */\n")


def wrap(words, indent, width=100):
    """The words as string constants below each other, with blanks between."""
    lines, line = [], ""
    for word in words:
        if line and len(line) + len(word) + len(indent) + 4 > width:
            lines.append(line + " ")
            line = word
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return "\n".join(f'{indent}"{text}"' for text in lines)


def constants(value):
    """The field as string constants of C, which become one; a long text is several."""
    if value is None:
        return ["NULL"]
    parts = re.findall(r".{1,80}(?:\s|$)", str(value)) or [""]
    return ['"' + re.sub(r'(["\\])', r"\\\1", part) + '"' for part in parts]


def write_standard(connection):
    """Every row as the texts of its columns; a version is that which version() says, too."""
    with open(HERE / "standard.def", "w", encoding="utf-8") as out:
        out.write(head("standard.def", "what information_schema says of the standard:\n"
                       " * MR_PG_STANDARD(relation, the columns as text; NULL: NULL)."))
        for name in STANDARD:
            for row in connection.execute(f"SELECT * FROM information_schema.{name} ORDER BY 1, 2, 3"):
                fields = ["15.00.0000" if re.fullmatch(r"15\.\d+\.0000\)?", str(field)) else field for field in row]
                line = f"MR_PG_STANDARD({name}"
                for field in fields:
                    line += ","
                    for text in constants(field):
                        if len(line) + len(text) > 97:
                            out.write(line + "\n")
                            line = "   "
                        line += f" {text}"
                out.write(line + ")\n")


def letter(value):
    return f"'{value}'"


def main():
    with Postgres() as server, server.connect(user="postgres", dbname="postgres") as connection:
        with open(HERE / "relations.def", "w", encoding="utf-8") as out:
            out.write(head("relations.def", "relations: MR_PG_RELATION(schema, name, oid, kind, columns).\n"
                           " * A column is name:type; ! says NOT NULL.  Domains stand as their base types."))
            for schema, name, oid, kind, columns in connection.execute(RELATIONS):
                number = oid if schema == "pg_catalog" else 0
                out.write(f'MR_PG_RELATION("{schema}", "{name}", {number}, {letter(kind)},\n'
                          f"{wrap(columns, '    ')})\n")
        with open(HERE / "types.def", "w", encoding="utf-8") as out:
            out.write(head("types.def", "types: MR_PG_TYPE(oid, name, length, by_value, type, category,\n"
                           " * preferred, delimiter, element, array, input, output, receive, send, align, storage,"
                           "\n * collation)."))
            for row in connection.execute(TYPES):
                (oid, name, length, by_value, kind, category, preferred, delimiter, element, array,
                 *io, align, storage, collation) = row
                io = ", ".join(f'"{function}"' for function in io)
                out.write(f'MR_PG_TYPE({oid}, "{name}", {length}, {str(by_value).lower()}, {letter(kind)}, '
                          f"{letter(category)}, {str(preferred).lower()}, {letter(delimiter)}, {element}, "
                          f"{array},\n    {io}, {letter(align)}, {letter(storage)}, {collation})\n")
        with open(HERE / "type_functions.def", "w", encoding="utf-8") as out:
            out.write(head("type_functions.def", "input and output functions of types: "
                           "MR_PG_TYPE_FUNCTION(oid, name)."))
            for oid, name in connection.execute(FUNCTIONS):
                out.write(f'MR_PG_TYPE_FUNCTION({oid}, "{name}")\n')
        write_standard(connection)


if __name__ == "__main__":
    main()
