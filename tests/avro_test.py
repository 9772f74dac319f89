#!/usr/bin/env python3
"""tests/avro_test.py - Avro container files as input: every type as fastavro writes it, files that grow,
that are large and read by several threads, that the log holds as ranges, and that are damaged."""
import datetime
import decimal
import io
import os
import random
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import fastavro  # noqa: E402
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.server import wait_until  # noqa: E402

SEED = harness.seed()
ROWS = 50_000 if harness.quick() or harness.sanitized() else 300_000
UTC = datetime.timezone.utc


def record(*fields, name="r"):
    return {"type": "record", "name": name, "namespace": "test.made",
            "fields": [{"name": field, "type": kind} for field, kind in fields]}


PLAIN = record(("id", "long"), ("name", ["null", "string"]), ("amount", "double"))


def plain(first, count):
    return [{"id": i, "name": None if i % 7 == 0 else f"name {i}" * (i % 4), "amount": i / 8}
            for i in range(first, first + count)]


def shown(values):
    return [(v["id"], v["name"], v["amount"]) for v in values]


def write(path, values, schema=PLAIN, codec="deflate", **options):
    with open(path, "wb") as file:
        fastavro.writer(file, schema, values, codec=codec, **options)


def create(server, path, columns="id bigint, name text, amount double precision", name="s", **options):
    options = {"connector": "file", "path": path, "at_end": "stop", **options}
    text = ", ".join(f"\"{key}\" = '{value}'" if "." not in key else f"{key} = '{value}'"
                     for key, value in options.items())
    server.execute(f"CREATE STREAM {name} ({columns}) WITH ({text})")


def rows(server, name="s"):
    server.execute("FLUSH")
    return server.execute(f"SELECT * FROM {name} ORDER BY _seq")


def state(server, name="s"):
    return server.execute("SELECT state, error FROM millrace.streams WHERE name = %s", (name,))[0]


def test_every_type():
    logical = lambda kind, name, **more: {"type": kind, "logicalType": name, **more}  # noqa: E731
    inner = record(("a", "int"), ("b", {"type": "array", "items": ["null", "string"]}), name="inner")
    schema = record(
        ("b", "boolean"), ("i", "int"), ("l", "long"), ("f", "float"), ("d", "double"), ("t", "string"),
        ("y", "bytes"), ("e", {"type": "enum", "name": "colour", "symbols": ["RED", "BLUE"]}),
        ("day", logical("int", "date")), ("clock", logical("long", "time-micros")),
        ("ms", logical("long", "timestamp-millis")), ("us", logical("long", "timestamp-micros")),
        ("here", logical("long", "local-timestamp-micros")),
        ("price", logical("bytes", "decimal", precision=20, scale=4)), ("u", logical("string", "uuid")),
        ("list", {"type": "array", "items": "int"}), ("m", {"type": "map", "values": "double"}), ("doc", inner),
        ("again", ["null", "test.made.inner"]), ("either", ["null", "long", "string"]), ("unused", "string"))
    values = {
        "b": True, "i": -2**31, "l": 2**63 - 1, "f": 1.5, "d": -0.1, "t": 'größer "x"\n\\', "y": b"\x00\xff",
        "e": "BLUE", "day": datetime.date(1969, 12, 31), "clock": datetime.time(1, 2, 3, 4),
        "ms": datetime.datetime(1969, 12, 31, 23, 59, 59, 1000, UTC),
        "us": datetime.datetime(2026, 1, 2, 3, 4, 5, 6, UTC), "here": datetime.datetime(2026, 1, 2, 3, 4, 5, 6),
        "price": decimal.Decimal("-12345.0678"), "u": uuid.UUID(int=5), "list": [1, -2], "m": {"k": 0.25},
        "doc": {"a": 7, "b": ["x", None]}, "again": {"a": 8, "b": []}, "either": "s", "unused": "u"}
    columns = ("b boolean, i int, l bigint, f real, d double precision, t text, y bytea, e text, day date, clock time, "
               "ms timestamptz, us timestamptz, here timestamp, price numeric, u uuid, list int[], m jsonb, doc jsonb, "
               "again jsonb, either text, missing int, a int")
    with harness.Server() as server:
        for codec in ("null", "deflate"):
            path = server.temp / f"{codec}.avro"
            write(path, [values, {**values, "e": "RED", "price": decimal.Decimal("0.0001"), "again": None, "either": 9}],
                  schema, codec)
            create(server, path, columns, name=f"s_{codec}", **{"json_path.a": "$.doc.a"})
            one, two = rows(server, f"s_{codec}")
            wanted = tuple(values[name] for name in list(values)[:-1])
            assert one == (*wanted, None, 7), one
            assert two[7] == "RED" and two[13] == decimal.Decimal("0.0001") and two[18] is None and two[19] == "9", two


def test_a_large_file_on_several_threads():
    values = plain(0, ROWS)
    for workers in (1, 3):
        with harness.Server(settings={"workers": workers}) as server:
            path = server.temp / "large.avro"
            write(path, values, sync_interval=4000)
            create(server, path)
            assert rows(server) == shown(values)
            used, = server.execute("SELECT bytes FROM millrace.streams WHERE name = 's'")[0]
            server.kill()
            server.start()                          # from ranges of the file
            assert rows(server) == shown(values)
            assert used < 20 * ROWS, f"{used} bytes in the log for {ROWS} rows"


def test_a_changed_file_is_noticed():
    with harness.Server() as server:
        path = server.temp / "large.avro"
        write(path, plain(0, ROWS), codec="null")
        create(server, path, log="ranges")
        assert len(rows(server)) == ROWS
        server.stop()
        with open(path, "r+b") as file:
            file.seek(ROWS * 4)
            file.write(b"changed")
        server.start()
        try:
            server.execute("SELECT count(*), sum(amount) FROM s")
            raise AssertionError("the change was not noticed")
        except psycopg.Error as error:
            assert error.sqlstate == "XX002", error


def test_a_file_that_grows():
    """Whole blocks are taken as they come, the begun one once it is whole; a restart goes on behind."""
    with harness.Server() as server:
        whole = io.BytesIO()
        fastavro.writer(whole, PLAIN, plain(0, 30), codec="null", sync_interval=1)
        data = whole.getvalue()
        path = server.temp / "grows.avro"
        path.write_bytes(data[:50])
        create(server, path, at_end="wait", format="avro")
        assert rows(server) == []
        seen = 0
        for cut in (len(data) // 2, len(data) - 3):
            with open(path, "ab") as file:
                file.write(data[path.stat().st_size:cut])
            got = rows(server)
            assert seen < len(got) < 30 and got == shown(plain(0, len(got))), (seen, len(got))
            seen = len(got)
            server.restart()
        with open(path, "ab") as file:
            file.write(data[path.stat().st_size:])
        assert rows(server) == shown(plain(0, 30))


def test_rows_that_do_not_fit():
    with harness.Server() as server:
        path = server.temp / "in.avro"
        write(path, [{"id": i, "name": "x" if i == 2 else str(i), "amount": 0.0} for i in range(4)])
        create(server, path, "id int, name int", on_bad_row="reject")
        assert rows(server) == [(0, 0), (1, 1), (3, 3)]
        assert server.execute("SELECT line, sqlstate FROM millrace.rejected_rows") == [(3, "22P02")]
        create(server, path, "id int, name int", name="f")
        wait_until(lambda: state(server, "f")[0] == "failed", 30, "the bad row")


def test_damaged_files():
    """Cut anywhere, or with a byte changed: the stream fails, or has the rows; the server goes on."""
    rng = random.Random(SEED)
    whole = io.BytesIO()
    fastavro.writer(whole, PLAIN, plain(0, 200), codec="null", sync_interval=500)
    data = whole.getvalue()
    packed = io.BytesIO()
    fastavro.writer(packed, PLAIN, plain(0, 200), codec="deflate", sync_interval=500)
    with harness.Server() as server:
        for number in range(30):
            damaged = bytearray(packed.getvalue() if number % 3 == 2 else data)
            if number % 2 == 0:
                del damaged[rng.randrange(1, len(damaged)):]
            else:
                damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
            path = server.temp / f"{number}.avro"
            path.write_bytes(damaged)
            create(server, path, name="s")
            wait_until(lambda: state(server)[0] != "running", 30, "the end")
            assert server.execute("SELECT count(*) <= 200 FROM s") == [(True,)]
            server.execute("DROP STREAM s")
        (server.temp / "no.avro").write_bytes(b"id,name\n")
        create(server, server.temp / "no.avro", name="s")
        wait_until(lambda: state(server)[0] == "failed", 30, "the refusal")
        assert "not an Avro" in state(server)[1], state(server)


def test_what_is_not_taken():
    with harness.Server() as server:
        values = plain(0, 3)
        path = server.temp / "bz.avro"
        write(path, values, codec="bzip2")
        create(server, path, name="b")
        wait_until(lambda: state(server, "b")[0] == "failed", 30, "the refusal")
        assert "bzip2" in state(server, "b")[1], state(server, "b")
        try:
            server.execute("COPY b FROM STDIN (FORMAT avro)")
            raise AssertionError("COPY took Avro")
        except psycopg.Error as error:
            assert error.sqlstate == "22023", error


def raw_file(path, schema, *blocks):
    """A file whose blocks, (records, bytes), are as given: what a writer would not make."""
    out = io.BytesIO()
    fastavro.writer(out, schema, [], codec="null", sync_marker=b"0123456789abcdef")
    with open(path, "wb") as file:
        file.write(out.getvalue())
        for count, data in blocks:
            file.write(number(count) + number(len(data)) + data + b"0123456789abcdef")


def number(value):
    value, out = value << 1 if value >= 0 else (-value << 1) - 1, b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def test_much_text_of_few_bytes():
    """Arrays of nulls have no bytes: a block ends with an error before it keeps anybody busy for long."""
    nulls = record(("a", "int"), ("nulls", {"type": "array", "items": "null"}))
    million = number(1) + number(1_000_000) + number(0)
    endless = number(1) + number(2**62) + number(0)
    with harness.Server() as server:
        for name, columns, one, count, want in (
                ("kept", "a int, nulls jsonb", endless, 1, "a row of input has more than"),
                ("passed", "a int", endless, 1, "a row of input has more than"),
                ("block", "a int", million, 60_000, "more than 256 MB as text")):
            path = server.temp / f"{name}.avro"
            raw_file(path, nulls, (1, number(7) + number(0)), (count, one * count))
            create(server, path, columns, name=name)
            wait_until(lambda n=name: state(server, n)[0] == "failed", 60, "the end")
            assert want in state(server, name)[1], state(server, name)
            server.execute(f"DROP STREAM {name}")


def test_what_nobody_wants_is_not_looked_at():
    """Neither its size as text nor its value matters, as long as it can be passed over."""
    schema = record(("a", "int"), ("blob", "bytes"), ("at", {"type": "long", "logicalType": "timestamp-millis"}),
                    ("price", {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 1}), ("b", "int"))
    blob = b"\xff" * (9 << 20)
    data = (number(1) + number(len(blob)) + blob + number(2**62) + number(40) + b"\x7f" * 40 + number(2))
    with harness.Server() as server:
        path = server.temp / "wide.avro"
        raw_file(path, schema, (1, data))
        create(server, path, "a int, b int")
        assert rows(server) == [(1, 2)], state(server)


harness.main(globals())
