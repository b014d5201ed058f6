"""Freezes of calendars: which moments lie in them, and how little they may cost."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.calendar_process import read_calendar
from app.calendar_reader import CalendarError, read
from app.domain.freezes import Freeze, Freezes, find_frozen
from app.domain.schedule import Schedule, decide
from app.errors import Invalid
from testing.calendars import calendar

NOW = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = NOW + timedelta(days=400)
BERLIN = "Europe/Berlin"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def freezes(*events: str) -> list[Freeze]:
    return read(calendar(*events), NOW, UNTIL)


def frozen(found: list[Freeze], moment: str, zone: str = BERLIN) -> bool:
    return find_frozen(found, at(moment), zone) is not None


_RECURRING = (
    "DTSTART;TZID=Europe/Berlin:20260327T100000\n"
    "DTEND;TZID=Europe/Berlin:20260327T110000\nRRULE:FREQ=DAILY;COUNT=4\n"
    "EXDATE;TZID=Europe/Berlin:20260328T100000"
)


@pytest.mark.parametrize(
    ("event", "inside", "outside"),
    [
        # CET until 29 March, CEST afterwards.
        ("DTSTART;VALUE=DATE:20260328\nDTEND;VALUE=DATE:20260330",
         ["2026-03-27T23:00", "2026-03-29T21:59"],
         ["2026-03-27T22:59", "2026-03-29T22:00"]),
        ("DTSTART;VALUE=DATE:20261025",
         ["2026-10-24T22:00", "2026-10-25T22:59"],
         ["2026-10-24T21:59", "2026-10-25T23:00"]),
        ("DTSTART:20260401T100000\nDURATION:PT1H",
         ["2026-04-01T08:00"], ["2026-04-01T09:00", "2026-04-01T10:00"]),
        (_RECURRING,
         ["2026-03-27T09:30", "2026-03-29T08:30", "2026-03-30T08:30"],
         ["2026-03-28T09:30", "2026-03-29T09:30", "2026-03-31T08:30"]),
        ("DTSTART:20260401T100000Z\nDTEND:20260401T110000Z\nTRANSP:TRANSPARENT",
         ["2026-04-01T10:00", "2026-04-01T10:59"], ["2026-04-01T11:00"]),
        ("DTSTART:20260401T100000Z\nDTEND:20260401T110000Z\nSTATUS:CANCELLED",
         [], ["2026-04-01T10:30"]),
        ("DTSTART:20260401T100000Z", [], ["2026-04-01T10:00"]),
        ("DTSTART:20200101T000000Z\nDTEND:20300101T000000Z", ["2026-04-01T10:00"], []),
    ],
    ids=["spring", "autumn", "floating", "recurring", "transparent", "cancelled",
         "no time", "years"],
)  # fmt: skip
def test_the_moments_of_an_event_are_frozen(
    event: str, inside: list[str], outside: list[str]
) -> None:
    found = freezes(event)

    assert inside == [moment for moment in inside if frozen(found, moment)]
    assert [] == [moment for moment in outside if frozen(found, moment)]


def test_a_moved_and_a_cancelled_instance_replace_that_of_the_rule() -> None:
    text = (
        calendar(
            "DTSTART:20260401T100000Z\nDTEND:20260401T110000Z\nRRULE:FREQ=DAILY;COUNT=3",
            "RECURRENCE-ID:20260402T100000Z\nDTSTART:20260402T150000Z\n"
            "DTEND:20260402T160000Z",
            "RECURRENCE-ID:20260403T100000Z\nDTSTART:20260403T100000Z\n"
            "DTEND:20260403T110000Z\nSTATUS:CANCELLED",
        )
        .replace("UID:1", "UID:0")
        .replace("UID:2", "UID:0")
    )

    found = read(text, NOW, UNTIL)

    assert ["2026-04-01T10:00:00+00:00", "2026-04-02T15:00:00+00:00"] == [
        each.start for each in found
    ]


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("", 0, "it is empty"),
        ("hello", 1, "NAME:VALUE"),
        ("PRODID:x", 1, "BEGIN:VCALENDAR is expected"),
        ("BEGIN:VCALENDAR\nEND:VEVENT", 2, "has no BEGIN"),
        ("BEGIN:VCALENDAR\nBEGIN:VEVENT", 2, "has no END"),
        (calendar("DTSTART:2026"), 4, "DTSTART of the event is invalid"),
        (calendar("SUMMARY:x"), 4, "has no DTSTART"),
        (calendar("DTSTART;TZID=Moon/Base:20260401T100000"), 4, "time zone Moon/Base"),
        (calendar("DTSTART:20260401T100000Z\nRRULE:FREQ=SECONDLY"), 4, "than daily"),
        (calendar("DTSTART:20260401T100000Z\nRRULE:FREQ=DAILY;BYSECOND=0,1"), 4,
         "than daily"),
        (calendar(*["DTSTART:20260401T100000Z"] * 1001), 0, "more than 1,000 events"),
        (calendar(*[f"DTSTART:20260401T{n:02}0000Z\nDURATION:PT1H\nRRULE:FREQ=DAILY"
                    for n in range(24)]), 0, "more than 2,000 freezes"),
    ],
)  # fmt: skip
def test_an_unusable_calendar_is_refused_with_its_line(
    text: str, line: int, problem: str
) -> None:
    with pytest.raises(CalendarError, match=problem) as caught:
        read(text, NOW, UNTIL)

    assert line == caught.value.line


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"\xff", "f.ics is not UTF-8"),
        (b"x" * (1024 * 1024 + 1), "f.ics is larger than 1048576 bytes"),
        (calendar("DTSTART:x").encode(), "f.ics, line 4: DTSTART of the event"),
    ],
)
def test_the_process_reports_the_problem_of_a_file(
    content: bytes, problem: str
) -> None:
    with pytest.raises(Invalid, match=problem):
        read_calendar(content, "f.ics", NOW)


def test_a_process_that_exceeds_its_time_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each rule is searched until the year 9999 and has no instant."""
    monkeypatch.setattr("app.calendar_process.CPU_SECONDS", 1)
    never = "DTSTART:00010101T000000Z\nRRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"

    with pytest.raises(Invalid, match="too much time or memory"):
        read_calendar(calendar(*[never] * 50).encode(), "f.ics", NOW)


def test_a_calendar_takes_less_than_its_limits() -> None:
    event = "DTSTART;VALUE=DATE:20260401\nSUMMARY:Easter\x07"

    found = read_calendar(calendar(event).encode(), "f.ics", NOW)

    assert (Freeze("2026-04-01T00:00:00", "2026-04-02T00:00:00", "Easter"),) == (
        found.freezes
    )
    assert UNTIL == found.covers_until


MOMENTS = st.datetimes(
    min_value=datetime(2026, 1, 1),  # noqa: DTZ001 - floating
    max_value=datetime(2027, 1, 1),  # noqa: DTZ001
)
ZONES = st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"])


@given(st.lists(st.tuples(MOMENTS, MOMENTS), max_size=5), MOMENTS, ZONES)
def test_a_moment_is_frozen_until_the_last_end_of_the_freezes_around_it(
    periods: list[tuple[datetime, datetime]], moment: datetime, zone: str
) -> None:
    """Periods in UTC mean the same in each time zone."""
    utc = [tuple(each.replace(tzinfo=UTC) for each in pair) for pair in periods]
    found = [Freeze(a.isoformat(), b.isoformat(), "x") for a, b in utc]
    now = moment.replace(tzinfo=UTC)

    ends = [end for start, end in utc if start <= now < end]

    frozen = find_frozen(found, now, zone)
    assert (max(ends) if ends else None) == (frozen and frozen.until)


@given(MOMENTS, ZONES)
def test_adjacent_days_leave_no_gap_between_them(day: datetime, zone: str) -> None:
    """Also on the days on which the clocks change."""
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight + timedelta(days=number) for number in range(3)]
    found = [Freeze(a.isoformat(), b.isoformat(), "x") for a, b in pairwise(days)]

    inside = [midnight.replace(tzinfo=UTC) + timedelta(hours=h) for h in range(12, 36)]
    assert all(find_frozen(found, each, zone) for each in inside)


@pytest.mark.parametrize("missed", ["skip", "run-once"])
@pytest.mark.parametrize(
    ("planned", "now", "skipped"),
    [
        ("2026-04-01T10:00", "2026-04-01T10:01",
         "frozen: Easter, until 2026-04-01 14:00 CEST"),
        ("2026-04-01T09:58", "2026-04-01T10:01",
         "frozen: Easter, until 2026-04-01 14:00 CEST"),
        ("2026-04-01T12:00", "2026-04-01T12:01", ""),
    ],
    ids=["in it", "launched late into it", "at its end"],
)  # fmt: skip
def test_nothing_is_launched_in_a_freeze(
    missed: str, planned: str, now: str, skipped: str
) -> None:
    schedule = Schedule.model_validate(
        {"name": "x", "at": planned + "+00:00", "timezone": BERLIN, "missed": missed}
    )
    known = Freezes(tuple(freezes(
        "DTSTART:20260401T100000Z\nDTEND:20260401T120000Z\nSUMMARY:Easter"
    )))  # fmt: skip

    decision = decide(schedule, at(planned), at(now), unfinished=None, freezes=known)

    assert skipped == decision.skipped


def test_nothing_is_launched_while_a_calendar_was_never_read() -> None:
    schedule = Schedule.model_validate({"name": "x", "cron": "0 3 * * *"})
    known = Freezes(unknown=("https://cal.example.org/…",))

    decision = decide(
        schedule, at("2026-04-01T03:00"), at("2026-04-01T03:00"),
        unfinished=None, freezes=known,
    )  # fmt: skip

    assert "https://cal.example.org/… could not be read yet" in decision.skipped


@pytest.mark.parametrize(
    "source",
    ["../up.ics", "/etc/x.ics", "http://example.org/x", "https://u:p@example.org/x",
     "ftp://example.org/x", ""],
)  # fmt: skip
def test_a_calendar_is_a_file_in_the_folder_or_an_https_url(source: str) -> None:
    with pytest.raises(ValidationError):
        Schedule.model_validate(
            {"name": "x", "cron": "0 3 * * *", "not_during": [source]}
        )


def test_nothing_but_the_process_imports_the_libraries() -> None:
    """They take half a second."""
    program = (
        "import sys, app.cli, app.cli.schedule, app.bootstrap.web, "
        "app.bootstrap.worker\n"
        "names = ('icalendar', 'recurring_ical_events', 'httpcore')\n"
        "print([name for name in names if name in sys.modules])"
    )

    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert "[]" == done.stdout.strip()
