"""Export the record of an ended deployment in the format of another tool.

The content comes from recorded events, in which secrets are masked.
"""

from collections.abc import Callable, Generator

from app.domain.deployment import Deployment
from app.domain.export_format import Format
from app.errors import Conflict, NotFound
from app.store.store import Store
from app.usecases import deploy, export_ara, export_navigator
from app.usecases.recorded_events import joined

_WRITERS: dict[Format, Callable[[Store, Deployment], Generator[str]]] = {
    Format.NAVIGATOR: export_navigator.write,
    Format.ARA: export_ara.write,
}


def export(
    store: Store, deployment_id: int, wanted: Format
) -> tuple[Deployment, Generator[bytes]]:
    """Return a deployment and its record in a format, in pieces.

    Each piece is read in its own transaction, which ends before the piece is yielded.

    Raises:
        NotFound: There is no such deployment, or its output was deleted.
        Conflict: It hasn't ended.
    """
    deployment = deploy.find(store, deployment_id)
    if not deployment.ended:
        raise Conflict(
            f"deployment {deployment_id} is {deployment.status}; export it when it has "
            "ended"
        )
    if deployment.pruned_at is not None:
        raise NotFound(f"the output of deployment {deployment_id} was deleted")
    return deployment, joined(_WRITERS[wanted](store, deployment))
