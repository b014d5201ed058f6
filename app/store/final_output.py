"""The last output of a run, which may explain why the run ended."""

from sqlalchemy import ColumnElement, Connection, func, or_, select

from app.domain import ansible_errors, escapes
from app.domain.events import EventKind
from app.store.deployment_tables import events

#: Maximum characters of the last output to quote.
QUOTED = 500
#: Number of last texts to search for one that isn't blank.
_LAST = 100
#: Number of last events to search for Ansible's own error.
_LOOK_AT = 5000
#: Events of ansible-runner's own callback for Ansible's output outside of tasks.
_DISPLAYED = ("error", "warning", "system_warning", "verbose")

_c = events.c


def last_output(db: Connection, deployment_id: int) -> str:
    """Return the end of the last text that isn't blank, without escape sequences."""
    texts = db.scalars(
        select(func.right(_c.text, 2 * QUOTED))
        .where(
            _c.deployment_id == deployment_id,
            _c.kind == EventKind.OUTPUT.value,
            _c.text.regexp_match(r"\S"),
        )
        .order_by(_c.number.desc())
        .limit(_LAST)
    )
    said = (escapes.strip(text).strip() for text in texts)
    return next(filter(None, said), "")[-QUOTED:]


def last_error(db: Connection, deployment_id: int, *, last: int) -> int | None:
    """Return the number of the event that begins Ansible's last own error.

    Only the last events are searched; `last` is the number of the last one.
    """
    return db.scalar(
        select(_c.number)
        .where(
            _c.deployment_id == deployment_id,
            _c.number > last - _LOOK_AT,
            _is_text(),
            _c.text.regexp_match(ansible_errors.BEGINNING),
        )
        .order_by(_c.number.desc())
        .limit(1)
    )


def lines_around(
    db: Connection, deployment_id: int, number: int, *, before: int, behind: int
) -> list[str]:
    """Return the lines in `before` events before a number and `behind` after it."""
    texts = db.scalars(
        select(_c.text)
        .where(
            _c.deployment_id == deployment_id,
            _c.number.between(number - before, number + behind),
            _is_text(),
        )
        .order_by(_c.number)
    )
    return [line for text in texts for line in text.split("\n")]


def _is_text() -> ColumnElement[bool]:
    return or_(
        _c.kind == EventKind.OUTPUT.value,
        (_c.kind == EventKind.RUNNER.value) & _c.name.in_(_DISPLAYED),
    )
