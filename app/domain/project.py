"""What was seen of the folder that a service is run from; `app/project.py` looks."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.runner.prompts import Prompt


class RequirementKind(StrEnum):
    """What `ansible-galaxy` installs."""

    #: A collection, by its full name.
    COLLECTION = "collection"
    #: A role, by the name of its folder.
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class Required:
    """What a requirements file asks for and the run would not find."""

    kind: RequirementKind
    #: The requirements file, relative to the folder.
    file: str
    missing: tuple[str, ...]
    #: The command that installs all of the file.
    install: str


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of a service, as its run would find it."""

    #: Why the runner would refuse a file that config.json names, in its own words.
    refusals: tuple[str, ...] = ()
    #: The deploy script, if it is there and nobody may execute it.
    not_executable: Path | None = None
    #: Everything in the playbook that would ask somebody.
    prompts: tuple[Prompt, ...] = ()
    requirements: tuple[Required, ...] = ()
    #: Files with vault passwords that ansible.cfg names and that are missing.
    missing_vault_files: tuple[Path, ...] = ()
