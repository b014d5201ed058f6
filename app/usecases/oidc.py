"""Log in with an OpenID provider or a proxy: accounts, their roles, and sessions."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.domain.access import Actor, Role
from app.domain.audit import Action
from app.domain.group_rules import GroupRules
from app.domain.identity import Identity, other_names
from app.errors import Conflict, NotLoggedIn
from app.store import audit, identities, sessions, teams, users
from app.store.sessions import Origin
from app.store.store import Store
from app.usecases import passwords
from app.usecases.auth import digest, start_session

#: How long a login may take at the provider.
LOGIN_LIFETIME = timedelta(minutes=10)


def new_secret() -> str:
    """Return the secret of a login, which the browser keeps."""
    return secrets.token_urlsafe(32)


def log_in(
    store: Store,
    provider_id: str,
    provider: GroupRules,
    identity: Identity,
    lifetime: timedelta,
    origin: Origin,
    former: str | None = None,
) -> str:
    """Start a session of the identity's account; return the secret for its cookie.

    The account is that of issuer and subject, whatever the user is called; it is
    created at the first login. Its role is the one that the groups give now.

    Raises:
        NotLoggedIn: The groups give no role, or the account is disabled. Sessions that
            the account still has end.
    """
    role = provider.role_of(identity.groups)
    with store.begin() as db:
        user = identities.find(db, identity.issuer, identity.subject)
        refused = _refusal(provider, user, role)
        if refused:
            _refuse(db, user, identity, origin, provider_id)
    if refused:
        raise NotLoggedIn(refused)
    assert role is not None
    if user is None:
        _create(store, provider_id, identity, role)
    with store.begin() as db:
        user = identities.find(db, identity.issuer, identity.subject)
        if user is None or user.disabled:
            raise NotLoggedIn("this account is disabled")
        who = _provider_actor(provider_id, origin)
        _set_teams(db, provider.teams_of(identity.groups), user, who)
        if user.role is not role:
            users.set_role(db, user.id, role)
            changes = {"role": (user.role, role)}
            audit.note(db, who, Action.SET_ROLE, user.name, changes=changes)
            user = users.find(db, user.name)
            assert user is not None
        secret = start_session(
            db, user, lifetime, origin, former, provider_id, provider_id
        )
        if identity.session:
            identities.note_session(
                db, digest(secret), identity.issuer, identity.session
            )
    return secret


def log_out(
    store: Store,
    provider_id: str,
    issuer: str,
    subject: str,
    provided: str,
    origin: Origin,
) -> None:
    """End the sessions that a provider has ended."""
    with store.begin() as db:
        for name in identities.end_sessions(db, issuer, subject, provided):
            who = _provider_actor(provider_id, origin)
            audit.note(db, who, Action.END_SESSIONS, name)


def _set_teams(
    db: Connection, wanted: Mapping[str, bool], user: users.User, who: Actor
) -> None:
    """Add the user to teams, and remove them from others; create missing teams."""
    for name, member in wanted.items():
        found = teams.list_teams(db, name)
        team_id = found[0].id if found else None
        if team_id is None and member:
            team_id = teams.add(db, name)
            audit.note(db, who, Action.CREATE_TEAM, name)
        is_member = bool(found) and user.name in found[0].members
        if team_id is None or is_member == member:
            continue
        if member:
            teams.add_member(db, team_id, user.id)
            audit.note(db, who, Action.ADD_MEMBER, f"{user.name} to {name}")
        else:
            teams.remove_member(db, team_id, user.id)
            audit.note(db, who, Action.REMOVE_MEMBER, f"{user.name} from {name}")


def _refusal(provider: GroupRules, user: users.User | None, role: Role | None) -> str:
    """Return why somebody may not log in, empty if they may."""
    if user is not None and user.disabled:
        return "this account is disabled"
    if role is None:
        return (
            f"your groups at {provider.name} give you no access to FastDeploy; ask an "
            "administrator"
        )
    return ""


def _refuse(
    db: Connection,
    user: users.User | None,
    identity: Identity,
    origin: Origin,
    provider_id: str,
) -> None:
    name = identity.name if user is None else user.name
    if user is not None:
        sessions.end_all_of(db, name)
    who = Actor(name, frozenset(), address=origin.address)
    audit.note(db, who, Action.FAIL_TO_LOG_IN, provider_id)


def _create(store: Store, provider_id: str, identity: Identity, role: Role) -> None:
    """Create the account, with the first of its names that is free."""
    for name in other_names(identity.name, provider_id):
        try:
            with store.begin() as db:
                # Nobody knows the password of this hash.
                users.add(db, name, passwords.unknown_user_hash(), role)
                user = users.find(db, name)
                assert user is not None
                identities.add(db, identity.issuer, identity.subject, user.id)
                who = _provider_actor(provider_id, Origin())
                audit.note(
                    db, who, Action.CREATE_USER, name, changes={"role": (None, role)}
                )
        except IntegrityError:
            # The name is taken, or another request has created this account.
            with store.begin() as db:
                if identities.find(db, identity.issuer, identity.subject):
                    return
        else:
            return
    raise Conflict(f"there are too many users with the name {identity.name}")


def _provider_actor(provider_id: str, origin: Origin) -> Actor:
    return Actor(f"{provider_id} (provider)", frozenset(), address=origin.address)
