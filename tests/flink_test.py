#!/usr/bin/env python3
"""tests/flink_test.py - engine = 'flink': what the server does when the gateway answers badly or not at all,
against a gateway without a cluster; and, unless --quick, a real cluster (tests/flink) that computes what the
same SELECT gives here."""
import decimal
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import psycopg  # noqa: E402

import harness  # noqa: E402
from harness.flink import FakeGateway, Flink  # noqa: E402
from harness.paths import quick  # noqa: E402
from harness.server import wait_until  # noqa: E402

COLUMNS = "at timestamptz NOT NULL, page text NOT NULL, added bigint"
COUNTS = ("SELECT window_start, page, count(*) AS edits, sum(added) AS added "
          "FROM TUMBLE(edits, at, INTERVAL '1' MINUTE) GROUP BY window_start, page EMIT ON WINDOW CLOSE")
CREATE = "CREATE MATERIALIZED VIEW pg.busy WITH (engine = 'flink') AS " + COUNTS


def fails(sqlstate, server, sql):
    try:
        server.execute(sql)
    except psycopg.Error as error:
        assert error.sqlstate == sqlstate, f"{error.sqlstate} instead of {sqlstate}: {error}"
        return str(error)
    raise AssertionError(f"did not fail with {sqlstate}: {sql}")


def settings(gateway, exchange, **more):
    return {"flink_gateway": gateway, "flink_exchange": exchange, "flink_part_interval": "20ms",
            "target_retry_max": "200ms", **more}


class Setting:
    """A server with a target, an exchange and a stream; the gateway is the caller's."""

    def __init__(self, postgres, gateway, http=False, **more):
        self.postgres = postgres
        self.server = harness.Server(http=http)
        self.exchange = self.server.temp / "exchange"
        self.exchange.mkdir()
        self.server.settings = settings(gateway, self.exchange, **more)

    def __enter__(self):
        server = self.server.start()
        self.postgres.execute("DROP SCHEMA public CASCADE")
        self.postgres.execute("CREATE SCHEMA public")
        for sql in self.postgres.connection_sql("pg"):
            server.execute(sql)
        server.execute(f"CREATE STREAM edits ({COLUMNS}, WATERMARK FOR at AS at - INTERVAL '1' HOUR)")
        return self

    def __exit__(self, kind, value, trace):
        self.server.__exit__(kind, value, trace)

    def insert(self, first, count):
        self.server.execute(
            "INSERT INTO edits SELECT timestamptz '2026-01-01 10:00:00+00' + i * interval '1 second', 'p' || i % 3, i "
            f"FROM generate_series({first}, {first + count - 1}) i")

    def facts(self, name="busy"):
        return self.server.execute("SELECT state, coalesce(error, ''), engine, coalesce(job, '') FROM millrace.queries "
                                   "WHERE name = %s", (name,))[0]

    def wait_state(self, state, name="busy"):
        wait_until(lambda: self.facts(name)[0] == state, 120, f"{name} to be {state}, not {self.facts(name)}")

    def files(self, pattern):
        return [[json.loads(line)["added"] for line in path.read_text().splitlines()]
                for path in sorted(self.exchange.glob(pattern))]

    def tables(self):
        return {name for (name,) in self.postgres.execute(
            "SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
            "WHERE nspname = 'public' AND relkind = 'r'")}

    def ack(self, job, rows):
        self.postgres.execute("INSERT INTO busy_flink VALUES (%s, 0, %s) ON CONFLICT (job, input) "
                              "DO UPDATE SET rows_read = excluded.rows_read", (job, rows))


def nothing_is_left(setting):
    assert setting.server.execute("SELECT count(*) FROM millrace.queries") == [(0,)]
    assert setting.tables() == set(), setting.tables()
    assert list(setting.exchange.iterdir()) == [], list(setting.exchange.iterdir())


def no_secret(setting, *texts):
    for text in (setting.server.log_text(), *texts):
        assert setting.postgres.password not in text, text


def bad_gateways(postgres):
    """CREATE says what is wrong with the gateway, and leaves nothing behind."""
    with FakeGateway() as gateway, Setting(postgres, gateway.url) as setting:
        for mode, sqlstate, words in (("500", "08P01", "500"), ("garbage", "08P01", "500"),
                                      ("html", "08P01", "not Flink's SQL Gateway"),
                                      ("empty", "08P01", "not Flink's SQL Gateway"),
                                      ("hang up", "08001", "could not reach"),
                                      ("silent", "08001", "did not answer in time")):
            gateway.mode = mode
            error = fails(sqlstate, setting.server, CREATE)
            assert words in error, error
            nothing_is_left(setting)
        gateway.mode = "well"
        gateway.refusal = f"Unsupported options found for 'jdbc': {postgres.password}"
        error = fails("HV000", setting.server, CREATE)
        assert "Flink says: Unsupported options" in error, error
        no_secret(setting, error)
        gateway.refusal, gateway.scans = None, 2
        fails("0A000", setting.server, CREATE)
        nothing_is_left(setting)


def no_gateway(postgres):
    port = harness.free_port()
    with Setting(postgres, f"http://127.0.0.1:{port}") as setting:
        error = fails("08001", setting.server, CREATE)
        assert f"http://127.0.0.1:{port}" in error, error
        nothing_is_left(setting)
    for gateway, sqlstate in (("", "55000"), ("https://127.0.0.1:1", "22023"), ("127.0.0.1:1", "22023")):
        with Setting(postgres, gateway) as setting:
            fails(sqlstate, setting.server, CREATE)
    with FakeGateway() as gateway, Setting(postgres, gateway.url, flink_exchange="/nowhere") as setting:
        fails("58030", setting.server, CREATE)


def one_job(postgres):
    """The job is found again after kill -9, and after its submission's answer was lost; the rows that it sees
    come in files, each once it has read the one before."""
    with FakeGateway() as gateway, Setting(postgres, gateway.url) as setting:
        setting.insert(0, 10)
        gateway.loses = True
        setting.server.execute(CREATE)
        setting.wait_state("RUNNING")
        assert (gateway.submissions(), len(gateway.running())) == (1, 1), gateway.jobs
        gateway.loses = False
        assert setting.tables() == {"busy", "busy_flink"}, setting.tables()
        setting.server.execute("FLUSH")
        first = setting.files("*/job-1/0/*.json")
        assert sum(first, []) == list(range(10)), first
        for at in (10, 20):
            setting.insert(at, 10)
            setting.server.execute("FLUSH")
        assert len(setting.files("*/job-1/0/*.json")) == len(first)
        setting.server.kill()
        setting.server.start()
        setting.wait_state("RUNNING")
        setting.ack(1, 10)
        wait_until(lambda: sum(setting.files("*/job-1/0/*.json"), []) == list(range(30)), 60, "the next files")
        assert gateway.submissions() == 1, gateway.statements
        assert setting.facts()[3] == gateway.jobs[0][0], setting.facts()
        no_secret(setting, *(row for (row,) in setting.server.execute("EXPLAIN MATERIALIZED VIEW busy")),
                  *(row for (row,) in setting.server.execute("EXPLAIN PROGRESS busy")))


def gone_and_back(postgres):
    """A gateway that is away, a job that fails, two jobs of one name; SUSPEND, RESUME and DROP."""
    with FakeGateway() as gateway, Setting(postgres, gateway.url) as setting:
        setting.server.execute(CREATE)
        setting.wait_state("RUNNING")
        gateway.mode = "500"
        setting.wait_state("RETRYING")
        assert setting.facts()[1].startswith("08P01"), setting.facts()
        setting.insert(0, 5)
        setting.server.execute("FLUSH")
        fails("08P01", setting.server, "DROP MATERIALIZED VIEW busy")
        gateway.mode = "well"
        setting.wait_state("RUNNING")
        assert gateway.submissions() == 1
        gateway.jobs[0][2] = "RESTARTING"
        setting.wait_state("RETRYING")
        assert "fails and is tried again" in setting.facts()[1], setting.facts()
        gateway.jobs[0][2] = "FAILED"
        wait_until(lambda: gateway.submissions() == 2, 60, "another job")
        setting.wait_state("RUNNING")
        assert setting.files("*/job-2/0/*.json") == [list(range(5))], setting.files("*/*/*/*")
        assert setting.files("*/job-1/0/*.json") == []
        gateway.jobs.append(["f" * 32, gateway.jobs[1][1], "RUNNING"])
        wait_until(lambda: gateway.submissions() == 3 and len(gateway.running()) == 1, 60, "one job alone")
        setting.server.execute("ALTER MATERIALIZED VIEW busy SUSPEND")
        wait_until(lambda: not gateway.running(), 60, "no job")
        assert setting.facts()[0] == "SUSPENDED"
        setting.server.restart()
        assert setting.facts()[0] == "SUSPENDED" and not gateway.running()
        setting.server.execute("ALTER MATERIALIZED VIEW busy RESUME")
        wait_until(lambda: len(gateway.running()) == 1, 60, "a job")
        setting.wait_state("RUNNING")
        setting.server.execute("DROP MATERIALIZED VIEW busy")
        assert not gateway.running(), gateway.jobs
        nothing_is_left(setting)
        setting.server.execute(CREATE)
        setting.wait_state("RUNNING")
        gateway.mode = "hang up"
        fails("08001", setting.server, "DROP MATERIALIZED VIEW busy")
        setting.server.execute("DROP MATERIALIZED VIEW busy FORCE")
        nothing_is_left(setting)


def refused(postgres):
    with FakeGateway() as gateway, Setting(postgres, gateway.url) as setting:
        server = setting.server
        server.execute(CREATE)
        setting.wait_state("RUNNING")
        for sql in (CREATE.replace("CREATE", "CREATE OR REPLACE"),
                    "CREATE OR REPLACE MATERIALIZED VIEW pg.busy AS " + COUNTS,
                    "REFRESH MATERIALIZED VIEW busy", "ALTER MATERIALIZED VIEW busy RENAME TO calm",
                    "ALTER MATERIALIZED VIEW busy SET (error_limit = 5)",
                    "CREATE MATERIALIZED VIEW pg.more AS SELECT page FROM busy",
                    "CREATE MATERIALIZED VIEW busier WITH (engine = 'flink') AS " + COUNTS,
                    "CREATE MATERIALIZED VIEW pg.b WITH (engine = 'flink') AS " + COUNTS.replace(
                        "AS edits", 'AS "Edits"')):
            fails("0A000", server, sql)
        fails("2BP01", server, "ALTER STREAM edits DROP COLUMN added")
        assert gateway.submissions() == 1 and len(gateway.running()) == 1
        server.execute("DROP STREAM edits CASCADE")
        assert not gateway.running()
        nothing_is_left(setting)


def forms(postgres):
    """The rows in the files are in the forms that Flink reads; a time that has none stops the feed."""
    with FakeGateway() as gateway, Setting(postgres, gateway.url) as setting:
        server = setting.server
        server.execute("CREATE STREAM kinds (id int NOT NULL, at timestamptz, ts timestamp, d date, n numeric(10,2), "
                       "x double precision, b bytea, t text, u uuid, j json, ok boolean)")
        server.execute("CREATE MATERIALIZED VIEW pg.ids WITH (engine = 'flink') AS SELECT _seq, id FROM kinds")
        setting.wait_state("RUNNING", "ids")
        server.execute("INSERT INTO kinds VALUES (1, '2026-01-01 10:00:00.25+02', '2026-01-01 10:00', '0001-01-01', -1.5, "
                       "'NaN', '\\x00ff10', E'a\"b\\n', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{\"a\": [1]}', true), "
                       "(2, NULL, NULL, NULL, NULL, 1e-7, NULL, NULL, NULL, NULL, NULL)")
        server.execute("FLUSH")
        def lines():
            return [json.loads(line) for path in setting.exchange.glob("*/job-1/0/*.json")
                    for line in path.read_text().splitlines()]
        wait_until(lambda: len(lines()) == 2, 60, "the file")
        first, second = ({name: value for name, value in line.items() if name[0] != "_"} for line in lines())
        assert first == {"id": 1, "at": "2026-01-01T08:00:00.25", "ts": "2026-01-01T10:00:00", "d": "0001-01-01",
                         "n": "-1.50", "x": "NaN", "b": "AP8Q", "t": 'a"b\n',
                         "u": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "j": '{"a": [1]}', "ok": True}, first
        assert second == {**dict.fromkeys(first), "id": 2, "x": 1e-7}, second
        server.execute("INSERT INTO kinds (id, at) VALUES (3, 'infinity')")
        setting.wait_state("FAILED", "ids")
        assert setting.facts("ids")[1].startswith("22008"), setting.facts("ids")


def die_at(postgres, point):
    """Whatever the moment of a kill, the exchange has each row once."""
    with FakeGateway() as gateway, Setting(postgres, gateway.url) as setting:
        server, number = setting.server, 0
        server.execute(CREATE)
        server.execute("ALTER MATERIALIZED VIEW busy SUSPEND")  # nothing is shown to a job, so that all is here
        server.execute("ALTER MATERIALIZED VIEW busy RESUME")
        gateway.mode = "500"
        server.stop()
        for hit in (1, 2, 3):
            server.launch(env={"MILLRACE_FAULT": f"{point}:{hit}:die"})
            try:
                server.wait_ready()
                for _ in range(5):
                    setting.insert(number, 5)
                    number += 5
                    server.execute("FLUSH")
                raise AssertionError(f"the point {point} was not passed")
            except (psycopg.OperationalError, harness.ServerDied):
                pass
            server.kill()
            server.start()
            server.execute("FLUSH")
            number = server.execute("SELECT count(*) FROM edits")[0][0]
            rows = sum(setting.files("*/job-*/0/*.json") + setting.files("*/0/*.json"), [])
            assert rows == list(range(number)), rows
            server.stop()
        server.start()


def test_fake_gateway():
    with harness.Postgres() as postgres:
        yield "bad answers leave nothing behind", lambda: bad_gateways(postgres)
        yield "no gateway, no exchange", lambda: no_gateway(postgres)
        yield "one job, found again", lambda: one_job(postgres)
        yield "gone and back", lambda: gone_and_back(postgres)
        yield "what is refused", lambda: refused(postgres)
        yield "forms of values", lambda: forms(postgres)
        for point in ("target.after_cas", "target.before_commit", "target.commit_sent"):
            yield f"each row once, die at {point}", lambda p=point: die_at(postgres, p)


# ---- A real cluster -------------------------------------------------------------------------------

WIKIPEDIA = ('"time" timestamp NOT NULL, channel text, "isRobot" boolean, "countryName" text, page text, "user" text, '
             'delta bigint, added bigint, deleted bigint')
FAR = "2030-01-01"
VIEWS = {
    "totals": "SELECT window_start, count(*) AS edits, sum(added) AS added, sum(deleted) AS deleted "
              "FROM TUMBLE(wiki, \"time\", INTERVAL '1' HOUR) GROUP BY window_start",
    "channels": "SELECT window_start, coalesce(channel, '-') AS channel, count(*) AS edits, max(delta) AS highest, "
                "min(delta) AS lowest FROM TUMBLE(wiki, \"time\", INTERVAL '10' MINUTE) "
                "GROUP BY window_start, coalesce(channel, '-')",
    "robots": "SELECT window_start, window_end, count(*) AS edits FROM HOP(wiki, \"time\", INTERVAL '15' MINUTE, "
              "INTERVAL '1' HOUR) WHERE \"isRobot\" GROUP BY window_start, window_end",
}


def far_row(server, channel):
    """Closes all windows of before."""
    server.execute(f"INSERT INTO wiki (\"time\", channel) VALUES ('{FAR}', '{channel}')")


def answers_agree(setting, condition):
    """Each target table is what the SELECT gives, but for windows that are open still."""
    for name, select in VIEWS.items():
        expected = setting.server.execute(f"SELECT * FROM ({select}) q WHERE {condition} ORDER BY 1, 2")
        assert len(expected) > 20, expected

        def same(name=name, expected=expected):
            return setting.postgres.execute(f"SELECT * FROM {name} WHERE {condition} ORDER BY 1, 2") == expected
        try:
            wait_until(same, 240, name)
        except AssertionError:
            got = setting.postgres.execute(f"SELECT * FROM {name} WHERE {condition} ORDER BY 1, 2")
            wrong = sorted(set(got) ^ set(expected), key=str)
            raise AssertionError(f"{name}: {len(got)} rows, {len(expected)} expected; {setting.facts(name)}; "
                                 f"{wrong[:6]}") from None


def post(server, lines):
    for start in range(0, len(lines), 500):
        status, text = server.post("wiki", b"".join(lines[start:start + 500]))
        assert status == 200, text


def real(postgres, flink):
    """A day of edits, in pieces: a restart and a kill of the server, a job that somebody cancels, a suspended
    one, and a gateway that is away for a while."""
    lines = (harness.dataset("wikipedia/edits.jsonl")).read_bytes().splitlines(keepends=True)
    quarter = len(lines) // 4
    with Setting(postgres, flink.gateway, flink_cluster=flink.cluster, flink_part_interval="200ms",
                 http=True) as setting:
        server = setting.server
        server.execute(f"CREATE STREAM wiki ({WIKIPEDIA}, WATERMARK FOR \"time\" AS \"time\" - INTERVAL '1' HOUR)")
        post(server, lines[:quarter])
        for name, select in VIEWS.items():
            server.execute(f"CREATE MATERIALIZED VIEW pg.{name} WITH (engine = 'flink') AS {select} "
                           "EMIT ON WINDOW CLOSE")
        for name in VIEWS:
            setting.wait_state("RUNNING", name)
        jobs = {name: setting.facts(name)[3] for name in VIEWS}
        post(server, lines[quarter:2 * quarter])
        server.restart(crash=True)
        for name in VIEWS:
            setting.wait_state("RUNNING", name)
        assert jobs == {name: setting.facts(name)[3] for name in VIEWS}
        server.execute("ALTER MATERIALIZED VIEW robots SUSPEND")
        flink.cancel(jobs["totals"])
        post(server, lines[2 * quarter:3 * quarter])
        wait_until(lambda: setting.facts("totals")[3] not in ("", jobs["totals"]), 120, "another job")
        flink.stop_gateway()
        setting.wait_state("RETRYING", "channels")
        assert setting.facts("channels")[1].startswith("08001"), setting.facts("channels")
        post(server, lines[3 * quarter:])
        flink.start_gateway()
        server.execute("ALTER MATERIALIZED VIEW robots RESUME")
        for name in VIEWS:
            setting.wait_state("RUNNING", name)
        far_row(server, "far")
        answers_agree(setting, f"window_start < '{FAR}'::timestamp - interval '1 day'")
        assert setting.facts("channels")[3] == jobs["channels"], "it ran all the time"
        for name in VIEWS:
            server.execute(f"DROP MATERIALIZED VIEW {name}")
        assert not [job for job in flink.jobs() if job[1] not in ("CANCELED", "FAILED")], flink.jobs()
        nothing_is_left(setting)
        no_secret(setting)


# ---- What is translated, on the cluster -----------------------------------------------------------

AT_ONCE = 6                      # jobs; the TaskManager has slots for two more


def read_queries():
    """The statements that come first, and (name, query) of the rest of tests/flink/queries.sql."""
    setup, queries = [], []
    text = (harness.ROOT / "tests" / "flink" / "queries.sql").read_text()
    for block in re.split(r";[ \t]*\n", text):
        comments = re.findall(r"^-- (.*)\n", block, re.M)
        sql = re.sub(r"^--.*\n", "", block, flags=re.M).strip()
        if sql.startswith(("CREATE", "INSERT")):
            setup.append(sql)
        elif sql:
            queries.append((comments[-1], sql))
    return setup, queries


def is_same(mine, theirs):
    if isinstance(mine, (float, decimal.Decimal)) and isinstance(theirs, (float, decimal.Decimal)):
        return mine == theirs or abs(float(mine) - float(theirs)) <= 1e-9 * abs(float(mine))
    return type(mine) is type(theirs) and mine == theirs


def are_same(mine, theirs):
    return len(mine) == len(theirs) and all(
        len(a) == len(b) and all(map(is_same, a, b)) for a, b in zip(sorted(mine, key=str), sorted(theirs, key=str)))


def translated(setting, queries):
    """As views of a cluster and as ours, over the same rows."""
    server, mine = setting.server, {}
    for name, sql in queries:
        server.execute(f"CREATE MATERIALIZED VIEW our_{name} WITH (numeric = 'text') AS {sql}")
        server.execute(f"CREATE MATERIALIZED VIEW pg.{name} WITH (engine = 'flink') AS {sql}")
    server.execute("FLUSH")
    for name, _ in queries:
        mine[name] = server.execute(f"SELECT * FROM our_{name}")
        assert mine[name], f"{name} has no row"

    def answer(name):
        return setting.postgres.execute(f"SELECT * FROM {name}")
    for name, _ in queries:
        try:
            wait_until(lambda: are_same(mine[name], answer(name)), 120, name)
        except AssertionError:
            raise AssertionError(f"{name}: {setting.facts(name)}\nhere:  {sorted(mine[name], key=str)}\n"
                                 f"Flink: {sorted(answer(name), key=str)}") from None
    for name, _ in queries:
        server.execute(f"DROP MATERIALIZED VIEW {name}")
        server.execute(f"DROP MATERIALIZED VIEW our_{name}")


def make_translated(postgres, flink):
    setup, queries = read_queries()
    with Setting(postgres, flink.gateway, flink_cluster=flink.cluster, flink_part_interval="50ms") as setting:
        setting.server.execute("DROP STREAM edits")
        for sql in setup:
            setting.server.execute(sql)
        # W of both streams passes the windows of all rows before; no row is from the future.
        setting.server.execute("INSERT INTO rides (at, id, city) VALUES ('2026-06-01', 99, 'far')")
        setting.server.execute("INSERT INTO edits (at, page, added) VALUES ('2026-06-01 00:00:00+00', 'far', 0)")
        for first in range(0, len(queries), AT_ONCE):
            some = queries[first:first + AT_ONCE]
            yield ", ".join(name for name, _ in some), lambda some=some: translated(setting, some)


def test_real_cluster():
    if quick():
        return
    with harness.Postgres() as postgres, Flink() as flink:
        yield "a day of edits", lambda: real(postgres, flink)
        yield from make_translated(postgres, flink)


harness.main(globals())
