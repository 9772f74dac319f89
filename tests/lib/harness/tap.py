"""Runs test functions and reports them in TAP, the one format that ./check reads.

One line per test: `ok 3 - name`, `not ok 4 - name`, `ok 5 - name # SKIP reason`; what went wrong
follows as `#` lines.
"""
import contextlib
import inspect
import os
import sys
import time
import traceback

from .data import Skip

DETAIL_LINES_MAX = 60


def _say(text):
    print(text, flush=True)


def _detail(text):
    lines = text.rstrip("\n").split("\n")
    if len(lines) > DETAIL_LINES_MAX:
        lines = lines[:DETAIL_LINES_MAX // 2] + ["..."] + lines[-DETAIL_LINES_MAX // 2:]
    for line in lines:
        _say("#   " + line)


def run(cases):
    """Runs (name, call) pairs in order; returns the process's exit code."""
    count = failed = 0
    only = os.environ.get("MILLRACE_ONLY", "")
    for name, call in cases:
        if only and only not in name:
            continue
        count += 1
        started = time.monotonic()
        try:
            call()
        except Skip as reason:
            _say(f"ok {count} - {name} # SKIP {reason}")
            continue
        except KeyboardInterrupt:
            raise
        except BaseException:  # SystemExit in a test is a failure too
            failed += 1
            _say(f"not ok {count} - {name}")
            _detail(traceback.format_exc())
            continue
        _say(f"ok {count} - {name}")
        _say(f"# {time.monotonic() - started:.2f} s")
    _say(f"1..{count}")
    return 1 if failed else 0


def _cases(namespace, stack):
    for name, value in list(namespace.items()):
        if not name.startswith("test_") or not callable(value):
            continue
        title = name[len("test_"):]
        if inspect.isgeneratorfunction(value):
            # A generator sets something up, yields cases, and cleans up in its `finally`.
            cases = value()
            stack.callback(cases.close)
            while True:
                try:
                    case, call = next(cases)
                except StopIteration:
                    break
                except Skip as reason:
                    yield title, _raiser(reason)
                    break
                except Exception as error:
                    yield title + ": set-up and end", _raiser(error)
                    break
                yield f"{title}: {case}", call
            cases.close()
        else:
            yield title, value


def _raiser(error):
    def call():
        raise error
    return call


def main(namespace):
    """Runs every test_* of a script; `__main__` only."""
    if namespace.get("__name__") != "__main__":
        return
    with contextlib.ExitStack() as stack:
        code = run(_cases(namespace, stack))
    sys.exit(code)
