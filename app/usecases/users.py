"""Users, as those who administer FastDeploy see and change them."""

from sqlalchemy import Connection

from app.domain.access import Actor, Permission, Role
from app.domain.audit import Action
from app.errors import Conflict, NotFound
from app.store import access, audit
from app.store.access import Member
from app.store.store import Store


def list_users(store: Store, actor: Actor) -> list[Member]:
    """Every user, by name. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return access.list_members(db)


def find_user(store: Store, actor: Actor, user_id: int) -> Member:
    """The user of that number. Raises NotAllowed, NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return _found(access.find_member(db, user_id), user_id)


def set_role(store: Store, actor: Actor, user_id: int, role: Role) -> None:
    """Give a user another role, at once. NotAllowed, NotFound, Conflict."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = _found(access.lock_member(db, user_id), user_id)
        if role is not Role.ADMIN:
            _require_other_admin(db, user)
        access.set_role(db, user_id, role)
        audit.note(db, actor, Action.SET_ROLE, f"{user.name}: {role}")


def disable(store: Store, actor: Actor, user_id: int) -> None:
    """Shut a user out and end their sessions. NotAllowed, NotFound, Conflict."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = _found(access.lock_member(db, user_id), user_id)
        _require_other_admin(db, user)
        access.set_disabled(db, user_id, disabled=True)
        audit.note(db, actor, Action.DISABLE_USER, user.name)


def enable(store: Store, actor: Actor, user_id: int) -> None:
    """Let a user log in again. Raises NotAllowed, NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        user = _found(access.lock_member(db, user_id), user_id)
        access.set_disabled(db, user_id, disabled=False)
        audit.note(db, actor, Action.ENABLE_USER, user.name)


def _require_other_admin(db: Connection, user: Member) -> None:
    """Raise Conflict if nobody would be left who can administer FastDeploy."""
    administers = user.role is Role.ADMIN and user.disabled_at is None
    if administers and not access.other_admin(db, user.id):
        raise Conflict(
            f"{user.name} is the last admin who can log in; make another one first"
        )


def _found(user: Member | None, user_id: int) -> Member:
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    return user
