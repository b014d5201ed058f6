"""Compute what identifies the syntax check of a playbook.

Two checks with the same key have the same result. The key is a hash of the content that
Ansible reads, of what the service adds to it, and of the version of Ansible.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from app.domain.service import Service

#: Part of each key: increase it if the same content has to be checked again.
_FORMAT = 1
#: The files that can affect whether Ansible loads a playbook.
_SUFFIXES = frozenset({"", ".cfg", ".json", ".ps1", ".py", ".yaml", ".yml"})
#: The maximum number of files of a folder that are part of its digest.
_MOST = 200_000


class SyntaxCheckKeys:
    """Makes the keys of the services in one folder.

    Args:
        folder: The folder with the content.
        commit: The commit in it; empty for a plain folder, whose files are compared by
            size and time of change.
        requirements: What the project requires, as JSON can represent it.
    """

    def __init__(
        self, folder: Path, commit: str = "", requirements: Any = None
    ) -> None:
        self._common = [
            _FORMAT,
            _ansible_core(),
            str(folder),
            commit or _digest(folder),
            requirements,
        ]

    def key(self, service: Service) -> str:
        """Return the key of a service's playbook; empty if FastDeploy can't check it.

        A registered service runs as another user, from a folder that FastDeploy can't
        read.
        """
        if not service.playbook or service.registration:
            return ""
        content = [
            *self._common,
            service.playbook,
            sorted(service.environment.items()),
            service.fixed_variables,
            service.variables,
            service.sops_files,
            service.credentials,
            service.refs,
        ]
        text = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()


def _ansible_core() -> str:
    try:
        return version("ansible-core")
    except PackageNotFoundError:
        return ""


def _digest(folder: Path) -> str:
    """Return a hash of the names, sizes and times of the files of a folder.

    The times are those of the last change, which a program can't set.
    """
    digest = hashlib.sha256()
    for path, state in islice(_files(folder), _MOST):
        about = f"{state.st_size} {state.st_ctime_ns} {state.st_mode}"
        digest.update(os.fsencode(path) + b"\0" + about.encode() + b"\n")
    return digest.hexdigest()


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    for place, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if path.suffix in _SUFFIXES:
                with suppress(OSError):
                    yield path, path.stat()
