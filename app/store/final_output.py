"""What a run printed last, as far as that says why the run ended."""

from sqlalchemy import ColumnElement, Connection, func, or_, select

from app.domain import ansible_errors, escapes
from app.domain.events import EventKind
from app.store.tables import events

#: Characters of the last output that are quoted.
QUOTED = 500
#: Texts among which the last one that isn't blank is looked for.
_LAST = 100
#: Number of last events among which Ansible's own error is looked for.
_LOOK_AT = 5000
#: ansible-runner's own callback has events for what Ansible prints outside of tasks.
_DISPLAYED = ("error", "warning", "system_warning", "verbose")

_c = events.c


def last_output(db: Connection, deployment_id: int) -> str:
    """The end of the last text that isn't blank, without escape sequences."""
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
    """The number of the event with which the last error of Ansible itself begins.

    It is looked for among the last events; `last` is the number of the very last.
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
    """The printed lines in the events from `before` before a number to `behind` it."""
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
