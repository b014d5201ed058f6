"""Inspect a repository, and propose what adding it as a project would create."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from app.config_files import read_file
from app.domain import project_file, project_proposal
from app.domain.access import Actor, Permission
from app.domain.service import Service
from app.domain.service_name import PART
from app.errors import Conflict, Invalid, InvalidFields
from app.repository import Repository, inspect, installable_requirements
from app.runner import ansible_cfg, git_tree, known_hosts
from app.runner.errors import RunnerError
from app.runner.git_credential import Access
from app.runner.git_host_key import HostKeyRefused, Refused
from app.runner.git_mirror import Mirror
from app.runner.git_source import GitSource, find_problem
from app.runner.known_hosts import HostKey
from app.runner.project_file import NAME as PROJECT_FILE
from app.runner.project_source import FIRST_FETCH_SECONDS
from app.settings import Settings
from app.usecases import project_mirrors
from app.usecases.git_access import GitAccess


@dataclass(frozen=True, slots=True)
class AddRequest:
    """What a user asks to add: a folder, or a git repository by its URL."""

    path: str
    #: By default, a name like that of the folder or the repository.
    name: str = ""
    #: The branch, tag or commit of a git repository whose services are shown.
    ref: str = ""
    #: The credential with which a git repository is fetched, as `kind:name`.
    credential: str = ""
    #: The known_hosts line of a host key that is accepted for the project.
    host_key: str = ""


class HostKeyToAccept(InvalidFields):
    """The key of a git server must be compared and accepted first."""

    def __init__(self, problem: str, refused: Refused) -> None:
        super().__init__({"path": problem})
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Proposal:
    """What adding a repository as a project would create."""

    name: str
    #: What project.json would contain.
    source: dict[str, Any]
    #: The folder with the content.
    root: Path
    content: Repository
    #: The text of fastdeploy.yml.
    description: str
    #: Whether the repository contains it already.
    described: bool
    #: Each service in each environment, or the error in it.
    services: dict[str, Service | str]
    #: The folder of the mirror that was made of a repository.
    mirror: Path | None = None
    #: The host keys that are accepted for it.
    host_keys: tuple[HostKey, ...] = ()


def propose(root: Path, name: str | None = None) -> Proposal:
    """Inspect a folder, and return what adding it would create.

    Args:
        root: The folder.
        name: The name of the project; by default the one in its fastdeploy.yml, or a
            name like that of its folder.

    Raises:
        Invalid: The folder can't be read, contains no playbook, or has an invalid
            fastdeploy.yml.
    """
    root = root.absolute()
    fallback = project_proposal.part_of(root.resolve().name)
    return _propose(root, name, fallback, {"folder": str(root)})


@contextmanager
def propose_repository(
    url: str,
    data: Path,
    name: str | None = None,
    ref: str = "",
    access: Access = Access(),  # noqa: B008 - it is frozen
) -> Iterator[Proposal]:
    """Fetch a git repository, and return what adding it would create.

    The mirror is deleted at the end of the context, unless the project was added.

    Args:
        url: The URL of the repository.
        data: The folder for mirrors of repositories.
        name: The name of the project; by default the one in its fastdeploy.yml, or a
            name like that of the repository.
        ref: The branch, tag or commit whose services are shown; by default, that of
            the remote's HEAD.
        access: With what it is fetched.

    Raises:
        Invalid: The URL or the name is invalid, the repository can't be fetched,
            contains no playbook, or has an invalid fastdeploy.yml.
    """
    if problem := find_problem(url):
        raise Invalid(problem)
    fallback = project_proposal.part_of(re.split("[/:]", url.removesuffix(".git"))[-1])
    projects = data.absolute() / "projects"
    try:
        projects.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = Path(tempfile.mkdtemp(prefix=project_mirrors.NEW, dir=projects))
    except OSError as error:
        raise Invalid(f"{projects} can't be written: {error.strerror}") from None
    try:
        mirror = Mirror(GitSource(url), draft)
        mirror.fetch(FIRST_FETCH_SECONDS, access)
        commit = mirror.resolve(ref or mirror.default_ref()).commit
        source = {"git": url, **({"ref": ref} if ref else {})}
        if access.credential is not None:
            source["credential"] = access.credential.reference
        proposal = _propose(mirror.tree(commit), name, fallback, source)
        yield replace(proposal, mirror=draft)
    except RunnerError as error:
        raise Invalid(str(error).removesuffix(".")) from error
    finally:
        git_tree.remove_folder(draft)


def _propose(
    root: Path, name: str | None, fallback: str, source: dict[str, Any]
) -> Proposal:
    try:
        content = inspect(root)
    except OSError as error:
        raise Invalid(f"{root} can't be read: {error.strerror}") from None
    file = root / PROJECT_FILE
    if os.path.lexists(file):
        text = read_file(file)
        name = name or project_file.name_of(text) or fallback
        return Proposal(
            name, source, root, content, text.decode(errors="replace"), True,
            project_file.parse(text, name),
        )  # fmt: skip
    name = name or fallback
    if not name:
        raise Invalid("its name can't name a project: choose another name")
    if not content.playbooks:
        raise Invalid(
            f"there is no playbook in {source.get('git') or root}: a playbook is a "
            f"YAML file with a list of plays; write {PROJECT_FILE} if FastDeploy "
            "doesn't recognize yours"
        )
    description = project_proposal.as_yaml(
        project_proposal.propose(
            name, content.playbooks, content.inventories,
            installable_requirements(root), configured=_names_inventory(root),
        )
    )  # fmt: skip
    services = project_file.parse(description.encode(), name)
    return Proposal(name, source, root, content, description, False, services)


@contextmanager
def propose_here(
    request: AddRequest, settings: Settings, actor: Actor, git: GitAccess
) -> Iterator[Proposal]:
    """Return what adding a repository through the web would create.

    The mirror of a git repository is deleted at the end of the context, unless the
    project was added.

    Raises:
        NotAllowed: The actor isn't an administrator. Who adds a repository lets
            FastDeploy's user run what is in it. Or it names a credential, and the
            actor may not manage them: it could be sent to any host.
        Conflict: Runs belong to another user, or the name is taken.
        InvalidFields: The path, the name, the ref or the credential is invalid.
    """
    actor.require(Permission.ADMIN)
    if request.credential:
        actor.require(Permission.CREDENTIALS)
    if settings.run_as:
        raise Conflict(refusal(settings.run_as))
    if request.name and not re.fullmatch(PART, request.name):
        problem = "must be lower case letters, digits, - and _"
        raise InvalidFields({"name": problem})
    with ExitStack() as stack:
        try:
            proposal = stack.enter_context(_proposal_here(request, settings, git))
        except InvalidFields:
            raise
        except (Invalid, UnicodeError) as error:
            if isinstance(error.__cause__, HostKeyRefused):
                raise HostKeyToAccept(str(error), error.__cause__.refused) from None
            raise InvalidFields({"path": str(error)}) from None
        require_free(settings.services / proposal.name)
        yield proposal


@contextmanager
def _proposal_here(
    request: AddRequest, settings: Settings, git: GitAccess
) -> Iterator[Proposal]:
    path, name = request.path, request.name or None
    access = access_of(git, request.credential)
    try:
        keys = tuple(known_hosts.parse(request.host_key))
    except ValueError as error:
        raise InvalidFields({"": f"the host key is invalid: {error}"}) from None
    if request.credential and path.startswith("/"):
        raise InvalidFields({"credential": "goes with the URL of a git repository"})
    if path.startswith("/") and "\0" not in path and not request.ref:
        yield propose(Path(path), name)
    elif find_problem(path):
        raise Invalid(
            "must be an absolute path on FastDeploy's host, such as /srv/infra, or the "
            "URL of a git repository"
        )
    else:
        with propose_repository(
            path, settings.var, name, request.ref,
            replace(access, known_hosts="".join(f"{key.line}\n" for key in keys)),
        ) as proposal:  # fmt: skip
            yield replace(proposal, host_keys=keys)


def access_of(git: GitAccess, reference: str) -> Access:
    """Return with what a new project is fetched that names a credential, or none.

    Raises:
        InvalidFields: It isn't a credential for git, or can't be used.
    """
    try:
        return git.named(reference)
    except RunnerError as error:
        raise InvalidFields({"credential": str(error).removesuffix(".")}) from None


def refusal(run_as: str) -> str:
    """Return why the web can't add a project if runs belong to another user."""
    return (
        f"runs belong to the user {run_as} here, so root registers projects on the "
        "server"
    )


def require_free(folder: Path) -> None:
    """Raise Conflict if the services folder has an entry with this name."""
    if os.path.lexists(folder):
        raise Conflict(
            f"there is a project or service {folder.name} already: choose another "
            f"name, or remove {folder}"
        )


def _names_inventory(root: Path) -> bool:
    """Return whether the repository's ansible.cfg names an inventory."""
    path = ansible_cfg.find(root, {})
    return path is not None and "inventory" in dict(ansible_cfg.read_defaults(path))
