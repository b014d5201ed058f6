"""The values of the overview's filters that occur."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    func,
    literal,
    select,
    union_all,
)

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
    found: dict[str, list[str]] = {field.name: [] for field in fields(Choices)}
    for name, value in db.execute(_OCCURRING):
        if value:
            found[name].append(value)
    return Choices(**found)


def _values(name: str, value: ColumnElement[str]) -> Select[str, str]:
    return (
        select(literal(name).label("name"), value.label("value"))
        .where(services.c.archived_at.is_(None))
        .distinct()
    )


_, _environment, _project = parts()
#: The query of all values, each with the name of its field in Choices.
_OCCURRING = union_all(
    _values("projects", _project),
    _values("environments", _environment),
    _values("labels", func.unnest(services.c.labels)),
).order_by("value")
