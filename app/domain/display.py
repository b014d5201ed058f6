"""How pages look for a user: the colours, and the time zone of exact times."""

from dataclasses import dataclass
from enum import StrEnum


class Theme(StrEnum):
    """The colours of pages."""

    #: As the browser's or the operating system's setting.
    AUTO = "auto"
    LIGHT = "light"
    DARK = "dark"


class TimeZone(StrEnum):
    """The time zone of exact times."""

    UTC = "utc"
    #: The browser's. A script converts the times, so without it they are in UTC.
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class Display:
    """The choices of a user."""

    theme: Theme = Theme.AUTO
    time_zone: TimeZone = TimeZone.UTC


DEFAULT_DISPLAY = Display()
