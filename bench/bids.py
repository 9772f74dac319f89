"""The bids: the file, the stream, the query over it in both dialects, and one text of an answer."""
import contextlib
import hashlib
import json
import shutil
import sqlite3
import subprocess

from harness import Server

KEYS = 10_000
PATIENCE_SECONDS = 300          # only for what hangs
WINDOW = 10                     # seconds; the generator makes 200 000 rows a second of event time
ONE_WINDOW = 3600               # seconds that hold all rows: as many result rows as keys
FEW_KEYS = 2_000                # 10 000 result rows in the five windows of ten million bids
COLUMNS = ("auction bigint NOT NULL, bidder bigint NOT NULL, price bigint NOT NULL, "
           "channel text NOT NULL, url text NOT NULL, at timestamp NOT NULL")
DUCK_COLUMNS = ("{'auction': 'BIGINT', 'bidder': 'BIGINT', 'price': 'BIGINT', "
                "'channel': 'VARCHAR', 'url': 'VARCHAR', 'at': 'TIMESTAMP'}")


def data(context, form):
    """The file of `context.rows` bids, made when it is not there yet."""
    return generate(context, form, KEYS)


def generate(context, form, keys):
    path = context.work / f"bids-{context.rows}-{keys}.{form}"
    if not path.exists():
        partial = path.with_suffix(".partial")
        subprocess.run([context.work / "bids", str(context.rows), form, str(keys), partial],
                       check=True)
        partial.replace(path)
    return path


# ---- ours ------------------------------------------------------------------------------------

def stream_sql(name="bids", durability="fsync", path=None, at_end="close"):
    options = f"durability = '{durability}'"
    if path is not None:
        options += f", connector = 'file', path = '{path}', format = 'csv', at_end = '{at_end}'"
    return (f"CREATE STREAM {name} ({COLUMNS}, "
            f"WATERMARK FOR at AS at - INTERVAL '4 seconds') WITH ({options})")


def view_sql(name="totals", emit="ON WINDOW CLOSE", window=WINDOW, stream="bids"):
    return (f"CREATE MATERIALIZED VIEW {name} AS "
            "SELECT window_start, auction, count(*) AS bids, sum(price) AS total "
            f"FROM TUMBLE({stream}, at, INTERVAL '{window} seconds') "
            f"GROUP BY window_start, auction EMIT {emit}")


CLOSE_SQL = "ADVANCE WATERMARK OF bids TO 'infinity'"


@contextlib.contextmanager
def server(context, **settings):
    """A server with an empty data directory on the disk that is measured."""
    directory = context.fresh_directory()
    settings = {"log_level": "warning", **settings}
    try:
        with Server(settings=settings, data=directory / "data") as running:
            running.execute("SELECT 1")
            yield running
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def copy_client(context, running, *arguments):
    """Runs the C client; returns what it measured."""
    done = subprocess.run([context.work / "copy_client", *map(str, arguments)],
                          stdout=subprocess.PIPE, text=True, check=False, timeout=PATIENCE_SECONDS)
    if done.returncode != 0:
        raise AssertionError("copy_client failed; the end of the server's log:\n"
                             + running.log_tail(10))
    return json.loads(done.stdout)


def our_digest(running, view="totals"):
    with contextlib.closing(sqlite3.connect(f"file:{running.main_db()}?mode=ro", uri=True)) as db:
        return digest(db.execute(f"SELECT window_start, auction, bids, total FROM {view} "
                                 "ORDER BY window_start, auction"))


# ---- the peer's ------------------------------------------------------------------------------

def duck_sql(source, window=WINDOW):
    return (f"CREATE OR REPLACE TEMP TABLE answer AS "
            f"SELECT time_bucket(INTERVAL '{window} seconds', \"at\") AS window_start, auction, "
            f"count(*) AS bids, sum(price) AS total FROM {source} GROUP BY window_start, auction")


def duck_csv(path):
    return f"read_csv('{path}', header = false, columns = {DUCK_COLUMNS})"


def duck_digest(peer):
    return digest(peer.rows("SELECT strftime(window_start, '%Y-%m-%d %H:%M:%S'), auction, bids, "
                            "total::BIGINT FROM answer ORDER BY window_start, auction"))


def digest(rows):
    hashed, count = hashlib.sha256(), 0
    for row in rows:
        hashed.update("|".join(map(str, row)).encode() + b"\n")
        count += 1
    return f"{count} rows {hashed.hexdigest()[:16]}"
