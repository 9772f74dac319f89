"""Random queries.  A Query has one text for us and one for PostgreSQL over the mirror; the two differ only
where windows and late rows must be said in PostgreSQL's words.

`SHAPES` lists what there is; a shape takes (rng, world) and returns a Query.
"""
from .expression import Expressions
from .world import stamp


class Source:
    """One item of FROM in both spellings, with the columns that it offers."""

    def __init__(self, ours, oracle, columns):
        self.ours, self.oracle, self.columns = ours, oracle, columns


class Query:
    def __init__(self, shape, ours, oracle, columns, emit="", close=None):
        self.shape, self.ours, self._oracle = shape, ours, oracle
        self.columns, self.emit, self.close = columns, emit, close

    def oracle(self):
        """PostgreSQL's text; of a query ON WINDOW CLOSE only the windows that are closed now."""
        if self.close is None:
            return self._oracle
        mark = self.close.watermark
        closed = "false" if mark is None else f"window_end <= TIMESTAMP '{stamp(mark)}'"
        passed = "false" if mark is None else f"at < TIMESTAMP '{stamp(mark)}'"
        mark = "CAST(NULL AS timestamp)" if mark is None else f"TIMESTAMP '{stamp(mark)}'"
        return self._oracle.replace("{closed}", closed).replace("{passed}", passed).replace("{mark}", mark)


# -- FROM -------------------------------------------------------------------------------------------

def relation(rng, world, alias, streams=True, tables=True):
    item = rng.choice((world.streams if streams else []) + (world.tables if tables else []))
    columns = [(f"{alias}.{name}", kind) for name, kind in item.columns]
    text = f"{item.name} AS {alias}"
    return Source(text, text, columns)


def widths(kind, slide, size):
    text = f"INTERVAL '{slide} seconds'"
    return text if kind == "TUMBLE" else f"{text}, INTERVAL '{size} seconds'"


def windows_of(kind, slide, size):
    """PostgreSQL's SELECT of the windows that the row r is in."""
    last = f"date_bin('{slide if kind != 'CUMULATE' else size} seconds', r.at, TIMESTAMP '1970-01-01')"
    if kind == "CUMULATE":
        return (f"SELECT {last} AS window_start, e AS window_end FROM generate_series("
                f"date_bin('{slide} seconds', r.at, TIMESTAMP '1970-01-01') + INTERVAL '{slide} seconds', "
                f"{last} + INTERVAL '{size} seconds', INTERVAL '{slide} seconds') e")
    return (f"SELECT w AS window_start, w + INTERVAL '{size} seconds' AS window_end FROM "
            f"generate_series({last} - INTERVAL '{size - slide} seconds', {last}, "
            f"INTERVAL '{slide} seconds') w")


def window(rng, world, alias, kinds=("TUMBLE", "TUMBLE", "HOP", "HOP", "CUMULATE")):
    """TUMBLE, HOP or CUMULATE: PostgreSQL makes the windows of a row that are not closed for it."""
    stream = rng.choice(world.streams)
    kind = rng.choice(kinds)
    slide = rng.choice((5, 10, 20))
    size = slide if kind == "TUMBLE" else slide * rng.choice((2, 3, 4))
    made = windows_of(kind, slide, size)
    mark = f"r._w_{stream.name}"
    oracle = (f"(SELECT r.*, window_start, window_end FROM {stream.name} r, LATERAL ({made}) windows "
              f"WHERE {mark} IS NULL OR window_end > {mark}) AS {alias}")
    columns = [(f"{alias}.{name}", kind) for name, kind in stream.columns]
    return Source(f"{kind}({stream.name}, at, {widths(kind, slide, size)}) AS {alias}", oracle, columns), stream


class Both:
    """What closes by the lesser of two watermarks."""

    def __init__(self, *streams):
        self.streams = streams

    @property
    def watermark(self):
        marks = [stream.watermark for stream in self.streams]
        return None if None in marks else min(marks)


def in_time(stream, streams, alias):
    """The rows that a join of the streams, each of them with its own watermark, does not find late."""
    marks = ", ".join(f"r._w_{other.name}" for other in streams)
    some = " OR ".join(f"r._w_{other.name} IS NULL" for other in streams)
    return f"(SELECT r.* FROM {stream.name} r WHERE {some} OR r.at >= least({marks})) AS {alias}"


# -- pieces -----------------------------------------------------------------------------------------

def outputs(values):
    return ", ".join(f"{value} AS c{i}" for i, value in enumerate(values))


def names(count):
    return [f"c{i}" for i in range(count)]


def where(rng, expressions, chance=0.6):
    return f" WHERE {expressions.boolean(2)}" if rng.random() < chance else ""


def both(source, text):
    """The text with {from} filled in twice."""
    return text.replace("{from}", source.ours), text.replace("{from}", source.oracle)


def grouped(rng, expressions, keys, extra=()):
    """(select list, GROUP BY and HAVING) over keys and some aggregates."""
    values = [*extra, *keys, *(expressions.aggregate() for _ in range(rng.randint(1, 3)))]
    having = f" HAVING {expressions.aggregate_condition()}" if rng.random() < 0.25 else ""
    group = [*extra, *keys]
    return values, (f" GROUP BY {', '.join(group)}" if group else "") + having


# -- shapes -----------------------------------------------------------------------------------------

def project(rng, world):
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    values = [e.scalar() for _ in range(rng.randint(1, 4))]
    ours, oracle = both(source, f"SELECT {outputs(values)} FROM {{from}}{where(rng, e)}")
    return Query("project", ours, oracle, names(len(values)))


def group(rng, world):
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    keys = list(dict.fromkeys(e.key() for _ in range(rng.choice((0, 1, 1, 2)))))
    values, tail = grouped(rng, e, keys)
    ours, oracle = both(source, f"SELECT {outputs(values)} FROM {{from}}{where(rng, e)}{tail}")
    return Query("group", ours, oracle, names(len(values)))


def windowed(rng, world):
    source, stream = window(rng, world, "a")
    e = Expressions(rng, source.columns)
    keys = list(dict.fromkeys(e.key() for _ in range(rng.choice((0, 1, 1)))))
    bounds = ["window_start", "window_end"]
    values, tail = grouped(rng, e, keys, bounds)
    condition = where(rng, e)
    ours = f"SELECT {outputs(values)} FROM {source.ours}{condition}{tail}"
    if rng.random() < 0.5:
        oracle = f"SELECT {outputs(values)} FROM {source.oracle}{condition}{tail}"
        return Query("window update", ours, oracle, names(len(values)))
    closing = " WHERE {closed}" if not condition else f" WHERE ({condition[7:]}) AND {{closed}}"
    oracle = f"SELECT {outputs(values)} FROM {source.oracle}{closing}{tail}"
    return Query("window close", ours, oracle, names(len(values)), " EMIT ON WINDOW CLOSE", stream)


def truncated(rng, world):
    """GROUP BY date_trunc of the event time is a window."""
    stream = rng.choice(world.streams)
    columns = [(f"a.{name}", kind) for name, kind in stream.columns]
    e = Expressions(rng, columns)
    bucket = rng.choice((("date_trunc('minute', a.at)", 60),
                         ("date_bin(INTERVAL '15 seconds', a.at, TIMESTAMP '1970-01-01')", 15)))
    values, tail = grouped(rng, e, [bucket[0], *([e.key()] if rng.random() < 0.5 else [])])
    text = f"SELECT {outputs(values)} FROM {{from}}{where(rng, e)}{tail}"
    mark = f"r._w_{stream.name}"
    late = (f"(SELECT r.* FROM {stream.name} r WHERE {mark} IS NULL OR {bucket[0].replace('a.at', 'r.at')}"
            f" + INTERVAL '{bucket[1]} seconds' > {mark}) AS a")
    ours, oracle = both(Source(f"{stream.name} AS a", late, columns), text)
    return Query("date_trunc", ours, oracle, names(len(values)))


def distinct(rng, world):
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    values = [e.key() for _ in range(rng.randint(1, 3))]
    ours, oracle = both(source, f"SELECT DISTINCT {outputs(values)} FROM {{from}}{where(rng, e)}")
    return Query("distinct", ours, oracle, names(len(values)))


def nested(rng, world):
    """Aggregates over aggregates: the outer ones see rows taken back."""
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    inner = f"SELECT {e.key()} AS g, count(*) AS n, sum({e.integer(1)}) AS s, max({e.integer(1)}) AS m " \
            f"FROM {{from}}{where(rng, e)} GROUP BY 1"
    outer = rng.choice((
        "SELECT n AS c0, count(*) AS c1, sum(s) AS c2 FROM ({}) q GROUP BY n",
        "SELECT max(n) AS c0, min(s) AS c1, count(DISTINCT m) AS c2 FROM ({}) q",
        "SELECT DISTINCT n % 2 AS c0, m AS c1, 0 AS c2 FROM ({}) q",
        "SELECT m AS c0, sum(n) AS c1, avg(n) AS c2 FROM ({}) q GROUP BY m HAVING sum(n) > 1"))
    ours, oracle = both(source, outer.format(inner))
    return Query("nested", ours, oracle, names(3))


def joined(rng, world):
    left, right = relation(rng, world, "a"), relation(rng, world, "b")
    kind = rng.choice(("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
    e = Expressions(rng, left.columns + right.columns)
    on = rng.choice(("a.id = b.id", "a.k = b.k AND a.v = b.v", "a.c = b.c AND a.k = b.k", "a.v = b.id"))
    if rng.random() < 0.3 and kind != "FULL JOIN":
        on += f" AND {e.boolean(1)}"
    text = f"{{a}} {kind} {{b}} ON {on}"
    source = Source(text.format(a=left.ours, b=right.ours), text.format(a=left.oracle, b=right.oracle),
                    left.columns + right.columns)
    if rng.random() < 0.5:
        values = ["a.id", "b.id", *(e.scalar() for _ in range(rng.randint(1, 2)))]
        tail = where(rng, e, 0.4)
    else:
        values, tail = grouped(rng, e, [e.key()])
        tail = where(rng, e, 0.4) + tail
    ours, oracle = both(source, f"SELECT {outputs(values)} FROM {{from}}{tail}")
    return Query(kind.lower(), ours, oracle, names(len(values)))


def three_way(rng, world):
    """Inputs in an order that may not be the best, a constant that goes through the equalities."""
    a, b, c = (relation(rng, world, alias) for alias in "abc")
    links = rng.choice((("a.k = c.k", "b.v = c.v"), ("a.id = b.id", "b.id = c.id"), ("a.id = c.id", "b.k = c.v"),
                        ("a.k = b.k", "c.v = a.id")))
    e = Expressions(rng, a.columns + b.columns + c.columns)
    conditions = [*links, rng.choice((f"a.id = {rng.randrange(1, 40)}", f"c.k = {rng.randrange(4)}",
                                      f"b.v < {rng.randrange(-3, 3)}", e.boolean(1), "true"))]
    text = f"{{a}}, {{b}}, {{c}} WHERE {' AND '.join(conditions)}"
    source = Source(text.format(a=a.ours, b=b.ours, c=c.ours),
                    text.format(a=a.oracle, b=b.oracle, c=c.oracle), [])
    ours, oracle = both(source, "SELECT a.id AS c0, b.id AS c1, c.id AS c2, c.k AS c3 FROM {from}")
    return Query("three-way join", ours, oracle, names(4))


def twice(rng, world):
    """Groups that are read by two parts of the query."""
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    text = (f"WITH w AS (SELECT a.k AS g, count(*) AS n, sum(a.v) AS s, max(a.id) AS m FROM {{from}}{where(rng, e)} "
            "GROUP BY a.k) ")
    text += rng.choice((
        "SELECT x.g AS c0, y.g AS c1, x.n AS c2, y.s AS c3 FROM w x JOIN w y ON x.n < y.n",
        "SELECT x.g AS c0, y.g AS c1, x.n AS c2, y.m AS c3 FROM w x LEFT JOIN w y ON x.g = y.g + 1",
        "SELECT g AS c0, n AS c1, 1 AS c2, s AS c3 FROM w WHERE n > 1 UNION ALL SELECT g, n, 2, m FROM w WHERE s > 0",
        "SELECT w.g AS c0, w.n AS c1, t.n AS c2, w.s AS c3 FROM w JOIN (SELECT max(n) AS n FROM w) t ON t.n = w.n",
        "SELECT x.g AS c0, x.n AS c1, x.s AS c2, x.m AS c3 FROM w x WHERE NOT EXISTS (SELECT 1 FROM w y "
        "WHERE y.n > x.n)"))
    ours, oracle = both(source, text)
    return Query("twice", ours, oracle, names(4))


def alike(rng, world):
    """Queries that differ in a constant: where a round has some, their rows are looked up together."""
    stream = world.streams[0]
    e = Expressions(rng, [(f"a.{name}", kind) for name, kind in stream.columns])
    test = rng.choice((f"a.k = {rng.randrange(-1, 5)}",) * 3 + (f"a.k IN ({rng.randrange(3)}, {rng.randrange(3, 6)})",
                                                               f"a.v >= {rng.randrange(-3, 3)}"))
    more = f" AND {e.boolean(1)}" if rng.random() < 0.2 else ""
    values = rng.choice((["a.k", "count(*)", "sum(a.v)"], ["a.k", "max(a.id)", "count(a.v)"]))
    text = f"SELECT {outputs(values)} FROM {stream.name} a WHERE {test}{more} GROUP BY a.k"
    return Query("alike", text, text, names(3))


def recursive(rng, world):
    """WITH RECURSIVE over rows that come, change and go; cycles under UNION, trees under UNION ALL."""
    first, other = relation(rng, world, "a"), relation(rng, world, "b")
    e, f = Expressions(rng, first.columns), Expressions(rng, other.columns)
    starts = f"SELECT a.k, {rng.choice(('0', 'a.v % 3'))} FROM {{a}}{where(rng, e)}"
    match = rng.choice(("", f" AND {f.boolean(1)}"))
    name, body = rng.choice((
        ("r(x, y)", f"{starts} UNION SELECT b.v % 8, r.y FROM r JOIN {{b}} ON b.k = r.x{match}"),
        ("r(x, y)", f"{starts} UNION SELECT r.x, b.v % 4 FROM {{b}}, r WHERE b.k = r.y{match}"),
        ("r(x, y)", f"{starts} UNION SELECT g.m % 8, r.y + 0 FROM r JOIN (SELECT b.k, max(b.v) AS m FROM {{b}} "
                    "GROUP BY b.k) g ON g.k = r.x"),
        ("r(x, y)", f"{starts} UNION SELECT x + 1, y FROM r WHERE x < 9 AND NOT EXISTS (SELECT 1 FROM {{b}} "
                    f"WHERE b.k = r.x AND b.v % 5 = r.y{match})"),
        ("r(x, y)", f"{starts} UNION SELECT r.x + 1, b.v % 4 FROM r LEFT JOIN {{b}} ON b.id = r.x{match} WHERE r.x < 7"),
        ("r(x, y)", f"{starts} UNION SELECT g, y FROM r, generate_series(x + 1, x + y) AS g WHERE x < 6"),
        ("r(x, y)", "SELECT a.id, coalesce(a.v, 0) FROM {a} WHERE a.id < 4 UNION ALL SELECT b.id, r.y + coalesce(b.v, 0) "
                    f"FROM r JOIN {{b}} ON b.id / 2 = r.x{match}"),
        ("r(x, y)", f"SELECT a.k, 0 FROM {{a}}{where(rng, e)} UNION ALL SELECT b.k, y + 1 FROM r JOIN {{b}} "
                    f"ON b.id = r.x + 1{match} WHERE y < 3")))
    text = f"WITH RECURSIVE {name} AS ({body}) " + rng.choice((
        "SELECT x AS c0, y AS c1 FROM r", "SELECT x AS c0, y AS c1 FROM r",
        "SELECT x AS c0, count(*) AS c1 FROM r GROUP BY x", "SELECT count(*) AS c0, sum(y) AS c1 FROM r",
        "SELECT x AS c0, y AS c1 FROM r WHERE y > 0 OR x IS NULL",
        "SELECT r.x AS c0, d.n AS c1 FROM r JOIN (SELECT y, count(*) AS n FROM r GROUP BY y) d ON d.y = r.y"))
    if rng.random() < 0.15:
        text = ("SELECT a.id AS c0, (WITH RECURSIVE r(x) AS (SELECT a.id UNION ALL SELECT b.id FROM r JOIN {b} "
                "ON b.id = r.x / 2 AND b.id > 0) SELECT count(*) FROM r) AS c1 FROM {a}")
    text = text.replace("{a}", first.ours).replace("{b}", other.ours)
    return Query("recursive", text, text, names(2))


def set_operation(rng, world):
    kind = rng.choice(("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
    sides = []
    for alias in "ab":
        source = relation(rng, world, alias)
        e = Expressions(rng, source.columns)
        sides.append(both(source, f"SELECT {e.integer(0)} AS c0, substr({e.text(0)}, 1, 1) AS c1 "
                                  f"FROM {{from}}{where(rng, e)}"))
    ours, oracle = (f" {kind} ".join(side[i] for side in sides) for i in (0, 1))
    return Query(kind.lower(), ours, oracle, names(2))


def subquery(rng, world):
    outer, inner = relation(rng, world, "a"), relation(rng, world, "b")
    e, f = Expressions(rng, outer.columns), Expressions(rng, inner.columns)
    condition = rng.choice((
        f"a.k IN (SELECT b.k FROM {{b}}{where(rng, f)})",
        f"a.v NOT IN (SELECT b.v FROM {{b}} WHERE b.v IS NOT NULL AND b.k = 1)",
        f"a.v NOT IN (SELECT b.v FROM {{b}} WHERE b.k = {rng.randrange(4)})",
        f"EXISTS (SELECT 1 FROM {{b}} WHERE b.k = a.k AND b.id <> a.id AND {f.boolean(1)})",
        f"NOT EXISTS (SELECT 1 FROM {{b}} WHERE b.v = a.v AND {f.boolean(1)})",
        "a.v > (SELECT avg(b.v) FROM {b} WHERE b.k = a.k)",
        "a.v >= (SELECT max(b.v) FROM {b})",
        "(SELECT count(*) FROM {b} WHERE b.k = a.k) % 2 = 0"))
    values = ["a.id", e.scalar()]
    text = f"SELECT {outputs(values)} FROM {{a}} WHERE {condition}"
    return Query("subquery", text.replace("{a}", outer.ours).replace("{b}", inner.ours),
                 text.replace("{a}", outer.oracle).replace("{b}", inner.oracle), names(2))


def lateral(rng, world):
    """Functions and subqueries in FROM over the rows to their left; LIMIT and arrays of outer rows."""
    outer, inner = relation(rng, world, "a"), relation(rng, world, "b")
    e, f = Expressions(rng, outer.columns), Expressions(rng, inner.columns)
    order = f"({f.integer(0)}) + 0 {rng.choice(('', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST'))}, b.id, b.v"
    limit = rng.choice(("LIMIT 1", "LIMIT 2", "LIMIT 2 OFFSET 1"))
    match = rng.choice(("b.k = a.k", "b.v < a.v", "b.k = a.k AND b.id <> a.id", "b.c = a.c"))
    item, value = rng.choice((
        (", generate_series(1, a.k) AS x", "x"),
        (" LEFT JOIN generate_series(a.k, a.v % 5) AS x(g) ON true", "x.g"),
        (", unnest(ARRAY[a.k, a.v, 0]) WITH ORDINALITY AS x(g, n)", "x.g + x.n"),
        (" LEFT JOIN unnest(string_to_array(a.c, 'a')) AS x(g) ON x.g <> ''", "x.g"),
        (", LATERAL (VALUES (a.k, 1), (a.v, 2)) AS x(g, n)", "x.g * x.n"),
        (f" CROSS JOIN LATERAL (SELECT count(*) AS n, max(b.v) AS m FROM {{b}} WHERE {match}) x",
         "x.n + coalesce(x.m, 0)"),
        (f" LEFT JOIN LATERAL (SELECT b.id, b.v FROM {{b}} WHERE {match}{rng.choice(('', ' AND ' + f.boolean(1)))} "
         f"ORDER BY {order} {limit}) x ON true", "x.id * 100 + coalesce(x.v, 7)"),
        (f" LEFT JOIN LATERAL (SELECT b.k, count(*) AS n FROM {{b}} WHERE {match} GROUP BY b.k) x "
         "ON x.n > a.k", "x.n * 10 + x.k"),
        (" LEFT JOIN {b} ON b.k = a.k AND b.v IN (SELECT c.v FROM {c} WHERE c.id < b.id)", "b.id"),
        (" JOIN {b} ON b.k = a.k AND EXISTS (SELECT 1 FROM {c} WHERE c.v = a.v AND c.id <> b.id)", "b.id"),
        ("", f"(SELECT b.v FROM {{b}} WHERE {match} ORDER BY b.v NULLS FIRST, b.id LIMIT 1 OFFSET "
             f"{rng.choice((0, 1))})"),
        ("", f"ARRAY(SELECT b.id FROM {{b}} WHERE {match} ORDER BY {order})::text"),
        ("", "(SELECT string_agg(g, '-') FROM unnest(string_to_array(a.c, 'a')) AS u(g))")))
    text = f"SELECT {outputs(['a.id', e.scalar(), value])} FROM {{a}}{item}{where(rng, e, 0.4)}"
    for name, source in (("a", outer), ("b", inner), ("c", relation(rng, world, "c"))):
        text = text.replace(f"{{{name}}}", source.ours)     # PostgreSQL calls relations the same
    return Query("lateral", text, text, names(3))


def gathered(rng, world):
    """Aggregates that show an order, under rows that are taken back."""
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    order = f"({e.integer(0)}) + 0 {rng.choice(('', 'DESC', 'NULLS FIRST', 'DESC NULLS LAST'))}"
    values = [rng.choice((f"array_agg(a.id ORDER BY {order}, a.id)::text",
                          f"array_agg(a.v ORDER BY {order}, a.v DESC)::text",
                          "array_agg(DISTINCT a.v ORDER BY a.v DESC NULLS FIRST)::text",
                          f"string_agg(a.c, '.' ORDER BY {order}, a.c)",
                          "string_agg(DISTINCT a.c, '.' ORDER BY a.c DESC)",
                          f"json_agg(a.k ORDER BY {order}, a.k)::text",
                          f"array_agg(a.k ORDER BY {order}, a.k) FILTER (WHERE {e.boolean(1)})::text"))
              for _ in range(2)]
    key = e.key()
    ours, oracle = both(source, f"SELECT {outputs([key, *values])} FROM {{from}}{where(rng, e)} GROUP BY {key}")
    return Query("gathered", ours, oracle, names(3))


def top_n(rng, world):
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    order = f"({e.integer(0)}) + 0 {rng.choice(('', 'DESC', 'NULLS FIRST'))}, a.id"
    kind = rng.randrange(4)
    if kind == 0:
        number = rng.choice(("row_number()", "rank()", "dense_rank()"))
        order = order if number == "row_number()" else order[:-6]
        shown = rng.choice(("rn", "v"))
        text = (f"SELECT id AS c0, k AS c1, {shown} AS c2 FROM (SELECT a.id, a.k, a.v, {number} OVER "
                f"(PARTITION BY a.k ORDER BY {order}) AS rn FROM {{from}}{where(rng, e)}) q "
                f"WHERE rn {rng.choice(('<= 1', '<= 2', '< 4', '= 1', '= 2'))}")
    elif kind == 1:
        text = (f"SELECT DISTINCT ON (a.k) a.id AS c0, a.k AS c1, a.v AS c2 FROM {{from}}{where(rng, e)} "
                f"ORDER BY a.k, {order} LIMIT {rng.choice((2, 1000))}")
    elif kind == 2:
        text = (f"SELECT a.id AS c0, a.k AS c1, a.v AS c2 FROM {{from}}{where(rng, e)} "
                f"ORDER BY {order[:-6]} FETCH FIRST {rng.choice((1, 3))} ROWS WITH TIES")
    else:
        text = (f"SELECT a.id AS c0, a.k AS c1, a.v AS c2 FROM {{from}}{where(rng, e)} "
                f"ORDER BY {order} LIMIT {rng.choice((1, 3, 10))} OFFSET {rng.choice((0, 2))}")
    ours, oracle = both(source, text)
    return Query("top-n", ours, oracle, names(3))


def top_n_of_groups(rng, world):
    """The first groups: rows that change, and move up and down."""
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    key = e.key()
    inner = f"SELECT {key} AS g, a.k, count(*) AS n, sum({e.integer(1)}) AS s FROM {{from}}{where(rng, e)} GROUP BY 1, 2"
    if rng.random() < 0.5:
        text = (f"SELECT g AS c0, k AS c1, n AS c2, rn AS c3 FROM (SELECT g, k, n, row_number() OVER "
                f"(PARTITION BY k ORDER BY n DESC, g) AS rn FROM ({inner}) i) q WHERE rn <= 2")
    else:
        text = (f"SELECT g AS c0, k AS c1, n AS c2, sum(s) OVER (PARTITION BY k ORDER BY n, g "
                f"ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) AS c3 FROM ({inner}) i")
    ours, oracle = both(source, text)
    return Query("top-n of groups", ours, oracle, names(4))


def windowed_top_n(rng, world):
    """The first rows of each window, its state freed when it closes."""
    source, stream = window(rng, world, "a", ("TUMBLE",))
    e = Expressions(rng, source.columns)
    order = f"({e.integer(0)}) + 0 DESC, a.id"
    values = ["window_start", "window_end", "a.k", "a.id"]
    rank = f"row_number() OVER (PARTITION BY window_start, window_end, a.k ORDER BY {order}) AS rn"
    limit = f"rn <= {rng.choice((1, 3))}"
    inner = f"SELECT {outputs(values)}, {rank} FROM {{from}}{where(rng, e)}"
    text = f"SELECT c0, c1, c2, c3, rn AS c4 FROM ({inner}) q WHERE {limit}"
    ours, oracle = both(source, text)
    if rng.random() < 0.5:
        return Query("window top-n update", ours, oracle, names(5))
    return Query("window top-n close", ours, oracle.replace("WHERE " + limit, f"WHERE {limit} AND {{closed}}")
                 .replace("window_end AS c1", "window_end AS c1, window_end"), names(5),
                 " EMIT ON WINDOW CLOSE", stream)


ROW_FRAMES = (" ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", " ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING",
              " ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING", " ROWS BETWEEN 1 FOLLOWING AND 3 FOLLOWING",
              " ROWS BETWEEN 2 PRECEDING AND 2 FOLLOWING EXCLUDE CURRENT ROW")


def over(rng, world):
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    frame = rng.choice(("", " RANGE BETWEEN 3 PRECEDING AND CURRENT ROW", " GROUPS BETWEEN 1 PRECEDING AND "
                        "1 FOLLOWING", *ROW_FRAMES))
    calls = [rng.choice((f"sum({e.integer(0)})", "count(*)", f"max({e.integer(0)})", f"min({e.text(0)})",
                         f"first_value({e.integer(0)})", f"last_value(({e.text(0)}) || '')",
                         f"count(*) FILTER (WHERE {e.boolean(1)})")) for _ in range(2)]
    windows = [f"(PARTITION BY a.k ORDER BY a.id{frame})", f"(PARTITION BY {e.key()} ORDER BY a.id DESC)"]
    values = ["a.id", f"{calls[0]} OVER {windows[0]}", f"{calls[1]} OVER {rng.choice(windows)}",
              f"{rng.choice(('lag', 'lead'))}({e.integer(0)}, {rng.choice((1, 2))}) OVER {rng.choice(windows)}",
              f"{rng.choice(('rank()', 'row_number()', 'ntile(3)', 'cume_dist()'))} OVER {windows[1]}"]
    ours, oracle = both(source, f"SELECT {outputs(values)} FROM {{from}}{where(rng, e)}")
    return Query("over", ours, oracle, names(5))


def over_time(rng, world):
    """In order of event time: late rows are left out, ties go by arrival."""
    stream = rng.choice(world.streams)
    columns = [(f"a.{name}", kind) for name, kind in stream.columns]
    e = Expressions(rng, columns)
    closes = rng.random() < 0.5
    mark = f"r._w_{stream.name}"
    rows = f"(SELECT r.* FROM {stream.name} r WHERE {mark} IS NULL OR r.at >= {mark}) AS a"
    by_time = rng.choice(("", " RANGE BETWEEN INTERVAL '4 seconds' PRECEDING AND CURRENT ROW",
                          " GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW",
                          " RANGE BETWEEN UNBOUNDED PRECEDING AND INTERVAL '2 seconds' PRECEDING"))
    by_row = rng.choice(ROW_FRAMES[:1] + ROW_FRAMES[2:3] if closes else ROW_FRAMES)
    part = rng.choice(("", "PARTITION BY a.k "))
    aggregate = rng.choice((f"sum({e.integer(0)})", "count(*)", f"max({e.integer(0)})", f"min({e.text(0)})",
                            f"avg({e.integer(0)})"))
    values = ["a.id", "a.at", f"{aggregate} OVER ({part}ORDER BY a.at{by_time})",
              f"{aggregate} OVER ({part}ORDER BY a.at{{seq}}{by_row})",
              f"lag({e.integer(0)}, 2) OVER ({part}ORDER BY a.at{{seq}})",
              f"row_number() OVER ({part}ORDER BY a.at{{seq}})", f"rank() OVER ({part}ORDER BY a.at)"]
    condition = where(rng, e)
    ours = f"SELECT {outputs(values)} FROM {stream.name} AS a{condition}".replace("{seq}", "")
    oracle = f"SELECT {outputs(values)} FROM {rows}{condition}".replace("{seq}", ", a._seq")
    if not closes:
        return Query("over time", ours, oracle, names(7))
    oracle = f"SELECT {', '.join(names(7))} FROM ({oracle.replace('a.at AS c1', 'a.at AS c1, a.at', 1)}) q WHERE {{passed}}"
    return Query("over time close", ours, oracle, names(7), " EMIT ON WINDOW CLOSE", stream)


def computed_time(rng, column):
    """A time that is made of the column, and how many seconds before it that can be."""
    return rng.choice(((column, 0), (f"date_bin(INTERVAL '4 seconds', {column}, TIMESTAMP '2026-01-01 00:00:01')", 4),
                       (f"date_trunc('second', {column} + INTERVAL '1.5 seconds')", 0),
                       (f"(date_trunc('second', {column}) - INTERVAL '2 seconds')", 3),
                       (f"date_bin(INTERVAL '3 seconds', {column} + INTERVAL '5 seconds', TIMESTAMP '2026-01-01')", 0)))


def asof(rng, world):
    """Every row with the last of the other stream that is not after it, or the first not before it."""
    left, right = rng.choice(world.streams), rng.choice(world.streams)
    columns = [(f"{alias}.{name}", kind) for alias, stream in (("a", left), ("b", right))
               for name, kind in stream.columns]
    e = Expressions(rng, columns)
    kind, compare = rng.choice(("", "LEFT ")), rng.choice(("<=", "<", ">=", ">"))
    values = ["a.id", "a.k", "a.at", "b.id", "b.at", e.scalar()]
    condition = where(rng, e, 0.4)
    (left_time, left_before), (right_time, right_before) = ("a.at", 0), ("b.at", 0)
    if rng.random() < 0.4:
        (left_time, left_before), (right_time, right_before) = computed_time(rng, "a.at"), computed_time(rng, "b.at")
    times, equal, of_left = f"{right_time} {compare} {left_time}", "a.k = b.k", "true"
    if rng.random() < 0.3:
        of_left = rng.choice(("a.id % 3 > 0", "a.id < 40", "a.at > TIMESTAMP '2026-01-01 00:00:05'"))
        equal += f" AND {of_left}"
    if rng.random() < 0.3:
        equal += rng.choice((" AND b.id % 2 = 0", " AND b.id IS NOT NULL AND b.id > 5"))
    further = ""
    if compare[0] == "<" and rng.random() < 0.5:        # of both rows: the last for which it holds
        further = rng.choice((" AND b.v < a.v", " AND b.at >= a.at - INTERVAL '5 seconds'", " AND b.id <> a.id",
                              " AND (b.v > a.v OR b.c = a.c) AND b.at > a.at - INTERVAL '8 seconds'", " AND b.c IS NOT DISTINCT FROM a.c"))
    on = rng.choice((f"ON {equal} AND {times}{further}", f"MATCH_CONDITION ({times}) ON {equal}{further}"))
    item = f"{right.name} AS b"
    if rng.random() < 0.3:                              # what is asked of both in a subquery
        item, on = f"LATERAL (SELECT b.* FROM {right.name} AS b WHERE {equal}{further}) AS b", f"ON {times}"
    elif right_time != "b.at" and rng.random() < 0.5:   # a time that a subquery computes
        item = f"(SELECT b.*, {right_time} AS moved FROM {right.name} AS b) AS b"
        on = on.replace(times, f"b.moved {compare} {left_time}")
    ours = f"SELECT {outputs(values)} FROM {left.name} AS a ASOF {kind}JOIN {item} {on}{condition}"
    streams = [left] if left is right else [left, right]
    order = "DESC" if compare[0] == "<" else ""
    oracle = (f"SELECT {outputs(values)} FROM {in_time(left, streams, 'a')} {kind or 'INNER '}JOIN LATERAL "
              f"(SELECT * FROM {in_time(right, streams, 'b')} WHERE {equal} AND {times}{further} ORDER BY {right_time} {order}, b._seq "
              f"LIMIT 1) AS b ON true{condition}")
    if rng.random() < 0.5:
        return Query("asof", ours, oracle, names(6))
    # Who looks for a later row waits until W has passed that one; and for rows that count as earlier than they are.
    final = f"{left_time if compare[0] == '<' else right_time} + INTERVAL '{max(left_before, right_before)} seconds'"
    marked = f"{final} AS at, ({of_left}) IS NOT TRUE AS is_alone"
    oracle = (f"SELECT {', '.join(names(6))} FROM ({oracle.replace('a.at AS c2', f'a.at AS c2, {marked}', 1)}) q "
              "WHERE c1 IS NULL OR is_alone OR {passed}")
    return Query("asof close", ours, oracle, names(6), " EMIT ON WINDOW CLOSE", Both(*streams))


def bounded(rng, world):
    """A join that bounds the times of both: late rows are left out, rows without a match wait."""
    left, right = rng.choice(world.streams), rng.choice(world.streams)
    columns = [(f"{alias}.{name}", kind) for alias, stream in (("a", left), ("b", right))
               for name, kind in stream.columns]
    e = Expressions(rng, columns)
    kind = rng.choice(("JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"))
    before, after = rng.choice((0, 2, 5, 30)), rng.choice((0, 3, 10))
    on = "a.k = b.k AND " + rng.choice((
        f"b.at BETWEEN a.at - INTERVAL '{before} seconds' AND a.at + INTERVAL '{after} seconds'",
        f"a.at >= b.at - INTERVAL '{after} seconds' AND a.at - INTERVAL '{before} seconds' <= b.at"))
    if kind != "FULL JOIN" and rng.random() < 0.3:
        on += f" AND {rng.choice(('a.id <> b.id', 'a.v < b.v', 'a.c = b.c'))}"
    values = ["a.id", "b.id", "a.at", "b.at", e.scalar()]
    condition = where(rng, e, 0.3) if kind == "JOIN" else ""
    streams = [left] if left is right else [left, right]
    ours = f"SELECT {outputs(values)} FROM {left.name} AS a {kind} {right.name} AS b ON {on}{condition}"
    oracle = (f"SELECT {outputs(values)} FROM {in_time(left, streams, 'a')} {kind} {in_time(right, streams, 'b')} "
              f"ON {on}{condition}")
    if rng.random() < 0.5:
        return Query("bounded join", ours, oracle, names(5))
    never = " OR {0}.c IS NULL" if on.endswith("a.c = b.c") else ""     # as a key it is like k
    alone = [f"(b.id IS NULL AND (a.k IS NULL{never.format('a')} OR {{mark}} > a.at + INTERVAL '{after} seconds'))",
             f"(a.id IS NULL AND (b.k IS NULL{never.format('b')} OR {{mark}} > b.at + INTERVAL '{before} seconds'))"]
    sure = f"(a.id IS NOT NULL AND b.id IS NOT NULL OR {' OR '.join(alone)})"
    oracle = f"SELECT {', '.join(names(5))} FROM ({oracle.replace(' AS c0', f' AS c0, {sure} AS is_sure', 1)}) q WHERE is_sure"
    return Query("bounded join close", ours, oracle, names(5), " EMIT ON WINDOW CLOSE", Both(*streams))


def sessions(rng, world):
    """SESSION over a stream, its rows or their groups."""
    stream, gap = rng.choice(world.streams), rng.choice((2, 4, 15))
    columns = [(f"a.{name}", kind) for name, kind in stream.columns]
    e = Expressions(rng, columns)
    part, keys = rng.choice((("PARTITION BY k", ["a.k"]), ("PARTITION BY k, c", ["a.k", "a.c"]), ("", [])))
    begins = f"coalesce(at - lag(at) OVER ({part} ORDER BY at) >= INTERVAL '{gap} seconds', true)"
    marked = f"SELECT *, {begins} AS begins FROM {in_time(stream, [stream], 'r')}"
    numbered = (f"SELECT *, sum(begins::int) OVER ({part} ORDER BY at RANGE UNBOUNDED PRECEDING) AS number "
                f"FROM ({marked}) m")
    whole = f"{part}, number" if part else "PARTITION BY number"
    rows = (f"(SELECT *, min(at) OVER w AS window_start, max(at) OVER w + INTERVAL '{gap} seconds' AS window_end "
            f"FROM ({numbered}) n WINDOW w AS ({whole})) AS a")
    ours = part.replace("k, c", "(k, c)")
    source = Source(f"SESSION({stream.name}{ours and ' ' + ours}, at, INTERVAL '{gap} seconds') AS a", rows, columns)
    condition = where(rng, e, 0.3)
    if rng.random() < 0.4:
        values, tail = ["window_start", "window_end", "a.id", e.scalar()], ""
    else:
        values, tail = grouped(rng, e, keys, ["window_start", "window_end"])
    ours, oracle = both(source, f"SELECT {outputs(values)} FROM {{from}}{condition}{tail}")
    if rng.random() < 0.5:
        return Query("session", ours, oracle, names(len(values)))
    closing = " WHERE {closed}" if not condition else f" WHERE ({condition[7:]}) AND {{closed}}"
    oracle = f"SELECT {outputs(values)} FROM {source.oracle}{closing}{tail}"
    return Query("session close", ours, oracle, names(len(values)), " EMIT ON WINDOW CLOSE", stream)


def count_windows(rng, world):
    """COUNT_WINDOW over a stream: its groups, its rows, and rows grouped by something else."""
    stream, size = rng.choice(world.streams), rng.choice((1, 2, 3, 7))
    slide = min(size, rng.choice((size, size, 1, 2)))
    columns = [(f"a.{name}", kind) for name, kind in stream.columns]
    e = Expressions(rng, columns)
    part, keys = rng.choice((("PARTITION BY k", ["a.k"]), ("PARTITION BY k, c", ["a.k", "a.c"]), ("", [])))
    numbered = f"SELECT *, row_number() OVER ({part} ORDER BY _seq) - 1 AS place FROM {stream.name}"
    windows = f"generate_series(greatest(0, (place - {size} + {slide}) / {slide}), place / {slide}) number"
    whole = f"{part}, number" if part else "PARTITION BY number"
    rows = (f"(SELECT *, min(at) OVER w AS window_start, max(at) OVER w AS window_end, count(*) OVER w = {size} AS is_full "
            f"FROM (SELECT n.*, number FROM ({numbered}) n, LATERAL {windows}) n WINDOW w AS ({whole})) AS a")
    ours = part.replace("k, c", "(k, c)")
    steps = "" if slide == size else f", {slide}"
    source = Source(f"COUNT_WINDOW({stream.name}{ours and ' ' + ours}, {size}{steps}) AS a", rows, columns)
    kind, condition = rng.choice(("rows", "rows", "windows", "groups")), where(rng, e, 0.3)
    by_window = kind == "windows"
    if kind == "rows":
        values, tail = ["window_start", "window_end", "a.id", e.scalar()], ""
    elif by_window:
        values, tail = grouped(rng, e, keys, ["window_start", "window_end"])
    else:
        key, bounds = e.key(), rng.choice(([], ["window_end"]))
        by_window = bounds != [] and keys == [key]
        values, tail = grouped(rng, e, [key], bounds)
    closes = kind != "groups" and rng.random() < 0.5
    ours = f"SELECT {outputs(values)} FROM {source.ours}{condition}{tail}"
    full = (f"{condition[:7]}({condition[7:]}) AND is_full" if condition else " WHERE is_full") if closes else condition
    if by_window:                   # two windows of a key may have the same bounds
        tail = tail.replace("GROUP BY ", "GROUP BY a.number, ", 1)
    oracle = f"SELECT {outputs(values)} FROM {source.oracle}{full}{tail}"
    return Query(f"count window {kind}", ours, oracle, names(len(values)), " EMIT ON WINDOW CLOSE" if closes else "",
                 stream if closes else None)


def windowed_table(rng, world):
    """Windows over rows that change, by a time that is computed of them."""
    if not world.tables:
        return windowed(rng, world)
    table = rng.choice(world.tables)
    rows = f"SELECT id, k, c, v, TIMESTAMP '2026-01-01' + v * INTERVAL '1 second' AS at FROM {table.name}"
    e = Expressions(rng, [("a.id", "integer"), ("a.k", "integer"), ("a.c", "text"), ("a.v", "integer")])
    if rng.random() < 0.4:
        ours = f"SESSION(({rows}) PARTITION BY k, at, INTERVAL '7 seconds') AS a"
        begins = "coalesce(at - lag(at) OVER (PARTITION BY k ORDER BY at) >= INTERVAL '7 seconds', true)"
        marked = f"SELECT *, {begins} AS begins FROM ({rows}) r WHERE at IS NOT NULL"
        numbered = ("SELECT *, sum(begins::int) OVER (PARTITION BY k ORDER BY at RANGE UNBOUNDED PRECEDING) AS number "
                    f"FROM ({marked}) m")
        oracle = ("(SELECT *, min(at) OVER w AS window_start, max(at) OVER w + INTERVAL '7 seconds' AS window_end "
                  f"FROM ({numbered}) n WINDOW w AS (PARTITION BY k, number)) AS a")
        if rng.random() < 0.3:      # the rows themselves, which sessions that join or fall apart correct
            text = f"SELECT {outputs(['a.id', 'a.k', 'a.at', 'window_start', 'window_end'])} FROM {{from}}{where(rng, e)}"
            return Query("session rows", text.replace("{from}", ours), text.replace("{from}", oracle), names(5))
        keys = ["a.k"]
    else:
        kind, slide = rng.choice(("TUMBLE", "HOP", "CUMULATE")), rng.choice((5, 20))
        size = slide if kind == "TUMBLE" else slide * rng.choice((2, 3))
        ours = f"{kind}(({rows}), at, {widths(kind, slide, size)}) AS a"
        oracle = f"(SELECT r.*, window_start, window_end FROM ({rows}) r, LATERAL ({windows_of(kind, slide, size)}) windows) AS a"
        keys = list(dict.fromkeys(e.key() for _ in range(rng.choice((0, 1)))))
    values, tail = grouped(rng, e, keys, ["window_start", "window_end"])
    text = f"SELECT {outputs(values)} FROM {{from}}{tail}"
    return Query("window table", text.replace("{from}", ours), text.replace("{from}", oracle), names(len(values)))


def grouping_sets(rng, world):
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    sets = rng.choice(("ROLLUP (a.k, a.c)", "CUBE (a.k, a.c)", "GROUPING SETS ((a.k), (a.c), ())"))
    values = ["a.k", "a.c", "grouping(a.k, a.c)", e.aggregate()]
    ours, oracle = both(source, f"SELECT {outputs(values)} FROM {{from}}{where(rng, e)} GROUP BY {sets}")
    return Query("grouping sets", ours, oracle, names(4))


# (shape, weight)
SHAPES = [(project, 3), (group, 4), (windowed, 6), (truncated, 1), (distinct, 2), (nested, 3),
          (joined, 5), (recursive, 3), (set_operation, 3), (subquery, 4), (lateral, 4), (gathered, 2), (top_n, 3), (top_n_of_groups, 2), (windowed_top_n, 2),
          (over, 3), (over_time, 3), (grouping_sets, 2), (asof, 3), (windowed_table, 3), (bounded, 4), (sessions, 3), (count_windows, 3),
          (three_way, 3), (twice, 3), (alike, 8)]


def random_query(rng, world, shapes=None):
    """One random query; `shapes`: names of the functions to choose from (all without)."""
    known = [(shape, weight) for shape, weight in SHAPES if not shapes or shape.__name__ in shapes]
    shape = rng.choices([s for s, _ in known], [w for _, w in known])[0]
    return shape(rng, world)


class Partition:
    """One relation and one predicate, in the forms that TLP and NoREC compare."""

    def __init__(self, source, values, predicate):
        select = f"SELECT {outputs(values)} FROM {source.ours}"
        self.whole = select
        self.parts = [f"{select} WHERE {predicate}", f"{select} WHERE NOT ({predicate})",
                      f"{select} WHERE ({predicate}) IS NULL"]
        self.kept = f"SELECT count(*) FROM {source.ours} WHERE {predicate}"
        self.true = f"SELECT coalesce(sum(CASE WHEN {predicate} THEN 1 ELSE 0 END), 0) FROM {source.ours}"


def random_partition(rng, world):
    source = relation(rng, world, "a")
    e = Expressions(rng, source.columns)
    return Partition(source, ["a.id", e.scalar()], e.boolean(3))
