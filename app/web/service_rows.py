"""The rows of the overview, as values: equal ones are rendered once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from app.domain.access import Actor, Permission
from app.domain.dashboard import Place
from app.usecases.overview import Glance
from app.web.formatting import ago


@dataclass(frozen=True, slots=True)
class ServiceRow:
    """All that a row shows to an actor at a time.

    The renderer keeps rows by this value, so nothing else may affect how one looks.
    """

    item: Glance
    #: Whether the actor can have favourites.
    favours: bool
    #: Where the actor may launch it.
    launchable: tuple[Place, ...]
    #: When the latest deployment was created, relative to the present.
    since: str
    #: The present, from which the duration of a running deployment counts up.
    now: datetime | None

    @property
    def outcomes_in_words(self) -> str:
        """The last outcomes, such as `7 successful, 1 failed, 2 successful`."""
        runs = groupby(ended.in_words for ended in self.item.outcomes)
        return ", ".join(f"{len([*run])} {words}" for words, run in runs)


def rows_of(
    items: Sequence[Glance], actor: Actor, now: datetime
) -> Sequence[ServiceRow]:
    """Return the rows of an actor."""
    return [_row(item, actor, now) for item in items]


def _row(item: Glance, actor: Actor, now: datetime) -> ServiceRow:
    latest = item.latest
    running = latest and latest.started_at and not latest.finished_at
    return ServiceRow(
        item=item,
        favours=bool(actor.csrf_token),
        launchable=() if item.unreadable else tuple(
            spot.place
            for spot in item.spots
            if not spot.place.error and actor.may_on(Permission.CHECK, spot.place.name)
        ),
        since=ago(latest.created_at, now) if latest else "",
        now=now if running else None,
    )  # fmt: skip
