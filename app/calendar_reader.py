"""Read one iCalendar file in a process of its own, and print its freezes as JSON.

A small file can describe more events than fit into memory, and a rule that is searched
for years. So this process limits its own time and memory, and only it imports the
libraries. It gets the file and the period as JSON on its standard input.
"""

import json
import re
import resource
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from app.domain.freezes import Freeze

#: Seconds of CPU time, and bytes of memory.
CPU_SECONDS = 20
MAX_MEMORY = 768 * 1024 * 1024
#: Events of a file, and freezes in the period for which it is expanded.
MAX_EVENTS = 1000
MAX_FREEZES = 2000
#: Characters of a summary that are kept.
_SUMMARY = 200
_STEP = timedelta(days=30)
_FREQUENCIES = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_DEFINITION = re.compile(r"[A-Za-z0-9-]+[;:]")


class CalendarError(Exception):
    """The file isn't a calendar that can be used; `line` is where, 0 if unknown."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(problem)
        self.line = line


def read(text: str, since: datetime, until: datetime) -> list[Freeze]:
    """Return the freezes of a calendar between two moments. Raises CalendarError."""
    lines = _events(text)
    # They take half a second to import.
    import icalendar  # noqa: PLC0415
    import recurring_ical_events  # noqa: PLC0415

    try:
        calendar: Any = icalendar.Calendar.from_ical(text)
        for event, line in zip(calendar.walk("VEVENT"), lines, strict=True):
            _check(event, line)
        found = _expand(recurring_ical_events.of(calendar), since, until)
    except (CalendarError, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 - the libraries raise all kinds of them
        reason = " ".join(str(error).split())[:200]
        raise CalendarError(f"can't be read as iCalendar: {reason}") from None
    return sorted(found, key=lambda freeze: (freeze.start, freeze.end))


def _expand(query: Any, since: datetime, until: datetime) -> set[Freeze]:
    """Return the freezes in a period, a month at a time. Raises CalendarError."""
    found: set[Freeze] = set()
    while since < until:
        events = query.between(since, min(since + _STEP, until))
        found |= {freeze for event in events if (freeze := _freeze(event))}
        if len(found) > MAX_FREEZES:
            number = f"{MAX_FREEZES:,}"
            raise CalendarError(f"has more than {number} freezes until {until:%F}")
        since += _STEP
    return found


def _events(text: str) -> list[int]:
    """Return the line of each VEVENT. Raises CalendarError for a malformed line."""
    opened: list[tuple[str, int]] = []
    events = []
    for number, (name, value) in _properties(text):
        if not opened and (name, value) != ("BEGIN", "VCALENDAR"):
            raise CalendarError("is not iCalendar: BEGIN:VCALENDAR is expected", number)
        if name == "BEGIN":
            opened.append((value, number))
            events += [number] if value == "VEVENT" else []
        elif name == "END" and opened.pop()[0] != value:
            raise CalendarError(f"END:{value[:50]} has no BEGIN", number)
    if opened:
        raise CalendarError(f"{opened[-1][0][:50]} has no END", opened[-1][1])
    if len(events) > MAX_EVENTS:
        raise CalendarError(f"has more than {MAX_EVENTS:,} events")
    return events


def _properties(text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """Yield each property with its line, in upper case. Raises CalendarError."""
    empty = True
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.startswith((" ", "\t")):
            if not _DEFINITION.match(line):
                raise CalendarError("is not iCalendar: NAME:VALUE is expected", number)
            name, _, value = line.partition(":")
            yield number, (name.upper(), value.strip().upper())
            empty = False
    if empty:
        raise CalendarError("is not iCalendar: it is empty")


def _check(event: Any, line: int) -> None:
    """Check an event as it is written. Raises CalendarError with its line."""
    for name, problem in event.errors:
        reason = " ".join(str(problem).split())[:200]
        raise CalendarError(f"{name} of the event is invalid: {reason}", line)
    if "DTSTART" not in event:
        raise CalendarError("the event has no DTSTART", line)
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        value = event.get(name)
        for each in value if isinstance(value, list) else [value]:
            zone = each.params.get("TZID") if each is not None else None
            if zone and isinstance(each.dt, datetime) and each.dt.tzinfo is None:
                raise CalendarError(
                    f"{name} has the unknown time zone {str(zone)[:50]}", line
                )
    rules = event.get("RRULE", [])
    for rule in rules if isinstance(rules, list) else [rules]:
        _check_rule(rule, line)


def _check_rule(rule: Any, line: int) -> None:
    often = {str(each).upper() for each in rule.get("FREQ", [])} - _FREQUENCIES
    several = any(len(rule.get(f"BY{unit}", [])) > 1
                  for unit in ("HOUR", "MINUTE", "SECOND"))  # fmt: skip
    if often or several:
        raise CalendarError("the event recurs more often than daily", line)


def _freeze(event: Any) -> Freeze | None:
    """Return the freeze of an event; None if it is cancelled, or takes no time."""
    if str(event.get("STATUS", "")).upper() == "CANCELLED":
        return None
    start = event["DTSTART"].dt
    end = event["DTEND"].dt if "DTEND" in event else start
    if not isinstance(start, datetime) and end <= start:
        end = start + timedelta(days=1)
    summary = "".join(filter(str.isprintable, str(event.get("SUMMARY", ""))))
    shown = summary.strip()[:_SUMMARY] or "without a summary"
    first, last = _text(start), _text(end)
    return Freeze(first, last, shown) if start < end else None


def _text(moment: date) -> str:
    if not isinstance(moment, datetime):
        return f"{moment.isoformat()}T00:00:00"
    return (moment.astimezone(UTC) if moment.tzinfo else moment).isoformat()


def _answer(asked: dict[str, Any]) -> Iterator[tuple[str, object]]:
    since, until = (datetime.fromisoformat(asked[key]) for key in ("since", "until"))
    try:
        found = read(asked["text"], since, until)
        yield "freezes", [freeze.to_json() for freeze in found]
    except CalendarError as error:
        yield "problem", str(error)
        yield "line", error.line


def main() -> None:
    """Read the calendar on the standard input."""
    asked = json.load(sys.stdin)
    resource.setrlimit(resource.RLIMIT_CPU, (asked["seconds"], asked["seconds"]))
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(dict(_answer(asked))))


if __name__ == "__main__":
    main()
