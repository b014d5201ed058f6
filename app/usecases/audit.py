"""Read the audit log."""

from collections.abc import Sequence

from app.domain.access import Actor, Permission
from app.domain.audit import Action, AuditEntry
from app.store import audit
from app.store.store import Store


def latest(
    store: Store,
    asking: Actor,
    *,
    actor: str | None = None,
    action: Action | None = None,
    before: int | None = None,
    limit: int = 50,
) -> Sequence[AuditEntry]:
    """Return the latest audit entries, newest first. Raises NotAllowed."""
    asking.require(Permission.ADMIN)
    with store.begin() as db:
        return audit.latest(db, actor=actor, action=action, before=before, limit=limit)
