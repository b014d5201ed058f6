"""Remove projects from the services folder."""

import contextlib
import os
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.domain.service_name import split
from app.errors import Conflict, Invalid, NotFound
from app.runner import fact_cache, git_tree, project_source
from app.runner.project_file import NAME as DESCRIPTION
from app.runner.project_source import FILE as REGISTRATION
from app.settings import Settings
from app.store import audit, projects, services
from app.store.store import Store
from app.usecases.projects import refusal

#: The number of deployments that a refusal names.
_NAMED = 5


def remove(store: Store, settings: Settings, name: str, actor: Actor) -> list[str]:
    """Remove a project; return the names of the services that are archived now.

    Its services can't be launched on this node any more. Their history is kept, and so
    is the repository with its fastdeploy.yml. The mirror of a repository and
    cached facts are deleted.

    Raises:
        NotAllowed: The actor isn't an administrator.
        NotFound: There is no project with this name.
        Conflict: Runs belong to another user, a deployment of the project has not
            ended, or its folder has other content than its registration.
        Invalid: The services folder can't be written.
    """
    actor.require(Permission.ADMIN)
    if settings.run_as:
        raise Conflict(refusal(settings.run_as))
    try:
        folder = _registration(settings.services, name)
        aside = folder.with_name(f".{name}.{secrets.token_hex(4)}.old")
        with ExitStack() as undo:
            with store.begin() as db:
                if unfinished := projects.lock_unfinished(db, name):
                    raise Conflict(_describe(name, unfinished))
                folder.rename(aside)
                undo.callback(aside.rename, folder)
                services.unregister_project(db, name, node=settings.node)
                archived = services.settle(db)
                audit.note(db, actor, Action.REMOVE_PROJECT, subject=name)
            undo.pop_all()
        _delete(aside)
    except OSError as error:
        raise Invalid(
            f"the project can't be removed from {settings.services} "
            f"({error.strerror}); on a server, root does that"
        ) from None
    git_tree.remove_folder(settings.data / "projects" / name)
    fact_cache.remove_project(settings.data, name)
    return archived


def _registration(services_folder: Path, name: str) -> Path:
    """Return the folder or the link that registers a project."""
    parts = split(name)
    folder = services_folder / name
    if parts is None or parts.project or not project_source.is_project(folder):
        raise NotFound(f"there is no project {name!r}")
    if folder.is_symlink():
        return folder
    others = {path.name for path in folder.iterdir()} - {REGISTRATION, DESCRIPTION}
    if others or not os.path.lexists(folder / REGISTRATION):
        raise Conflict(
            f"{folder} has more than the registration of the project, which FastDeploy "
            "doesn't delete: move it out of the services folder, and sync the services"
        )
    return folder


def _describe(name: str, unfinished: list[int]) -> str:
    numbers = ", ".join(map(str, unfinished[:_NAMED]))
    more = " and others" if len(unfinished) > _NAMED else ""
    return (
        f"project {name} has deployments that have not ended ({numbers}{more}): wait, "
        "or cancel them"
    )


def _delete(registration: Path) -> None:
    """Delete the registration of a project, but not what a link leads to."""
    with contextlib.suppress(FileNotFoundError):
        if registration.is_symlink():
            registration.unlink()
        else:
            shutil.rmtree(registration)
