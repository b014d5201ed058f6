"""Manage teams of users."""

from collections.abc import Sequence

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain import account_names
from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.errors import Conflict, InvalidFields, NotFound
from app.store import audit, teams, users
from app.store.store import Store
from app.store.teams import Team


def list_teams(store: Store, actor: Actor) -> Sequence[Team]:
    """Return all teams, sorted by name. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return teams.list_teams(db)


def find(store: Store, actor: Actor, name: str) -> Team:
    """Return the team with a name. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return _found(db, name)


def create(store: Store, actor: Actor, name: str) -> None:
    """Create a team. Raises NotAllowed, InvalidFields, and Conflict if it exists."""
    actor.require(Permission.ADMIN)
    if not account_names.is_name(name):
        problem = (
            "a team's name has 1 to 64 letters, digits or . @ + - _, not just . or .."
        )
        raise InvalidFields({"name": problem})
    try:
        with store.begin() as db:
            teams.add(db, name)
            audit.note(db, actor, Action.CREATE_TEAM, name)
    except IntegrityError:
        raise Conflict(f"there is a team {name} already") from None


def remove(store: Store, actor: Actor, name: str) -> None:
    """Remove a team with its grants. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        teams.remove(db, _found(db, name).id)
        audit.note(db, actor, Action.REMOVE_TEAM, name)


def add_member(store: Store, actor: Actor, name: str, user: str) -> None:
    """Add a user to a team.

    Raises NotAllowed, NotFound, and Conflict if they are in it.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        team = _found(db, name)
        if not teams.add_member(db, team.id, _user(db, user)):
            raise Conflict(f"{user} is in team {name} already")
        audit.note(db, actor, Action.ADD_MEMBER, f"{user} to {name}")


def remove_member(store: Store, actor: Actor, name: str, user: str) -> None:
    """Remove a user from a team. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        team = _found(db, name)
        if not teams.remove_member(db, team.id, _user(db, user)):
            raise NotFound(f"{user} is not in team {name}")
        audit.note(db, actor, Action.REMOVE_MEMBER, f"{user} from {name}")


def _found(db: Connection, name: str) -> Team:
    for team in () if "\0" in name else teams.list_teams(db, name):
        return team
    raise NotFound(f"there is no team {name!r}")


def _user(db: Connection, name: str) -> int:
    user = None if "\0" in name else users.find(db, name)
    if user is None:
        raise NotFound(f"there is no user {name!r}")
    return user.id
