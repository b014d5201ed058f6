"""The hash chain of the audit log, which shows whether somebody changed an entry.

The hash of an entry is the SHA-256 of the hash before it, 32 bytes, and of the entry's
content; the hash before the first entry is 32 zero bytes. The content consists of nine
netstrings (https://cr.yp.to/proto/netstrings.txt), encoded in UTF-8: the place in the
chain, the number, the time (as `2026-01-31T23:59:59.000000Z`), actor, address, action,
subject, the number of the deployment, and the changes as PostgreSQL prints JSONB. A
missing value is the empty string.

PostgreSQL computes the hashes when entries are written; this module computes them
again.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC
from hashlib import sha256

from app.domain.audit import Action, AuditEntry


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain, from 1, and the hash of the entry there; 0 is its start."""

    number: int
    hash: bytes

    def __str__(self) -> str:
        return f"{self.number}:{self.hash.hex()}"


#: What is before the first entry.
START = Link(0, bytes(32))


@dataclass(frozen=True, slots=True)
class Verification:
    """The number of entries that are intact, and the first problem, if any."""

    intact: int
    problem: str = ""


def hash_of(entry: AuditEntry, before: bytes) -> bytes:
    """Return the hash that an entry must have after the entry with the hash before."""
    at = entry.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    deployment = "" if entry.deployment is None else str(entry.deployment)
    fields = (
        str(entry.chain_number), str(entry.id), at, entry.actor, entry.address,
        entry.action, entry.subject, deployment, entry.changes,
    )  # fmt: skip
    return sha256(before + b"".join(_netstring(field) for field in fields)).digest()


def _netstring(field: str) -> bytes:
    content = field.encode()
    return b"%d:%s," % (len(content), content)


def deletion_subject(last: Link) -> str:
    """Return the subject of the entry that says up to where entries were deleted."""
    return f"up to {last}"


def verify(
    entries: Iterable[AuditEntry], deleted: Link, last: Link, known: Link | None = None
) -> Verification:
    """Compute the hashes of all entries, in the order of the chain.

    Args:
        entries: The entries that are stored.
        deleted: The last entry that was deleted.
        last: The last entry of the chain.
        known: An entry that is known from elsewhere, such as from an earlier check.
    """
    verifier = _Verifier(deleted, known)
    for entry in entries:
        if problem := verifier.check(entry):
            return Verification(verifier.intact, problem)
    return Verification(verifier.intact, verifier.problem_at_end(last))


class _Verifier:
    def __init__(self, deleted: Link, known: Link | None) -> None:
        self._deleted = deleted
        self._known = known
        self._before = deleted
        self._deletion = deletion_subject(deleted) if deleted != START else ""
        self.intact = 0

    def check(self, entry: AuditEntry) -> str:
        """Return what is wrong with the next entry, empty if nothing is."""
        expected = self._before.number + 1
        if entry.chain_number != expected:
            return f"entry {expected} of the chain is missing"
        if not hmac.compare_digest(entry.hash, hash_of(entry, self._before.hash)):
            return (
                f"entry {expected} of the chain (number {entry.id}, {entry.action} by "
                f"{entry.actor}) was changed, or an entry before it"
            )
        self._before = Link(entry.chain_number, entry.hash)
        self.intact += 1
        if entry.action is Action.DELETE_ENTRIES and entry.subject == self._deletion:
            self._deletion = ""
        return self._problem_of_known()

    def _problem_of_known(self) -> str:
        known = self._known
        if known is None or known.number != self._before.number:
            return ""
        if known.hash == self._before.hash:
            return ""
        return f"entry {known.number} of the chain has another hash than the given one"

    def problem_at_end(self, last: Link) -> str:
        """Return what is wrong with the end of the chain, empty if nothing is."""
        if self._before != last:
            return f"entries {self._before.number + 1} to {last.number} are missing"
        if self._deletion:
            return (
                f"the entries up to {self._deleted.number} were deleted, and no entry "
                "says so"
            )
        if self._known is not None and self._known.number > last.number:
            return f"the chain ends before the given entry {self._known.number}"
        return ""
