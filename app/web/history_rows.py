"""The rows of a history, as values: equal ones are rendered once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.access import Actor, Permission
from app.domain.deployment import Deployment
from app.web.formatting import ago

#: The maximum number of characters of a reason; the template shortens it further.
_REASON = 1000


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """All that a row shows to an actor at a time.

    The renderer keeps rows by this value, so nothing else may affect how one looks.
    """

    id: int
    service_name: str
    version: str
    #: The state to display.
    shown: str
    #: The number of warnings.
    warned: int
    partial: bool
    check: bool
    created_at: datetime
    #: When it was created, relative to the present.
    since: str
    started_at: datetime | None
    finished_at: datetime | None
    #: The present, from which the duration of a running deployment counts up.
    now: datetime | None
    actor: str
    origin: str
    reason: str
    #: Which side of a comparison it is, `a`, `b` or empty; None without comparisons.
    side: str | None
    #: Whether the actor may launch services, and this one.
    launches: bool
    launches_this: bool


def rows_of(
    items: Sequence[Deployment], actor: Actor, now: datetime, *, comparable: bool
) -> Sequence[HistoryRow]:
    """Return the rows of an actor.

    If they are `comparable`, the newest two are preselected for a comparison.
    """
    sides = {items[1].id: "a", items[0].id: "b"} if len(items) > 1 else {}
    launches = actor.may(Permission.CHECK)
    return [
        _row(
            item,
            now,
            side=sides.get(item.id, "") if comparable and sides else None,
            launches=launches,
            launches_this=launches
            and actor.may_on(Permission.CHECK, item.service_name),
        )
        for item in items
    ]


def _row(
    item: Deployment,
    now: datetime,
    *,
    side: str | None,
    launches: bool,
    launches_this: bool,
) -> HistoryRow:
    return HistoryRow(
        id=item.id,
        service_name=item.service_name,
        version=item.version,
        shown=item.shown,
        warned=len(item.warnings),
        partial=item.partial,
        check=item.options.check,
        created_at=item.created_at,
        since=ago(item.created_at, now),
        started_at=item.started_at,
        finished_at=item.finished_at,
        now=now if item.started_at and not item.finished_at else None,
        actor=item.actor,
        origin=item.origin,
        reason=item.reason[:_REASON],
        side=side,
        launches=launches,
        launches_this=launches_this,
    )
