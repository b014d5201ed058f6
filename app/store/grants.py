"""Grants in PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    delete,
    func,
    insert,
    or_,
    select,
)

from app.domain.access import Grant, Permission, SubjectKind, grants_on
from app.store import access_changes
from app.store.access_tables import tokens, users
from app.store.grant_tables import grants, team_members, teams


@dataclass(frozen=True, slots=True)
class Subject:
    """Who has a grant; `name` is for people."""

    kind: SubjectKind
    id: int
    name: str


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """A grant of a subject."""

    id: int
    subject: Subject
    grant: Grant
    created_at: datetime
    created_by: str


def add(db: Connection, subject: Subject, grant: Grant, actor: str) -> int:
    """Insert a grant; return its id. Raises IntegrityError if the subject has it."""
    number: int = db.execute(
        insert(grants)
        .values(
            {
                f"{subject.kind}_id": subject.id,
                "permission": grant.permission,
                "services": grant.services,
                "created_by": actor,
            }
        )
        .returning(grants.c.id)
    ).scalar_one()
    access_changes.notify(db)
    return number


def remove(db: Connection, grant_id: int) -> bool:
    """Remove a grant; return False if another request has done so."""
    removed = db.execute(delete(grants).where(grants.c.id == grant_id))
    access_changes.notify(db)
    return removed.rowcount > 0


def of_user(db: Connection, user_id: int) -> frozenset[Grant]:
    """Return the grants of a user and of their teams."""
    return _grants(db, _of_user(user_id))


def of_token(db: Connection, token_id: int) -> frozenset[Grant]:
    """Return a token's own grants."""
    return _grants(db, grants.c.token_id == token_id)


def find(db: Connection, grant_id: int) -> StoredGrant | None:
    """Return the grant with an id."""
    row = db.execute(_stored().where(grants.c.id == grant_id)).one_or_none()
    return None if row is None else _stored_grant(row)


def list_grants(db: Connection) -> Sequence[StoredGrant]:
    """Return all grants, sorted by services and permission."""
    return [_stored_grant(row) for row in db.execute(_stored())]


def list_of_user(db: Connection, user_id: int) -> Sequence[StoredGrant]:
    """Return the grants of a user and of their teams, sorted as `list_grants`."""
    query = _stored().where(_of_user(user_id))
    return [_stored_grant(row) for row in db.execute(query)]


def _of_user(user_id: int) -> Any:  # an SQL condition
    own_teams = select(team_members.c.team_id).where(team_members.c.user_id == user_id)
    return or_(grants.c.user_id == user_id, grants.c.team_id.in_(own_teams))


def _grants(db: Connection, condition: Any) -> frozenset[Grant]:
    # One row for each permission: the members of many teams have hundreds of grants.
    services = func.array_agg(grants.c.services).label("services")
    query = select(grants.c.permission, services).where(condition)
    found = db.execute(query.group_by(grants.c.permission))
    given = (grants_on(Permission(r.permission), tuple(r.services)) for r in found)
    return frozenset[Grant]().union(*given)


def _stored() -> Select[Any]:
    owner = users.alias("owner")
    token = func.concat_ws(" of ", tokens.c.name, owner.c.name)
    return (
        select(
            grants,
            users.c.name.label("user_name"),
            teams.c.name.label("team_name"),
            token.label("token_name"),
        )
        .outerjoin_from(grants, users, users.c.id == grants.c.user_id)
        .outerjoin(teams, teams.c.id == grants.c.team_id)
        .outerjoin(tokens, tokens.c.id == grants.c.token_id)
        .outerjoin(owner, owner.c.id == tokens.c.user_id)
        .where(tokens.c.revoked_at.is_(None))
        .order_by(grants.c.services, grants.c.permission, grants.c.id)
    )


def _stored_grant(row: Row[Any]) -> StoredGrant:
    for kind in SubjectKind:
        number = getattr(row, f"{kind}_id")
        if number is not None:
            subject = Subject(kind, number, getattr(row, f"{kind}_name"))
    grant = Grant(Permission(row.permission), row.services)
    return StoredGrant(row.id, subject, grant, row.created_at, row.created_by)
