"""The relations of one round: what was inserted, changed and deleted so far, here and in the mirror.

The mirror is a schema of a PostgreSQL database.  Each stream's table there carries, beside the columns,
`_seq` and for every stream of the round the watermark that stood before the row (`_w_<stream>`), so that
which rows are late in which windows can be said in SQL.
"""
EPOCH = 1767225600          # 2026-01-01 00:00:00 UTC, in seconds

# Column types that the rows are made of.  Floats are multiples of 1/4 of modest size: their sums are
# exact in any order, so that both sides must agree to the last bit.
TYPES = ("integer", "bigint", "text", "boolean", "numeric(12,2)", "double precision", "timestamp")


def literal(value, kind):
    """A value as both dialects read it."""
    if value is None:
        return f"CAST(NULL AS {kind})"
    if kind == "timestamp":
        return f"TIMESTAMP '{stamp(value)}'"
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "text":
        return "'" + value.replace("'", "''") + "'"
    if kind == "double precision":
        return f"CAST({value!r} AS double precision)"
    return f"CAST({value} AS {kind})"


def stamp(seconds):
    """Seconds since 1970 as a timestamp's text."""
    days, rest = divmod(seconds - EPOCH, 86400)
    year, month, day = _civil(EPOCH // 86400 + days)
    return f"{year:04d}-{month:02d}-{day:02d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


def _civil(days):
    import datetime
    date = datetime.date(1970, 1, 1) + datetime.timedelta(days=days)
    return date.year, date.month, date.day


class Relation:
    """A stream (`time`, `delay`) or a table (`key`)."""

    def __init__(self, name, columns, delay=None, key=None):
        self.name, self.columns, self.delay, self.key = name, columns, delay, key
        self.now, self.watermark, self.next_id = EPOCH, None, 1
        self.rows = {}              # of a table, by key

    @property
    def is_stream(self):
        return self.key is None

    def ddl(self):
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns)
        if self.is_stream:
            return (f"CREATE STREAM {self.name} ({columns}, WATERMARK FOR at AS at - "
                    f"INTERVAL '{self.delay} seconds')")
        return f"CREATE TABLE {self.name} ({columns}, PRIMARY KEY (id))"


class World:
    """Relations and what happens to them; `server` is ours, `mirror` a psycopg connection."""

    def __init__(self, rng, mirror, schema, tables):
        self.rng, self.mirror, self.schema = rng, mirror, schema
        self.streams = [self._relation(f"s{i}", False) for i in range(rng.choice((1, 2, 2)))]
        self.tables = [self._relation(f"t{i}", True) for i in range(rng.choice((1, 2)))] if tables else []
        self.place = 0
        mirror.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")
        mirror.execute(f"CREATE SCHEMA {schema}")
        mirror.execute(f"SET search_path = {schema}, public")
        for relation in self.relations:
            self._create_mirror(relation)

    @property
    def relations(self):
        return self.streams + self.tables

    def _relation(self, name, is_table):
        rng = self.rng
        columns = [("id", "integer"), ("k", "integer"), ("c", "text"), ("v", "integer")]
        for kind in rng.sample(TYPES[1:-1], rng.randint(1, 3)):
            columns.append((f"x{len(columns) - 3}", kind))
        if is_table:
            return Relation(name, columns, key="id")
        columns.insert(rng.randint(1, len(columns)), ("at", "timestamp"))
        return Relation(name, columns, delay=rng.choice((0, 3, 10)))

    def _create_mirror(self, relation):
        columns = ", ".join(f"{name} {kind}" for name, kind in relation.columns)
        extra = "".join(f", _w_{stream.name} timestamp" for stream in self.streams)
        key = "" if relation.is_stream else ", PRIMARY KEY (id)"
        self.mirror.execute(f"CREATE TABLE {relation.name} ({columns}, _seq bigint{extra}{key})")

    # -- values -------------------------------------------------------------------------------------

    def value(self, kind):
        rng = self.rng
        if rng.random() < 0.08:
            return None
        if kind == "integer":
            return rng.choice((0, 1, -1, 2, 3, rng.randint(-20, 20), rng.randint(-1000, 1000)))
        if kind == "bigint":
            return rng.choice((0, 1, rng.randint(-10, 10), rng.randint(-10**9, 10**9)))
        if kind == "text":
            return rng.choice(("", "a", "b", "B", "ab", "aé", "z" * 14, "abcdefghijklmnop", "x y"))
        if kind == "boolean":
            return rng.random() < 0.5
        if kind.startswith("numeric"):
            return f"{rng.randint(-99999, 99999) / 100:.2f}" if rng.random() < 0.8 else "1.00"
        if kind == "double precision":
            return rng.randint(-4000, 4000) / 4
        raise AssertionError(kind)

    def row(self, relation, identity=None):
        row = {}
        for name, kind in relation.columns:
            if name == "id":
                row[name] = identity
            elif name == "k":
                row[name] = None if self.rng.random() < 0.06 else self.rng.randrange(4)
            elif name == "at":
                row[name] = self._time(relation)
            else:
                row[name] = self.value(kind)
        return row

    def _time(self, stream):
        """Rising, out of order by some seconds, now and then far behind."""
        rng = self.rng
        stream.now += rng.choice((0, 0, 0, 1, 1, 2, 5))
        behind = rng.randint(0, 8) if rng.random() < 0.4 else 0
        if rng.random() < 0.05:
            behind = rng.randint(20, 200)
        return stream.now - behind

    # -- what happens -------------------------------------------------------------------------------

    def step(self, connection):
        """One statement against our server and the same against the mirror."""
        if self.tables and self.rng.random() < 0.5:
            return self._change_table(connection, self.rng.choice(self.tables))
        return self._append(connection, self.rng.choice(self.streams))

    def _append(self, connection, stream):
        rows, mirrored = [], []
        for _ in range(self.rng.choice((1, 1, 2, 3, 10, 40))):
            row = self.row(stream, stream.next_id)
            stream.next_id += 1
            self.place += 1
            marks = [None if s.watermark is None else stamp(s.watermark) for s in self.streams]
            values = [stamp(v) if name == "at" else v for name, v in row.items()]
            rows.append(values)
            mirrored.append([*values, self.place, *marks])
            mark = row["at"] - stream.delay
            stream.watermark = mark if stream.watermark is None else max(stream.watermark, mark)
        _copy(connection, stream.name, rows)
        _copy(self.mirror, stream.name, mirrored)

    def _change_table(self, connection, table):
        rng = self.rng
        kind = rng.choice(("insert", "insert", "upsert", "update", "update", "delete"))
        if kind == "insert" or not table.rows:
            row = self.row(table, table.next_id)
            table.next_id += 1
            sql = self._insert(table, row)
        elif kind == "upsert":
            identity = rng.choice((rng.choice(list(table.rows)), table.next_id))
            table.next_id += 1
            row = self.row(table, identity)
            sets = ", ".join(f"{name} = excluded.{name}" for name, _ in table.columns[1:])
            sql = self._insert(table, row) + f" ON CONFLICT (id) DO UPDATE SET {sets}"
        elif kind == "update":
            name, column_type = rng.choice(table.columns[1:])
            sql = (f"UPDATE {table.name} SET {name} = {literal(self.value(column_type), column_type)} "
                   f"WHERE {rng.choice(('id = %d' % rng.choice(list(table.rows)), 'k = %d' % rng.randrange(4)))}")
            row = None
        else:
            sql = f"DELETE FROM {table.name} WHERE id = {rng.choice(list(table.rows))}"
            row = None
        connection.execute(sql)
        self.mirror.execute(sql)
        table.rows = {r[0]: None for r in self.mirror.execute(f"SELECT id FROM {table.name}")}

    def _insert(self, table, row):
        names = ", ".join(row)
        values = ", ".join(literal(row[name], kind) for name, kind in table.columns)
        return f"INSERT INTO {table.name} ({names}) VALUES ({values})"


def _copy(connection, name, rows):
    columns = ""
    with connection.cursor().copy(f"COPY {name}{columns} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
