"""The history: pages of deployments that match filters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import Connection

from app.domain.deployment import Deployment
from app.store import deployments, history
from app.store.history import ANY, Filter
from app.store.store import Store
from app.usecases import deploy
from app.usecases.deploy import View

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HistoryPage(Generic[T]):
    """A page, newest first; `before` is where the next page begins, if any.

    `searched_to` is the lowest id that was searched for a text, if the search limit
    ended the page: a page without matches may be followed by further pages.
    """

    items: Sequence[T]
    before: int | None
    searched_to: int | None


def page(
    store: Store, wanted: Filter = ANY, *, before: int | None = None, limit: int = 50
) -> HistoryPage[Deployment]:
    """Return the latest matching deployments with ids below `before`."""
    with store.begin() as db:
        return _page(db, wanted, before, limit)


def page_with_actors(
    store: Store,
    wanted: Filter = ANY,
    service: str | None = None,
    *,
    before: int | None = None,
    limit: int = 50,
) -> tuple[HistoryPage[Deployment], list[str]]:
    """Return the same, and the actors who launched deployments of a service or any."""
    with store.begin() as db:
        return _page(db, wanted, before, limit), history.actors(db, service)


def views(
    store: Store, wanted: Filter = ANY, *, before: int | None = None, limit: int = 50
) -> HistoryPage[View]:
    """Return the same with steps and progress; usual durations only of active ones."""
    with store.begin() as db:
        found = _page(db, wanted, before, limit)
        return HistoryPage(
            deploy.views_in(db, found.items), found.before, found.searched_to
        )


def _page(
    db: Connection, wanted: Filter, before: int | None, limit: int
) -> HistoryPage[Deployment]:
    found = history.newest(db, wanted, before=before, limit=limit)
    items = deployments.newest_first(db, found.numbers) if found.numbers else []
    return HistoryPage(items, found.before, found.searched_to)


def exists(store: Store, deployment_id: int) -> bool:
    """Return whether there is a deployment with this id that the store may see."""
    with store.begin() as db:
        return bool(deployments.existing_ids(db, [deployment_id]))
