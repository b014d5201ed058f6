"""The state of the folder that a service runs from, as `app/project.py` finds it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.runner.asking_options import AskingOption
from app.runner.prompts import Prompt


class RequirementKind(StrEnum):
    """The kinds of content that `ansible-galaxy` installs."""

    #: A collection, by its full name.
    COLLECTION = "collection"
    #: A role, by the name of its folder.
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class MissingRequirements:
    """Requirements of a requirements file that the run would not find."""

    kind: RequirementKind
    #: The requirements file, relative to the folder.
    file: str
    missing: tuple[str, ...]
    #: The command that installs all of the file.
    install: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """The runner's error about the files of a service."""

    sentence: str
    #: The key that names the file; empty if it is about the folder.
    key: str = ""


@dataclass(frozen=True, slots=True)
class Project:
    """The folder of a service, as its run would see it."""

    #: The runner's errors about files that config.json names.
    refusals: tuple[Refusal, ...] = ()
    #: The deploy script, if it exists but isn't executable.
    not_executable: Path | None = None
    #: The prompts for input in the playbook.
    prompts: tuple[Prompt, ...] = ()
    #: The settings of ansible.cfg that make Ansible ask for passwords.
    asking_options: tuple[AskingOption, ...] = ()
    requirements: tuple[MissingRequirements, ...] = ()
    #: Missing vault password files that ansible.cfg names.
    missing_vault_files: tuple[Path, ...] = ()
    #: The settings that keep Ansible from checking host keys, in ansible.cfg and in
    #: variables of the inventory.
    unchecked_host_keys: tuple[str, ...] = ()
    #: The values of host_key_checking in ansible.cfg that are not booleans.
    not_booleans: tuple[str, ...] = ()
