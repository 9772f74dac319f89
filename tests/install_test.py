#!/usr/bin/env python3
"""tests/install_test.py - `make install` puts there what runs alone, `make uninstall` takes it away; the archive
of `make dist` holds all of the tree and, in a full run, builds."""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.paths import full, patience  # noqa: E402

PROGRAMS = {"millraced": "millraced.8", "millrace": "millrace.1", "mrload": "mrload.1"}


def run(*command, where=harness.BUILD):
    done = subprocess.run([str(part) for part in command], cwd=where, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=patience(900))
    assert done.returncode == 0, " ".join(map(str, command)) + "\n" + done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


def make(*arguments, where=harness.BUILD):
    return run("make", "-s", *arguments, where=where)


def files_below(directory):
    return sorted(path.relative_to(directory) for path in Path(directory).rglob("*") if not path.is_dir())


def tracked_files():
    """The files of the tree by git; in an unpacked archive, those that lie there."""
    if (harness.ROOT / ".git").exists():
        return set(run("git", "-c", "safe.directory=*", "ls-files", where=harness.ROOT).split("\n")) - {""}
    return {str(path) for path in files_below(harness.ROOT) if path.parts[0] != "build"}


def check_installed(build, directory):
    """What `make install` of a build puts into a directory runs from there."""
    make("install", f"DESTDIR={directory}", where=build)
    programs, pages = ({path.name: directory / path for path in files_below(directory) if kind in path.parts}
                       for kind in ("bin", "man"))
    for program, page in PROGRAMS.items():
        version = run(programs[program], "--version")
        assert version.split()[0] == program, version
        assert f".TH {Path(page).stem} ".lower() in pages[page].read_text(encoding="utf-8").lower(), page
    server = harness.Server(program=programs["millraced"]).start()
    try:
        answer = run(programs["millrace"], "-X", "-A", "-t", "-h", "127.0.0.1", "-p", server.port, "-U", "test",
                     "-c", "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (7); SELECT a FROM t")
        assert answer.split("\n")[-2] == "7", answer
        server.stop()
    finally:
        server.destroy()


def test_install():
    directory = Path(tempfile.mkdtemp(prefix="millrace-install-"))

    def check_uninstall():
        make("uninstall", f"DESTDIR={directory}")
        assert files_below(directory) == [], files_below(directory)

    try:
        yield "what is installed runs", lambda: check_installed(harness.BUILD, directory)
        yield "uninstall leaves nothing", check_uninstall
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def test_dist():
    directory = Path(tempfile.mkdtemp(prefix="millrace-dist-"))

    def check_files():
        make("dist-gzip")
        archive = max(harness.BUILD.glob("millrace-*.tar.gz"), key=lambda path: path.stat().st_mtime)
        run("tar", "-xf", archive, where=directory)
        archive.unlink()
        left_out = tracked_files() - set(map(str, files_below(next(directory.iterdir())))) - {".gitignore"}
        assert not left_out, f"not in the archive: {sorted(left_out)[:20]}"

    def check_build():
        build = directory / "build"
        build.mkdir()
        run(next(directory.glob("millrace-*")) / "configure", "-q", "CFLAGS=-O0", where=build)
        make("-j", str(os.cpu_count()), "all", where=build)
        check_installed(build, directory / "installed")

    try:
        yield "the archive has every file", check_files
        if full():
            yield "the archive builds, and what it installs runs", check_build
    finally:
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    harness.main(globals())
