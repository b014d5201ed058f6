"""Wait for a state that can be observed."""

import time
from collections.abc import Callable
from typing import TypeVar

#: Seconds to wait for a state; a busy machine may need most of them.
PATIENCE = 120.0

T = TypeVar("T")


def eventually(
    check: Callable[[], T], patience: float = PATIENCE, *, every: float = 0.01
) -> T:
    """Call `check` until its result is true, and return that result.

    Args:
        check: What to wait for.
        patience: The maximum number of seconds to wait.
        every: The number of seconds between two calls.

    Raises:
        TimeoutError: The result never became true.
    """
    deadline = time.monotonic() + patience
    while not (result := check()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"it did not become true within {patience:g} s")
        time.sleep(every)
    return result
