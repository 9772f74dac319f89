"""Typed random expressions over a list of columns.  None of them can fail on a row: in a standing query a
failing row is left out and noted, while PostgreSQL's statement fails; tests/slt has that."""

NUMBERS = ("integer", "bigint", "numeric(12,2)", "double precision")


class Expressions:
    """Makes expressions over `columns`: a list of (SQL name, type)."""

    def __init__(self, rng, columns):
        self.rng, self.columns = rng, columns

    def column(self, *kinds):
        """A column of one of the types (any without), or None."""
        fitting = [name for name, kind in self.columns if not kinds or kind in kinds]
        return self.rng.choice(fitting) if fitting else None

    def integer(self, depth=2):
        rng = self.rng
        column = self.column("integer")
        if depth <= 0 or rng.random() < 0.3:
            return column if column and rng.random() < 0.8 else str(rng.randint(-3, 5))
        a = self.integer(depth - 1)
        return rng.choice((
            lambda: f"({a} + {self.integer(depth - 1)})",
            lambda: f"({a} - {self.integer(depth - 1)})",
            lambda: f"(({a}) % 7)",
            lambda: f"({a} / NULLIF({self.integer(depth - 1)}, 0))",
            lambda: f"abs({a})",
            lambda: f"coalesce({a}, {rng.randint(-2, 2)})",
            lambda: f"CASE WHEN {self.boolean(depth - 1)} THEN {a} ELSE {self.integer(depth - 1)} END",
            lambda: f"length({self.text(depth - 1)})",
            lambda: f"greatest({a}, {self.integer(depth - 1)})",
            lambda: f"nullif({a}, {rng.randint(0, 2)})",
        ))()

    def text(self, depth=2):
        rng = self.rng
        column = self.column("text")
        if depth <= 0 or rng.random() < 0.4:
            return column if column and rng.random() < 0.8 else rng.choice(("''", "'a'", "'ab'"))
        a = self.text(depth - 1)
        return rng.choice((
            lambda: f"({a} || {self.text(depth - 1)})",
            lambda: f"upper({a})",
            lambda: f"substr({a}, 1, 2)",
            lambda: f"coalesce({a}, '-')",
            lambda: f"CAST({self.integer(depth - 1)} AS text)",
            lambda: f"CASE WHEN {self.boolean(depth - 1)} THEN {a} END",
        ))()

    def boolean(self, depth=2):
        rng = self.rng
        column = self.column("boolean")
        if column and rng.random() < 0.2:
            return column
        if depth <= 0:
            return f"{self.integer(0)} {rng.choice(('<', '>=', '<>', '='))} {rng.randint(-3, 6)}"
        return rng.choice((
            lambda: f"{self.integer(1)} {rng.choice(('<', '<=', '>', '>=', '=', '<>'))} {self.integer(1)}",
            lambda: f"{self.any_number()} > {rng.randint(-5, 5)}",
            lambda: f"{self.text(1)} {rng.choice(('=', '<>'))} {self.text(0)}",
            lambda: f"{self.text(0)} LIKE '{rng.choice(('a%', '%b', '_', '%'))}'",
            lambda: f"{self.column() or '1'} IS {rng.choice(('', 'NOT '))}NULL",
            lambda: f"({self.boolean(depth - 1)} AND {self.boolean(depth - 1)})",
            lambda: f"({self.boolean(depth - 1)} OR {self.boolean(depth - 1)})",
            lambda: f"(NOT {self.boolean(depth - 1)})",
            lambda: f"{self.integer(0)} IN (0, 1, {rng.choice(('2', 'NULL', '-1'))})",
            lambda: f"{self.integer(1)} BETWEEN {rng.randint(-5, 0)} AND {rng.randint(0, 9)}",
            lambda: f"{self.integer(1)} IS DISTINCT FROM {self.integer(0)}",
        ))()

    def any_number(self):
        """A numeric expression of any numeric type."""
        column = self.column(*NUMBERS)
        if column is None or self.rng.random() < 0.3:
            return self.integer(1)
        return column if self.rng.random() < 0.7 else f"({column} + {self.rng.randint(-2, 9)})"

    def scalar(self):
        """A value for a select list or a key."""
        rng = self.rng
        return rng.choice((lambda: self.column() or "1", lambda: self.integer(2), lambda: self.text(2),
                           lambda: self.boolean(1), self.any_number))()

    def key(self):
        """Something to group by: few values, no floats, never a constant."""
        rng = self.rng
        key = rng.choice((
            lambda: self.column("integer") or "1", lambda: self.column("text") or "'a'",
            lambda: f"({self.integer(1)}) % 3", lambda: self.boolean(1),
            lambda: self.column("boolean") or "true", lambda: f"substr({self.text(0)}, 1, 1)"))()
        return key if any(name in key for name, _ in self.columns) else self.column("integer")

    def aggregate(self):
        rng = self.rng
        call = rng.choice((
            lambda: "count(*)",
            lambda: f"count({self.scalar()})",
            lambda: f"sum({self.any_number()})",
            lambda: f"avg({self.column('integer', 'bigint') or self.integer(1)})",
            lambda: f"min({self.any_number()})", lambda: f"max({self.any_number()})",
            lambda: f"min({self.text(1)})", lambda: f"max({self.text(1)})",
            lambda: f"count(DISTINCT {self.key()})",
            lambda: f"sum(DISTINCT {self.integer(1)})",
            lambda: f"bool_and({self.boolean(1)})", lambda: f"bool_or({self.boolean(1)})",
        ))()
        if rng.random() < 0.2:
            call += f" FILTER (WHERE {self.boolean(1)})"
        return call

    def aggregate_condition(self):
        return self.rng.choice((
            "count(*) > 1", "count(*) % 2 = 0", f"sum({self.integer(1)}) > 0",
            f"max({self.integer(0)}) IS NOT NULL", f"count(DISTINCT {self.key()}) < 3"))
