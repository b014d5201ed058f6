"""The values of the overview's filters that occur."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from app.store.dashboard import parts
from app.store.service_tables import services


@dataclass(frozen=True, slots=True)
class Choices:
    """The values of the filters that occur, sorted."""

    projects: Sequence[str]
    environments: Sequence[str]
    labels: Sequence[str]


def choices(db: Connection) -> Choices:
    """Return the values of the filters that occur."""
    _, environment, project = parts()

    def occurring(value: ColumnElement[str]) -> list[str]:
        query = select(value.label("value")).where(services.c.archived_at.is_(None))
        found = db.scalars(query.distinct().order_by("value"))
        return [each for each in found if each]

    return Choices(
        occurring(project),
        occurring(environment),
        occurring(func.unnest(services.c.labels)),
    )
