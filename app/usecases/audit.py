"""Read the audit log, verify its hash chain, and record refusals."""

from collections.abc import Sequence

from sqlalchemy import text

from app.domain.access import Actor, Permission
from app.domain.audit import Action, AuditEntry
from app.domain.audit_chain import Link, Verification
from app.domain.audit_chain import verify as verify_chain
from app.store import audit
from app.store.store import Store

#: Refusals of one actor that are recorded in a minute.
REFUSALS_A_MINUTE = 20
#: Characters of a refused request that are recorded.
_MAX_SUBJECT = 300


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


def export(store: Store, asking: Actor, after: int, limit: int) -> Sequence[AuditEntry]:
    """Return the first `limit` entries behind a place in the chain, in order.

    Raises NotAllowed.
    """
    asking.require(Permission.ADMIN)
    with store.begin() as db:
        return list(audit.chain(db, after, limit))


def verify(
    store: Store, asking: Actor, known: Link | None = None
) -> tuple[Verification, Link]:
    """Check the hash chain; return the result and the last entry of the chain.

    `known` is an entry that an earlier check returned: with it, a chain that somebody
    computed again is noticed too. Raises NotAllowed.
    """
    asking.require(Permission.ADMIN)
    with store.begin() as db:
        db.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        deleted, last = audit.ends(db)
        return verify_chain(audit.chain(db), deleted, last, known), last


def note_refusal(store: Store, actor: Actor, request: str, reason: str) -> None:
    """Record that an actor asked for something that it may not do.

    Of one actor, REFUSALS_A_MINUTE are recorded in a minute.
    """
    with store.begin() as db:
        recent = audit.in_the_last_minute(
            db, actor.name, Action.REFUSED, REFUSALS_A_MINUTE
        )
        if recent < REFUSALS_A_MINUTE:
            subject = f"{request}: {reason}"[:_MAX_SUBJECT]
            audit.note(db, actor, Action.REFUSED, subject)
