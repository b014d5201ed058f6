"""Keep the calendars of freezes that schedules name, and read them from the database.

A launch reads what is stored, and nothing else: it waits for no file, URL or rule. Each
worker reads the calendars that are due, one at a time, in a thread of its own.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from app.calendar_files import CalendarFiles
from app.calendar_process import read_calendar
from app.domain.freezes import (
    MAX_BYTES,
    Freeze,
    Freezes,
    ReadCalendar,
    is_url,
    shown,
)
from app.domain.outgoing_url import IPNetwork
from app.domain.schedule import Schedule
from app.domain.service import Service
from app.errors import Invalid, OutgoingFailed, OutgoingRefused
from app.log import get
from app.store import calendars
from app.store.calendars import Key, StoredCalendar
from app.store.schedules import StoredSchedule
from app.store.store import Store

log = get("calendars")

#: How often a URL is fetched, a file expanded, and a failure repeated.
FETCH_EVERY = timedelta(hours=1)
EXPAND_EVERY = timedelta(days=1)
AGAIN_AFTER = timedelta(minutes=10)
#: Seconds that a fetch may take.
TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class FoundFiles:
    """The calendars of files that a sync has read, and why others can't be read."""

    read: dict[Key, ReadCalendar]
    problems: dict[Key, str]


def read_files(
    store: Store, files: CalendarFiles, found: Mapping[str, Service | str]
) -> tuple[dict[str, Service | str], FoundFiles]:
    """Read the calendars of files that schedules name.

    Return the services of a sync, of which one with an invalid file is the error in it.
    An invalid file of a schedule that somebody created is a problem of its own.
    """
    services, read = files.read_all(found)
    problems = {}
    with store.begin() as db:
        created = calendars.named(db) - read.keys()
    for key in created:
        if key[0] and files.has(key[0]):
            try:
                read[key] = files.read(key)
            except Invalid as error:
                problems[key] = str(error)
    return services, FoundFiles(read, problems)


def sync(db: Connection, files: FoundFiles) -> None:
    """Store the calendars of files, and let workers fetch the URLs again.

    It is called in the transaction that has stored the schedules.
    """
    wanted = calendars.named(db)
    calendars.settle(db, wanted, ask=True)
    put_files(db, {key: found for key, found in files.read.items() if key in wanted})
    known = calendars.find(db, files.problems.keys() & wanted)
    for key, calendar in known.items():
        calendars.fail(db, calendar.id, files.problems[key], EXPAND_EVERY)


def keep(
    db: Connection, keys: Iterable[Key], files: Mapping[Key, ReadCalendar]
) -> None:
    """Store the calendars of a schedule that somebody creates; workers fetch URLs."""
    calendars.add(db, keys)
    put_files(db, files)


def put_files(db: Connection, files: Mapping[Key, ReadCalendar]) -> None:
    """Store the calendars of files that were read."""
    for key, found in sorted(files.items()):
        calendars.put(db, key, found, EXPAND_EVERY)


def freezes_of(
    db: Connection, found: Sequence[StoredSchedule], now: datetime
) -> dict[int, Freezes]:
    """Return the freezes of each of these schedules by its id."""
    keys = {each.id: keys_of(each.service_name, each.schedule) for each in found}
    known = calendars.find(db, {key for some in keys.values() for key in some})
    return {number: _freezes(known, some, now) for number, some in keys.items()}


def frozen_instants(
    db: Connection, service: str, schedule: Schedule, instants: Collection[datetime]
) -> dict[datetime, str]:
    """Return why nothing would be launched at some instants of a schedule.

    Nothing is known of instants after those for which the calendars are expanded, nor
    of calendars that were never read.
    """
    keys = keys_of(service, schedule)
    if not keys or not instants:
        return {}
    known = calendars.find(db, keys)
    freezes = Freezes(_freezes(known, keys, min(instants)).freezes)
    reasons = {each: schedule.frozen(each, freezes) for each in instants}
    return {each: reason for each, reason in reasons.items() if reason}


def frozen_next(db: Connection, found: Sequence[StoredSchedule]) -> dict[int, str]:
    """Return why nothing will be launched at the next instants of schedules, by id.

    Nothing is known of what `frozen_instants` doesn't know either.
    """
    keys = {each.id: keys_of(each.service_name, each.schedule) for each in found}
    known = calendars.find(db, {key for some in keys.values() for key in some})
    reasons = {}
    for each in found:
        if keys[each.id] and each.next_at is not None:
            freezes = Freezes(_freezes(known, keys[each.id], each.next_at).freezes)
            reasons[each.id] = each.schedule.frozen(each.next_at, freezes)
    return {number: reason for number, reason in reasons.items() if reason}


def of_schedule(db: Connection, found: StoredSchedule) -> tuple[StoredCalendar, ...]:
    """Return the calendars of a schedule, in its order."""
    keys = keys_of(found.service_name, found.schedule)
    known = calendars.find(db, keys)
    return tuple(known[key] for key in keys if key in known)


def keys_of(service: str, schedule: Schedule) -> list[Key]:
    """Return the keys of the calendars that a schedule of a service names."""
    return [calendars.key_of(service, source) for source in schedule.not_during]


def _freezes(
    known: Mapping[Key, StoredCalendar], keys: Iterable[Key], now: datetime
) -> Freezes:
    freezes: tuple[Freeze, ...] = ()
    unknown = []
    for key in keys:
        found = known.get(key)
        if found is None or found.covers_until is None or found.covers_until < now:
            unknown.append(shown(key[1]))
        else:
            freezes += found.freezes
    return Freezes(freezes, tuple(unknown))


def read_due(store: Store, allowed: Sequence[IPNetwork]) -> bool:
    """Read one calendar that is due; return False if there is none.

    A URL that can't be fetched or isn't a calendar leaves the last good copy, whose
    rules are expanded further. `allowed` has the internal networks that can be reached.
    Raises Unavailable.
    """
    with store.begin() as db:
        taken = calendars.take_due(db, 1)
        if not taken:
            return False
        kept = calendars.content_of(db, taken[0].id)
    _read(store, allowed, taken[0], kept)
    return True


def _read(
    store: Store, allowed: Sequence[IPNetwork], taken: StoredCalendar, kept: str
) -> None:
    problem = ""
    if is_url(taken.source):
        problem, content = _fetch(taken.source, allowed)
        found, invalid = _expand(taken, content) if not problem else (None, "")
        if found is not None:
            with store.begin() as db:
                calendars.put(db, (taken.scope, taken.source), found, FETCH_EVERY)
            return
        problem = problem or invalid
        log.warning("calendar.failed", calendar=taken.id, problem=problem)
    renewed, _ = _expand(taken, kept.encode()) if kept else (None, "")
    with store.begin() as db:
        if renewed is not None:
            calendars.expand(db, taken, renewed)
        if is_url(taken.source):
            calendars.fail(db, taken.id, problem, AGAIN_AFTER)
        else:
            calendars.put_off(db, taken.id, EXPAND_EVERY)


def _expand(taken: StoredCalendar, content: bytes) -> tuple[ReadCalendar | None, str]:
    try:
        now = datetime.now(UTC)
        return read_calendar(content, shown(taken.source), now), ""
    except Invalid as error:
        return None, str(error)


def _fetch(url: str, allowed: Sequence[IPNetwork]) -> tuple[str, bytes]:
    """Return why a URL can't be fetched, or nothing and its content."""
    # It loads httpcore, which a worker without a calendar doesn't need.
    from app.outgoing import send  # noqa: PLC0415

    try:
        answer = send("GET", url, timeout=TIMEOUT, allowed=allowed, limit=MAX_BYTES + 1)
    except (OutgoingFailed, OutgoingRefused) as error:
        return str(error), b""
    if answer.status != 200:
        return f"{shown(url)} answered {answer.status}", b""
    return "", answer.body
