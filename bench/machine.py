"""What the machine itself does, and what a process costs: disk rate, CPU seconds, memory, wake-ups."""
import os
import platform
import time
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PIECE = 1 << 20


def use_two_cores():
    """Everything runs on two cores, ours and the peer's, clients and target included."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:2])
    return allowed[:2]


def describe():
    model = next((line.split(":", 1)[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.machine())
    memory = int(next(line for line in open("/proc/meminfo")
                      if line.startswith("MemTotal")).split()[1])
    return {"cpu": model, "memory_gib": round(memory / (1 << 20), 1),
            "kernel": platform.release(), "load_average": os.getloadavg()[0]}


def cpu_seconds(pid):
    """User and system time of a process, its threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def cpu_seconds_fine(pid):
    """The same to the nanosecond, without threads that have ended."""
    return sum(int(path.read_text().split()[0])
               for path in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def switches(pid):
    """How often the threads of a process went to sleep: an idle one should not wake up."""
    return sum(int(line.split()[1])
               for path in Path(f"/proc/{pid}/task").glob("*/status")
               for line in path.read_text().splitlines()
               if line.startswith("voluntary_ctxt_switches"))


def rss_bytes(pid, field="VmRSS"):
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(pid)


def disk_write_rate(directory, total):
    """Bytes a second of one sequential file, one fdatasync at its end."""
    path, piece = Path(directory) / "disk-rate", os.urandom(PIECE)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        start = time.monotonic()
        for _ in range(total // PIECE):
            os.write(descriptor, piece)
        os.fdatasync(descriptor)
        return total / (time.monotonic() - start)
    finally:
        os.close(descriptor)
        path.unlink()


def sync_times(directory, count=200):
    """Seconds of `count` appends of 8 KiB with fdatasync, sorted."""
    path, piece, times = Path(directory) / "sync-time", os.urandom(8192), []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    try:
        for _ in range(count):
            start = time.monotonic()
            os.write(descriptor, piece)
            os.fdatasync(descriptor)
            times.append(time.monotonic() - start)
    finally:
        os.close(descriptor)
        path.unlink()
    return sorted(times)
