"""Random SELECTs put together freely: every clause may hold a subquery, correlated or not, every item of FROM
may be a query, a join, LATERAL, VALUES or a set of rows.  One text is right for both sides: no windows of
event time, and whatever shows an order orders by everything that it can see.
"""
from .expression import Expressions

INTEGER, TEXT, BOOLEAN = "integer", "text", "boolean"
KINDS = (INTEGER, TEXT, BOOLEAN)        # of the columns that are read


class Scope:
    """Columns that may be named: `own` of this query level, `outer` of those around it."""

    def __init__(self, own, outer=()):
        self.own, self.outer = list(own), list(outer)

    @property
    def all(self):
        return self.own + self.outer


class Values(Expressions):
    """Expressions that may hold subqueries, over the columns of this level and those around it."""

    def __init__(self, maker, scope, depth, local=False):
        super().__init__(maker.rng, scope.own if local else scope.all)
        self.maker, self.scope, self.subqueries = maker, scope, depth

    def integer(self, depth=2):
        if self.subqueries > 0 and depth > 0 and self.rng.random() < 0.12:
            return self.maker.scalar_subquery(self.scope, self.subqueries - 1, INTEGER)
        return super().integer(depth)

    def text(self, depth=2):
        if self.subqueries > 0 and depth > 0 and self.rng.random() < 0.08:
            return self.maker.scalar_subquery(self.scope, self.subqueries - 1, TEXT)
        return super().text(depth)

    def boolean(self, depth=2):
        rng = self.rng
        if self.subqueries > 0 and rng.random() < 0.2:
            return self.maker.condition(self, self.scope, self.subqueries - 1)
        if rng.random() < 0.08:
            return f"({self.integer(0)}, {self.text(0)}) {rng.choice(('<', '=', '<>', '>='))} " \
                   f"({self.integer(0)}, {self.text(0)})"
        return super().boolean(depth)

    def key(self):
        return self.integer(1)

    def of(self, kind, depth=1):
        if kind == INTEGER:
            return self.integer(depth)
        return self.text(depth) if kind == TEXT else self.boolean(depth)


class Maker:
    """Makes queries over `relations`: a list of (name, [(column, type)])."""

    def __init__(self, rng, relations):
        self.rng, self.relations, self.number = rng, relations, 0
        self.named = []             # the queries of WITH that may be read here

    def name(self, letter):
        self.number += 1
        return f"{letter}{self.number}"

    # -- FROM ---------------------------------------------------------------------------------------

    def relation(self):
        name, columns = self.rng.choice(self.relations + self.named)
        alias = self.name("r")
        return f"{name} AS {alias}", [(f"{alias}.{column}", kind) for column, kind in columns]

    def derived(self, outer, depth, lateral=False):
        alias = self.name("q")
        text, columns = self.query(outer if lateral else (), depth)
        return (f"{'LATERAL ' if lateral else ''}({text}) AS {alias}",
                [(f"{alias}.{column}", kind) for column, kind in columns])

    def rows(self, scope):
        """VALUES, generate_series or unnest, over what stands to the left where there is something."""
        rng, alias = self.rng, self.name("v")
        e = Expressions(rng, scope)
        kind = rng.randrange(3)
        if kind == 0:
            some = ", ".join(f"({rng.randint(-1, 4)}, {rng.choice(('NULL', repr('a'), repr('b')))}::text)"
                             for _ in range(rng.randint(1, 3)))
            return f"(VALUES {some}) AS {alias}(n, s)", [(f"{alias}.n", INTEGER), (f"{alias}.s", TEXT)]
        if kind == 1:
            return (f"generate_series({rng.randint(-1, 1)}, ({e.integer(0)}) % 4) AS {alias}(n)",
                    [(f"{alias}.n", INTEGER)])
        return f"unnest(ARRAY[{e.integer(0)}, {e.integer(1)}]) AS {alias}(n)", [(f"{alias}.n", INTEGER)]

    def item(self, outer, depth):
        rng = self.rng
        if depth > 0 and rng.random() < 0.35:
            return self.derived(outer, depth - 1, lateral=bool(outer) and rng.random() < 0.3)
        return self.relation()

    def source(self, outer, depth):
        """(text, columns) of a whole FROM."""
        rng = self.rng
        text, columns = self.item(outer, depth)
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
            more, added, may_pad_left = *self.item(outer, depth), True
            if rng.random() < 0.25 and depth > 0:
                more, added = self.derived(columns + list(outer), depth - 1, lateral=True)
                may_pad_left = False
            elif rng.random() < 0.12:
                more, added = self.rows(columns)
                may_pad_left = False
            kind = rng.choice(("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", *(("RIGHT JOIN", "FULL JOIN")
                                                                          if may_pad_left else ())))
            on = self.join_condition(columns, added, Scope(columns + added, outer), depth, kind)
            text, columns = f"{text} {kind} {more} ON {on}", columns + added
        return text, columns

    def join_condition(self, left, right, scope, depth, kind):
        rng = self.rng
        pairs = [(a, b) for a, x in left for b, y in right if x == y and x in (INTEGER, TEXT)]
        if not pairs:
            return "true"
        on = " AND ".join("{} = {}".format(*pair) for pair in rng.sample(pairs, rng.choice((1, 1, min(2, len(pairs))))))
        if rng.random() < 0.3:
            on += f" AND {Values(self, scope, depth - 1 if rng.random() < 0.3 else 0).boolean(1)}"
        return on

    # -- subqueries as values and conditions --------------------------------------------------------------

    def scalar_subquery(self, scope, depth, kind):
        rng = self.rng
        source, columns = self.source(scope.all if rng.random() < 0.2 else (), depth)
        inner = Scope(columns, scope.all)
        e = Values(self, inner, depth)
        local = Values(self, inner, 0, local=True)
        where = self.where(e, 0.8)
        if rng.random() < 0.6:
            value = f"CAST({self.aggregate_of(local, INTEGER)} AS integer)" if kind == INTEGER \
                else rng.choice((f"min({local.text(1)})", f"max({local.text(0)})"))
            having = f" HAVING {local.aggregate_condition()}" if rng.random() < 0.15 else ""
            return f"(SELECT {value} FROM {source}{where}{having})"
        value = e.of(kind)
        order = self.total_order(columns)
        return f"(SELECT {value} FROM {source}{where} ORDER BY {order} LIMIT 1" \
               f"{rng.choice(('', '', ' OFFSET 1'))})"

    def aggregate_of(self, e, kind):
        """A whole number over the rows."""
        return self.rng.choice(("count(*)", f"count(DISTINCT {e.integer(1)})", f"sum({e.integer(1)})",
                                f"min({e.integer(1)})", f"max({e.integer(1)})"))

    def condition(self, e, scope, depth):
        rng = self.rng
        kind = rng.randrange(6)
        if kind < 2:
            text, _ = self.query(scope.all, depth)
            return f"{rng.choice(('', 'NOT '))}EXISTS ({text})"
        if kind < 4:
            types = rng.choice(((INTEGER,), (TEXT,), (INTEGER, TEXT)))
            text, _ = self.query(scope.all, depth, types)
            left = ", ".join(e.of(kind, 1 if depth > 0 else 0) for kind in types)
            return f"({left}) {rng.choice(('', 'NOT '))}IN ({text})"
        if kind == 4:
            text, _ = self.query(scope.all, depth, (INTEGER,))
            return f"({e.integer(0)}) {rng.choice(('<', '>=', '<>', '='))} {rng.choice(('ANY', 'ALL'))} ({text})"
        return f"{self.scalar_subquery(scope, depth, INTEGER)} {rng.choice(('<', '>=', '='))} {e.integer(0)}"

    # -- SELECT -------------------------------------------------------------------------------------

    def where(self, e, chance=0.6):
        return f" WHERE {e.boolean(2)}" if self.rng.random() < chance else ""

    def total_order(self, columns):
        columns = [name for name, _ in columns]
        self.rng.shuffle(columns)
        return ", ".join(name + self.rng.choice(("", "", " DESC", " NULLS FIRST", " DESC NULLS LAST"))
                         for name in columns)

    def query(self, outer=(), depth=2, types=None):
        """(text, columns): a SELECT, or two in a set operation; `types` says what its columns must be."""
        rng = self.rng
        types = types or tuple(rng.choice((INTEGER, INTEGER, TEXT, BOOLEAN)) for _ in range(rng.randint(1, 3)))
        if depth > 0 and rng.random() < 0.12:
            kind = rng.choice(("UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
            left, right = (self.select(outer, depth - 1, types)[0] for _ in range(2))
            text = f"({left}) {kind} ({right})"
            columns = [(f"c{i}", kind) for i, kind in enumerate(types)]
        else:
            text, columns = self.select(outer, depth, types)
        if rng.random() < 0.12:
            order = ", ".join(f"{i + 1}{rng.choice(('', ' DESC', ' NULLS FIRST'))}" for i in range(len(types)))
            text = f"({text}) ORDER BY {order} LIMIT {rng.choice((1, 2, 5))}{rng.choice(('', ' OFFSET 1'))}"
        return text, columns

    def select(self, outer, depth, types):
        shape = self.rng.choice((self.plain, self.plain, self.plain, self.grouped, self.grouped, self.distinct,
                                 self.ranked, self.sets))
        source, columns = self.source(outer, depth)
        return shape(source, Scope(columns, outer), depth, types), \
            [(f"c{i}", kind) for i, kind in enumerate(types)]

    def outputs(self, values, types):
        return ", ".join(f"CAST({value} AS {kind}) AS c{i}" for i, (value, kind) in enumerate(zip(values, types)))

    def plain(self, source, scope, depth, types, distinct=""):
        e = Values(self, scope, depth)
        return f"SELECT {distinct}{self.outputs([e.of(kind) for kind in types], types)} FROM {source}{self.where(e)}"

    def distinct(self, source, scope, depth, types):
        if self.rng.random() < 0.6:
            return self.plain(source, scope, depth, types, "DISTINCT ")
        e = Values(self, scope, 0)
        key = e.integer(0)
        order = self.total_order(scope.own)
        return (f"SELECT DISTINCT ON ({key}) {self.outputs([e.of(kind) for kind in types], types)} FROM {source}"
                f"{self.where(Values(self, scope, depth))} ORDER BY {key}, {order}") \
            if not key.lstrip("-").isdigit() else self.plain(source, scope, depth, types, "DISTINCT ")

    def grouped(self, source, scope, depth, types):
        """Keys, aggregates over columns of this level, conditions over both."""
        rng = self.rng
        local = Values(self, scope, 0, local=True)
        keys = [(name, kind) for name, kind in rng.sample(scope.own, min(rng.choice((0, 1, 1, 2)), len(scope.own)))
                if kind in KINDS]
        after = Values(self, Scope(keys, scope.outer), depth - 1)
        values = [self.after_group(after, local, kind, keys) for kind in types]
        having = f" HAVING {rng.choice((local.aggregate_condition, after.boolean))()}" if rng.random() < 0.3 else ""
        group = f" GROUP BY {', '.join(name for name, _ in keys)}" if keys else ""
        if not keys and not having:
            having = " HAVING count(*) >= 0"
        return f"SELECT {self.outputs(values, types)} FROM {source}{self.where(Values(self, scope, depth))}{group}{having}"

    def after_group(self, after, local, kind, keys):
        rng = self.rng
        own = [name for name, key_kind in keys if key_kind == kind]
        if own and rng.random() < 0.5:
            return rng.choice(own)
        if kind == INTEGER:
            call = self.aggregate_of(local, kind)
            if rng.random() < 0.2:
                call += f" FILTER (WHERE {local.boolean(1)})"
            return f"CAST({call} AS integer) + {after.integer(1)}" if rng.random() < 0.3 else call
        if kind == TEXT:
            order = self.total_order(local.scope.own)
            return rng.choice((f"min({local.text(1)})", f"string_agg({local.text(0)}, '.' ORDER BY {order})",
                               f"array_agg({local.integer(0)} ORDER BY {order})",
                               f"max({local.text(1)})", after.text(1)))
        return rng.choice((f"bool_and({local.boolean(1)})", f"bool_or({local.boolean(0)})", "count(*) > 1",
                           after.boolean(1)))

    def sets(self, source, scope, depth, types):
        """GROUPING SETS over whatever FROM is."""
        rng = self.rng
        local = Values(self, scope, 0, local=True)
        keys = list(dict.fromkeys(name for name, kind in rng.sample(scope.own, min(2, len(scope.own)))))
        if len(keys) < 2:
            return self.grouped(source, scope, depth, types)
        pair = ", ".join(keys)
        sets = rng.choice((f"ROLLUP ({pair})", f"CUBE ({pair})", f"GROUPING SETS (({pair}), ({keys[1]}), ())",
                           f"GROUPING SETS (({keys[0]}), ({keys[1]}))", f"{keys[0]}, ROLLUP ({keys[1]})"))
        kinds = dict(scope.own)
        values = []
        for kind in types:
            fitting = [key for key in keys if kinds[key] == kind]
            if fitting and rng.random() < 0.6:
                values.append(rng.choice(fitting))
            elif kind == INTEGER:
                values.append(rng.choice((f"grouping({pair})", self.aggregate_of(local, kind))))
            elif kind == TEXT:
                values.append(rng.choice((f"min({local.text(1)})", f"CAST(grouping({keys[0]}) AS text)")))
            else:
                values.append(rng.choice((f"bool_or({local.boolean(1)})", f"grouping({keys[1]}) = 1")))
        having = rng.choice(("", "", " HAVING count(*) > 1", f" HAVING grouping({keys[0]}) = 0"))
        return f"SELECT {self.outputs(values, types)} FROM {source}{self.where(Values(self, scope, depth))} GROUP BY {sets}{having}"

    def ranked(self, source, scope, depth, types):
        """Window functions, sometimes with a bound on a rank."""
        rng = self.rng
        e = Values(self, scope, 0)
        order = self.total_order(scope.own)
        part = rng.choice(("", f"PARTITION BY {e.integer(0)} ", f"PARTITION BY {e.text(0)}, {e.boolean(0)} "))
        values = []
        for kind in types:
            value = e.of(kind, 0)
            if kind == INTEGER and rng.random() < 0.7:
                value = rng.choice((
                    f"row_number() OVER ({part}ORDER BY {order})", f"rank() OVER ({part}ORDER BY {e.integer(0)} + 0)",
                    f"dense_rank() OVER ({part}ORDER BY {e.text(0)} || '' DESC)",
                    f"sum({e.integer(0)}) OVER ({part}ORDER BY {order} ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)",
                    f"count(*) OVER ({part})", f"max({e.integer(0)}) OVER ({part}ORDER BY {e.integer(0)} + 0)",
                    f"lag({e.integer(0)}) OVER ({part}ORDER BY {order})",
                    f"count({e.text(0)}) OVER ({part}ORDER BY {e.integer(0)} + 0 RANGE BETWEEN 1 PRECEDING AND 2 FOLLOWING)",
                    f"sum({e.integer(0)}) OVER ({part}ORDER BY {e.integer(0)} + 0 GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW"
                    f"{rng.choice(('', ' EXCLUDE TIES', ' EXCLUDE CURRENT ROW', ' EXCLUDE GROUP'))})"))
            elif kind == TEXT and rng.random() < 0.4:
                value = f"{rng.choice(('first_value', 'last_value'))}({e.text(0)} || '') OVER ({part}ORDER BY {order})"
            values.append(value)
        where = self.where(Values(self, scope, depth))
        if rng.random() < 0.5:
            return f"SELECT {self.outputs(values, types)} FROM {source}{where}"
        rank = f"row_number() OVER ({part}ORDER BY {order}) AS rn"
        names = ", ".join(f"c{i}" for i in range(len(types)))
        alias = self.name("t")
        return (f"SELECT {names} FROM (SELECT {self.outputs([e.of(kind) for kind in types], types)}, {rank} FROM {source}"
                f"{where}) AS {alias} WHERE rn {rng.choice(('<= 2', '= 1', '< 4', '= 2', '> 1', 'BETWEEN 2 AND 3'))}")

    def whole(self, depth):
        """A query with its WITH."""
        rng, before = self.rng, list(self.named)
        heads = []
        for _ in range(rng.choice((0, 0, 0, 1, 2))):
            text, columns = self.query((), depth - 1)
            name = self.name("w")
            heads.append(f"{name} AS {rng.choice(('', '', 'MATERIALIZED ', 'NOT MATERIALIZED '))}({text})")
            self.named.append((name, columns))
        text, columns = self.query((), depth)
        self.named = before
        return (f"WITH {', '.join(heads)} " if heads else "") + text, columns
