"""Read what a deployment has printed after an event, for those who follow it."""

from dataclasses import dataclass

from app.errors import Conflict
from app.store import output
from app.store.store import Store
from app.usecases import deploy


@dataclass(frozen=True, slots=True)
class PrintedNews:
    """What the events above `after` up to `last` printed, byte for byte.

    `more` says that there are further events, `complete` that the deployment has ended
    and that nothing follows.
    """

    content: bytes
    after: int
    last: int
    more: bool
    complete: bool

    @property
    def size(self) -> int:
        """The size in bytes."""
        return len(self.content)


def look(
    store: Store, deployment_id: int, after: int | None, up_to: int | None = None
) -> PrintedNews:
    """Read a stretch of the output after `after`, up to `up_to` or the present.

    If `after` is None, nothing is read. Raises NotFound, and Conflict if retention has
    removed what follows.
    """
    with store.begin() as db:
        # Read the deployment first: the events up to its last number then exist.
        deployment = deploy.view_in(db, deployment_id).deployment
        end = deployment.last_event
        if after is None:
            return PrintedNews(b"", end, end, more=False, complete=deployment.ended)
        wanted = end if up_to is None else min(up_to, end)
        found = output.read_output(
            db,
            deployment_id,
            script=deployment.service.playbook is None,
            after=after,
            up_to=wanted,
        )
    if after and wanted > after and (found is None or found.first != after + 1):
        raise Conflict(
            f"the output of deployment {deployment_id} was removed while it was read: "
            "its retention limit was reached"
        )
    last = found.last if found else max(after, wanted)
    content = b"".join(found.content) if found else b""
    complete = deployment.ended and last >= end
    return PrintedNews(content, after, last, more=last < wanted, complete=complete)
