"""A Flink session cluster with its SQL Gateway (tests/flink/install), and a gateway that answers badly."""
import atexit
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from .paths import BUILD
from .server import _die_with_parent, free_port, wait_until

LIBRARY = BUILD / "flink" / "lib"
OPENS = [f"--add-opens=java.base/{name}=ALL-UNNAMED" for name in (
    "java.lang", "java.util", "java.net", "java.io", "java.nio", "java.lang.reflect", "java.text", "java.time",
    "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks", "sun.net.util")]
CONFIGURATION = """
jobmanager.rpc.address: 127.0.0.1
jobmanager.bind-host: 127.0.0.1
jobmanager.rpc.port: {rpc}
taskmanager.host: 127.0.0.1
taskmanager.bind-host: 127.0.0.1
taskmanager.resource-id: one
taskmanager.numberOfTaskSlots: 8
taskmanager.cpu.cores: 2
taskmanager.memory.framework.heap.size: 64m
taskmanager.memory.framework.off-heap.size: 64m
taskmanager.memory.task.heap.size: 384m
taskmanager.memory.task.off-heap.size: 0m
taskmanager.memory.managed.size: 64m
taskmanager.memory.network.min: 64m
taskmanager.memory.network.max: 64m
taskmanager.memory.jvm-metaspace.size: 256m
taskmanager.memory.jvm-overhead.min: 64m
taskmanager.memory.jvm-overhead.max: 64m
rest.address: 127.0.0.1
rest.bind-address: 127.0.0.1
rest.port: {rest}
sql-gateway.endpoint.rest.address: 127.0.0.1
sql-gateway.endpoint.rest.bind-address: 127.0.0.1
sql-gateway.endpoint.rest.port: {gateway}
execution.target: remote
"""
LOGGING = """
rootLogger.level = WARN
rootLogger.appenderRef.c.ref = C
appender.c.name = C
appender.c.type = CONSOLE
appender.c.layout.type = PatternLayout
appender.c.layout.pattern = %d %p %c{1} - %m%n
"""


def get(url):
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


class Flink:
    """`with Flink() as flink:` - JobManager, TaskManager and gateway, each a process, on loopback."""

    def __init__(self):
        assert (LIBRARY / "made").exists(), "tests/flink/install BUILD has not made it"
        self.temp = Path(tempfile.mkdtemp(prefix="millrace-flink-"))
        rpc, rest, gateway = free_port(), free_port(), free_port()
        self.cluster, self.gateway = f"http://127.0.0.1:{rest}", f"http://127.0.0.1:{gateway}"
        (self.temp / "config.yaml").write_text(CONFIGURATION.format(rpc=rpc, rest=rest, gateway=gateway))
        (self.temp / "log.properties").write_text(LOGGING)
        self.processes = {}
        atexit.register(self.destroy)

    def start(self, name, main, *arguments):
        command = ["java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", *OPENS,
                   f"-Djava.io.tmpdir={self.temp}", f"-Dlog4j.configurationFile={self.temp}/log.properties",
                   f"org.apache.flink.{main}", *arguments]
        environment = {**os.environ, "CLASSPATH": f"{LIBRARY}/*", "FLINK_CONF_DIR": str(self.temp)}
        with open(self.temp / f"{name}.log", "ab") as log:
            self.processes[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                                    env=environment, cwd=self.temp, preexec_fn=_die_with_parent)

    def __enter__(self):
        where = ("--configDir", str(self.temp))
        self.start("jobmanager", "runtime.entrypoint.StandaloneSessionClusterEntrypoint", *where)
        self.start("taskmanager", "runtime.taskexecutor.TaskManagerRunner", *where)
        self.start_gateway()
        self.wait(lambda: get(self.cluster + "/overview")["taskmanagers"] == 1, "a TaskManager")
        return self

    def start_gateway(self):
        self.start("gateway", "table.gateway.SqlGateway")
        self.wait(lambda: get(self.gateway + "/v1/info"), "the gateway")

    def stop_gateway(self):
        process = self.processes.pop("gateway")
        process.kill()
        process.wait()

    def wait(self, condition, what):
        def met():
            for name, process in self.processes.items():
                assert process.poll() is None, f"{name} has ended: {self.log_tail(name)}"
            try:
                return condition()
            except OSError:
                return False
        wait_until(met, 180, what)

    def jobs(self):
        """(name, state, number) of every job that the cluster knows."""
        return [(job["name"], job["state"], job["jid"]) for job in get(self.cluster + "/jobs/overview")["jobs"]]

    def cancel(self, job):
        request = urllib.request.Request(f"{self.cluster}/jobs/{job}?mode=cancel", method="PATCH")
        urllib.request.urlopen(request, timeout=10).close()

    def log_tail(self, name):
        return (self.temp / f"{name}.log").read_text()[-3000:]

    def destroy(self):
        for process in self.processes.values():
            process.send_signal(signal.SIGKILL)
            process.wait()
        self.processes = {}
        shutil.rmtree(self.temp, ignore_errors=True)

    def __exit__(self, kind, value, trace):
        self.destroy()


class FakeGateway:
    """A gateway without a cluster: keeps a list of jobs, and answers as `mode` says: well; "500", "garbage",
    "html" (200 that is no JSON), "empty" (an object without members), "hang up", "silent"; `refusal` is what
    it says of EXPLAIN; `loses` hangs up when a job is there already."""

    def __init__(self):
        self.mode, self.refusal, self.loses, self.scans = "well", None, False, 1
        self.jobs, self.statements, self.answers, self.name = [], [], {}, ""
        self.release = threading.Event()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def reply(self, code, body):
                data = body.encode()
                self.send_response(code)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def hang_up(self):
                self.close_connection = True
                self.connection.shutdown(2)

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if fake.mode == "500":
                    self.reply(500, "it broke")
                elif fake.mode == "garbage":
                    self.reply(500, '{"errors": [[[')
                elif fake.mode == "html":
                    self.reply(200, "<html>hello</html>")
                elif fake.mode == "empty":
                    self.reply(200, "{}")
                elif fake.mode == "hang up":
                    self.hang_up()
                elif fake.mode == "silent":
                    fake.release.wait(60)
                    self.hang_up()
                else:
                    answer = fake.answer(self.command, self.path, body)
                    if answer is None:
                        self.hang_up()
                    else:
                        self.reply(*answer)

            do_GET = do_POST = do_DELETE = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        self.release.set()
        self.server.shutdown()
        self.server.server_close()

    @staticmethod
    def rows(*rows):
        data = [{"kind": "INSERT", "fields": list(row)} for row in rows]
        return 200, json.dumps({"resultType": "PAYLOAD", "results": {"columns": [], "data": data}})

    @staticmethod
    def error(cause):
        trace = ("<Exception on server side:\norg.apache.flink.table.gateway.SqlGatewayException: no\n\tat a.b.C\n"
                 f"Caused by: org.apache.flink.table.api.ValidationException: {cause}\n\tat a.b.C\n\n"
                 "End of exception on server side>")
        return 500, json.dumps({"errors": ["Internal server error.", trace]})

    def answer(self, method, path, body):
        if method == "DELETE":
            return 200, json.dumps({"status": "CLOSED"})
        if path == "/v1/sessions":
            return 200, json.dumps({"sessionHandle": "5e55"})
        if path.endswith("/statements"):
            number = str(len(self.answers))
            self.answers[number] = self.run(json.loads(body)["statement"])
            return None if self.answers[number] is None else (200, json.dumps({"operationHandle": number}))
        number = path.split("/")[5]
        if path.endswith("/status"):
            return 200, json.dumps({"status": "FINISHED" if self.answers[number][0] == 200 else "ERROR"})
        return self.answers[number]

    def run(self, statement):
        self.statements.append(statement)
        if statement.startswith("SET 'pipeline.name'"):
            self.name = statement.split("'")[3]
        elif statement.startswith("EXPLAIN"):
            if self.refusal is not None:
                return self.error(self.refusal)
            plan = "== Optimized Execution Plan ==\n" + "TableSourceScan(table=[x])\n" * self.scans
            return self.rows([plan])
        elif statement.startswith("EXECUTE"):
            job = f"{len(self.jobs):032x}"
            self.jobs.append([job, self.name, "RUNNING"])
            return None if self.loses else self.rows([job])
        elif statement == "SHOW JOBS":
            return self.rows(*([*job, "2026-01-01T00:00:00Z"] for job in self.jobs))
        elif statement.startswith("STOP JOB"):
            for job in self.jobs:
                if job[0] == re.search("'(.*)'", statement).group(1):
                    job[2] = "CANCELED"
        return self.rows(["OK"])

    def running(self):
        return [job for job in self.jobs if job[2] in ("RUNNING", "RESTARTING")]

    def submissions(self):
        return sum(statement.startswith("EXECUTE") for statement in self.statements)
