"""The rows of the overview, as values: equal ones are rendered once."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby

from app.domain.access import Actor, Permission
from app.domain.dashboard import Group, Place
from app.store.glances import Glance
from app.usecases.overview import group_of
from app.web.formatting import ago


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """All that a row shows to an actor at a time.

    The renderer keeps rows by this value, so nothing else may affect how one looks.
    """

    item: Glance
    #: What the rows of its group have in common; None without groups.
    #: The row doesn't show it.
    group: str | None = field(compare=False)
    #: Whether the actor can have favourites.
    favours: bool
    #: Where the actor may launch it.
    launchable: tuple[Place, ...]
    #: When the latest deployment was created, relative to the present.
    since: str
    #: The present, from which the duration of a running deployment counts up.
    now: datetime | None

    def __hash__(self) -> int:
        """Hash what differs in most rows: hashing all of it takes longer."""
        return hash((self.item, self.since))

    @property
    def outcomes_in_words(self) -> str:
        """The last outcomes, such as `7 successful, 1 failed, 2 successful`."""
        runs = groupby(ended.in_words for ended in self.item.outcomes)
        return ", ".join(f"{len([*run])} {words}" for words, run in runs)


def rows_of(
    items: Sequence[Glance], group: Group | None, actor: Actor, now: datetime
) -> Sequence[ServiceRow]:
    """Return the rows of an actor."""
    return [_row(item, group_of(item, group), actor, now) for item in items]


def _row(item: Glance, group: str | None, actor: Actor, now: datetime) -> ServiceRow:
    latest = item.latest
    running = latest and latest.started_at and not latest.finished_at
    return ServiceRow(
        item=item,
        group=group,
        favours=bool(actor.csrf_token),
        launchable=() if item.unreadable else tuple(
            spot.place
            for spot in item.spots
            if not spot.place.error and actor.may_on(Permission.CHECK, spot.place.name)
        ),
        since=ago(latest.created_at, now) if latest else "",
        now=now if running else None,
    )  # fmt: skip
