"""Find what a playbook asks for, and refuse what nobody can answer in a deployment.

If standard input isn't a terminal, Ansible doesn't stop at a prompt: a variable of
`vars_prompt` becomes its default or null, and `pause` continues. So each variable is
asked for at the launch instead, and a run without an answer is refused.
"""

import os
import re
import stat
import sys
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .definition import Definition
from .errors import RunnerError

#: The names of variables that a launch can set.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

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
    #: The question; empty if there is none, or a template.
    question: str = ""
    #: Whether Ansible answers an empty input itself.
    has_default: bool = False
    #: The default as Ansible would set it; None if only a run knows it.
    default: str | None = None
    #: Whether a terminal doesn't show what is typed.
    private: bool = True
    #: Whether it has to be typed twice.
    confirm: bool = False
    #: Whether Ansible hashes what is typed.
    encrypt: bool = False

    @property
    def is_declarable(self) -> bool:
        """Whether a launch can ask for the variable."""
        return bool(VARIABLE.fullmatch(self.variable)) and not self.encrypt

    def __str__(self) -> str:
        """Describe the prompt and what to use instead."""
        if self.encrypt:
            return (
                f'{self.place} asks for "{self.variable}" and hashes the answer '
                '(vars_prompt with "encrypt"), which Ansible leaves out for a value '
                'that a launch sets: remove "encrypt", and use the filter '
                "password_hash where the variable is used."
            )
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


def unanswered(
    prompts: Iterable[Prompt], given: Container[str], fixed: Container[str]
) -> list[Prompt]:
    """Return the prompts that nothing answers as a person at a terminal would.

    Args:
        prompts: The prompts of a playbook.
        given: The extra variables of a run: Ansible doesn't prompt for them.
        fixed: Those among them that the service's author sets, hashed if need be.
    """
    return [
        each
        for each in prompts
        if each.variable not in (fixed if each.encrypt else given)
        and (each.encrypt or not each.has_default)
    ]


def find(folder: Path, playbook: Path) -> list[Prompt]:
    """Return the prompts of a playbook.

    Files that can't be read or are named by a template are not searched.

    Raises:
        RunnerError: A file mentions a prompt, and PyYAML is not installed.
    """
    if not _may_ask(folder, playbook):
        return []
    try:
        # PyYAML is imported only where a file mentions a prompt: it costs 15 ms.
        from . import prompt_scan  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise RunnerError(
            f"{sys.executable} has no module {error.name}: install ansible-core there."
        ) from None
    return prompt_scan.find(folder, playbook)


def declare(definition: Definition, found: Iterable[Prompt]) -> Definition:
    """Return the definition with the variables that a launch may set for prompts.

    The values of encrypted files aren't known yet, so a service with such files
    declares each variable itself.
    """
    if definition.sops_files:
        return definition
    asked: dict[str, Any] = {
        each.variable: {}
        for each in found
        if each.is_declarable and each.variable not in definition.fixed_variables
    }
    return replace(definition, properties={**asked, **definition.properties})


def require_answers(
    found: Iterable[Prompt], given: Container[str], fixed: Container[str]
) -> None:
    """Require that nothing in a playbook waits for an answer; see `unanswered`.

    Raises:
        RunnerError: There is such a prompt.
    """
    for prompt in unanswered(found, given, fixed):
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
