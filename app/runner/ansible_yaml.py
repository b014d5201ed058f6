"""Keep Ansible's own large YAML files parsed, as Python keeps its modules compiled.

At each start, Ansible parses the definitions of its settings and the table of its
modules: about a sixth of the CPU time until the first task. The parsed files are stored
beside the bytecode of the same folder. `ansible_playbook.py` calls `install`, so this
file imports only the standard library and Ansible; `compile_ansible.py` calls
`compile_all`.

A parsed file begins with the digest of the YAML that it was made of. Like bytecode,
only a user who may write beside Ansible writes it, and it could change Ansible itself.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

_DIGEST = 16
#: The files in Ansible's folder `config`.
_SETTINGS, _MODULES = "base.yml", "ansible_builtin_runtime.yml"
#: What Ansible passes to the parser of the second one.
_ABOUT_MODULES = ("ansible.builtin", "runtime.yml")


def install() -> None:
    """Let the Ansible of this process use the parsed files.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    from ansible.config import manager
    from ansible.utils.collection_loader import _collection_finder

    folder = _folder()
    settings = os.path.join(folder, _SETTINGS)
    read_settings = manager.ConfigManager._read_config_yaml_file
    parse_modules = _collection_finder._meta_yml_to_dict

    def read(self: Any, path: Any) -> Any:
        if os.fsdecode(path) != settings:
            return read_settings(self, path)
        return _load(folder, _SETTINGS, _read(settings), _parse_settings)

    def parse(content: Any, about: Any) -> Any:
        if about != _ABOUT_MODULES or not isinstance(content, bytes):
            return parse_modules(content, about)
        return _load(folder, _MODULES, content, lambda text: parse_modules(text, about))

    manager.ConfigManager._read_config_yaml_file = read
    _collection_finder._meta_yml_to_dict = parse


def compile_all() -> Iterator[str]:
    """Write the parsed files that are missing or outdated; yield what was parsed."""
    folder = _folder()
    parsers = {_SETTINGS: _parse_settings, _MODULES: _parse_modules}
    for name, parse in parsers.items():
        path = os.path.join(folder, name)
        content = _read(path)
        if _find(folder, name, content) is None:
            _store(folder, name, content, parse(content))
            yield path


def write(place: str, content: bytes) -> None:
    """Write a file if this user may; another process may do the same."""
    draft = f"{place}.{os.getpid()}"
    with suppress(OSError):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(draft, flags, 0o644), "wb") as file:
            file.write(content)
        os.replace(draft, place)


def _load(folder: str, name: str, content: bytes, parse: Callable[[bytes], Any]) -> Any:
    """Return the parsed content of a file; parse it only if that isn't stored."""
    found = _find(folder, name, content)
    if found is None:
        found = parse(content)
        if not sys.dont_write_bytecode:
            _store(folder, name, content, found)
    return found


def _find(folder: str, name: str, content: bytes) -> Any:
    """Return what is stored for this content of a file; None if nothing is."""
    try:
        with open(_place(folder, name), "rb") as file:
            if file.read(_DIGEST) == _digest(content):
                return marshal.load(file)  # noqa: S302 - as trusted as bytecode
    except (OSError, EOFError, ValueError, TypeError):
        pass
    return None


def _store(folder: str, name: str, content: bytes, parsed: Any) -> None:
    with suppress(ValueError):
        write(_place(folder, name), _digest(content) + marshal.dumps(parsed))


def _parse_settings(content: bytes) -> Any:
    from ansible.module_utils.common.yaml import yaml_load

    return yaml_load(content) or {}


def _parse_modules(content: bytes) -> Any:
    from ansible.utils.collection_loader import _collection_meta

    return _collection_meta._meta_yml_to_dict(content, _ABOUT_MODULES)


def _folder() -> str:
    from ansible import config

    return os.path.dirname(config.__file__ or "")


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def _place(folder: str, name: str) -> str:
    tag = sys.implementation.cache_tag
    return os.path.join(folder, "__pycache__", f"{name}.{tag}.parsed")


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_DIGEST).digest()
