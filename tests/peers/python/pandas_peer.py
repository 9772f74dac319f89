"""pandas: read_sql of a query and of a table, to_sql with each if_exists, the answer checked against DataFrames."""
import pandas as pd
import sqlalchemy as sa
from peer import NAME, RIDES, URL, equal, fails, run, sqlite_rows

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


def check_target():
    with engine.begin() as c:
        c.execute(sa.text("FLUSH"))
    import sqlite3
    from peer import SQLITE
    with sqlite3.connect(f"file:{SQLITE}?mode=ro", uri=True) as connection:
        frame = pd.read_sql(f"SELECT city, km FROM {NAME}_lite WHERE city IS NOT NULL ORDER BY city", connection)
    equal(frame.to_dict("list"), {"city": ["Bergen", "Oslo"], "km": [9, 10]})
    equal(len(sqlite_rows(f"SELECT * FROM {NAME}_lite")), 3)


run([("read_sql", check_read_sql), ("read_table", check_read_table), ("to_sql", check_to_sql),
     ("target", check_target)])
