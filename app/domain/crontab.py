"""Rules of cron: their instants in a time zone, and their words."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

#: The short names of crontab(5).
NAMES = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
#: The number of values that each field has; a larger step would mean the first alone.
_SIZES = (60, 24, 31, 12, 7)
#: How far back `last_instant` searches, in this order: most rules are frequent.
_LOOK_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=31))


@lru_cache(maxsize=10_000)  # each service that is read from the database has its rules
def require_rule(rule: str) -> str:
    """Return a rule of cron with its five fields.

    Raises ValueError for a rule that is malformed or never has an instant.
    """
    fields = NAMES.get(rule.strip(), rule).split()
    if len(fields) != len(_SIZES):
        raise ValueError(
            f"must have five fields (minute, hour, day of the month, month, day of the "
            f"week) or be one of {', '.join(NAMES)}"
        )
    for field, size in zip(fields, _SIZES, strict=True):
        for part in field.split(","):
            step = part.partition("/")[2]
            if step.isdecimal() and int(step) > size:
                raise ValueError(f"the step {step} in {part!r} is above {size}")
    try:
        start = datetime(2000, 1, 1, tzinfo=UTC)
        next(CronSim(" ".join(fields), start))
    except CronSimError as error:
        raise ValueError(f"is not a rule of cron ({error})") from None
    except StopIteration:
        raise ValueError("never has an instant") from None
    return " ".join(fields)


def require_zone(name: str) -> str:
    """Return the name of a time zone. Raises ValueError for an unknown one."""
    if name != "UTC" and name not in _zones():
        raise ValueError(
            f"{name!r} is not the name of a time zone such as Europe/Berlin"
        )
    return name


def zone_of(name: str) -> tzinfo:
    """Return the time zone with a name that `require_zone` has accepted."""
    return UTC if name == "UTC" else ZoneInfo(name)


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def instants(rule: str, zone: str, after: datetime) -> Iterator[datetime]:
    """Yield the instants of a rule after a moment, in UTC.

    A time that the clocks skip in spring runs at the end of the gap, and a time that
    they repeat in autumn runs at its first occurrence; minutes of every hour run in
    both repeated hours.
    """
    # Compare in UTC only: the two runs of a repeated hour are equal in their zone.
    for instant in CronSim(rule, after.astimezone(zone_of(zone))):
        yield instant.astimezone(UTC)


def last_instant(
    rule: str, zone: str, first: datetime, now: datetime
) -> datetime | None:
    """Return the last instant from `first` until `now`, both included, if any.

    Args:
        rule: The rule of cron.
        zone: Its time zone.
        first: The earliest instant, which may be years ago.
        now: The latest.
    """
    for start in (*(now - back for back in _LOOK_BACK), first):
        found = None
        # Instants have whole minutes, so none is within this second.
        begin = max(start, first) - timedelta(seconds=1)
        for instant in instants(rule, zone, begin):
            if instant > now:
                break
            found = instant
        if found is not None and found >= first:
            return found
    return None


def explain(rule: str) -> str:
    """Return a rule in words: "At 03:00 on Mondays"."""
    return CronSim(rule, datetime(2000, 1, 1, tzinfo=UTC)).explain()


def find_doubt(rule: str) -> str:
    """Return a sentence about a rule that seldom means what it seems to; or nothing."""
    fields = rule.split()
    if fields[2].startswith("*") or fields[4].startswith("*"):
        return ""
    return (
        "it has a day of the month and a day of the week: cron runs it on days that "
        "match either of them, not both"
    )
