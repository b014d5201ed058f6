"""Execution environments: the Ansible, packages, collections and roles of a project.

    DIR/environments/<name>/   venv, collections, roles, environment.json
        complete               written last: without it, the folder is built again
        used                   its modification time is that of the last use
    DIR/environments/.locks/   a file for each name, which is never removed

The name is a hash of what the project requires. A run holds a shared lock as long as it
uses the environment; building and removing need the exclusive one.
"""

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import ansible_cfg
from .errors import RunnerError
from .service_files import locate
from .yaml_nodes import Node, fields, items, parse, text

#: Part of each name: increase it if the same requirements have to be built again.
_FORMAT = 1
#: A requirement of uv begins like this; options and paths don't.
_PYTHON = re.compile(r"[A-Za-z0-9][^\r\n\0]*")
_SPECIFIER = re.compile(r"[\w<>=!~.,*+ -]+")
_DEFAULT_PATHS = {
    "collections": "~/.ansible/collections:/usr/share/ansible/collections",
    "roles": "~/.ansible/roles:/usr/share/ansible/roles:/etc/ansible/roles",
}


@dataclass(frozen=True)
class Requirements:
    """What a project requires besides FastDeploy's own Ansible."""

    #: The folder of the project.
    folder: Path
    #: Requirements files of ansible-galaxy, resolved, inside the folder.
    files: tuple[Path, ...]
    #: PEP 508 requirements.
    python: tuple[str, ...]
    #: PEP 440 specifier of ansible-core.
    ansible: str

    @property
    def packages(self) -> list[str]:
        """The requirements of the virtual environment, ansible-core first."""
        return [f"ansible-core{self.ansible}", *self.python]

    @property
    def name(self) -> str:
        """The name of the environment that meets these requirements."""
        content = [
            _FORMAT,
            self.packages,
            [[str(file.relative_to(self.folder)), _digest(file)]
             for file in self.files],
            [[name, _digest(path)] for name, path in sorted(self._local_sources())],
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:16]

    def _local_sources(self) -> Iterator[tuple[str, Path]]:
        """Yield the files and folders of the project that are to be installed."""
        for file in self.files:
            content = parse(file.read_bytes())
            for entry in entries(content, "collections") + entries(content, "roles"):
                values = fields(entry)
                keys = ("name", "source", "src")
                named = (text(entry), *(text(values.get(key)) for key in keys))
                for name in filter(None, named):
                    source = name.removeprefix("git+").removeprefix("file://")
                    path = (self.folder / source).resolve()
                    if path.is_relative_to(self.folder) and os.path.lexists(path):
                        yield name, path


@dataclass(frozen=True)
class Place:
    """The folder of an execution environment, which may not exist."""

    environments: Path
    name: str

    @property
    def folder(self) -> Path:
        """The folder with all its files."""
        return self.environments / self.name

    @property
    def programs(self) -> Path:
        """The folder of ansible-playbook and ansible-galaxy."""
        return self.folder / "venv" / "bin"

    @property
    def complete(self) -> bool:
        """Whether it was built to its end, and its Python is still installed."""
        return (self.folder / "complete").exists() and (
            self.programs / "python"
        ).exists()

    def lock(self, kind: int) -> int | None:
        """Lock it; return the descriptor that holds the lock, or None.

        Args:
            kind: LOCK_SH or LOCK_EX of fcntl, with LOCK_NB to return None instead of
                waiting for another process.
        """
        locks = self.environments / ".locks"
        locks.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        descriptor = os.open(locks / self.name, flags, 0o600)
        try:
            fcntl.flock(descriptor, kind)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor

    def use(self) -> int | None:
        """Return a descriptor that keeps it from being removed; None if not built."""
        descriptor = self.lock(fcntl.LOCK_SH | fcntl.LOCK_NB)
        if descriptor is None:
            return None
        if not self.complete:
            os.close(descriptor)
            return None
        (self.folder / "used").touch()
        return descriptor

    def remove(self) -> bool:
        """Remove it; return False if a process uses or builds it."""
        descriptor = self.lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        if descriptor is None:
            return False
        try:
            self.clear()
        finally:
            os.close(descriptor)
        return True

    def clear(self) -> None:
        """Remove its files; call it with the exclusive lock.

        The marker goes first: a folder that is removed in part is not complete.
        """
        (self.folder / "complete").unlink(missing_ok=True)
        if os.path.lexists(self.folder):
            shutil.rmtree(self.folder)


def place_of(requirements: Requirements, data: Path) -> Place:
    """Return the place of the environment that meets requirements."""
    try:
        return Place(data / "environments", requirements.name)
    except OSError as error:
        raise RunnerError(
            f"Can't read {error.filename} ({error.strerror}): check that this user may "
            "read it."
        ) from None


def read(
    project: Mapping[str, Any], folder: Path, place: str = ""
) -> Requirements | None:
    """Return the requirements in a fastdeploy.yml; None if it has none.

    Args:
        project: Its content.
        folder: The resolved folder of the project.
        place: The folder, as a sentence names it; by default by its path.

    Raises:
        FileProblem: A file is missing, or outside the folder.
        RunnerError: A key is invalid.
    """
    if not any(project.get(key) for key in ("requirements", "python", "ansible")):
        return None
    python = _texts(project, "python")
    for requirement in python:
        if not _PYTHON.fullmatch(requirement):
            raise RunnerError(f'"python": {requirement!r} is not a requirement.')
    specifier = project.get("ansible") or f"=={_own_ansible()}"
    if not isinstance(specifier, str) or not _SPECIFIER.fullmatch(specifier):
        raise RunnerError(f'"ansible": {specifier!r} is not a range of versions.')
    names = _texts(project, "requirements")
    files = tuple(locate(folder, name, "requirements", place) for name in names)
    return Requirements(folder, files, python, specifier)


def entries(content: Node, kind: str) -> list[Node]:
    """Return the collections or roles in a requirements file.

    A file that is only a list has the older format: roles.
    """
    found = items(fields(content).get(kind))
    return found or (items(content) if kind == "roles" else [])


def variables(place: Place, env: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of a run that uses an execution environment.

    The paths that the service or its ansible.cfg sets stay first.
    """
    config = ansible_cfg.find(folder, env)
    defaults = ansible_cfg.read_defaults(config) if config else {}
    home = Path(env.get("HOME", "/"))

    def paths(kind: str, variable: str, key: str) -> str:
        own = str(place.folder / kind)
        if value := env.get(variable):
            return f"{value}:{own}"
        if config and (value := defaults.get(key)):
            found = ansible_cfg.resolve_all(value, config.parent, home)
            return ":".join((*map(str, found), own))
        return f"{own}:{_DEFAULT_PATHS[kind]}"

    return {
        **env,
        "PATH": os.pathsep.join((str(place.programs), env["PATH"])),
        "ANSIBLE_COLLECTIONS_PATH": paths(
            "collections", "ANSIBLE_COLLECTIONS_PATH", "collections_path"
        ),
        "ANSIBLE_ROLES_PATH": paths("roles", "ANSIBLE_ROLES_PATH", "roles_path"),
    }


def _texts(project: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = project.get(key) or []
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        raise RunnerError(f'"{key}" must be a list of texts: correct it.')
    return tuple(values)


def _own_ansible() -> str:
    # Only projects without a range of versions need this module.
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415

    try:
        return version("ansible-core")
    except PackageNotFoundError:
        raise RunnerError(
            'Set "ansible" to a range of versions: ansible-core is not installed here.'
        ) from None


def _digest(path: Path) -> str:
    """Return a hash of a file, or of the names and files in a folder."""
    digest = hashlib.sha256()
    if not path.is_dir():
        digest.update(path.read_bytes())
        return digest.hexdigest()
    for each in sorted(path.rglob("*")):
        if each.is_file() and not each.is_symlink():
            digest.update(os.fsencode(each.relative_to(path)) + b"\0")
            digest.update(hashlib.sha256(each.read_bytes()).digest())
    return digest.hexdigest()
