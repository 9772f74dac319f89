"""DuckDB as the peer, in a process of its own: `Peer` talks to this file run as a program.

The process stays, so that the peer is warm; each answer is put into a table of its own in memory, so
that neither making Python objects nor fetching is counted as its work.
"""
import json
import resource
import subprocess
import sys
import time


class Peer:
    def __init__(self, threads=2):
        self.process = subprocess.Popen([sys.executable, __file__, str(threads)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()

    def _ask(self, operation, sql):
        self.process.stdin.write(json.dumps([operation, sql]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if isinstance(answer, str):
            raise AssertionError("DuckDB: " + answer)
        return answer

    def version(self):
        return self.rows("SELECT version()")[0][0]

    def run(self, sql):
        """Runs a statement; returns its seconds and CPU seconds."""
        return self._ask("run", sql)

    def rows(self, sql):
        return self._ask("rows", sql)


def cpu_seconds():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def serve(threads):
    import duckdb
    connection = duckdb.connect(":memory:")
    connection.execute(f"SET threads = {threads}")
    # Its own advice for aggregates over files: row order is not needed.
    connection.execute("SET preserve_insertion_order = false")
    for line in sys.stdin:
        operation, sql = json.loads(line)
        try:
            cpu, start = cpu_seconds(), time.monotonic()
            connection.execute(sql)
            if operation == "rows":
                answer = [list(row) for row in connection.fetchall()]
            else:
                answer = [time.monotonic() - start, cpu_seconds() - cpu]
        except duckdb.Error as error:
            answer = str(error)
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
