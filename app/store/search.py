"""Search the output of a deployment by host, result, step and text."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func

from app.domain.events import EventKind
from app.store.deployment_tables import events
from app.store.events import Event, as_event, shown
from app.store.searching import can_be_found, contains

_c = events.c
#: Colour sequences, which a search ignores.
_COLOUR = "\x1b\\[[0-9;]*m"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Filters of lines; an empty or None field matches all."""

    text: str = ""
    host: str = ""
    result: str = ""
    step: int | None = None

    @property
    def anything(self) -> bool:
        """Whether any filter is set."""
        return bool(self.text or self.host or self.result or self.step)


def find(
    db: Connection, deployment_id: int, wanted: SearchQuery, *, after: int, up_to: int,
    limit: int,
) -> list[Event]:  # fmt: skip
    """Return the matching lines with numbers above `after` up to `up_to`, in order.

    PostgreSQL reads all events in between, so the caller limits their number.
    """
    if not can_be_found(wanted.text, wanted.host, wanted.result):
        return []
    rows = db.execute(
        shown()
        .where(
            _c.deployment_id == deployment_id,
            _c.number > after,
            _c.number <= up_to,
            *_conditions(wanted),
        )
        .order_by(_c.number)
        .limit(limit)
    )
    return [as_event(row) for row in rows]


def _conditions(wanted: SearchQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.text or not wanted.result:
        # An event without text isn't a line. A search by result includes them: the
        # result of a loop has no text, since its items have been reported.
        silent = [EventKind.RUNNER.value, EventKind.STATUS.value]
        found.append((_c.text != "") | _c.kind.not_in(silent))
    if wanted.host:
        found.append(_c.host == wanted.host)
    if wanted.result:
        found.append(_c.result == wanted.result)
    if wanted.step is not None:
        found.append(_c.step == wanted.step)
    if wanted.text:
        coloured = func.strpos(_c.text, "\x1b") > 0
        plain = case(
            (coloured, func.regexp_replace(_c.text, _COLOUR, "", "g")), else_=_c.text
        )
        of_step = (_c.kind == EventKind.STEP.value) & contains(_c.name, wanted.text)
        found.append(contains(plain, wanted.text) | of_step)
    return found
