"""Match the ECMA-262 patterns of a JSON Schema in linear time."""

from functools import lru_cache

import re2

from app.domain.ecma262 import Unsupported, translate

#: Number of compiled patterns to cache; each may need up to _MAX_MEMORY bytes.
_KEPT = 64
_MAX_MEMORY = 1024 * 1024


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern matches anywhere in a text. Raises Unsupported."""
    return _compiled(pattern).search(text.encode(errors="replace")) is not None


def require(pattern: str) -> None:
    """Raise Unsupported unless the pattern can be matched."""
    _compiled(pattern)


@lru_cache(_KEPT)
def _compiled(pattern: str) -> "re2._Regexp":
    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    options.max_mem = _MAX_MEMORY
    try:
        # re2.compile would cache every pattern a second time.
        return re2._Regexp(translate(pattern), options)  # noqa: SLF001 - see above
    except re2.error as error:
        reason = error.args[0]
        raise Unsupported(
            reason.decode(errors="replace") if isinstance(reason, bytes) else reason
        ) from None
