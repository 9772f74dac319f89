#!/usr/bin/env python3
"""tests/sketches_test.py - what docs/functions.md states of approx_count_distinct, approx_percentile and approx_top_k,
over the data of tests/data: the exact answers are Python's.  Sketches do not depend on the order of rows, so
that every cut and number of workers gives one answer, which is the ad-hoc one."""
import collections
import csv
import io
import json
import math
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.data import dataset  # noqa: E402

SMALL = harness.quick() or bool(harness.sanitized())
FRACTIONS = (0, 0.01, 0.25, 0.5, 0.9, 0.99, 1)
TOPS = (1, 5, 20)


def observations():
    """(set, name, value) of every row; name or value may be None."""
    with open(dataset("wikipedia/edits.jsonl")) as lines:
        for line in lines:
            edit = json.loads(line)
            yield "pages", edit["page"], edit["added"]
            yield "users", edit["user"], edit["deleted"]
    with open(dataset("weblog/requests.csv")) as rows:
        for row in csv.DictReader(rows):
            numbers = [value for name, value in row.items() if name and value and value.isdigit()]
            for column, value in row.items():
                yield f"weblog {column}", value or None, float(numbers[-1]) if numbers else None
    for name in ("nyc_taxi", "machine_temperature_system_failure", "ec2_request_latency_system_failure"):
        with open(dataset(f"nab/{name}.csv")) as rows:
            for row in csv.DictReader(rows):
                yield name, row["value"], float(row["value"])
    with open(dataset("flights/airports.csv")) as rows:
        for row in csv.DictReader(rows):
            yield "airports", row["city"], float(row["longitude"])


def select():
    percentiles = ", ".join(f"approx_percentile(value, {f}) AS p{i}" for i, f in enumerate(FRACTIONS))
    tops = ", ".join(f"approx_top_k(name, {k}) AS t{k}" for k in TOPS)
    return f"SELECT set, approx_count_distinct(name) AS n, {percentiles}, {tops} FROM obs GROUP BY set"


def check_distinct(what, names, found):
    exact = len(set(names))
    assert abs(found - exact) <= 1 + 0.049 * exact, f"{what}: {found} different names instead of {exact}"


def check_percentiles(what, values, found):
    values.sort()
    for fraction, got in zip(FRACTIONS, found):
        exact = values[math.floor(fraction * (len(values) - 1))]
        assert abs(got - exact) <= 0.01 * (1 + 1e-9) * abs(exact), f"{what}, {fraction}: {got} instead of {exact}"


def check_top(what, names, k, found):
    counts, counters = collections.Counter(names), max(64, 8 * k)
    bound = 0 if len(counts) <= counters else len(names) / counters
    shown = [counts[name] for name in found]
    assert len(found) == len(set(found)) == min(k, len(counts)), f"{what}: {found}"
    assert all(later <= earlier + bound for i, earlier in enumerate(shown) for later in shown[i:]), f"{what}: {shown}"
    hidden = max((count for name, count in counts.items() if name not in found), default=0)
    assert hidden <= min(shown) + bound, f"{what}: one of {hidden} rows is not shown, one of {min(shown)} is"


def check_bounds(rows, answers):
    by_set = collections.defaultdict(lambda: ([], []))
    for name_of_set, name, value in rows:
        names, values = by_set[name_of_set]
        if name is not None:
            names.append(name)
        if value is not None:
            values.append(value)
    assert sorted(by_set) == sorted(answer[0] for answer in answers)
    for what, distinct, *rest in answers:
        names, values = by_set[what]
        check_distinct(what, names, distinct)
        if values:
            check_percentiles(what, values, rest[:len(FRACTIONS)])
        for k, found in zip(TOPS, rest[len(FRACTIONS):]):
            if names:
                check_top(f"{what}, {k}", names, k, found)
    print(f"# {len(rows)} rows, {len(answers)} sets")


def test_stated_bounds():
    rows = list(observations())[::3 if SMALL else 1]
    text = io.StringIO()
    csv.writer(text).writerows([s, "" if n is None else n, "" if v is None else v] for s, n, v in rows)
    first = []
    for batch_rows, workers in ((100_000, 1), (7, 1), (100_000, 2)):
        with harness.Server(settings={"batch_rows": batch_rows, "workers": workers}) as server:
            server.execute("CREATE STREAM obs (set text, name text, value double precision)")
            server.execute(f"CREATE MATERIALIZED VIEW m AS {select()}")
            server.copy("COPY obs FROM STDIN (FORMAT csv)", text.getvalue())
            server.execute("FLUSH")
            answers = sorted(server.execute("SELECT * FROM m"))
            assert answers == sorted(server.execute(select())), "the ad-hoc answer is another one"
        if not first:
            first = answers
            check_bounds(rows, answers)
        assert answers == first, f"batch_rows={batch_rows} workers={workers}"


harness.main(globals())
