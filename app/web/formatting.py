"""Format values for pages: durations, times, sizes and JSON values."""

import json
import re
from datetime import UTC, datetime
from typing import Any

#: How the reason of a failed deployment begins; a row has little room for the rest.
_EXIT_CODE = re.compile(r"exit code \d+ in step ")


def value_text(value: Any) -> str:
    """Format a JSON value: a text unchanged, any other value as JSON.

    Jinja's own `tojson` is for scripts: it writes `<` and `ü` as escape sequences.
    """
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def duration(seconds: float | None) -> str:
    """Format a duration in seconds: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    minutes, remaining = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {remaining} s" if minutes else f"{remaining} s"


def moment(at: datetime) -> str:
    """Format a time in UTC: 2026-05-04 13:37:00 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def ago(at: datetime, now: datetime) -> str:
    """Format a time as: just now, 5 min ago, 3 h ago, yesterday, 12 days ago."""
    minutes = int((now - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    hours = minutes // 60
    if hours < 24:
        return f"{hours} h ago"
    days = hours // 24
    return "yesterday" if days == 1 else f"{days} days ago"


def ago_now(at: datetime) -> str:
    """Format a time relative to the present, as `ago` does."""
    return ago(at, datetime.now(UTC))


def size(count: int) -> str:
    """Format a number of bytes: 512 B, 3.4 kB, 12 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    return (
        f"{value:.0f} {unit}" if unit == "B" or value >= 10 else f"{value:.1f} {unit}"
    )


def brief_reason(reason: str) -> str:
    """Return the first line of why a deployment failed, without the exit code."""
    first = (reason.splitlines() or [""])[0]
    found = _EXIT_CODE.match(first)
    return first[found.end() :] if found else first
