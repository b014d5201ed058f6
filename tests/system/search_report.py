"""What the searches for leaked secrets have in common: their report and its parts."""

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from tests.system.canary import Canary
from tests.system.leak_locations import output_of

_PATIENCE = 120


class Report:
    """Print each place, and count those that are not as they must be."""

    def __init__(self) -> None:
        self.wrong = 0

    def nowhere(self, what: str, places: Iterable[object]) -> None:
        """A search that has to be empty."""
        self._tell("nowhere", "FOUND", what, places)

    def control(self, what: str, missed: Iterable[object]) -> None:
        """A search that has to find everything; `missed` is what it didn't."""
        self._tell("seen", "MISSED", what, missed)

    def _tell(self, good: str, bad: str, what: str, found: Iterable[object]) -> None:
        listed = sorted({str(each) for each in found})
        self.wrong += bool(listed)
        line = (f"{bad if listed else good:8}", what, *listed)
        print(*line, flush=True)  # noqa: T201 - this is a program


def strays(
    holders: Iterable[Path], places: dict[str, tuple[int, str]]
) -> Iterable[str]:
    """The files that hold a secret where none may be, or for more than may see it."""
    for holder in holders:
        mode = next(
            (m for p, (m, _) in places.items() if re.fullmatch(p, str(holder))), 0
        )
        # What is gone by now was no place to stay.
        with suppress(FileNotFoundError):
            given = holder.stat().st_mode & 0o777
            if given & ~mode or not mode:
                yield f"{holder} {given:o}"


def missed(canaries: Iterable[Canary], content: bytes) -> list[str]:
    """The names of the canaries that are not in there."""
    return [each.name for each in canaries if not each.is_in(content)]


def fastdeploy(*arguments: str, given: str = "") -> str:
    """What FastDeploy's own command prints, as its user runs it."""
    command = ("/usr/local/sbin/fastdeploy", *arguments)
    return output_of(*command, given=given.encode()).decode().strip()


def wait_for(check: Callable[[], object]) -> None:
    """Return once it is true."""
    deadline = time.monotonic() + _PATIENCE
    while not check():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.1)
