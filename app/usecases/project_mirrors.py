"""Remove the mirrors of git projects that are not registered any more.

projects/
<name>/     the mirror and the trees of a project
.lock       held while a project is added or removed
.new-*      the mirror of a repository that nobody has added yet
.old-*      a mirror that is being removed, or that a killed process has left
"""

import secrets
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path

from app.errors import Invalid
from app.runner import file_lock, git_tree, project_source
from app.services_folder import folders
from app.settings import Settings
from app.store import projects
from app.store.store import Store

NEW = ".new-"
_OLD = ".old-"
#: Seconds after which a repository that nobody has added is removed.
_PATIENCE = 24 * 3600.0


def adding(mirror: Path | None) -> AbstractContextManager[None]:
    """Let no process remove the mirror of a project until it is registered."""
    return nullcontext() if mirror is None else _locked(mirror.parent)


def keep(draft: Path, name: str) -> None:
    """Move the mirror of a repository to the place of the project that is added."""
    place = draft.with_name(name)
    git_tree.remove_folder(place)
    draft.rename(place)


def remove(data: Path, name: str) -> None:
    """Remove the mirror of a project that isn't registered any more."""
    place = data / "projects"
    if place.is_dir():
        with _locked(place):
            _put_aside(place / name)
        _remove_leftovers(place)


def prune(store: Store, settings: Settings) -> None:
    """Remove the mirrors that no project needs.

    A project needs its mirror while it is registered in the services folder of this
    node, and until its deployments have ended. Nothing is removed if that folder can't
    be read.
    """
    place = settings.data / "projects"
    # What isn't possible now may be possible the next time.
    with suppress(Invalid, OSError):
        folders(settings.services)
        if not place.is_dir():
            return
        with _locked(place):
            for mirror in place.iterdir():
                if not mirror.name.startswith("."):
                    _remove_unneeded(store, settings.services, mirror)
        _remove_leftovers(place)


def _locked(place: Path) -> AbstractContextManager[None]:
    return file_lock.exclusive(place / ".lock")


def _remove_unneeded(store: Store, services: Path, mirror: Path) -> None:
    if project_source.is_project(services / mirror.name):
        return
    with store.begin() as db:
        # No deployment starts until the mirror is aside.
        if not projects.lock_unfinished(db, mirror.name):
            _put_aside(mirror)


def _put_aside(mirror: Path) -> None:
    with suppress(FileNotFoundError):
        mirror.rename(mirror.with_name(f"{_OLD}{secrets.token_hex(4)}"))


def _remove_leftovers(place: Path) -> None:
    for aside in place.glob(f"{_OLD}*"):
        git_tree.remove_folder(aside)
    for draft in place.glob(f"{NEW}*"):
        if time.time() - draft.stat().st_mtime > _PATIENCE:
            git_tree.remove_folder(draft)
