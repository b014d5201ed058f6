"""Measure what a run did to its hosts, when it has ended."""

from collections.abc import Sequence

from app.domain.deployment import Deployment, Status
from app.domain.host import HostOutcome, runs_everything
from app.errors import Unavailable
from app.log import get
from app.store import host_results
from app.store.store import Store

log = get("record")


def measure(
    store: Store, deployment: Deployment, status: Status
) -> Sequence[HostOutcome]:
    """Return what a run did to each of its hosts; empty for one that wasn't started.

    `status` is the outcome of the deployment. What can't be measured is logged: a run
    must end whatever its events contain. Raises Unavailable.
    """
    if deployment.started_at is None:
        return ()
    try:
        with store.begin() as db:
            return host_results.measure(
                db,
                deployment.id,
                successful=status is Status.SUCCESSFUL,
                everything=runs_everything(deployment),
            )
    except Unavailable:
        raise
    except Exception as error:  # noqa: BLE001 - the next time it would be the same
        log.warning(
            "hosts.failed", deployment=deployment.id, error=type(error).__name__
        )
        return ()
