"""tests/lib/sqllogictest.py - reads and runs files of SQLite's sqllogictest through the wire protocol.

A file is records with an empty line between them:

    statement ok|error          the SQL
    query TYPES [nosort|rowsort|valuesort] [label]      the SQL, `----`, the values, one a line

`onlyif ENGINE` and `skipif ENGINE` bind the record that follows.  The answers are SQLite's.  Rules
say which records are not SQL of ours; a record is set aside by the first rule that fits, and every
other record must pass.  A rule is a line of a list file, with the reason behind ` -- `:

    run CONDITION -- reason             run records with this condition all the same
    aside CONDITION -- reason           leave records with this condition out
    at FILE:LINE -- reason              leave this one record out
    sql REGEX -- reason                 leave records out whose SQL matches
    sqlstate CODE [REGEX] -- reason     leave records out that fail so (and whose message matches)
    differs REGEX -- reason             leave records out whose SQL matches and whose answer differs
    rewrite REGEX => TEXT -- reason     run the record without, or with other words in their place
"""
import collections
import hashlib
import lzma
import re
from decimal import Decimal, InvalidOperation

Record = collections.namedtuple(
    "Record", "line command words conditions sql expected")


def open_text(path):
    """The lines of a file, which may be packed by xz."""
    if path.suffix == ".xz":
        return lzma.open(path, "rt", encoding="utf-8").read().split("\n")
    return path.read_text(encoding="utf-8").split("\n")


def parse(path):
    """The records of a file, control records (halt, hash-threshold) left out."""
    lines, conditions, records, at = open_text(path), [], [], 0
    while at < len(lines):
        words = lines[at].split("#")[0].split()
        if not words:
            at += 1
        elif words[0] in ("onlyif", "skipif"):
            conditions.append(" ".join(lines[at].split()))
            at += 1
        elif words[0] in ("halt", "hash-threshold"):
            conditions, at = [], at + 1
        elif words[0] in ("statement", "query"):
            start = at
            block, at = take_block(lines, at + 1)
            sql, _, answer = "\n".join(block).partition("\n----")
            records.append(Record(start + 1, words[0], words[1:], conditions, sql.strip(),
                                  answer.strip("\n").split("\n") if answer.strip("\n") else []))
            conditions = []
        else:
            raise ValueError(f"{path.name}:{at + 1}: what is {lines[at]!r}?")
    return records


def take_block(lines, at):
    """The lines up to the next empty one."""
    end = at
    while end < len(lines) and lines[end].strip():
        end += 1
    return lines[at:end], end


class Rules:
    """The list file: see the head of this module.  `used` counts the records that each set aside."""

    KINDS = ("run", "aside", "at", "sql", "sqlstate", "differs", "rewrite")

    def __init__(self, path):
        self.rules, self.used = [], collections.Counter()
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            if not line.strip() or line.startswith("#"):
                continue
            rule, _, reason = line.rpartition(" -- ")
            kind, _, what = rule.strip().partition(" ")
            if kind not in self.KINDS or not what or not reason:
                raise ValueError(f"{path.name}:{number}: what is {line!r}?")
            self.rules.append((kind, what.strip(), reason.strip()))
        self._patterns = {what: re.compile(what.split("=>")[0].strip(), re.I | re.S)
                          for kind, what, _ in self.rules
                          if kind in ("sql", "differs", "rewrite")}

    def _use(self, reason):
        self.used[reason] += 1
        return reason

    def before(self, name, record):
        """The reason to leave the record of the file out; None: run it."""
        for kind, what, reason in self.rules:
            if kind == "at" and what == f"{name}:{record.line}":
                return self._use(reason)
        for condition in record.conditions:
            for kind, what, reason in self.rules:
                if kind in ("run", "aside") and condition.startswith(what):
                    if kind == "aside":
                        return self._use(reason)
                    break
        for kind, what, reason in self.rules:
            if kind == "sql" and self._patterns[what].search(record.sql):
                return self._use(reason)
        return None

    def rewritten(self, sql):
        """The SQL as it is sent."""
        for kind, what, _ in self.rules:
            if kind == "rewrite":
                sql = self._patterns[what].sub(what.partition("=>")[2].strip(), sql)
        return sql

    def after_error(self, sqlstate, message):
        for kind, what, reason in self.rules:
            code, _, pattern = what.partition(" ")
            if kind == "sqlstate" and code == sqlstate and re.search(pattern, message):
                return self._use(reason)
        return None

    def after_answer(self, record):
        for kind, what, reason in self.rules:
            if kind == "differs" and self._patterns[what].search(record.sql):
                return self._use(reason)
        return None


def shown(value, kind):
    """A value's text as sqllogictest writes it for a column of the type."""
    if value is None:
        return "NULL"
    text = value.decode("utf-8")
    try:
        if kind == "I":
            return str(int(Decimal(text)))
        if kind == "R":
            return f"{Decimal(text):.3f}"
    except (InvalidOperation, ValueError, OverflowError):
        return {"t": "1", "f": "0"}.get(text, text) if kind == "I" else text
    if text == "":
        return "(empty)"
    return "".join(c if " " <= c <= "~" else "@" for c in text)


def answer_of(result, types, order):
    """The values of a libpq result, one a line, in the order that the record asks for."""
    rows = [[shown(result.get_value(row, column), types[column] if column < len(types) else "T")
             for column in range(result.nfields)] for row in range(result.ntuples)]
    if order == "rowsort":
        rows.sort()
    values = [value for row in rows for value in row]
    if order == "valuesort":
        values.sort()
    return values


def same(values, expected):
    if len(expected) == 1 and " values hashing to " in expected[0]:
        count, _, digest = expected[0].partition(" values hashing to ")
        whole = "".join(value + "\n" for value in values)
        return int(count) == len(values) and \
            hashlib.md5(whole.encode("utf-8")).hexdigest() == digest.strip()
    return values == expected


class Runner:
    """Runs records over one connection (psycopg's), each as one message of the simple protocol."""

    def __init__(self, connection, rules):
        self.connection, self.rules = connection.pgconn, rules
        self.passed, self.aside, self.failures = 0, 0, []

    def _fail(self, path, record, what):
        self.failures.append(f"{path.name}:{record.line}: {what}\n{record.sql}")

    def run(self, path, records):
        for record in records:
            if self.rules.before(path.name.split(".")[0], record) is not None:
                self.aside += 1
            else:
                self._run_record(path, record)

    def _run_record(self, path, record):
        result = self.connection.exec_(self.rules.rewritten(record.sql).encode("utf-8"))
        sqlstate = result.error_field(ord("C"))
        if sqlstate is not None:
            self._check_error(path, record, sqlstate.decode(), result.error_field(ord("M")).decode())
        elif record.command == "statement":
            if record.words[0] == "error":
                self._fail(path, record, "no error")
            else:
                self.passed += 1
        else:
            self._check_answer(path, record, result)

    def _check_error(self, path, record, sqlstate, message):
        if record.command == "statement" and record.words[0] == "error" and sqlstate != "XX000":
            self.passed += 1
        elif self.rules.after_error(sqlstate, message) is not None:
            self.aside += 1
        else:
            self._fail(path, record, f"{sqlstate}: {message}")

    def _check_answer(self, path, record, result):
        order = record.words[1] if len(record.words) > 1 else "nosort"
        values = answer_of(result, record.words[0], order)
        if same(values, record.expected):
            self.passed += 1
        elif self.rules.after_answer(record) is not None:
            self.aside += 1
        else:
            self._fail(path, record, f"got {values[:12]}, expected {record.expected[:12]}")
