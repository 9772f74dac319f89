"""asyncpg: everything binary, Flush instead of Sync after Parse, its own pool that resets each session."""
import asyncio
import datetime
import decimal
import os
import ssl
import uuid

import asyncpg
from peer import NAME, PATIENCE, RIDES, equal, run, sqlite_rows

UTC = datetime.timezone.utc
VALUES = (
    True, -32768, 2147483647, -9223372036854775808, 0.5, -1e300, decimal.Decimal("-12345.678"),
    "héllo \\ 'quoted' \t 日本", b"\0\1\xff", datetime.date(2026, 2, 28), datetime.time(23, 59, 59, 999999),
    datetime.datetime(2026, 1, 1, 10, 42, 31, 123456),
    datetime.datetime(2026, 7, 1, 12, 0, tzinfo=UTC), datetime.timedelta(days=1, seconds=7200),
    uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"), '{"a": [1, 2.5, null]}',
    ["a", "b c", 'd"e', None])
COLUMNS = ("a boolean, b smallint, c integer, d bigint, e real, f double precision, g numeric(12,3), h text, "
           "i bytea, j date, k time, l timestamp, m timestamptz, n interval, o uuid, p jsonb, r text[]")


async def connect(**more):
    context = ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"])
    return await asyncpg.connect(ssl=context, timeout=PATIENCE, **more)


def check(body):
    """A check on a connection of its own."""
    async def whole():
        connection = await connect()
        try:
            await body(connection)
        finally:
            await connection.close(timeout=PATIENCE)
    return lambda: asyncio.run(whole())


async def fails(kind, awaitable):
    try:
        await awaitable
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__}")


async def login(c):
    equal(c.get_server_version().major, 15)
    await fails(asyncpg.InvalidPasswordError, connect(password="wrong"))


async def types(c):
    stream = NAME + "_types"
    await c.execute(f"CREATE STREAM {stream} ({COLUMNS})")
    places = ", ".join(f"${n + 1}" for n in range(len(VALUES)))
    for row in (VALUES, (None,) * len(VALUES)):
        await c.execute(f"INSERT INTO {stream} VALUES ({places})", *row)
    rows = [tuple(row) for row in await c.fetch(f"SELECT * FROM {stream} ORDER BY b NULLS LAST")]
    equal(rows, [VALUES, (None,) * len(VALUES)])


# Every type that can be a column or a value: its name, and values that go there and back in binary.
EACH = {
    "boolean": (True, False), "smallint": (-32768, 7), "integer": (2147483647, -1), "bigint": (-2**63, 0),
    "real": (0.5, float("-inf")), "double precision": (-1e300, 0.1),
    "numeric": tuple(map(decimal.Decimal, ("-12345.6780", "0.00", "10000000000000000000000000000000", "0.0001", "NaN"))),
    "text": ("", "héllo \\ 'q' \"d\" {,} \t 日本", "NULL"), "varchar(20)": ("x y",), "name": ("a_name",),
    '"char"': (b"r",), "bytea": (b"", b"\0\1\xff"), "json": ('{"b": 1, "a": [null]}',), "jsonb": ('{"a": [1, 2.5, null]}',),
    "uuid": (uuid.UUID("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),), "date": (datetime.date(2026, 2, 28), datetime.date(1, 1, 1)),
    "time": (datetime.time(23, 59, 59, 999999), datetime.time()),
    "timestamp": (datetime.datetime(2026, 1, 1, 10, 42, 31, 123456), datetime.datetime(1900, 1, 1)),
    "timestamptz": (datetime.datetime(2026, 7, 1, 12, 0, tzinfo=UTC),),
    "interval": (datetime.timedelta(days=1, seconds=7200, microseconds=1), datetime.timedelta(days=-40)),
    "oid": (4294967295, 0)}


async def arrays(c):
    """A value, an array with a NULL, an empty one and one of two dimensions, of every type."""
    for kind, values in EACH.items():
        for value in values:
            got = await c.fetchval(f"SELECT $1::{kind}", value)
            assert got == value or got != got and value != value, f"{kind}: {got!r} instead of {value!r}"
        array = [v for v in values if v == v] + [None]
        for sent in (array, [], [array, array]):
            got = await c.fetchval(f"SELECT $1::{kind}[]", sent)
            equal((kind, got), (kind, sent))


async def catalogue(c):
    """asyncpg wants the names of objects as text, and their numbers when it casts."""
    for kind, name, number in (("regclass", "pg_class", 1259), ("regtype", "integer", 23), ("regproc", "lower", None),
                               ("regnamespace", "pg_catalog", 11)):
        if number is not None:
            equal(await c.fetchval(f"SELECT $1::{kind}::oid", name), number)
        equal(await c.fetchval(f"SELECT $1::{kind}", name), name)
        equal(await c.fetchval(f"SELECT $1::{kind}[]", [name, None]), [name, None])
    equal(await c.fetchval("SELECT '1 2'::int2vector"), [1, 2])
    equal(await c.fetchval("SELECT proargtypes FROM pg_proc WHERE proname = 'lower' LIMIT 1"), [25])
    equal(await c.fetchrow("SELECT oid::regclass, relkind FROM pg_class WHERE relname = 'pg_type'"), ("pg_type", b"r"))


async def prepared(c):
    statement = await c.prepare("SELECT $1::int + $2, $3::text || 'x'")
    equal([p.name for p in statement.get_parameters()], ["int4", "int4", "text"])
    equal([a.type.name for a in statement.get_attributes()], ["int4", "text"])
    for number in range(10):
        equal(tuple(await statement.fetchrow(number, 1, "y")), (number + 1, "yx"))
    equal(await c.fetchval("SELECT n FROM generate_series(1, 5) AS n"), 1)
    await c.executemany(f"INSERT INTO {RIDES} VALUES ($1, $2)", [("Kiel", n) for n in range(50)])
    equal(await c.fetchval(f"SELECT count(*) FROM {RIDES} WHERE city = $1", "Kiel"), 50)


async def transactions(c):
    try:
        async with c.transaction():
            await c.execute(f"INSERT INTO {RIDES} VALUES ('nowhere', 1)")
            try:
                async with c.transaction():         # a savepoint
                    await c.execute("SELECT nosuch")
            except asyncpg.UndefinedColumnError:
                pass
            await c.execute("SELECT 1")
            raise LookupError
    except LookupError:
        pass
    equal(await c.fetchval(f"SELECT count(*) FROM {RIDES} WHERE city = 'nowhere'"), 0)


async def pool(_):
    context = ssl.create_default_context(cafile=os.environ["PGSSLROOTCERT"])
    async with asyncpg.create_pool(min_size=1, max_size=2, ssl=context) as connections:
        for _ in range(5):
            async with connections.acquire() as c:
                await c.execute("SET TimeZone = 'Europe/Berlin'")
                await c.execute("LISTEN pooled")
            async with connections.acquire() as c:
                equal(await c.fetchval("SELECT current_setting('TimeZone')"), "UTC")


async def copy(c):
    stream = NAME + "_copy"
    await c.execute(f"CREATE STREAM {stream} (a integer, b text, c timestamptz)")
    at = datetime.datetime(2026, 1, 1, tzinfo=UTC)
    rows = [(n, None if n % 3 == 0 else f"row {n}", at) for n in range(200)]
    equal(await c.copy_records_to_table(stream, records=rows), "COPY 200")
    got = bytearray()

    async def take(data):
        got.extend(data)
    equal(await c.copy_from_query(f"SELECT a, b FROM {stream} WHERE a < $1 ORDER BY a", 3, output=take,
                                  format="csv"), "COPY 3")
    equal(bytes(got), b"0,\n1,row 1\n2,row 2\n")


async def cursor(c):
    async with c.transaction():
        numbers = []
        async for row in c.cursor("SELECT n FROM generate_series(1, $1::int) AS n", 10, prefetch=3):
            numbers.append(row[0])
        equal(numbers, list(range(1, 11)))
        one = await c.cursor("SELECT n FROM generate_series(1, 10) AS n")
        await one.forward(5)
        equal([row[0] for row in await one.fetch(2)], [6, 7])


async def cancel(c):
    """Its time-out sends a CancelRequest; the connection goes on."""
    await fails(asyncio.TimeoutError, c.execute(f"SUBSCRIBE TO {RIDES}", timeout=0.2))
    equal(await c.fetchval("SELECT 1"), 1)


async def errors(c):
    error = await fails(asyncpg.UndefinedColumnError, c.fetch("SELECT $1::int,\n nosuch", 1))
    equal((error.sqlstate, error.severity, error.position), ("42703", "ERROR", "18"))
    assert (await fails(asyncpg.PostgresError, c.execute(f"UPDATE {RIDES} SET km = 1"))).hint


async def notify(c):
    heard = asyncio.Queue()
    await c.add_listener(NAME, lambda *note: heard.put_nowait(note[1:]))
    other = await connect()
    await other.execute("SELECT pg_notify($1, $2)", NAME, "hello")
    equal(await asyncio.wait_for(heard.get(), PATIENCE), (other.get_server_pid(), NAME, "hello"))
    await other.close()


async def subscribe(c):
    """A cursor with one row a fetch follows a result that never ends."""
    other = await connect()
    await other.execute(f"INSERT INTO {RIDES} VALUES ('Turku', 7)")
    seen = []
    async with c.transaction():
        async for row in c.cursor(f"SUBSCRIBE (SELECT km FROM {RIDES} WHERE city = 'Turku')", prefetch=1):
            seen.append(tuple(row)[1:])
            if len(seen) == 2:
                break
            await other.execute(f"INSERT INTO {RIDES} VALUES ('Turku', 8)")
    equal(seen, [(1, 7), (1, 8)])
    await other.close()


async def target(c):
    await c.executemany(f"INSERT INTO {RIDES} VALUES ($1, $2)",
                        [("Oslo", 4), ("Bergen", 9), ("Oslo", 5), ("Oslo", 1)])
    await c.execute("FLUSH")
    wanted = [("Bergen", 9), ("Oslo", 10)]
    where = "WHERE city IN ('Oslo', 'Bergen') ORDER BY city"
    equal(sqlite_rows(f"SELECT city, km FROM {NAME}_lite {where}"), wanted)
    result = await asyncpg.connect(os.environ["PEER_TARGET_URL"])
    equal([tuple(row) for row in await result.fetch(f"SELECT city, km::bigint FROM {NAME}_pg {where}")], wanted)
    await result.close()


run([(body.__name__, check(body)) for body in (
    login, types, arrays, catalogue, prepared, transactions, pool, copy, cursor, cancel, errors, notify, subscribe, target)])
