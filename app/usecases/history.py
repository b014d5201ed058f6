"""The history: a page of the deployments that somebody wants to see."""

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
    """Some of a history, newest first; `before` leads to the next page, if there is.

    `searched_to` is the number down to which a text was looked for, where that ended
    the page: a search may go on, page by page, and find nothing on this one.
    """

    items: Sequence[T]
    before: int | None
    searched_to: int | None


def page(
    store: Store, wanted: Filter = ANY, *, before: int | None = None, limit: int = 50
) -> HistoryPage[Deployment]:
    """The latest deployments that are wanted, numbered below `before`."""
    with store.begin() as db:
        return _page(db, wanted, before, limit)


def views(
    store: Store, wanted: Filter = ANY, *, before: int | None = None, limit: int = 50
) -> HistoryPage[View]:
    """The same with steps and progress; what was usual, only of those that go on."""
    with store.begin() as db:
        found = _page(db, wanted, before, limit)
        return HistoryPage(
            deploy.views_in(db, found.items), found.before, found.searched_to
        )


def actors(store: Store, service: str | None = None) -> list[str]:
    """Who has asked for deployments, by name; the first hundred of them."""
    with store.begin() as db:
        return history.actors(db, service)


def _page(
    db: Connection, wanted: Filter, before: int | None, limit: int
) -> HistoryPage[Deployment]:
    found = history.newest(db, wanted, before=before, limit=limit)
    items = deployments.newest_first(db, found.numbers) if found.numbers else []
    return HistoryPage(items, found.before, found.searched_to)
