#!/usr/bin/env python3
"""tests/data/convert.py - the raw inputs as CSV or JSON lines.

    convert.py weblog csv|jsonl FILE      Apache's combined log
    convert.py flights jsonl FILE         one JSON array
    convert.py neuro csv FILE             a gzipped row per voxel as a row per voxel and frame
    convert.py tweets jsonl FILE          JSON lines whose time is in Twitter's form

Writes to standard output.  Times become `YYYY-MM-DD hh:mm:ss`; nothing else is changed, and no
row is left out: a line that does not fit is an error.
"""
import csv
import datetime
import gzip
import json
import re
import sys

REQUEST = re.compile(
    r'(?P<ip>\S+) (?P<ident>\S+) (?P<account>\S+) \[(?P<ts>[^\]]+)\] '
    r'"(?P<method>\S+) (?P<url>\S+) (?P<protocol>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+|-) '
    r'"(?P<referrer>(?:[^"\\]|\\.)*)" "(?P<agent>.*?)"?\s*$')
REQUEST_COLUMNS = ("ts", "ip", "method", "url", "protocol", "status", "bytes", "referrer", "agent")


def time_text(text, form):
    return datetime.datetime.strptime(text, form).strftime("%Y-%m-%d %H:%M:%S")


def requests(path):
    """Rows of an access log; a byte count or referrer of `-` is NULL."""
    with open(path, encoding="utf-8", errors="strict", newline="\n") as file:
        for number, line in enumerate(file, 1):
            if line == "\n":
                continue
            match = REQUEST.match(line)
            if match is None:
                raise SystemExit(f"{path}:{number}: not a line of a combined log: {line!r}")
            row = match.groupdict()
            stamp = datetime.datetime.strptime(row["ts"], "%d/%b/%Y:%H:%M:%S %z")
            row["ts"] = stamp.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
            row["status"] = int(row["status"])
            row["bytes"] = None if row["bytes"] == "-" else int(row["bytes"])
            row["referrer"] = None if row["referrer"] == "-" else row["referrer"]
            yield {name: row[name] for name in REQUEST_COLUMNS}


def flights(path):
    with open(path, encoding="utf-8") as file:
        for row in json.load(file):
            row["ts"] = time_text(row.pop("date"), "%Y/%m/%d %H:%M")
            yield row


def tweets(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        for line in file:
            row = json.loads(line)
            row["ts"] = time_text(row.pop("message_time"), "%a %b %d %H:%M:%S +0000 %Y")
            yield row


def neuro(path):
    """A frame is a second, counted from the epoch."""
    start = datetime.datetime(1970, 1, 1)
    with gzip.open(path, "rt", encoding="ascii", newline="") as file:
        reader = csv.reader(file)
        frames = [(start + datetime.timedelta(seconds=int(name[1:]))).strftime("%Y-%m-%d %H:%M:%S")
                  for name in next(reader)[3:]]
        for voxel in reader:
            for ts, value in zip(frames, voxel[3:]):
                yield {"ts": ts, "x": voxel[0], "y": voxel[1], "z": voxel[2], "value": value}


def write_csv(rows, out):
    writer = csv.writer(out, lineterminator="\n")
    header = None
    for row in rows:
        if header is None:
            header = list(row)
            writer.writerow(header)
        writer.writerow(["" if row[name] is None else row[name] for name in header])


def write_jsonl(rows, out):
    for row in rows:
        out.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")


def main(arguments):
    readers = {"weblog": requests, "flights": flights, "tweets": tweets,
               "neuro": neuro}
    writers = {"csv": write_csv, "jsonl": write_jsonl}
    if len(arguments) != 3 or arguments[0] not in readers or arguments[1] not in writers:
        raise SystemExit(__doc__)
    sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    writers[arguments[1]](readers[arguments[0]](arguments[2]), sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1:])
