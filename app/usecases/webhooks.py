"""Create, list, rotate, pause and remove webhooks; their secrets are shown once."""

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.credential import require_reference
from app.domain.repository_url import WITH_STATUS
from app.domain.service_name import PART
from app.domain.webhook import NAME, Provider, new_secret
from app.encryption import SecretBox
from app.errors import Conflict, InvalidFields, NotFound
from app.runner import project_source
from app.runner.credential_kinds import Kind
from app.runner.errors import RunnerError
from app.settings import Settings
from app.store import audit, projects, sealed_columns, webhooks
from app.store.store import Store
from app.store.webhooks import NewWebhook, Webhook

_SECRETS = "secrets"
#: The token is in each request, so it must be encrypted unless it stays on this host.
_API = r"(https://[^/\s@?#]+|http://(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?)(/[^\s?#]*)?"
_MAX_API = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """A webhook to create."""

    name: str
    provider: str
    project: str
    status_credential: str = ""
    api_url: str = ""


def list_all(store: Store, actor: Actor) -> list[Webhook]:
    """Return the webhooks, sorted by name. Raises NotAllowed."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return webhooks.list_all(db)


def find(store: Store, actor: Actor, webhook_id: int) -> Webhook:
    """Return the webhook with an id. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        return _found(webhooks.find(db, webhook_id), str(webhook_id))


def find_named(store: Store, actor: Actor, name: str) -> Webhook:
    """Return the webhook with a name. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = webhooks.find_named(db, name)
        return _found(found.webhook if found else None, name)


def create(
    store: Store,
    settings: Settings,
    secret_box: SecretBox,
    actor: Actor,
    wanted: Wanted,
) -> tuple[int, str]:
    """Create a webhook; return its id, and its secret, which can't be read again.

    Raises NotAllowed, InvalidFields by the fields of Wanted, and Conflict if there is a
    webhook with this name.
    """
    actor.require(Permission.ADMIN)
    if wanted.status_credential:
        # The token is sent to the API URL.
        actor.require(Permission.CREDENTIALS)
    provider = _checked(store, settings, wanted)
    secret = new_secret(secrets.token_bytes(32))
    sealed, key_id = secret_box.seal_with_id({_SECRETS: [secret]})
    assert sealed is not None
    with store.begin() as db:
        number = webhooks.add(
            db,
            NewWebhook(
                name=wanted.name,
                provider=provider,
                project=wanted.project,
                sealed=sealed,
                key_id=key_id,
                status_credential=wanted.status_credential,
                api_url=wanted.api_url.rstrip("/"),
                created_by=actor.name,
            ),
        )
        if number is None:
            raise Conflict(
                f"there is a webhook {wanted.name} already: choose another name"
            )
        changes = {
            "provider": (None, provider),
            "project": (None, wanted.project),
            "status_credential": (None, wanted.status_credential),
        }
        audit.note(db, actor, Action.CREATE_WEBHOOK, wanted.name, changes=changes)
        return number, secret


def secrets_of(secret_box: SecretBox, sealed: bytes) -> list[str]:
    """Return the valid secrets, the newest first. Raises BadSetting."""
    found: list[str] = secret_box.open(sealed)[_SECRETS]
    return found


def rotate(store: Store, secret_box: SecretBox, actor: Actor, webhook_id: int) -> str:
    """Return a new secret; the present one stays valid until `finish_rotation`.

    Raises NotAllowed, NotFound, BadSetting, and Conflict if two are valid already.
    """
    actor.require(Permission.ADMIN)
    secret = new_secret(secrets.token_bytes(32))
    with store.begin() as db:
        found = _found(webhooks.find(db, webhook_id, lock=True), str(webhook_id))
        if found.rotated_at is not None:
            raise Conflict(
                f"{found.name} has two valid secrets: end the rotation first, which "
                "makes the earlier one invalid"
            )
        _seal(db, secret_box, webhook_id, lambda present: [secret, *present])
        webhooks.set_rotating(db, webhook_id, rotating=True)
        audit.note(db, actor, Action.ROTATE_WEBHOOK, found.name)
    return secret


def finish_rotation(
    store: Store, secret_box: SecretBox, actor: Actor, webhook_id: int
) -> None:
    """Make the earlier secret invalid.

    Raises NotAllowed, NotFound, BadSetting, and Conflict if only one is valid.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = _found(webhooks.find(db, webhook_id, lock=True), str(webhook_id))
        if found.rotated_at is None:
            raise Conflict(f"{found.name} has one valid secret: nothing is to end")
        _seal(db, secret_box, webhook_id, lambda present: present[:1])
        webhooks.set_rotating(db, webhook_id, rotating=False)
        audit.note(db, actor, Action.FINISH_WEBHOOK, found.name)


def pause(store: Store, actor: Actor, webhook_id: int) -> None:
    """Launch nothing until the webhook is resumed. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = _found(webhooks.find(db, webhook_id, lock=True), str(webhook_id))
        webhooks.pause(db, webhook_id, actor.name)
        audit.note(db, actor, Action.PAUSE_WEBHOOK, found.name)


def resume(store: Store, actor: Actor, webhook_id: int) -> None:
    """End the pause of a webhook. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = _found(webhooks.find(db, webhook_id, lock=True), str(webhook_id))
        webhooks.resume(db, webhook_id)
        audit.note(db, actor, Action.RESUME_WEBHOOK, found.name)


def remove(store: Store, actor: Actor, webhook_id: int) -> str:
    """Remove a webhook with its deliveries; return its name.

    Its deployments are kept. Raises NotAllowed and NotFound.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = _found(webhooks.find(db, webhook_id, lock=True), str(webhook_id))
        webhooks.remove(db, webhook_id)
        audit.note(db, actor, Action.REMOVE_WEBHOOK, found.name)
        return found.name


def _seal(
    db: Connection,
    secret_box: SecretBox,
    webhook_id: int,
    change: Callable[[list[str]], list[str]],
) -> None:
    present = sealed_columns.WEBHOOKS.lock(db, webhook_id)
    assert present is not None
    kept = change(secrets_of(secret_box, present))
    sealed, key_id = secret_box.seal_with_id({_SECRETS: kept})
    assert sealed is not None
    sealed_columns.WEBHOOKS.put(db, webhook_id, sealed, key_id)


def _checked(store: Store, settings: Settings, wanted: Wanted) -> Provider:
    problems: dict[str, str] = {}
    if not re.fullmatch(NAME, wanted.name):
        problems["name"] = (
            "must be 1 to 64 lower case letters, digits, - and _, as in a URL"
        )
    if wanted.provider not in set(Provider):
        problems["provider"] = f"must be one of {', '.join(Provider)}"
    if problem := _problem_of_project(store, settings, wanted.project):
        problems["project"] = problem
    if problem := _problem_of_status(wanted):
        problems["status_credential"] = problem
    if wanted.api_url and not (
        re.fullmatch(_API, wanted.api_url) and len(wanted.api_url) <= _MAX_API
    ):
        problems["api_url"] = (
            "must be an https:// URL, such as https://git.example.org/api/v3"
        )
    if problems:
        raise InvalidFields(problems)
    return Provider(wanted.provider)


def _problem_of_status(wanted: Wanted) -> str:
    if not wanted.status_credential:
        return "is required with an API URL" if wanted.api_url else ""
    try:
        kind, _ = require_reference(wanted.status_credential)
    except InvalidFields as error:
        return error.problems["reference"]
    if kind is not Kind.GIT_TOKEN:
        return "must be a git-token, such as git-token:infra"
    if wanted.provider not in WITH_STATUS:
        return f"goes with {', '.join(sorted(WITH_STATUS))}: leave it empty"
    return ""


def _problem_of_project(store: Store, settings: Settings, name: str) -> str:
    missing = f"there is no project {name!r}: add it first"
    folder = settings.services / name
    if not re.fullmatch(PART, name):
        return missing
    if not project_source.is_project(folder):
        # Another node may have it.
        with store.begin() as db:
            return "" if name in projects.names(db) else missing
    try:
        source = project_source.read(folder)
    except RunnerError as error:
        return str(error)
    return "" if source.git else f"{name} is a folder, not a git repository"


def _found(webhook: Webhook | None, name: str) -> Webhook:
    if webhook is None:
        raise NotFound(f"there is no webhook {name!r}")
    return webhook
