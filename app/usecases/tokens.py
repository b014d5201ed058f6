"""Manage tokens for the API: shared ones, and the personal ones of a user."""

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain import account_names
from app.domain.access import INCLUDED, Actor, Grant, Permission, SubjectKind
from app.domain.audit import Action
from app.domain.duration import MAX_DAYS
from app.domain.service_pattern import parse_pattern
from app.errors import Conflict, InvalidFields, NotAllowed, NotFound
from app.store import audit, grants, tokens
from app.store.grants import StoredGrant, Subject
from app.store.store import Store
from app.usecases.auth import digest, identity_of
from app.usecases.own_account import owner_of, user_of

#: Identifies a leaked token, for people and for secret scanners.
TOKEN_PREFIX = "fd_"  # noqa: S105 - not a secret, the beginning of each


@dataclass(frozen=True, slots=True)
class TokenDetails:
    """A token with the grants of its own."""

    token: tokens.Token
    grants: Sequence[StoredGrant]


def create_token(
    store: Store,
    actor: Actor,
    name: str,
    scopes: Iterable[Permission],
    days: int | None = None,
) -> str:
    """Create a token that belongs to nobody; return its secret, which is not stored.

    It expires after this number of days, or never. Raises NotAllowed, InvalidFields,
    and Conflict if a token with this name isn't revoked.
    """
    actor.require(Permission.ADMIN)
    return _create(store, actor, name, scopes, days, None)


def create_limited_token(
    store: Store,
    actor: Actor,
    name: str,
    limits: Iterable[Grant],
    days: int | None = None,
) -> str:
    """Create a token for a machine with these grants; return its secret.

    Raises NotAllowed, InvalidFields, and Conflict as `create_token`.
    """
    actor.require(Permission.ADMIN)
    wanted = frozenset(Grant(g.permission, parse_pattern(g.services)) for g in limits)
    if not wanted or not all(grant.permission in INCLUDED for grant in wanted):
        raise InvalidFields({"scope": f"choose from {', '.join(INCLUDED)}"})
    return _create(store, actor, name, INCLUDED, days, None, wanted)


def create_own_token(
    store: Store,
    actor: Actor,
    name: str,
    scopes: Iterable[Permission],
    days: int | None = None,
) -> str:
    """Create a personal token of the actor; return its secret, which is not stored.

    Raises NotAllowed if the actor isn't a user who has logged in, or if a scope exceeds
    the user's permissions, InvalidFields, and Conflict if the user has a token with
    this name.
    """
    if actor.user_id is None:
        # Otherwise, somebody with a leaked token could keep their access.
        raise NotAllowed("a token can't create tokens; log in to create one")
    user_id, scopes = actor.user_id, set(scopes)
    if not scopes:
        raise InvalidFields({"scopes": "choose at least one scope"})
    for scope in scopes:
        actor.require(scope)
    return _create(store, actor, name, scopes, days, user_id)


def list_tokens(store: Store, actor: Actor) -> list[tokens.Token]:
    """Return the tokens that are not revoked. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return tokens.list_tokens(db)


def list_details(store: Store, actor: Actor) -> list[TokenDetails]:
    """Return the tokens that are not revoked, with their grants. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return _details(db, tokens.list_tokens(db))


def list_details_of_owner(store: Store, actor: Actor) -> list[TokenDetails]:
    """Return the personal tokens of a user, also to one of them; none to others."""
    with store.begin() as db:
        owner = owner_of(db, actor)
        return [] if owner is None else _details(db, tokens.list_of(db, owner))


def find_details(store: Store, actor: Actor, token_id: int) -> TokenDetails:
    """Return a token with its grants; who may see it and what it raises: find_token."""
    token = find_token(store, actor, token_id)
    with store.begin() as db:
        (found,) = _details(db, [token])
    return found


def list_own_tokens(store: Store, actor: Actor) -> list[tokens.Token]:
    """Return the actor's personal tokens. Raises NotFound if it isn't a user."""
    user_id = user_of(actor)
    with store.begin() as db:
        return tokens.list_of(db, user_id)


def find_token(store: Store, actor: Actor, token_id: int) -> tokens.Token:
    """Return a token that isn't revoked, for its owner, itself or an admin.

    Raises NotFound also for the tokens of others.
    """
    with store.begin() as db:
        found = tokens.find(db, token_id)
    own = found is not None and (
        actor.identity == identity_of(token_id)
        or (found.owner is not None and found.owner.id == actor.user_id)
    )
    if found is None or not (own or actor.may(Permission.ADMIN)):
        raise NotFound(f"token {token_id} not found; it may have been revoked")
    return found


def revoke_token(store: Store, actor: Actor, name: str) -> None:
    """Revoke a token that belongs to nobody. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        token = tokens.find_shared(db, name)
    if token is None:
        raise NotFound(f"there is no token {name!r}")
    revoke_token_by_id(store, actor, token.id)


def revoke_token_by_id(store: Store, actor: Actor, token_id: int) -> tokens.Token:
    """Revoke a token and return it; who may, and what it raises: find_token."""
    token = find_token(store, actor, token_id)
    with store.begin() as db:
        if not tokens.revoke(db, token_id):
            raise NotFound(f"token {token_id} not found; it may have been revoked")
        audit.note(db, actor, Action.REVOKE_TOKEN, _subject(token))
    return token


def _create(
    store: Store,
    actor: Actor,
    name: str,
    scopes: Iterable[Permission],
    days: int | None,
    user_id: int | None,
    limits: frozenset[Grant] = frozenset(),
) -> str:
    if not account_names.is_token_name(name):
        problem = (
            "a token's name has 1 to 64 letters, digits or . @ + - _, not just . or .."
        )
        raise InvalidFields({"name": problem})
    if days is not None and not 1 <= days <= MAX_DAYS:
        problem = f"a token expires after 1 to {MAX_DAYS} days, or never"
        raise InvalidFields({"days": problem})
    secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    subject = name if user_id is None else f"{name} of {actor.name}"
    try:
        with store.begin() as db:
            wanted = sorted(set(scopes))
            number = tokens.add(
                db, name, digest(secret), wanted, expires_at, user_id,
                limited=bool(limits),
            )  # fmt: skip
            token = Subject(SubjectKind.TOKEN, number, subject)
            for grant in sorted(limits, key=str):
                grants.add(db, token, grant, actor.name)
            changes = {
                "permissions": (None, wanted),
                "grants": (None, sorted(map(str, limits))),
                "expires_at": (None, expires_at and expires_at.isoformat()),
            }
            audit.note(db, actor, Action.CREATE_TOKEN, subject, changes=changes)
    except IntegrityError:
        raise Conflict(f"there is a token {name} already; revoke it first") from None
    return secret


def _details(db: Connection, found: Sequence[tokens.Token]) -> list[TokenDetails]:
    stored = grants.list_grants(db) if any(token.limited for token in found) else ()
    return [
        TokenDetails(token, [g for g in stored if g.subject.kind is SubjectKind.TOKEN
                             and g.subject.id == token.id])
        for token in found
    ]  # fmt: skip


def _subject(token: tokens.Token) -> str:
    return token.name if token.owner is None else f"{token.name} of {token.owner.name}"
