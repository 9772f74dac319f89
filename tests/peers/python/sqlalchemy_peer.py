"""SQLAlchemy 2 over psycopg 3 and psycopg2: the start of an engine, reflection of streams, tables, views and
results, Core and ORM, server-side cursors; COPY, cancel and NOTIFY by the driver's own connection."""
import datetime
import decimal
import io
import uuid

import psycopg
import sqlalchemy as sa
from peer import NAME, PATIENCE, RIDES, TARGET, URL, after, equal, fails, run, sqlite_rows
from sqlalchemy import orm
from sqlalchemy.dialects import postgresql

DRIVERS = ("psycopg", "psycopg2")


def engine(driver="psycopg", **more):
    return sa.create_engine(URL.replace("postgresql:", f"postgresql+{driver}:"), **more)


def check_login():
    for driver in DRIVERS:
        with engine(driver).connect() as c:
            equal(c.execute(sa.text("SELECT 1")).scalar(), 1)
            assert c.dialect.server_version_info >= (15, 0)
            equal(c.get_isolation_level(), "READ COMMITTED")
            assert c.execute(sa.text("SELECT current_user")).scalar() == "peer"
        wrong = sa.create_engine(sa.make_url(URL.replace("postgresql:", f"postgresql+{driver}:")).set(password="wrong"))
        fails(sa.exc.OperationalError, wrong.connect)


UTC = datetime.timezone.utc
EACH = ((sa.Boolean, True), (sa.SmallInteger, -32768), (sa.Integer, 2147483647), (sa.BigInteger, -2**63), (sa.REAL, 0.5),
        (sa.Double, -1.5e30), (sa.Numeric(12, 3), decimal.Decimal("-12345.678")), (sa.Text, "héllo \\ 'q' \t %s %(a)s 日"),
        (sa.String(9), "x y"), (sa.LargeBinary, b"\0\1\xff"), (sa.Date, datetime.date(2026, 2, 28)),
        (sa.Time, datetime.time(23, 59, 59, 999999)), (sa.DateTime, datetime.datetime(2026, 1, 1, 10, 42, 31, 123456)),
        (sa.DateTime(timezone=True), datetime.datetime(2026, 7, 1, 12, 0, tzinfo=UTC)),
        (sa.Interval, datetime.timedelta(days=1, seconds=7200)), (sa.Uuid, uuid.UUID(int=7)),
        (postgresql.JSONB, {"a": [1, 2.5, None]}), (sa.JSON, {"b": "x"}), (sa.ARRAY(sa.Integer), [1, 2, None]),
        (sa.ARRAY(sa.Text), ["a", "b c", 'd"e', None]), (sa.ARRAY(sa.Numeric(5, 2)), [decimal.Decimal("1.50"), None]),
        (sa.ARRAY(sa.Uuid), [uuid.UUID(int=8)]), (sa.ARRAY(sa.Boolean), [True, False]))


def check_types():
    """Every type there and back, by both drivers: made by CREATE TABLE, and known again by reflection."""
    for driver in DRIVERS:
        one, table = engine(driver), sa.Table(
            f"{NAME}_types_{driver}", sa.MetaData(), sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
            *(sa.Column(f"c{n}", kind) for n, (kind, _) in enumerate(EACH)))
        table.create(one)
        with one.begin() as c:
            c.execute(sa.insert(table), [{"id": 1, **{f"c{n}": value for n, (_, value) in enumerate(EACH)}}])
            c.execute(sa.insert(table), [{"id": 2}])
        with one.connect() as c:
            rows = [tuple(row) for row in c.execute(sa.select(table).order_by(table.c.id))]
        equal(rows[0], (1, *(value for _, value in EACH)))
        equal([value for value in rows[1][1:] if value is not None], [])
        known = sa.Table(table.name, sa.MetaData(), autoload_with=one)
        for column, (kind, _) in zip(list(known.columns)[1:], EACH):
            wanted = sa.types.to_instance(kind).compile(one.dialect)
            equal((driver, column.type.compile(one.dialect)), (driver, wanted))


def check_copy():
    with engine("psycopg").begin() as c:
        c.execute(sa.text(f"CREATE STREAM {NAME}_copy (a integer, b text)"))
        with c.connection.cursor().copy(f"COPY {NAME}_copy FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(["int4", "text"])
            for row in ((1, "x"), (2, None)):
                copy.write_row(row)
    with engine("psycopg2").begin() as c:
        cursor, out = c.connection.cursor(), io.StringIO()
        cursor.copy_expert(f"COPY {NAME}_copy FROM STDIN", io.StringIO("3\tq\n"))
        c.commit()
    with engine("psycopg2").begin() as c:
        c.connection.cursor().copy_expert(f"COPY (SELECT a, b FROM {NAME}_copy ORDER BY a) TO STDOUT (FORMAT csv)", out)
        equal(out.getvalue(), "1,x\n2,\n3,q\n")


def check_cursor():
    for driver in DRIVERS:
        with engine(driver).connect() as c:
            rows = c.execution_options(yield_per=3).execute(sa.text("SELECT n FROM generate_series(1, 10) AS n"))
            equal([[row[0] for row in part] for part in rows.partitions(3)], [[1, 2, 3], [4, 5, 6], [7, 8, 9], [10]])


def check_cancel():
    for driver in DRIVERS:
        with engine(driver).connect() as c, engine().connect() as other:
            raw = c.connection.driver_connection
            busy = sa.text(f"SELECT count(*) FROM millrace.sessions WHERE state = 'active' AND pid = {raw.info.backend_pid}")

            def is_running():
                return other.execute(busy).scalar() == 1
            thread = after(is_running, raw.cancel)
            error = fails(sa.exc.OperationalError, lambda: c.execute(sa.text(f"SUBSCRIBE TO {RIDES}")))
            thread.join()
            equal(getattr(error.orig, "sqlstate", None) or error.orig.pgcode, "57014")
            c.rollback()
            equal(c.execute(sa.text("SELECT 1")).scalar(), 1)


def check_notify():
    with engine(isolation_level="AUTOCOMMIT").connect() as c, engine("psycopg2").begin() as other:
        c.execute(sa.text(f"LISTEN {NAME}"))
        other.execute(sa.select(sa.func.pg_notify(NAME, "hello")))
        other.commit()
        note = next(c.connection.driver_connection.notifies(timeout=PATIENCE))
        equal((note.channel, note.payload), (NAME, "hello"))


def check_subscribe():
    """A cursor of the server's, row by row: the result never ends."""
    insert = sa.text(f"INSERT INTO {RIDES} VALUES ('Turku', :km)")
    with engine().connect() as c, engine(isolation_level="AUTOCOMMIT").connect() as writer:
        writer.execute(insert, {"km": 7})
        rows = c.execution_options(stream_results=True, max_row_buffer=1).execute(
            sa.text(f"SUBSCRIBE (SELECT km FROM {RIDES} WHERE city = 'Turku')"))
        equal(tuple(rows.fetchone())[1:], (1, 7))
        writer.execute(insert, {"km": 8})
        equal(tuple(rows.fetchone())[1:], (1, 8))


def check_reflection():
    with engine().connect() as c:
        c.execute(sa.text(f"CREATE TABLE {NAME}_cities (id integer PRIMARY KEY, name text NOT NULL, founded date)"))
        c.execute(sa.text(f"CREATE STREAM {NAME}_seen (at timestamptz, city text, km numeric(8,2), tags text[], "
                          "WATERMARK FOR at AS at)"))
        c.execute(sa.text(f"CREATE VIEW {NAME}_long AS SELECT city FROM {NAME}_seen WHERE km > 100"))
        c.commit()
        inspector = sa.inspect(c)
        equal(inspector.default_schema_name, "public")
        tables = inspector.get_table_names()
        assert {RIDES, f"{NAME}_cities", f"{NAME}_seen"} <= set(tables), tables
        assert f"{NAME}_long" in inspector.get_view_names(), inspector.get_view_names()
        assert f"{NAME}_lite" in inspector.get_materialized_view_names()
        equal(inspector.get_pk_constraint(f"{NAME}_cities")["constrained_columns"], ["id"])
        equal(inspector.get_foreign_keys(f"{NAME}_cities"), [])
        columns = {column["name"]: column for column in inspector.get_columns(f"{NAME}_seen")}
        equal(list(columns), ["at", "city", "km", "tags"])
        assert isinstance(columns["at"]["type"], sa.TIMESTAMP) and columns["at"]["type"].timezone
        assert isinstance(columns["km"]["type"], sa.NUMERIC) and columns["km"]["type"].scale == 2
        assert isinstance(columns["tags"]["type"], sa.ARRAY)
        cities = sa.Table(f"{NAME}_cities", sa.MetaData(), autoload_with=c)
        equal([(column.name, column.primary_key, column.nullable) for column in cities.columns],
              [("id", True, False), ("name", False, False), ("founded", False, True)])
        equal([column["name"] for column in inspector.get_columns(f"{NAME}_lite")], ["city", "km"])
        fails(sa.exc.NoSuchTableError, lambda: sa.Table("nosuch", sa.MetaData(), autoload_with=c))
        whole = sa.MetaData()
        whole.reflect(c, views=True, only=lambda name, _: name.startswith(NAME))
        assert f"{NAME}_long" in whole.tables


def check_core():
    with engine().connect() as c:
        rides = sa.Table(RIDES, sa.MetaData(), autoload_with=c)
        c.execute(sa.insert(rides), [{"city": "Kiel", "km": km} for km in range(20)])
        c.commit()
        total = sa.select(rides.c.city, sa.func.sum(rides.c.km).label("km")).where(
            rides.c.km.between(5, 15), rides.c.city == "Kiel").group_by(rides.c.city)
        equal([tuple(row) for row in c.execute(total)], [("Kiel", sum(range(5, 16)))])
        streamed = c.execution_options(stream_results=True, max_row_buffer=4).execute(
            sa.select(rides.c.km).where(rides.c.city == "Kiel").order_by(rides.c.km))
        equal([row[0] for row in streamed], list(range(20)))


class Base(orm.DeclarativeBase):
    pass


class City(Base):
    __tablename__ = NAME + "_towns"
    id: orm.Mapped[int] = orm.mapped_column(primary_key=True, autoincrement=False)
    name: orm.Mapped[str]
    founded: orm.Mapped[datetime.date | None]


def check_orm():
    """The ORM counts the rows of its UPDATEs and DELETEs, and takes another number for a conflict."""
    one = engine()
    City.__table__.create(one)
    with orm.Session(one) as session:
        session.add_all([City(id=1, name="Oslo", founded=datetime.date(1048, 1, 1)), City(id=2, name="Kiel")])
        session.commit()
        equal([city.name for city in session.scalars(sa.select(City).order_by(City.name))], ["Kiel", "Oslo"])
        session.get(City, 2).founded = datetime.date(1242, 1, 1)
        session.commit()
        session.delete(session.get(City, 1))
        session.commit()
    with orm.Session(one) as session:
        equal([(city.name, city.founded.year) for city in session.scalars(sa.select(City))], [("Kiel", 1242)])
    City.__table__.drop(one)


def check_errors():
    with engine().connect() as c:
        error = fails(sa.exc.ProgrammingError, lambda: c.execute(sa.text("SELECT nosuch")))
        equal((error.orig.sqlstate, error.orig.diag.statement_position), ("42703", "8"))
        c.rollback()
        assert fails(sa.exc.DBAPIError, lambda: c.execute(sa.text(f"UPDATE {RIDES} SET km = 1"))).orig.diag.message_hint


def check_target():
    with engine("psycopg2").connect() as c:
        c.execute(sa.text(f"INSERT INTO {RIDES} VALUES ('Oslo', 4), ('Bergen', 9), ('Oslo', 6)"))
        c.commit()
        c.execute(sa.text("FLUSH"))
    wanted = [("Bergen", 9), ("Oslo", 10)]
    where = "WHERE city IN ('Oslo', 'Bergen') ORDER BY city"
    equal(sqlite_rows(f"SELECT city, km FROM {NAME}_lite {where}"), wanted)
    target = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(TARGET))
    with target.connect() as c:
        equal([tuple(row) for row in c.execute(sa.text(f"SELECT city, km::bigint FROM {NAME}_pg {where}"))], wanted)


run([("login", check_login), ("types", check_types), ("reflection", check_reflection), ("core", check_core), ("orm", check_orm),
     ("copy", check_copy), ("cursor", check_cursor), ("cancel", check_cancel), ("errors", check_errors),
     ("notify", check_notify), ("subscribe", check_subscribe), ("target", check_target)])
