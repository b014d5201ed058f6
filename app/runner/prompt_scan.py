"""Find the prompts in a playbook and in the files that it names.

The scan follows plays, blocks, handlers, roles, and files that are imported or included
by a literal name, inside the service's folder. A name in a template is known only while
the playbook runs.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from . import ansible_cfg
from .prompts import Prompt, read
from .yaml_nodes import Node, fields, is_plain, items, line, load, parse, scalar, text

_NAMESPACE = re.compile(r"ansible\.(?:builtin|legacy)\.")
_SECTIONS = ("pre_tasks", "roles", "tasks", "post_tasks", "handlers")
_BLOCKS = ("block", "rescue", "always")
_DURATIONS = ("seconds", "minutes")
_PAIR = re.compile(r"""(\w+)=("[^"]*"|'[^']*'|\S*)""")
#: What Ansible takes for true and for false.
_YES = frozenset({"y", "yes", "on", "1", "true", "t", "1.0"})
_NO = frozenset({"n", "no", "off", "0", "false", "f", "0.0"})
_TEMPLATE = re.compile(r"\{[{%#]")
#: The maximum number of files that are followed from one playbook.
_MOST = 2000
#: The number of parsed files that are kept: playbooks have roles in common.
_KEPT = 256
#: What a file contains that prompts, or that names files or roles.
_WORDS = (b"pause", b"prompt", b"include", b"import", b"role", b"dependencies")


class Scanner:
    """Finds prompts in the playbooks of a folder; common files are parsed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        configured = ansible_cfg.read_defaults(folder / "ansible.cfg")
        # Only files inside the folder are read, so no home is needed.
        self._roles_paths = ansible_cfg.resolve_all(
            configured.get("roles_path", ""), folder, Path("/nonexistent")
        )
        self._parse = lru_cache(_KEPT)(_parse)
        self._files_of_role = lru_cache(None)(_files_of_role)

    def find(self, playbook: Path) -> list[Prompt]:
        """Return the prompts in the order in which they are read."""
        beside = playbook.parent
        paths = (beside / "roles", *self._roles_paths, beside)
        scan = _Scan(self._folder, beside, paths, self._parse, self._files_of_role)
        with suppress(RecursionError):
            scan.read_playbook(playbook)
        return list(dict.fromkeys(scan.found))


def find(folder: Path, playbook: Path) -> list[Prompt]:
    """Return the prompts of one playbook in the order in which they are read."""
    return Scanner(folder).find(playbook)


def _parse(path: Path) -> Node:
    """Parse a file; None if it is empty or can't be read.

    A file that can contain no prompt and name no other file is an empty node.
    """
    if not (content := read(path)):
        return None
    return parse(content) if any(word in content for word in _WORDS) else scalar("")


def _files_of_role(role: Path, tasks: str) -> tuple[Path, Path, Path] | None:
    """Return the files of a role: meta, tasks and handlers; None without a folder."""
    if not role.is_dir():
        return None
    return (
        _one_of(role / "meta", "main"),
        _one_of(role / "tasks", tasks),
        _one_of(role / "handlers", "main"),
    )


@dataclass
class _Scan:
    folder: Path
    #: Folder of the playbook.
    beside: Path
    roles_paths: tuple[Path, ...]
    parse: Callable[[Path], Node]
    files_of_role: Callable[[Path, str], tuple[Path, Path, Path] | None]
    found: list[Prompt] = field(default_factory=list)
    seen: set[Path] = field(default_factory=set)

    def read_playbook(self, path: Path) -> None:
        for play in items(self._parse(path)):
            values = _plain(fields(play))
            if name := text(values.get("import_playbook")):
                self.read_playbook(path.parent / name)
            asked = values.get("vars_prompt")
            for each in items(asked) or [asked]:
                if name := text(fields(each).get("name")):
                    self._note(path, each, **_asked(fields(each), name))
            for section in _SECTIONS:
                if section == "roles":
                    self._read_roles(values.get(section), path.parent)
                else:
                    self._read_tasks(values.get(section), path, path.parent)

    def _read_tasks(self, node: Node, path: Path, home: Path) -> None:
        """Read the tasks in the file `path` of the role or the playbook in `home`."""
        for task in items(node):
            values = _plain(fields(task))
            for key in _BLOCKS:
                self._read_tasks(values.get(key), path, home)
            for module, arguments in _modules(values):
                if module == "pause":
                    if not any(text(arguments.get(key)) for key in _DURATIONS):
                        self._note(path, task)
                elif module in {"include_tasks", "import_tasks"}:
                    self._include(text(arguments.get("file")), path, home)
                elif module in {"include_role", "import_role"}:
                    name = text(arguments.get("name")) or text(arguments.get("role"))
                    tasks = text(arguments.get("tasks_from"))
                    self._read_role(name, home, tasks or "main")

    def _include(self, name: str, path: Path, home: Path) -> None:
        """Read an included file from beside the file, its role, or the playbook."""
        for near in (path.parent, home / "tasks", home, self.beside):
            if name and (content := self._parse(near / name)) is not None:
                self._read_tasks(content, near / name, home)
                return

    def _read_roles(self, node: Node, home: Path) -> None:
        for each in items(node):
            values = fields(each)
            name = text(each) or text(values.get("role")) or text(values.get("name"))
            self._read_role(name, home)

    def _read_role(self, name: str, home: Path, tasks: str = "main") -> None:
        if not name:
            return
        for place in (home / "roles", home.parent, *self.roles_paths):
            role = place / name
            if self._inside(role) and (files := self.files_of_role(role, tasks)):
                meta, *parts = files
                dependencies = fields(self._parse(meta)).get("dependencies")
                self._read_roles(dependencies, role)
                for part in parts:
                    self._read_tasks(self._parse(part), part, role)
                return

    def _parse(self, path: Path) -> Node:
        """Parse a file; None if it was read before, is outside, or can't be read."""
        path = Path(os.path.normpath(path))
        if path in self.seen or len(self.seen) > _MOST or not self._inside(path):
            return None
        if (content := self.parse(path)) is not None:
            self.seen.add(path)
        return content

    def _inside(self, path: Path) -> bool:
        return Path(os.path.normpath(path)).is_relative_to(self.folder)

    def _note(self, path: Path, node: Node, **asked: Any) -> None:
        place = Path(os.path.normpath(path)).relative_to(self.folder)
        self.found.append(Prompt(f"{place}:{line(node)}", **asked))


def _asked(values: Mapping[str, Node], name: str) -> dict[str, Any]:
    """Return what an entry of `vars_prompt` says, as attributes of a Prompt."""
    default = values.get("default")
    has_default = default is not None and not default.tag.endswith(":null")
    question = text(values.get("prompt"))
    return {
        "variable": name,
        "question": "" if _TEMPLATE.search(question) else question,
        "has_default": has_default,
        "default": _literal(default) if has_default else None,
        "private": text(values.get("private", scalar("yes"))).lower() not in _NO,
        "confirm": text(values.get("confirm")).lower() in _YES,
        "encrypt": bool(text(values.get("encrypt"))),
    }


def _literal(node: Node) -> str | None:
    """Return the text to which Ansible converts a default; None if a run decides."""
    if not is_plain(node) or _TEMPLATE.search(node.value):
        return None
    return node.value if node.tag.endswith(":str") else str(load(node))


def _plain(values: Mapping[str, Node]) -> dict[str, Node]:
    """Return the values with the short names of Ansible's own modules as keys."""
    return {_NAMESPACE.sub("", key, count=1): value for key, value in values.items()}


def _modules(task: Mapping[str, Node]) -> Iterator[tuple[str, Mapping[str, Node]]]:
    """Yield each key of a task that may be a module, with the module's arguments."""
    more = fields(task.get("args"))
    for key, value in task.items():
        if key in {"action", "local_action"}:
            named = fields(value)
            name, _, rest = text(value).partition(" ")
            module = text(named.get("module")) or name
            yield _NAMESPACE.sub("", module, count=1), {**more, **named, **_pairs(rest)}
        else:
            yield key, {**more, **fields(value), **_written(key, text(value))}


def _written(module: str, arguments: str) -> dict[str, Node]:
    """Parse arguments that are written in one line after the module's name."""
    if module in {"include_tasks", "import_tasks"} and arguments:
        return {"file": scalar(arguments)}
    return _pairs(arguments)


def _pairs(arguments: str) -> dict[str, Node]:
    return {key: scalar(value.strip("\"'")) for key, value in _PAIR.findall(arguments)}


def _one_of(folder: Path, name: str) -> Path:
    """Return the file with that name, or with a suffix that a role may omit."""
    names = (name, f"{name}.yml", f"{name}.yaml", f"{name}.json")
    found = (folder / each for each in names if (folder / each).is_file())
    return next(found, folder / f"{name}.yml")
