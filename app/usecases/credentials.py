"""Add, list and remove credentials; their values are written and never read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.audit import Action, Changes
from app.domain.credential import (
    Credential,
    Home,
    ValidValue,
    check,
    require_command,
    require_reference,
)
from app.encryption import SecretBox
from app.errors import Conflict, InvalidFields, NotFound
from app.runner.credential_kinds import GIT_KINDS, Kind
from app.store import audit, credentials, projects, services
from app.store.credentials import NewCredential
from app.store.store import Store

_MAX_DESCRIPTION = 500


@dataclass(frozen=True, slots=True)
class CredentialView:
    """A credential without its value, and what needs it."""

    credential: Credential
    #: The services that declare it.
    used_by: tuple[str, ...]
    #: The projects that are fetched with it.
    projects: tuple[str, ...]

    @property
    def needed_by(self) -> list[str]:
        """The services and the projects that need it, as sentences name them."""
        return [*self.used_by, *(f"project {name}" for name in self.projects)]


@dataclass(frozen=True, slots=True)
class Change:
    """What to store of a credential: a home, and the fields that belong to it."""

    home: Home = Home.STORED
    values: Mapping[str, str] | None = None
    command: tuple[str, ...] = ()
    description: str = ""


def list_all(store: Store, actor: Actor) -> list[CredentialView]:
    """Return the credentials with where they are used. Raises NotAllowed."""
    actor.require(Permission.CREDENTIALS)
    with store.begin() as db:
        views = _views(db)
        return [views(each) for each in credentials.list_all(db)]


def declared_only(store: Store, actor: Actor) -> dict[str, tuple[str, ...]]:
    """Return the services and projects that need one that FastDeploy doesn't know."""
    actor.require(Permission.CREDENTIALS)
    with store.begin() as db:
        used = services.names_by_credential(db)
        for reference, of in projects.names_by_credential(db).items():
            used[reference] = [f"project {name}" for name in of]
        known = {each.reference for each in credentials.list_all(db)}
        return {name: tuple(of) for name, of in used.items() if name not in known}


def find(store: Store, actor: Actor, reference: str) -> CredentialView:
    """Return one credential. Raises NotAllowed, NotFound and InvalidFields."""
    actor.require(Permission.CREDENTIALS)
    require_reference(reference)
    with store.begin() as db:
        found = credentials.find_some(db, [reference]).get(reference)
        if found is None:
            raise NotFound(f"there is no credential {reference}")
        return _views(db)(found.credential)


def _views(db: Connection) -> Callable[[Credential], CredentialView]:
    """Return a function that adds to a credential what needs it."""
    used, fetched = services.names_by_credential(db), projects.names_by_credential(db)
    return lambda one: CredentialView(
        one,
        tuple(used.get(one.reference, ())),
        tuple(fetched.get(one.reference, ())),
    )


def put(
    store: Store,
    secret_box: SecretBox,
    actor: Actor,
    reference: str,
    change: Change,
    *,
    replace: bool,
) -> Credential:
    """Add or replace a credential; return it without its value.

    Raises NotAllowed, InvalidFields whose sentences contain no value, and Conflict if
    it exists and isn't to be replaced.
    """
    actor.require(Permission.CREDENTIALS)
    kind, name = require_reference(reference)
    checked = _checked(kind, change)
    sealed, key_id = secret_box.seal_with_id(checked.values)
    new = NewCredential(
        kind=kind,
        name=name,
        home=change.home,
        sealed=sealed,
        key_id=key_id,
        command=change.command,
        public_key=checked.public.text if checked.public else "",
        fingerprint=checked.public.fingerprint if checked.public else "",
        description=change.description.strip(),
    )
    with store.begin() as db:
        found = credentials.find_some(db, [reference])
        if not credentials.put(db, new, actor.name, replace=replace):
            raise Conflict(
                f"there is a credential {reference} already: replace it, or choose "
                "another name"
            )
        stored = credentials.find_some(db, [reference])[reference].credential
        action = Action.REPLACE_CREDENTIAL if found else Action.ADD_CREDENTIAL
        before = found[reference].credential if found else None
        audit.note(db, actor, action, reference, changes=_changes(before, stored))
        return stored


def _changes(before: Credential | None, after: Credential) -> Changes:
    """Return what was changed, without the value."""
    return {
        name: (getattr(before, name, None), getattr(after, name))
        for name in ("home", "description", "fingerprint")
    }


def remove(store: Store, actor: Actor, reference: str, *, force: bool) -> None:
    """Remove a credential.

    Raises NotAllowed, NotFound, InvalidFields, and Conflict if a service or a
    project needs it, unless forced.
    """
    actor.require(Permission.CREDENTIALS)
    kind, name = require_reference(reference)
    with store.begin() as db:
        used = services.names_by_credential(db).get(reference, [])
        fetched = projects.names_by_credential(db).get(reference, [])
        if fetched and not force:
            raise Conflict(
                f"{', '.join(fetched[:5])}{' …' if fetched[5:] else ''} can't be "
                f"fetched without the credential {reference}: remove it from "
                "project.json there first, or force the removal"
            )
        if used and not force:
            raise Conflict(
                f"{', '.join(used[:5])}{' …' if used[5:] else ''} can't be launched "
                f"without the credential {reference}: remove it from `credentials` "
                "there first, or force the removal"
            )
        if not credentials.remove(db, kind, name):
            raise NotFound(f"there is no credential {reference}")
        audit.note(db, actor, Action.REMOVE_CREDENTIAL, reference)


def _checked(kind: Kind, change: Change) -> ValidValue:
    if len(change.description) > _MAX_DESCRIPTION or "\0" in change.description:
        raise InvalidFields(
            {"description": f"has at most {_MAX_DESCRIPTION} characters, without NUL"}
        )
    if change.home is Home.COMMAND:
        require_command(change.command)
    elif change.home is Home.ASK and kind in GIT_KINDS:
        raise InvalidFields(
            {"home": "can't be ask: a sync fetches without anybody to ask"}
        )
    elif change.command:
        raise InvalidFields({"command": "goes with the home command"})
    return check(kind, change.values or {}, change.home)
