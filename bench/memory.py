"""Memory of processes, looked at now and then while something is measured."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

#: Seconds between two looks at the memory.
LOOK_EVERY = 0.5

T = TypeVar("T")


def pss(pid: int) -> float:
    """MiB that are a process's own, and its share of what it shares."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise ProcessLookupError(pid)


@contextmanager
def watching(look: Callable[[], Iterable[T]]) -> Iterator[list[T]]:
    """Look now and then until the block ends; the samples are in the list."""
    found: list[T] = []
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(LOOK_EVERY):
            # A process may end while it is looked at; then this look is none.
            with suppress(OSError):
                found.extend(look())

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
