"""Wait for a state that can be observed."""

import time
from collections.abc import Callable
from typing import TypeVar

#: Seconds to wait for a state; a busy machine may need most of them.
PATIENCE = 120.0
#: Seconds between two calls if it has waited for long.
_LONGEST_PAUSE = 0.1

T = TypeVar("T")


def eventually(
    check: Callable[[], T], patience: float = PATIENCE, *, every: float = 0.01
) -> T:
    """Call `check` until its result is true, and return that result.

    Args:
        check: What to wait for.
        patience: The maximum number of seconds to wait.
        every: The number of seconds between the first calls. The longer it waits, the
            fewer there are: they need the processor that the others are waiting for.

    Raises:
        TimeoutError: The result never became true.
    """
    begin = time.monotonic()
    while not (result := check()):
        waited = time.monotonic() - begin
        if waited > patience:
            raise TimeoutError(f"it did not become true within {patience:g} s")
        time.sleep(max(every, min(_LONGEST_PAUSE, waited / 25)))
    return result
