"""psql 15: scripts, \\copy, FETCH_COUNT, \\gdesc, Ctrl-C, as people type them."""
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
import traceback

NAME = os.environ["PEER"]
RIDES = NAME + "_rides"
PATIENCE = float(os.environ["PEER_PATIENCE"])     # seconds that only what hangs waits for


def psql(script, *options, check=True, **environment):
    done = subprocess.run(["psql", "-X", "-v", "ON_ERROR_STOP=1", *options], input=script, text=True, capture_output=True,
                          timeout=PATIENCE, env={**os.environ, **environment})
    assert not check or done.returncode == 0, done.stderr
    return done


def ask(script, *options):
    return psql(script, "-qAt", *options).stdout


def equal(got, wanted):
    assert got == wanted, f"{got!r} instead of {wanted!r}"


def until_running(process, words):
    """Waits for the statement to be at work; the one that asks is another psql."""
    deadline = time.monotonic() + PATIENCE
    while ask("SELECT count(*) FROM millrace.sessions WHERE state = 'active' AND application_name = 'busy'") != "1\n":
        assert process.poll() is None and time.monotonic() < deadline, f"{words} does not run"


def login():
    done = psql("\\conninfo\n")
    assert "SSL connection (protocol: TLSv1." in done.stdout, done.stdout
    equal(psql("SELECT 1", check=False, PGPASSWORD="wrong").returncode, 2)


# Every type that can be a column: its name, and a value as psql shows it.
EACH = (("boolean", "t"), ("smallint", "-32768"), ("integer", "2147483647"), ("bigint", "-9223372036854775808"), ("real", "0.5"),
        ("double precision", "-1e+300"), ("numeric(12,3)", "-12345.678"), ("numeric", "NaN"), ("text", "héllo \\ 'q' \"d\" {,} 日本"),
        ("varchar(20)", "x y"), ("bytea", "\\x0001ff"), ("json", '{"b": 1,  "a": [null]}'), ("jsonb", '{"a": [1, 2.5, null]}'),
        ("uuid", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), ("date", "2026-02-28"), ("time", "23:59:59.999999"),
        ("timestamp", "2026-01-01 10:42:31.123456"), ("timestamptz", "2026-07-01 12:00:00+00"), ("interval", "1 mon 2 days 00:00:03.5"),
        ("integer[]", "{1,NULL}"), ("text[]", '{a,"b c",NULL,"NULL",""}'), ("numeric(5,2)[]", "{1.50,NULL}"), ("boolean[]", "{t,NULL}"),
        ("date[]", "{2026-01-01}"), ("uuid[]", "{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}"), ("double precision[]", "{0.5,Infinity}"),
        ("timestamptz[]", '{"2026-07-01 12:00:00+00"}'), ("jsonb[]", '{"{\\"a\\": 1}"}'), ("bytea[]", '{"\\\\x00ff"}'))


def every_type():
    """A row of all types and one of NULLs, as literals that :'name' quotes."""
    names = [f"c{n}" for n in range(len(EACH))]
    ask(f"CREATE STREAM {NAME}_each (" + ", ".join(f"{name} {kind}" for name, (kind, _) in zip(names, EACH)) + ")")
    settings = [part for name, (_, value) in zip(names, EACH) for part in ("-v", f"{name}={value}")]
    ask(f"INSERT INTO {NAME}_each VALUES (" + ", ".join(f":'{name}'" for name in names) + ")", *settings)
    ask(f"INSERT INTO {NAME}_each (c0) VALUES (NULL)")
    equal(ask(f"SELECT * FROM {NAME}_each WHERE c0", "-F", "\x1f").rstrip("\n").split("\x1f"), [value for _, value in EACH])
    equal(ask(f"SELECT * FROM {NAME}_each WHERE c0 IS NULL", "-P", "null=~"), "|".join(["~"] * len(EACH)) + "\n")
    for name in ('"char"', "name", "oid", "regclass"):
        equal(ask(f"SELECT '7'::{name}"), "7\n")


def types():
    every_type()
    ask(f"CREATE STREAM {NAME}_types (a boolean, b bigint, c numeric(8,2), d text, e timestamptz, f integer[], g bytea, "
        "h interval, i jsonb)")
    ask(f"INSERT INTO {NAME}_types VALUES (true, -9, 1.50, 'é''x', '2026-07-01 12:00Z', '{{1,NULL}}', '\\x0001', "
        "'1 mon 2 days', '{\"a\": 1}')")
    equal(ask(f"SELECT * FROM {NAME}_types"), "t|-9|1.50|é'x|2026-07-01 12:00:00+00|{1,NULL}|\\x0001|1 mon 2 days|{\"a\": 1}\n")
    equal(ask(f"SELECT a, c, f FROM {NAME}_types \\gdesc"), "a|boolean\nc|numeric(8,2)\nf|integer[]\n")
    equal(ask("SELECT 6 AS x, 7 AS y \\gset\nSELECT :x * :y;"), "42\n")


def copy():
    ask(f"CREATE STREAM {NAME}_copy (a integer, b text)")
    equal(psql(f"\\copy {NAME}_copy from stdin\n1\tx\n2\t\\N\n\\.\n").stdout, "COPY 2\n")
    equal(ask(f"\\copy (SELECT a, b FROM {NAME}_copy ORDER BY a) to stdout csv header"), "a,b\n1,x\n2,\n")
    assert "line 1" in psql(f"\\copy {NAME}_copy from stdin\nx\ty\n\\.\n", check=False).stderr


def cursor():
    equal(ask("SELECT n FROM generate_series(1, 250) AS n", "-v", "FETCH_COUNT=100"),
          "".join(f"{n}\n" for n in range(1, 251)))
    equal(ask("BEGIN; DECLARE c SCROLL CURSOR FOR SELECT n FROM generate_series(1, 5) AS n; FETCH LAST c; FETCH PRIOR c; COMMIT"),
          "5\n4\n")


def cancel():
    """Ctrl-C: the statement ends; a script ends with it."""
    process = subprocess.Popen(["psql", "-X", "-At", "-v", "VERBOSITY=verbose"], text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, "PGAPPNAME": "busy"})
    process.stdin.write(f"SUBSCRIBE TO {RIDES};\n")
    process.stdin.flush()
    until_running(process, "SUBSCRIBE")
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=PATIENCE)
    assert "57014" in told, told
    equal(ask("SELECT 1"), "1\n")


def errors():
    told = psql("SELECT 1,\n  nosuch;\n", "-v", "VERBOSITY=verbose", check=False).stderr
    assert "42703" in told and re.search(r"LINE 2: +nosuch;\n +\^", told), told
    assert "HINT" in psql(f"UPDATE {RIDES} SET km = 1;\n", check=False).stderr


def notify():
    out = ask(f"LISTEN {NAME};\nNOTIFY {NAME}, 'hello';\nSELECT 1;\n")
    assert re.search(rf'Asynchronous notification "{NAME}" with payload "hello" received from server process', out), out


def subscribe():
    ask(f"INSERT INTO {RIDES} VALUES ('Turku', 7)")
    equal(ask(f"BEGIN;\nDECLARE c CURSOR FOR SUBSCRIBE (SELECT km FROM {RIDES} WHERE city = 'Turku');\nFETCH ALL c;\n"
              "COMMIT;\n").split("|", 1)[1], "1|7\n")


def describe():
    """\\d and its family answer."""
    assert "city" in ask(f"\\d {RIDES}") and RIDES in ask("\\dt") and f"{NAME}_lite" in ask("\\dm")
    for command in ("\\l", "\\dn", "\\du", "\\df lower", "\\dT", "\\dv", "\\di", "\\ds", "\\dp", "\\d+ " + RIDES):
        ask(command)


def target():
    ask(f"INSERT INTO {RIDES} VALUES ('Oslo', 4), ('Bergen', 9), ('Oslo', 6);\nFLUSH;\n")
    wanted, sql = "Bergen|9\nOslo|10\n", "SELECT city, km FROM {} WHERE city IN ('Oslo', 'Bergen') ORDER BY city"
    equal(psql(sql.format(NAME + "_pg"), "-qAt", "-d", os.environ["PEER_TARGET_URL"]).stdout, wanted)
    with sqlite3.connect(f"file:{os.environ['PEER_SQLITE']}?mode=ro", uri=True) as connection:
        equal(connection.execute(sql.format(NAME + "_lite")).fetchall(), [("Bergen", 9), ("Oslo", 10)])


FAILED = 0
for call in (login, types, copy, cursor, cancel, errors, notify, subscribe, describe, target):
    try:
        call()
        print(f"ok - {call.__name__}")
    except BaseException:
        FAILED += 1
        print(f"not ok - {call.__name__}")
        for line in traceback.format_exc().splitlines()[-20:]:
            print("#   " + line)
sys.exit(FAILED)
