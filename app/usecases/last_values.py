"""Find the values with which a person last launched a service."""

from app.domain.access import Actor
from app.domain.deployment import Deployment
from app.store import deployments, history
from app.store.history import Filter
from app.store.store import Store


def last_launch(store: Store, actor: Actor, service: str) -> Deployment | None:
    """Return the last deployment of a service that the user of a session launched.

    It is None for any other actor, such as a token.
    """
    if actor.user_id is None:
        return None
    with store.begin() as db:
        wanted = Filter(service=service, actor=actor.name)
        found = history.newest(db, wanted, limit=1).numbers
        return deployments.find(db, found[0]) if found else None
