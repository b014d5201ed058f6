"""Time-based one-time passwords (RFC 6238) and the recovery codes beside them."""

import base64
import hmac
import re
from collections.abc import Callable

#: Seconds for which a code is valid, as authenticator apps assume.
STEP = 30
#: The number of steps before and after the present one whose code is accepted.
TOLERANCE = 1
#: Random bytes of a recovery code. With 80 bits, its SHA-256 can't be reversed.
RECOVERY_BYTES = 10
#: The number of recovery codes of a user.
RECOVERY_CODES = 10
_CODE = re.compile(r"[0-9]{6}")


def normalize(typed: str) -> str:
    """Return a typed code without spaces and dashes, in lower case."""
    return re.sub(r"[\s-]", "", typed[:100]).lower()


def matching_step(
    code_at: Callable[[int], str], code: str, now: float, last_step: int
) -> int | None:
    """Return the step of a valid code, or None.

    Args:
        code_at: Returns the code of a moment, in seconds since the epoch.
        code: The code that was typed, normalized.
        now: The present moment, in seconds since the epoch.
        last_step: The step of the last accepted code; only later ones are valid.
    """
    if not _CODE.fullmatch(code):
        return None
    present = int(now // STEP)
    for step in range(present - TOLERANCE, present + TOLERANCE + 1):
        same = hmac.compare_digest(code_at(step * STEP), code)
        if same and step > last_step:
            return step
    return None


def recovery_code(random: bytes) -> str:
    """Return the text of a recovery code: four groups with dashes."""
    text = base64.b32encode(random).decode().lower()
    return "-".join(text[start : start + 4] for start in range(0, len(text), 4))
