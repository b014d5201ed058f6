"""Add projects to the services folder."""

import errno
import secrets
import shutil
from contextlib import ExitStack
from pathlib import Path

from app.domain.access import Actor, Permission
from app.domain.audit import Action
from app.errors import Conflict, Invalid
from app.runner import project_source
from app.runner.project_file import NAME as PROJECT_FILE
from app.store import audit
from app.store.store import Store
from app.usecases import host_keys, project_mirrors
from app.usecases.project_proposals import Proposal, require_free


def add(store: Store, services: Path, proposal: Proposal, actor: Actor) -> Path:
    """Register a project in the services folder; return the path of its description.

    The description is written into the folder of the project if the user may write
    there and it has none, and into the services folder otherwise. If anything fails,
    nothing is left.

    Raises:
        NotAllowed: The actor may not sync services.
        Conflict: A service or a project has this name.
        Invalid: The services folder can't be written.
    """
    actor.require(Permission.SYNC)
    folder = services / proposal.name
    draft = services / f".{proposal.name}.{secrets.token_hex(4)}.new"
    file = proposal.root / PROJECT_FILE
    in_folder = "folder" in proposal.source
    require_free(folder)
    try:
        with project_mirrors.adding(proposal.mirror), ExitStack() as undo:
            undo.callback(shutil.rmtree, draft, ignore_errors=True)
            draft.mkdir()
            source = project_source.as_json(proposal.source)
            (draft / project_source.FILE).write_text(source)
            with store.begin() as db:
                audit.note(db, actor, Action.ADD_PROJECT, subject=proposal.name)
                for key in proposal.host_keys:
                    host_keys.put(db, actor, proposal.name, key)
                if not proposal.described:
                    if in_folder and _create(file, proposal.description):
                        undo.callback(file.unlink, missing_ok=True)
                    else:
                        file = folder / PROJECT_FILE
                        (draft / PROJECT_FILE).write_text(proposal.description)
                if proposal.mirror is not None:
                    project_mirrors.keep(proposal.mirror, proposal.name)
                draft.rename(folder)
                undo.callback(shutil.rmtree, folder, ignore_errors=True)
            undo.pop_all()
    except OSError as error:
        if error.errno in {errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR}:
            raise Conflict(
                f"{error.filename2 or error.filename} exists by now: look at it, and "
                "try again"
            ) from None
        raise Invalid(
            f"the project can't be registered in {services} ({error.strerror}); on a "
            "server, root does that"
        ) from None
    return file


def _create(file: Path, text: str) -> bool:
    """Create a file unless it exists; return whether the user may do so."""
    try:
        stream = file.open("x")
    except OSError as error:
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            return False
        raise
    try:
        with stream:
            stream.write(text)
    except OSError:
        file.unlink()
        raise
    return True
