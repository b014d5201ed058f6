"""Format checks for launch variables."""

import re
from datetime import datetime
from urllib.parse import urlsplit

from jsonschema import FormatChecker

#: The formats of jsonschema, and those for which it would need other libraries.
CHECKER = FormatChecker()

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
#: The characters that RFC 3986 allows in a URI.
_ADDRESS = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:[\w.~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII
)


@CHECKER.checks("uri")
def _is_uri(value: object) -> bool:
    """Return whether a text is an absolute URI such as `https://example.org/`."""
    if not isinstance(value, str):
        return True
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    named = bool(parts.netloc) or parts.scheme not in ("http", "https")
    return named and _ADDRESS.fullmatch(value) is not None


@CHECKER.checks("date-time")
def _is_moment(value: object) -> bool:
    """Return whether a text is a date-time such as `2026-01-31T12:00:00Z`."""
    if not isinstance(value, str):
        return True
    if not _MOMENT.fullmatch(value):
        return False
    try:
        # A fraction may have any number of digits, but Python parses only six.
        datetime.fromisoformat(re.sub(r"\.\d+", "", value.upper()))
    except ValueError:
        return False
    return True


@CHECKER.checks("time")
def _is_time(value: object) -> bool:
    """Return whether a text is a time with an offset, such as `12:00:00Z`."""
    return not isinstance(value, str) or _is_moment(f"2000-01-01T{value}")
