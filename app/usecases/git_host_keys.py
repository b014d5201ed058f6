"""The host keys of git servers that a fetch refused: show them, and accept them.

A repository is fetched by FastDeploy's own user on the host of the web process. What it
refused there is in a file beside the mirror.
"""

from app.domain.access import Actor, Permission
from app.domain.service_name import split
from app.errors import Conflict, NotFound
from app.runner import git_host_key, project_source
from app.runner.errors import RunnerError
from app.runner.git_host_key import Refused
from app.runner.known_hosts import HostKey
from app.runner.project_source import ProjectSource
from app.settings import Settings
from app.store.store import Store
from app.usecases import host_keys


def refused(settings: Settings, project: str) -> Refused | None:
    """Return the host key that the last fetch of a project refused, if it did."""
    source = _source(settings, project)
    if source is None or source.git is None:
        return None
    return git_host_key.read(source.mirror_folder(settings.data), source.git.url)


def accept(
    store: Store, settings: Settings, actor: Actor, project: str, fingerprint: str
) -> HostKey:
    """Accept the host key that the last fetch of a project refused.

    Args:
        store: The store.
        settings: The settings.
        actor: The actor.
        project: The name of the project.
        fingerprint: The fingerprint that the actor compared.

    Raises:
        NotAllowed: The actor isn't an administrator.
        NotFound: There is no such project, or its last fetch refused no host key.
        Conflict: It refused another one.
    """
    actor.require(Permission.ADMIN)
    source, found = _source(settings, project), refused(settings, project)
    if source is None or found is None:
        raise NotFound(f"the last fetch of {project!r} refused no host key")
    if found.key.fingerprint != fingerprint:
        raise Conflict(
            f"the git server doesn't present the key {fingerprint[:60]!r}; open the "
            "project again and compare the key that it shows"
        )
    with store.begin() as db:
        host_keys.put(db, actor, project, found.key)
    git_host_key.forget(source.mirror_folder(settings.data))
    return found.key


def _source(settings: Settings, project: str) -> ProjectSource | None:
    parts, folder = split(project), settings.services / project
    if parts is None or parts.project or not project_source.is_project(folder):
        return None
    try:
        return project_source.read(folder)
    except RunnerError:
        return None
