"""Accept, list and remove the host keys that runs trust."""

from sqlalchemy import Connection

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.deployment import Deployment
from app.domain.service_name import split
from app.errors import Conflict, Invalid, NotFound
from app.runner import known_hosts
from app.runner.known_hosts import HostKey
from app.store import audit, deployments, host_keys, services
from app.store.host_keys import AcceptedKey, RefusedKey
from app.store.store import Store

#: Maximum number of keys that are added at once, and that a scope has.
MAX_ADDED, MAX_KEYS = 1000, 10_000


def scope_of(service_name: str) -> str:
    """Return whose keys a service's runs trust: its project, or the service itself."""
    parts = split(service_name)
    return parts.folder if parts else service_name


def list_keys(store: Store, scope: str | None = None) -> list[AcceptedKey]:
    """Return the accepted keys of a project or service, or of all."""
    with store.begin() as db:
        return host_keys.list_keys(db, scope)


def known_hosts_of(store: Store, service_name: str) -> str:
    """Return the keys that the runs of a service trust, as known_hosts lines."""
    listed = list_keys(store, scope_of(service_name))
    return "".join(f"{each.key.line}\n" for each in listed)


def add(store: Store, actor: Actor, scope: str, lines: str) -> list[HostKey]:
    """Accept the keys in known_hosts lines; each replaces that of its host and type.

    Args:
        store: The store.
        actor: The actor.
        scope: A project, or a service outside of projects.
        lines: The lines.

    Raises:
        NotAllowed: The actor isn't an administrator.
        NotFound: There is no such project or service.
        Invalid: A line is invalid, or there is none or too many.
    """
    actor.require(Permission.ADMIN)
    try:
        keys = known_hosts.parse(lines)
    except ValueError as error:
        raise Invalid(f"known_hosts {error}") from None
    if not 0 < len(keys) <= MAX_ADDED:
        raise Invalid(f"give 1 to {MAX_ADDED} known_hosts lines: HOST TYPE KEY")
    with store.begin() as db:
        scopes = sorted({scope_of(name) for name in services.names(db)})
        if scope not in scopes:
            known = ", ".join(scopes) or "none yet"
            raise NotFound(f"there is no project or service {scope!r} (known: {known})")
        if len(host_keys.list_keys(db, scope)) + len(keys) > MAX_KEYS:
            raise Invalid(f"{scope} may have at most {MAX_KEYS} host keys")
        for key in keys:
            put(db, actor, scope, key)
    return keys


def put(
    db: Connection,
    actor: Actor,
    scope: str,
    key: HostKey,
    deployment_id: int | None = None,
) -> None:
    """Accept a key, and write that into the audit log; the caller checks the actor."""
    previous = host_keys.put(db, scope, key, actor.name)
    subject = _subject(scope, key, previous)
    audit.note(db, actor, Action.ACCEPT_HOST_KEY, subject, deployment_id)


def refused(store: Store, deployment: Deployment) -> list[RefusedKey]:
    """Return the host keys that ssh refused in the run of a deployment."""
    with store.begin() as db:
        return host_keys.refused(db, deployment.id, last=deployment.last_event)


def accept(
    store: Store, actor: Actor, deployment_id: int, number: int, fingerprint: str
) -> HostKey:
    """Accept the host key that the event `number` of a deployment reports.

    Args:
        store: The store.
        actor: The actor.
        deployment_id: The deployment.
        number: The number of the event.
        fingerprint: The fingerprint that the actor compared.

    Raises:
        NotAllowed: The actor isn't an administrator.
        NotFound: There is no such deployment or report.
        Conflict: The report has another key, or none.
    """
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        found = deployments.find(db, deployment_id)
        if found is None:
            raise NotFound(f"there is no deployment {deployment_id}")
        reports = host_keys.refused(db, deployment_id, last=found.last_event)
        report = next((each.report for each in reports if each.number == number), None)
        if report is None:
            raise NotFound(f"event {number} reports no host key")
        if report.key is None or report.key.fingerprint != fingerprint:
            raise Conflict(
                f"event {number} doesn't report the key {fingerprint[:60]!r}; open the "
                "deployment again and compare the key that it shows"
            )
        put(db, actor, scope_of(found.service_name), report.key, deployment_id)
    return report.key


def remove(store: Store, actor: Actor, key_id: int) -> AcceptedKey:
    """Remove an accepted key. Raises NotAllowed and NotFound."""
    actor.require(Permission.ADMIN)
    with store.begin() as db:
        removed = host_keys.remove(db, key_id)
        if removed is None:
            raise NotFound(f"there is no host key {key_id}; it may have been removed")
        subject = _subject(removed.scope, removed.key, None)
        audit.note(db, actor, Action.REMOVE_HOST_KEY, subject)
    return removed


def _subject(scope: str, key: HostKey, previous: AcceptedKey | None) -> str:
    subject = f"{scope}: {key.host} {key.label}"
    if previous and previous.key != key:
        subject += f", instead of {previous.key.fingerprint}"
    return subject
