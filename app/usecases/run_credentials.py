"""The credentials of a deployment: checked at its launch, read when its run starts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection

from app.domain.credential import Home, check
from app.domain.credential_names import missing, split
from app.domain.service import Service
from app.encryption import SecretBox
from app.errors import Conflict, InvalidFields, LaunchFailed
from app.store import credentials, deployments
from app.store.credentials import SealedCredential
from app.store.store import Store

#: What the fields of asked credentials are called in errors.
PREFIX = "credential."


def asked(db: Connection, service: Service) -> list[str]:
    """Return the credentials of a service that are asked at each launch."""
    known = credentials.find_some(db, service.credentials)
    return [
        reference
        for reference in service.credentials
        if reference in known and known[reference].credential.home is Home.ASK
    ]


def absent(db: Connection, service: Service, run_as: str) -> list[str]:
    """Return the credentials that a service declares and that aren't known.

    If another user runs the service, root may have placed them for this user, which
    only the runner can see; so none is absent.
    """
    if not service.credentials or run_as or service.registration:
        return []
    known = credentials.find_some(db, service.credentials)
    return [each for each in service.credentials if each not in known]


def warnings(store: Store, service: Service, run_as: str) -> list[str]:
    """Return a sentence for each credential without which a launch is refused."""
    if not service.credentials:
        return []
    with store.begin() as db:
        return [
            f"{service.name} {missing(each)}" for each in absent(db, service, run_as)
        ]


def asked_of(store: Store, service: Service) -> list[str]:
    """Return the same as `asked`, in a transaction of its own."""
    if not service.credentials:
        return []
    with store.begin() as db:
        return asked(db, service)


def require(
    db: Connection,
    service: Service,
    run_as: str,
    given: Mapping[str, Mapping[str, str]],
) -> dict[str, dict[str, str]]:
    """Return the asked credentials of a launch, validated.

    Raises Conflict for a credential that isn't known, and InvalidFields for one that
    has to be given and isn't, or that can't be given.
    """
    for reference in absent(db, service, run_as):
        raise Conflict(f"{service.name} {missing(reference)}")
    wanted = asked(db, service)
    problems = {
        f"{PREFIX}{reference}": "isn't asked at a launch of this service: leave it out"
        for reference in given
        if reference not in wanted
    }
    values = {}
    for reference in wanted:
        try:
            checked = check(split(reference)[0], given.get(reference, {}))
        except InvalidFields as error:
            problems |= {
                f"{PREFIX}{reference}.{field}": problem
                for field, problem in error.problems.items()
            }
        else:
            values[reference] = checked.values
    if problems:
        raise InvalidFields(problems)
    return values


def take(
    store: Store,
    secret_box: SecretBox,
    deployment_id: int,
    *,
    run_as: str,
    git_credential: str = "",
) -> dict[str, dict[str, Any]]:
    """Return the `credentials` of a run's config file, with their latest values.

    If another user runs it, that user fetches the repository of the project with
    `git_credential`.

    They are stored, encrypted, with the deployment until it has ended: a worker that is
    restarted meanwhile masks the values that the run has. Raises LaunchFailed for a
    credential that has been removed since the launch, and BadSetting.
    """
    with store.begin() as db:
        locked = deployments.lock(db, deployment_id)
        assert locked is not None
        service = locked.deployment.service
        needed = _needed(service, run_as, git_credential)
        if not needed:
            return {}
        secret = secret_box.open(locked.secrets)
        known = credentials.find_some(db, needed)
        for reference in absent(db, service, run_as):
            raise LaunchFailed(f"{service.name} {missing(reference)}")
        found = {
            reference: _content(known[reference], secret_box, secret, service)
            if reference in known
            else {"placed": True}
            for reference in needed
        }
        secrets_of_run = {
            reference: values
            for reference, values in found.items()
            if not {"command", "placed"} & set(values)
        }
        sealed = secret_box.seal(secret | secrets_of_run)
        deployments.set_secrets(db, deployment_id, sealed)
        credentials.mark_used(db, list(known), deployment_id)
        return found


def _needed(service: Service, run_as: str, git_credential: str) -> list[str]:
    """Return the credentials of a run; FastDeploy's own user has fetched already."""
    fetches = git_credential and (run_as or service.registration)
    return [*service.credentials, *([git_credential] if fetches else [])]


def _content(
    known: SealedCredential,
    secret_box: SecretBox,
    secret: Mapping[str, Any],
    service: Service,
) -> dict[str, Any]:
    """Return what a run's config file has of a credential. Raises LaunchFailed."""
    credential = known.credential
    match credential.home:
        case Home.STORED:
            return secret_box.open(known.sealed)
        case Home.COMMAND:
            values = secret_box.open(known.sealed)
            return {"command": list(credential.command), **values}
        case Home.PLACED:
            return {"placed": True}
        case Home.ASK if credential.reference in secret:
            asked_for: dict[str, Any] = secret[credential.reference]
            return asked_for
        case Home.ASK:
            raise LaunchFailed(
                f"the credential {credential.reference} is asked at each launch since "
                f"this one was queued; launch {service.name} again"
            )


def variables_of(secret: Mapping[str, Any]) -> dict[str, Any]:
    """Return the secret launch variables in the secrets of a deployment."""
    # A reference has a colon, the name of a variable has none.
    return {name: value for name, value in secret.items() if ":" not in name}
