"""A node's presence: its name, its heartbeat, and the services that it has."""

import uuid
from pathlib import Path

from app.domain.access import on_host
from app.errors import Invalid
from app.log import get
from app.settings import Settings
from app.store.store import Store
from app.usecases import nodes
from app.usecases.catalogue import sync_services

log = get("worker")

#: Seconds between two heartbeats.
BEAT_EVERY = 3.0


class Presence:
    """Tells the other nodes that this one is there; its calls wait for PostgreSQL."""

    def __init__(self, store: Store, settings: Settings, *, draining: bool) -> None:
        self._store = store
        self._settings = settings
        self._draining = draining
        self._identity = _identity(settings.var)

    def begin(self) -> None:
        """Take the node's name, and read its services folder.

        Raises Conflict if another node has the name, and Unavailable.
        """
        self._beat(starting=True)
        self._sync()

    def beat(self) -> None:
        """Say that the node is there still, and do what it was asked for.

        Raises Conflict if another node has taken the name, and Unavailable.
        """
        if self._beat(starting=False):
            self._sync()

    def end(self) -> None:
        """Say that the worker stops. Raises Unavailable."""
        nodes.stop(self._store, self._settings.node, self._identity)

    def _beat(self, *, starting: bool) -> bool:
        return nodes.beat(
            self._store,
            self._settings.node,
            identity=self._identity,
            concurrency=self._settings.concurrency,
            draining=self._draining,
            starting=starting,
        )

    def _sync(self) -> None:
        try:
            found = sync_services(
                self._store,
                self._settings.services,
                self._settings.node,
                on_host("worker"),
            )
        except Invalid as error:
            log.warning("services.unreadable", error=str(error))
        else:
            log.info("services.synced", good=len(found.good), broken=len(found.broken))


def _identity(var: Path) -> str:
    """Return what tells this folder's worker from every other; the caller locks it."""
    path = var / "node-id"
    try:
        known = path.read_text().strip()
    except FileNotFoundError:
        known = ""
    if not known:
        known = uuid.uuid4().hex
        draft = path.with_suffix(".new")
        draft.write_text(known)
        draft.replace(path)
    return known
