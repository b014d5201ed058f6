"""The places of a host where something may be left: files, processes, the journal."""

import os
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.system import canary
from tests.system.canary import Canary

#: Not files of this host; processes are searched separately.
_NO_FILES = {"proc", "sys", "dev"}


class Watcher(threading.Thread):
    """Looks at the arguments and environment of every process, again and again."""

    def __init__(self, canaries: Iterable[Canary]) -> None:
        super().__init__(daemon=True)
        self._canaries = list(canaries)
        self._over = threading.Event()
        #: How often it has looked at all of them.
        self.rounds = 0
        #: The name of each canary that was seen, `cmdline` or `environ`, and of whom.
        self.seen: set[tuple[str, str, str]] = set()

    def run(self) -> None:
        """Search until `stop` is called."""
        while not self._over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                self._look(process)
            self.rounds += 1

    def finish(self) -> None:
        """Stop looking."""
        self._over.set()
        self.join()

    def _look(self, process: Path) -> None:
        for file in ("cmdline", "environ"):
            # It may be gone by now.
            with suppress(OSError):
                content = (process / file).read_bytes()
                for name in canary.found(self._canaries, content):
                    command = (process / "comm").read_text().strip()
                    self.seen.add((name, file, command))


@contextmanager
def planted_process(planted: Canary) -> Iterator[None]:
    """A process with a canary in its arguments and in its environment."""
    with subprocess.Popen(
        ["sh", "-c", "sleep 60; :", planted.value],
        env={"PATH": os.defpath, "PLANTED": planted.value},
    ) as process:
        try:
            yield
        finally:
            process.kill()


def files_of_host() -> list[Path]:
    """Every folder of this host in which files can be; those of /proc are none."""
    root = [path for path in Path("/").iterdir() if path.name not in _NO_FILES]
    return [*(path for path in root if not path.is_symlink()), Path("/dev/shm")]


def files_with(canaries: Iterable[Canary], folders: Iterable[Path]) -> list[Path]:
    """Every file in these folders that a canary is in, whatever kind of file it is.

    The canaries are passed by standard input: every user can read arguments.
    """
    needles = b"\n".join(needle for each in canaries for needle in each.needles)
    done = subprocess.run(
        ["grep", "-rlsaF", "--null", "-D", "skip", "-f", "-", "--", *folders],
        input=needles, capture_output=True, check=False, env={"LC_ALL": "C"},
    )  # fmt: skip
    return [Path(os.fsdecode(name)) for name in done.stdout.split(b"\0") if name]


def output_of(*command: str, given: bytes = b"") -> bytes:
    """What a command prints that is given something to read."""
    done = subprocess.run(command, input=given, check=True, stdout=subprocess.PIPE)
    return done.stdout
