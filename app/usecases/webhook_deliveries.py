"""The log of a webhook's deliveries: list, repeat and forget them."""

from collections.abc import Callable
from datetime import timedelta

from app.domain.access import Actor
from app.domain.audit import Action
from app.domain.webhook import DeliveryState
from app.errors import Conflict, NotFound
from app.store import audit, webhook_deliveries
from app.store.store import Store
from app.store.webhook_deliveries import Delivery
from app.usecases.approval_requests import requester_of
from app.usecases.webhooks import find

#: The number of deliveries on a page.
PAGE = 50
#: How long deliveries are kept. Within this time, a repeated one is recognised.
KEPT = timedelta(days=90)
#: How long deliveries are kept that aren't about a push.
KEPT_IGNORED = timedelta(days=7)
_BATCH = 1_000


def list_page(
    store: Store, actor: Actor, webhook_id: int, before: int | None = None
) -> tuple[list[Delivery], bool]:
    """Return deliveries, newest first, and whether there are more.

    Raises NotAllowed and NotFound.
    """
    find(store, actor, webhook_id)
    with store.begin() as db:
        listed = webhook_deliveries.page(db, webhook_id, before=before, limit=PAGE + 1)
    return listed[:PAGE], len(listed) > PAGE


def redeliver(store: Store, actor: Actor, webhook_id: int, delivery_id: int) -> None:
    """Queue a stored delivery, which launches once more.

    Raises NotAllowed, NotFound, and Conflict if it is queued, or has no push.
    """
    webhook = find(store, actor, webhook_id)
    with store.begin() as db:
        found = webhook_deliveries.lock(db, webhook_id, delivery_id)
        if found is None:
            raise NotFound(f"{webhook.name} has no delivery {delivery_id}")
        if found.state is DeliveryState.QUEUED:
            raise Conflict(f"delivery {delivery_id} is queued already: wait for it")
        if not found.pushes:
            raise Conflict(f"delivery {delivery_id} has no push: nothing can launch")
        webhook_deliveries.queue_again(db, delivery_id, requester_of(db, actor))
        audit.note(db, actor, Action.REDELIVER, f"{webhook.name}: {delivery_id}")


def prune(store: Store, stop: Callable[[], bool]) -> None:
    """Forget old deliveries, some in each transaction."""
    for age, ignored_only in ((KEPT_IGNORED, True), (KEPT, False)):
        while not stop():
            with store.begin() as db:
                deleted = webhook_deliveries.delete_some(
                    db, age, _BATCH, ignored_only=ignored_only
                )
            if deleted < _BATCH:
                break
