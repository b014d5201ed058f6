"""The processes of this machine, as a test may look at them while they come and go."""

from collections.abc import Callable
from contextlib import suppress

import psutil


def living(belongs: Callable[[psutil.Process], bool]) -> list[psutil.Process]:
    """Return the processes that belong, none of which had ended when it was looked at.

    A process that ends while it is asked is none of them, and so is a zombie.
    """
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and belongs(process):
                found.append(process)
    return found
