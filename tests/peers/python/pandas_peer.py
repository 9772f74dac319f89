"""pandas: read_sql of a query and of a table, to_sql with each if_exists, the answer checked against DataFrames."""
import csv
import io

import numpy as np
import pandas as pd
import psycopg
import sqlalchemy as sa
from peer import NAME, RIDES, TARGET, URL, equal, fails, run, sqlite_rows

engine = sa.create_engine(URL.replace("postgresql:", "postgresql+psycopg:"))


def check_read_sql():
    with engine.begin() as c:
        c.execute(sa.text(f"INSERT INTO {RIDES} VALUES ('Oslo', 4), ('Bergen', 9), ('Oslo', 6), (NULL, NULL)"))
    frame = pd.read_sql(f"SELECT city, sum(km)::bigint AS km FROM {RIDES} WHERE city IS NOT NULL "
                        "GROUP BY city ORDER BY city", engine)
    equal(frame.to_dict("list"), {"city": ["Bergen", "Oslo"], "km": [9, 10]})
    frame = pd.read_sql(f"SELECT city, km FROM {RIDES} WHERE km > %(least)s", engine, params={"least": 5})
    equal(sorted(frame["km"]), [6, 9])
    pieces = list(pd.read_sql("SELECT n, n * 0.5::float8 AS half, TIMESTAMP '2026-01-01' + n * INTERVAL '1 day' AS at "
                              "FROM generate_series(1, 25) AS n", engine, chunksize=10))
    equal([len(piece) for piece in pieces], [10, 10, 5])
    equal(str(pieces[0]["at"].dtype)[:10], "datetime64")
    equal(float(pieces[2]["half"].sum()), sum(range(21, 26)) / 2)


def check_read_table():
    frame = pd.read_sql_table(RIDES, engine)
    equal(list(frame.columns), ["city", "km"])
    equal(len(frame), 4)


def check_to_sql():
    frame = pd.DataFrame({"id": [1, 2, 3], "name": ["a", None, "c'd"], "x": [0.5, 1.5, None],
                          "at": pd.to_datetime(["2026-01-01", "2026-01-02", None])})
    table = NAME + "_frame"
    frame.to_sql(table, engine, index=False)
    pd.testing.assert_frame_equal(pd.read_sql(f"SELECT * FROM {table} ORDER BY id", engine), frame,
                                  check_dtype=False)
    fails(ValueError, lambda: frame.to_sql(table, engine, index=False))
    frame.to_sql(table, engine, index=False, if_exists="append", method="multi")
    equal(len(pd.read_sql(table, engine)), 6)
    frame.head(1).to_sql(table, engine, index=False, if_exists="replace")
    equal(len(pd.read_sql(table, engine)), 1)


def indexes(table):
    return [(index["name"], index["column_names"], index["unique"]) for index in sa.inspect(engine).get_indexes(table)]


def check_index():
    """pandas makes an index of the frame's own, names it after it, and comes back to it."""
    table = NAME + "_indexed"
    frame = pd.DataFrame({"x": [0.5, 1.5, None]}, index=pd.Index([7, 3, 5], name="id"))
    for if_exists in ("fail", "replace", "replace"):
        frame.to_sql(table, engine, if_exists=if_exists)
        equal(indexes(table), [(f"ix_{table}_id", ["id"], False)])
        pd.testing.assert_frame_equal(pd.read_sql_table(table, engine, index_col="id"), frame)
    frame.to_sql(table, engine, if_exists="append")
    equal(len(pd.read_sql(f"SELECT x FROM {table} WHERE id = 3", engine)), 2)
    equal(indexes(table), [(f"ix_{table}_id", ["id"], False)])
    frame.to_sql(table, engine, if_exists="replace", index_label="Label of \"it\"")
    equal(indexes(table), [(f"ix_{table}_Label of \"it\"", ["Label of \"it\""], False)])
    frame.to_sql(table, engine, if_exists="replace", index=False)
    equal(indexes(table), [])

    levels = pd.MultiIndex.from_tuples([("Oslo", 2025), ("Oslo", 2026), ("Bergen", 2026)], names=["city", "year"])
    several = pd.DataFrame({"km": [4, 6, 9]}, index=levels)
    several.to_sql(table, engine, if_exists="replace")
    equal(sorted(indexes(table)), [(f"ix_{table}_city", ["city"], False), (f"ix_{table}_year", ["year"], False)])
    back = pd.read_sql(f"SELECT * FROM {table} WHERE city = 'Oslo' ORDER BY year", engine, index_col=["city", "year"])
    pd.testing.assert_frame_equal(back, several.head(2), check_dtype=False)
    pd.DataFrame({"x": ["a"]}).to_sql(NAME + "_unnamed", engine)
    equal(indexes(NAME + "_unnamed"), [(f"ix_{NAME}_unnamed_index", ["index"], False)])


def check_login():
    equal(pd.read_sql("SELECT current_user AS u", engine)["u"].tolist(), ["peer"])
    wrong = sa.create_engine(sa.make_url(str(engine.url.render_as_string(hide_password=False))).set(password="wrong"))
    fails(sa.exc.OperationalError, lambda: pd.read_sql("SELECT 1", wrong))


def check_types():
    """A frame of each dtype that pandas has a column type for comes back as it was."""
    frame = pd.DataFrame({
        "a": [True, False], "b": np.array([-128, 127], dtype="int8"), "c": np.array([-32768, 7], dtype="int16"),
        "d": np.array([2147483647, 0], dtype="int32"), "e": [-2**63, 2**63 - 1], "f": np.array([0.5, -1.5], dtype="float32"),
        "g": [1e300, float("inf")], "h": ["héllo \\ 'q' %s", ""], "i": pd.to_datetime(["2026-01-01 10:42:31.123456", "1900-01-01 00:00:00.5"]),
        "j": pd.to_datetime(["2026-07-01 12:00", "2026-01-01 00:00"], utc=True), "k": pd.Categorical(["x", "y"])})
    frame.to_sql(NAME + "_types", engine, index=False)
    back = pd.read_sql_table(NAME + "_types", engine)
    pd.testing.assert_frame_equal(back, frame, check_dtype=False, check_names=False, check_categorical=False,
                                  check_column_type=False)
    nothing = pd.DataFrame({"a": pd.Series([None], dtype="Int64"), "b": pd.Series([None], dtype="string"),
                            "c": pd.Series([pd.NaT], dtype="datetime64[us]")})
    nothing.to_sql(NAME + "_nothing", engine, index=False)
    assert pd.read_sql(f"SELECT * FROM {NAME}_nothing", engine).isna().all().all()


def by_copy(table, connection, keys, rows):
    """The method of to_sql() that pandas' own pages show for PostgreSQL."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    columns = ", ".join(f'"{key}"' for key in keys)
    with connection.connection.cursor().copy(f"COPY {table.name} ({columns}) FROM STDIN WITH CSV") as copy:
        copy.write(text.getvalue())


def check_copy():
    frame = pd.DataFrame({"n": range(1000), "t": [f"row, {n}" for n in range(1000)]})
    frame.to_sql(NAME + "_copied", engine, index=False, method=by_copy)
    pd.testing.assert_frame_equal(pd.read_sql(f"SELECT * FROM {NAME}_copied ORDER BY n", engine), frame, check_dtype=False)
    out = io.BytesIO()
    with engine.connect() as c, c.connection.cursor().copy(f"COPY (SELECT * FROM {NAME}_copied ORDER BY n) TO STDOUT "
                                                           "(FORMAT csv, HEADER)") as copy:
        for piece in copy:
            out.write(piece)
    out.seek(0)
    pd.testing.assert_frame_equal(pd.read_csv(out), frame, check_dtype=False)


def check_cursor():
    with engine.connect().execution_options(stream_results=True) as c:
        pieces = list(pd.read_sql(sa.text("SELECT n FROM generate_series(1, 25) AS n"), c, chunksize=10))
    equal([len(piece) for piece in pieces], [10, 10, 5])


def check_errors():
    error = fails(pd.errors.DatabaseError, lambda: pd.read_sql("SELECT nosuch", engine)).__cause__
    equal((error.orig.sqlstate, error.orig.diag.statement_position), ("42703", "8"))


def check_subscribe():
    """A frame of what has changed since the last one."""
    with engine.begin() as c:
        c.execute(sa.text(f"INSERT INTO {RIDES} VALUES ('Turku', 7)"))
    with engine.connect() as c:
        c.execute(sa.text(f"DECLARE changes CURSOR FOR SUBSCRIBE (SELECT km FROM {RIDES} WHERE city = 'Turku')"))
        seen = pd.read_sql(sa.text("FETCH ALL FROM changes"), c)
        while seen.empty:
            seen = pd.read_sql(sa.text("FETCH ALL FROM changes"), c)
        equal(seen[["mr_diff", "km"]].to_dict("list"), {"mr_diff": [1], "km": [7]})


def check_target():
    with engine.begin() as c:
        c.execute(sa.text("FLUSH"))
    import sqlite3
    from peer import SQLITE
    with sqlite3.connect(f"file:{SQLITE}?mode=ro", uri=True) as connection:
        frame = pd.read_sql(f"SELECT city, km FROM {NAME}_lite WHERE city IN ('Oslo', 'Bergen') ORDER BY city", connection)
    equal(frame.to_dict("list"), {"city": ["Bergen", "Oslo"], "km": [9, 10]})
    equal(len(sqlite_rows(f"SELECT * FROM {NAME}_lite WHERE city IS NULL OR city <> 'Turku'")), 3)
    target = sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(TARGET))
    frame = pd.read_sql(f"SELECT city, km::bigint AS km FROM {NAME}_pg WHERE city IN ('Oslo', 'Bergen') ORDER BY city", target)
    equal(frame.to_dict("list"), {"city": ["Bergen", "Oslo"], "km": [9, 10]})


run([("login", check_login), ("read_sql", check_read_sql), ("read_table", check_read_table), ("to_sql", check_to_sql),
     ("index", check_index),
     ("types", check_types), ("copy", check_copy), ("cursor", check_cursor), ("errors", check_errors),
     ("subscribe", check_subscribe), ("target", check_target)])
