"""Freezes: periods in which schedules launch nothing, from an iCalendar file or URL."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, Field

from app.domain import plain_path
from app.domain.crontab import zone_of
from app.domain.outgoing_url import MAX_URL, parse_url

#: Bytes of a calendar.
MAX_BYTES = 1024 * 1024
#: How far ahead a calendar is expanded. It is read again long before that.
AHEAD = timedelta(days=400)
#: How far back: a worker that was off launches instants of the past.
BACK = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Freeze:
    """A period in which nothing is launched; the end isn't part of it.

    The times are ISO 8601. Those without an offset, such as the days of an all-day
    event, are in the time zone of each schedule.
    """

    start: str
    end: str
    summary: str

    def to_json(self) -> dict[str, str]:
        """Return it as the database stores it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class ReadCalendar:
    """The content of a calendar, and its freezes until a moment."""

    content: str
    freezes: tuple[Freeze, ...]
    covers_until: datetime


@dataclass(frozen=True, slots=True)
class Frozen:
    """The freeze in which a moment lies."""

    summary: str
    until: datetime


def find_frozen(
    freezes: Iterable[Freeze], moment: datetime, zone: str
) -> Frozen | None:
    """Return the freeze in which a moment lies, the one that ends last; or None.

    `zone` is the time zone of the schedule.
    """
    found = [
        Frozen(freeze.summary, end)
        for freeze in freezes
        if moment < (end := _in_utc(freeze.end, zone))
        and _in_utc(freeze.start, zone) <= moment
    ]
    return max(found, key=lambda frozen: frozen.until, default=None)


@dataclass(frozen=True, slots=True)
class Freezes:
    """What the calendars of a schedule say, as they were read last."""

    freezes: tuple[Freeze, ...] = ()
    #: The calendars that were never read, or not for too long, as messages name them.
    unknown: tuple[str, ...] = ()

    def find(self, moment: datetime, zone: str) -> Frozen | None:
        """Return the freeze in which a moment lies, if there is one."""
        return find_frozen(self.freezes, moment, zone)


NO_FREEZES = Freezes()


def _in_utc(text: str, zone: str) -> datetime:
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo else at.replace(tzinfo=zone_of(zone))).astimezone(UTC)


def is_url(source: str) -> bool:
    """Return whether a calendar is fetched, and isn't a file."""
    return "://" in source


def shown(source: str) -> str:
    """Return how messages name a calendar: the path of a URL may be secret."""
    return parse_url(source).shown if is_url(source) else source


def _require_source(value: str) -> str:
    if not is_url(value):
        return plain_path.require(value)
    if parse_url(value).scheme != "https":
        raise ValueError("must be a file in the folder, or https://HOST/PATH")
    return value


def _require_once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) != len(set(value)):
        raise ValueError("must name each calendar once")
    return value


_Source = Annotated[
    str, Field(min_length=1, max_length=MAX_URL), AfterValidator(_require_source)
]
#: The calendars of a schedule.
NotDuring = Annotated[
    tuple[
        Annotated[
            str,
            Field(min_length=1, max_length=MAX_URL),
            AfterValidator(_require_source),
        ],
        ...,
    ],
    Field(
        max_length=10,
        description="Calendars of freezes: iCalendar files in the folder of the "
        "service or project, or https URLs. Nothing is launched during their events.",
    ),
    AfterValidator(_require_once),
]
