"""Write the journal to standard output, line by line."""

import json
import os
from collections.abc import Callable
from typing import Any

#: The step of a run that builds its execution environment: always its first one.
ENVIRONMENT_STEP = "execution environment"


class JournalWriter:
    """Writes lines to a descriptor, each in one write.

    An error of the descriptor (a full disk) is kept in `error` and never raised:
    ansible-playbook determines the outcome of the run, not the recording of it.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._torn = False
        self.error: OSError | None = None
        #: Is called with each line.
        self.watch: Callable[[bytes], None] = lambda _: None

    def write(self, line: bytes) -> None:
        """Write a line; `line` has no newline at its end."""
        self.watch(line)
        rest = memoryview(b"%b%b\n" % (b"\n" if self._torn else b"", line))
        try:
            while rest:
                written = os.write(self._descriptor, rest)
                rest = rest[written:]
                # If the next write fails, the next line must not continue this half.
                self._torn = bool(rest)
        except OSError as error:
            self.error = error

    def write_object(self, content: dict[str, Any]) -> None:
        """Write a JSON object as a line."""
        self.write(json.dumps(content).encode())
