"""Tables as lists of rows in one plain form, and their comparison with a tolerance."""
import csv
import datetime
import decimal
import sqlite3

from .paths import patience


def plain(value):
    """One form for a value that SQLite, PostgreSQL, psycopg and CSV write differently."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime.datetime):
        if value.tzinfo is not None:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        text = value.strftime("%Y-%m-%d %H:%M:%S")
        if value.microsecond:
            text += f".{value.microsecond:06d}".rstrip("0")
        return text
    if isinstance(value, (datetime.date, datetime.timedelta)):
        return str(value)
    if isinstance(value, (int, float, decimal.Decimal)):
        return value
    if isinstance(value, (bytes, memoryview)):
        return bytes(value).hex()
    text = str(value)
    # The fraction of a time: trailing zeros say nothing.
    if len(text) > 20 and text[4:5] == "-" and text[19:20] == "." and text[20:].isdigit():
        text = text.rstrip("0").rstrip(".")
    return text


def _number(value):
    if isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        return None


def same(left, right, tolerance):
    """Whether two plain values are equal; numbers within `tolerance`, relative above 1."""
    if left is None or right is None:
        return left is right
    if left == right:
        return True
    truth = {"true": "1", "false": "0"}
    if isinstance(left, str) and isinstance(right, (int, str)) \
            and truth.get(left, left) == truth.get(str(right), str(right)):
        return True
    if isinstance(right, str) and isinstance(left, int) and truth.get(right) == str(left):
        return True
    a, b = _number(left), _number(right)
    if a is None or b is None:
        return False
    return abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))


def _key_text(value):
    number = _number(value) if not isinstance(value, str) else None
    if number is not None and number == int(number):
        value = int(number)
    text = "" if value is None else str(value)
    return {"true": "1", "false": "0"}.get(text, text)


def read_csv(path):
    """(names, rows) of a CSV file with a header; an empty field is NULL."""
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        names = next(reader)
        return names, [[None if cell == "" else plain(cell) for cell in row] for row in reader]


def sqlite_table(path, sql):
    """Rows of a query over a SQLite file, opened read-only as any reader would."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=patience(30))
    try:
        return [list(map(plain, row)) for row in connection.execute(sql)]
    finally:
        connection.close()


def sqlite_execute(path, sql):
    """Statements in a SQLite file, as its owner would run them beside the server."""
    connection = sqlite3.connect(path, timeout=patience(30))
    try:
        connection.executescript(sql)
    finally:
        connection.close()


def compare_tables(got, expected, key, tolerance=0.0, names=None, what=""):
    """Raises AssertionError with the first differences.  `key`: indexes of the columns that
    identify a row; each key must occur once on either side."""
    def index(rows, side):
        table = {}
        for row in rows:
            row = [plain(cell) for cell in row]
            identity = tuple(_key_text(row[i]) for i in key)
            if identity in table:
                raise AssertionError(f"{what}: {side} holds {identity} twice")
            table[identity] = row
        return table

    got, expected = index(got, "the result"), index(expected, "the expected answer")
    problems = []
    for identity in expected.keys() - got.keys():
        problems.append(f"missing {expected[identity]}")
    for identity in got.keys() - expected.keys():
        problems.append(f"unexpected {got[identity]}")
    for identity in got.keys() & expected.keys():
        left, right = got[identity], expected[identity]
        if len(left) != len(right):
            problems.append(f"{identity}: {len(left)} columns, expected {len(right)}")
            continue
        for i, (a, b) in enumerate(zip(left, right)):
            if i not in key and not same(a, b, tolerance):
                name = names[i] if names else f"column {i + 1}"
                problems.append(f"{identity} {name}: {a!r}, expected {b!r}")
    if problems:
        raise AssertionError(
            f"{what}: {len(problems)} differences ({len(got)} rows, expected {len(expected)}):\n"
            + "\n".join(sorted(problems)[:12]))
