"""tests/agreement/generate.py - expressions made of every function and operator of the registry.

Each argument type has a few values that are worth trying; an entry of one argument gets all of them,
one of several arguments a fixed sample of the combinations.
"""
import itertools
import re
import zlib

VALUES = {
    "boolean": ["true", "false", "NULL::boolean"],
    "smallint": ["0::int2", "1::int2", "(-7)::int2", "32767::int2", "(-32768)::int2", "NULL::int2"],
    "integer": ["0", "1", "-3", "7", "2147483647", "(-2147483648)", "NULL::int4"],
    "bigint": ["0::int8", "5::int8", "(-1)::int8", "9223372036854775807",
               "(-9223372036854775808)", "NULL::int8"],
    "real": ["0::real", "'-0'::real", "1.5::real", "-2.25::real", "1e30::real", "'NaN'::real", "'Infinity'::real",
             "NULL::real"],
    "double precision": ["0::float8", "0.5::float8", "1::float8", "(-1.75)::float8", "1e300::float8",
                         "1e-300::float8", "'NaN'::float8", "'-Infinity'::float8", "NULL::float8"],
    "numeric": ["0::numeric", "1.50", "-2.75", "10", "0.001", "123456789012.345", "'NaN'::numeric",
                "'Infinity'::numeric", "NULL::numeric"],
    "text": ["''::text", "'abc'::text", "'Hello World'::text", "'äöü €'::text", "'  x y  '::text", "'a,b,,c'::text",
             "'1'::text", "NULL::text"],
    "character varying": ["'abc'::varchar"],
    "bytea": ["''::bytea", "'\\x00ff10'::bytea", "'abc'::bytea", "NULL::bytea"],
    "date": ["'2026-02-28'::date", "'2024-02-29'::date", "'0044-03-15 BC'::date", "'infinity'::date",
             "'1969-12-31'::date", "NULL::date"],
    "time without time zone": ["'00:00'::time", "'13:45:06.789'::time", "'24:00'::time", "NULL::time"],
    "time with time zone": ["'00:00+00'::timetz", "'13:45:06.789-03:30'::timetz", "'24:00+14'::timetz", "NULL::timetz"],
    "timestamp without time zone": ["'2026-03-29 02:30:00'::timestamp", "'2024-02-29 23:59:59.999999'::timestamp",
                                    "'1900-01-01'::timestamp", "'-infinity'::timestamp", "NULL::timestamp"],
    "timestamp with time zone": ["'2026-03-29 01:30:00+00'::timestamptz", "'2000-12-31 23:59:59.5+00'::timestamptz",
                                 "'infinity'::timestamptz", "NULL::timestamptz"],
    "interval": ["'1 day'::interval", "'1 year 2 mons 3 days 04:05:06.7'::interval", "'-1 mon 30:00:00'::interval",
                 "'0'::interval", "NULL::interval"],
    "uuid": ["'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", "NULL::uuid"],
    "json": ["'{\"a\": 1, \"b\": [1, 2, null]}'::json", "'[1, \"x\", {\"a\": null}]'::json", "'\"s\"'::json",
             "'null'::json", "NULL::json"],
    "jsonb": ["'{\"a\": 1, \"b\": [1, 2, null]}'::jsonb", "'[1, \"abc\", {\"a\": null}]'::jsonb", "'\"s\"'::jsonb",
              "'1.50'::jsonb", "'{}'::jsonb", "NULL::jsonb"],
    "oid": ["0::oid", "'16384'::oid", "4294967295::oid", "'-1'::oid", "NULL::oid"],
    "name": ["''::name", "'abc'::name", "repeat('ä', 40)::name", "NULL::name"],
    "\"char\"": ["''::\"char\"", "'r'::\"char\"", "'abc'::\"char\"", "NULL::\"char\""],
    "jsonpath": ["'$.a'::jsonpath", "'strict $.b[*]'::jsonpath", "'$[*] ? (@ > 1)'::jsonpath", "NULL::jsonpath"],
    "text[]": ["'{a,b}'::text[]", "'{}'::text[]", "'{b,NULL,0}'::text[]", "NULL::text[]"],
    "integer[]": ["'{1,2}'::int[]", "'{}'::int[]", "'{3,NULL}'::int[]", "NULL::int[]"],
    "any": ["1", "'x'::text", "1.50", "true", "'2026-01-02 03:04:05'::timestamp", "'1 day'::interval",
            "'{1,2}'::int[]", "'{\"a\": 1}'::jsonb", "NULL::int"],
    "anyarray": ["'{1,2}'::int[]", "'{a,NULL}'::text[]", "'{}'::int[]", "'{{1,2},{3,4}}'::int[]"],
}
VALUES["bpchar"] = VALUES["character"] = ["'abc'::char(5)", "''::char(2)", "'äöü €'::char(4)", "NULL::char(3)"]

# Not PostgreSQL's, not called by name there, or different from moment to moment.
LEFT_OUT = {
    "time_bucket", "tumble", "to_timestamp_ltz", "zscore", "ARRAY", "[]", "[:]", "random", "gen_random_uuid",
    "now", "transaction_timestamp", "statement_timestamp", "clock_timestamp", "proctime", "version", "hour", "day", "dayofmonth", "dayofweek", "dayofyear", "minute", "month", "quarter", "second",
    "week", "year", "from_unixtime", "unix_timestamp", "position", "overlay", "kmeans_assign",
    "set_config",
    "generate_series",  # rows without end between the values above: expr_series.txt has it
}
# What PostgreSQL says depends on its minor version (the number of characters wraps around in some), or on the day.
UNSETTLED = re.compile(r"^right\(.*\(-2147483648\)\)$|^age\([^,]*\)$")
# What is asked of the catalogue is the server's own affair: its objects, roles, settings, transactions.
# Functions that the planner calls have names of our own.
CATALOGUE = re.compile(r"^(mr_|_?pg_|has_|to_reg|txid_|inet_|current_|obj_|col_|shobj_|row_security|format_type)")
SAMPLES = 14


def is_symbol(name):
    return not (name[0].isalpha() or name[0] == "_")


def call(name, arguments):
    if not is_symbol(name):
        return f"{name}({', '.join(arguments)})"
    if len(arguments) == 1:
        return f"{name} ({arguments[0]})"
    return f"({arguments[0]}) {name} ({arguments[1]})"


def sample(name, lists):
    """All combinations where they are few; else every k-th of them, beginning at a place of the name's own."""
    combinations = list(itertools.product(*lists))
    if len(combinations) <= SAMPLES:
        return combinations
    step = len(combinations) / SAMPLES
    start = zlib.crc32(name.encode()) % max(1, int(step))
    return [combinations[(start + int(i * step)) % len(combinations)] for i in range(SAMPLES)]


def type_of(part):
    """What values an argument takes."""
    return part.removeprefix("VARIADIC ")


def expressions(entries):
    """Of (name, arguments, result) rows, arguments as millrace.functions writes them."""
    found = []
    for name, arguments, _ in sorted(entries, key=lambda entry: (entry[0], entry[1])):
        types = [part for part in arguments.replace(", …", "").split(", ") if part]
        if name in LEFT_OUT or CATALOGUE.match(name) or any(type_of(part) not in VALUES for part in types):
            continue
        array = "VARIADIC " if "VARIADIC " in arguments else ""
        found += [call(name, [*values[:-1], array + values[-1]] if array else values)
                  for values in sample(name + arguments, [VALUES[type_of(t)] for t in types])]
    return [text for text in dict.fromkeys(found) if not UNSETTLED.match(text)]


# A time of day gets the zone that is in force today, there; standard time, here.
SEASONAL = re.compile(r"^\((?:'10:30'|'[0-9:.]*'::time)\)::timetz$")
CAST_TARGETS = ["boolean", "int2", "int4", "int8", "real", "float8", "numeric", "numeric(5,2)", "text", "varchar(3)",
                "bytea", "date", "time", "time(1)", "timetz", "timestamp", "timestamp(0)", "timestamptz", "interval", "uuid",
                "json", "jsonb", "oid", "name", "\"char\"", "interval day to hour", "interval(2)", "interval year", "int4[]", "text[]", "numeric(4,1)[]"]


def casts():
    """Every value as every type."""
    values = [value for name, some in VALUES.items() if name not in ("any", "anyarray") for value in some]
    literals = ["'1'", "'1.5'", "' 12 '", "'x'", "''", "'t'", "'1e3'", "'-0'", "'NaN'", "'infinity'", "'2026-01-01'",
                "'10:30'", "'2026-01-01 10:30:15.123456'", "'{1,2}'", "'[1]'", "'1 day'", "'P1DT2H'", "'\\x41'",
                "'99999999999999999999'", "NULL"]
    found = [f"({value})::{target}" for value in values + literals for target in CAST_TARGETS]
    return [text for text in found if not SEASONAL.match(text)]
