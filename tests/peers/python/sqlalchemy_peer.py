"""SQLAlchemy 2 over psycopg 3 and psycopg2: the start of an engine, reflection of streams, tables, views and
results, Core and ORM, server-side cursors."""
import datetime

import psycopg
import sqlalchemy as sa
from peer import NAME, RIDES, TARGET, URL, equal, fails, run, sqlite_rows
from sqlalchemy import orm


def engine(driver="psycopg", **more):
    return sa.create_engine(URL.replace("postgresql:", f"postgresql+{driver}:"), **more)


def check_login():
    for driver in ("psycopg", "psycopg2"):
        with engine(driver).connect() as c:
            equal(c.execute(sa.text("SELECT 1")).scalar(), 1)
            assert c.dialect.server_version_info >= (15, 0)
            equal(c.get_isolation_level(), "READ COMMITTED")


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
        equal(error.orig.sqlstate, "42703")


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


run([("login", check_login), ("reflection", check_reflection), ("core", check_core), ("orm", check_orm),
     ("errors", check_errors), ("target", check_target)])
