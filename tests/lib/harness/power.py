"""A server whose disk forgets at a power cut what was not synced (tests/lib/powerloss.c)."""
import os
import shutil
import subprocess
from pathlib import Path

from .paths import BUILD, ROOT
from .server import Server


def shim():
    """The preloaded library, built when it is older than its source."""
    source = ROOT / "tests" / "lib" / "powerloss.c"
    target = BUILD / "test-data" / "powerloss.so"
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(f".{os.getpid()}.partial")
        subprocess.run([os.environ.get("CC", "gcc"), "-shared", "-fPIC", "-O1", "-o", partial,
                        source, "-ldl"], check=True)
        partial.replace(target)
    return target


class PowerServer(Server):
    """start() takes what is on disk as durable; cut() is a power cut."""

    def __init__(self, **more):
        super().__init__(**more)
        self.shadow = self.temp / "shadow"

    def launch(self, env=None):
        shutil.rmtree(self.shadow, ignore_errors=True)
        self.shadow.mkdir()
        self.data.mkdir(mode=0o700, exist_ok=True)
        self._seed(self.data)
        return super().launch({"LD_PRELOAD": str(shim()), "POWERLOSS_ROOT": str(self.data),
                               "POWERLOSS_SHADOW": str(self.shadow), **(env or {})})

    def _seed(self, directory):
        names = []
        for entry in os.scandir(directory):
            names.append(f"{entry.inode()} {entry.name}\n")
            if entry.is_dir(follow_symlinks=False):
                self._seed(entry.path)
            elif entry.is_file(follow_symlinks=False):
                shutil.copyfile(entry.path, self.shadow / f"i{entry.inode()}")
        (self.shadow / f"d{os.stat(directory).st_ino}").write_text("".join(names))

    def cut(self):
        """kill -9, and only what was synced is still there."""
        self.kill()
        lost = self.temp / "lost"
        shutil.rmtree(lost, ignore_errors=True)
        inode = os.stat(self.data).st_ino
        os.rename(self.data, lost)
        self._restore(inode, Path(self.data))

    def _restore(self, inode, target):
        target.mkdir(mode=0o700)
        listing = self.shadow / f"d{inode}"
        if not listing.exists():
            return                          # a directory that was never synced is empty
        for line in listing.read_text().splitlines():
            number, name = line.split(" ", 1)
            content = self.shadow / f"i{number}"
            if (self.shadow / f"d{number}").exists():
                self._restore(number, target / name)
            elif content.exists():
                shutil.copyfile(content, target / name)
                os.chmod(target / name, 0o600)
            elif name not in ("port", "http_port") and not name.endswith(".sock"):
                (target / name).touch(mode=0o600)       # the name was synced, no content
