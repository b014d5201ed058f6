"""A clock of PostgreSQL and of processes that a test moves, with libfaketime."""

from datetime import UTC, datetime
from pathlib import Path

#: libfaketime, which tools/prepare-tests installs.
LIBRARY = next(Path("/usr").glob("lib*/**/faketime/libfaketime.so.1"), None)


class MovedClock:
    """The clock of the processes that are started with its variables."""

    def __init__(self, file: Path) -> None:
        """`file` must be in a folder that these processes can read."""
        assert LIBRARY is not None, "run tools/prepare-tests"
        self._file = file
        self.move("+0")

    @property
    def variables(self) -> dict[str, str]:
        """The environment variables of processes with this clock."""
        return {
            "LD_PRELOAD": str(LIBRARY),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }

    def move(self, offset: str) -> None:
        """Let the clock be ahead or behind, such as "+2h"."""
        # A process must never read a part of it.
        new = self._file.with_suffix(".new")
        new.write_text(offset)
        new.chmod(0o644)
        new.rename(self._file)

    def set(self, moment: datetime) -> None:
        """Let the clock show a moment now, and run on."""
        self.move(f"{(moment - datetime.now(UTC)).total_seconds():+.3f}")
