"""Refuse playbooks with prompts: nobody can answer them in a deployment.

If standard input isn't a terminal, Ansible doesn't stop at a prompt: a variable of
`vars_prompt` becomes null and `pause` continues. So the run is refused.
"""

import os
import stat
import sys
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .errors import RunnerError

#: A file with a prompt contains one of these words.
_WORDS = (b"pause", b"vars_prompt")
_SUFFIXES = frozenset({"", ".json", ".yaml", ".yml"})
#: Folders without tasks of the project, which may contain many files.
_SKIPPED = frozenset({"collections", "files", "node_modules", "templates"})
#: Files and folders to search for the words; beyond it, the exact scan is cheaper.
_MOST = 1000
#: The maximum number of bytes that are read from a file.
MAX_SIZE = 1024 * 1024


@dataclass(frozen=True)
class Prompt:
    """A prompt in a playbook; `place` is `file:line`."""

    place: str
    #: The variable of `vars_prompt`; empty for the module `pause`.
    variable: str = ""

    def __str__(self) -> str:
        """Describe the prompt and what to use instead."""
        if self.variable:
            return (
                f'{self.place} asks for "{self.variable}" (vars_prompt), and nobody '
                f'can answer in a deployment: declare "{self.variable}" under '
                '"variables", as required or with a default.'
            )
        return (
            f"{self.place} pauses until somebody answers, and nobody can in a "
            'deployment: give pause "seconds" or "minutes", or declare a variable '
            'under "variables" and check it by ansible.builtin.assert.'
        )


def unanswered(prompts: Iterable[Prompt], given: Container[str]) -> list[Prompt]:
    """Return the prompts for other variables than the given ones.

    Ansible doesn't prompt for a variable that is given as an extra variable.
    """
    return [each for each in prompts if each.variable not in given]


def require_none(folder: Path, playbook: Path, given: Container[str]) -> None:
    """Require that the playbook prompts for nothing but the `given` variables.

    Files that can't be read or are named by a template are not checked.

    Raises:
        RunnerError: There is such a prompt, or PyYAML is not installed.
    """
    if not _may_ask(folder, playbook):
        return
    try:
        # PyYAML is imported only where a file mentions a prompt: it costs 15 ms.
        from . import prompt_scan  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise RunnerError(
            f"{sys.executable} has no module {error.name}: install ansible-core there."
        ) from None
    for prompt in unanswered(prompt_scan.find(folder, playbook), given):
        raise RunnerError(str(prompt))


def read(path: Path) -> bytes:
    """Read a regular file up to MAX_SIZE; empty if it isn't one or can't be read."""
    try:
        # Opening a FIFO would block until it has a writer.
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
    """Yield every folder of a project, and every file that may contain tasks."""
    for place, folders, files in os.walk(folder, followlinks=True):
        folders[:] = [f for f in folders if f not in _SKIPPED and f[0] != "."]
        here = Path(place)
        yield here
        yield from (here / f for f in files if Path(f).suffix in _SUFFIXES)
