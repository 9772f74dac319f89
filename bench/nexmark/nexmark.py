"""The queries of Nexmark, the streams they read and their events; used by bench/run and by
tests/nexmark_test.py.  Nothing here knows which system answers the batch form."""
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
BATCH_MARK = "-- The batch answer:"
PER_ROUND = {"person": 1, "auction": 3, "bid": 46}
EVENTS_PER_ROUND = sum(PER_ROUND.values())
COLUMNS = {
    "person": "id bigint, name text, email_address text, credit_card text, city text, state text, "
              "date_time timestamp, extra text",
    "auction": "id bigint, item_name text, description text, initial_bid bigint, reserve bigint, "
               "date_time timestamp, expires timestamp, seller bigint, category bigint, extra text",
    "bid": "auction bigint, bidder bigint, price bigint, channel text, url text, "
           "date_time timestamp, extra text",
}
SIDE_INPUT = "side_input"
SIDE_COLUMNS = "key bigint PRIMARY KEY, value text"
SIDE_ROWS = 2000


@dataclass
class Query:
    name: str
    what: str
    differs: str
    sql: str
    batch: str
    reads: list

    def view_sql(self, connection="", options="", emit=""):
        target = f"{connection}.{self.name}" if connection else self.name
        return f"CREATE MATERIALIZED VIEW {target} {options} AS {self.sql} {emit}"


def _statement(text):
    return "\n".join(line for line in text.splitlines() if not line.startswith("--")).strip() \
        .removesuffix(";")


def _load_one(path):
    text = path.read_text()
    ours, mark, batch = text.partition(BATCH_MARK)
    comments = [line[3:] for line in ours.splitlines() if line.startswith("-- ")]
    differs = next((line.partition(": ")[2] for line in comments if line.startswith("Differs: ")), "")
    sql = _statement(ours)
    return Query(path.stem, comments[0].partition(": ")[2], differs, sql,
                 _statement(batch) if mark else sql,
                 [name for name in COLUMNS
                  if re.search(rf"\b(FROM|JOIN)\s+(\w+\()?{name}\b", sql)])


def queries():
    return [_load_one(path) for path in
            sorted((HERE / "queries").glob("q*.sql"), key=lambda path: int(path.stem[1:]))]


def stream_sql(name, **options):
    """One of the three streams; with a path it reads that file to its end."""
    words = ", ".join(f"{key} = '{value}'" for key, value in options.items())
    return (f"CREATE STREAM {name} ({COLUMNS[name]}, "
            "WATERMARK FOR date_time AS date_time - INTERVAL '4 seconds')"
            + (f" WITH ({words})" if words else ""))


def side_rows():
    return [(1000 + n, f"value of {n}") for n in range(SIDE_ROWS)]


def generate(events, us_per_event, directory, program):
    """Makes person.csv, auction.csv and bid.csv; `program` is where the generator is built."""
    source = HERE / "generate.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        subprocess.run([*os.environ.get("CC", "cc").split(), "-std=gnu11", "-O2", "-o", program, source,
                        "-lm"], check=True)
    directory.mkdir(parents=True, exist_ok=True)
    subprocess.run([program, str(events), str(us_per_event), directory], check=True)
