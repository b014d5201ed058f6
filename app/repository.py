"""Inspect a repository with Ansible content: what could become services.

Nothing is executed and no file is changed. A file is judged by its content; YAML is
only parsed where its lines don't suffice, since there may be thousands of files.
"""

import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from app.runner.execution_environment import entries
from app.runner.yaml_nodes import fields, items, parse, text

#: Files that are larger contain no playbook and no inventory that a person wrote.
MAX_BYTES = 1024 * 1024
#: The maximum number of files that are inspected.
MAX_FILES = 50_000
#: Keys that only a play has.
_PLAY = ("hosts", "import_playbook", "ansible.builtin.import_playbook")
#: Folders whose YAML files are not playbooks.
_NOT_PLAYBOOKS = {"tasks", "handlers", "vars", "defaults", "meta", "group_vars",
                  "host_vars", "templates", "files", "molecule"}  # fmt: skip
_NOT_INSPECTED = {".git", ".hg", ".svn", ".tox", ".venv", "venv", "node_modules",
                  "__pycache__", "ansible_collections"}  # fmt: skip
_REQUIREMENTS = {"requirements.yml", "requirements.yaml"}
#: Where a repository has what its runs need; other files may be for its tests.
_REQUIRED = ("", "collections/", "roles/")
_VAULT = b"$ANSIBLE_VAULT;"
#: Names of inventories: `inventory`, `inventories/production`, `hosts.ini`.
_INVENTORY = re.compile(r"(inventor(y|ies)|hosts)([._-].*)?")
_INVENTORY_SUFFIXES = {"", ".ini", ".yml", ".yaml", ".json", ".cfg", ".toml", ".py",
                       ".sh"}  # fmt: skip
#: The first line of a list whose items are at the beginning of lines.
_LIST = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s*(?:#[^\n]*)?\n|---[^\n]*\n|%[^\n]*\n)*-[ \n]"
)
_FLOW = re.compile(rb"^-[ \t]*(?:[{&*!?#]|$)", re.MULTILINE)
_ITEM = re.compile(rb"^-( *)", re.MULTILINE)


@dataclass(slots=True)
class Repository:
    """The Ansible content of a folder, as sorted paths relative to it."""

    playbooks: list[str] = field(default_factory=list)
    inventories: list[str] = field(default_factory=list)
    requirements: list[str] = field(default_factory=list)
    #: Files that are encrypted by ansible-vault as a whole.
    vaulted: list[str] = field(default_factory=list)
    roles: list[str] = field(default_factory=list)
    #: Whether there is an ansible.cfg in the folder itself.
    configured: bool = False
    #: Sentences about content that was not inspected.
    problems: list[str] = field(default_factory=list)


def inspect(root: Path) -> Repository:
    """Inspect all files below a folder. Links to folders are not followed.

    Raises:
        OSError: The folder can't be read.
    """
    os.scandir(root).close()
    repository = Repository(configured=(root / "ansible.cfg").is_file())
    number = 0
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(set(folders) - _NOT_INSPECTED)
        place = os.path.relpath(folder, root)
        parts = () if place == "." else Path(place).parts
        if not all(map(_is_text, parts)):
            repository.problems.append(
                f"{place!r} is not inspected: its name is not valid UTF-8."
            )
            folders.clear()
            continue
        _note_folder(repository, parts, folders)
        for name in sorted(files):
            number += 1
            if number > MAX_FILES:
                repository.problems.append(
                    f"Only the first {MAX_FILES:,} files are inspected: name the "
                    "playbooks in fastdeploy.yml."
                )
                return repository
            _note_file(repository, folder, parts, name)
    for paths in (repository.playbooks, repository.inventories):
        paths.sort()
    return repository


def _note_folder(
    repository: Repository, parts: tuple[str, ...], folders: list[str]
) -> None:
    """Note the inventories and roles among the folders in a folder."""
    place = "/".join(parts)
    if parts and parts[-1] == "roles":
        repository.roles += [f"{place}/{name}" for name in folders if _is_text(name)]
    elif parts and parts[-1] == "inventories":
        repository.inventories += [
            f"{place}/{name}" for name in folders if _is_text(name)
        ]
        # What is in an inventory is not inspected as one.
    elif not parts:
        repository.inventories += [
            name
            for name in folders
            if _INVENTORY.fullmatch(name) and name != "inventories" and _is_text(name)
        ]


def _note_file(
    repository: Repository, folder: str, parts: tuple[str, ...], name: str
) -> None:
    """Note what a file is."""
    relative = "/".join((*parts, name))
    if not _is_text(name):
        repository.problems.append(
            f"{relative!r} is not inspected: its name is not valid UTF-8."
        )
        return
    is_yaml = name.endswith((".yml", ".yaml"))
    if not (is_yaml or _may_be_inventory(parts, name)):
        return
    try:
        content = _read(f"{folder}/{name}")
    except OSError as error:
        repository.problems.append(
            f"{relative} is not inspected: it can't be read ({error.strerror})."
        )
        return
    if content.startswith(_VAULT):
        repository.vaulted.append(relative)
    elif name in _REQUIREMENTS:
        repository.requirements.append(relative)
    elif is_yaml and not _NOT_PLAYBOOKS & set(parts) and is_playbook(content):
        repository.playbooks.append(relative)
    elif _may_be_inventory(parts, name):
        repository.inventories.append(relative)


def installable_requirements(root: Path) -> list[str]:
    """Return the requirements files in the usual places that list anything."""
    paths = (f"{place}{name}" for place in _REQUIRED for name in sorted(_REQUIREMENTS))
    return [path for path in paths if _lists_requirements(root / path)]


def _lists_requirements(path: Path) -> bool:
    try:
        content = parse(path.read_bytes()) if path.is_file() else None
    except OSError:
        return False
    return any(entries(content, kind) for kind in ("collections", "roles"))


def _may_be_inventory(parts: tuple[str, ...], name: str) -> bool:
    """Return whether a file has the place and the name of an inventory."""
    stem, suffix = os.path.splitext(name)  # noqa: PTH122 - a path takes much longer
    if suffix not in _INVENTORY_SUFFIXES:
        return False
    if parts == ("inventories",):
        return True
    return not parts and _INVENTORY.fullmatch(stem) is not None


def _read(path: str) -> bytes:
    """Return the beginning of a regular file; empty for anything else."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            return b""
        return os.read(descriptor, min(state.st_size, MAX_BYTES))
    finally:
        os.close(descriptor)


def is_playbook(content: bytes) -> bool:
    """Return whether a YAML file is a list with a play or an import of a playbook."""
    if _LIST.match(content) is None:
        return False
    if _FLOW.search(content):
        # The keys don't begin in the line of the item, or have no lines of their own.
        plays = map(fields, items(parse(content)))
        return any(key in play for play in plays for key in _PLAY)
    return any(
        _keys_at(width).search(content)
        for width in {len(spaces) + 1 for spaces in _ITEM.findall(content)}
    )


@cache
def _keys_at(column: int) -> re.Pattern[bytes]:
    """Return a pattern for the keys of a play that begin at a column."""
    keys = "|".join(map(re.escape, _PLAY))
    return re.compile(
        rf"^(?:-{' ' * (column - 1)}|{' ' * column})([\"']?)(?:{keys})\1\s*:".encode(),
        re.MULTILINE,
    )


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def plays(root: Path, playbook: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the host pattern of each play in a playbook, as written."""
    for play in items(parse(_read(f"{root}/{playbook}"))):
        values = fields(play)
        for key in _PLAY:
            if key in values:
                yield text(values.get("name")), text(values[key])
