"""Manage users: create, change, disable and list them."""

import getpass
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain import account_names
from app.domain.access import Actor, Permission, Role, on_host
from app.domain.audit import Action
from app.errors import Conflict, InvalidFields, NotFound
from app.store import audit, grants, sessions, teams, totp_secrets, users
from app.store.grants import StoredGrant
from app.store.store import Store
from app.store.users import Member
from app.usecases import passwords


@dataclass(frozen=True, slots=True)
class UserDetails:
    """A user with what gives them permissions besides their role."""

    member: Member
    #: The names of their teams.
    teams: Sequence[str]
    #: Their own grants, and those of their teams.
    grants: Sequence[StoredGrant]
    #: Whether they have set up a second factor in FastDeploy.
    second_factor: bool


def create_user(
    store: Store, actor: Actor, name: str, password: str, role: Role
) -> None:
    """Create a user.

    Raises NotAllowed, InvalidFields, and Conflict if the name is taken.
    """
    actor.require(Permission.ADMIN)
    problems = passwords.problems(password)
    if not account_names.is_name(name):
        problems["name"] = (
            "a user's name has 1 to 64 letters, digits or . @ + - _, not just . or .."
        )
    if problems:
        raise InvalidFields(problems)
    hashed = passwords.make_hash(password)
    try:
        with store.begin() as db:
            users.add(db, name, hashed, role)
            changes = {"role": (None, role)}
            audit.note(db, actor, Action.CREATE_USER, name, changes=changes)
    except IntegrityError:
        raise Conflict(f"there is a user {name} already") from None


def set_password(store: Store, actor: Actor, name: str, password: str) -> None:
    """Set a user's password and end their sessions.

    Raises NotAllowed, InvalidFields and NotFound.
    """
    actor.require(Permission.ADMIN)
    problems = passwords.problems(password)
    if problems:
        raise InvalidFields(problems)
    hashed = passwords.make_hash(password)
    with store.begin() as db:
        if not users.set_password(db, name, hashed):
            raise NotFound(f"there is no user {name!r}")
        audit.note(db, actor, Action.SET_PASSWORD, name)


def create_first_admin(store: Store) -> tuple[str, str] | None:
    """Create `admin` if there is no user; return its name and password, else None."""
    with store.begin() as db:
        if users.any_user(db):
            return None
    password = secrets.token_urlsafe(15)
    create_user(store, on_host(getpass.getuser()), "admin", password, Role.ADMIN)
    return "admin", password


def list_users(store: Store, actor: Actor) -> list[Member]:
    """Return all users, sorted by name. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return users.list_members(db)


def find_user(store: Store, actor: Actor, user_id: int) -> Member:
    """Return the user with this id. Raises NotAllowed, NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return _require_found(users.find_member(db, user_id), user_id)


def find_by_name(store: Store, actor: Actor, name: str) -> UserDetails:
    """Return the user with this name. Raises NotAllowed, NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = None if "\0" in name else users.find(db, name)
        member = users.find_member(db, user.id) if user else None
        if member is None:
            raise NotFound(f"there is no user {name!r}")
        return UserDetails(
            member,
            [team.name for team in teams.list_teams(db) if name in team.members],
            grants.list_of_user(db, member.id),
            totp_secrets.is_confirmed(db, member.id),
        )


def set_role(store: Store, actor: Actor, user_id: int, role: Role) -> None:
    """Change a user's role, also in existing sessions.

    Raises NotAllowed, NotFound, and Conflict if no enabled admin would remain.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = _require_found(users.lock_member(db, user_id), user_id)
        if role is not Role.ADMIN:
            _require_other_admin(db, user)
        users.set_role(db, user_id, role)
        changes = {"role": (user.role, role)}
        audit.note(db, actor, Action.SET_ROLE, user.name, changes=changes)


def disable(store: Store, actor: Actor, user_id: int) -> None:
    """Disable a user and end their sessions.

    Raises NotAllowed, NotFound, and Conflict if no enabled admin would remain.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = _require_found(users.lock_member(db, user_id), user_id)
        _require_other_admin(db, user)
        users.set_disabled(db, user_id, disabled=True)
        audit.note(db, actor, Action.DISABLE_USER, user.name)


def enable(store: Store, actor: Actor, user_id: int) -> None:
    """Enable a disabled user. Raises NotAllowed, NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = _require_found(users.lock_member(db, user_id), user_id)
        users.set_disabled(db, user_id, disabled=False)
        audit.note(db, actor, Action.ENABLE_USER, user.name)


def end_sessions(store: Store, actor: Actor, user_name: str) -> int:
    """End all sessions of a user; return their number. Raises NotAllowed, NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        if users.find(db, user_name) is None:
            raise NotFound(f"there is no user {user_name!r}")
        audit.note(db, actor, Action.END_SESSIONS, user_name)
        return sessions.end_all_of(db, user_name)


def _require_other_admin(db: Connection, user: Member) -> None:
    """Raise Conflict if this user is the only enabled admin."""
    administers = user.role is Role.ADMIN and user.disabled_at is None
    if administers and not users.other_admin(db, user.id):
        raise Conflict(
            f"{user.name} is the last admin who can log in; make another one first"
        )


def _require_found(user: Member | None, user_id: int) -> Member:
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    return user
