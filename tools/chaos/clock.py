"""Change the clock of web and worker with libfaketime."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

#: The offsets of the clock.
OFFSETS = ("+2h", "-2h", "+0")


class Clock:
    """The clock of the processes that are started during `in_environment`."""

    def __init__(self, folder: Path) -> None:
        library = next(Path("/usr").glob("lib*/**/faketime/libfaketime.so.1"), None)
        if library is None:
            raise FileNotFoundError("libfaketime is missing: run tools/prepare-tests")
        self._file = folder / "clock"
        self._environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            # Seconds for which they cache the offset: reading it each time is slow.
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.move("+0")

    def move(self, offset: str) -> None:
        """Set the offset for all these processes; it takes effect within a second."""
        draft = self._file.with_suffix(".new")
        draft.write_text(offset)
        draft.replace(self._file)

    @contextmanager
    def in_environment(self) -> Iterator[None]:
        """Let processes that are started during the block use this clock."""
        os.environ.update(self._environment)
        try:
            yield
        finally:
            for name in self._environment:
                del os.environ[name]
