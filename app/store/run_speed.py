"""Query what was chosen to make a run faster."""

import orjson
from sqlalchemy import Connection, select

from app.domain.events import SPEED, EventKind
from app.store.deployment_tables import events

#: The event comes before the first task. A run in a project may have built its
#: environment before.
_UP_TO = 1000


def find(db: Connection, deployment_id: int) -> str:
    """Return it as a sentence; empty if it is unknown."""
    found = db.scalar(
        select(events.c.data)
        .where(
            events.c.deployment_id == deployment_id,
            events.c.number <= _UP_TO,
            events.c.kind == EventKind.STATUS.value,
            events.c.name == SPEED,
        )
        .order_by(events.c.number)
        .limit(1)
    )
    return str(orjson.loads(found)["speed"]) if found else ""
