#!/usr/bin/env python3
"""tests/clients_doc_test.py - every piece of docs/clients.md does what the page says, one after the other over
one server; and the notebook of examples/ runs.  --quick runs psql and psycopg only."""
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
import harness  # noqa: E402
from harness.certificate import certificate  # noqa: E402
from harness.paths import BUILD, ROOT, patience, quick  # noqa: E402

PAGE = ROOT / "docs" / "clients.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.M | re.S)
PEERS, BUILT = ROOT / "tests" / "peers", BUILD / "peers"


def pieces():
    """(language, text, the answer beside it or None) in the order of the page."""
    return [match.groups() for match in BLOCK.finditer(PAGE.read_text(encoding="utf-8"))]


def in_python(text, place):
    interpreter = BUILT / "venv" / "bin" / "python"
    (place / "piece.py").write_text(text, encoding="utf-8")
    return [interpreter if interpreter.exists() else sys.executable, "piece.py"]


def in_node(text, place):
    (place / "piece.js").write_text(text, encoding="utf-8")
    (place / "node_modules").symlink_to(BUILT / "node" / "node_modules")
    return ["node", "piece.js"]


def in_go(text, place):
    for name in ("go.mod", "go.sum"):
        shutil.copy(PEERS / "go" / name, place)
    (place / "main.go").write_text(text, encoding="utf-8")
    return ["go", "run", "."]


def in_rust(text, place):
    """Under a name of its own: the peer's program is in the same directory."""
    source = BUILT / "rust" / "source"
    for name in ("Cargo.toml", "Cargo.lock"):
        (place / name).write_text((source / name).read_text().replace("millrace-peer", "millrace-piece"))
    shutil.copytree(source / ".cargo", place / ".cargo")
    (place / "src").mkdir()
    (place / "src" / "main.rs").write_text(text, encoding="utf-8")
    return ["cargo", "run", "--quiet", "--locked", "--offline", "--target-dir", BUILT / "rust" / "target"]


def in_java(text, place):
    (place / "Rides.java").write_text(text, encoding="utf-8")
    return ["java", "-cp", "/usr/share/java/postgresql.jar", "Rides.java"]


LANGUAGES = {"sh": lambda text, place: ["bash", "-euo", "pipefail", "-c", text], "python": in_python, "js": in_node,
             "go": in_go, "rust": in_rust, "java": in_java}


def run_piece(server, language, text, wanted):
    """The ports are the server's; everything else is as it stands on the page."""
    place = server.temp / f"piece-{len(list(server.temp.iterdir()))}"
    place.mkdir()
    text = text.replace("7432", str(server.port)).replace("7433", str(server.http_port))
    if "server.crt" in text:
        shutil.copy(server.settings["ssl_cert_file"], place)
    done = subprocess.run([str(part) for part in LANGUAGES[language](text, place)], cwd=place, text=True,
                          capture_output=True, timeout=patience(240), stdin=subprocess.DEVNULL,
                          # A server of a test has no address of IPv6, which node would try first and last.
                          env={**os.environ, "PATH": f"{BUILD}/clients:{BUILT}/venv/bin:{os.environ['PATH']}", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod",
                               "NODE_OPTIONS": "--dns-result-order=ipv4first"})
    # 141, and 23 of curl: the reader behind the pipe has seen enough.
    assert done.returncode in (0, 23, 141) and done.stdout == wanted, \
        f"{done.returncode}: {done.stdout!r} instead of {wanted!r}\n{done.stderr[-3000:]}"


def is_run(language, text):
    return not quick() or (language == "sh" and "pgcli" not in text) \
        or (language == "python" and re.search(r"^import (psycopg|urllib\.request)$", text, re.M))


def server_with_tls():
    server = harness.Server(http=True)
    crt, key = certificate(server.temp / "tls")
    server.settings.update({"ssl": "on", "ssl_cert_file": crt, "ssl_key_file": key})
    return server


def test_page():
    with server_with_tls() as server:
        for number, (language, text, wanted) in enumerate(pieces()):
            if language == "sql":
                with server.connect() as connection:
                    for statement in filter(str.strip, text.split(";")):
                        connection.execute(statement)
            elif is_run(language, text):
                assert wanted is not None, f"piece {number} ({language}) has no answer beside it"
                yield f"piece {number}, {language}", \
                    lambda a=language, b=text, c=wanted: run_piece(server, a, b, c)


def test_notebook():
    if not quick():
        yield "live_window.ipynb", run_notebook


def run_notebook():
    """Runs from the first cell to the last; its plot has the window that grew."""
    python = BUILT / "venv" / "bin" / "python"
    assert python.exists(), "tests/peers/install makes the environment"
    code = """
import sys, nbformat
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=int(sys.argv[2]), kernel_name="python3").execute()
outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
print(sum("image/png" in output.get("data", {}) for output in outputs), "pictures")
print("".join(output.text for output in outputs if output.output_type == "stream"))
"""
    with harness.Server() as server:
        done = subprocess.run(
            [python, "-c", code, ROOT / "examples" / "live_window.ipynb", str(int(patience(120)))], text=True, capture_output=True,
            timeout=patience(200), cwd=server.temp,
            env={**os.environ, "PGHOST": "localhost", "PGPORT": str(server.port), "PGUSER": "me", "PGDATABASE": "millrace",
                 "MPLBACKEND": "module://matplotlib_inline.backend_inline", "HOME": str(server.temp)})
        assert done.returncode == 0, done.stdout + done.stderr[-4000:]
        assert "1 pictures" in done.stdout and "the windows agree" in done.stdout, done.stdout


harness.main(globals())
