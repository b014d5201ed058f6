"""What users see and change themselves: their access, password, sessions, display."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import Actor, Grant, Permission, Role
from app.domain.audit import Action
from app.domain.display import Display
from app.errors import InvalidFields, NotFound
from app.store import audit, sessions, tokens, users
from app.store.sessions import SessionEntry
from app.store.store import Store
from app.usecases import passwords
from app.usecases.auth import digest, require_password


@dataclass(frozen=True, slots=True)
class Account:
    """Who makes a request, and what they may do."""

    actor: Actor
    #: The user, also of a personal token; None for other tokens.
    user: users.Member | None
    #: The token that authenticated the request.
    token_id: int | None

    @property
    def permissions(self) -> list[Permission]:
        """What the actor may do on some service at least."""
        return [one for one in Permission if self.actor.may(one)]

    @property
    def limits(self) -> Sequence[Sequence[Grant]]:
        """Sorted lists of grants, each of which must give a permission on a service."""
        layers = self.actor.access.layers
        return [sorted(layer, key=lambda one: (one.services, one.permission))
                for layer in layers]  # fmt: skip

    @property
    def role(self) -> Role | None:
        """The role of the user."""
        return self.user.role if self.user else None


def describe(store: Store, actor: Actor) -> Account:
    """Return who an actor is, and what they may do."""
    with store.begin() as db:
        owner = owner_of(db, actor)
        user = users.find_member(db, owner) if owner is not None else None
    return Account(actor, user, actor.token_id)


def owner_of(db: Connection, actor: Actor) -> int | None:
    """Return the id of a user, also for a personal token; None for other actors."""
    token_id = actor.token_id
    token = None if token_id is None else tokens.find(db, token_id)
    return token.owner.id if token and token.owner else actor.user_id


def user_of(actor: Actor) -> int:
    """Return the id of the user; raises NotFound for a token and the command line."""
    if actor.user_id is None:
        raise NotFound("only a user who has logged in has an account page")
    return actor.user_id


def list_sessions(store: Store, actor: Actor, secret: str) -> list[SessionEntry]:
    """Return the actor's valid sessions and mark one of them. Raises NotFound."""
    user_id = user_of(actor)
    with store.begin() as db:
        return sessions.list_of(db, user_id, digest(secret))


def change_password(
    store: Store, actor: Actor, current: str, new: str, secret: str
) -> None:
    """Change the actor's password and end their other sessions.

    Args:
        store: The store.
        actor: The user.
        current: The present password.
        new: The new password.
        secret: The secret of the session that continues.

    Raises:
        InvalidFields: A password is wrong or invalid.
        NotFound: The actor isn't a user.
        TooManyAttempts: Too many passwords were wrong; this one was not checked.
    """
    user_id = user_of(actor)
    problems = passwords.problems(new)
    if problems:
        raise InvalidFields(problems)
    require_password(store, actor, current)
    newer = passwords.make_hash(new)
    with store.begin() as db:
        users.rehash(db, user_id, newer)
        sessions.end_others_of(db, user_id, digest(secret))
        audit.note(db, actor, Action.SET_PASSWORD, actor.name)


def end_session(store: Store, actor: Actor, session_id: int) -> None:
    """End one session of the actor. Raises NotFound."""
    user_id = user_of(actor)
    with store.begin() as db:
        if not sessions.end_one_of(db, user_id, session_id):
            raise NotFound(f"session {session_id} not found; it may have ended")
        audit.note(db, actor, Action.END_SESSIONS, actor.name)


def end_other_sessions(store: Store, actor: Actor, secret: str) -> int:
    """End the actor's sessions except the one with a secret; return their number.

    Raises NotFound.
    """
    user_id = user_of(actor)
    with store.begin() as db:
        audit.note(db, actor, Action.END_SESSIONS, actor.name)
        return sessions.end_others_of(db, user_id, digest(secret))


def set_display(store: Store, actor: Actor, display: Display) -> None:
    """Store how pages look for the actor. Raises NotFound."""
    user_id = user_of(actor)
    with store.begin() as db:
        users.set_display(db, user_id, display)
