"""Sample the memory of processes during a measurement."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

#: Seconds between two samples.
LOOK_EVERY = 0.5

T = TypeVar("T")


def pss(pid: int) -> float:
    """Return a process's proportional set size (PSS) in MiB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


@contextmanager
def watching(look: Callable[[], Iterable[T]]) -> Iterator[list[T]]:
    """Call `look` periodically during the block; the yielded list gets the samples."""
    found: list[T] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(LOOK_EVERY):
            # If a process ends meanwhile, skip this sample.
            with suppress(OSError):
                found.extend(look())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
