"""Find the content of a project: a folder, or a commit of a git repository.

A project is registered by a folder that contains `project.json`:

    {"folder": "/srv/infra"}
    {"git": "https://example.org/infra.git", "ref": "main", "refs": ["main", "v*"],
     "allowed_signers": "/etc/fastdeploy/allowed_signers",
     "credential": "git-token:infra"}

A folder without one, or a link to it, is a project itself. A `fastdeploy.yml` beside
project.json is used instead of the one in the project.

On a server, root writes project.json, with the key "registration": how its runs are
started. There is one copy of the file for FastDeploy and one for the user of the runs,
who trusts nothing that FastDeploy could change: neither its mirror nor its folder.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import git_refs, project_definition, project_file
from .credential_references import git_problem
from .definition import Definition, read_object
from .errors import RunnerError
from .git_credential import Access, Provider
from .git_mirror import Mirror
from .git_source import GitSource, find_problem

#: The file that registers a project, and the one that may replace that of the project.
FILE = "project.json"
DESCRIPTION = project_file.NAME
_KEYS = {
    "folder": {"folder", "registration"},
    "git": {"git", "ref", "refs", "allowed_signers", "credential", "registration"},
}
#: Seconds for fetching a repository at a launch, and for the first time.
FETCH_SECONDS = 60.0
FIRST_FETCH_SECONDS = 600.0
#: The number of trees that the user of the runs keeps of a registered project. It can't
#: ask the database which ones are needed; others are made again.
KEPT_TREES = 20


@dataclass(frozen=True, slots=True)
class ProjectSource:
    """Where the content of a project is: in `folder`, or in the repository `git`."""

    registration: Path
    folder: Path | None = None
    git: GitSource | None = None
    #: The branch, tag or commit whose services are shown; empty: the remote's HEAD.
    ref: str = ""
    #: The credential with which the repository is fetched, as `kind:name`; empty: what
    #: git and ssh have for the user.
    credential: str = ""
    #: How root has registered the runs of the project; None on a developer's machine.
    rights: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """The name of the project."""
        return self.registration.name

    def mirror(self, data: Path) -> Mirror:
        """Return the mirror of the repository.

        Args:
            data: The folder in which this user keeps mirrors.
        """
        assert self.git is not None, "a folder has no mirror"
        return Mirror(self.git, self.mirror_folder(data))

    def mirror_folder(self, data: Path) -> Path:
        """Return the folder of the mirror, which exists after the first fetch."""
        return data / "projects" / self.name

    def update(self, data: Path, provider: Provider) -> Mirror:
        """Fetch the repository, and return its mirror.

        Args:
            data: The folder in which this user keeps mirrors.
            provider: Returns with what it is fetched.

        Raises:
            RunnerError: It can't be fetched.
        """
        mirror = self.mirror(data)
        seconds = FETCH_SECONDS if mirror.exists else FIRST_FETCH_SECONDS
        mirror.fetch(seconds, provider())
        return mirror

    def root(self, data: Path, commit: str, ref: str = "") -> Path:
        """Return the folder with the content of the project, which was fetched before.

        Args:
            data: The folder in which this user keeps mirrors.
            commit: The commit of the repository; empty for a folder.
            ref: The full name of the ref that was chosen; a signed tag may replace the
                signature of the commit.

        Raises:
            RunnerError: The commit isn't allowed, or has content that can't be used.
        """
        if self.folder is not None:
            if commit:
                raise RunnerError(
                    f"{self.name} is a folder, which has no commits: launch it again."
                )
            return self.folder
        if not git_refs.COMMIT.fullmatch(commit):
            raise RunnerError(
                f"{self.name} is a git repository: a deployment needs a commit."
            )
        mirror = self.mirror(data)
        mirror.require_allowed(commit, ref)
        return mirror.tree(commit)

    def description(self, root: Path) -> Path:
        """Return the path of fastdeploy.yml."""
        kept = self.registration / DESCRIPTION
        return kept if os.path.lexists(kept) else root / DESCRIPTION


def is_project(registration: Path) -> bool:
    """Return whether a folder in the services folder registers a project."""
    return any(os.path.lexists(registration / name) for name in (FILE, DESCRIPTION))


def read(registration: Path) -> ProjectSource:
    """Read how a project is registered.

    Raises:
        RunnerError: project.json is unreadable or invalid.
    """
    registration = registration.absolute()
    file = registration / FILE
    if not os.path.lexists(file):
        return ProjectSource(registration, folder=registration.resolve())
    content = read_object(file)
    kinds = [kind for kind in _KEYS if kind in content]
    if len(kinds) != 1:
        raise RunnerError(f'{file} needs exactly one of "folder" and "git".')
    [kind] = kinds
    if unknown := sorted(set(content) - _KEYS[kind]):
        raise RunnerError(f'{file} has the unknown key "{unknown[0]}": remove it.')
    if kind == "folder":
        folder = _text(content, "folder", file)
        if not folder.startswith("/"):
            raise RunnerError(f'"folder" in {file} must be an absolute path.')
        return ProjectSource(
            registration, folder=Path(folder), rights=_rights(content, file)
        )
    return _git(registration, content, file)


def _git(registration: Path, content: Mapping[str, Any], file: Path) -> ProjectSource:
    url = _text(content, "git", file)
    if problem := find_problem(url):
        raise RunnerError(f'"git" in {file}: {problem}')
    refs = content.get("refs", [])
    if not isinstance(refs, list) or not all(isinstance(ref, str) for ref in refs):
        raise RunnerError(f'"refs" in {file} must be a list of names or patterns.')
    credential = content.get("credential", "")
    if credential and (problem := git_problem(credential)):
        raise RunnerError(f'"credential" in {file} {problem}.')
    return ProjectSource(
        registration,
        git=GitSource(url, tuple(refs), _text(content, "allowed_signers", file)),
        ref=_text(content, "ref", file),
        credential=credential,
        rights=_rights(content, file),
    )


def _rights(content: Mapping[str, Any], file: Path) -> Mapping[str, Any] | None:
    rights = content.get("registration")
    if rights is not None and not isinstance(rights, dict):
        raise RunnerError(f'"registration" in {file} must be an object: correct it.')
    return rights


def define(
    source: ProjectSource,
    data: Path,
    name: str,
    commit: str,
    ref: str,
    provider: Provider = Access,
) -> Definition:
    """Return the definition of a playbook service of a project.

    The tree of the commit isn't removed as long as this process lives.

    Args:
        source: The project.
        data: The folder in which this user keeps mirrors.
        name: The name of the service, `project/service@environment`.
        commit: The commit of the repository; empty for a folder.
        ref: The full name of the ref that was chosen, if any.
        provider: Returns with what a repository is fetched, if that is necessary.

    Raises:
        RunnerError: The service is of another project, the commit isn't allowed in this
            environment, or its fastdeploy.yml doesn't define the service.
    """
    if name.partition("/")[0] != source.name:
        raise RunnerError(
            f"{name!a} is not a service of the project {source.name}: launch a service "
            "that was registered."
        )
    if source.git is not None and git_refs.COMMIT.fullmatch(commit):
        mirror = source.mirror(data)
        mirror.hold(commit)
        if source.rights is not None or not mirror.has(commit):
            _update(source, data, commit, provider)
    root = source.root(data, commit, ref)
    place = describe_commit(commit) if commit else ""
    definition = replace(
        project_definition.read(root, source.description(root), name, place),
        git_credential=source.credential,
    )
    if source.git is not None:
        require_allowed(source, data, name, commit)
    return definition


def _update(source: ProjectSource, data: Path, commit: str, provider: Provider) -> None:
    """Update the mirror, and remove old trees if the project is registered.

    What was allowed at an earlier fetch may not be allowed any more. If the repository
    can't be reached, the state of the last fetch decides about a commit that it has.
    """
    mirror = source.mirror(data)
    try:
        source.update(data, provider)
    except RunnerError:
        if not mirror.has(commit):
            raise
    if source.rights is not None:
        mirror.prune(mirror.newest_trees(KEPT_TREES))


def require_allowed(source: ProjectSource, data: Path, name: str, commit: str) -> None:
    """Check a commit against the `refs` of the environment of a service.

    They are read in the default ref of the repository, since a commit could allow
    itself everything. Its signature isn't checked; see `ProjectSource.root`.

    Raises:
        RunnerError: The environment isn't defined there, or the commit isn't reachable
            from a branch or tag that matches its refs.
    """
    assert source.git is not None, "a folder has no refs"
    environment = name.partition("@")[2]
    if not environment:
        return
    mirror = source.mirror(data)
    kept = source.registration / DESCRIPTION
    if os.path.lexists(kept):
        content = kept.read_bytes()
    else:
        ref = source.ref or mirror.default_ref()
        content = mirror.read(mirror.resolve(ref).commit, DESCRIPTION) or b""
    refs = project_file.refs_of(project_file.load(content), environment)
    if refs:
        mirror.limited_to(refs).require_reachable(commit)


def describe_commit(commit: str) -> str:
    """Return how a sentence names the files of a commit."""
    return f"commit {commit[:12]}"


def as_json(source: Mapping[str, Any]) -> str:
    """Return the content of a project.json."""
    return json.dumps(source, indent=2, ensure_ascii=False) + "\n"


def _text(content: Mapping[str, Any], key: str, file: Path) -> str:
    value = content.get(key, "")
    if not isinstance(value, str) or not value.isprintable():
        raise RunnerError(f'"{key}" in {file} must be a text: correct it.')
    return value
