"""Rows a second: COPY and file into a TUMBLE aggregate, and the same over rows already in the log."""
import statistics
import time

import bids
import growth
import machine
from peer import Peer

# Name, how rows come in, when results are written, how rows are acknowledged.
VARIANTS = {
    "file-csv": ("file", "ON WINDOW CLOSE", "fsync"),
    "copy-csv": ("csv", "ON WINDOW CLOSE", "fsync"),
    "copy-binary": ("binary", "ON WINDOW CLOSE", "fsync"),
    "file-csv-update": ("file", "ON UPDATE", "fsync"),
    "copy-csv-update": ("csv", "ON UPDATE", "fsync"),
    "copy-csv-os": ("csv", "ON WINDOW CLOSE", "os"),
}
TITLES = {
    "file-csv": "file csv", "copy-csv": "COPY csv", "copy-binary": "COPY binary",
    "file-csv-update": "file csv, ON UPDATE", "copy-csv-update": "COPY csv, ON UPDATE",
    "copy-csv-os": "COPY csv, durability 'os'",
}
# Our rate over the peer's: floor and goal.
BOUNDS = {"file-csv": (1.0, 2.5), "copy-csv": (0.5, 1.25)}


def run_file(context, running, path, emit):
    start = time.monotonic()
    with running.connect() as connection:
        connection.execute(bids.stream_sql(path=path))
        connection.execute(bids.view_sql(emit=emit))
        connection.execute("FLUSH")
    return {"seconds": time.monotonic() - start, "rows": context.rows}


def run_copy(context, running, path, form, emit, durability):
    with running.connect() as connection:
        connection.execute(bids.stream_sql(durability=durability))
        connection.execute(bids.view_sql(emit=emit))
    return bids.copy_client(context, running, running.dsn(), "bids", form, path,
                            bids.CLOSE_SQL, "FLUSH")


def run_ours(context, variant):
    """One run on a fresh server; adds CPU of the server and the digest of the answer."""
    feed, emit, durability = VARIANTS[variant]
    path = bids.data(context, "binary" if feed == "binary" else "csv")
    with bids.server(context) as running:
        pid = running.process.pid
        cpu = machine.cpu_seconds(pid)
        if feed == "file":
            run = run_file(context, running, path, emit)
        else:
            run = run_copy(context, running, path, feed, emit, durability)
        run["cpu"] = machine.cpu_seconds(pid) - cpu
        run["peak"] = machine.rss_bytes(pid, "VmHWM")
        run["log_bytes"] = sum(file.stat().st_size for file in (running.data / "log").iterdir())
        run["digest"] = bids.our_digest(running)
    if run["rows"] != context.rows:
        raise AssertionError(f"{run['rows']} of {context.rows} rows were sent")
    return run


def check_answer(what, ours, theirs):
    if ours != theirs:
        raise AssertionError(f"{what}: another answer than DuckDB's: {ours}, {theirs}")


def report(context, key, title, ours, theirs, bounds=(None, None)):
    """Rates of both sides and their ratio; a run is {"seconds", "cpu", …}."""
    rate = [context.rows / run["seconds"] for run in ours]
    peer_rate = [context.rows / run["seconds"] for run in theirs]
    per_cpu = [context.rows / run["cpu"] for run in ours]
    client = statistics.median(run.get("client_cpu", 0.0) for run in ours)
    context.figures.add(key, f"{title}: rows/s", rate, "M/s", scale=1e-6,
                        note=f"DuckDB {statistics.median(peer_rate) / 1e6:.2f}")
    context.figures.add(key + ".cpu", f"{title}: rows per CPU-second", per_cpu, "M", scale=1e-6,
                        note="DuckDB {:.2f}{}".format(
                            statistics.median(context.rows / run["cpu"] for run in theirs) / 1e6,
                            f"; client's CPU {client:.2f} s" if client else ""))
    ratio = statistics.median(rate) / statistics.median(peer_rate)
    context.figures.add(key + ".ratio", f"{title}: of DuckDB's rows/s", [ratio], "x",
                        floor=bounds[0], goal=bounds[1])
    context.figures.detail(key, {"ours": ours, "peer": theirs})


def ingest(context, names):
    """Ours and the peer's runs alternate, so that a slower minute of the machine hits both."""
    path = bids.data(context, "csv")
    runs = {name: [] for name in names}
    peer_runs = {name: [] for name in names}
    with Peer() as peer:
        sql = bids.duck_sql(bids.duck_csv(path))
        peer.run(sql)
        expected = bids.duck_digest(peer)
        for number in range(context.runs):
            for name in names:
                run = run_ours(context, name)
                check_answer(name, run["digest"], expected)
                runs[name].append(run)
                seconds, cpu = peer.run(sql)
                peer_runs[name].append({"seconds": seconds, "cpu": cpu})
                context.say(f"{name} {number + 1}/{context.runs}: "
                            f"{context.rows / run['seconds'] / 1e6:.2f} M rows/s, "
                            f"DuckDB {context.rows / seconds / 1e6:.2f}")
    for name in names:
        report(context, name, TITLES[name], runs[name], peer_runs[name],
               BOUNDS.get(name, (None, None)))
        if VARIANTS[name][0] != "file":
            context.figures.add(
                name + ".log", f"{TITLES[name]}: log written",
                [run["log_bytes"] / run["copy_seconds"] for run in runs[name]], "MB/s", scale=1e-6)
        context.figures.add(name + ".peak", f"{TITLES[name]}: peak RSS",
                            [run["peak"] for run in runs[name]], "MB", scale=1e-6)


# ---- in memory ---------------------------------------------------------------------------------

# What one and two workers are timed over: stream, target, seconds of a window, and what it measures.
SCALING = {
    "memory-scaling-literal": (
        "few", "", bids.WINDOW, "two workers over one, 10 000 groups in all",
        "five windows of 2 000 groups"),
    "memory-scaling": (
        "bids", "", bids.WINDOW, "two workers over one, 50 000 groups in all",
        "five windows of 10 000 groups"),
    "memory-scaling-window": (
        "bids", "", bids.ONE_WINDOW, "two workers over one, 10 000 groups in one window",
        "all is written when all is counted"),
    "memory-scaling-discard": (
        "bids", "nowhere.", bids.WINDOW, "two workers over one, 50 000 groups thrown away",
        "no target's thread beside them"),
}
SCALING_FLOOR = 1.6
STREAM_KEYS = {"bids": bids.KEYS, "few": bids.FEW_KEYS}


def load(context, running):
    with running.connect() as connection:
        for stream, keys in STREAM_KEYS.items():
            path = bids.generate(context, "csv", keys)
            connection.execute(bids.stream_sql(stream, path=path))
        connection.execute("FLUSH")
        connection.execute(growth.DISCARD)


def time_view(running, name, emit="ON WINDOW CLOSE", where="", window=bids.WINDOW, stream="bids"):
    """CREATE MATERIALIZED VIEW over retained rows until its first covering commit; `where`: a target
    that is not read again."""
    pid = running.process.pid
    with running.connect() as connection:
        cpu, start = machine.cpu_seconds(pid), time.monotonic()
        connection.execute(bids.view_sql(where + name, emit, window, stream))
        connection.execute("FLUSH")
        run = {"seconds": time.monotonic() - start, "cpu": machine.cpu_seconds(pid) - cpu}
        run["lanes"] = [list(row) for row in connection.execute(
            "SELECT lane, sum(rows_in) FROM millrace.operators WHERE query = %s AND operator = 'Aggregate' "
            "GROUP BY lane ORDER BY lane", (name,)).fetchall()]
        run["digest"] = None if where else bids.our_digest(running, name)
        connection.execute(f"DROP MATERIALIZED VIEW {name}")
    return run


def peer_answers(context, peer):
    """The digest of the peer's answer by stream and window."""
    answers = {}
    for stream, keys in STREAM_KEYS.items():
        path = bids.generate(context, "csv", keys)
        peer.run(f"CREATE TABLE {stream} AS SELECT * FROM {bids.duck_csv(path)}")
        for window in (bids.ONE_WINDOW, bids.WINDOW):
            peer.run(bids.duck_sql(stream, window))
            answers[stream, window] = bids.duck_digest(peer)
    return answers


def time_scaling(servers, answers, number, runs):
    """One worker and two in turn, over every variant; `runs`: by variant, of one and of two."""
    for key, (stream, where, window, _, _) in SCALING.items():
        for running, done in zip(servers, runs[key]):
            done.append(time_view(running, f"totals_{number}", where=where, window=window,
                                  stream=stream))
            if not where:
                check_answer(key, done[-1]["digest"], answers[stream, window])


def report_scaling(context, runs):
    for key, (_, _, _, title, note) in SCALING.items():
        one, two = runs[key]
        lanes = ", ".join(str(rows) for _, rows in two[-1]["lanes"])
        context.figures.add(key, f"in memory: {title}", [median_ratio(one, two)], "x",
                            floor=SCALING_FLOOR, note=f"{note}; rows by worker {lanes}")
        context.figures.detail(key, {"one": one, "two": two})


def memory(context):
    update, theirs = [], []
    runs = {key: ([], []) for key in SCALING}
    with Peer() as peer, bids.server(context, workers=2, log_cache="8GB") as pair, \
            bids.server(context, workers=1, log_cache="8GB") as single:
        answers = peer_answers(context, peer)
        for running in (single, pair):
            load(context, running)
            time_view(running, "warm")
        for number in range(context.runs):
            time_scaling((single, pair), answers, number, runs)
            update.append(time_view(pair, f"totals_{number}", "ON UPDATE"))
            check_answer("in memory", update[-1]["digest"], answers["bids", bids.WINDOW])
            seconds, cpu = peer.run(bids.duck_sql("bids"))
            theirs.append({"seconds": seconds, "cpu": cpu})
            one, two = (done[-1]["seconds"] for done in runs["memory-scaling"])
            context.say(f"memory {number + 1}/{context.runs}: {context.rows / two / 1e6:.1f} M rows/s, "
                        f"one worker {context.rows / one / 1e6:.1f}, "
                        f"DuckDB {context.rows / theirs[-1]['seconds'] / 1e6:.1f}")
    report(context, "memory", "in memory", runs["memory-scaling"][1], theirs, (0.5, 1.0))
    report(context, "memory-update", "in memory, ON UPDATE", update, theirs)
    report_scaling(context, runs)


def median_ratio(above, below):
    return (statistics.median(run["seconds"] for run in above)
            / statistics.median(run["seconds"] for run in below))
