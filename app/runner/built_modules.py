"""Keep Ansible's own modules built, as Python keeps its modules compiled.

Each run of Ansible builds each module that it uses: it parses the module and all files
of `module_utils` that it imports, and packs them into an archive, in about 0.2 CPU
seconds. The archive doesn't depend on the arguments of the module, and Ansible keeps it
until the end of the run. This stores it beside the bytecode of the module for later
runs. `ansible_playbook.py` calls `install`, so this file imports only the standard
library and Ansible; `compile_ansible.py` calls `build_all`.

Only a module of ansible-core is stored, and only if all its files are those of
ansible-core: a project can replace files of `module_utils`. If a file has changed,
Ansible builds the module again. Like bytecode, only a user who may write beside Ansible
writes a stored module, and it could change Ansible itself.

A stored module is a line of JSON (`_Header`), the module as Ansible keeps it, and an
archive with the bytecode of its files, compressed by zlib. A host with the same Python
gets this archive (`pipelining.py`), and needn't compile the files.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import io
import json
import marshal
import os
import pickle
import sys
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

#: Writes a stored file: its path and content; it does nothing if this user may not.
Write = Callable[[str, bytes], None]
#: Ansible's default; other compressions aren't stored.
_COMPRESSION = "ZIP_DEFLATED"
#: What Ansible appends to the name of a module that is built without a debugger.
_NO_DEBUGGER = "none"
#: What decides how a module is built, beside its files.
_BUILDERS = ("release.py", "executor/module_common.py")
#: Begins a file of bytecode; no file of Python begins with it. `bytecode_target.py` has
#: it, too.
_BYTECODE = b"\xff"
#: Starts a module again in another Python, which the bytecode isn't for.
_RESPAWN = "ansible/module_utils/common/respawn.py"


def install(write: Write) -> None:
    """Let the Ansible of this process use and store built modules.

    Raises:
        ImportError: This ansible-core has another structure.
        AttributeError: The same.
    """
    from ansible.executor import module_common

    build = module_common._find_module_utils

    def find_module_utils(*args: Any, **arguments: Any) -> Any:
        missing = None
        # Ansible can do without what is stored, so nothing of it fails a task. Before
        # 2.19, Ansible calls this without names, and keeps modules in another format.
        with suppress(Exception):
            module = find(arguments["module_path"], arguments["module_compression"])
            missing = None if module is None or module.provide() else module
        try:
            return build(*args, **arguments)
        finally:
            # If Ansible first has to find the Python of a host, it raises an exception
            # after it has built the module, and calls this again.
            if missing is not None and not sys.dont_write_bytecode:
                with suppress(Exception):
                    missing.store(write)

    module_common._find_module_utils = find_module_utils


@dataclass(frozen=True)
class _Header:
    """The first line of a stored module."""

    #: The digest of what follows the line.
    digest: str
    #: The digest of the archive that Ansible sends, in Base64.
    archive: str
    #: The bytes of the module as Ansible keeps it; the rest is bytecode.
    size: int
    #: The path, size and time of each file of which the module was made.
    files: list[Any]


@dataclass(frozen=True)
class CoreModule:
    """A module of ansible-core."""

    #: The file of its source.
    source: str
    #: Where Ansible has it during a run.
    cached: str
    #: Where it is stored.
    stored: str

    def provide(self) -> bool:
        """Give the stored module to Ansible; return whether Ansible has it built."""
        if os.path.exists(self.cached):
            return True
        built = self.read()
        if not built:
            return False
        draft = f"{self.cached}.{os.getpid()}"
        os.makedirs(os.path.dirname(draft), exist_ok=True)
        with open(draft, "wb") as file:
            file.write(built)
        os.replace(draft, self.cached)
        return True

    def read(self) -> bytes:
        """Return the module as Ansible keeps it; nothing if it isn't stored."""
        try:
            header, content = self._load()
            is_current = all(
                _state(path) == [size, time] for path, size, time in header.files
            )
        except (OSError, ValueError, TypeError):
            return b""
        return content[: header.size] if is_current else b""

    def bytecode(self, archive: bytes) -> bytes:
        """Return the stored bytecode of the module with this archive.

        Args:
            archive: What Ansible sends, in Base64.

        Returns:
            An archive, compressed by zlib; nothing if none is stored.
        """
        try:
            header, content = self._load()
        except (OSError, ValueError, TypeError):
            return b""
        return content[header.size :] if header.archive == _digest(archive) else b""

    def store(self, write: Write) -> None:
        """Store the module that Ansible has built, if it may be used by other runs."""
        try:
            with open(self.cached, "rb") as file:
                built = file.read()
            # Ansible itself has written it in this run.
            archive = pickle.loads(built).zip_data  # noqa: S301
            with zipfile.ZipFile(io.BytesIO(base64.b64decode(archive))) as files:
                states = [[path, *_state(path)] for path in self._files(files)]
                content = built + _compile(files)
            os.makedirs(os.path.dirname(self.stored), exist_ok=True)
        except (OSError, _Foreign):
            return
        header = _Header(_digest(content), _digest(archive), len(built), states)
        write(self.stored, json.dumps(asdict(header)).encode() + b"\n" + content)

    def _load(self) -> tuple[_Header, bytes]:
        """Return the header of the file, and what follows it.

        Raises:
            OSError, ValueError, TypeError: There is no such file, or it is damaged.
        """
        with open(self.stored, "rb") as file:
            header = _Header(**json.loads(file.readline()))
            content = file.read()
        if header.digest != _digest(content):
            raise ValueError("the file is damaged")
        return header, content

    def _files(self, archive: zipfile.ZipFile) -> Iterator[str]:
        """Yield the files of which it was made. Raises _Foreign."""
        folder = _folder()
        yield self.source
        yield from (os.path.join(folder, *name.split("/")) for name in _BUILDERS)
        for name in archive.namelist():
            path = os.path.join(os.path.dirname(folder), *name.split("/"))
            if archive.read(name) == _read(path):
                yield path
            elif os.path.basename(name) != "__init__.py":
                # Ansible generates some of these.
                raise _Foreign


class _Foreign(Exception):
    """A module contains a file that isn't one of ansible-core."""


def find(path: str, compression: str = _COMPRESSION) -> CoreModule | None:
    """Return the module with a source file; None if it can't be stored."""
    from ansible import constants
    from ansible.executor import module_common
    from ansible.plugins.loader import module_utils_loader

    folder = os.path.join(_folder(), "modules")
    if compression != _COMPRESSION or os.path.dirname(path) != folder:
        return None
    core = os.path.realpath(module_common._MODULE_UTILS_PATH)
    searched = module_utils_loader._get_paths(subdirs=False)
    if any(os.path.realpath(each) != core and os.path.isdir(each) for each in searched):
        return None
    name = module_common._get_ansible_module_fqn(path)
    file = f"{name}-{compression}-{_NO_DEBUGGER}"
    cached = os.path.join(constants.DEFAULT_LOCAL_TMP, "ansiballz_cache", file)
    compiled = importlib.util.cache_from_source(path)
    return CoreModule(path, cached, f"{compiled.removesuffix('.pyc')}.built")


def bytecode(name: str, archive: bytes) -> bytes:
    """Return the bytecode of a module that is called `name`: `CoreModule.bytecode`."""
    module = find(os.path.join(_folder(), "modules", f"{name}.py"))
    return b"" if module is None else module.bytecode(archive)


def build_all(write: Write) -> Iterator[str]:
    """Build the modules that aren't stored or are outdated; yield their paths.

    It needs some seconds. Raises ImportError and AttributeError, as `install` does.
    """
    from ansible.executor import module_common
    from ansible.parsing.dataloader import DataLoader
    from ansible.plugins.loader import init_plugin_loader
    from ansible.template import Templar

    init_plugin_loader()
    variables = {"ansible_python_interpreter": sys.executable}
    templar = Templar(DataLoader(), variables)
    # Most files belong to most modules, and Ansible would parse them for each.
    module_common.compile = cache(compile)
    folder = os.path.join(_folder(), "modules")
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        module = find(path) if name.endswith(".py") and name[0] != "_" else None
        if module is None or module.read():
            continue
        module_common.modify_module(
            module_name=f"ansible.builtin.{name.removesuffix('.py')}", module_path=path,
            module_args={}, templar=templar, task_vars=variables,
            module_compression=_COMPRESSION,
        )  # fmt: skip
        module.store(write)
        # One that can't be stored changes nothing, so it isn't reported.
        if module.read():
            yield path


def _compile(archive: zipfile.ZipFile) -> bytes:
    """Return an archive with the bytecode of the files, under the same names.

    The result is compressed as a whole, which is smaller. It is empty if the module may
    run in another Python than the one that gets it.
    """
    names = archive.namelist()
    if _RESPAWN in names:
        return b""
    compiled = io.BytesIO()
    with zipfile.ZipFile(compiled, "w") as files:
        for name in names:
            content = _compile_file(name, archive.read(name))
            files.writestr(zipfile.ZipInfo(name), content)
    return zlib.compress(compiled.getvalue())


@cache
def _compile_file(name: str, source: bytes) -> bytes:
    """Return the bytecode of a file, of which most modules have the same."""
    code = compile(source, name, "exec", dont_inherit=True, optimize=0)
    return _BYTECODE + marshal.dumps(code)


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _state(path: str) -> list[int]:
    """Return the size and the time of a file. Raises OSError."""
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns]


def _read(path: str) -> bytes | None:
    with suppress(OSError), open(path, "rb") as file:
        return file.read()
    return None


def _folder() -> str:
    import ansible

    return os.path.dirname(ansible.__file__ or "")
