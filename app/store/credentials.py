"""Credentials in PostgreSQL."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from app.domain.credential import Credential, Home
from app.domain.credential_names import split
from app.runner.credential_kinds import Kind
from app.store.service_tables import credentials


@dataclass(frozen=True, slots=True)
class SealedCredential:
    """A credential with its encrypted fields."""

    credential: Credential
    sealed: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCredential:
    """A credential to insert or to replace; `sealed` are encrypted fields."""

    kind: Kind
    name: str
    home: Home
    sealed: bytes | None = None
    key_id: str | None = None
    command: tuple[str, ...] = ()
    public_key: str = ""
    fingerprint: str = ""
    description: str = ""


def put(db: Connection, new: NewCredential, actor: str, *, replace: bool) -> bool:
    """Insert a credential; return False if it exists and isn't to be replaced."""
    values = {
        "home": new.home.value,
        "sealed": new.sealed,
        "key_id": new.key_id if new.sealed is not None else None,
        "command": list(new.command) or None,
        "public_key": new.public_key,
        "fingerprint": new.fingerprint,
        "description": new.description,
        "changed_by": actor,
    }
    statement = insert(credentials).values(
        kind=new.kind.value, name=new.name, created_by=actor, **values
    )
    columns = [credentials.c.kind, credentials.c.name]
    if replace:
        statement = statement.on_conflict_do_update(
            index_elements=columns, set_={**values, "changed_at": func.now()}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=columns)
    # The number of affected rows isn't known of an INSERT … ON CONFLICT.
    return db.scalar(statement.returning(credentials.c.id)) is not None


def list_all(db: Connection) -> list[Credential]:
    """Return the credentials, sorted by kind and name."""
    columns = credentials.c
    query = select(credentials).order_by(columns.kind, columns.name)
    return [_credential(row) for row in db.execute(query)]


def find_some(db: Connection, references: Iterable[str]) -> dict[str, SealedCredential]:
    """Return the credentials with these references that exist, with their values."""
    pairs = [(kind.value, name) for kind, name in map(split, references)]
    if not pairs:
        return {}
    found = db.execute(
        select(credentials).where(
            tuple_(credentials.c.kind, credentials.c.name).in_(pairs)
        )
    )
    listed = [SealedCredential(_credential(row), row.sealed) for row in found]
    return {each.credential.reference: each for each in listed}


def remove(db: Connection, kind: Kind, name: str) -> bool:
    """Delete a credential; return False if there is none."""
    result = db.execute(
        delete(credentials).where(
            credentials.c.kind == kind.value, credentials.c.name == name
        )
    )
    return result.rowcount > 0


def mark_used(
    db: Connection, references: Collection[str], deployment_id: int | None = None
) -> None:
    """Store that a deployment uses the credentials, or without one, a fetch."""
    pairs = [(kind.value, name) for kind, name in map(split, references)]
    if pairs:
        db.execute(
            update(credentials)
            .where(tuple_(credentials.c.kind, credentials.c.name).in_(pairs))
            .values(last_used_at=func.now(), last_used_deployment=deployment_id)
        )


def _credential(row: Row[Any]) -> Credential:
    return Credential(
        kind=Kind(row.kind),
        name=row.name,
        home=Home(row.home),
        command=tuple(row.command or ()),
        public_key=row.public_key,
        fingerprint=row.fingerprint,
        description=row.description,
        created_at=row.created_at,
        created_by=row.created_by,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        last_used_at=row.last_used_at,
        last_used_deployment=row.last_used_deployment,
    )
