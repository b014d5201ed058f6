"""The body of the API about entries of the audit log."""

from datetime import datetime
from typing import Any

from app.domain.audit import Action, AuditEntry
from app.web.schemas import Body


class AuditEntryBody(Body):
    """A record of one action, and its place in the hash chain."""

    id: int
    at: datetime
    actor: str
    address: str
    """The client's address; empty for a command on the host."""
    action: Action
    subject: str
    """The affected user, token, node or service."""
    deployment: int | None
    changes: dict[str, Any]
    """The changed values, `{field: {"before": …, "after": …}}`, without secrets."""
    chain_number: int
    """The place in the hash chain, from 1."""
    hash: str
    """The SHA-256 of the entry and of the hash before it, as hexadecimal digits."""


def audit_entry_body(entry: AuditEntry) -> AuditEntryBody:
    """Return the body of an entry."""
    return AuditEntryBody.model_validate(entry.as_json())
