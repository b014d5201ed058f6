"""Give and take away grants, and say what a user may do."""

from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain.access import INCLUDED, Actor, Grant, Permission, SubjectKind
from app.domain.audit import Action
from app.domain.service_pattern import parse_pattern
from app.errors import Conflict, Invalid, InvalidFields, NotFound
from app.store import audit, grants, teams, tokens, users
from app.store.grants import StoredGrant, Subject
from app.store.store import Store


def add(
    store: Store, actor: Actor, kind: SubjectKind, name: str, grant: Grant
) -> StoredGrant:
    """Give a user, a team or a limited shared token a permission on services.

    Raises NotAllowed, NotFound, InvalidFields, and Conflict if the subject has it.
    """
    actor.require(Permission.ADMIN)
    if grant.permission not in INCLUDED:
        known = ", ".join(INCLUDED)
        raise InvalidFields({"permission": f"choose one of {known}"})
    wanted = Grant(grant.permission, parse_pattern(grant.services))
    try:
        with store.begin() as db:
            subject = _subject(db, kind, name)
            number = grants.add(db, subject, wanted, actor.name)
            audit.note(db, actor, Action.ADD_GRANT, describe(subject, wanted))
            found = grants.find(db, number)
    except IntegrityError:
        raise Conflict(f"{kind} {name} has this grant already") from None
    assert found is not None
    return found


def remove(store: Store, actor: Actor, grant_id: int) -> StoredGrant:
    """Remove a grant and return it. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = grants.find(db, grant_id) if grant_id < 2**63 else None
        if found is None or not grants.remove(db, grant_id):
            raise NotFound(f"there is no grant {grant_id}")
        subject = describe(found.subject, found.grant)
        audit.note(db, actor, Action.REMOVE_GRANT, subject)
        return found


def list_grants(store: Store, actor: Actor) -> Sequence[StoredGrant]:
    """Return all grants. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return grants.list_grants(db)


def list_of_user(store: Store, actor: Actor, user_id: int) -> Sequence[StoredGrant]:
    """Return the grants of a user and of their teams. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return grants.list_of_user(db, user_id)


def describe(subject: Subject, grant: Grant) -> str:
    """Return a grant for people: `team shop: deploy on shop/*@staging`."""
    return f"{subject.kind} {subject.name}: {grant.permission} on {grant.services}"


def _subject(db: Connection, kind: SubjectKind, name: str) -> Subject:
    number: int | None = None
    if "\0" in name:
        raise NotFound(f"there is no {kind} with this name")
    if kind is SubjectKind.USER:
        user = users.find(db, name)
        number = user.id if user else None
    elif kind is SubjectKind.TEAM:
        number = next((team.id for team in teams.list_teams(db, name)), None)
    else:
        token = tokens.find_shared(db, name)
        if token is not None and not token.limited:
            raise Invalid(
                f"token {name} is for all services; create a token with grants instead"
            )
        number = token.id if token else None
    if number is None:
        raise NotFound(f"there is no {kind} {name!r}")
    return Subject(kind, number, name)
