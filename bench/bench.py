"""Called by bench/run, which made the environment: runs the cases and prints the table."""
import argparse
import os
import shutil
import sys
from pathlib import Path

import catalogue
import figures
import footprint
import growth
import latency
import machine
import nexmark_cases
import throughput

CASES = {
    "disk": footprint.disk,
    "file-csv": lambda context: throughput.ingest(context, ["file-csv"]),
    "copy-csv": lambda context: throughput.ingest(context, ["copy-csv"]),
    "copy-binary": lambda context: throughput.ingest(context, ["copy-binary"]),
    "memory": throughput.memory,
    "file-csv-update": lambda context: throughput.ingest(context, ["file-csv-update"]),
    "copy-csv-update": lambda context: throughput.ingest(context, ["copy-csv-update"]),
    "copy-csv-os": lambda context: throughput.ingest(context, ["copy-csv-os"]),
    "latency-sqlite": latency.sqlite,
    "latency-postgres": latency.postgres,
    "start": footprint.start,
    "idle": footprint.idle,
    "state": footprint.state,
    "shared": footprint.shared,
    "catalogue": catalogue.catalogue,
    "growth": growth.all_cases,
    "nexmark": nexmark_cases.nexmark_case,
}


BUSY_LOAD = 0.5


class Context:
    """What a case needs: sizes, places, and where its figures go."""

    def __init__(self, arguments):
        self.quick = arguments.quick
        self.rows = arguments.rows or (1_000_000 if self.quick else 10_000_000)
        self.runs = arguments.runs or (3 if self.quick else 5)
        self.queries = arguments.queries.split(",") if arguments.queries else []
        self.latency_seconds = 5 if self.quick else 10
        self.idle_seconds = 3 if self.quick else 10
        self.build = Path(os.environ["MILLRACE_BUILD"])
        self.work = self.build / "bench"
        self.figures = figures.Figures()
        self._directories = 0

    def fresh_directory(self):
        """An empty directory beside the build, on the disk whose rate is printed."""
        self._directories += 1
        directory = self.work / f"data-{os.getpid()}-{self._directories}"
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
        return directory

    @staticmethod
    def say(text):
        print(text, file=sys.stderr, flush=True)


def read_arguments():
    parser = argparse.ArgumentParser(prog="bench/run")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--runs", type=int)
    parser.add_argument("--queries", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("case", nargs="*")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.case if name not in CASES]
    if unknown:
        parser.error(f"no case {', '.join(unknown)}; there are {', '.join(CASES)}")
    return arguments


def main():
    arguments = read_arguments()
    if arguments.list:
        print("\n".join(CASES))
        return 0
    context, failed = Context(arguments), []
    about = {"cores": machine.use_two_cores(), "rows": context.rows, "runs": context.runs,
             "machine": machine.describe()}
    for name in arguments.case or CASES:
        try:
            CASES[name](context)
        except Exception as error:  # whatever it is, the other cases still run
            failed.append(name)
            context.say(f"{name} FAILED: {type(error).__name__}: {error}")
    print(f"\n{context.rows} bids, median of {context.runs} runs of each side, two cores "
          f"({about['machine']['cpu']}); load when started {about['machine']['load_average']:.1f}\n")
    if about["machine"]["load_average"] > BUSY_LOAD:
        print("The machine was busy with other things: do not quote these figures.\n")
    context.figures.print_table()
    about["failed"] = failed
    context.figures.write(context.work / "figures.json", about)
    print(f"\n{context.work / 'figures.json'}")
    for name in failed:
        print(f"failed: {name}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
