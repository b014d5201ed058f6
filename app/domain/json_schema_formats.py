"""Formats of JSON Schema that launch variables are checked against."""

import re
from datetime import datetime
from urllib.parse import urlsplit

from jsonschema import FormatChecker

#: Those of jsonschema itself, and those for which it would need other libraries.
CHECKER = FormatChecker()

_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
#: What RFC 3986 allows in an address.
_ADDRESS = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:[\w.~:/?#\[\]@!$&'()*+,;=%-]+", re.ASCII
)


@CHECKER.checks("uri")
def _is_uri(value: object) -> bool:
    """Whether it is an absolute address, `https://example.org/` for one."""
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
    """Whether it is a moment with its offset, `2026-01-31T12:00:00Z` for one."""
    if not isinstance(value, str):
        return True
    if not _MOMENT.fullmatch(value):
        return False
    try:
        # Fractions may have any number of digits; Python reads six.
        datetime.fromisoformat(re.sub(r"\.\d+", "", value.upper()))
    except ValueError:
        return False
    return True


@CHECKER.checks("time")
def _is_time(value: object) -> bool:
    """Whether it is a time of day with its offset, `12:00:00Z` for one."""
    return not isinstance(value, str) or _is_moment(f"2000-01-01T{value}")
