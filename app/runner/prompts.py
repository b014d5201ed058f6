"""Prompts of a playbook: in a deployment there is nobody who could answer them.

Ansible doesn't stop at a prompt whose standard input isn't a terminal: a variable of
`vars_prompt` becomes null and `pause` goes on. So what would ask isn't run.
"""

import importlib
import os
import stat
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import RunnerError

#: What a file says that may ask something.
_WORDS = (b"pause", b"vars_prompt")
_SUFFIXES = frozenset({"", ".json", ".yaml", ".yml"})
#: Folders that hold no tasks of the project, and may hold very many files.
_SKIPPED = frozenset({"collections", "files", "node_modules", "templates"})
#: Files and folders that are looked at before the exact search is cheaper.
_MOST = 1000
#: Bytes of a file that are read.
MAX_SIZE = 1024 * 1024


@dataclass(frozen=True)
class Prompt:
    """A place in a playbook that asks a person, as `file:line`."""

    place: str
    #: The variable of `vars_prompt`; empty for the module `pause`.
    variable: str = ""

    def __str__(self) -> str:
        """Say what asks, and what to do instead."""
        if self.variable:
            return (
                f'{self.place} asks for "{self.variable}" (vars_prompt), and nobody '
                f'can answer in a deployment: declare "{self.variable}" under '
                '"variables" in config.json, as required or with a default.'
            )
        return (
            f"{self.place} pauses until somebody answers, and nobody can in a "
            'deployment: give pause "seconds" or "minutes", or declare a variable '
            'under "variables" in config.json and check it by ansible.builtin.assert.'
        )


def unanswered(prompts: Iterable[Prompt], given: Container[str]) -> list[Prompt]:
    """Return what would ask; Ansible doesn't ask for a given extra variable."""
    return [each for each in prompts if each.variable not in given]


def require_none(folder: Path, playbook: Path, given: Container[str]) -> None:
    """Raise Refused if the playbook would ask for anything but the `given` variables.

    What can't be read, and what only a template names, is left out.
    """
    if not _may_ask(folder, playbook):
        return
    try:
        # PyYAML is imported only where a file mentions a prompt: it costs 15 ms.
        scan = importlib.import_module(f"{__package__}.prompt_scan")
    except ModuleNotFoundError:
        # Without PyYAML there is no ansible-runner, and the run is refused for that.
        return
    for prompt in unanswered(scan.find(folder, playbook), given):
        raise RunnerError(str(prompt))


def read(path: Path) -> bytes:
    """Read a regular file up to MAX_SIZE; empty if it isn't one or can't be read."""
    try:
        # To open a pipe would be to wait for its writer.
        if not stat.S_ISREG(path.stat().st_mode):
            return b""
        with path.open("rb") as file:
            return file.read(MAX_SIZE)
    except (OSError, ValueError):
        return b""


def _may_ask(folder: Path, playbook: Path) -> bool:
    for number, path in enumerate((playbook, *_sources(folder))):
        if number > _MOST or any(word in read(path) for word in _WORDS):
            return True
    return False


def _sources(folder: Path) -> Iterator[Path]:
    """Every folder of a project, and every file that may hold tasks."""
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [f for f in folders if f not in _SKIPPED and f[0] != "."]
        here = Path(place)
        yield here
        yield from (here / f for f in files if Path(f).suffix in _SUFFIXES)
