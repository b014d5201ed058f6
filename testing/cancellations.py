"""Cancel deployments of a store, without a worker."""

from app.domain.access import Actor, Permission
from app.domain.deployment import Deployment, Outcome
from app.queue import make_queue
from app.settings import Settings
from app.store.store import Store
from app.usecases import deploy
from app.usecases.cancel import cancel as request_cancel
from testing.factories import ROOT

SOMEBODY = Actor("somebody", frozenset({Permission.CANCEL}))


def cancel(
    store: Store, settings: Settings, number: int, actor: Actor = ROOT
) -> Deployment:
    """Request the cancellation of a deployment, and return it."""
    request_cancel(store, make_queue(settings), actor, number)
    return deploy.find(store, number)


def outcome_of(deployment: Deployment) -> Outcome:
    """Return the status and the reason of a deployment."""
    return Outcome(deployment.status, deployment.reason)
