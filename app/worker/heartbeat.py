"""A node's presence: its name, its heartbeat, and the sync of its services."""

import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from app.domain.access import on_host
from app.encryption import SecretBox
from app.errors import BadSetting, Invalid, NodeTaken
from app.log import get
from app.project_folder import Reach
from app.settings import Settings
from app.store.store import Store
from app.usecases import nodes
from app.usecases.services import sync_services
from app.worker.lag import FollowerLag
from app.worker.node_instance import new_instance

log = get("worker")

#: Seconds between two heartbeats.
BEAT_EVERY = 3.0
#: Seconds between checks whether the holder of the node's name is alive.
LOOK_EVERY = 1.0


class Presence:
    """Publishes the presence of this node; its methods block on PostgreSQL."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        reach: Reach,
        secret_box: SecretBox,
        *,
        draining: bool,
    ) -> None:
        self._store = store
        self._secret_box = secret_box
        self._settings = settings
        self._reach = reach
        self._draining = draining
        self._me = new_instance(settings.var)
        self._lag = FollowerLag(settings)
        self._key_ids: Sequence[str] = ()

    def begin(self) -> None:
        """Acquire the node's name, and sync its services folder.

        Raises NodeTaken if another instance has the name, and Unavailable.
        """
        self._take_name()
        self._sync()

    def beat(self) -> None:
        """Store a heartbeat, and sync the services folder if requested.

        Raises NodeTaken if another instance has taken the name, and Unavailable.
        """
        if self._beat(starting=False):
            self._sync()

    def end(self) -> None:
        """Store that the worker stops. Raises Unavailable."""
        nodes.stop(self._store, self._settings.node, self._me)

    def _take_name(self) -> None:
        """Acquire the node's name; wait until it is known whether its holder is alive.

        The holder may have been killed: after a reboot, it is an earlier instance of
        this node. If it sends another heartbeat, it is alive. Otherwise it will count
        as away, and the name becomes free.
        """
        seen: datetime | None = None
        while True:
            try:
                self._beat(starting=True)
            except NodeTaken as taken:
                if seen is not None and taken.heartbeat_at != seen:
                    raise
                seen = taken.heartbeat_at
                log.info("node.taken", node=self._settings.node, heartbeat=str(seen))
            else:
                return
            time.sleep(LOOK_EVERY)

    def _beat(self, *, starting: bool) -> bool:
        return nodes.beat(
            self._store,
            self._settings.node,
            me=self._me,
            concurrency=self._settings.concurrency,
            draining=self._draining,
            starting=starting,
            key_ids=self._present_keys(),
            measure_lag=self._lag.measure,
        )

    def _present_keys(self) -> Sequence[str]:
        """Return the ids of the secret keys; the last known ones if they are broken.

        Whatever needs a key says so: the heartbeat must go on.
        """
        with suppress(BadSetting, OSError):
            self._key_ids = self._secret_box.key_ids
        return self._key_ids

    def _sync(self) -> None:
        try:
            found = sync_services(
                self._store,
                self._settings.services,
                self._settings.var,
                self._settings.node,
                on_host("worker"),
                reach=self._reach,
                box=lambda: self._secret_box,
            )
        except Invalid as error:
            log.warning("services.unreadable", error=str(error))
        else:
            log.info(
                "services.synced", valid=len(found.valid), invalid=len(found.invalid)
            )
