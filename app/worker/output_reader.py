"""Append a script's output to its journal while the script runs.

    python -I -S output_reader.py <PIPE >>JOURNAL 7>DONE 8<ENDED

A script may open its output again (`echo … >/dev/stderr`, `tee /dev/stdout`). If the
output were the journal itself, this would truncate it, or fail for another user. So
scripts write into a pipe, and this process reads it. It belongs to no worker and to no
run: it continues when the worker is killed, and no signal for the run reaches it.

The wrapper writes into descriptor 8 when the script has ended. The content of the pipe
at that time is the end of the journal. When it is written, this process closes
descriptor 7, after writing "full" to it if the disk had no space for some output. Later
output of processes that the script left behind is discarded. If the wrapper was killed
instead, the run and this process continue until the worker ends the run.

It is run by its path and uses only the standard library, so that it starts quickly.
"""

import fcntl
import os
import select
import signal
import struct
import termios

_PIPE, _JOURNAL, _DONE, _ENDED = 0, 1, 7, 8
_CHUNK = 1 << 18


def main() -> None:
    """Copy output until the script has ended, then discard further output."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    # The worker checks this lock if the wrapper was killed.
    fcntl.flock(_JOURNAL, fcntl.LOCK_EX)
    journal = _Journal()
    if _copy_until_ended(journal):
        left = _available()
        while left > 0 and (chunk := os.read(_PIPE, min(_CHUNK, left))):
            journal.write(chunk)
            left -= len(chunk)
    os.dup2(os.open(os.devnull, os.O_WRONLY), _JOURNAL)
    if journal.lost:
        os.write(_DONE, b"full\n")
    os.close(_DONE)
    _drop()


class _Journal:
    """The journal. If the disk is full, output is lost, and the script continues."""

    def __init__(self) -> None:
        self.lost = False
        self._torn = False

    def write(self, content: bytes) -> None:
        # Begin a new line after an incomplete one.
        rest = memoryview(b"\n" + content if self._torn else content)
        try:
            while rest:
                rest = rest[os.write(_JOURNAL, rest) :]
            self._torn = False
        except OSError:
            self.lost = self._torn = True


def _copy_until_ended(journal: _Journal) -> bool:
    """Copy output; return whether the pipe may still have a writer."""
    poll = select.poll()
    poll.register(_PIPE, select.POLLIN)
    poll.register(_ENDED, select.POLLIN)
    while True:
        ready = [descriptor for descriptor, _ in poll.poll()]
        if _ENDED in ready:
            if os.read(_ENDED, 1):
                return True
            poll.unregister(_ENDED)
        if _PIPE in ready:
            chunk = os.read(_PIPE, _CHUNK)
            if not chunk:
                return False
            journal.write(chunk)


def _available() -> int:
    """Return how many bytes are in the pipe."""
    size = fcntl.ioctl(_PIPE, termios.FIONREAD, b"\0" * 4)
    available: int = struct.unpack("i", size)[0]
    return available


def _drop() -> None:
    """Discard output of processes that the script left behind.

    Without a reader, SIGPIPE would kill them.
    """
    poll = select.poll()
    poll.register(_PIPE, select.POLLIN)
    ((_, state),) = poll.poll(0) or [(_PIPE, 0)]
    if state & select.POLLHUP and not state & select.POLLIN:
        return
    # This may continue for months, and cat needs less memory than Python.
    os.execv("/bin/cat", ["cat"])  # noqa: S606 - our own constant


if __name__ == "__main__":
    main()
