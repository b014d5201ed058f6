"""Parse the times that people type in filters and comparisons, all in UTC.

* a date or time in ISO 8601, such as `2026-05-04`, `2026-05-04T13:37` or
  `2026-05-04 13:37+02:00`; a date is the start of the day
* a time of this day: `14:00`
* `now`, `today`, `yesterday` and `yesterday 14:00`; a day is the start of it
* some time ago: `90s`, `30m`, `2h`, `3d`, `1w`, `2 days ago`
"""

import re
from datetime import UTC, datetime, time, timedelta

from app.errors import Invalid

#: Earlier and later times mean these: PostgreSQL or Python can't calculate with them.
_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9998, 12, 31, tzinfo=UTC)
_AGO = r"([0-9]{1,6}) ?(s|m|h|d|w|seconds?|minutes?|hours?|days?|weeks?)( ago)?"
_CLOCK = r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?"
_OF_DAY = rf"(?:(today|yesterday) )?{_CLOCK}|(today|yesterday)"
#: What the texts match that depend on the present time, as a pattern of JSON Schema.
RELATIVE = f"^(?:now|{_AGO}|{_OF_DAY})$"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
#: What an error says about another text.
EXPECTED = (
    "must be a time such as 2026-05-04T13:37, 14:00, yesterday or 2 days ago; the "
    "default time zone is UTC"
)


def parse_time(text: str, now: datetime) -> datetime:
    """Return the time that a text means at the time `now`.

    Times before 1970 and after 9998 are moved to these years. Raises Invalid.
    """
    try:
        found = _relative(text.strip().lower(), now.astimezone(UTC))
        found = found or datetime.fromisoformat(text)
    except OverflowError:
        return _FIRST
    except ValueError:
        raise Invalid(EXPECTED) from None
    return min(max(found if found.tzinfo else found.replace(tzinfo=UTC), _FIRST), _LAST)


def _relative(text: str, now: datetime) -> datetime | None:
    """Return a time that depends on the present one; None for another text.

    Raises OverflowError for one that is too long ago.
    """
    if text == "now":
        return now
    if ago := re.fullmatch(_AGO, text):
        return now - timedelta(**{_UNITS[ago[2][0]]: int(ago[1])})
    if of_day := re.fullmatch(_OF_DAY, text):
        hours, minutes, seconds = (int(of_day[each] or 0) for each in (2, 3, 4))
        yesterday = "yesterday" in (of_day[1], of_day[5])
        date = now.date() - timedelta(days=yesterday)
        return datetime.combine(date, time(hours, minutes, seconds), UTC)
    return None
